//! Files by calls: what is written, read, removed, and started.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use libsys::files::{self, File, MapAccess, MappedFile};
use libsys::memory::PAGE_SIZE;
use libsys::process::{self, Process, ProcessState};
use libsys::test::Verdict;
use libsys::{Error, ExitReason, call, check, check_eq};
use tests::written::{bytes, contents, made};
use tests::{ASSIST, PAGE, run};

libsys::tests! {
    what_is_written_is_read_again_at_any_offset,
    a_gap_reads_as_zeros,
    a_file_grows_by_what_is_written_and_by_nothing_else,
    the_end_of_a_file_ends_a_read,
    two_handles_have_two_positions_and_one_file,
    what_others_append_meanwhile_is_kept,
    a_removed_file_lives_until_its_last_user_closes_it,
    a_full_disk_is_said_and_loses_nothing,
    a_running_program_cannot_be_written_to,
    a_file_that_is_written_to_cannot_be_started,
    nor_while_a_call_writes_to_it,
}

fn what_is_written_is_read_again_at_any_offset() -> Verdict {
    let mut model = bytes(1, 5 * PAGE + 17);
    let mut file = made("offsets", &model)?;
    for (seed, offset, len) in
        [(2, 0, 1), (3, 4095, 2), (4, 4096, 4096), (5, 100, 9000), (6, 5 * PAGE, 17), (7, 5 * PAGE + 10, 5000)]
    {
        let new = bytes(seed, len);
        file.seek(u32::try_from(offset)?)?;
        file.write_all(&new)?;
        model.resize(model.len().max(offset + len), 0);
        model[offset..offset + len].copy_from_slice(&new);
        check!(contents("offsets")? == model, "after {len} bytes at {offset}");
        for (at, count) in [(0, 10), (4090, 20), (offset, len)] {
            let mut found = vec![0; count];
            file.seek(u32::try_from(at)?)?;
            check_eq!(file.read(&mut found)?, count);
            check!(found == model[at..at + count], "{count} bytes at {at}");
        }
    }
    files::remove("offsets")?;
    Ok(())
}

fn a_gap_reads_as_zeros() -> Verdict {
    // Blocks that others have left full.
    drop(made("litter", &bytes(9, 30 * PAGE))?);
    File::open("litter")?.sync()?;
    files::remove("litter")?;
    let mut file = made("gap", b"begin")?;
    file.seek(20 * PAGE_SIZE + 3)?;
    file.write_all(b"end")?;
    let found = contents("gap")?;
    check_eq!(found.len(), 20 * PAGE + 6);
    check!(found.starts_with(b"begin") && found.ends_with(b"end"));
    check!(found[5..20 * PAGE + 3].iter().all(|&byte| byte == 0));
    drop(file);
    files::remove("gap")?;
    Ok(())
}

fn a_file_grows_by_what_is_written_and_by_nothing_else() -> Verdict {
    let mut file = File::create("grows")?;
    check_eq!(file.len()?, 0);
    file.seek(100_000)?;
    check_eq!((file.len()?, file.write(&[])?, file.read(&mut [0; 9])?), (0, 0, 0));
    check_eq!(file.len()?, 0);
    file.seek(0)?;
    file.write_all(b"12345")?;
    file.seek(2)?;
    file.write_all(b"x")?;
    check_eq!(file.len()?, 5);
    check!(contents("grows")? == b"12x45");
    drop(file);
    files::remove("grows")?;
    Ok(())
}

fn the_end_of_a_file_ends_a_read() -> Verdict {
    let mut file = made("short", &bytes(3, 5000))?;
    file.seek(4000)?;
    let mut buffer = [0; 3000];
    check_eq!(file.read(&mut buffer)?, 1000);
    check!(buffer[..1000] == bytes(3, 5000)[4000..] && buffer[1000..].iter().all(|&byte| byte == 0));
    check_eq!(file.read(&mut buffer)?, 0);
    check_eq!(call::read(file.handle(), 0, 3000), Err(Error::BadAddress), "nor can it be given anything");
    // It goes on where the reads have ended.
    check_eq!((file.write(b"end")?, file.len()?), (3, 5003));
    for beyond in [5003, 1 << 20, u32::MAX] {
        file.seek(beyond)?;
        check_eq!(file.read(&mut buffer)?, 0);
    }
    check_eq!(file.write(b"x"), Err(Error::DiskFull));
    check_eq!(file.len()?, 5003);
    drop(file);
    files::remove("short")?;
    Ok(())
}

fn two_handles_have_two_positions_and_one_file() -> Verdict {
    let mut one = made("shared", b"abcdef")?;
    let mut other = File::open("shared")?;
    let mut found = [0; 3];
    other.read(&mut found)?;
    check_eq!(&found, b"abc");
    one.seek(3)?;
    one.write_all(b"XYZ")?;
    other.read(&mut found)?;
    check_eq!(&found, b"XYZ");
    drop((one, other));
    files::remove("shared")?;
    Ok(())
}

/// Several write beyond the end at once: each makes the file longer, and none wipes out what another has written.
fn what_others_append_meanwhile_is_kept() -> Verdict {
    const WRITERS: u32 = 4;
    const PAGES_EACH: u32 = 12;
    drop(File::create("appended")?);
    let children = (0..WRITERS)
        .map(|index| {
            Process::spawn(ASSIST, ["interleave", "appended", &format!("{index}"), "4", &format!("{PAGES_EACH}")])
        })
        .collect::<Result<Vec<_>, _>>()?;
    for child in children {
        check_eq!(child.wait()?.reason, ExitReason::Exited(0));
    }
    let found = contents("appended")?;
    check_eq!(found.len(), (WRITERS * PAGES_EACH) as usize * PAGE);
    for (number, page) in (0..).zip(found.chunks(PAGE)) {
        check!(page == bytes(number, PAGE), "page {number}");
    }
    files::remove("appended")?;
    Ok(())
}

fn a_removed_file_lives_until_its_last_user_closes_it() -> Verdict {
    let data = bytes(7, 3 * PAGE);
    let first = made("doomed", &data)?;
    let mut second = File::open("doomed")?;
    files::remove("doomed")?;
    check_eq!(File::open("doomed").err(), Some(Error::NoSuchFile));
    check_eq!(files::remove("doomed"), Err(Error::NoSuchFile));
    // Another of that name is another.
    drop(made("doomed", b"new")?);
    drop(first);
    let mut found = vec![0; data.len()];
    check_eq!(second.read(&mut found)?, data.len());
    check!(found == data);
    second.write_all(&data)?;
    second.sync()?;
    check_eq!(second.len()? as usize, 2 * data.len());
    drop(second);
    check!(contents("doomed")? == b"new");
    files::remove("doomed")?;
    Ok(())
}

fn a_full_disk_is_said_and_loses_nothing() -> Verdict {
    let chunk = bytes(5, 64 * PAGE);
    let mut file = File::create("large")?;
    let mut written = 0;
    let error = loop {
        match file.write(&chunk) {
            Ok(count) => written += count,
            Err(error) => break error,
        }
    };
    check_eq!(error, Error::DiskFull);
    check_eq!(file.len()? as usize, written);
    check!(written > 8 << 20, "{written} bytes");
    // Far behind the end there is no room for all that lies between, and nothing of it is taken.
    file.seek(3 << 30)?;
    check_eq!(file.write(b"x"), Err(Error::DiskFull));
    file.seek(0)?;
    let mut found = vec![0; chunk.len()];
    let mut checked = 0;
    while checked < written {
        let count = file.read(&mut found)?;
        check!(found[..count] == chunk[..count], "from byte {checked} on");
        checked += count;
    }
    check_eq!(checked, written);
    drop(file);
    files::remove("large")?;
    let mut again = File::create("large")?;
    again.write_all(&chunk)?;
    drop(again);
    files::remove("large")?;
    Ok(())
}

/// A copy of a program, to be run and written to.
fn copy_of_assist(name: &str) -> Verdict {
    drop(made(name, &contents(ASSIST)?)?);
    Ok(())
}

fn a_running_program_cannot_be_written_to() -> Verdict {
    copy_of_assist("copy")?;
    let mut file = File::open("copy")?;
    let first = Process::spawn("copy", ["sleep", "1000000"])?;
    let second = Process::spawn("copy", ["sleep", "1000000"])?;
    let mut head = [0; 4];
    let mut still_running = |file: &mut File| -> Verdict {
        check_eq!(file.write(b"x"), Err(Error::Busy));
        check_eq!(MappedFile::new(file, 0, PAGE, MapAccess::ReadAndWrite).err(), Some(Error::Busy));
        MappedFile::new(file, 0, PAGE, MapAccess::Read)?.unmap()?;
        file.seek(0)?;
        file.read(&mut head)?;
        check_eq!(&head, b"\x7FELF");
        file.seek(0)?;
        Ok(())
    };
    still_running(&mut file)?;
    tests::finish(first)?;
    still_running(&mut file)?;
    tests::finish(second)?;
    file.write_all(b"\x7FELf")?;
    check_eq!(Process::spawn("copy", ["exit", "0"]).err(), Some(Error::NotExecutable));
    file.seek(0)?;
    file.write_all(b"\x7FELF")?;
    // It runs, though its name is gone: what it runs from is there.
    let third = Process::spawn("copy", ["sleep", "300"])?;
    files::remove("copy")?;
    file.seek(0)?;
    check_eq!(file.write(b"x"), Err(Error::Busy));
    check_eq!(third.wait()?.reason, ExitReason::Exited(0));
    check_eq!(file.write(b"x"), Ok(1));
    Ok(())
}

fn a_file_that_is_written_to_cannot_be_started() -> Verdict {
    copy_of_assist("copy")?;
    let file = File::open("copy")?;
    let mapping = MappedFile::new(&file, 0, PAGE, MapAccess::ReadAndWrite)?;
    check_eq!(Process::spawn("copy", ["exit", "5"]).err(), Some(Error::Busy));
    drop(mapping);
    check_eq!(run("copy", &["exit", "5"])?.reason, ExitReason::Exited(5));
    drop(file);
    files::remove("copy")?;
    Ok(())
}

fn nor_while_a_call_writes_to_it() -> Verdict {
    drop(made("copy", &[])?);
    // On a small machine the call waits for the disk again and again. On others it may end before anybody else has run.
    let mut was_busy = false;
    for _ in 0..30 {
        let writer = Process::spawn(ASSIST, ["write-at-once", "copy", "300"])?;
        while process::info(writer.pid())?.state != ProcessState::Ended {
            match Process::spawn("copy", [""; 0]).err() {
                Some(Error::Busy) => was_busy = true,
                // It has not begun, or it is done.
                Some(Error::NotExecutable) => {}
                other => check_eq!(other, None::<Error>, "what is no program was started"),
            }
            process::yield_now();
        }
        check_eq!(writer.wait()?.reason, ExitReason::Exited(0));
        if was_busy {
            break;
        }
    }
    check!(was_busy);
    files::remove("copy")?;
    Ok(())
}
