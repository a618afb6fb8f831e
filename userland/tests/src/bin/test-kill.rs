//! `Kill`, in every state a process can be in, on few frames, so that some wait for pages.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::time::Duration;

use libsys::message::{self, Buffer};
use libsys::process::{self, Process, ProcessState, wait_any};
use libsys::test::Verdict;
use libsys::{Error, ExitReason, check, check_eq, system};
use tests::{ASSIST, assist, finish, wait_until};

libsys::tests! {
    one_that_has_not_begun_can_be_killed,
    a_runnable_one_can_be_killed,
    a_sleeping_one_can_be_killed,
    one_that_waits_for_a_child_can_be_killed,
    one_that_waits_for_the_console_can_be_killed,
    one_that_waits_for_a_message_can_be_killed,
    one_that_waits_for_the_disk_can_be_killed,
    one_that_waits_for_a_page_can_be_killed,
    one_can_kill_oneself,
    one_that_has_ended_keeps_its_reason,
    killed_processes_leave_nothing_behind,
    strangers_and_init_cannot_be_killed,
    a_sibling_can_be_killed,
    there_is_a_program_for_it,
}

/// How often each state is tried.
const REPETITIONS: u32 = 20;

fn killed_by_this() -> ExitReason {
    ExitReason::Killed(process::pid())
}

fn state_of(pid: u32) -> Option<ProcessState> {
    process::info(pid).ok().map(|info| info.state)
}

/// Kills `assist` while it is in this state, again and again.
fn kill_while(state: ProcessState, words: &[&str]) -> Verdict {
    for repetition in 0..REPETITIONS {
        let child = Process::spawn(ASSIST, words)?;
        let pid = child.pid();
        let mut looks = 0u32;
        while state_of(pid) != Some(state) {
            looks += 1;
            check!(looks < 100_000, "repetition {repetition}: {words:?} never was {state}");
            process::yield_now();
        }
        // Nobody ran since the look.
        process::kill(pid)?;
        check_eq!(child.wait()?.reason, killed_by_this());
    }
    Ok(())
}

fn one_that_has_not_begun_can_be_killed() -> Verdict {
    for _ in 0..REPETITIONS {
        // One that would not end by itself, should a tick come in between.
        let child = Process::spawn(ASSIST, ["sleep", "1000000"])?;
        process::kill(child.pid())?;
        check_eq!(child.wait()?.reason, killed_by_this());
    }
    Ok(())
}

fn a_runnable_one_can_be_killed() -> Verdict {
    kill_while(ProcessState::Runnable, &["spin", "100000"])
}

fn a_sleeping_one_can_be_killed() -> Verdict {
    kill_while(ProcessState::Sleeping, &["sleep", "1000000"])
}

fn one_that_waits_for_a_child_can_be_killed() -> Verdict {
    kill_while(ProcessState::WaitsForChild, &["parent"])?;
    // The children live on, with init; this program acts for init, who started it.
    let orphans: Vec<u32> = process::all()
        .filter(|info| info.parent == 1 && info.name.as_str() == ASSIST && info.state != ProcessState::Ended)
        .map(|info| info.pid)
        .collect();
    check_eq!(orphans.len(), REPETITIONS as usize);
    orphans.iter().try_for_each(|&orphan| process::kill(orphan))?;
    wait_until("init has waited for them", || orphans.iter().all(|&orphan| process::info(orphan).is_err()))
}

fn one_that_waits_for_the_console_can_be_killed() -> Verdict {
    kill_while(ProcessState::WaitsForConsole, &["read-lines"])
}

fn one_that_waits_for_a_message_can_be_killed() -> Verdict {
    kill_while(ProcessState::WaitsForMessage, &["echo"])?;
    // This one would say so if it went on behind its wait.
    kill_while(ProcessState::WaitsForMessage, &["listen", "1000000"])?;
    kill_while(ProcessState::WaitsForMessage, &["answer"])?;
    kill_while(ProcessState::WaitsForMessage, &["ask", &process::pid().to_string(), "1"])?;
    for _ in 0..REPETITIONS {
        check_eq!(message::wait(&mut Buffer::new(), Some(Duration::ZERO))?.what, 0, "its request");
    }
    // Marked and woken, but not run yet: a message finds one that waits no longer, and harms nobody.
    for _ in 0..REPETITIONS {
        let child = Process::spawn(ASSIST, ["echo"])?;
        wait_until("it waits", || state_of(child.pid()) == Some(ProcessState::WaitsForMessage))?;
        process::kill(child.pid())?;
        let sent = message::send(child.pid(), 1, b"too late");
        check!(matches!(sent, Ok(()) | Err(Error::NoSuchProcess)), "{sent:?}");
        check_eq!(child.wait()?.reason, killed_by_this());
    }
    check_eq!(message::wait(&mut Buffer::new(), Some(Duration::ZERO)).err(), Some(Error::TimedOut));
    Ok(())
}

fn one_that_waits_for_the_disk_can_be_killed() -> Verdict {
    kill_while(ProcessState::WaitsForDisk, &["thrash", "200"])
}

fn one_that_waits_for_a_page_can_be_killed() -> Verdict {
    kill_while(ProcessState::WaitsForPage, &["thrash", "200"])
}

fn one_can_kill_oneself() -> Verdict {
    for _ in 0..REPETITIONS {
        let child = Process::spawn(ASSIST, ["kill-self"])?;
        let pid = child.pid();
        check_eq!(child.wait()?.reason, ExitReason::Killed(pid));
    }
    check_eq!(message::wait(&mut Buffer::new(), Some(Duration::ZERO)).err(), Some(Error::TimedOut), "it went on");
    Ok(())
}

fn one_that_has_ended_keeps_its_reason() -> Verdict {
    let child = Process::spawn(ASSIST, ["exit", "7"])?;
    wait_until("it has ended", || state_of(child.pid()) == Some(ProcessState::Ended))?;
    check_eq!(process::kill(child.pid()), Err(Error::NoSuchProcess));
    check_eq!(child.wait()?.reason, ExitReason::Exited(7));
    Ok(())
}

fn killed_processes_leave_nothing_behind() -> Verdict {
    let round = || {
        let children = (0..5).map(|_| Process::spawn(ASSIST, ["thrash", "60"])).collect::<Result<Vec<_>, _>>()?;
        process::sleep(Duration::from_millis(40));
        children.into_iter().try_for_each(finish)
    };
    round()?;
    let before = system::info()?;
    (0..REPETITIONS / 4).try_for_each(|_| round())?;
    wait_until("every slot is free that was free", || {
        system::info().is_ok_and(|after| {
            // This program's own pages come and go, and take their slots with them.
            after.slots_free.abs_diff(before.slots_free) < 40 && after.kernel_frames_free == before.kernel_frames_free
        })
    })
}

/// How `assist kill PID` fares: 0, or why it was refused.
fn kill_by_child(pid: u32) -> Result<ExitReason, Error> {
    assist(&["kill", &format!("{pid}")])
}

fn strangers_and_init_cannot_be_killed() -> Verdict {
    for pid in [0, 1_000_000, u32::MAX] {
        check_eq!(process::kill(pid), Err(Error::NoSuchProcess));
    }
    check_eq!(process::kill(1), Err(Error::NotPermitted));
    for above in [1, process::pid()] {
        check_eq!(kill_by_child(above)?, ExitReason::Exited(Error::NotPermitted.number()));
    }
    Ok(())
}

fn a_sibling_can_be_killed() -> Verdict {
    let sibling = Process::spawn(ASSIST, ["sleep", "1000000"])?;
    let killer = Process::spawn(ASSIST, ["kill", &format!("{}", sibling.pid())])?;
    let by = killer.pid();
    check_eq!(sibling.wait()?.reason, ExitReason::Killed(by));
    check_eq!(killer.wait()?.reason, ExitReason::Exited(0));
    Ok(())
}

fn there_is_a_program_for_it() -> Verdict {
    let victim = Process::spawn(ASSIST, ["sleep", "1000000"])?;
    let pid = format!("{}", victim.pid());
    check_eq!(tests::run("kill", &[&pid])?.reason, ExitReason::Exited(0));
    check!(matches!(victim.wait()?.reason, ExitReason::Killed(_)));
    check_eq!(tests::run("kill", &[&pid])?.reason, ExitReason::Exited(1));
    check_eq!(tests::run("kill", &["1"])?.reason, ExitReason::Exited(1));
    check_eq!(tests::run("ps", &[])?.reason, ExitReason::Exited(0));
    check_eq!(wait_any().err(), Some(Error::NoChild));
    Ok(())
}
