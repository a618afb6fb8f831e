//! Memory with no hardware behind it: each page carries its own accessed and dirty bit.

use crate::addr::{Frame, Page};
use crate::frame_table::{OwnedPage, SpaceId};
use crate::memory_map::FrameRange;
use crate::replacement::{Owners, Replacement, Residents};

/// Not 0, so that a frame number is not an index by accident.
const FIRST_FRAME: u32 = 700;

/// The frame at this place of every fake memory.
pub const fn frame(index: u32) -> Frame {
    Frame::new(FIRST_FRAME + index)
}

/// The frames of a fake memory of this size.
pub const fn frames(count: u32) -> FrameRange {
    FrameRange { first: frame(0), count }
}

/// How the programs behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// As each step says.
    Scripted,
    /// Everybody sleeps: nothing is ever accessed.
    Asleep,
    /// Each page is accessed again as soon as anyone has looked.
    Busy,
}

#[derive(Clone, Copy)]
pub struct FakePage {
    pub owner: OwnedPage,
    pub is_accessed: bool,
    pub is_dirty: bool,
    /// It may not be borrowed now, though it stays resident.
    pub is_pinned: bool,
}

pub struct Memory {
    pub pages: Vec<Option<FakePage>>,
    pub owners: Owners,
    pub behaviour: Behaviour,
    pub now: u64,
    /// How often the policy has asked about frames since this was last reset.
    pub looks: std::cell::Cell<u32>,
}

impl Memory {
    pub const OWNERS: u16 = 3;

    pub fn new(count: u32, behaviour: Behaviour) -> Self {
        let mut owners = Owners::new().unwrap();
        (0..Self::OWNERS).for_each(|number| owners.add(SpaceId::new(number)));
        let pages = vec![None; count as usize];
        Self { pages, owners, behaviour, now: 0, looks: std::cell::Cell::new(0) }
    }

    /// A page of owner `number` becomes resident by an access that faulted, which sets its bits.
    pub fn arrive(&mut self, policy: &mut dyn Replacement, index: u32, number: u16, is_dirty: bool) {
        let owner = OwnedPage { space: SpaceId::new(number), page: Page::new(index) };
        let is_accessed = self.behaviour != Behaviour::Asleep;
        self.pages[index as usize] = Some(FakePage { owner, is_accessed, is_dirty, is_pinned: false });
        self.owners.page_arrived(owner.space);
        policy.page_arrived(owner.space, frame(index));
    }

    pub fn leave(&mut self, policy: &mut dyn Replacement, index: u32) {
        if let Some(page) = self.pages[index as usize].take() {
            self.owners.pages_left(page.owner.space, 1);
            policy.page_left(page.owner.space, frame(index));
        }
    }

    /// The policy's victim leaves; its place in the table.
    pub fn evict(&mut self, policy: &mut dyn Replacement) -> Option<u32> {
        let index = policy.choose(self)?.number() - FIRST_FRAME;
        self.leave(policy, index);
        Some(index)
    }

    pub fn access(&mut self, index: u32) {
        if self.behaviour != Behaviour::Asleep {
            self.page_mut(index).is_accessed = true;
        }
    }

    pub fn page_mut(&mut self, index: u32) -> &mut FakePage {
        self.pages[index as usize].as_mut().expect("a page is resident there")
    }

    pub fn may_borrow(&self, frame: Frame) -> bool {
        self.page_at(frame).is_some_and(|page| !page.is_pinned)
    }

    fn page_at(&self, frame: Frame) -> Option<FakePage> {
        let index = frame.number().checked_sub(FIRST_FRAME)?;
        *self.pages.get(index as usize)?
    }

    fn borrowable_mut(&mut self, frame: Frame) -> &mut FakePage {
        assert!(self.may_borrow(frame), "a policy asked about a frame that it may not borrow");
        self.looks.set(self.looks.get() + 1);
        self.page_mut(frame.number() - FIRST_FRAME)
    }
}

impl Residents for Memory {
    fn frame_count(&self) -> u32 {
        self.pages.len().try_into().unwrap()
    }

    fn frame_at(&self, index: u32) -> Frame {
        assert!(index < self.frame_count(), "there is no frame {index}");
        frame(index)
    }

    fn owners(&self) -> &Owners {
        &self.owners
    }

    fn page_in(&self, frame: Frame) -> Option<OwnedPage> {
        self.looks.set(self.looks.get() + 1);
        self.page_at(frame).filter(|page| !page.is_pinned).map(|page| page.owner)
    }

    fn take_accessed(&mut self, frame: Frame) -> bool {
        let is_busy = self.behaviour == Behaviour::Busy;
        let page = self.borrowable_mut(frame);
        std::mem::replace(&mut page.is_accessed, is_busy) || is_busy
    }

    fn is_dirty(&mut self, frame: Frame) -> bool {
        self.borrowable_mut(frame).is_dirty
    }

    fn now(&self) -> u64 {
        self.now
    }
}
