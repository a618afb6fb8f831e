//! What becomes of programs, files and memory when the disk fails. The test's machine has a disk that fails at known places: see
//! `xtask/src/test/disk_errors.rs`.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec;
use core::time::Duration;

use libsys::abi::{Access, FaultKind};
use libsys::files::{self, File, MapAccess, MappedFile};
use libsys::memory::{PAGE_SIZE, Region};
use libsys::message::{self, Buffer, Message};
use libsys::process::{self, Process, ProcessState};
use libsys::test::Verdict;
use libsys::{Error, ExitReason, call, check, check_eq, system};
use tests::{ASSIST, PAGE, run, wait_until};

libsys::tests! {
    a_page_of_memory_that_is_lost_ends_its_process_alone,
    slots_that_cannot_be_written_are_never_used_again,
    what_fails_once_is_tried_again,
    a_program_whose_head_is_unreadable_is_not_started,
    a_program_whose_text_is_unreadable_ends,
    a_read_ends_at_an_unreadable_page,
    a_mapped_page_that_is_unreadable_ends_its_process_alone,
    a_call_that_is_given_an_unreadable_page_says_so,
    a_message_stays_until_its_page_can_be_had,
    exit_status_of_a_child_stays_until_its_page_can_be_read,
    sync_and_unmap_tell_of_pages_that_cannot_be_written,
    a_page_that_cannot_be_written_stays_though_frames_are_wanted,
    what_could_not_be_written_when_its_frame_was_wanted_is_written_by_sync,
    a_file_that_cannot_be_written_at_all_takes_nobodys_memory,
    changes_that_are_lost_are_told_of_once,
    other_files_are_none_the_worse,
}

/// Pages of `unreadable` and of `unwritable` that are.
const BAD_PAGE: u32 = 10;
const PAGES: u32 = 40;
/// Slots that can never be written.
const BAD_SLOTS: u32 = 6;

fn is_unreadable(reason: ExitReason, wanted: Access) -> bool {
    matches!(reason, ExitReason::Fault { kind: FaultKind::PageReadError, access, .. } if access == wanted)
}

/// Slots are handed out in turn: of all processes, it is the one with so many pages that gets those that are bad.
fn a_page_of_memory_that_is_lost_ends_its_process_alone() -> Verdict {
    let bystander = Process::spawn(ASSIST, ["keep", "7", "20", "1500"])?;
    // Its pages have been touched first, so they are the first to be borrowed.
    wait_until("the bystander sleeps", || {
        process::info(bystander.pid()).is_ok_and(|info| info.state == ProcessState::Sleeping)
    })?;
    let reason = run(ASSIST, &["keep", "1", "500", "0"])?.reason;
    check!(is_unreadable(reason, Access::Read), "{reason}");
    check_eq!(run(ASSIST, &["keep", "2", "100", "0"])?.reason, ExitReason::Exited(0));
    check_eq!(bystander.wait()?.reason, ExitReason::Exited(0));
    Ok(())
}

/// The slots behind those that were used until now are bad, and then come good ones.
fn slots_that_cannot_be_written_are_never_used_again() -> Verdict {
    let before = system::info()?;
    for seed in 0..2 {
        check_eq!(run("piggy", &["400", "2"])?.reason, ExitReason::Exited(0), "piggy {seed}");
    }
    let after = system::info()?;
    check_eq!(before.pages_promisable - after.pages_promisable, BAD_SLOTS);
    check_eq!(after.pages_promised, before.pages_promised);
    check_eq!(run("piggies", &["5", "60", "3"])?.reason, ExitReason::Exited(0));
    check_eq!(system::info()?.pages_promisable, after.pages_promisable);
    Ok(())
}

fn what_fails_once_is_tried_again() -> Verdict {
    let mut file = File::open("once")?;
    let mut found = vec![0; PAGES as usize * PAGE];
    check_eq!(file.read(&mut found)?, found.len());
    check!((0..PAGES as usize).all(|page| found[page * PAGE] == value(page)));
    file.seek(0)?;
    file.write_all(&found)?;
    file.sync()?;
    Ok(())
}

/// The first byte of each page of the files that the machine was given.
fn value(page: usize) -> u8 {
    (page + 1).to_le_bytes()[0]
}

fn a_program_whose_head_is_unreadable_is_not_started() -> Verdict {
    let before = system::info()?;
    check_eq!(Process::spawn("headless", [""; 0]).err(), Some(Error::Io));
    let after = system::info()?;
    check_eq!((after.processes, after.pages_promised), (before.processes, before.pages_promised));
    Ok(())
}

fn a_program_whose_text_is_unreadable_ends() -> Verdict {
    let reason = run("textless", &[])?.reason;
    check!(is_unreadable(reason, Access::Execute), "{reason}");
    Ok(())
}

fn a_read_ends_at_an_unreadable_page() -> Verdict {
    let mut file = File::open("unreadable")?;
    let mut found = vec![0; PAGES as usize * PAGE];
    let good = BAD_PAGE as usize * PAGE;
    check_eq!(file.read(&mut found)?, good);
    check!((0..BAD_PAGE as usize).all(|page| found[page * PAGE] == value(page)));
    for _ in 0..2 {
        check_eq!(file.read(&mut found), Err(Error::Io));
    }
    file.seek((BAD_PAGE + 1) * PAGE_SIZE)?;
    check_eq!(file.read(&mut found)?, (PAGES - BAD_PAGE - 1) as usize * PAGE);
    check_eq!(found[0], value(BAD_PAGE as usize + 1));
    // Part of it cannot be changed, but all of it can.
    file.seek(BAD_PAGE * PAGE_SIZE + 1)?;
    check_eq!(file.write(b"x"), Err(Error::Io));
    Ok(())
}

fn a_mapped_page_that_is_unreadable_ends_its_process_alone() -> Verdict {
    let file = File::open("unreadable")?;
    let mapped = MappedFile::new(&file, 0, PAGES as usize * PAGE, MapAccess::Read)?;
    for page in [BAD_PAGE - 1, BAD_PAGE, BAD_PAGE + 1, BAD_PAGE] {
        let reason = run(ASSIST, &["map-read", "unreadable", &alloc::format!("{page}")])?.reason;
        if page == BAD_PAGE {
            check!(is_unreadable(reason, Access::Read), "{reason}");
        } else {
            check_eq!(reason, ExitReason::Exited(u32::from(value(page as usize))));
        }
    }
    // SAFETY: the byte is mapped.
    check_eq!(unsafe { mapped.as_ptr().read_volatile() }, value(0));
    Ok(())
}

fn a_call_that_is_given_an_unreadable_page_says_so() -> Verdict {
    let file = File::open("unreadable")?;
    let mapped = MappedFile::new(&file, BAD_PAGE * PAGE_SIZE, PAGE, MapAccess::Read)?;
    let at = u32::try_from(mapped.as_ptr().expose_provenance())?;
    check_eq!(call::open(at, 5), Err(Error::Io));
    check_eq!(call::open(0x1000, 5), Err(Error::BadAddress));
    Ok(())
}

fn a_message_stays_until_its_page_can_be_had() -> Verdict {
    let file = File::open("unreadable")?;
    let mapped = MappedFile::new(&file, BAD_PAGE * PAGE_SIZE, PAGE, MapAccess::ReadAndWrite)?;
    let at = u32::try_from(mapped.as_ptr().expose_provenance())?;
    let own = process::pid();
    let mut buffer = Buffer::new();
    for bytes in [&[7; 3][..], &[8; 500]] {
        message::send(own, 1, bytes)?;
        for milliseconds in [0, 10, u32::MAX] {
            check_eq!(call::wait_for_message(at, milliseconds), Err(Error::Io));
            check_eq!(call::send_and_wait(at, 1, milliseconds), Err(Error::Io), "nothing is sent");
        }
        let received = message::wait(&mut buffer, None)?;
        check_eq!(received, Message { sender: own, what: 1, bytes });
    }
    check_eq!(message::wait(&mut buffer, Some(Duration::ZERO)).err(), Some(Error::TimedOut));
    Ok(())
}

fn exit_status_of_a_child_stays_until_its_page_can_be_read() -> Verdict {
    let file = File::open("unreadable")?;
    let mapped = MappedFile::new(&file, BAD_PAGE * PAGE_SIZE, PAGE, MapAccess::ReadAndWrite)?;
    let at = u32::try_from(mapped.as_ptr().expose_provenance())?;
    let child = Process::spawn(ASSIST, ["exit", "7"])?;
    for pid in [child.pid(), 0] {
        check_eq!(call::wait(pid, at), Err(Error::Io));
    }
    check_eq!(child.wait()?.reason, ExitReason::Exited(7));
    check_eq!(process::wait_any().err(), Some(Error::NoChild));
    Ok(())
}

fn sync_and_unmap_tell_of_pages_that_cannot_be_written() -> Verdict {
    let mut file = File::open("unwritable")?;
    file.write_all(&vec![0xAA; PAGES as usize * PAGE])?;
    for _ in 0..2 {
        check_eq!(file.sync(), Err(Error::Io));
    }
    let mapped = MappedFile::new(&file, BAD_PAGE * PAGE_SIZE, PAGE, MapAccess::ReadAndWrite)?;
    // SAFETY: the byte is mapped to be written to.
    unsafe { mapped.as_ptr().write_volatile(0xBB) };
    check_eq!(mapped.unmap(), Err(Error::Io));
    // Nothing is lost as long as there is room for it.
    let mut byte = [0];
    file.seek(BAD_PAGE * PAGE_SIZE)?;
    file.read(&mut byte)?;
    check_eq!(byte, [0xBB]);
    Ok(())
}

/// Uses far more pages than there are frames, so that everything is borrowed that may be.
fn use_much_memory() -> Verdict {
    for seed in 0..2 {
        let mut region = Region::allocate(300 * PAGE)?;
        tests::fill(region.words(), seed);
        check!(tests::holds(region.words(), seed));
    }
    Ok(())
}

fn a_page_that_cannot_be_written_stays_though_frames_are_wanted() -> Verdict {
    let mut file = File::open("unwritable")?;
    file.seek(BAD_PAGE * PAGE_SIZE)?;
    file.write_all(&[0xCC; PAGE])?;
    use_much_memory()?;
    check_eq!([file.sync(), file.sync()], [Err(Error::Io); 2]);
    let mut byte = [0];
    file.seek(BAD_PAGE * PAGE_SIZE)?;
    file.read(&mut byte)?;
    check_eq!(byte, [0xCC]);
    // The end of a process that has mapped it is an end like any other.
    check_eq!(run(ASSIST, &["map-fill", "unwritable", "20", "5", "return"])?.reason, ExitReason::Exited(0));
    check_eq!(file.sync(), Err(Error::Io));
    Ok(())
}

fn what_could_not_be_written_when_its_frame_was_wanted_is_written_by_sync() -> Verdict {
    let mut file = File::open("later")?;
    file.write_all(&[0xDD; PAGE])?;
    use_much_memory()?;
    check_eq!([file.sync(), file.sync()], [Ok(()); 2]);
    // Clean by now, it may be borrowed: this is what the disk has.
    use_much_memory()?;
    let mut found = vec![0; PAGE];
    file.seek(0)?;
    check_eq!(file.read(&mut found)?, PAGE);
    check!(found.iter().all(|&byte| byte == 0xDD));
    Ok(())
}

/// So many pages are not spared: memory that was promised is worth more.
fn a_file_that_cannot_be_written_at_all_takes_nobodys_memory() -> Verdict {
    let mut file = File::open("stubborn")?;
    file.write_all(&vec![0xEE; PAGES as usize * PAGE])?;
    use_much_memory()?;
    check_eq!(run("piggies", &["5", "60", "3"])?.reason, ExitReason::Exited(0));
    check_eq!([file.sync(), file.sync()], [Err(Error::Io); 2]);
    let mut found = vec![0; PAGES as usize * PAGE];
    file.seek(0)?;
    check_eq!(file.read(&mut found)?, found.len());
    let pages = || found.chunks(PAGE).enumerate();
    let kept = pages().filter(|(_, bytes)| bytes.iter().all(|&byte| byte == 0xEE)).count();
    let lost = pages().filter(|&(page, bytes)| bytes.iter().all(|&byte| byte == value(page))).count();
    check!(kept > 0 && lost > kept && kept + lost == PAGES as usize, "{kept} pages were kept, {lost} lost");
    Ok(())
}

/// This machine borrows in order of age, and the page that is lost is the oldest of too many.
fn changes_that_are_lost_are_told_of_once() -> Verdict {
    let (mut file, mut stubborn) = (File::open("unwritable")?, File::open("stubborn")?);
    file.seek(BAD_PAGE * PAGE_SIZE)?;
    file.write_all(&[0xFF; PAGE])?;
    check_eq!(file.sync(), Err(Error::Io));
    stubborn.write_all(&vec![0xFF; PAGES as usize * PAGE])?;
    check_eq!(stubborn.sync(), Err(Error::Io));
    use_much_memory()?;
    check_eq!([file.sync(), file.sync()], [Err(Error::Io), Ok(())]);
    let mut byte = [0];
    file.seek(BAD_PAGE * PAGE_SIZE)?;
    file.read(&mut byte)?;
    check_eq!(byte, [value(BAD_PAGE as usize)]);
    Ok(())
}

fn other_files_are_none_the_worse() -> Verdict {
    let mut file = File::create("other")?;
    file.write_all(b"all is well")?;
    file.sync()?;
    drop(file);
    files::remove("other")?;
    Ok(())
}
