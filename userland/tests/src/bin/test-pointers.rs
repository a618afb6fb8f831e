//! A bad pointer given to a call is an error of that call, and the call has no effect.
#![no_std]
#![no_main]

use libsys::abi::layout::{KERNEL_START, STACK_END, STACK_LIMIT};
use libsys::memory::{PAGE_SIZE, Region};
use libsys::process::{self, Process};
use libsys::test::Verdict;
use libsys::{Error, call, check_eq, system};
use tests::ASSIST;

libsys::tests! {
    no_call_reads_from_a_bad_pointer,
    no_call_writes_to_a_bad_pointer,
    no_call_writes_to_what_the_program_may_only_read,
    a_wait_with_a_bad_pointer_leaves_the_child_to_be_waited_for,
    a_create_with_a_bad_pointer_creates_nobody,
    no_bytes_are_no_access,
    buffers_and_strings_may_cross_pages,
    unknown_calls_are_refused,
}

const PAGE: u32 = PAGE_SIZE;

fn at<T>(place: *const T) -> u32 {
    u32::try_from(place.expose_provenance()).unwrap_or(0)
}

/// Places where `len_bytes` bytes are not all this program's.
fn bad_places(region: &mut Region, len_bytes: u32) -> [u32; 12] {
    let end = at(region.as_ptr()) + u32::try_from(region.bytes().len()).unwrap_or(0);
    [
        0,
        1,
        PAGE - 1,
        KERNEL_START,
        KERNEL_START + 0x0010_0000,
        STACK_END - len_bytes + 1,
        u32::MAX,
        u32::MAX - len_bytes + 1,
        0x7000_0000,
        end - len_bytes + 1,
        end,
        STACK_LIMIT - len_bytes,
    ]
}

/// A region with a hole behind it.
fn region_before_a_hole() -> Result<Region, Error> {
    let [region, hole] = [Region::allocate(2 * PAGE as usize)?, Region::allocate(2 * PAGE as usize)?];
    hole.free()?;
    Ok(region)
}

fn no_call_reads_from_a_bad_pointer() -> Verdict {
    let name = ASSIST.as_bytes();
    let len = u32::try_from(name.len())?;
    let mut region = region_before_a_hole()?;
    for bad in bad_places(&mut region, len) {
        check_eq!(call::write(1, bad, len), Err(Error::BadAddress));
        check_eq!(call::create_process(bad, len, 0, 0, 0), Err(Error::BadAddress));
        check_eq!(call::create_process(at(name.as_ptr()), len, bad, len, 0), Err(Error::BadAddress));
        check_eq!(call::get_pid_by_name(bad, len), Err(Error::BadAddress));
        check_eq!(call::send_message(process::pid(), 0, bad, len), Err(Error::BadAddress));
    }
    for bad in bad_places(&mut region, 1000) {
        check_eq!(call::send_message(process::pid(), 0, bad, 1000), Err(Error::BadAddress));
    }
    for huge in [0x8000_0000, u32::MAX] {
        check_eq!(call::write(1, at(name.as_ptr()), huge), Err(Error::BadAddress));
        check_eq!(call::create_process(at(name.as_ptr()), huge, 0, 0, 0), Err(Error::BadAddress));
        check_eq!(call::create_process(at(name.as_ptr()), len, at(name.as_ptr()), huge, 0), Err(Error::BadAddress));
        check_eq!(call::get_pid_by_name(at(name.as_ptr()), huge), Err(Error::BadAddress));
        check_eq!(call::send_message(process::pid(), 0, at(name.as_ptr()), huge), Err(Error::BadAddress));
    }
    Ok(())
}

/// Makes every call that fills something in; each must answer `BadAddress`.
fn refuses_to_fill(place: u32, mapped: u32) -> Verdict {
    check_eq!(call::system_info(place), Err(Error::BadAddress));
    check_eq!(call::time(place), Err(Error::BadAddress));
    check_eq!(call::get_mapping(mapped, place), Err(Error::BadAddress));
    check_eq!(call::read_directory(0, place), Err(Error::BadAddress));
    check_eq!(call::wait(0, place), Err(Error::BadAddress));
    check_eq!(call::read(0, place, 8), Err(Error::BadAddress));
    check_eq!(call::wait_for_message(place, 0), Err(Error::BadAddress));
    check_eq!(call::wait_for_message(place, u32::MAX), Err(Error::BadAddress));
    check_eq!(call::send_and_wait(place, 0, u32::MAX), Err(Error::BadAddress));
    Ok(())
}

fn no_call_writes_to_a_bad_pointer() -> Verdict {
    let mut region = region_before_a_hole()?;
    let mapped = at(region.as_ptr());
    // The smallest of the records: what does not fit for it fits for none.
    for bad in bad_places(&mut region, 8) {
        refuses_to_fill(bad, mapped)?;
    }
    Ok(())
}

fn no_call_writes_to_what_the_program_may_only_read() -> Verdict {
    let mut region = region_before_a_hole()?;
    let mapped = at(region.as_ptr());
    refuses_to_fill(at("a constant that is long enough for a record of some words or so".as_ptr()), mapped)?;
    refuses_to_fill(at(refuses_to_fill as *const u8), mapped)?;
    region.words().fill(0);
    Ok(())
}

fn a_wait_with_a_bad_pointer_leaves_the_child_to_be_waited_for() -> Verdict {
    let child = Process::spawn(ASSIST, ["exit", "9"])?;
    check_eq!(call::wait(child.pid(), 4), Err(Error::BadAddress));
    check_eq!(child.wait()?.reason, libsys::ExitReason::Exited(9));
    Ok(())
}

fn a_create_with_a_bad_pointer_creates_nobody() -> Verdict {
    let before = system::info()?;
    let name = at(ASSIST.as_ptr());
    check_eq!(call::create_process(name, 6, 0xC000_0000, 5, 0), Err(Error::BadAddress));
    check_eq!(call::create_process(3, 6, 0, 0, 0), Err(Error::BadAddress));
    let after = system::info()?;
    check_eq!((before.processes, before.pages_promised), (after.processes, after.pages_promised));
    Ok(())
}

fn no_bytes_are_no_access() -> Verdict {
    check_eq!(call::write(1, 0, 0), Ok(0));
    check_eq!(call::write(1, STACK_END, 0), Ok(0));
    check_eq!(call::write(7, 0, 0), Err(Error::BadHandle));
    check_eq!(call::read(7, 0, 0), Err(Error::BadHandle));
    Ok(())
}

fn buffers_and_strings_may_cross_pages() -> Verdict {
    let mut region = Region::allocate(3 * PAGE as usize)?;
    let page = PAGE as usize;
    // The name over the border between the first two pages, the argument over the next.
    region.bytes()[page - 3..page + 3].copy_from_slice(b"assist");
    region.bytes()[2 * page - 4..2 * page + 4].copy_from_slice(b"exit\x0042\0");
    let start = at(region.as_ptr());
    let pid = call::create_process(start + PAGE - 3, 6, start + 2 * PAGE - 4, 8, 0)?;
    // The record over a border too, in a page that was never touched.
    let mut fresh = Region::allocate(2 * page)?;
    let border = at(fresh.as_ptr()) + PAGE;
    check_eq!(call::wait(pid, border - 8), Ok(pid));
    check_eq!(fresh.words()[page / 4 - 2], pid);
    check_eq!(fresh.words()[page / 4], 42);
    Ok(())
}

fn unknown_calls_are_refused() -> Verdict {
    for number in [u32::try_from(libsys::abi::Number::ALL.len())?, 100, 0x8000_0000, u32::MAX] {
        let result: u32;
        // SAFETY: a call with a number that means nothing changes nothing.
        unsafe { core::arch::asm!("int 0x80", inlateout("eax") number => result) };
        check_eq!(Error::from_result_word(result), Err(Error::NoSuchCall));
    }
    Ok(())
}
