//! Messages between processes, on a machine with few frames.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use libsys::abi::layout::NAME_MAX_BYTES;
use libsys::abi::message::BUFFER_BYTES;
use libsys::abi::process::ProcessState;
use libsys::memory::{Region, mapping};
use libsys::message::{self, Buffer, MAX_BYTES, Message};
use libsys::process::{self, Process};
use libsys::test::{Failure, Verdict};
use libsys::{Error, ExitReason, call, check, check_eq, system};
use tests::{ASSIST, END, PAGE, wait_until};

libsys::tests! {
    a_message_of_any_length_goes_there_and_back,
    what_counts_up_over_a_thousand_round_trips,
    messages_of_each_sender_arrive_in_order,
    what_is_sent_is_a_copy,
    one_may_write_to_oneself,
    a_full_queue_refuses_and_loses_nothing,
    unread_messages_are_bounded_for_each_sender,
    whoever_has_ended_gets_no_messages,
    waiting_ends_in_time,
    a_message_ends_the_waiting,
    a_message_does_not_wake_a_sleeper,
    whoever_has_stopped_waiting_is_not_run,
    a_bad_buffer_loses_no_message,
    nobody_waits_for_what_it_cannot_be_given,
    a_buffer_may_be_untouched_and_cross_pages,
    buffers_may_be_parked_on_the_disk,
    processes_are_found_by_name,
}

const NO_TIME: Option<Duration> = Some(Duration::ZERO);
/// Long enough for whatever must come.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(60));

/// A process that answers messages.
fn echo() -> Result<Process, Error> {
    Process::spawn(ASSIST, ["echo"])
}

fn end(echo: Process) -> Verdict {
    message::send(echo.pid(), END, &[])?;
    check_eq!(echo.wait()?.reason, ExitReason::Exited(0));
    Ok(())
}

/// Sends a message to the process that answers, and checks the answer.
fn round_trip(echo: &Process, what: u32, bytes: &[u8]) -> Verdict {
    let mut buffer = Buffer::new();
    message::send(echo.pid(), what, bytes)?;
    check_eq!(message::wait(&mut buffer, PATIENCE)?, Message { sender: echo.pid(), what: what + 1, bytes });
    Ok(())
}

fn expect_nothing() -> Verdict {
    check_eq!(message::wait(&mut Buffer::new(), NO_TIME).err(), Some(Error::TimedOut));
    Ok(())
}

fn a_message_of_any_length_goes_there_and_back() -> Verdict {
    let echo = echo()?;
    let bytes: Vec<u8> = (0..=255).cycle().take(MAX_BYTES + 1).collect();
    for len in [0, 1, 4, 31, 32, 33, 64, 1000, MAX_BYTES - 1, MAX_BYTES] {
        round_trip(&echo, 5, &bytes[..len])?;
    }
    check_eq!(message::send(echo.pid(), 0, &bytes), Err(Error::MessageTooLong));
    end(echo)?;
    expect_nothing()
}

fn what_counts_up_over_a_thousand_round_trips() -> Verdict {
    let echo = echo()?;
    for what in (0..2000).step_by(2) {
        round_trip(&echo, what, &what.to_le_bytes())?;
    }
    end(echo)
}

fn messages_of_each_sender_arrive_in_order() -> Verdict {
    const COUNT: u32 = 300;
    let own = process::pid().to_string();
    let spawn = |longest: &str| Process::spawn(ASSIST, ["tell", &own, &COUNT.to_string(), longest]);
    let senders = ["0", "40", "1024"].into_iter().map(spawn).collect::<Result<Vec<Process>, Error>>()?;
    let longest = [0, 40, 1024];
    let mut next = [0; 3];
    let mut buffer = Buffer::new();
    for _ in 0..3 * COUNT {
        let Message { sender, what, bytes } = message::wait(&mut buffer, PATIENCE)?;
        let index = senders.iter().position(|child| child.pid() == sender).ok_or("a stranger sends messages")?;
        check_eq!(what, next[index]);
        next[index] += 1;
        check_eq!(bytes.len(), (what % (longest[index] + 1)) as usize);
        check!(bytes.iter().all(|&byte| byte == what.to_le_bytes()[0]));
    }
    for sender in senders {
        check_eq!(sender.wait()?.reason, ExitReason::Exited(0));
    }
    expect_nothing()
}

fn what_is_sent_is_a_copy() -> Verdict {
    let own = process::pid();
    for is_freed in [false, true] {
        let mut region = Region::allocate(PAGE)?;
        let mut expected = Vec::new();
        for (what, len) in (0..).zip([1, 32, 33, 500, MAX_BYTES]) {
            tests::fill(region.words(), what);
            expected.push(region.bytes()[..len].to_vec());
            message::send(own, what, &region.bytes()[..len])?;
        }
        // Neither what its bytes become nor that they go reaches a message under way.
        region.words().fill(0);
        let region = (!is_freed).then_some(region);
        let mut buffer = Buffer::new();
        for (what, bytes) in (0..).zip(&expected) {
            check_eq!(message::wait(&mut buffer, NO_TIME)?, Message { sender: own, what, bytes });
        }
        drop(region);
    }
    expect_nothing()
}

fn one_may_write_to_oneself() -> Verdict {
    let own = process::pid();
    let mut buffer = Buffer::new();
    for what in 0..10 {
        message::send(own, what, b"note")?;
    }
    for what in 0..10 {
        check_eq!(message::wait(&mut buffer, None)?, Message { sender: own, what, bytes: b"note" });
    }
    expect_nothing()
}

fn a_full_queue_refuses_and_loses_nothing() -> Verdict {
    let own = process::pid();
    let places = (0..10_000).take_while(|&what| message::send(own, what, &[]).is_ok()).count();
    check!(places >= 32, "only {places} messages");
    check_eq!(message::send(own, 0, &[]), Err(Error::QueueFull));
    let mut buffer = Buffer::new();
    check_eq!(message::wait(&mut buffer, NO_TIME)?.what, 0);
    message::send(own, 10_000, &[])?;
    check_eq!(message::send(own, 0, &[]), Err(Error::QueueFull));
    for expected in (1..u32::try_from(places)?).chain([10_000]) {
        check_eq!(message::wait(&mut buffer, NO_TIME)?.what, expected);
    }
    expect_nothing()
}

fn unread_messages_are_bounded_for_each_sender() -> Verdict {
    let sleeper = Process::spawn(ASSIST, ["sleep", "300"])?;
    let bytes = vec![1; MAX_BYTES];
    let sent = (0..10_000).take_while(|_| message::send(sleeper.pid(), 0, &bytes).is_ok()).count();
    check!((10..50).contains(&sent), "{sent} messages of 1 KiB");
    check_eq!(message::send(sleeper.pid(), 0, &bytes), Err(Error::TooManyUnread));
    // It is the sender who has too many, not the receiver: another may write to it, and this process to nobody.
    check_eq!(message::send(process::pid(), 0, &bytes), Err(Error::TooManyUnread));
    let other = Process::spawn(ASSIST, ["tell", &sleeper.pid().to_string(), "1", "1024"])?;
    check_eq!(other.wait()?.reason, ExitReason::Exited(0));
    check_eq!(sleeper.wait()?.reason, ExitReason::Exited(0));
    // Nobody will read them now, and nobody has to pay for them.
    message::send(process::pid(), 0, &bytes)?;
    message::wait(&mut Buffer::new(), NO_TIME)?;
    Ok(())
}

fn whoever_has_ended_gets_no_messages() -> Verdict {
    let child = Process::spawn(ASSIST, ["exit", "0"])?;
    let pid = child.pid();
    let has_ended = || process::info(pid).is_ok_and(|info| info.state == ProcessState::Ended);
    wait_until("it has ended", has_ended)?;
    check_eq!(message::send(pid, 0, b"anyone there?"), Err(Error::NoSuchProcess));
    child.wait()?;
    for nobody in [pid, 0, pid + 1000, u32::MAX] {
        check_eq!(message::send(nobody, 0, &[]), Err(Error::NoSuchProcess));
    }
    Ok(())
}

fn waiting_ends_in_time() -> Verdict {
    let mut buffer = Buffer::new();
    for milliseconds in [0, 1, 10, 55] {
        let before = system::time()?.uptime_ms;
        check_eq!(message::wait(&mut buffer, Some(Duration::from_millis(milliseconds))), Err(Error::TimedOut));
        let waited = system::time()?.uptime_ms - before;
        check!(waited >= milliseconds, "{waited} ms instead of {milliseconds}");
        check!(waited < milliseconds + 5_000, "{waited} ms instead of {milliseconds}");
    }
    Ok(())
}

fn a_message_ends_the_waiting() -> Verdict {
    let own = process::pid().to_string();
    let mut buffer = Buffer::new();
    for timeout in [None, PATIENCE] {
        let sender = Process::spawn(ASSIST, ["tell", &own, "3", "0"])?;
        for what in 0..3 {
            check_eq!(message::wait(&mut buffer, timeout)?.what, what);
        }
        sender.wait()?;
    }
    // The time-out of a wait that is over ends no later one.
    let sender = Process::spawn(ASSIST, ["tell", &own, "1", "0"])?;
    message::wait(&mut buffer, Some(Duration::from_millis(200)))?;
    sender.wait()?;
    let before = system::time()?.uptime_ms;
    process::sleep(Duration::from_millis(400));
    check!(system::time()?.uptime_ms - before >= 400);
    Ok(())
}

fn a_message_does_not_wake_a_sleeper() -> Verdict {
    let sleeper = Process::spawn(ASSIST, ["doze", "400", "5"])?;
    for what in 0..5 {
        process::sleep(Duration::from_millis(40));
        message::send(sleeper.pid(), what, b"wake up")?;
    }
    check_eq!(sleeper.wait()?.reason, ExitReason::Exited(0));
    Ok(())
}

/// How long a process has had the CPU, once it is blocked for this reason.
fn cpu_used(pid: u32, reason: ProcessState) -> Result<u64, Failure> {
    wait_until("it is blocked", || process::info(pid).is_ok_and(|info| info.state == reason))?;
    Ok(process::info(pid)?.cpu_tsc)
}

fn whoever_has_stopped_waiting_is_not_run() -> Verdict {
    // By the message for which it has waited in vain.
    let gave_up = Process::spawn(ASSIST, ["wait-once", "10"])?;
    let used = cpu_used(gave_up.pid(), ProcessState::Sleeping)?;
    for len in [0, 100] {
        message::send(gave_up.pid(), 0, &[0; 100][..len])?;
    }
    check_eq!(cpu_used(gave_up.pid(), ProcessState::Sleeping)?, used);
    tests::finish(gave_up)?;
    // At the time until which it would have waited.
    let served = Process::spawn(ASSIST, ["wait-once", "300"])?;
    cpu_used(served.pid(), ProcessState::WaitsForMessage)?;
    message::send(served.pid(), 0, &[])?;
    message::wait(&mut Buffer::new(), PATIENCE)?;
    let used = cpu_used(served.pid(), ProcessState::WaitsForMessage)?;
    process::sleep(Duration::from_millis(500));
    check_eq!(cpu_used(served.pid(), ProcessState::WaitsForMessage)?, used);
    tests::finish(served)
}

fn a_bad_buffer_loses_no_message() -> Verdict {
    let own = process::pid();
    message::send(own, 1, b"first")?;
    message::send(own, 2, &[7; 500])?;
    let [mut region, hole] = [Region::allocate(2 * PAGE)?, Region::allocate(PAGE)?];
    hole.free()?;
    let end = u32::try_from(region.as_ptr().addr() + region.bytes().len())?;
    let text = u32::try_from((a_bad_buffer_loses_no_message as *const u8).addr())?;
    let mut buffer = Buffer::new();
    for (what, len) in [(1, 5), (2, 500)] {
        // The last lacks one byte that this message would not even need.
        for bad in [0, 4, text, 0xC000_0000, u32::MAX - 3, end - 4, end - BUFFER_BYTES + 1] {
            for milliseconds in [0, 10, u32::MAX] {
                check_eq!(call::wait_for_message(bad, milliseconds), Err(Error::BadAddress));
            }
        }
        let received = message::wait(&mut buffer, NO_TIME)?;
        check_eq!((received.sender, received.what, received.bytes.len()), (own, what, len));
    }
    // Just enough.
    message::send(own, 3, &[])?;
    check_eq!(call::wait_for_message(end - BUFFER_BYTES, 0), Ok(0));
    expect_nothing()
}

fn nobody_waits_for_what_it_cannot_be_given() -> Verdict {
    expect_nothing()?;
    let text = u32::try_from((nobody_waits_for_what_it_cannot_be_given as *const u8).addr())?;
    for bad in [0, 4, text, 0xC000_0000, u32::MAX - 3] {
        check_eq!(call::wait_for_message(bad, u32::MAX), Err(Error::BadAddress));
    }
    Ok(())
}

fn a_buffer_may_be_untouched_and_cross_pages() -> Verdict {
    let own = process::pid();
    let mut sent = Region::allocate(2 * PAGE)?;
    tests::fill(sent.words(), 9);
    for (len, before_border) in [(3, 4), (3, 9), (32, 20), (1024, 500), (1024, 4)] {
        let bytes = sent.bytes()[PAGE - len / 2..][..len].to_vec();
        message::send(own, 8, &sent.bytes()[PAGE - len / 2..][..len])?;
        let mut fresh = Region::allocate(2 * PAGE)?;
        let at = u32::try_from(fresh.as_ptr().addr() + PAGE - before_border)?;
        check_eq!(call::wait_for_message(at, 0), Ok(u32::try_from(len)?));
        let found = &fresh.bytes()[PAGE - before_border..][..8 + len];
        check_eq!(found[..8], [own.to_le_bytes(), [8, 0, 0, 0]].concat());
        check!(found[8..] == bytes, "{len} bytes");
    }
    Ok(())
}

fn buffers_may_be_parked_on_the_disk() -> Verdict {
    let echo = echo()?;
    round_trip(&echo, 0, b"are you there?")?;
    for (what, len) in [(10, 7), (20, 32), (30, 1000)] {
        let mut region = Region::allocate(PAGE)?;
        tests::fill(region.words(), what);
        tests::sweep()?;
        let parked = mapping(region.as_ptr())?;
        check!(parked.disk_page.is_some(), "{parked:?}");
        // Both this process's bytes and the buffer of the one that waits lie on the disk now.
        message::send(echo.pid(), what, &region.bytes()[..len])?;
        tests::sweep()?;
        let mut buffer = Buffer::new();
        let answer = message::wait(&mut buffer, PATIENCE)?;
        check_eq!((answer.sender, answer.what), (echo.pid(), what + 1));
        check!(answer.bytes == &region.bytes()[..len], "{len} bytes");
    }
    end(echo)
}

fn processes_are_found_by_name() -> Verdict {
    check_eq!(process::find("test-messages"), Ok(process::pid()));
    check_eq!(process::find("init"), Ok(1));
    check_eq!(process::find(ASSIST), Err(Error::NoSuchProcess));
    let [first, second] = [echo()?, echo()?];
    check_eq!(process::find(ASSIST), Ok(first.pid()));
    end(first)?;
    check_eq!(process::find(ASSIST), Ok(second.pid()));
    end(second)?;
    check_eq!(process::find(ASSIST), Err(Error::NoSuchProcess));
    check_eq!(process::find(""), Err(Error::BadName));
    let longest: String = "n".repeat(NAME_MAX_BYTES as usize);
    check_eq!(process::find(&longest), Err(Error::NoSuchProcess));
    check_eq!(process::find(&format!("{longest}n")), Err(Error::BadName));
    let not_utf8 = [0xFFu8, 0xFE];
    let refused = call::get_pid_by_name(u32::try_from(not_utf8.as_ptr().expose_provenance())?, 2);
    check_eq!(refused, Err::<u32, _>(Error::BadName));
    Ok::<(), Failure>(())
}
