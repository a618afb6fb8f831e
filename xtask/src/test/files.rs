//! Files over the end of a machine's run: what was written is there when it is started anew, and when the host looks.

use std::fs::File;
use std::ops::Range;

use fakefs::layout::{DATA_START, TABLE_BLOCKS, TABLE_STARTS};

use super::disk_faults::DiskFault;
use super::guest::{Boot, Case, Outcome};
use super::report::Verdict;
use super::scenarios::{self, Judge};
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
    cases.into_iter().map(case).chain(shutdowns()).collect()
}

/// Machines that can hardly save their files, or not at all.
fn shutdowns() -> impl Iterator<Item = Case> {
    let log = || vec![("log", Vec::new())];
    let appended = |name: &str| Boot { files: log(), ..Boot::new(name, &["assist", "append", "log", "3000", "20"]) };
    let exhausted = Boot::new("files_are_saved_when_the_kernel_has_no_frame_left", &["assist", "save-without-memory"])
        .again(&["assist", "find-saved"]);
    let unsaved = Boot {
        disk_faults: vec![DiskFault::write_blocks(TABLES)],
        inspect: Some(log_is_empty),
        ..appended("shutdown_says_which_files_the_disk_does_not_take")
    };
    // The driver tries twice. Either copy of the table may come first.
    let twice = |block: u32| {
        [DiskFault::write_blocks(block..block + 1).once(), DiskFault::write_blocks(block..block + 1).once()]
    };
    let later = Boot {
        disk_faults: [twice(TABLES.start), twice(TABLES.start + TABLE_BLOCKS)].concat(),
        ..appended("shutdown_tries_again_when_the_disk_does_not_take_files")
    };
    let judged: [(Boot, Judge); 3] = [
        (exhausted, |outcome| outcome.expect_status(0)),
        (unsaved, |outcome| outcome.expect_lost(&["log"]).and_then(|()| outcome.disk.clone())),
        (later.again(&["assist", "find-log"]), |outcome| {
            outcome.expect_text("trying again")?;
            outcome.expect_status(0)
        }),
    ];
    judged.into_iter().map(|(boot, judge)| scenarios::case("files", boot, judge))
}

/// The blocks of both copies of the table of files.
const TABLES: Range<u32> = TABLE_STARTS[0]..DATA_START;

/// The disk has the file as it was when the machine was made.
fn log_is_empty(image: &mut File) -> Verdict {
    let volume = image::mount(image).map_err(|error| format!("the file system is not sound: {error:#}"))?;
    match volume.files().lookup("log").map(|id| volume.files().len_bytes(id)) {
        Some(Ok(0)) => Ok(()),
        other => Err(format!("`log` has {other:?} bytes on the disk")),
    }
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
    let mut volume = image::mount(image).map_err(|error| format!("the file system is not sound: {error:#}"))?;
    for (name, seed) in LEFT {
        let id = volume.files().lookup(name).ok_or_else(|| format!("`{name}` is not on the disk"))?;
        let mut found = vec![0; LEFT_WORDS as usize * 4 + 1];
        let len = volume.read_at(id, 0, &mut found).map_err(|error| error.to_string())?;
        let expected: Vec<u8> = (0..LEFT_WORDS).flat_map(|index| pattern(seed, index).to_le_bytes()).collect();
        if found[..len] != expected {
            return Err(format!("`{name}` holds other bytes on the disk"));
        }
    }
    match volume.files().entries().find(|entry| entry.name.starts_with("removed")) {
        Some(entry) => Err(format!("`{}` is still there", entry.name)),
        None => Ok(()),
    }
}

/// As `tests::fill` does in the guest.
const fn pattern(seed: u32, index: u32) -> u32 {
    (seed ^ index.wrapping_mul(0x9E37_79B1)).wrapping_mul(0x85EB_CA77) ^ index
}
