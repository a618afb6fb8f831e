//! Looks at a machine's console while it runs: how far it is, and whether it still goes on.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::plan::Batch;
use super::progress::Progress;
use crate::machine::Spectator;

/// A machine that shows nothing for so long hangs. The longest part without a line takes a few seconds on a quiet host.
const PATIENCE: Duration = Duration::from_secs(240);
/// Between two looks no more than this counts: the host may have been asleep.
const LOOK_MAX: Duration = Duration::from_secs(1);

/// How far one machine is.
#[derive(Debug)]
pub struct Watch {
    progress: Progress,
    until: Option<Instant>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Bytes of the output that were looked at.
    seen: usize,
    /// Cases that have run to their end.
    done: u64,
    /// For how long there has been no output.
    quiet: Duration,
    /// When the machine was looked at last.
    looked: Instant,
}

impl Watch {
    /// Nothing was shown yet.
    pub fn new(batch: &Batch, progress: Progress) -> Self {
        let state = State { seen: 0, done: 0, quiet: Duration::ZERO, looked: Instant::now() };
        Self { progress, until: batch.until, state: Mutex::new(state) }
    }

    /// The number of cases that have run to their end.
    pub fn done(&self) -> u64 {
        self.state.lock().map_or(0, |state| state.done)
    }

    /// The machine has shown nothing for so long that it hangs.
    pub fn is_stuck(&self) -> bool {
        self.state.lock().is_ok_and(|state| state.quiet >= PATIENCE)
    }

    /// So much time has passed without output, as far as it counts.
    fn pass(&self, time: Duration) {
        if let Ok(mut state) = self.state.lock() {
            state.quiet += time.min(LOOK_MAX);
        }
    }
}

impl Spectator for Watch {
    fn shown(&self, all: &[u8]) {
        let Ok(mut state) = self.state.lock() else { return };
        state.quiet = Duration::ZERO;
        // A line counts once it is complete.
        let end = all.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let new = String::from_utf8_lossy(all.get(state.seen..end).unwrap_or_default());
        if let Some(done) = new.lines().filter_map(done_in).next_back() {
            self.progress.advance(done.saturating_sub(state.done));
            state.done = done;
        }
        state.seen = state.seen.max(end);
    }

    fn wants_an_end(&self) -> bool {
        let now = Instant::now();
        let before = self.state.lock().map_or(now, |mut state| std::mem::replace(&mut state.looked, now));
        self.pass(now - before);
        self.is_stuck() || self.until.is_some_and(|until| Instant::now() >= until)
    }
}

/// The number of cases that are done, if the line says it.
fn done_in(line: &str) -> Option<u64> {
    line.strip_prefix("fuzz: done ")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Watch;
    use crate::cli::Emulator;
    use crate::fuzz::plan::{Batch, Kind};
    use crate::fuzz::progress::Progress;
    use crate::machine::Spectator;

    fn watch(until: Option<Instant>) -> Watch {
        let batch = Batch { kind: Kind::Code, seed: 1, first: 0, count: 960, until, emulator: Emulator::Qemu };
        Watch::new(&batch, Progress::silent())
    }

    #[test]
    fn cases_are_counted_once_their_line_is_complete() {
        let watch = watch(None);
        let output = b"fuzz: from 0\nfuzz: done 480\nfuzz: done 960\n";
        let counts: Vec<u64> = [10, 27, 28, 40, 43]
            .map(|len| {
                watch.shown(&output[..len]);
                watch.done()
            })
            .into();
        assert_eq!(counts, [0, 0, 480, 480, 960]);
    }

    #[test]
    fn machine_that_shows_nothing_hangs_but_not_because_its_host_was_asleep() {
        let watch = watch(None);
        watch.pass(Duration::from_secs(100_000));
        assert!(!watch.is_stuck());
        (0..239).for_each(|_| watch.pass(Duration::from_secs(1)));
        assert!(watch.is_stuck() && watch.wants_an_end());
        watch.shown(b"fuzz: at 0\n");
        assert!(!watch.is_stuck());
    }

    #[test]
    fn machine_ends_when_the_time_is_up() {
        assert!(watch(Some(Instant::now())).wants_an_end());
        assert!(!watch(None).wants_an_end() && !watch(None).is_stuck());
    }
}
