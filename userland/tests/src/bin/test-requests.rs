//! Requests and answers: messages that are sent and waited for in one call, on a machine with few frames.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::string::ToString;
use alloc::vec::Vec;
use core::time::Duration;

use libsys::memory::{Region, mapping};
use libsys::message::{self, Buffer, MAX_BYTES, Message, send_and_wait};
use libsys::process::{self, Process, ProcessState};
use libsys::test::Verdict;
use libsys::{Error, ExitReason, call, check, check_eq, system};
use tests::{ASSIST, END, PAGE, wait_until};

libsys::tests! {
    a_request_of_any_length_is_answered,
    both_sides_may_answer_by_requests,
    several_may_ask_one,
    what_came_before_comes_first,
    one_may_ask_oneself,
    a_refused_request_waits_for_nothing,
    a_bad_buffer_sends_nothing,
    waiting_for_an_answer_ends_in_time,
    one_whose_time_is_up_as_it_is_asked_runs_once,
    a_poll_lets_the_receiver_run,
    requests_may_be_parked_on_the_disk,
}

const NO_TIME: Option<Duration> = Some(Duration::ZERO);
/// Long enough for whatever must come.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(60));

/// A process that answers messages: by two calls (`echo`) or by one (`answer`).
fn partner(errand: &str) -> Result<Process, Error> {
    Process::spawn(ASSIST, [errand])
}

fn end(partner: Process) -> Verdict {
    message::send(partner.pid(), END, &[])?;
    check_eq!(partner.wait()?.reason, ExitReason::Exited(0));
    expect_nothing()
}

fn expect_nothing() -> Verdict {
    check_eq!(message::wait(&mut Buffer::new(), NO_TIME).err(), Some(Error::TimedOut));
    Ok(())
}

/// Asks, and checks the answer.
fn ask(partner: &Process, what: u32, bytes: &[u8], timeout: Option<Duration>) -> Verdict {
    let mut buffer = Buffer::new();
    let answer = send_and_wait(&mut buffer, partner.pid(), what, bytes, timeout)?;
    check_eq!(answer, Message { sender: partner.pid(), what: what + 1, bytes });
    Ok(())
}

fn a_request_of_any_length_is_answered() -> Verdict {
    let bytes: Vec<u8> = (0..=255).cycle().take(MAX_BYTES).collect();
    for errand in ["echo", "answer"] {
        let partner = partner(errand)?;
        for timeout in [None, PATIENCE] {
            for len in [0, 1, 4, 31, 32, 33, 64, 1000, MAX_BYTES - 1, MAX_BYTES] {
                ask(&partner, 5, &bytes[..len], timeout)?;
            }
        }
        end(partner)?;
    }
    Ok(())
}

fn both_sides_may_answer_by_requests() -> Verdict {
    let partner = partner("answer")?;
    for what in (0..4000).step_by(2) {
        ask(&partner, what, &what.to_le_bytes(), None)?;
    }
    end(partner)
}

fn several_may_ask_one() -> Verdict {
    let partner = partner("answer")?;
    let pid = partner.pid().to_string();
    let ask = |_| Process::spawn(ASSIST, ["ask", &pid, "500"]);
    let children = (0..5).map(ask).collect::<Result<Vec<Process>, Error>>()?;
    for child in children {
        check_eq!(child.wait()?.reason, ExitReason::Exited(0));
    }
    end(partner)
}

fn what_came_before_comes_first() -> Verdict {
    let partner = partner("echo")?;
    let own = process::pid();
    let mut buffer = Buffer::new();
    message::send(own, 1, b"earlier")?;
    message::send(own, 2, &[8; 100])?;
    // The partner is asked all the same, and its answer is behind the others.
    let first = send_and_wait(&mut buffer, partner.pid(), 10, b"question", None)?;
    check_eq!(first, Message { sender: own, what: 1, bytes: b"earlier" });
    check_eq!(message::wait(&mut buffer, NO_TIME)?, Message { sender: own, what: 2, bytes: &[8; 100] });
    let answer = message::wait(&mut buffer, PATIENCE)?;
    check_eq!(answer, Message { sender: partner.pid(), what: 11, bytes: b"question" });
    end(partner)
}

fn one_may_ask_oneself() -> Verdict {
    let own = process::pid();
    let mut buffer = Buffer::new();
    for (timeout, len) in [(None, 3), (NO_TIME, 32), (PATIENCE, 33), (None, MAX_BYTES)] {
        let bytes = &[9; MAX_BYTES][..len];
        let received = send_and_wait(&mut buffer, own, 4, bytes, timeout)?;
        check_eq!(received, Message { sender: own, what: 4, bytes });
    }
    expect_nothing()
}

fn a_refused_request_waits_for_nothing() -> Verdict {
    let mut buffer = Buffer::new();
    for nobody in [0, process::pid() + 1000, u32::MAX] {
        for len in [0, 32, 33] {
            let refused = send_and_wait(&mut buffer, nobody, 0, &[0; 33][..len], None);
            check_eq!(refused.err(), Some(Error::NoSuchProcess));
        }
    }
    let too_long = send_and_wait(&mut buffer, process::pid(), 0, &[0; MAX_BYTES + 1], None);
    check_eq!(too_long.err(), Some(Error::MessageTooLong));
    let at = u32::try_from((&raw mut buffer).expose_provenance())?;
    for len in [1025, 0x8000_0000, u32::MAX - 8, u32::MAX] {
        check_eq!(call::send_and_wait(at, len, u32::MAX), Err(Error::MessageTooLong));
    }
    let sleeper = Process::spawn(ASSIST, ["sleep", "300"])?;
    while message::send(sleeper.pid(), 0, &[]).is_ok() {}
    check_eq!(send_and_wait(&mut buffer, sleeper.pid(), 0, &[], None).err(), Some(Error::QueueFull));
    check_eq!(send_and_wait(&mut buffer, sleeper.pid(), 0, &[0; 100], None).err(), Some(Error::QueueFull));
    check_eq!(sleeper.wait()?.reason, ExitReason::Exited(0));
    expect_nothing()
}

fn a_bad_buffer_sends_nothing() -> Verdict {
    let own = process::pid();
    let text = u32::try_from((a_bad_buffer_sends_nothing as *const u8).addr())?;
    let [mut region, hole] = [Region::allocate(PAGE)?, Region::allocate(PAGE)?];
    hole.free()?;
    region.words().fill(own);
    let end = u32::try_from(region.as_ptr().addr() + PAGE)?;
    // The last would do for the message itself.
    for bad in [0, 4, text, 0xC000_0000, u32::MAX - 3, end - 4, end - 40] {
        for len in [0, 32, 33, 1024] {
            check_eq!(call::send_and_wait(bad, len, u32::MAX), Err(Error::BadAddress));
        }
    }
    expect_nothing()
}

fn waiting_for_an_answer_ends_in_time() -> Verdict {
    let sleeper = Process::spawn(ASSIST, ["doze", "300", "3"])?;
    let mut buffer = Buffer::new();
    for milliseconds in [0, 1, 30] {
        let before = system::time()?.uptime_ms;
        let timeout = Some(Duration::from_millis(milliseconds));
        check_eq!(send_and_wait(&mut buffer, sleeper.pid(), 0, b"hello?", timeout).err(), Some(Error::TimedOut));
        check!(system::time()?.uptime_ms - before >= milliseconds);
    }
    // It has found all three.
    check_eq!(sleeper.wait()?.reason, ExitReason::Exited(0));
    // One that waits gets the message and the CPU, and never answers; then this process goes on at its time.
    let listener = Process::spawn(ASSIST, ["listen", "1000000"])?;
    wait_until("it waits", || {
        process::info(listener.pid()).is_ok_and(|info| info.state == ProcessState::WaitsForMessage)
    })?;
    let timeout = Some(Duration::from_millis(50));
    check_eq!(send_and_wait(&mut buffer, listener.pid(), 7, b"hello?", timeout).err(), Some(Error::TimedOut));
    check_eq!(listener.wait()?.reason, ExitReason::Exited(7));
    expect_nothing()
}

/// Both sleep until the same tick, and the younger one is woken behind the other: it is runnable when the request finds it, and still
/// waits for one.
fn one_whose_time_is_up_as_it_is_asked_runs_once() -> Verdict {
    const ROUNDS: usize = 20;
    let partner = Process::spawn(ASSIST, ["answer-within", "10"])?;
    let mut buffer = Buffer::new();
    let mut waits_again = || -> Result<bool, Error> {
        process::sleep(Duration::from_millis(10));
        send_and_wait(&mut buffer, partner.pid(), 0, &[], PATIENCE)?;
        // It has answered a moment ago, and its time is not up.
        Ok(process::info(partner.pid())?.state == ProcessState::WaitsForMessage)
    };
    let mut count = 0;
    for _ in 0..ROUNDS {
        count += usize::from(waits_again()?);
    }
    check!(count > ROUNDS / 2, "{count} of {ROUNDS}");
    end(partner)
}

fn a_poll_lets_the_receiver_run() -> Verdict {
    let partner = partner("answer")?;
    ask(&partner, 0, b"are you there?", PATIENCE)?;
    let mut buffer = Buffer::new();
    // It waits by now, and answers at once; whether before this process looks is up to the timer.
    match send_and_wait(&mut buffer, partner.pid(), 2, b"now?", NO_TIME) {
        Ok(answer) => check_eq!(answer, Message { sender: partner.pid(), what: 3, bytes: b"now?" }),
        Err(error) => {
            check_eq!(error, Error::TimedOut);
            check_eq!(message::wait(&mut buffer, PATIENCE)?.what, 3);
        }
    }
    end(partner)
}

fn requests_may_be_parked_on_the_disk() -> Verdict {
    let partner = partner("answer")?;
    ask(&partner, 0, b"are you there?", None)?;
    for len in [7, 32, 1000] {
        let mut region = Region::allocate(2 * PAGE)?;
        // Across a page's end, so that one of them may be there and the other not.
        let at = u32::try_from(region.as_ptr().addr() + PAGE - 10)?;
        let request = &mut region.bytes()[PAGE - 10..][..8 + len];
        request.fill(5);
        request[..8].copy_from_slice(&[partner.pid().to_le_bytes(), 20u32.to_le_bytes()].concat());
        tests::sweep()?;
        check!(mapping(region.as_ptr())?.disk_page.is_some());
        check_eq!(call::send_and_wait(at, u32::try_from(len)?, u32::MAX), Ok(u32::try_from(len)?));
        let answer = &region.bytes()[PAGE - 10..][..8 + len];
        check_eq!(answer[..8], [partner.pid().to_le_bytes(), 21u32.to_le_bytes()].concat());
        check!(answer[8..].iter().all(|&byte| byte == 5), "{len} bytes");
    }
    end(partner)
}
