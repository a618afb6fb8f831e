//! What is taken in, and what shares a command.

use super::drive::{channel, run, run_of, submit};
use crate::addr::PhysAddr;
use crate::disk::{Addressing, Direction, Queue, Request, SectorIndex, Segment, SubmitError};

#[test]
fn requests_that_continue_each_other_share_a_command() {
    let mut channel = channel();
    submit(&mut channel, Direction::Read, 0, 8, 0);
    submit(&mut channel, Direction::Read, 100, 8, 8);
    submit(&mut channel, Direction::Read, 500, 8, 16);
    submit(&mut channel, Direction::Read, 116, 8, 24);
    submit(&mut channel, Direction::Read, 108, 8, 32);
    run(&mut channel);
    let spans =
        channel.controller().commands.iter().map(|command| (command.first_sector.number(), command.sector_count));
    assert_eq!(spans.collect::<Vec<_>>(), [(0, 8), (100, 24), (500, 8)]);
    assert_eq!(channel.controller().memory[32], 108);
}

#[test]
fn a_command_never_grows_past_what_the_drive_can_take() {
    let mut channel = channel();
    for index in 0..9 {
        submit(&mut channel, Direction::Write, index * 128, 128, index * 128);
    }
    run(&mut channel);
    let counts: Vec<u32> = channel.controller().commands.iter().map(|command| command.sector_count).collect();
    assert_eq!(counts, [128, 512, 512]);
}

#[test]
fn a_request_does_not_overtake_one_that_it_overlaps() {
    let mut channel = channel();
    channel.controller().memory[..24].fill(7);
    channel.controller().memory[24..32].fill(9);
    submit(&mut channel, Direction::Write, 1000, 1, 64);
    submit(&mut channel, Direction::Write, 0, 8, 0);
    submit(&mut channel, Direction::Write, 12, 8, 8);
    submit(&mut channel, Direction::Write, 8, 8, 24);
    run(&mut channel);
    let disk = &channel.controller().disk;
    assert_eq!((disk[7], disk[8], disk[12], disk[15], disk[16], disk[19]), (7, 9, 9, 9, 7, 7));
}

#[test]
fn nothing_passes_a_flush() {
    let mut channel = channel();
    submit(&mut channel, Direction::Write, 0, 8, 0);
    submit(&mut channel, Direction::Write, 8, 8, 8);
    channel.submit_flush(Some(99), 0, |_| {}).unwrap();
    submit(&mut channel, Direction::Write, 16, 8, 16);
    assert_eq!(run(&mut channel), [0, 8, 99, 16]);
    assert_eq!(channel.controller().commands.len(), 4);
}

fn refusal(queue: &mut Queue<u32>, first: u32, segments: &[Segment]) -> SubmitError {
    let request = Request { direction: Direction::Read, first_sector: SectorIndex::new(first), segments, waiter: None };
    queue.submit(&request).unwrap_err()
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let mut queue: Queue<u32> = Queue::new();
    assert_eq!(refusal(&mut queue, 0, &[run_of(0, 1)]), SubmitError::NoDisk);
    queue.set_disk(100, Addressing::Lba28);
    let mut refuse = |first, segments: &[Segment]| refusal(&mut queue, first, segments);
    assert_eq!(refuse(0, &[]), SubmitError::BadLength);
    assert_eq!(refuse(0, &[run_of(0, 257)]), SubmitError::BadLength);
    assert_eq!(refuse(0, &[run_of(0, 1); 33]), SubmitError::BadLength);
    let odd = Segment { start: PhysAddr::new(0x1010), len_bytes: 512 };
    assert_eq!(refuse(0, &[odd]), SubmitError::BadSegment(odd));
    let short = Segment { start: PhysAddr::new(0x1000), len_bytes: 100 };
    assert_eq!(refuse(0, &[short]), SubmitError::BadSegment(short));
    let high = Segment { start: PhysAddr::new(0xFFFF_FE00), len_bytes: 512 };
    assert_eq!(refuse(0, &[high]), SubmitError::BadSegment(high));
    let past = |first_sector, sector_count| SubmitError::PastEnd {
        first_sector: SectorIndex::new(first_sector),
        sector_count,
    };
    assert_eq!(refuse(93, &[run_of(0, 8)]), past(93, 8));
    assert_eq!(refuse(u32::MAX, &[run_of(0, 1)]), past(u32::MAX, 1));
    assert!(queue.is_empty());
}

#[test]
fn a_full_queue_refuses_until_a_result_is_taken() {
    let mut channel = channel();
    let ids: Vec<_> = (0..64).map(|index| submit(&mut channel, Direction::Read, index * 20, 1, index)).collect();
    let segments = [run_of(0, 1)];
    let more =
        Request { direction: Direction::Read, first_sector: SectorIndex::new(0), segments: &segments, waiter: None };
    assert_eq!(channel.submit(&more, 0, |_| {}), Err(SubmitError::QueueFull));
    run(&mut channel);
    assert_eq!(channel.submit(&more, 0, |_| {}), Err(SubmitError::QueueFull));
    channel.take(ids[30]).unwrap().unwrap();
    channel.submit(&more, 0, |_| {}).unwrap();
}

#[test]
#[should_panic(expected = "was taken already")]
fn a_result_that_is_taken_twice_is_noticed() {
    let mut channel = channel();
    let id = submit(&mut channel, Direction::Read, 0, 1, 0);
    run(&mut channel);
    channel.take(id);
    submit(&mut channel, Direction::Read, 0, 1, 0);
    channel.take(id);
}
