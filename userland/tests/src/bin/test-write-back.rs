//! What is changed through mappings: which of it gets into the file, when, and with several processes at it.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use libsys::abi::layout::MAPPINGS_MAX;
use libsys::abi::process::ProcessState;
use libsys::files::{self, File, MappedFile};
use libsys::memory::PAGE_SIZE;
use libsys::process::{self, Process};
use libsys::test::Verdict;
use libsys::time::Instant;
use libsys::{Error, ExitReason, check, check_eq, system};
use tests::mapped::{WRITE, byte_at, made, read, write};
use tests::{ASSIST, PAGE, run, wait_until};

libsys::tests! {
    data_of_programs_is_copied_and_never_written_back,
    changes_are_on_the_disk_after_unmap_exit_and_sync,
    clean_pages_are_never_written,
    sync_ends_while_others_write_on,
    several_processes_write_the_same_pages,
    a_kill_in_the_middle_harms_nobody,
    whoever_maps_a_file_very_often_does_not_stop_the_machine,
}

fn data_of_programs_is_copied_and_never_written_back() -> Verdict {
    static mut CHANGED: [u32; 64] = [0x1234_5678; 64];
    let program = || -> Result<Vec<u8>, Error> {
        let mut file = File::open("test-write-back")?;
        let mut all = vec![0; file.len()? as usize];
        file.read(&mut all)?;
        Ok(all)
    };
    let before = program()?;
    let words = &raw mut CHANGED;
    // SAFETY: nobody else uses them.
    unsafe { words.write_volatile([process::pid(); 64]) };
    // On a small machine they are borrowed for this.
    tests::sweep()?;
    File::open("test-write-back")?.sync()?;
    check!(program()? == before);
    // SAFETY: as above.
    check_eq!(unsafe { words.read_volatile() }, [process::pid(); 64]);
    Ok(())
}

fn changes_are_on_the_disk_after_unmap_exit_and_sync() -> Verdict {
    const PAGES: usize = 6;
    let writes = || system::info().map(|info| info.account.file_writes);
    let mut file = made("written", PAGES)?;
    file.sync()?;
    let before = writes()?;
    let mapped = MappedFile::new(&file, 0, PAGES * PAGE, WRITE)?;
    (0..PAGES).for_each(|page| write(&mapped, page * PAGE, 1));
    file.sync()?;
    check!(writes()? >= before + 6, "sync");
    let before = writes()?;
    (0..PAGES).for_each(|page| write(&mapped, page * PAGE, 2));
    mapped.unmap()?;
    check!(writes()? >= before + 6, "unmap");
    for way in ["return", "exit", "fault"] {
        let before = writes()?;
        run(ASSIST, &["map-fill", "written", "6", "33", way])?;
        check!(writes()? >= before + 6, "{way}");
        let mut found = vec![0u8; PAGES * PAGE];
        let mut expected = vec![0u32; PAGES * PAGE / 4];
        tests::fill(&mut expected, 33);
        file.seek(0)?;
        file.read(&mut found)?;
        check!(found.chunks(4).eq(expected.iter().map(|word| word.to_le_bytes())), "{way}");
        file.seek(0)?;
        file.write_all(&[0; PAGES * PAGE])?;
        file.sync()?;
    }
    drop(file);
    files::remove("written")?;
    Ok(())
}

fn clean_pages_are_never_written() -> Verdict {
    let mut file = made("clean", 50)?;
    file.sync()?;
    let before = system::info()?.account.file_writes;
    let mapped = MappedFile::new(&file, 0, 50 * PAGE, WRITE)?;
    let sum: u32 = (0..50 * PAGE).step_by(256).map(|at| u32::from(read(&mapped, at))).sum();
    check!(sum > 0);
    byte_at(&mut file, 100)?;
    // Whatever is borrowed for this is clean.
    tests::sweep()?;
    mapped.unmap()?;
    file.sync()?;
    check_eq!(system::info()?.account.file_writes, before);
    drop(file);
    files::remove("clean")?;
    Ok(())
}

fn sync_ends_while_others_write_on() -> Verdict {
    let file = made("restless", 20)?;
    let mine = MappedFile::new(&file, 0, 20 * PAGE, WRITE)?;
    let spinners = [
        Process::spawn(ASSIST, ["map-spin", "restless", "20"])?,
        Process::spawn(ASSIST, ["map-spin", "restless", "20"])?,
    ];
    let first = read(&mine, 0);
    wait_until("they write", || read(&mine, 0) != first)?;
    for _ in 0..5 {
        file.sync()?;
    }
    mine.unmap()?;
    check_eq!(run(ASSIST, &["map-fill", "restless", "20", "1", "return"])?.reason, ExitReason::Exited(0));
    for spinner in spinners {
        tests::finish(spinner)?;
    }
    drop(file);
    files::remove("restless")?;
    Ok(())
}

fn several_processes_write_the_same_pages() -> Verdict {
    // More pages than a small machine has frames.
    let file = made("crowd", 150)?;
    drop(file);
    let children =
        (0..5).map(|_| Process::spawn(ASSIST, ["map-add", "crowd", "150", "6"])).collect::<Result<Vec<_>, _>>()?;
    let pids: Vec<u32> = children.iter().map(Process::pid).collect();
    for child in children {
        check_eq!(child.wait()?.reason, ExitReason::Exited(0));
    }
    let mut file = File::open("crowd")?;
    for page in 0..150 {
        for pid in &pids {
            let mut word = [0; 4];
            file.seek(page * PAGE_SIZE + pid % 1024 * 4)?;
            file.read(&mut word)?;
            check_eq!(u32::from_le_bytes(word), 6, "page {page}, process {pid}");
        }
    }
    drop(file);
    files::remove("crowd")?;
    Ok(())
}

fn a_kill_in_the_middle_harms_nobody() -> Verdict {
    drop(made("victims", 150)?);
    for round in 0..4u64 {
        let lucky = Process::spawn(ASSIST, ["map-add", "victims", "150", "3"])?;
        let unlucky = [
            Process::spawn(ASSIST, ["map-spin", "victims", "150"])?,
            Process::spawn(ASSIST, ["map-add", "victims", "150", "4000000000"])?,
        ];
        process::sleep(Duration::from_millis(20 + 25 * round));
        for child in unlucky {
            tests::finish(child)?;
        }
        let pid = lucky.pid();
        // The spinners change the first byte of each page alone.
        check!(pid % 1024 != 0);
        check_eq!(lucky.wait()?.reason, ExitReason::Exited(0));
        let mut file = File::open("victims")?;
        for page in 0..150 {
            let mut word = [0; 4];
            file.seek(page * PAGE_SIZE + pid % 1024 * 4)?;
            file.read(&mut word)?;
            check_eq!(u32::from_le_bytes(word), 3, "page {page}");
        }
    }
    files::remove("victims")?;
    Ok(())
}

fn whoever_maps_a_file_very_often_does_not_stop_the_machine() -> Verdict {
    drop(made("crowd", 600)?);
    let child = Process::spawn(ASSIST, ["map-crowd", "crowd", "600"])?;
    let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
    while process::info(child.pid())?.state != ProcessState::Ended {
        process::yield_now();
        longest = longest.max(last.elapsed());
        last = Instant::now();
    }
    check_eq!(child.wait()?.reason, ExitReason::Exited(MAPPINGS_MAX));
    check!(longest < Duration::from_millis(800), "nobody else ran for {longest:?}");
    files::remove("crowd")?;
    Ok(())
}
