//! Files over the end of a machine's run: what was written is there when it is started anew, and when the host looks.

use std::fs::File;

use super::guest::{Boot, Case, Outcome};
use super::report::Verdict;
use crate::image;

/// What `assist leave` leaves: names and the seeds of their patterns.
const LEFT: [(&str, u32); 5] = [("written", 1), ("mapped", 2), ("held", 5), ("pieces one", 6), ("pieces two", 7)];
const LEFT_WORDS: u32 = 40 * 1024;

/// The machines, with frames to spare and without.
pub fn cases() -> Vec<Case> {
    let boot = |name: &str| Boot {
        inspect: Some(is_all_there),
        ..Boot::new(name, &["assist", "leave"]).again(&["assist", "find"]).option("check=20")
    };
    let cases = [
        boot("what_is_written_is_there_after_a_restart"),
        boot("what_is_written_on_few_frames_is_there_after_a_restart").frames(64),
        boot("what_is_written_by_programmed_io_is_there_after_a_restart").option("pio"),
    ];
    cases.map(case).into()
}

fn case(boot: Boot) -> Case {
    let names = vec![format!("guest::files::{}", boot.name)];
    Case { boot, names, judge: Box::new(|outcome| vec![judge(outcome)]) }
}

fn judge(outcome: &Outcome) -> Verdict {
    outcome.expect_status(0)?;
    outcome.disk.clone()
}

/// The host mounts the file system and finds the same.
fn is_all_there(image: &mut File) -> Verdict {
    let mut files = image::mount(image).map_err(|error| format!("the file system is not sound: {error:#}"))?;
    for (name, seed) in LEFT {
        let id = files.lookup(name).ok_or_else(|| format!("`{name}` is not on the disk"))?;
        let mut found = vec![0; LEFT_WORDS as usize * 4 + 1];
        let len = files.read_at(id, 0, &mut found).map_err(|error| error.to_string())?;
        let expected: Vec<u8> = (0..LEFT_WORDS).flat_map(|index| pattern(seed, index).to_le_bytes()).collect();
        if found[..len] != expected {
            return Err(format!("`{name}` holds other bytes on the disk"));
        }
    }
    match files.entries().find(|entry| entry.name.starts_with("removed")) {
        Some(entry) => Err(format!("`{}` is still there", entry.name)),
        None => Ok(()),
    }
}

/// As `tests::fill` does in the guest.
const fn pattern(seed: u32, index: u32) -> u32 {
    (seed ^ index.wrapping_mul(0x9E37_79B1)).wrapping_mul(0x85EB_CA77) ^ index
}
