//! Requests, their ends, and drives that fail or fall silent.

use super::drive::{FakeDrive, TestChannel, channel, run, run_of, submit};
use crate::disk::{Channel, Direction, DiskError, Request, SectorIndex, SubmitError};

#[test]
fn a_request_is_started_at_once_and_its_waiter_is_woken_at_its_end() {
    let mut channel = channel();
    let id = submit(&mut channel, Direction::Read, 40, 8, 0);
    assert_eq!((channel.is_done(id), channel.take(id)), (false, None));
    assert_eq!(run(&mut channel), [40]);
    assert_eq!(channel.take(id), Some(Ok(())));
    assert_eq!(channel.controller().memory[..9], [40, 41, 42, 43, 44, 45, 46, 47, 0]);
}

#[test]
fn a_failure_by_chance_is_tried_once_more() {
    let mut channel = channel();
    channel.controller().hiccups = 1;
    let id = submit(&mut channel, Direction::Read, 5, 1, 0);
    assert_eq!(run(&mut channel), [5]);
    assert_eq!(channel.take(id), Some(Ok(())));

    channel.controller().hiccups = 2;
    let id = submit(&mut channel, Direction::Read, 5, 1, 0);
    run(&mut channel);
    assert_eq!(channel.take(id), Some(Err(DiskError::Interface)));
    assert_eq!(channel.controller().commands.len(), 4);
}

#[test]
fn a_bad_sector_fails_only_the_request_that_wants_it() {
    let mut channel = channel();
    channel.controller().bad_sectors.insert(17);
    let blocker = submit(&mut channel, Direction::Read, 900, 1, 100);
    let ids = [0, 8, 16, 24].map(|first| submit(&mut channel, Direction::Read, first, 8, first));
    run(&mut channel);
    assert_eq!(channel.take(blocker), Some(Ok(())));
    let results = ids.map(|id| channel.take(id).unwrap());
    assert_eq!(results, [Ok(()), Ok(()), Err(DiskError::Uncorrectable), Ok(())]);
    // One for the blocker, one for all four, and then one for each.
    assert_eq!(channel.controller().commands.len(), 6);
}

#[test]
fn a_lost_interrupt_is_made_up_for() {
    let mut channel = channel();
    let id = submit(&mut channel, Direction::Read, 5, 1, 0);
    (1..1000).for_each(|now| channel.on_tick(now, |_| {}));
    assert!(!channel.is_done(id));
    channel.on_tick(1000, |_| {});
    assert_eq!(channel.take(id), Some(Ok(())));
    assert_eq!(channel.controller().resets, 0);
}

#[test]
fn a_silent_drive_is_reset_and_told_again() {
    let mut channel = channel();
    channel.controller().is_silent = true;
    let victim = submit(&mut channel, Direction::Read, 5, 1, 0);
    let other = submit(&mut channel, Direction::Read, 500, 1, 1);
    let mut woken = Vec::new();
    (1..=1000).for_each(|now| channel.on_tick(now, |waiter| woken.push(waiter)));
    assert_eq!((channel.take(victim), &woken), (None, &vec![]));
    channel.on_tick(1001, |_| {});
    channel.on_tick(1001, |_| {});
    assert!(channel.controller().running.is_none(), "the drive has a tick to say that it is busy");
    channel.on_tick(1002, |_| {});
    assert_eq!(run(&mut channel), [5, 500]);
    assert_eq!((channel.take(victim), channel.take(other)), (Some(Ok(())), Some(Ok(()))));
    assert_eq!(channel.controller().resets, 1);
}

#[test]
fn a_request_that_silences_the_drive_twice_fails_and_the_others_have_their_turn() {
    let mut channel = channel();
    channel.controller().is_silent = true;
    let victim = submit(&mut channel, Direction::Read, 5, 1, 0);
    let other = submit(&mut channel, Direction::Read, 500, 1, 1);
    let mut woken = Vec::new();
    for now in 1..=2100 {
        channel.on_tick(now, |waiter| woken.push(waiter));
        if woken.is_empty() && channel.controller().running.is_some() {
            channel.controller().is_silent = true;
        }
    }
    assert_eq!((channel.take(victim), &woken), (Some(Err(DiskError::Timeout)), &vec![5]));
    assert_eq!(run(&mut channel), [500]);
    assert_eq!((channel.take(other), channel.controller().resets), (Some(Ok(())), 2));
}

#[test]
fn a_dead_drive_fails_everything_and_refuses_more() {
    let mut channel = channel();
    (channel.controller().is_silent, channel.controller().comes_back) = (true, false);
    let ids = [5, 50, 500].map(|first| submit(&mut channel, Direction::Read, first, 1, 0));
    let mut woken = Vec::new();
    (1..5000).for_each(|now| channel.on_tick(now, |waiter| woken.push(waiter)));
    assert_eq!(woken, [5, 50, 500]);
    let results = ids.map(|id| channel.take(id).unwrap());
    assert_eq!(results, [Err(DiskError::Dead); 3]);
    let again = Request {
        direction: Direction::Read,
        first_sector: SectorIndex::new(0),
        segments: &[run_of(0, 1)],
        waiter: None,
    };
    assert_eq!(channel.submit(&again, 5000, |_| {}), Err(SubmitError::NoDisk));
    assert_eq!(channel.submit_flush(None, 5000, |_| {}), Err(SubmitError::NoDisk));
}

#[test]
fn an_interrupt_that_nobody_waits_for_changes_nothing() {
    let mut channel = channel();
    channel.on_interrupt(0, |_| panic!("nobody waits"));
    let mut absent: TestChannel = Channel::new(FakeDrive::new());
    absent.on_interrupt(0, |_| panic!("nobody waits"));
    absent.on_tick(1_000_000, |_| panic!("nobody waits"));
}
