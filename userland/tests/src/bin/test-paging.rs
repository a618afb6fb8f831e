//! Borrowing, on a machine with 64 frames and a swap file of 256 pages.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

use libsys::abi::POLICY_NAMES;
use libsys::memory::{Region, mapping};
use libsys::process::{self, Process};
use libsys::test::Verdict;
use libsys::{Class, Error, ExitReason, check, check_eq, system};
use tests::{ASSIST, PAGE, finish, run};

libsys::tests! {
    every_value_survives_being_borrowed,
    a_page_changed_after_it_came_back_is_written_again,
    a_clean_page_is_dropped_without_writing,
    borrowed_frames_come_without_their_last_contents,
    the_same_address_is_each_programs_own,
    a_freed_page_comes_back_empty,
    slots_are_used_again_when_memory_is_freed,
    slots_are_used_again_when_a_process_ends,
    nothing_is_borrowed_while_frames_are_free,
    frames_are_kept_free_ahead_of_need,
    what_was_promised_is_kept_to_the_last_page,
    a_refusal_leaves_everything_as_it_was,
    sleepers_lend_their_frames,
    a_process_that_waits_for_its_pages_keeps_its_class,
    policies_change_while_pages_come_and_go,
}

/// More pages than there are frames, by far.
const MANY: usize = 200;

fn every_value_survives_being_borrowed() -> Verdict {
    let before = system::info()?.account;
    let mut region = Region::allocate(MANY * PAGE)?;
    for round in 0..4 {
        tests::fill(region.words(), round);
        check!(tests::holds(region.words(), round), "round {round}");
    }
    let after = system::info()?.account;
    check!(after.swap_outs - before.swap_outs > 100);
    check!(after.swap_ins - before.swap_ins > 100);
    Ok(())
}

fn a_page_changed_after_it_came_back_is_written_again() -> Verdict {
    let mut region = Region::allocate(PAGE)?;
    for value in 1..5 {
        region.words().fill(value);
        tests::sweep()?;
        let parked = mapping(region.as_ptr())?;
        check!(parked.disk_page.is_some(), "{parked:?}");
        check!(region.words().iter().all(|&word| word == value), "value {value}");
    }
    Ok(())
}

fn a_clean_page_is_dropped_without_writing() -> Verdict {
    let mut region = Region::allocate(MANY * PAGE)?;
    tests::fill(region.words(), 3);
    check!(tests::holds(region.words(), 3));
    check!(tests::holds(region.words(), 3));
    // From here on every page is clean and has a copy on disk.
    let before = system::info()?.account;
    check!(tests::holds(region.words(), 3));
    let after = system::info()?.account;
    check!(after.clean_drops - before.clean_drops > 50);
    check!(after.swap_outs - before.swap_outs < 30, "{} swap-outs", after.swap_outs - before.swap_outs);
    Ok(())
}

fn borrowed_frames_come_without_their_last_contents() -> Verdict {
    let mut mine = Region::allocate(MANY / 2 * PAGE)?;
    mine.words().fill(0x5EC2_E7ED);
    let mut fresh = Region::allocate(MANY / 2 * PAGE)?;
    check!(fresh.words().iter().all(|&word| word == 0));
    check!(mine.words().iter().all(|&word| word == 0x5EC2_E7ED));
    Ok(())
}

fn the_same_address_is_each_programs_own() -> Verdict {
    let children: Vec<Process> = (1..=4)
        .map(|seed| Process::spawn(ASSIST, ["keep", &format!("{seed}"), "30", "60"]))
        .collect::<Result<_, _>>()?;
    for child in children {
        check_eq!(child.wait()?.reason, ExitReason::Exited(0));
    }
    Ok(())
}

fn a_freed_page_comes_back_empty() -> Verdict {
    for _ in 0..5 {
        let mut region = Region::allocate(100 * PAGE)?;
        check!(region.words().iter().all(|&word| word == 0));
        region.words().fill(9);
        region.free()?;
    }
    Ok(())
}

fn slots_are_used_again_when_memory_is_freed() -> Verdict {
    // Ten times what the swap file holds.
    for round in 0..13 {
        let mut region = Region::allocate(MANY * PAGE)?;
        tests::fill(region.words(), round);
        check!(tests::holds(region.words(), round));
    }
    check!(system::info()?.slots_free > 180);
    Ok(())
}

fn slots_are_used_again_when_a_process_ends() -> Verdict {
    for _ in 0..8 {
        check_eq!(run(ASSIST, &["keep", "5", "150", "0"])?.reason, ExitReason::Exited(0));
    }
    check!(system::info()?.slots_free > 180);
    Ok(())
}

fn nothing_is_borrowed_while_frames_are_free() -> Verdict {
    Region::allocate(MANY * PAGE)?.words().fill(1);
    // Freeing that has left frames free: a few pages must come from those.
    let before = system::info()?;
    check!(before.frames_free > 20, "{} frames free", before.frames_free);
    let mut region = Region::allocate(8 * PAGE)?;
    region.words().fill(2);
    let after = system::info()?;
    check_eq!(after.account.swap_outs, before.account.swap_outs);
    check_eq!(after.account.clean_drops, before.account.clean_drops);
    Ok(())
}

fn frames_are_kept_free_ahead_of_need() -> Verdict {
    /// The cleaner's low mark with so few frames.
    const LOW: u32 = 4;
    let mut region = Region::allocate(MANY * PAGE)?;
    for words in region.words().chunks_exact_mut(PAGE / 4) {
        words.fill(1);
        // Whoever touches the next page finds a frame, as soon as the disk has written what was sent out.
        let mut free = system::info()?.frames_free;
        for _ in 0..100 {
            if free >= LOW {
                break;
            }
            process::sleep(Duration::from_millis(10));
            free = system::info()?.frames_free;
        }
        check!(free >= LOW, "{free} frames");
    }
    Ok(())
}

fn what_was_promised_is_kept_to_the_last_page() -> Verdict {
    let mut regions = Vec::with_capacity(64);
    let mut pages = 256;
    while pages > 0 {
        match Region::allocate(pages * PAGE) {
            Ok(region) => regions.push(region),
            Err(Error::OutOfMemory) => pages /= 2,
            Err(other) => return Err(other.into()),
        }
    }
    let promised: usize = regions.iter_mut().map(|region| region.bytes().len() / PAGE).sum();
    check!(promised > 250, "{promised} pages");
    for round in 0..2 {
        for (seed, region) in (round..).zip(&mut regions) {
            tests::fill(region.words(), seed);
        }
        for (seed, region) in (round..).zip(&mut regions) {
            check!(tests::holds(region.words(), seed), "region {seed}");
        }
    }
    Ok(())
}

fn a_refusal_leaves_everything_as_it_was() -> Verdict {
    let all = system::info()?;
    let room = (all.pages_promisable - all.pages_promised) as usize;
    check_eq!(Region::allocate((room + 1) * PAGE).err(), Some(Error::OutOfMemory));
    // All but a page table or two that the region itself may need.
    let mut most = Region::allocate((room - 3) * PAGE)?;
    most.words()[0] = 1;
    let before = system::info()?;
    check_eq!(Region::allocate(100 * PAGE).err(), Some(Error::OutOfMemory));
    check_eq!(Process::spawn(ASSIST, ["exit", "0"]).err(), Some(Error::OutOfMemory));
    let after = system::info()?;
    check_eq!((before.pages_promised, before.processes), (after.pages_promised, after.processes));
    Ok(())
}

fn sleepers_lend_their_frames() -> Verdict {
    let sleeper = Process::spawn(ASSIST, ["keep", "8", "40", "1000"])?;
    process::sleep(Duration::from_millis(250));
    tests::sweep()?;
    let status = sleeper.wait()?;
    check_eq!(status.reason, ExitReason::Exited(0));
    check!(status.account.swap_ins > 20, "{:?}", status.account);
    Ok(())
}

fn a_process_that_waits_for_its_pages_keeps_its_class() -> Verdict {
    let child = Process::spawn(ASSIST, ["thrash", "150"])?;
    // To start a program, and to fill pages for the first time, can take whole time slices, of this process too.
    tests::wait_until("pages come back", || swap_ins_of(&child).is_ok_and(|count| count > 0))?;
    process::set_priority(process::pid(), Class::RealTime)?;
    process::set_priority(child.pid(), Class::Interactive)?;
    let before = swap_ins_of(&child)?;
    // Many time slices, but a page that must be fetched ends each of them early.
    for _ in 0..10 {
        process::sleep(Duration::from_millis(50));
        check_eq!(process::info(child.pid())?.class, Class::Interactive);
    }
    check!(swap_ins_of(&child)? > before + 100);
    finish(child)
}

fn swap_ins_of(child: &Process) -> Result<u32, Error> {
    process::info(child.pid()).map(|info| info.account.swap_ins)
}

fn policies_change_while_pages_come_and_go() -> Verdict {
    let before = system::info()?.policy;
    let mut region = Region::allocate(MANY * PAGE)?;
    for (round, name) in (0u32..).zip(POLICY_NAMES) {
        system::set_policy(name)?;
        check_eq!(POLICY_NAMES.get(system::info()?.policy as usize).copied(), Some(name));
        for (index, words) in (0u32..).zip(region.words().chunks_exact_mut(PAGE / 4)) {
            check!(round == 0 || words[index as usize % 1024] == index * 100 + round - 1);
            words[index as usize % 1024] = index * 100 + round;
        }
    }
    check_eq!(system::set_policy("best"), Err(Error::InvalidArgument));
    let before = POLICY_NAMES.get(before as usize).copied().unwrap_or_default();
    system::set_policy(before)?;
    Ok(())
}
