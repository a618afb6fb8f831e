use std::collections::BTreeSet;

use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::{
    Addressing, Channel, Command, Controller, Direction, DiskError, Operation, Progress, Queue, Request, RequestId,
    SECTOR_SIZE, SectorIndex, Segment, SubmitError,
};
use crate::addr::PhysAddr;

const DISK_SECTORS: u32 = 2048;

/// A sector's contents; the tests need no more than to tell sectors apart.
type Contents = u32;

/// A drive, and memory, one value for each sector's worth. A command takes effect when its interrupt is asked for.
struct FakeDrive {
    disk: Vec<Contents>,
    memory: Vec<Contents>,
    running: Option<(Command, Vec<Segment>)>,
    commands: Vec<Command>,
    bad_sectors: BTreeSet<u32>,
    /// The next so many commands fail by chance.
    hiccups: u32,
    is_silent: bool,
    comes_back: bool,
    resets: u32,
}

impl FakeDrive {
    fn new() -> Self {
        Self {
            disk: (0..DISK_SECTORS).collect(),
            memory: vec![0; 1 << 16],
            running: None,
            commands: Vec::new(),
            bad_sectors: BTreeSet::new(),
            hiccups: 0,
            is_silent: false,
            comes_back: true,
            resets: 0,
        }
    }

    fn perform(&mut self, command: Command, segments: &[Segment]) -> Result<(), DiskError> {
        let sectors = command.first_sector.number()..command.first_sector.number() + command.sector_count;
        if self.hiccups > 0 {
            self.hiccups -= 1;
            return Err(DiskError::Interface);
        }
        if self.bad_sectors.range(sectors.clone()).next().is_some() {
            return Err(DiskError::Uncorrectable);
        }
        let Operation::Transfer(direction) = command.operation else { return Ok(()) };
        let places: Vec<u32> = segments
            .iter()
            .flat_map(|segment| (segment.start.raw() / SECTOR_SIZE..).take((segment.len_bytes / SECTOR_SIZE) as usize))
            .collect();
        assert_eq!(places.len(), sectors.len());
        for (sector, place) in sectors.zip(places) {
            let (on_disk, in_memory) = (&mut self.disk[sector as usize], &mut self.memory[place as usize]);
            match direction {
                Direction::Read => *in_memory = *on_disk,
                Direction::Write => *on_disk = *in_memory,
            }
        }
        Ok(())
    }
}

impl Controller for FakeDrive {
    fn start(&mut self, command: Command, segments: impl Iterator<Item = Segment>) -> Result<(), DiskError> {
        assert!(self.running.is_none(), "a command is started while another is under way");
        self.running = Some((command, segments.collect()));
        self.commands.push(command);
        Ok(())
    }

    fn advance(&mut self) -> Progress {
        if self.is_silent {
            return Progress::Pending;
        }
        match self.running.take() {
            Some((command, segments)) => Progress::Ended(self.perform(command, &segments)),
            None => Progress::Pending,
        }
    }

    fn hold_reset(&mut self) {
        self.running = None;
        self.resets += 1;
    }

    fn release_reset(&mut self) {}

    fn is_settled(&mut self) -> bool {
        self.is_silent &= !self.comes_back;
        self.comes_back
    }
}

type TestChannel = Channel<u32, FakeDrive>;

fn channel() -> TestChannel {
    let mut channel = Channel::new(FakeDrive::new());
    channel.attach(DISK_SECTORS, Addressing::Lba48);
    channel
}

fn run_of(place: u32, sectors: u32) -> Segment {
    Segment { start: PhysAddr::new(place * SECTOR_SIZE), len_bytes: sectors * SECTOR_SIZE }
}

fn submit(channel: &mut TestChannel, direction: Direction, first: u32, sectors: u32, place: u32) -> RequestId {
    let segments = [run_of(place, sectors)];
    let first_sector = SectorIndex::new(first);
    let request = Request { direction, first_sector, segments: &segments, waiter: Some(first) };
    channel.submit(&request, 0, |_| {}).unwrap()
}

/// Lets the drive raise interrupts until it has nothing more to do; returns who was woken.
fn run(channel: &mut TestChannel) -> Vec<u32> {
    let mut woken = Vec::new();
    while channel.controller().running.is_some() {
        channel.on_interrupt(0, |waiter| woken.push(waiter));
    }
    woken
}

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

#[derive(Clone, Debug)]
enum Event {
    Transfer(Direction, u32, Vec<u32>),
    Flush,
    Interrupt,
    Hiccup,
}

fn event() -> impl Strategy<Value = Event> {
    let direction = any::<bool>().prop_map(|read| if read { Direction::Read } else { Direction::Write });
    // Few sectors, so that requests often touch and overlap.
    let transfer = (direction, 0u32..150, proptest::collection::vec(1u32..9, 1..5));
    prop_oneof![
        6 => transfer.prop_map(|(direction, first, runs)| Event::Transfer(direction, first, runs)),
        1 => Just(Event::Flush),
        3 => Just(Event::Interrupt),
        1 => Just(Event::Hiccup),
    ]
}

/// What must have come of a request.
struct Expected {
    id: RequestId,
    read_to: Vec<(u32, Contents)>,
    fails: bool,
}

proptest! {
    #[test]
    fn every_byte_goes_where_it_would_go_one_request_at_a_time(
        events in proptest::collection::vec(event(), 1..60),
        bad_sectors in proptest::collection::btree_set(0u32..180, 0..3),
    ) {
        let mut channel = channel();
        channel.controller().bad_sectors.clone_from(&bad_sectors);
        let mut model_disk = channel.controller().disk.clone();
        let mut expected = Vec::new();
        let (mut next_place, mut next_value) = (0, 1_000_000);
        let mut may_hiccup = bad_sectors.is_empty();
        for event in events {
            match event {
                Event::Interrupt => channel.on_interrupt(0, |_| {}),
                // One is what every request can bear.
                Event::Hiccup if may_hiccup => {
                    channel.controller().hiccups = 1;
                    may_hiccup = false;
                }
                Event::Hiccup => {}
                Event::Flush => {
                    let id = channel.submit_flush(None, 0, |_| {}).unwrap();
                    expected.push(Expected { id, read_to: Vec::new(), fails: false });
                }
                Event::Transfer(direction, first, runs) => {
                    // Every run has memory of its own, with a gap behind it.
                    let segments: Vec<_> = runs.iter().map(|&len| {
                        let place = next_place;
                        next_place += len + 1;
                        run_of(place, len)
                    }).collect();
                    let places = segments.iter().flat_map(|run| {
                        (run.start.raw() / SECTOR_SIZE..).take((run.len_bytes / SECTOR_SIZE) as usize)
                    });
                    let pairs: Vec<(u32, u32)> = (first..).zip(places).collect();
                    let fails = pairs.iter().any(|(sector, _)| bad_sectors.contains(sector));
                    let mut read_to = Vec::new();
                    for &(sector, place) in &pairs {
                        match direction {
                            Direction::Read => read_to.push((place, model_disk[sector as usize])),
                            Direction::Write => {
                                next_value += 1;
                                channel.controller().memory[place as usize] = next_value;
                                if !fails {
                                    model_disk[sector as usize] = next_value;
                                }
                            }
                        }
                    }
                    let first_sector = SectorIndex::new(first);
                    let request = Request { direction, first_sector, segments: &segments, waiter: None };
                    let id = channel.submit(&request, 0, |_| {}).unwrap();
                    expected.push(Expected { id, read_to, fails });
                }
            }
        }
        run(&mut channel);
        for Expected { id, read_to, fails } in expected {
            let result = channel.take(id);
            if fails {
                prop_assert_eq!(result, Some(Err(DiskError::Uncorrectable)));
            } else {
                prop_assert_eq!(result, Some(Ok(())));
                for (place, value) in read_to {
                    prop_assert_eq!(channel.controller().memory[place as usize], value);
                }
            }
        }
        prop_assert!(channel.controller().disk == model_disk);
    }
}
