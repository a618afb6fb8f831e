//! Page faults: decode, plan, perform, map, flush.

use super::{PageIn, PageOut, PageTables, Pager, Shortage, Source, TransferFailed};
use crate::addr::{Frame, Page, SwapSlot};
use crate::fault::{Fault, FaultError, Plan, flags_for, plan};
use crate::frame_table::{FrameUse, OwnedPage, SpaceId};
use crate::mapping::VirtualToPhysicalMapping;
use crate::pager::GrantError;
use crate::pte::{Pte, PteState};
use crate::vm_pool::{Region, Rights};

/// What is left to do for a fault.
#[derive(Debug)]
#[must_use = "a fault that is not resolved to the end comes again"]
pub enum Step {
    /// Nothing: the access can be tried again.
    Done,
    /// Read the page, bring the ticket to [`Pager::page_in_done`]; then the access can be tried again.
    Read(PageIn),
    /// Write a borrowed frame's page, bring the ticket to [`Pager::page_out_done`], then resolve anew.
    Write(PageOut),
    /// Wait until some transfer has ended, then resolve anew.
    Wait,
}

/// A missing page, and what was looked up for it besides its region.
#[derive(Clone, Copy)]
pub(super) struct Missing {
    pub directory: Frame,
    pub owner: OwnedPage,
    has_table: bool,
}

impl Pager<'_> {
    /// Repairs the page table for one fault, as far as it goes without waiting.
    ///
    /// # Errors
    /// A [`FaultError`] if the access is not allowed or cannot be served; nothing has changed then.
    #[inline]
    pub fn resolve(&mut self, tables: &mut impl PageTables, id: SpaceId, fault: &Fault) -> Result<Step, FaultError> {
        let page = Page::containing(fault.address);
        let space = self.spaces.get(id).ok_or(FaultError::NoRegion)?;
        // First: is the address legitimate in one of the pools?
        let Some(region) = space.pools.is_legitimate(fault.address) else {
            return self.resolve_in_new_stack(tables, id, fault);
        };
        let directory = space.directory.ok_or(FaultError::NoRegion)?;
        let entry = tables.entry(directory, page);
        let owner = OwnedPage { space: id, page };
        let missing = Missing { directory, owner, has_table: entry.is_some() };
        let plan = match self.plan(fault, region, entry.map_or(PteState::Empty, Pte::decode)) {
            Ok(plan) => plan,
            Err(error) => {
                self.count(id, |account| account.protection = account.protection.wrapping_add(1));
                return Err(error);
            }
        };
        // The regions are part of the books that change from here on: who needs one gets a copy.
        let performed = match plan {
            Plan::MapZeroed => match self.map_zeroed(tables, missing, region.rights()) {
                Ok(()) => return Ok(Step::Done),
                Err(shortage) => Err(shortage),
            },
            Plan::SwapIn(slot) => {
                let region = *region;
                self.begin_swap_in(tables, missing, &region, slot)
            }
            Plan::UseFile(page) => {
                let region = *region;
                self.file_fault(tables, missing, &region, page)
            }
            Plan::InTransit(frame) => Ok(self.meet_in_transit(tables, frame)),
            Plan::Retry => {
                self.count(id, |account| account.spurious = account.spurious.wrapping_add(1));
                tables.flush(super::Stale::new(directory, page));
                Ok(Step::Done)
            }
        };
        let step = performed.or_else(|shortage| match shortage {
            Shortage::Write(ticket) => Ok(Step::Write(ticket)),
            Shortage::Wait => Ok(Step::Wait),
            Shortage::OutOfFrames => Err(FaultError::OutOfFrames),
        })?;
        if !matches!(step, Step::Done) {
            self.count(id, |account| account.waits = account.waits.wrapping_add(1));
        }
        Ok(step)
    }

    /// Decides by the page's mapping what the fault calls for.
    #[inline(always)]
    fn plan(&self, fault: &Fault, region: &Region, entry: PteState) -> Result<Plan, FaultError> {
        match entry {
            // The first touch of a page is the most frequent fault: nothing is looked up for it.
            PteState::Empty => plan(fault, region, VirtualToPhysicalMapping::default(), false),
            _ => self.plan_by_mapping(fault, region, entry),
        }
    }

    #[inline(never)]
    fn plan_by_mapping(&self, fault: &Fault, region: &Region, entry: PteState) -> Result<Plan, FaultError> {
        let mapping = VirtualToPhysicalMapping::new(entry, &self.frames);
        plan(fault, region, mapping, matches!(entry, PteState::InTransit(_)))
    }

    /// The same where no region is: the stack may grow there.
    #[cold]
    fn resolve_in_new_stack(
        &mut self,
        tables: &mut impl PageTables,
        id: SpaceId,
        fault: &Fault,
    ) -> Result<Step, FaultError> {
        match self.grow_stack(id, Page::containing(fault.address)) {
            Ok(()) => self.resolve(tables, id, fault),
            Err(GrantError::Refused | GrantError::OverLimit | GrantError::KernelMemory) => {
                Err(FaultError::StackRefused)
            }
            Err(GrantError::NoSpace | GrantError::Pool(_)) => Err(FaultError::NoRegion),
        }
    }

    #[inline]
    fn map_zeroed(&mut self, tables: &mut impl PageTables, missing: Missing, rights: Rights) -> Result<(), Shortage> {
        self.ensure_table(tables, missing)?;
        let frame = self.take_frame(tables)?;
        let owner = missing.owner;
        tables.zero(frame);
        tables.fill(missing.directory, owner.page, Pte::present(frame, flags_for(rights)));
        self.frames.set(frame, FrameUse::Resident { owner, slot: None, ahead: false });
        self.served.note(frame);
        self.page_arrived(owner.space, frame);
        self.count(owner.space, |account| account.zero_fills = account.zero_fills.wrapping_add(1));
        Ok(())
    }

    /// Begins to read the missed page and those beside it that are worth it.
    #[cold]
    fn begin_swap_in(
        &mut self,
        tables: &mut impl PageTables,
        missing: Missing,
        region: &Region,
        slot: SwapSlot,
    ) -> Result<Step, Shortage> {
        self.ensure_table(tables, missing)?;
        let frame = self.take_frame(tables)?;
        let OwnedPage { space, page } = missing.owner;
        // Page `n` joins if it lies as far from this slot as from this page.
        let slot_of = |number: u32| (slot.number() + number).checked_sub(page.number()).map(SwapSlot::new);
        let joins = |_: &Self, number: u32, entry: Pte| slot_of(number).map(Pte::swapped) == Some(entry);
        let limits = (region.first().number(), region.end());
        let mut pages = self.pages_to_read(tables, (missing.directory, space, page), limits, joins);
        let mut frames = self.run_lists.run_for(pages.len());
        if !frames.has_room_for_several() {
            pages = page.number()..page.number() + 1;
        }
        for number in pages.clone() {
            let frame = if number == page.number() { Some(frame) } else { self.pool.get_frame() };
            let Some(frame) = frame else { panic!("{} frames were to spare a moment ago", pages.len()) };
            let owner = OwnedPage { space, page: Page::new(number) };
            tables.fill(missing.directory, owner.page, Pte::in_transit(frame));
            self.note_fetched(space, slot_of(number));
            self.frames.set(frame, FrameUse::Arriving { owner, slot: slot_of(number) });
            frames.push(frame);
        }
        let wanted = page.number() - pages.start;
        let source = Source::Slots(SwapSlot::new(slot.number() - wanted), Page::new(pages.start));
        Ok(Step::Read(PageIn { space, wanted, source, frames }))
    }

    /// Ends what [`Step::Read`] began. A slot that was read stays with its page: while the page is clean it is a valid copy. A page of a
    /// file is in memory now; resolving anew maps it.
    ///
    /// # Errors
    /// `ReadFailed` if the transfer of a single page failed: the page is where it was and its slot keeps it. If several were read, the
    /// access can be tried again, and comes to a transfer of that one page.
    pub fn page_in_done(
        &mut self,
        tables: &mut impl PageTables,
        ticket: PageIn,
        result: Result<(), TransferFailed>,
    ) -> Result<(), FaultError> {
        let PageIn { space, wanted, source, frames } = ticket;
        for (index, &frame) in (0..).zip(frames.as_slice()) {
            let ahead = index != wanted;
            match (source, result) {
                (Source::File(_), _) => self.file_page_read(space, frame, ahead, result.is_ok()),
                (Source::Slots(_, first), _) => {
                    let owner = OwnedPage { space, page: Page::new(first.number() + index) };
                    match result {
                        Ok(()) => self.settle(tables, owner, frame, ahead)?,
                        Err(TransferFailed) => self.undo_arrival(tables, owner, frame)?,
                    }
                }
            }
        }
        let was_alone = frames.as_slice().len() == 1;
        self.run_lists.take_back(frames);
        if result.is_ok() {
            return Ok(());
        }
        if let Some(space) = self.spaces.get_mut(space) {
            space.window.give_up();
        }
        if was_alone { Err(FaultError::ReadFailed) } else { Ok(()) }
    }

    /// A page has arrived in `frame`: its owner gets it.
    fn settle(
        &mut self,
        tables: &mut impl PageTables,
        owner: OwnedPage,
        frame: Frame,
        ahead: bool,
    ) -> Result<(), FaultError> {
        let (directory, slot) = self.arriving(owner, frame)?;
        let region = self.spaces.get(owner.space).and_then(|space| space.pools.region_of(owner.page));
        let rights = region.ok_or(FaultError::NoRegion)?.rights();
        tables.fill(directory, owner.page, Pte::present(frame, flags_for(rights)));
        self.frames.set(frame, FrameUse::Resident { owner, slot, ahead });
        if !ahead {
            self.served.note(frame);
        }
        self.page_arrived(owner.space, frame);
        self.count(owner.space, |account| {
            account.swap_ins = account.swap_ins.wrapping_add(1);
            account.read_aheads = account.read_aheads.wrapping_add(u32::from(ahead));
        });
        Ok(())
    }

    /// A page could not be read: it is where it was.
    fn undo_arrival(&mut self, tables: &mut impl PageTables, owner: OwnedPage, frame: Frame) -> Result<(), FaultError> {
        let (directory, slot) = self.arriving(owner, frame)?;
        tables.fill(directory, owner.page, slot.map_or(Pte::EMPTY, Pte::swapped));
        self.note_swapped(owner.space, slot);
        self.release_frame(frame);
        Ok(())
    }

    /// The directory of the space that waits for a page, and the page's slot.
    fn arriving(&self, owner: OwnedPage, frame: Frame) -> Result<(Frame, Option<SwapSlot>), FaultError> {
        let FrameUse::Arriving { slot, .. } = self.frames.get(frame) else {
            panic!("{frame:?} arrived from the disk as {:?}", self.frames.get(frame));
        };
        let directory = self.spaces.get(owner.space).and_then(|space| space.directory);
        Ok((directory.ok_or(FaultError::NoRegion)?, slot))
    }

    /// The page that is wanted is on its way: take it back if it is leaving, wait for it if it is arriving.
    #[cold]
    fn meet_in_transit(&mut self, tables: &mut impl PageTables, frame: Frame) -> Step {
        match self.frames.get(frame) {
            FrameUse::Leaving { owner, slot } => {
                self.take_back(tables, frame, owner, slot);
                Step::Done
            }
            _ => Step::Wait,
        }
    }

    /// A missing page *table* is a step of its own, before the missing page.
    #[inline]
    pub(super) fn ensure_table(&mut self, tables: &mut impl PageTables, missing: Missing) -> Result<(), Shortage> {
        if missing.has_table { Ok(()) } else { self.make_table(tables, missing.directory, missing.owner) }
    }

    #[cold]
    fn make_table(&mut self, tables: &mut impl PageTables, directory: Frame, owner: OwnedPage) -> Result<(), Shortage> {
        let frame = self.take_frame(tables)?;
        tables.install_table(directory, owner.page, frame);
        self.frames.set(frame, FrameUse::Table(owner.space));
        Ok(())
    }
}
