//! Names, handles and pointers that calls for files are given, and which they refuse.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

use libsys::files::{self, File};
use libsys::memory::{PAGE_SIZE, Region};
use libsys::message;
use libsys::process::{self, Process, ProcessState};
use libsys::test::Verdict;
use libsys::{Error, call, check, check_eq, system};
use tests::written::{bytes, made};
use tests::{ASSIST, PAGE};

libsys::tests! {
    names_are_checked,
    the_swap_file_is_nobodys,
    what_cannot_be_made_takes_nobody_elses_file_with_it,
    handles_are_the_lowest_free_and_limited,
    handles_are_closed_however_a_process_ends,
    handles_are_closed_before_an_ending_process_waits_for_the_disk,
    wild_handles_are_refused_by_every_call,
    wild_pointers_are_refused_and_change_nothing,
}

/// No address of a program.
const KERNEL: u32 = 0xC000_0000;

fn names_are_checked() -> Verdict {
    let long = "x".repeat(56);
    for name in ["", "a/b", "tab\t", long.as_str()] {
        check_eq!(File::create(name).err(), Some(Error::BadName), "{name:?}");
    }
    for name in ["no such file", "a/b"] {
        check_eq!(File::open(name).err(), Some(Error::NoSuchFile), "{name:?}");
        check_eq!(files::remove(name).err(), Some(Error::NoSuchFile), "{name:?}");
    }
    for name in ["", long.as_str()] {
        check_eq!(File::open(name).err(), Some(Error::BadName), "{name:?}");
        check_eq!(files::remove(name).err(), Some(Error::BadName), "{name:?}");
    }
    let not_utf8 = [0xFFu8, 0xFE];
    let at = u32::try_from(not_utf8.as_ptr().expose_provenance())?;
    for refused in [call::open(at, 2), call::create(at, 2), call::remove(at, 2)] {
        check_eq!(refused, Err(Error::BadName));
    }
    check_eq!(File::create("hello").err(), Some(Error::AlreadyExists));
    let longest = "é".repeat(27);
    drop(File::create(&longest)?);
    check!(files::directory().any(|entry| entry.name() == longest));
    files::remove(&longest)?;
    check!(files::directory().all(|entry| entry.name() != longest));
    Ok(())
}

fn the_swap_file_is_nobodys() -> Verdict {
    check_eq!(File::open("swap").err(), Some(Error::NotPermitted));
    check_eq!(File::create("swap").err(), Some(Error::AlreadyExists));
    check_eq!(files::remove("swap").err(), Some(Error::NotPermitted));
    check_eq!(Process::spawn("swap", [""; 0]).err(), Some(Error::NotPermitted));
    Ok(())
}

fn what_cannot_be_made_takes_nobody_elses_file_with_it() -> Verdict {
    let child = Process::spawn(ASSIST, ["create-in-vain", "contested"])?;
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
            Err(Error::AlreadyExists) => drop(files::remove("contested")),
            Err(error) => return Err(error.into()),
        }
    }
    tests::finish(child)
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
    check_eq!((refused, open.len()), (Error::TooManyOpen, 61));
    check!((3..).zip(&open).all(|(handle, file)| file.handle() == handle));
    check_eq!(File::create("one too many").err(), Some(Error::TooManyOpen));
    check!(files::directory().all(|entry| entry.name() != "one too many"));
    drop(open.remove(10));
    check_eq!(File::open("hello")?.handle(), 13);
    Ok(())
}

/// Whoever has the file open ends; then its blocks are free again.
fn handles_are_closed_however_a_process_ends() -> Verdict {
    for way in ["return", "exit", "panic", "fault", "killed"] {
        drop(made("held", &bytes(1, 9 << 20))?);
        let child = Process::spawn(ASSIST, ["hold", "held", way])?;
        if way == "killed" {
            process::sleep(Duration::from_millis(100));
            tests::finish(child)?;
        } else {
            child.wait()?;
        }
        // There is room for this only once.
        files::remove("held")?;
    }
    Ok(())
}

/// A process that ends writes back what it has mapped, which takes long. Everything that it had open is closed before.
fn handles_are_closed_before_an_ending_process_waits_for_the_disk() -> Verdict {
    const PAGES: usize = 300;
    drop(made("mapped", &bytes(1, PAGES * PAGE))?);
    for way in ["return", "exit", "fault"] {
        // On a small machine this process may wait for its own pages when it should look.
        let is_seen = (0..200).any(|_| is_closed_before_its_end(way, PAGES) == Ok(true));
        check!(is_seen, "{way}: its handles were open until its end");
    }
    files::remove("mapped")?;
    Ok(())
}

/// Starts a child with open handles and a changed mapping, lets it end, and sees all handles closed while it has not ended.
fn is_closed_before_its_end(way: &str, pages: usize) -> Result<bool, Error> {
    File::open("mapped")?.sync()?;
    let before = system::info()?.devices_open;
    let child = Process::spawn(ASSIST, ["hold-and-map", "mapped", &format!("{pages}"), way])?;
    let state = || process::info(child.pid()).map(|info| info.state);
    while state()? != ProcessState::WaitsForMessage || system::info()?.devices_open == before {
        process::yield_now();
    }
    message::send(child.pid(), 0, &[])?;
    while system::info()?.devices_open > before {
        process::yield_now();
    }
    let has_ended = state()? == ProcessState::Ended;
    child.wait()?;
    Ok(!has_ended)
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
            check_eq!(refused, Err(Error::BadHandle), "{name} {handle}");
        }
    }
    for console in [0, 1, 2] {
        check_eq!(call::map_file(console, 0, 4096, 1, u32::MAX), Err(Error::NotSupported));
        check_eq!((call::seek(console, 0), call::sync(console)), (Err(Error::NotSupported), Err(Error::NotSupported)));
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
        check_eq!(call::open(at, 4), Err(Error::BadAddress), "{at:#x}");
        check_eq!(call::create(at, 4), Err(Error::BadAddress), "{at:#x}");
        check_eq!(call::remove(at, 4), Err(Error::BadAddress), "{at:#x}");
        check_eq!(call::read(handle, at, 4), Err(Error::BadAddress), "{at:#x}");
        check_eq!(call::write(handle, at, 4), Err(Error::BadAddress), "{at:#x}");
        check_eq!(call::stat(handle, at), Err(Error::BadAddress), "{at:#x}");
    }
    check_eq!(call::read(handle, text, 4), Err(Error::BadAddress));
    check_eq!(call::stat(handle, text), Err(Error::BadAddress));
    // A buffer that begins well and ends badly is refused as a whole.
    let region = Region::allocate(PAGE)?;
    let near_end = u32::try_from(region.as_ptr().expose_provenance())? + PAGE_SIZE - 2;
    check_eq!(call::write(handle, near_end, 4), Err(Error::BadAddress));
    check_eq!(call::read(handle, near_end, 4), Err(Error::BadAddress));
    check_eq!(call::write(handle, near_end, u32::MAX), Err(Error::BadAddress));
    let mut rest = [0; 20];
    check_eq!(file.read(&mut rest)?, 7);
    check_eq!(&rest[..7], b" it was");
    check_eq!(file.len()?, 9);
    drop(file);
    files::remove("pointers")?;
    Ok(())
}
