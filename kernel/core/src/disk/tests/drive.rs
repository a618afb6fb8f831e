//! A drive that does what it is told, or fails, or says nothing.

use std::collections::BTreeSet;

use crate::addr::PhysAddr;
use crate::disk::{
    Addressing, Channel, Command, Controller, Direction, DiskError, Operation, Progress, Request, RequestId,
    SECTOR_SIZE, SectorIndex, Segment,
};

pub const DISK_SECTORS: u32 = 2048;

/// A sector's contents; the tests need no more than to tell sectors apart.
pub type Contents = u32;

/// A drive, and memory, one value for each sector's worth. A command takes effect when its interrupt is asked for.
pub struct FakeDrive {
    pub disk: Vec<Contents>,
    pub memory: Vec<Contents>,
    pub running: Option<(Command, Vec<Segment>)>,
    pub commands: Vec<Command>,
    pub bad_sectors: BTreeSet<u32>,
    /// The next so many commands fail by chance.
    pub hiccups: u32,
    pub is_silent: bool,
    pub comes_back: bool,
    pub resets: u32,
}

impl FakeDrive {
    pub fn new() -> Self {
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

pub type TestChannel = Channel<u32, FakeDrive>;

pub fn channel() -> TestChannel {
    let mut channel = Channel::new(FakeDrive::new());
    channel.attach(DISK_SECTORS, Addressing::Lba48);
    channel
}

pub fn run_of(place: u32, sectors: u32) -> Segment {
    Segment { start: PhysAddr::new(place * SECTOR_SIZE), len_bytes: sectors * SECTOR_SIZE }
}

pub fn submit(channel: &mut TestChannel, direction: Direction, first: u32, sectors: u32, place: u32) -> RequestId {
    let segments = [run_of(place, sectors)];
    let first_sector = SectorIndex::new(first);
    let request = Request { direction, first_sector, segments: &segments, waiter: Some(first) };
    channel.submit(&request, 0, |_| {}).unwrap()
}

/// Lets the drive raise interrupts until it has nothing more to do; returns who was woken.
pub fn run(channel: &mut TestChannel) -> Vec<u32> {
    let mut woken = Vec::new();
    while channel.controller().running.is_some() {
        channel.on_interrupt(0, |waiter| woken.push(waiter));
    }
    woken
}
