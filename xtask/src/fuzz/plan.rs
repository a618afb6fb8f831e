//! Which batches are booted.

use std::fmt;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::cli::Emulator;

/// What is made at random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Kind {
    /// Calls of the kernel
    Calls,
    /// Programs of random machine code
    Code,
    /// Program files with mistakes in them
    Elf,
    /// Damaged disk images, and disks after a power cut
    Disk,
    /// All of these, one after the other
    All,
}

impl Kind {
    /// Every kind that has cases of its own.
    pub const EACH: [Self; 4] = [Self::Calls, Self::Code, Self::Elf, Self::Disk];

    /// The word for it, on the command line and in the guest.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Code => "code",
            Self::Elf => "elf",
            Self::Disk => "disk",
            Self::All => "all",
        }
    }

    /// The number of cases of one batch: it takes about 20 seconds on a host that does nothing else.
    const fn batch_size(self, emulator: Emulator) -> u64 {
        let in_qemu = match self {
            Self::Calls => 240_000,
            Self::Code => 9600,
            Self::Elf | Self::All => 4800,
            Self::Disk => 4096,
        };
        match emulator {
            Emulator::Qemu => in_qemu,
            Emulator::Bochs => in_qemu / SLOWER_IN_BOCHS,
        }
    }
}

/// Bochs takes about so many times as long for the same cases.
const SLOWER_IN_BOCHS: u64 = 10;

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The kinds that are wanted, each once, in order.
pub fn chosen(kinds: &[Kind]) -> Vec<Kind> {
    let wants = |kind: &Kind| kinds.is_empty() || kinds.contains(kind) || kinds.contains(&Kind::All);
    Kind::EACH.into_iter().filter(wants).collect()
}

/// How much is wanted of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// As many cases as run in this time.
    Time(Duration),
    /// This number of cases.
    Cases(u64),
}

/// Cases that run on one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// What they are.
    pub kind: Kind,
    /// What they and their machine follow from.
    pub seed: u64,
    /// The number of the first.
    pub first: u64,
    /// The number of cases.
    pub count: u64,
    /// The machine may be switched off from then on.
    pub until: Option<Instant>,
    /// What the machine runs in.
    pub emulator: Emulator,
}

impl Batch {
    /// The command that boots the same batch, or a part of it, again.
    pub fn command(&self, first: u64, count: u64) -> String {
        let Self { kind, seed, .. } = self;
        let first = if first > 0 { format!(" --first {first}") } else { String::new() };
        let emulator = match self.emulator {
            Emulator::Qemu => "",
            Emulator::Bochs => " --emulator bochs",
        };
        format!("cargo xtask fuzz {kind}{emulator} --seed {seed}{first} --calls {count}")
    }
}

/// The batches of one kind, in order. Each has a seed of its own.
#[derive(Clone, Debug)]
pub struct Plan {
    kind: Kind,
    seed: u64,
    first: u64,
    left: u64,
    until: Option<Instant>,
    emulator: Emulator,
}

impl Plan {
    /// The batches of this kind, from case `first` of the first batch on.
    pub fn new(kind: Kind, seed: u64, first: u64, amount: Amount) -> Self {
        let (left, until) = match amount {
            Amount::Time(time) => (u64::MAX, Some(Instant::now() + time)),
            Amount::Cases(cases) => (cases, None),
        };
        Self { kind, seed, first, left, until, emulator: Emulator::Qemu }
    }

    /// The same batches on machines in this emulator, as many as it takes there.
    pub const fn in_emulator(self, emulator: Emulator) -> Self {
        Self { emulator, ..self }
    }

    /// The kind.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The number of cases, if it is known.
    pub fn cases(&self) -> Option<u64> {
        self.until.is_none().then_some(self.left)
    }

    /// How long the batches are to take, if that is known.
    pub fn time(&self) -> Option<Duration> {
        self.until.map(|until| until.saturating_duration_since(Instant::now()))
    }
}

impl Iterator for Plan {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        let is_over = self.until.is_some_and(|until| Instant::now() >= until);
        // Cases that begin elsewhere than at 0 are a part of a batch that is booted again.
        let size = if self.first > 0 { u64::MAX } else { self.kind.batch_size(self.emulator) };
        let count = self.left.min(size);
        if is_over || count == 0 {
            return None;
        }
        let Self { kind, seed, first, until, emulator, .. } = *self;
        let batch = Batch { kind, seed, first, count, until, emulator };
        self.left -= count;
        self.seed = self.seed.wrapping_add(1);
        Some(batch)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;

    use super::{Amount, Batch, Kind, Plan, chosen};
    use crate::cli::{Cli, Command, Emulator};

    fn batches(kind: Kind, seed: u64, first: u64, cases: u64) -> Vec<Batch> {
        batches_in(Emulator::Qemu, kind, seed, first, cases)
    }

    fn batches_in(emulator: Emulator, kind: Kind, seed: u64, first: u64, cases: u64) -> Vec<Batch> {
        Plan::new(kind, seed, first, Amount::Cases(cases)).in_emulator(emulator).collect()
    }

    #[test]
    fn cases_are_cut_into_batches_with_a_seed_each() {
        let cut = batches(Kind::Code, 7, 0, 20_000);
        let parts: Vec<_> = cut.iter().map(|batch| (batch.seed, batch.first, batch.count)).collect();
        assert_eq!(parts, [(7, 0, 9600), (8, 0, 9600), (9, 0, 800)]);
        assert!(batches(Kind::Elf, 7, 0, 0).is_empty());
    }

    #[test]
    fn command_of_a_batch_boots_the_same_batch_again() {
        let (qemu, bochs) = (Emulator::Qemu, Emulator::Bochs);
        let wanted = [
            (qemu, 7, 0, 20_000),
            (qemu, u64::MAX, 0, 9601),
            (qemu, 3, 4704, 24),
            (bochs, 7, 0, 2000),
            (bochs, 3, 48, 24),
        ];
        for (emulator, seed, first, cases) in wanted {
            for batch in batches_in(emulator, Kind::Code, seed, first, cases) {
                let line = batch.command(batch.first, batch.count);
                let words = line.split(' ').skip(1);
                let Command::Fuzz(options) = Cli::parse_from(words).command else { panic!("{line}") };
                let again = batches_in(
                    options.emulator,
                    options.kinds[0],
                    options.seed.unwrap(),
                    options.first.unwrap_or(0),
                    options.calls.unwrap(),
                );
                assert_eq!(again, [batch], "{line}");
            }
        }
    }

    #[test]
    fn kinds_are_taken_once_and_in_order() {
        assert_eq!(chosen(&[]), Kind::EACH);
        assert_eq!(chosen(&[Kind::All, Kind::Code]), Kind::EACH);
        assert_eq!(chosen(&[Kind::Elf, Kind::Calls, Kind::Elf]), [Kind::Calls, Kind::Elf]);
    }

    #[test]
    fn no_batch_begins_once_the_time_is_up() {
        assert_eq!(Plan::new(Kind::Calls, 1, 0, Amount::Time(Duration::ZERO)).next(), None);
        let mut plan = Plan::new(Kind::Calls, 1, 0, Amount::Time(Duration::from_secs(1000)));
        assert_eq!((plan.next().map(|batch| batch.count), plan.cases()), (Some(240_000), None));
    }
}
