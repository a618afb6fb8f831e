//! The pager: keeps every promise of memory with the frames and slots there are.
//!
//! It decides and keeps the books; it never waits. Where the disk is needed it hands out a ticket ([`PageIn`], [`PageOut`]), the
//! kernel does the transfer while other processes run, and brings the ticket back with the outcome. In between, the page's
//! entry says [`InTransit`](crate::pte::PteState::InTransit) and the frame table which way. A page of a file, which many entries may map,
//! stays mapped while it is written; only the frame table knows of it.
//!
//! * [`resolve`](Pager::resolve) answers a page fault (`resolve.rs`), and `ticket.rs` has the tickets,
//! * frames are found and borrowed in `borrow.rs`: what the policy sees of memory is `residents.rs`, whom it does not see `served.rs`,
//! * pages leave in `evict.rs`; `page_out.rs` is the end of that,
//! * pages of files are shared by all who use them: `file_in.rs`, `file_out.rs`, `write_back.rs`, `file_index.rs`,
//!   and `mappers.rs` knows which entries map each of them,
//! * `read_ahead.rs` guesses which pages are missed next,
//! * `space.rs` has the address spaces; they and their regions are granted and given back in `grant.rs` and `release.rs`,
//! * `promise.rs` is the ledger of what was granted, `check.rs` compares all books with each other,
//! * `tables.rs` is what it all needs of the hardware.
//!
//! `docs/page-fault.md` tells it as a story.

mod borrow;
mod check;
mod evict;
mod file_in;
mod file_index;
mod file_out;
mod grant;
mod mappers;
mod page_out;
mod promise;
mod read_ahead;
mod release;
mod residents;
mod resolve;
mod served;
mod space;
mod tables;
#[cfg(test)]
mod tests;
mod ticket;
mod write_back;

use alloc::boxed::Box;

use abi::record::Account;

pub use borrow::Cleaned;
pub use check::Broken;
pub use file_in::FileStep;
pub use file_out::ChangesLost;
pub use grant::GrantError;
pub use promise::{Cost, Ledger, RESERVE_FRAMES, Refused};
pub use release::Freed;
pub use resolve::Step;
pub use space::{AddressSpace, Spaces};
pub use tables::{PageTables, Stale};
pub use ticket::{PageIn, PageOut, RUN_MAX, Shortage, Source, Target, TransferFailed};
pub use write_back::{WriteBack, WriteBackPass};

use borrow::Marks;
use file_index::FileIndex;
use mappers::Mappers;
use served::Served;
use ticket::RunLists;

use crate::addr::Page;
use crate::frame_pool::ContiguousFramePool;
use crate::frame_table::{FrameTable, FrameUse, OutOfMemory, SpaceId};
use crate::mapping::VirtualToPhysicalMapping;
use crate::memory_map::FrameRange;
use crate::pte::{Pte, PteState};
use crate::replacement::{Owners, Replacement};
use crate::swap_slots::SwapSlots;

/// The books of the memory system.
pub struct Pager<'a> {
    pool: ContiguousFramePool<'a>,
    frames: FrameTable,
    slots: SwapSlots,
    ledger: Ledger,
    spaces: Spaces,
    owners: Owners,
    policy: Box<dyn Replacement + Send>,
    totals: Account,
    /// Faults so far, the policies' time: too wide to wrap, unlike the account.
    fault_count: u64,
    frames_total: u32,
    options: Options,
    /// The options while the textbook's order is off.
    usual: Options,
    marks: Marks,
    run_lists: RunLists,
    file_index: FileIndex,
    mappers: Mappers,
    served: Served,
}

/// What the pager does beyond the textbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Victims are picked ahead of need, and neighbours leave together.
    pub cleaner: bool,
    /// Neighbours of a missed page are read together with it.
    pub read_ahead: bool,
    /// Cached pages of files are victims as pages of programs are. Without this option, they are
    /// victims only while no page of a program can be one.
    pub files_lend: bool,
}

impl Options {
    /// The assignments' order: a page leaves alone, only when no frame is free, and it is a page of
    /// a process if any can be borrowed.
    pub const TEXTBOOK: Self = Self { cleaner: false, read_ahead: false, files_lend: false };
    /// Everything on.
    pub const ALL: Self = Self { cleaner: true, read_ahead: true, files_lend: true };
}

impl<'a> Pager<'a> {
    /// A pager over the process frame `pool` and a swap file of `slots`, which borrows by `policy`.
    ///
    /// # Errors
    /// `OutOfMemory` if there is no room for the frame table.
    pub fn new(
        pool: ContiguousFramePool<'a>,
        slots: SwapSlots,
        policy: Box<dyn Replacement + Send>,
        options: Options,
    ) -> Result<Self, OutOfMemory> {
        let frames = FrameTable::new(pool.base(), pool.len())?;
        let file_index = FileIndex::new(FrameRange { first: pool.base(), count: pool.len() })?;
        let mappers = Mappers::new(FrameRange { first: pool.base(), count: pool.len() })?;
        let served = Served::new(FrameRange { first: pool.base(), count: pool.len() })?;
        let mut owners = Owners::new()?;
        owners.add(SpaceId::FILES);
        let frames_total = pool.free_count();
        let ledger = Ledger::new(frames_total, slots.total());
        Ok(Self {
            pool,
            frames,
            slots,
            ledger,
            spaces: Spaces::new()?,
            owners,
            policy,
            totals: Account::default(),
            fault_count: 0,
            frames_total,
            options,
            usual: if options == Options::TEXTBOOK { Options::ALL } else { options },
            marks: Marks::new(frames_total),
            run_lists: RunLists::new()?,
            file_index,
            mappers,
            served,
        })
    }

    /// How many frames of the pool can be used.
    pub const fn frames_total(&self) -> u32 {
        self.frames_total
    }

    /// The process frame pool.
    pub const fn pool(&self) -> &ContiguousFramePool<'a> {
        &self.pool
    }

    /// What each frame is used for.
    pub const fn frames(&self) -> &FrameTable {
        &self.frames
    }

    /// The swap file's slots.
    pub const fn slots(&self) -> &SwapSlots {
        &self.slots
    }

    /// What was granted so far.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The address spaces.
    pub const fn spaces(&self) -> &Spaces {
        &self.spaces
    }

    /// How many pages of `space` are resident.
    pub fn resident(&self, space: SpaceId) -> u32 {
        self.owners.resident(space)
    }

    /// How many frames hold pages of files.
    pub fn cached_pages(&self) -> u32 {
        self.owners.resident(SpaceId::FILES)
    }

    /// How many pages were promised to `space`, its directory and page tables included.
    pub fn promised(&self, space: SpaceId) -> u32 {
        self.spaces.get(space).map_or(0, AddressSpace::promised)
    }

    /// How many pages of `space` are in the swap file and in no frame.
    pub fn swapped(&self, space: SpaceId) -> u32 {
        self.spaces.get(space).map_or(0, |space| space.swapped)
    }

    /// What paging has done for all spaces together, those that are gone included.
    pub const fn totals(&self) -> &Account {
        &self.totals
    }

    /// The frames that the pool spans, usable or not.
    pub fn pool_range(&self) -> FrameRange {
        FrameRange { first: self.pool.base(), count: self.pool.len() }
    }

    /// Returns true while pages are borrowed in the textbook's order.
    pub fn is_textbook(&self) -> bool {
        self.options == Options::TEXTBOOK
    }

    /// Switches to the textbook's order, or back to the options that the pager was made with.
    /// Transfers that have begun go on.
    pub fn set_textbook(&mut self, on: bool) {
        self.options = if on { Options::TEXTBOOK } else { self.usual };
    }

    /// The policy's name.
    pub fn policy_name(&self) -> &'static str {
        self.policy.name()
    }

    /// Borrows by another policy from now on. It learns of the pages that are resident now, in order of frame.
    pub fn set_policy(&mut self, policy: Box<dyn Replacement + Send>) {
        self.policy = policy;
        for (frame, frame_use) in self.frames.iter() {
            match frame_use {
                FrameUse::Resident { owner, .. } | FrameUse::TakenBack { owner, .. } => {
                    self.policy.page_arrived(owner.space, frame);
                }
                FrameUse::Cached(_) => self.policy.page_arrived(SpaceId::FILES, frame),
                _ => {}
            }
        }
    }

    /// Counts one event in the account of `space` and in the totals.
    #[inline]
    fn count(&mut self, space: SpaceId, event: impl Fn(&mut Account)) {
        self.spaces.count(&mut self.totals, space, event);
    }

    /// Counts one page fault of `space`, however often it has to be resolved anew.
    #[inline]
    pub fn count_fault(&mut self, space: SpaceId) {
        self.fault_count = self.fault_count.wrapping_add(1);
        self.count(space, |account| account.faults = account.faults.wrapping_add(1));
    }

    /// The page's mapping: which frame and which slot hold it. `None` if it is not allocated.
    pub fn mapping(
        &self,
        tables: &mut impl PageTables,
        space: SpaceId,
        page: Page,
    ) -> Option<VirtualToPhysicalMapping> {
        let space = self.spaces.get(space)?;
        space.pools.is_legitimate(page.start())?;
        let entry = space.directory.and_then(|directory| tables.entry(directory, page));
        Some(VirtualToPhysicalMapping::new(entry.map_or(PteState::Empty, Pte::decode), &self.frames))
    }
}
