//! What is granted to an address space: itself, its directory, and regions.

use super::{Cost, PageTables, Pager, Refused, Shortage};
use crate::addr::Page;
use crate::frame_table::{FrameUse, OutOfMemory, SpaceId};
use crate::vm_pool::{AddressPools, Backing, Region, Rights, VmPoolError};

/// Why memory was not granted. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantError {
    /// No space has this id.
    NoSpace,
    /// The machine cannot keep one more promise of this size.
    Refused,
    /// The space would be promised more than it may be.
    OverLimit,
    /// The kernel has no memory for its own bookkeeping.
    KernelMemory,
    /// The pool cannot hold such a region.
    Pool(VmPoolError),
}

impl From<Refused> for GrantError {
    fn from(_: Refused) -> Self {
        Self::Refused
    }
}

impl From<OutOfMemory> for GrantError {
    fn from(_: OutOfMemory) -> Self {
        Self::KernelMemory
    }
}

/// What a directory costs.
const DIRECTORY: Cost = Cost { pages: 0, tables: 1 };

impl Pager<'_> {
    /// Makes an empty address space that may be promised `limit` pages, without a directory yet.
    ///
    /// # Errors
    /// `Refused` if no frame can be promised for the directory, `OverLimit` if the limit is 0, `KernelMemory`.
    pub fn create_space(&mut self, limit: u32) -> Result<SpaceId, GrantError> {
        let id = self.spaces.add(limit)?;
        if let Err(error) = self.grant(id, DIRECTORY) {
            self.spaces.remove(id);
            return Err(error);
        }
        self.owners.add(id);
        Ok(id)
    }

    /// Promises a space something.
    fn grant(&mut self, id: SpaceId, cost: Cost) -> Result<(), GrantError> {
        let space = self.spaces.get_mut(id).ok_or(GrantError::NoSpace)?;
        let total = space.promised.checked_add(cost.total()).filter(|&total| total <= space.limit);
        let total = total.ok_or(GrantError::OverLimit)?;
        self.ledger.grant(cost)?;
        space.promised = total;
        Ok(())
    }

    /// Takes a promise back.
    pub(super) fn give_back(&mut self, id: SpaceId, cost: Cost) {
        self.ledger.give_back(cost);
        if let Some(space) = self.spaces.get_mut(id) {
            space.promised -= cost.total();
        }
    }

    /// Lets a space be promised at most `limit` pages from now on. What it has it keeps, even if that is more.
    ///
    /// # Errors
    /// `OverLimit` if it may be promised less already: a limit is only lowered. `NoSpace`.
    pub fn lower_limit(&mut self, id: SpaceId, limit: u32) -> Result<(), GrantError> {
        let space = self.spaces.get_mut(id).ok_or(GrantError::NoSpace)?;
        if limit > space.limit {
            return Err(GrantError::OverLimit);
        }
        space.limit = limit;
        Ok(())
    }

    /// Gives the space its directory; does nothing if it has one.
    ///
    /// # Errors
    /// A [`Shortage`] if no frame is free: deal with it and call again.
    pub fn give_directory(&mut self, tables: &mut impl PageTables, id: SpaceId) -> Result<(), Shortage> {
        if self.spaces.get(id).is_none_or(|space| space.directory.is_some()) {
            return Ok(());
        }
        let frame = self.take_frame(tables)?;
        tables.init_directory(frame);
        self.frames.set(frame, FrameUse::Table(id));
        if let Some(space) = self.spaces.get_mut(id) {
            space.directory = Some(frame);
        }
        Ok(())
    }

    /// Grants `page_count` pages of heap, in the first hole that holds them. Only a promise: no frame is used.
    ///
    /// # Errors
    /// `Pool(NoHole)`, `Pool(Empty)` for no pages, `Pool(TooManyRegions)`; `Refused` or `OverLimit` if so much cannot be promised; `NoSpace`.
    pub fn allocate(&mut self, id: SpaceId, page_count: u32) -> Result<Page, GrantError> {
        let space = self.spaces.get(id).ok_or(GrantError::NoSpace)?;
        let first = space.pools.heap_hole(page_count).map_err(GrantError::Pool)?;
        self.allocate_at(id, first, page_count, Rights::READ | Rights::WRITE, Backing::Zero)?;
        Ok(first)
    }

    /// Registers a pool of the program's own: `page_count` pages from `base` on. Only a range of addresses: it costs no promise.
    ///
    /// # Errors
    /// `Pool` as [`AddressPools::register`] says, `NoSpace`.
    pub fn register_pool(&mut self, id: SpaceId, base: Page, page_count: u32) -> Result<(), GrantError> {
        let space = self.spaces.get_mut(id).ok_or(GrantError::NoSpace)?;
        space.pools.register(base, page_count).map_err(GrantError::Pool)
    }

    /// Grants `page_count` pages of the pool that the program registered at `base`, in its first hole that holds them.
    ///
    /// # Errors
    /// As [`allocate`](Self::allocate); `Pool(NoPool)`.
    pub fn allocate_in_pool(&mut self, id: SpaceId, base: Page, page_count: u32) -> Result<Page, GrantError> {
        let space = self.spaces.get(id).ok_or(GrantError::NoSpace)?;
        let first = space.pools.own_hole(base, page_count).map_err(GrantError::Pool)?;
        self.allocate_at(id, first, page_count, Rights::READ | Rights::WRITE, Backing::Zero)?;
        Ok(first)
    }

    /// Grants a region that shows a file: at page `at`, or in the first hole that holds it.
    ///
    /// # Errors
    /// As [`allocate`](Self::allocate); at a given page, `Pool(Overlaps)`, also where stacks may grow, and `Pool(OutsidePool)`.
    pub fn map_file(
        &mut self,
        id: SpaceId,
        at: Option<Page>,
        page_count: u32,
        rights: Rights,
        backing: Backing,
    ) -> Result<Page, GrantError> {
        let pools = &self.spaces.get(id).ok_or(GrantError::NoSpace)?.pools;
        let first = match at {
            Some(page) => page,
            None => pools.file_hole(page_count).map_err(GrantError::Pool)?,
        };
        self.allocate_at(id, first, page_count, rights, backing)?;
        Ok(first)
    }

    /// Grants a region at a given place of whatever pool owns that place.
    ///
    /// # Errors
    /// `Pool` if the place is taken, in no pool or of no pages, or there are too many regions; `Refused` or `OverLimit` if so much cannot
    /// be promised; `NoSpace`.
    pub fn allocate_at(
        &mut self,
        id: SpaceId,
        first: Page,
        page_count: u32,
        rights: Rights,
        backing: Backing,
    ) -> Result<(), GrantError> {
        let space = self.spaces.get_mut(id).ok_or(GrantError::NoSpace)?;
        if page_count == 0 {
            return Err(GrantError::Pool(VmPoolError::Empty));
        }
        if first.checked_add(page_count - 1).is_none() {
            return Err(GrantError::Pool(VmPoolError::OutsidePool));
        }
        let tables = tables_missing(&space.pools, first, page_count);
        let cost = Cost { pages: Region::new(first, page_count, rights, backing).pages_to_keep(), tables };
        self.grant(id, cost)?;
        let space = self.spaces.get_mut(id).ok_or(GrantError::NoSpace)?;
        let added = space.pools.allocate_at(first, page_count, rights, backing);
        added.map_err(|error| self.give_back_and(id, cost, error))
    }

    /// Lets the stack of the space reach down to `page`, if `page` is where a stack may grow to.
    ///
    /// # Errors
    /// `Pool` if it is not, `Refused` if the pages cannot be promised; nothing has changed then.
    pub(super) fn grow_stack(&mut self, id: SpaceId, page: Page) -> Result<(), GrantError> {
        let space = self.spaces.get_mut(id).ok_or(GrantError::NoSpace)?;
        let stack = space.pools.growable_stack(page).ok_or(GrantError::Pool(VmPoolError::OutsidePool))?;
        let new_pages = stack.number() - page.number();
        let cost = Cost { pages: new_pages, tables: tables_missing(&space.pools, page, new_pages) };
        self.grant(id, cost)?;
        let space = self.spaces.get_mut(id).ok_or(GrantError::NoSpace)?;
        space.pools.grow_stack(page).map_err(|error| self.give_back_and(id, cost, error))?;
        self.count(id, |account| account.stack_growths = account.stack_growths.wrapping_add(1));
        Ok(())
    }

    fn give_back_and(&mut self, id: SpaceId, cost: Cost, error: VmPoolError) -> GrantError {
        self.give_back(id, cost);
        GrantError::Pool(error)
    }
}

/// How many page tables the pages need that no region in `pools` needs. Only the first and last can be shared.
fn tables_missing(pools: &AddressPools, first: Page, page_count: u32) -> u32 {
    table_slots(first, page_count).map(|slot| u32::from(!table_is_used(pools, slot))).sum()
}

/// The directory slots that the pages lie in.
pub(super) fn table_slots(first: Page, page_count: u32) -> core::ops::RangeInclusive<u32> {
    let last = Page::new(first.number() + page_count - 1);
    first.directory_slot()..=last.directory_slot()
}

/// A region lies, at least in part, in this directory slot.
pub(super) fn table_is_used(pools: &AddressPools, slot: u32) -> bool {
    pools.overlaps(Page::new(slot * 1024), 1024)
}
