//! Files by calls: what is read, written, made, removed and refused.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use libsys::files::{self, File, MapAccess, Mapping};
use libsys::memory::PAGE_SIZE;
use libsys::process::{self, Child};
use libsys::test::Verdict;
use libsys::{Errno, ExitReason, call, check, check_eq};
use tests::{ASSIST, run};

libsys::tests! {
    what_is_written_is_read_again_at_any_offset,
    a_gap_reads_as_zeros,
    a_file_grows_by_what_is_written_and_by_nothing_else,
    the_end_of_a_file_ends_a_read,
    two_handles_have_two_positions_and_one_file,
    what_others_append_meanwhile_is_kept,
    a_removed_file_lives_until_its_last_user_closes_it,
    names_are_checked,
    the_swap_file_is_nobodys,
    handles_are_the_lowest_free_and_limited,
    handles_are_closed_however_a_process_ends,
    wild_handles_are_refused_by_every_call,
    wild_pointers_are_refused_and_change_nothing,
    a_full_disk_is_said_and_loses_nothing,
    what_cannot_be_made_takes_nobody_elses_file_with_it,
    a_running_program_cannot_be_written_to,
    a_file_that_is_written_to_cannot_be_started,
}

const PAGE: usize = PAGE_SIZE as usize;
/// No address of a program.
const KERNEL: u32 = 0xC000_0000;

/// Bytes that no two places of a file share by chance.
fn bytes(seed: u32, len: usize) -> Vec<u8> {
    let mut words = vec![0; len.div_ceil(4)];
    tests::fill(&mut words, seed);
    words.iter().flat_map(|word: &u32| word.to_le_bytes()).take(len).collect()
}

/// All that is in the file.
fn contents(name: &str) -> Result<Vec<u8>, Errno> {
    let mut file = File::open(name)?;
    let mut all = vec![0; file.len()? as usize + 10];
    let count = file.read(&mut all)?;
    all.truncate(count);
    Ok(all)
}

fn made(name: &str, contents: &[u8]) -> Result<File, Errno> {
    let mut file = File::create(name)?;
    file.write_all(contents)?;
    Ok(file)
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
    for beyond in [5000, 1 << 20, u32::MAX] {
        file.seek(beyond)?;
        check_eq!(file.read(&mut buffer)?, 0);
    }
    check_eq!(file.write(b"x"), Err(Errno::DiskFull));
    check_eq!(file.len()?, 5000);
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
            Child::spawn(ASSIST, ["interleave", "appended", &format!("{index}"), "4", &format!("{PAGES_EACH}")])
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
    check_eq!(File::open("doomed").err(), Some(Errno::NoSuchFile));
    check_eq!(files::remove("doomed"), Err(Errno::NoSuchFile));
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

fn names_are_checked() -> Verdict {
    let long = "x".repeat(56);
    for name in ["", "a/b", "tab\t", long.as_str()] {
        check_eq!(File::create(name).err(), Some(Errno::BadName), "{name:?}");
    }
    for name in ["no such file", "a/b"] {
        check_eq!(File::open(name).err(), Some(Errno::NoSuchFile), "{name:?}");
        check_eq!(files::remove(name).err(), Some(Errno::NoSuchFile), "{name:?}");
    }
    for name in ["", long.as_str()] {
        check_eq!(File::open(name).err(), Some(Errno::BadName), "{name:?}");
        check_eq!(files::remove(name).err(), Some(Errno::BadName), "{name:?}");
    }
    let not_utf8 = [0xFFu8, 0xFE];
    let at = u32::try_from(not_utf8.as_ptr().expose_provenance())?;
    for refused in [call::open(at, 2), call::create(at, 2), call::remove(at, 2)] {
        check_eq!(refused, Err(Errno::BadName));
    }
    check_eq!(File::create("hello").err(), Some(Errno::AlreadyExists));
    let longest = "é".repeat(27);
    drop(File::create(&longest)?);
    check!(files::directory().any(|entry| entry.name() == longest));
    files::remove(&longest)?;
    check!(files::directory().all(|entry| entry.name() != longest));
    Ok(())
}

fn the_swap_file_is_nobodys() -> Verdict {
    check_eq!(File::open("swap").err(), Some(Errno::NotPermitted));
    check_eq!(File::create("swap").err(), Some(Errno::AlreadyExists));
    check_eq!(files::remove("swap").err(), Some(Errno::NotPermitted));
    check_eq!(Child::spawn("swap", [""; 0]).err(), Some(Errno::NotPermitted));
    Ok(())
}

fn handles_are_the_lowest_free_and_limited() -> Verdict {
    let mut open = Vec::new();
    let refused = loop {
        match File::open("hello") {
            Ok(file) => open.push(file),
            Err(error) => break error,
        }
    };
    // The program began with three of 64.
    check_eq!((refused, open.len()), (Errno::TooManyOpen, 61));
    check!((3..).zip(&open).all(|(handle, file)| file.handle() == handle));
    check_eq!(File::create("one too many").err(), Some(Errno::TooManyOpen));
    check!(files::directory().all(|entry| entry.name() != "one too many"));
    drop(open.remove(10));
    check_eq!(File::open("hello")?.handle(), 13);
    Ok(())
}

/// Whoever has the file open ends; then its blocks are free again.
fn handles_are_closed_however_a_process_ends() -> Verdict {
    for way in ["return", "exit", "panic", "fault", "killed"] {
        drop(made("held", &bytes(1, 9 << 20))?);
        let child = Child::spawn(ASSIST, ["hold", "held", way])?;
        if way == "killed" {
            libsys::process::sleep(core::time::Duration::from_millis(100));
            tests::finish(child)?;
        } else {
            child.wait()?;
        }
        // There is room for this only once.
        files::remove("held")?;
    }
    Ok(())
}

fn wild_handles_are_refused_by_every_call() -> Verdict {
    let mut buffer = [0u32; 16];
    let at = u32::try_from(buffer.as_mut_ptr().expose_provenance())?;
    let closed = File::open("hello")?.handle();
    for handle in [closed, 3, 66, 67, 1000, u32::MAX, 1 << 31] {
        for (name, refused) in [
            ("close", call::close(handle)),
            ("seek", call::seek(handle, 0)),
            ("stat", call::stat(handle, at)),
            ("sync", call::sync(handle)),
            ("read", call::read(handle, at, 4)),
            ("write", call::write(handle, at, 4)),
            ("map", call::map_file(handle, 0, 4096, 1, u32::MAX)),
        ] {
            check_eq!(refused, Err(Errno::BadHandle), "{name} {handle}");
        }
    }
    for console in [0, 1, 2] {
        check_eq!(call::map_file(console, 0, 4096, 1, u32::MAX), Err(Errno::NotSupported));
        check_eq!((call::seek(console, 0), call::sync(console)), (Err(Errno::NotSupported), Err(Errno::NotSupported)));
    }
    check_eq!(buffer, [0; 16]);
    Ok(())
}

fn wild_pointers_are_refused_and_change_nothing() -> Verdict {
    let mut file = made("pointers", b"as it was")?;
    file.seek(2)?;
    let handle = file.handle();
    let text = u32::try_from((wild_pointers_are_refused_and_change_nothing as *const ()).expose_provenance())?;
    for at in [0, KERNEL, KERNEL - 2, u32::MAX - 3, 0x7000_0000] {
        check_eq!(call::open(at, 4), Err(Errno::BadAddress), "{at:#x}");
        check_eq!(call::create(at, 4), Err(Errno::BadAddress), "{at:#x}");
        check_eq!(call::remove(at, 4), Err(Errno::BadAddress), "{at:#x}");
        check_eq!(call::read(handle, at, 4), Err(Errno::BadAddress), "{at:#x}");
        check_eq!(call::write(handle, at, 4), Err(Errno::BadAddress), "{at:#x}");
        check_eq!(call::stat(handle, at), Err(Errno::BadAddress), "{at:#x}");
    }
    check_eq!(call::read(handle, text, 4), Err(Errno::BadAddress));
    check_eq!(call::stat(handle, text), Err(Errno::BadAddress));
    // A buffer that begins well and ends badly is refused as a whole.
    let region = libsys::memory::Region::allocate(PAGE)?;
    let near_end = u32::try_from(region.as_ptr().expose_provenance())? + PAGE_SIZE - 2;
    check_eq!(call::write(handle, near_end, 4), Err(Errno::BadAddress));
    check_eq!(call::read(handle, near_end, 4), Err(Errno::BadAddress));
    check_eq!(call::write(handle, near_end, u32::MAX), Err(Errno::BadAddress));
    let mut rest = [0; 20];
    check_eq!(file.read(&mut rest)?, 7);
    check_eq!(&rest[..7], b" it was");
    check_eq!(file.len()?, 9);
    drop(file);
    files::remove("pointers")?;
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
    check_eq!(error, Errno::DiskFull);
    check_eq!(file.len()? as usize, written);
    check!(written > 8 << 20, "{written} bytes");
    // Far behind the end there is no room for all that lies between, and nothing of it is taken.
    file.seek(3 << 30)?;
    check_eq!(file.write(b"x"), Err(Errno::DiskFull));
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
fn what_cannot_be_made_takes_nobody_elses_file_with_it() -> Verdict {
    let child = Child::spawn(ASSIST, ["create-in-vain", "contested"])?;
    let mut made = 0;
    while made < 100 {
        match File::create("contested") {
            Ok(file) => {
                drop(file);
                (0..10).for_each(|_| process::yield_now());
                check_eq!(files::remove("contested"), Ok(()), "after {made} others");
                made += 1;
            }
            // It is the child's, for a moment.
            Err(Errno::AlreadyExists) => drop(files::remove("contested")),
            Err(error) => return Err(error.into()),
        }
    }
    tests::finish(child)
}

fn copy_of_assist(name: &str) -> Verdict {
    drop(made(name, &contents(ASSIST)?)?);
    Ok(())
}

fn a_running_program_cannot_be_written_to() -> Verdict {
    copy_of_assist("copy")?;
    let mut file = File::open("copy")?;
    let first = Child::spawn("copy", ["sleep", "1000000"])?;
    let second = Child::spawn("copy", ["sleep", "1000000"])?;
    let mut head = [0; 4];
    let mut still_running = |file: &mut File| -> Verdict {
        check_eq!(file.write(b"x"), Err(Errno::Busy));
        check_eq!(Mapping::new(file, 0, PAGE, MapAccess::ReadAndWrite).err(), Some(Errno::Busy));
        Mapping::new(file, 0, PAGE, MapAccess::Read)?.unmap()?;
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
    check_eq!(Child::spawn("copy", ["exit", "0"]).err(), Some(Errno::NotExecutable));
    file.seek(0)?;
    file.write_all(b"\x7FELF")?;
    // It runs, though its name is gone: what it runs from is there.
    let third = Child::spawn("copy", ["sleep", "300"])?;
    files::remove("copy")?;
    file.seek(0)?;
    check_eq!(file.write(b"x"), Err(Errno::Busy));
    check_eq!(third.wait()?.reason, ExitReason::Exited(0));
    check_eq!(file.write(b"x"), Ok(1));
    Ok(())
}

fn a_file_that_is_written_to_cannot_be_started() -> Verdict {
    copy_of_assist("copy")?;
    let file = File::open("copy")?;
    let mapping = Mapping::new(&file, 0, PAGE, MapAccess::ReadAndWrite)?;
    check_eq!(Child::spawn("copy", ["exit", "5"]).err(), Some(Errno::Busy));
    drop(mapping);
    check_eq!(run("copy", &["exit", "5"])?.reason, ExitReason::Exited(5));
    drop(file);
    files::remove("copy")?;
    Ok(())
}
