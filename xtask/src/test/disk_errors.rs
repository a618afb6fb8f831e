//! Machines whose disk fails.

use anyhow::Result;

use super::disk_faults::DiskFault;
use super::guest::{Boot, Case, Outcome};
use super::report::Verdict;
use crate::build::Guest;

/// Pages of the files that fail, and which of them does.
const PAGES: usize = 40;
const BAD_PAGE: u32 = 10;

/// Slots that can be written but not read. There are so many that each is handed out once: the process that gets them has several hundred pages.
const LOST_SLOTS: std::ops::Range<u32> = 250..253;
/// Slots that cannot be written. They come behind those that are used before.
const BAD_SLOTS: std::ops::Range<u32> = 800..806;

/// A judge of one test.
type Judge = fn(&Outcome) -> Verdict;

/// The machine of `test-disk-errors`: its disk fails wherever a test wants it to.
///
/// # Errors
/// If a program cannot be read.
pub fn machine(boot: Boot, guest: &Guest) -> Result<Boot> {
    let program = std::fs::read(guest.program("hello")?)?;
    let text_pages = u32::try_from(program.len())?.div_ceil(4096);
    let pages: Vec<u8> = (0..PAGES).flat_map(|page| [(page + 1).to_le_bytes()[0]; 4096]).collect();
    let mut boot = boot.frames(96).swap(32).option("policy=fifo").option("check=50");
    boot.files = vec![("headless", program.clone()), ("textless", program)];
    boot.files.extend(["once", "unreadable", "unwritable", "stubborn"].map(|name| (name, pages.clone())));
    boot.files.push(("later", pages[..4096].to_vec()));
    boot.lost_files = vec!["stubborn"];
    boot.disk_faults = vec![
        DiskFault::read("swap", LOST_SLOTS),
        DiskFault::write("swap", BAD_SLOTS),
        DiskFault::read("headless", 0..1),
        DiskFault::read("textless", 1..text_pages),
        DiskFault::read("unreadable", BAD_PAGE..BAD_PAGE + 1),
        DiskFault::write("unwritable", BAD_PAGE..BAD_PAGE + 1),
        DiskFault::write("stubborn", 0..40),
        // The driver's first attempt, and its second.
        DiskFault::write("later", 0..1).once(),
        DiskFault::write("later", 0..1).once(),
        DiskFault::read("once", 0..40).once(),
        DiskFault::write("once", 0..40).once(),
    ];
    Ok(boot)
}

/// Whole machines on failing disks.
pub fn cases() -> Vec<Case> {
    let piggies = |name: &str| Boot {
        disk_faults: vec![DiskFault::write("swap", 10..40), DiskFault::write("swap", 100..140).once()],
        ..Boot::new(name, &["piggies", "8", "40", "3"]).frames(64).option("check=50")
    };
    let tables =
        |name: &str, program: &[&str], fault: DiskFault| Boot { disk_faults: vec![fault], ..Boot::new(name, program) };
    let judged: [(Boot, Judge); 5] = [
        (piggies("piggies_outlive_slots_that_cannot_be_written"), verified),
        (piggies("piggies_outlive_slots_that_cannot_be_written_by_programmed_io").option("pio"), verified),
        (tables("an_unreadable_file_system_says_so", &["hello"], DiskFault::read_blocks(0..1)), |outcome| {
            outcome.expect_status(126)?;
            outcome.expect_text("the file system cannot be used")
        }),
        (
            tables(
                "names_that_cannot_be_written_are_refused",
                &["assist", "make-and-remove"],
                DiskFault::write_blocks(1..33),
            ),
            // Nobody knows whether the disk has the file that could not be removed.
            |outcome| outcome.expect_lost(&["hello"]),
        ),
        (
            Boot {
                disk_faults: vec![DiskFault::write_blocks(1..2).once(), DiskFault::write_blocks(17..18).once()],
                ..Boot::new("names_are_written_at_the_second_try", &["assist", "leave"]).again(&["assist", "find"])
            },
            |outcome| outcome.expect_status(0),
        ),
    ];
    judged.map(|(boot, judge)| case(boot, judge)).into()
}

fn case(boot: Boot, judge: Judge) -> Case {
    let names = vec![format!("guest::disk-errors::{}", boot.name)];
    Case { boot, names, judge: Box::new(move |outcome| vec![judge(outcome)]) }
}

fn verified(outcome: &Outcome) -> Verdict {
    outcome.expect_status(0)?;
    outcome.expect_text("8 of 8 piggies verified")
}
