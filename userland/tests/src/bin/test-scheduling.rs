//! Who gets the CPU. Init makes this program real-time, so that it may make others so.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use libsys::process::{self, Process, ProcessState};
use libsys::test::Verdict;
use libsys::{Class, Error, ExitReason, call, check, check_eq, system};
use tests::{ASSIST, assist, finish, wait_until};

libsys::tests! {
    children_inherit_the_class,
    whoever_never_gives_way_goes_down_class_by_class,
    a_process_that_does_nothing_but_fault_goes_down_class_by_class,
    a_demotion_is_for_good,
    a_real_time_process_that_sleeps_keeps_its_class,
    giving_way_is_no_demotion,
    classes_share_the_cpu_six_to_three_to_one,
    nobody_is_starved,
    the_cpu_idles_only_without_work,
    sleeping_is_not_before_its_time_on_a_busy_machine,
    time_on_the_cpu_is_counted,
    programs_may_lower_themselves_only,
    a_parent_decides_over_its_children_only,
    unknown_classes_and_processes_are_refused,
    states_are_told,
}

fn sleep(milliseconds: u64) {
    process::sleep(Duration::from_millis(milliseconds));
}

fn class_of(pid: u32) -> Result<Class, Error> {
    Ok(process::info(pid)?.class)
}

/// Starts `assist` as real-time, interactive or background.
fn start(class: Class, words: &[&str]) -> Result<Process, Error> {
    let child = Process::spawn(ASSIST, words)?;
    process::set_priority(child.pid(), class)?;
    Ok(child)
}

/// Has this program be in `class` itself. Init may not have made it real-time yet when it begins.
fn be(class: Class) -> Verdict {
    wait_until("this program may be real-time", || process::set_priority(process::pid(), Class::RealTime).is_ok())?;
    process::set_priority(process::pid(), class)?;
    Ok(())
}

fn children_inherit_the_class() -> Verdict {
    for class in [Class::RealTime, Class::Interactive, Class::Background] {
        be(class)?;
        let child = Process::spawn(ASSIST, ["sleep", "100000"])?;
        check_eq!(class_of(child.pid())?, class);
        finish(child)?;
    }
    be(Class::Interactive)
}

fn whoever_never_gives_way_goes_down_class_by_class() -> Verdict {
    goes_down_class_by_class(&["spin", "100000"])
}

/// A page fault that need not wait is no voluntary switch.
fn a_process_that_does_nothing_but_fault_goes_down_class_by_class() -> Verdict {
    goes_down_class_by_class(&["faults"])
}

fn goes_down_class_by_class(words: &[&str]) -> Verdict {
    be(Class::RealTime)?;
    let child = start(Class::RealTime, words)?;
    let mut classes = Vec::from([Class::RealTime]);
    wait_until("it is in the background", || {
        let class = class_of(child.pid()).unwrap_or(Class::RealTime);
        if classes.last() != Some(&class) {
            classes.push(class);
        }
        class == Class::Background
    })?;
    check_eq!(classes, Class::ALL);
    finish(child)?;
    be(Class::Interactive)
}

fn a_demotion_is_for_good() -> Verdict {
    be(Class::Interactive)?;
    let child = start(Class::Interactive, &["spin-sleep", "300", "100000"])?;
    wait_until("it sleeps after its work", || {
        process::info(child.pid()).is_ok_and(|info| info.state == ProcessState::Sleeping)
    })?;
    for _ in 0..5 {
        check_eq!(class_of(child.pid())?, Class::Background);
        sleep(20);
    }
    finish(child)
}

fn a_real_time_process_that_sleeps_keeps_its_class() -> Verdict {
    be(Class::Interactive)?;
    let busy = start(Class::Interactive, &["yields", "100000"])?;
    let napper = start(Class::RealTime, &["naps", "100000"])?;
    // Many time slices' worth of work, but never more than one in a row.
    for _ in 0..10 {
        sleep(50);
        check_eq!(class_of(napper.pid())?, Class::RealTime);
    }
    finish(napper)?;
    finish(busy)
}

fn giving_way_is_no_demotion() -> Verdict {
    be(Class::Interactive)?;
    let child = start(Class::Interactive, &["yields", "100000"])?;
    sleep(300);
    check_eq!(class_of(child.pid())?, Class::Interactive);
    finish(child)
}

/// How much of the CPU each of these classes gets, in thousandths, from processes that never sleep.
fn shares<const N: usize>(classes: [Class; N]) -> Result<[u64; N], Error> {
    let children = classes.map(|class| start(class, &["yields", "100000"]));
    let mut pids = [0; N];
    for (pid, child) in pids.iter_mut().zip(children) {
        *pid = child?.pid();
    }
    // All have begun, and have read what they need from the disk.
    sleep(200);
    let used = |pid: u32| process::info(pid).map_or(0, |info| info.cpu_tsc);
    let before = pids.map(used);
    sleep(1500);
    let mut shares = pids.map(used);
    shares.iter_mut().zip(before).for_each(|(share, before)| *share -= before);
    let all: u64 = shares.iter().sum();
    for pid in pids {
        process::kill(pid)?;
        process::wait_for(pid)?;
    }
    Ok(shares.map(|share| share * 1000 / all.max(1)))
}

/// The shares are these, with a tolerance for so few draws.
fn check_shares<const N: usize>(classes: [Class; N], expected: [u64; N]) -> Verdict {
    let found = shares(classes)?;
    for (found_one, expected_one) in found.into_iter().zip(expected) {
        check!(found_one.abs_diff(expected_one) < 100, "{found:?} instead of {expected:?} thousandths");
    }
    Ok(())
}

fn classes_share_the_cpu_six_to_three_to_one() -> Verdict {
    be(Class::RealTime)?;
    check_shares([Class::RealTime, Class::Interactive, Class::Background], [600, 300, 100])?;
    check_shares([Class::Interactive, Class::Background], [750, 250])
}

fn nobody_is_starved() -> Verdict {
    be(Class::RealTime)?;
    let classes = [Class::RealTime, Class::RealTime, Class::RealTime, Class::Background];
    let found = shares(classes)?;
    check!(found.iter().all(|&share| share > 30), "{found:?} thousandths");
    Ok(())
}

/// For how many thousandths of `milliseconds` the CPU was halted.
fn halted(milliseconds: u64) -> Result<u64, Error> {
    let before = system::time()?;
    sleep(milliseconds);
    let after = system::time()?;
    let passed = (after.uptime_ms - before.uptime_ms) * (after.tsc_hz / 1000);
    Ok((after.halted_tsc - before.halted_tsc) * 1000 / passed.max(1))
}

fn the_cpu_idles_only_without_work() -> Verdict {
    be(Class::Interactive)?;
    let idle = halted(300)?;
    check!(idle > 500, "halted for {idle} thousandths although nobody works");
    let worker = start(Class::Background, &["spin", "100000"])?;
    sleep(50);
    let busy = halted(300)?;
    check!(busy < 50, "halted for {busy} thousandths beside a process that works");
    finish(worker)
}

fn sleeping_is_not_before_its_time_on_a_busy_machine() -> Verdict {
    be(Class::Interactive)?;
    let workers = [start(Class::RealTime, &["spin", "100000"])?, start(Class::Interactive, &["spin", "100000"])?];
    for milliseconds in [0, 1, 10, 35, 60] {
        let before = system::time()?.uptime_ms;
        sleep(milliseconds);
        let slept = system::time()?.uptime_ms - before;
        check!(slept >= milliseconds, "{slept} ms instead of {milliseconds}");
    }
    workers.into_iter().try_for_each(finish)
}

fn time_on_the_cpu_is_counted() -> Verdict {
    be(Class::Interactive)?;
    let worker = start(Class::Interactive, &["spin", "100000"])?;
    let sleeper = start(Class::Interactive, &["sleep", "100000"])?;
    sleep(500);
    let ms = |pid| Ok::<u64, Error>(process::info(pid)?.cpu_tsc / (system::time()?.tsc_hz / 1000));
    let (worked, slept, own) = (ms(worker.pid())?, ms(sleeper.pid())?, ms(process::pid())?);
    check!((300..10_000).contains(&worked), "the worker worked {worked} ms of at least 500");
    check!(slept < 100, "the sleeper worked {slept} ms");
    check!(ms(process::pid())? >= own);
    finish(worker)?;
    finish(sleeper)
}

/// The exit code of `assist priority PID CLASS`: 0, or why it was refused.
fn priority(pid: u32, class: Class) -> Result<ExitReason, Error> {
    assist(&["priority", &format!("{pid}"), &format!("{}", class.number())])
}

fn refused(errno: Error) -> ExitReason {
    ExitReason::Exited(errno.number())
}

fn programs_may_lower_themselves_only() -> Verdict {
    be(Class::Interactive)?;
    check_eq!(priority(0, Class::Interactive)?, ExitReason::Exited(0));
    check_eq!(priority(0, Class::Background)?, ExitReason::Exited(0));
    check_eq!(priority(0, Class::RealTime)?, refused(Error::NotPermitted));
    be(Class::Background)?;
    check_eq!(priority(0, Class::Interactive)?, refused(Error::NotPermitted));
    // A real-time program may stay what it is, and children of one inherit that.
    be(Class::RealTime)?;
    check_eq!(priority(0, Class::RealTime)?, ExitReason::Exited(0));
    be(Class::Interactive)
}

fn a_parent_decides_over_its_children_only() -> Verdict {
    be(Class::Interactive)?;
    check_eq!(priority(process::pid(), Class::Background)?, refused(Error::NotPermitted));
    check_eq!(priority(1, Class::Background)?, refused(Error::NotPermitted));
    check_eq!(process::set_priority(1, Class::Background), Err(Error::NotPermitted));
    let sibling = start(Class::Interactive, &["sleep", "100000"])?;
    check_eq!(priority(sibling.pid(), Class::Background)?, refused(Error::NotPermitted));
    process::set_priority(sibling.pid(), Class::Background)?;
    check_eq!(class_of(sibling.pid())?, Class::Background);
    process::set_priority(sibling.pid(), Class::RealTime)?;
    check_eq!(class_of(sibling.pid())?, Class::RealTime);
    finish(sibling)
}

fn unknown_classes_and_processes_are_refused() -> Verdict {
    for class in [3, 4, u32::MAX] {
        check_eq!(call::set_priority(process::pid(), class), Err(Error::InvalidArgument));
    }
    for pid in [0, 1_000_000, u32::MAX] {
        check_eq!(call::set_priority(pid, 2), Err(Error::NoSuchProcess));
        check_eq!(process::info(pid).err(), Some(Error::NoSuchProcess));
    }
    check_eq!(call::process_info(u32::MAX, 0xC000_0000), Err(Error::BadAddress));
    Ok(())
}

fn states_are_told() -> Verdict {
    be(Class::Interactive)?;
    let own = process::info(process::pid())?;
    check_eq!((own.state, own.parent, own.name.as_str()), (ProcessState::Running, 1, "test-scheduling"));
    check!(own.resident > 0 && own.promised > 0 && own.account.faults > 0);
    check_eq!(process::info(1)?.state, ProcessState::WaitsForChild);
    let expected = [
        (&["sleep", "100000"][..], ProcessState::Sleeping),
        (&["spin", "100000"], ProcessState::Runnable),
        (&["read-lines"], ProcessState::WaitsForConsole),
        (&["exit", "0"], ProcessState::Ended),
    ];
    for (words, state) in expected {
        let child = Process::spawn(ASSIST, words)?;
        let name: String = format!("{words:?} is {state}");
        wait_until(&name, || process::info(child.pid()).is_ok_and(|info| info.state == state))?;
        // One that has ended cannot be killed any more.
        let killed = process::kill(child.pid());
        check_eq!(killed.is_err(), state == ProcessState::Ended);
        child.wait()?;
    }
    let pids = process::all().map(|info| info.pid);
    check!(pids.is_sorted());
    Ok(())
}
