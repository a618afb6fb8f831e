//! Page faults: decode, plan, perform, map, flush.

use super::{PageIn, PageOut, PageTables, Pager, Shortage, Source, TransferFailed};
use crate::addr::{Frame, Page};
use crate::fault::{Fault, FaultError, Plan, flags_for, plan};
use crate::frame_table::{FrameUse, OwnedPage, SpaceId};
use crate::pager::GrantError;
use crate::pte::{Pte, PteState};
use crate::vm_pool::Region;

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

/// A fault of a space, with all that was looked up for it.
struct Context<'a> {
    directory: Frame,
    owner: OwnedPage,
    region: &'a Region,
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
        let Some(&region) = space.pools.region_of(page) else {
            return match self.grow_stack(id, page) {
                Ok(()) => self.resolve(tables, id, fault),
                Err(GrantError::Refused | GrantError::KernelMemory) => Err(FaultError::StackRefused),
                Err(GrantError::NoSpace | GrantError::Pool(_)) => Err(FaultError::NoRegion),
            };
        };
        let directory = space.directory.ok_or(FaultError::NoRegion)?;
        let entry = tables.entry(directory, page);
        let owner = OwnedPage { space: id, page };
        let context = Context { directory, owner, region: &region, has_table: entry.is_some() };
        let plan = plan(fault, Some(&region), entry.map_or(PteState::Empty, Pte::decode))?;
        self.perform(tables, &context, plan).or_else(|shortage| match shortage {
            Shortage::Write(ticket) => Ok(Step::Write(ticket)),
            Shortage::Wait => Ok(Step::Wait),
            Shortage::OutOfFrames => Err(FaultError::OutOfFrames),
        })
    }

    #[inline]
    fn perform(&mut self, tables: &mut impl PageTables, context: &Context<'_>, plan: Plan) -> Result<Step, Shortage> {
        match plan {
            Plan::MapZeroed => self.map_zeroed(tables, context),
            Plan::SwapIn(slot) => self.begin_page_in(tables, context, Source::Slot(slot)),
            Plan::LoadFile { file, file_page, valid_bytes } => {
                self.begin_page_in(tables, context, Source::File { file, file_page, valid_bytes })
            }
            Plan::InTransit(frame) => Ok(self.meet_in_transit(tables, frame)),
            Plan::Retry => {
                tables.flush(super::Stale::new(context.directory, context.owner.page));
                Ok(Step::Done)
            }
        }
    }

    #[inline]
    fn map_zeroed(&mut self, tables: &mut impl PageTables, context: &Context<'_>) -> Result<Step, Shortage> {
        self.ensure_table(tables, context)?;
        let frame = self.take_frame(tables)?;
        let owner = context.owner;
        tables.zero(frame);
        tables.fill(context.directory, owner.page, Pte::present(frame, flags_for(context.region.rights())));
        self.frames.set(frame, FrameUse::Resident { owner, slot: None, ahead: false });
        self.page_arrived(owner.space, frame);
        self.count(owner.space, |account| account.zero_fills = account.zero_fills.wrapping_add(1));
        Ok(Step::Done)
    }

    fn begin_page_in(
        &mut self,
        tables: &mut impl PageTables,
        context: &Context<'_>,
        source: Source,
    ) -> Result<Step, Shortage> {
        self.ensure_table(tables, context)?;
        let frame = self.take_frame(tables)?;
        let owner = context.owner;
        let slot = match source {
            Source::Slot(slot) => Some(slot),
            Source::File { .. } => None,
        };
        tables.fill(context.directory, owner.page, Pte::in_transit(frame));
        self.frames.set(frame, FrameUse::Arriving { owner, slot });
        Ok(Step::Read(PageIn { frame, owner, source }))
    }

    /// Ends what [`Step::Read`] began. The slot that was read stays with the page: while the page is clean it is a valid copy.
    ///
    /// # Errors
    /// `ReadFailed` if the transfer failed: the page is where it was and its slot keeps it.
    pub fn page_in_done(
        &mut self,
        tables: &mut impl PageTables,
        ticket: PageIn,
        result: Result<(), TransferFailed>,
    ) -> Result<(), FaultError> {
        let PageIn { frame, owner, source } = ticket;
        let FrameUse::Arriving { slot, .. } = self.frames.get(frame) else {
            panic!("{frame:?} arrived from the disk as {:?}", self.frames.get(frame));
        };
        let space = self.spaces.get(owner.space).ok_or(FaultError::NoRegion)?;
        let directory = space.directory.ok_or(FaultError::NoRegion)?;
        if result.is_err() {
            tables.fill(directory, owner.page, slot.map_or(Pte::EMPTY, Pte::swapped));
            self.release_frame(frame);
            return Err(FaultError::ReadFailed);
        }
        let region = space.pools.region_of(owner.page).ok_or(FaultError::NoRegion)?;
        tables.fill(directory, owner.page, Pte::present(frame, flags_for(region.rights())));
        self.frames.set(frame, FrameUse::Resident { owner, slot, ahead: false });
        self.page_arrived(owner.space, frame);
        self.count(owner.space, |account| match source {
            Source::Slot(_) => account.swap_ins = account.swap_ins.wrapping_add(1),
            Source::File { .. } => account.file_reads = account.file_reads.wrapping_add(1),
        });
        Ok(())
    }

    /// The page that is wanted is on its way: take it back if it is leaving, wait for it if it is arriving.
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
    fn ensure_table(&mut self, tables: &mut impl PageTables, context: &Context<'_>) -> Result<(), Shortage> {
        if context.has_table {
            return Ok(());
        }
        let frame = self.take_frame(tables)?;
        tables.install_table(context.directory, context.owner.page, frame);
        self.frames.set(frame, FrameUse::Table(context.owner.space));
        Ok(())
    }
}
