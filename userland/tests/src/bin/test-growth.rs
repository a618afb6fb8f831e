//! Files that grow: a reader beside the writer, a writer that is killed, and space that is given back.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use libsys::files::{self, File};
use libsys::memory::PAGE_SIZE;
use libsys::process::{self, Process, ProcessState};
use libsys::test::Verdict;
use libsys::{Error, ExitReason, check, check_eq, system};
use tests::ASSIST;
use tests::written::{contents, value_at};

libsys::tests! {
    reader_beside_an_appender_sees_written_bytes_only,
    killed_appender_leaves_written_bytes_only,
    killed_write_far_past_the_end_leaves_length_and_space,
    killed_write_far_past_the_end_harms_no_other_writer,
    gap_is_there_as_a_whole_or_not_at_all,
    name_is_made_and_removed_by_several_at_once,
}

/// Far past the end of an empty file: so much of the disk that there is room for it once.
const FAR: u32 = 12 << 20;

/// Rounds of a test that has to meet a writer while it fills the gap.
const ROUNDS: u32 = 10;

/// The writer has to wait for the disk while it fills the gap, so that this process runs meanwhile: there are not enough frames.
/// Elsewhere it may be done at once.
fn gap_takes_long() -> Result<bool, Error> {
    Ok(system::info()?.frames_total < FAR / PAGE_SIZE)
}

/// The bytes from `start` on are those that `assist append` writes there.
fn check_bytes(start: u32, bytes: &[u8]) -> Verdict {
    let wrong = (start..).zip(bytes).find(|&(at, &byte)| byte != value_at(at));
    check!(wrong.is_none(), "(place, byte) {wrong:?} of {} bytes from {start} on", bytes.len());
    Ok(())
}

fn has_ended(child: &Process) -> Result<bool, Error> {
    process::info(child.pid()).map(|info| info.state == ProcessState::Ended)
}

/// Pages of files that are in memory, or were written to the disk.
fn pages_used() -> Result<u32, Error> {
    system::info().map(|info| info.frames_files + info.account.file_writes)
}

/// Kills a child that may have ended already.
fn end(child: Process) -> Result<ExitReason, Error> {
    match process::kill(child.pid()) {
        Ok(()) | Err(Error::NoSuchProcess) => child.wait().map(|status| status.reason),
        Err(error) => Err(error),
    }
}

/// Has a child write a byte far past the end of a file, and kills it while it fills the gap. False if it had written the byte by then.
fn kill_write_far(file: &File, name: &str) -> Result<bool, Error> {
    let before = pages_used()?;
    let child = Process::spawn(ASSIST, ["write-far", name, &format!("{FAR}")])?;
    while !has_ended(&child)? && pages_used()? < before + 100 {
        process::yield_now();
    }
    end(child)?;
    Ok(file.len()? <= FAR)
}

fn reader_beside_an_appender_sees_written_bytes_only() -> Verdict {
    let mut file = File::create("read")?;
    let child = Process::spawn(ASSIST, ["append", "read", "3000", "1500"])?;
    let mut buffer = vec![0; 1 << 16];
    let (mut seen, mut looks) = (0, 0u32);
    while !has_ended(&child)? {
        let count = file.read(&mut buffer)?;
        check_bytes(seen, &buffer[..count])?;
        seen += u32::try_from(count)?;
        looks += u32::from(count > 0);
    }
    check_eq!(child.wait()?.reason, ExitReason::Exited(0));
    check!(looks > 3, "the reader has looked {looks} times");
    check_eq!(file.len()?, 3000 * 1500);
    drop(file);
    files::remove("read")?;
    Ok(())
}

fn killed_appender_leaves_written_bytes_only() -> Verdict {
    let mut longest = 0;
    for round in 0..30 {
        drop(File::create("killed")?);
        let child = Process::spawn(ASSIST, ["append", "killed", "3000", "0"])?;
        process::sleep(Duration::from_millis(5 + 2 * round));
        end(child)?;
        let found = contents("killed")?;
        check_bytes(0, &found)?;
        longest = longest.max(found.len());
        files::remove("killed")?;
    }
    check!(longest > 0, "no appender has begun");
    Ok(())
}

fn killed_write_far_past_the_end_leaves_length_and_space() -> Verdict {
    let mut killed = 0;
    for round in 0..ROUNDS {
        let mut file = File::create("far")?;
        file.write_all(&[value_at(0)])?;
        if kill_write_far(&file, "far")? {
            killed += 1;
            check_eq!(file.len()?, 1);
            // There is room for this once.
            let mut other = File::create("other")?;
            other.seek(FAR)?;
            check_eq!(other.write(b"x"), Ok(1), "round {round}");
            drop(other);
            files::remove("other")?;
            // The bytes of the gap are zeros, whatever the disk has there.
            file.seek(100_000)?;
            file.write_all(&[value_at(100_000)])?;
            let found = contents("far")?;
            check_eq!((found.len(), found[0], found[100_000]), (100_001, value_at(0), value_at(100_000)));
            check!(found[1..100_000].iter().all(|&byte| byte == 0));
        }
        drop(file);
        files::remove("far")?;
    }
    check!(killed > 0 || !gap_takes_long()?, "no writer was killed in time");
    Ok(())
}

fn killed_write_far_past_the_end_harms_no_other_writer() -> Verdict {
    let mut killed = 0;
    for _ in 0..ROUNDS {
        let file = File::create("shared")?;
        let near = Process::spawn(ASSIST, ["append", "shared", "3000", "60"])?;
        let in_time = kill_write_far(&file, "shared")?;
        check_eq!(near.wait()?.reason, ExitReason::Exited(0));
        if in_time {
            killed += 1;
            check_eq!(file.len()?, 3000 * 60);
            check_bytes(0, &contents("shared")?)?;
        }
        drop(file);
        files::remove("shared")?;
    }
    check!(killed > 0 || !gap_takes_long()?, "no writer was killed in time");
    Ok(())
}

/// This process looks at the length while another fills the gap.
fn gap_is_there_as_a_whole_or_not_at_all() -> Verdict {
    let mut looks_meanwhile = 0;
    for _ in 0..4 {
        let file = File::create("gap")?;
        let before = pages_used()?;
        let child = Process::spawn(ASSIST, ["write-far", "gap", &format!("{FAR}")])?;
        while !has_ended(&child)? {
            let len = file.len()?;
            check!(len == 0 || len == FAR + 1, "{len} bytes");
            looks_meanwhile += u32::from(len == 0 && pages_used()? >= before + 100);
            process::yield_now();
        }
        check_eq!(child.wait()?.reason, ExitReason::Exited(0));
        check_eq!(file.len()?, FAR + 1);
        drop(file);
        files::remove("gap")?;
    }
    check!(looks_meanwhile > 0 || !gap_takes_long()?, "no look came while the gap was filled");
    Ok(())
}

fn name_is_made_and_removed_by_several_at_once() -> Verdict {
    let children = (0..4)
        .map(|_| Process::spawn(ASSIST, ["make-and-remove-again", "contested", "25"]))
        .collect::<Result<Vec<_>, _>>()?;
    for child in children {
        check_eq!(child.wait()?.reason, ExitReason::Exited(0));
    }
    check_eq!(File::open("contested").err(), Some(Error::NoSuchFile));
    drop(File::create("contested")?);
    files::remove("contested")?;
    Ok(())
}
