//! Address spaces: what the pager knows of each. What is granted in them is `grant.rs`.

use abi::record::Account;

use super::read_ahead::Window;
use crate::addr::Frame;
use crate::frame_table::{OutOfMemory, SpaceId};
use crate::process_table::FEW_PROCESSES;
use crate::table::Table;
use crate::vm_pool::AddressPools;

/// What the pager knows of one process's memory.
pub struct AddressSpace {
    /// The frame of its directory, once it has one.
    pub(super) directory: Option<Frame>,
    /// Pages that it was promised, its directory and page tables included.
    pub(super) promised: u32,
    /// The most pages that it may be promised.
    pub(super) limit: u32,
    /// What was granted: the model.
    pub(super) pools: AddressPools,
    /// What paging did for it.
    pub(super) account: Account,
    /// How many of its entries say `Swapped`.
    pub(super) swapped: u32,
    /// How far it reads ahead.
    pub(super) window: Window,
}

impl AddressSpace {
    /// A space with no directory and no regions yet.
    fn new(limit: u32) -> Self {
        Self {
            directory: None,
            promised: 0,
            limit,
            pools: AddressPools::default(),
            account: Account::default(),
            swapped: 0,
            window: Window::default(),
        }
    }

    /// Pages that it was promised, its directory and page tables included.
    pub const fn promised(&self) -> u32 {
        self.promised
    }

    /// The most pages that it may be promised.
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// The frame of the directory; `None` while the space is being made or unmade.
    #[inline]
    pub const fn directory(&self) -> Option<Frame> {
        self.directory
    }

    /// The regions.
    #[inline]
    pub const fn pools(&self) -> &AddressPools {
        &self.pools
    }

    /// What paging did for the space.
    pub const fn account(&self) -> &Account {
        &self.account
    }
}

/// The address spaces that exist. The entry at index 0 has the second id: no space has the first, which stands for files.
pub struct Spaces(Table<AddressSpace>);

/// The index of a space; none for the first id.
#[inline]
const fn index_of(id: SpaceId) -> usize {
    id.index().wrapping_sub(1)
}

impl Spaces {
    /// Makes the table, without spaces.
    ///
    /// # Errors
    /// `OutOfMemory` if there is no memory for the list of spaces: it has room for all that there can be.
    pub fn new() -> Result<Self, OutOfMemory> {
        Table::new(SpaceId::COUNT - 1, FEW_PROCESSES).map(Self)
    }

    /// The space, if it exists.
    #[inline]
    pub fn get(&self, id: SpaceId) -> Option<&AddressSpace> {
        self.0.get(index_of(id))
    }

    #[inline]
    pub(super) fn get_mut(&mut self, id: SpaceId) -> Option<&mut AddressSpace> {
        self.0.get_mut(index_of(id))
    }

    /// All spaces.
    pub fn iter(&self) -> impl Iterator<Item = (SpaceId, &AddressSpace)> {
        self.0.iter().filter_map(|(index, space)| Some((SpaceId::new(u16::try_from(index + 1).ok()?), space)))
    }

    pub(super) fn add(&mut self, limit: u32) -> Result<SpaceId, OutOfMemory> {
        let index = self.0.first_free().ok_or(OutOfMemory)?;
        let id = SpaceId::new(u16::try_from(index + 1).map_err(|_| OutOfMemory)?);
        *self.0.place(index).ok_or(OutOfMemory)? = Some(AddressSpace::new(limit));
        Ok(id)
    }

    /// Counts one event in the account of the space and in the totals.
    #[inline]
    pub(super) fn count(&mut self, totals: &mut Account, id: SpaceId, event: impl Fn(&mut Account)) {
        event(totals);
        if let Some(space) = self.get_mut(id) {
            event(&mut space.account);
        }
    }

    pub(super) fn remove(&mut self, id: SpaceId) {
        self.0.remove(index_of(id));
    }
}
