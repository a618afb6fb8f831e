//! What a storm knows of the machine: which regions each space has, each page's word, and each word of the files.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::prop_assert;
use proptest::test_runner::TestCaseError;

use super::machine::Machine;
use crate::addr::{PAGE_SIZE, Page};
use crate::frame_table::SpaceId;
use crate::pager::GrantError;
use crate::vm_pool::{Backing, FilePage, FileRef, Rights, VmPoolError};

/// The file that calls and mappings read and write.
pub const FILE: FileRef = FileRef::new(7);
pub const FILE_PAGES: u32 = 40;
/// The file of a program. Nobody writes to it.
pub const PROGRAM: FileRef = FileRef::new(8);

/// Pages that one page table maps.
pub const TABLE_PAGES: u32 = 1024;

/// Where a space may register a pool of its own: across the edge of a page table.
pub const OWN_POOL: Page = Page::new(abi::layout::FILE_START / PAGE_SIZE + 5 * TABLE_PAGES - 10);
pub const OWN_POOL_PAGES: u32 = 20;

/// What a region is, with its number of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Heap(u32),
    Stack(u32),
    /// Pages of the file from this one on, by all who map it.
    Mapping {
        count: u32,
        first: u32,
    },
    /// Pages of the program from this one on: shown read-only if it is text, otherwise copied.
    Segment {
        count: u32,
        first: u32,
        is_text: bool,
    },
}

impl Kind {
    pub const fn count(self) -> u32 {
        match self {
            Self::Heap(count) | Self::Stack(count) | Self::Mapping { count, .. } | Self::Segment { count, .. } => count,
        }
    }

    pub const fn may_be_written(self) -> bool {
        !matches!(self, Self::Segment { is_text: true, .. })
    }

    pub const fn rights(self) -> Rights {
        if self.may_be_written() { Rights::READ.union(Rights::WRITE) } else { Rights::READ.union(Rights::EXECUTE) }
    }

    pub const fn backing(self) -> Backing {
        let (file, first_page, shared) = match self {
            Self::Heap(_) | Self::Stack(_) => return Backing::Zero,
            Self::Mapping { first, .. } => (FILE, first, true),
            Self::Segment { first, .. } => (PROGRAM, first, false),
        };
        Backing::File { file, first_page, len_bytes: self.count() * PAGE_SIZE, shared }
    }

    /// Pages that the machine has promised to keep. A file keeps its own pages.
    const fn pages_to_keep(self) -> u32 {
        match self {
            Self::Mapping { .. } | Self::Segment { is_text: true, .. } => 0,
            _ => self.count(),
        }
    }
}

#[derive(Default)]
pub struct Model {
    pub spaces: BTreeMap<SpaceId, BTreeMap<Page, Kind>>,
    /// The spaces that have registered a pool of their own: at [`OWN_POOL`], of [`OWN_POOL_PAGES`] pages.
    pub pools: BTreeSet<SpaceId>,
    pub words: BTreeMap<(SpaceId, Page), u32>,
    pub file: BTreeMap<u32, u32>,
}

impl Model {
    pub fn pick_space(&self, choice: u32) -> Option<SpaceId> {
        let count = self.spaces.len();
        self.spaces.keys().nth(choice as usize % count.max(1)).copied()
    }

    pub fn pick_region(&self, space: SpaceId, choice: u32) -> Option<(Page, Kind)> {
        let regions = &self.spaces[&space];
        regions.iter().nth(choice as usize % regions.len().max(1)).map(|(&first, &kind)| (first, kind))
    }

    /// The stack of the space.
    pub fn stack_of(&self, space: SpaceId) -> Option<(Page, u32)> {
        self.spaces[&space].iter().find_map(|(&first, &kind)| match kind {
            Kind::Stack(count) => Some((first, count)),
            _ => None,
        })
    }

    /// Notes whether a region was granted at `at`, and checks that a refusal has a reason.
    pub fn note_region(
        &mut self,
        space: SpaceId,
        (at, kind): (Page, Kind),
        granted: Result<(), GrantError>,
    ) -> Result<(), TestCaseError> {
        let overlaps = self.overlaps(space, at, kind.count());
        match granted {
            Ok(()) => {
                prop_assert!(!overlaps);
                self.spaces.get_mut(&space).unwrap().insert(at, kind);
            }
            Err(GrantError::Pool(VmPoolError::Overlaps)) => prop_assert!(overlaps),
            Err(error) => prop_assert!(error == GrantError::Refused, "{error:?}"),
        }
        Ok(())
    }

    /// The stack reaches `pages` further down from here on.
    pub fn grow_stack(&mut self, space: SpaceId, pages: u32) {
        let (first, count) = self.stack_of(space).unwrap();
        let regions = self.spaces.get_mut(&space).unwrap();
        regions.remove(&first);
        regions.insert(Page::new(first.number() - pages), Kind::Stack(count + pages));
    }

    pub fn forget_region(&mut self, space: SpaceId, first: Page) {
        let kind = self.spaces.get_mut(&space).unwrap().remove(&first).unwrap();
        for index in 0..kind.count() {
            self.words.remove(&(space, first.checked_add(index).unwrap()));
        }
    }

    /// The space unregisters its own pool, and with it all regions in it.
    pub fn forget_pool(&mut self, space: SpaceId) {
        let is_in_pool =
            |first: &&Page| (OWN_POOL.number()..OWN_POOL.number() + OWN_POOL_PAGES).contains(&first.number());
        for first in self.spaces[&space].keys().filter(is_in_pool).copied().collect::<Vec<_>>() {
            self.forget_region(space, first);
        }
        self.pools.remove(&space);
    }

    pub fn forget_space(&mut self, space: SpaceId) {
        self.spaces.remove(&space);
        self.pools.remove(&space);
        self.words.retain(|(owner, _), _| *owner != space);
    }

    /// What each space was promised: its directory, the pages to keep, and each page table that a page lies in.
    pub fn promises(&self) -> impl Iterator<Item = (SpaceId, u32)> {
        self.spaces.iter().map(|(&id, regions)| {
            let table_of = |number: u32| number / TABLE_PAGES;
            let tables =
                |(first, kind): (&Page, &Kind)| table_of(first.number())..=table_of(first.number() + kind.count() - 1);
            let tables: BTreeSet<u32> = regions.iter().flat_map(tables).collect();
            let pages: u32 = regions.values().map(|kind| kind.pages_to_keep()).sum();
            (id, 1 + pages + u32::try_from(tables.len()).unwrap())
        })
    }

    pub fn file_word(&self, number: u32) -> u32 {
        self.file.get(&number).copied().unwrap_or(FILE.raw() * 1000 + number)
    }

    /// Of pages whose changes were lost, there is what the disk has.
    pub fn note_losses(&mut self, machine: &mut Machine) {
        for page in core::mem::take(&mut machine.lost) {
            self.file.insert(page.number, machine.file_word(page));
        }
    }

    /// The disk has all that was written to the file.
    pub fn is_on_disk(&self, machine: &Machine) -> bool {
        (0..FILE_PAGES).all(|number| machine.file_word(FilePage { file: FILE, number }) == self.file_word(number))
    }

    /// The word at position `index` of a region.
    pub fn word(&self, space: SpaceId, first: Page, kind: Kind, index: u32) -> u32 {
        let at_first = match kind {
            Kind::Heap(_) | Kind::Stack(_) => 0,
            Kind::Mapping { first, .. } => return self.file_word(first + index),
            Kind::Segment { first, .. } => PROGRAM.raw() * 1000 + first + index,
        };
        self.words.get(&(space, first.checked_add(index).unwrap())).copied().unwrap_or(at_first)
    }

    pub fn set_word(&mut self, space: SpaceId, first: Page, kind: Kind, index: u32, word: u32) {
        match kind {
            Kind::Mapping { first, .. } => drop(self.file.insert(first + index, word)),
            _ => drop(self.words.insert((space, first.checked_add(index).unwrap()), word)),
        }
    }

    fn overlaps(&self, space: SpaceId, at: Page, count: u32) -> bool {
        let (start, end) = (at.number(), at.number() + count);
        self.spaces[&space].iter().any(|(first, kind)| first.number() < end && start < first.number() + kind.count())
    }
}
