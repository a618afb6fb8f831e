//! Devices: what each can do, several at a time, shared with children, and closed however a process ends.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::vec::Vec;
use libsys::abi::device::{DeviceKind, NO_HANDLE, Streams};
use libsys::files::{self, File};
use libsys::process::{self, Process, ProcessState};
use libsys::test::Verdict;
use libsys::{Error, ExitReason, call, check, check_eq, system};
use tests::{ASSIST, assist, finish, run, wait_until};

libsys::tests! {
    names_tell_devices_from_files,
    random_bytes_follow_from_their_seed,
    seeking_skips_random_bytes,
    each_device_refuses_what_it_cannot_do,
    two_of_a_kind_do_not_disturb_each_other,
    ten_are_closed_however_a_process_ends,
    a_child_shares_what_it_inherits,
    a_child_gets_the_streams_that_its_parent_says,
    wild_streams_are_refused,
    standard_streams_can_be_closed_and_replaced,
    programs_of_one_file_write_one_behind_the_other,
    who_opens_everything_harms_nobody,
    the_foreground_is_the_shells_to_say,
    shutdown_is_refused_for_a_grandchild_of_init,
}

fn open_count() -> Result<u32, Error> {
    system::info().map(|info| info.devices_open)
}

fn read<const N: usize>(device: &mut File) -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    let count = device.read(&mut bytes)?;
    if count == N { Ok(bytes) } else { Err(Error::EndOfList) }
}

fn names_tell_devices_from_files() -> Verdict {
    for (name, device) in [
        ("random", DeviceKind::Random),
        ("random 42", DeviceKind::Random),
        ("console", DeviceKind::Console),
        ("null", DeviceKind::Null),
        ("hello", DeviceKind::File),
        ("file hello", DeviceKind::File),
    ] {
        check_eq!(File::open(name)?.info()?.device, device);
    }
    for (name, error) in [
        ("random x", Error::BadName),
        ("console x", Error::BadName),
        ("console keys x", Error::BadName),
        ("file random", Error::NoSuchFile),
        ("file swap", Error::NotPermitted),
        // This machine's console is no terminal.
        ("console keys", Error::NotSupported),
        ("console keys 100", Error::NotSupported),
    ] {
        check_eq!(File::open(name).err(), Some(error));
    }
    Ok(())
}

fn random_bytes_follow_from_their_seed() -> Verdict {
    let take = |name: &str| read::<300>(&mut File::open(name)?);
    check_eq!(take("random 42")?, take("random 42")?);
    check!(take("random 42")? != take("random 43")?);
    check_eq!(take("random")?, take("random 0")?);
    // More than the kernel copies at once, and in pieces.
    let (mut whole, mut pieces) = (File::open("random 7")?, File::open("random 7")?);
    let expected = read::<600>(&mut whole)?;
    for part in expected.chunks(100) {
        check_eq!(part, read::<100>(&mut pieces)?);
    }
    Ok(())
}

fn seeking_skips_random_bytes() -> Verdict {
    let all = read::<100>(&mut File::open("random 5")?)?;
    let mut device = File::open("random 5")?;
    check_eq!(read::<10>(&mut device)?, all[..10]);
    device.seek(23)?;
    device.seek(0)?;
    check_eq!(read::<10>(&mut device)?, all[33..43]);
    check_eq!(device.info()?.position, 43);
    device.seek(u32::MAX)?;
    device.read(&mut [0])?;
    Ok(())
}

fn each_device_refuses_what_it_cannot_do() -> Verdict {
    let mut random = File::open("random 1")?;
    check_eq!(random.write(b"no"), Err(Error::NotSupported));
    check_eq!(read::<4>(&mut random)?, read::<4>(&mut File::open("random 1")?)?);
    let mut null = File::open("null")?;
    check_eq!((null.write(b"gone"), null.read(&mut [0; 9]), null.seek(5)), (Ok(4), Ok(0), Ok(())));
    let mut console = File::open("console")?;
    check_eq!((console.seek(0), console.write(b"")), (Err(Error::NotSupported), Ok(0)));
    for device in [random, null, console] {
        check_eq!(device.sync(), Err(Error::NotSupported));
        check_eq!(call::map_file(device.handle(), 0, 4096, 1, u32::MAX), Err(Error::NotSupported));
        check_eq!(call::write(device.handle(), 0xC000_0000, 4).is_err(), true);
        check_eq!(device.info()?.len_bytes, 0);
    }
    Ok(())
}

fn two_of_a_kind_do_not_disturb_each_other() -> Verdict {
    let expected = read::<64>(&mut File::open("random 3")?)?;
    let (mut one, mut other) = (File::open("random 3")?, File::open("random 3")?);
    let (mut file, mut same_file) = (File::open("hello")?, File::open("hello")?);
    for part in expected.chunks(16) {
        check_eq!(read::<16>(&mut one)?, read::<16>(&mut other)?);
        check_eq!(read::<16>(&mut file)?, read::<16>(&mut same_file)?);
        one.seek(0)?;
        check_eq!(part.len(), 16);
    }
    drop(one);
    check_eq!(other.info()?.position, 64);
    check_eq!(read::<16>(&mut file)?, read::<16>(&mut same_file)?);
    Ok(())
}

fn ten_are_closed_however_a_process_ends() -> Verdict {
    let before = open_count()?;
    for way in ["return", "exit", "panic", "fault", "killed"] {
        let child = Process::spawn(ASSIST, ["open-ten", way])?;
        let pid = child.pid();
        wait_until("ten are open or it has ended", || {
            let has_ended = process::info(pid).is_ok_and(|info| info.state == ProcessState::Ended);
            has_ended || open_count().is_ok_and(|count| count == before + 12)
        })?;
        if way == "killed" {
            check_eq!(open_count()?, before + 12);
            finish(child)?;
        } else {
            check!(child.wait()?.reason != ExitReason::Exited(3), "{way}: they could not be opened");
        }
        check_eq!(open_count()?, before, "{way}");
    }
    Ok(())
}

fn a_child_shares_what_it_inherits() -> Verdict {
    let all = read::<24>(&mut File::open("random 9")?)?;
    let mut random = File::open("random 9")?;
    check_eq!(read::<8>(&mut random)?, all[..8]);
    let streams = Streams { input: random.handle(), ..Streams::default() };
    let child = Process::spawn_with(ASSIST, ["take", "8"], streams)?;
    check_eq!(child.wait()?.reason, ExitReason::Exited(all[8..16].iter().map(|&byte| u32::from(byte)).sum()));
    check_eq!(read::<8>(&mut random)?, all[16..]);
    Ok(())
}

fn a_child_gets_the_streams_that_its_parent_says() -> Verdict {
    let mut log = File::create("a log")?;
    let streams = Streams { input: NO_HANDLE, output: log.handle(), errors: NO_HANDLE };
    check_eq!(Process::spawn_with("hello", ["you"], streams)?.wait()?.reason, ExitReason::Exited(0));
    log.seek(0)?;
    let mut text = [0; 80];
    let count = log.read(&mut text)?;
    let text = core::str::from_utf8(&text[..count])?;
    check!(text.starts_with("Hello from process") && text.ends_with(": you!\n"), "{text}");
    check_eq!(Process::spawn_with(ASSIST, ["take", "1"], streams)?.wait()?.reason, ExitReason::Exited(1000));
    files::remove("a log")?;
    Ok(())
}

fn wild_streams_are_refused() -> Verdict {
    let before = open_count()?;
    for handle in [3, 63, 64, 1000, NO_HANDLE - 1] {
        let streams = Streams { errors: handle, ..Streams::default() };
        check_eq!(Process::spawn_with("hello", [""; 0], streams).err(), Some(Error::BadHandle));
    }
    let name = u32::try_from("hello".as_ptr().expose_provenance())?;
    for at in [1, 0xC000_0000, u32::MAX - 11, 0x7000_0000] {
        check_eq!(call::create_process(name, 5, 0, 0, at), Err(Error::BadAddress));
    }
    check_eq!(open_count()?, before);
    Ok(())
}

fn standard_streams_can_be_closed_and_replaced() -> Verdict {
    check_eq!(assist(&["without-streams"])?, ExitReason::Exited(0));
    Ok(())
}

fn programs_of_one_file_write_one_behind_the_other() -> Verdict {
    const WRITERS: usize = 8;
    let log = File::create("a log of many")?;
    let streams = Streams { output: log.handle(), ..Streams::default() };
    let children = (0..WRITERS).map(|_| Process::spawn_with("goodbye", ["--times", "50"], streams));
    let children = children.collect::<Result<Vec<_>, _>>()?;
    let pids: Vec<u32> = children.iter().map(Process::pid).collect();
    for child in children {
        check_eq!(child.wait()?.reason, ExitReason::Exited(0));
    }
    let mut text = Vec::new();
    let mut reader = File::open("a log of many")?;
    let mut chunk = [0; 512];
    while let count @ 1.. = reader.read(&mut chunk)? {
        text.extend_from_slice(&chunk[..count]);
    }
    let text = core::str::from_utf8(&text)?;
    for pid in pids {
        let line = format!("Goodbye from process {pid}!");
        check_eq!(text.lines().filter(|written| *written == line).count(), 50);
    }
    check_eq!(text.lines().count(), WRITERS * 50);
    files::remove("a log of many")?;
    Ok(())
}

fn who_opens_everything_harms_nobody() -> Verdict {
    let before = open_count()?;
    let greedy = (0..20).map(|_| Process::spawn(ASSIST, ["open-all"])).collect::<Result<Vec<_>, _>>()?;
    wait_until("all have opened all they may", || open_count().is_ok_and(|count| count >= before + 20 * 61))?;
    check_eq!(run("hello", &[])?.reason, ExitReason::Exited(0));
    drop(File::open("random 1")?);
    greedy.into_iter().try_for_each(finish)?;
    check_eq!(open_count()?, before);
    Ok(())
}

fn the_foreground_is_the_shells_to_say() -> Verdict {
    let child = Process::spawn(ASSIST, ["sleep", "1000000"])?;
    process::set_foreground(Some(child.pid()))?;
    check_eq!(process::set_foreground(Some(process::pid())), Err(Error::NotPermitted));
    check_eq!(process::set_foreground(Some(1)), Err(Error::NotPermitted));
    check_eq!(process::set_foreground(Some(1_000_000)), Err(Error::NoSuchProcess));
    check_eq!(assist(&["take-foreground"])?, ExitReason::Exited(Error::NotPermitted.number()));
    process::set_foreground(None)?;
    finish(child)
}

fn shutdown_is_refused_for_a_grandchild_of_init() -> Verdict {
    // Init has started this program, which may therefore end the machine; its own children may not.
    check_eq!(run("shutdown", &[])?.reason, ExitReason::Exited(1));
    Ok(())
}
