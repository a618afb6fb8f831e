//! Tickets: transfers that the pager wants done. The kernel does them while other processes run, and brings the ticket back with
//! the outcome.

use alloc::vec::Vec;

use crate::addr::{Frame, Page, SwapSlot};
use crate::frame_table::{OutOfMemory, SpaceId};
use crate::vm_pool::FilePage;

/// How many pages move with one ticket at most: 128 KiB, beyond which a disk command takes longer in proportion.
pub const RUN_MAX: u32 = 32;

/// The frames of a run of pages, in the order of the pages.
#[derive(Debug)]
pub(super) enum Run {
    /// Room for one.
    Empty,
    /// One needs no memory to be named.
    One(Frame),
    /// Several.
    Many(Vec<Frame>),
}

impl Run {
    /// Several frames have room.
    pub const fn has_room_for_several(&self) -> bool {
        matches!(self, Self::Many(_))
    }

    /// Adds a frame behind the others.
    ///
    /// # Panics
    /// If there is no room.
    pub fn push(&mut self, frame: Frame) {
        match self {
            Self::Empty => *self = Self::One(frame),
            Self::Many(frames) if frames.len() < frames.capacity() => frames.push(frame),
            Self::One(_) | Self::Many(_) => panic!("a run has room for the frames it was made for"),
        }
    }

    pub const fn as_slice(&self) -> &[Frame] {
        match self {
            Self::Empty => &[],
            Self::One(frame) => core::slice::from_ref(frame),
            Self::Many(frames) => frames.as_slice(),
        }
    }
}

/// Empty lists for runs of several frames, made beforehand: faults allocate nothing.
pub(super) struct RunLists(Vec<Vec<Frame>>);

/// How many runs of several frames can be under way: eight writes, and reads of as many processes as the disk has use for.
const LISTS: usize = 64;

impl RunLists {
    pub fn new() -> Result<Self, OutOfMemory> {
        let mut lists = Vec::new();
        lists.try_reserve_exact(LISTS).map_err(|_| OutOfMemory)?;
        for _ in 0..LISTS {
            let mut list = Vec::new();
            list.try_reserve_exact(RUN_MAX as usize).map_err(|_| OutOfMemory)?;
            lists.push(list);
        }
        Ok(Self(lists))
    }

    /// An empty run with room for `count` frames, or for one if too many runs are under way.
    pub fn run_for(&mut self, count: usize) -> Run {
        let list = if count > 1 { self.0.pop() } else { None };
        list.map_or(Run::Empty, Run::Many)
    }

    /// Takes a run's list back.
    pub fn take_back(&mut self, run: Run) {
        if let Run::Many(mut list) = run {
            list.clear();
            self.0.push(list);
        }
    }
}

/// Where arriving pages come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Consecutive slots of the swap file, for consecutive pages from this one on. The slot is the first.
    Slots(SwapSlot, Page),
    /// Consecutive pages of a file; this is the first. Bytes behind the end of the file are to be made zero.
    File(FilePage),
}

/// Where leaving pages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Consecutive slots of the swap file; this is the first.
    Slots(SwapSlot),
    /// Consecutive pages of a file; this is the first.
    File(FilePage),
}

impl Target {
    /// Where the second of the pages goes.
    const fn next(self) -> Self {
        match self {
            Self::Slots(slot) => Self::Slots(SwapSlot::new(slot.number() + 1)),
            Self::File(page) => Self::File(FilePage { number: page.number + 1, ..page }),
        }
    }
}

/// A ticket: read `source` into `frames`, then bring it to [`page_in_done`](super::Pager::page_in_done).
#[derive(Debug)]
#[must_use = "the frames stay in transit until the ticket comes back"]
pub struct PageIn {
    /// The space that wants the pages.
    pub(super) space: SpaceId,
    /// Which of the pages is the one that was missed; the others are read ahead.
    pub(super) wanted: u32,
    pub(super) source: Source,
    pub(super) frames: Run,
}

impl PageIn {
    /// The frames to fill, one for each page.
    pub fn frames(&self) -> &[Frame] {
        self.frames.as_slice()
    }

    /// Where their contents come from.
    pub const fn source(&self) -> Source {
        self.source
    }
}

/// A ticket: write the frames to `target`, then bring it to [`page_out_done`](super::Pager::page_out_done).
#[derive(Debug)]
#[must_use = "the frames stay in transit until the ticket comes back"]
pub struct PageOut {
    pub(super) target: Target,
    pub(super) frames: Run,
}

impl PageOut {
    /// The frames to write.
    pub fn frames(&self) -> &[Frame] {
        self.frames.as_slice()
    }

    /// Where they go.
    pub const fn target(&self) -> Target {
        self.target
    }

    /// Takes the first page off a ticket of several, to be written by itself. `None` if there is only one.
    pub fn split_first(&mut self) -> Option<Self> {
        let Run::Many(frames) = &mut self.frames else { return None };
        if frames.len() < 2 {
            return None;
        }
        let one = Self { target: self.target, frames: Run::One(frames.remove(0)) };
        self.target = self.target.next();
        Some(one)
    }
}

/// The disk could not do a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferFailed;

/// Why a frame cannot be had at once.
#[derive(Debug)]
pub enum Shortage {
    /// Victims were chosen; write them, bring the ticket back and ask again.
    Write(PageOut),
    /// What could be borrowed is on its way from or to the disk; wait for one transfer and ask again.
    Wait,
    /// There is nothing to borrow. The ledger of promises makes this impossible while slots can be written.
    OutOfFrames,
}
