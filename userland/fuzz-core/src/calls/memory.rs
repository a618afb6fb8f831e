//! `AllocateMemory`, `FreeMemory`, `FreePages`, `GetMapping`, `SetLimit`, `SetPolicy`, `SetTextbook`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use abi::layout::{HEAP_END, HEAP_START, KERNEL_START, PAGE_SIZE};
use abi::record::Mapping;
use abi::{Access, Errno, Number, POLICY_NAMES, Wire};

use super::expect::Expectation;
use super::places::Place;
use super::pools::Pool;
use super::{ARENA_BYTES, Caller, Machine, Outcome};

/// A region that was allocated.
#[derive(Clone, Debug)]
pub(super) struct Region {
    start: u32,
    pages: u32,
    /// Where the pool begins that has the region, if the program has registered it.
    pool: Option<u32>,
    /// The pages that have a pattern, by number, each with the pattern's seed; all others are zero.
    filled: Vec<(u32, u32)>,
}

impl Region {
    /// Returns what is left of the region without `count` pages from page `first` on.
    fn without(&self, first: u32, count: u32) -> impl Iterator<Item = Self> {
        [(0, first), (first + count, self.pages)].into_iter().filter(|(from, to)| from < to).map(|(from, to)| {
            let filled = self.filled.iter().filter(|(page, _)| (from..to).contains(page));
            Self {
                start: self.start + from * PAGE_SIZE,
                pages: to - from,
                pool: self.pool,
                filled: filled.map(|&(page, seed)| (page - from, seed)).collect(),
            }
        })
    }
}

/// Regions, and how much the program may be promised.
#[derive(Debug, Default)]
pub struct Memory {
    pub(super) regions: Vec<Region>,
    pub(super) pools: Vec<Pool>,
    /// The limit that was set last.
    limit: Option<u32>,
}

/// The most regions that the program keeps.
pub(super) const KEPT_MAX: usize = 8;
/// The most pages of a region that are used.
pub(super) const PAGES_MAX: u32 = 12;

/// The word of a pattern.
const fn word_of(seed: u32, place: u32) -> u32 {
    (seed ^ place.wrapping_mul(0x9E37_79B1)).wrapping_mul(0x85EB_CA77) | 1
}

impl<M: Machine> Caller<M> {
    /// A call about memory, or a use of it.
    pub(super) fn memory_call(&mut self) -> Outcome {
        match self.random.below(400) {
            0 => return self.set_limit(),
            1..=4 => return self.set_policy(),
            151..=154 => return self.set_textbook(),
            5..=60 => return self.mapping_of(),
            61..=120 => return self.pool_call(),
            121..=150 => return self.free_pages(),
            _ => {}
        }
        match self.random.below(10) {
            0..=2 if self.memory.regions.len() < KEPT_MAX => self.allocate(),
            0..=3 => self.free(),
            4..=6 => self.fill(),
            _ => self.check_some_memory(),
        }
    }

    /// The program may have asked for less than it needs.
    pub(super) fn expect_limit(&self, expected: &mut Expectation) {
        if self.memory.limit.is_some() {
            expected.perhaps(Errno::OverLimit);
        }
    }

    fn allocate(&mut self) -> Outcome {
        let mut expected = Expectation::of(Number::AllocateMemory);
        self.expect_limit(&mut expected);
        let len = match self.random.below(20) {
            0 => {
                expected.fault(Errno::InvalidArgument);
                0
            }
            1 => {
                // The pool does not hold as much.
                expected.fault(Errno::OutOfAddressSpace);
                HEAP_END - HEAP_START + self.random.below(0x8000_0000)
            }
            2 => 0x0400_0000 + self.random.below(0x1000_0000),
            _ => 1 + self.random.below(PAGES_MAX * PAGE_SIZE),
        };
        let Ok(start) = self.make(Number::AllocateMemory, &[len], &expected)? else { return Ok(()) };
        let pages = len.div_ceil(PAGE_SIZE);
        self.add_region(start, pages, (HEAP_START, HEAP_END), None)?;
        if pages > PAGES_MAX {
            return self.free_region(self.memory.regions.len() - 1);
        }
        Ok(())
    }

    /// A region that was granted lies in its pool, and overlaps nothing.
    pub(super) fn add_region(&mut self, start: u32, pages: u32, within: (u32, u32), pool: Option<u32>) -> Outcome {
        let end = start.saturating_add(pages * PAGE_SIZE);
        let is_in_pool = start >= within.0 && end <= within.1 && start.is_multiple_of(PAGE_SIZE);
        self.require(is_in_pool, || String::from("the region is not in its pool"))?;
        let overlaps = |other_start: u32, other_end: u32| start < other_end && other_start < end;
        let arena = self.setup.arena;
        let is_taken =
            self.memory.regions.iter().any(|other| overlaps(other.start, other.start + other.pages * PAGE_SIZE));
        self.require(!is_taken && !overlaps(arena, arena + ARENA_BYTES), || {
            String::from("the region overlaps another")
        })?;
        self.memory.regions.push(Region { start, pages, pool, filled: Vec::new() });
        Ok(())
    }

    /// Compares the regions of a pool for the last time: they are gone with it.
    pub(super) fn drop_regions_of(&mut self, base: u32) -> Outcome {
        while let Some(place) = self.memory.regions.iter().position(|region| region.pool == Some(base)) {
            self.check_region(place)?;
            self.memory.regions.swap_remove(place);
        }
        Ok(())
    }

    fn free(&mut self) -> Outcome {
        if self.memory.regions.is_empty() || self.random.once_in(5) {
            let mut expected = Expectation::of(Number::FreeMemory);
            expected.fault(Errno::BadAddress);
            let small = self.random.below(PAGE_SIZE);
            let start = match self.memory.regions.first() {
                Some(region) if region.pages > 1 && self.random.once_in(2) => region.start + PAGE_SIZE,
                Some(region) if self.random.once_in(2) => region.start + 1 + small.min(PAGE_SIZE - 2),
                _ => self.random.one_of(&[
                    0,
                    small,
                    self.setup.edge,
                    self.setup.text & !0xFFF,
                    KERNEL_START,
                    u32::MAX - small,
                ]),
            };
            return self.make(Number::FreeMemory, &[start], &expected).map(|_| ());
        }
        let place = self.random.place_in(self.memory.regions.len());
        self.check_region(place)?;
        self.free_region(place)
    }

    /// Frees a run of pages of a region, or tries to free a run that leaves the region.
    fn free_pages(&mut self) -> Outcome {
        let mut expected = Expectation::of(Number::FreePages);
        let place = self.random.place_in(self.memory.regions.len());
        let Some(region) = self.memory.regions.get(place).cloned() else { return self.allocate() };
        let first = self.random.below(region.pages);
        let count = 1 + self.random.below(region.pages - first);
        let mut start = region.start + first * PAGE_SIZE;
        let mut len = count * PAGE_SIZE;
        match self.random.below(12) {
            0 => {
                expected.fault(Errno::InvalidArgument);
                len = self.random.one_of(&[0, 1, len - 1, len + 1]);
            }
            1 => {
                expected.fault(Errno::InvalidArgument);
                start += 1 + self.random.below(PAGE_SIZE - 1);
            }
            2 => {
                expected.fault(Errno::BadAddress);
                let rest = (region.pages - first) * PAGE_SIZE;
                len = self.random.one_of(&[rest + PAGE_SIZE, 0x8000_0000, 0xFFFF_F000]);
            }
            3 => {
                expected.fault(Errno::BadAddress);
                start = self.random.one_of(&[0, self.setup.text & !0xFFF, KERNEL_START, 0xFFFF_F000]);
            }
            _ => {}
        }
        self.check_region(place)?;
        // Memory is looked at after any call: the freed pages must not be among it then.
        self.memory.regions.swap_remove(place);
        let kept = self.memory.regions.len();
        self.memory.regions.extend(region.without(first, count));
        if self.make(Number::FreePages, &[start, len], &expected)?.is_err() {
            self.memory.regions.truncate(kept);
            self.memory.regions.push(region);
        }
        Ok(())
    }

    fn free_region(&mut self, place: usize) -> Outcome {
        let region = self.memory.regions.swap_remove(place);
        self.must(Number::FreeMemory, &[region.start]).map(|_| ())
    }

    /// Fills a page with a pattern.
    fn fill(&mut self) -> Outcome {
        if self.memory.regions.is_empty() {
            return self.allocate();
        }
        let place = self.random.place_in(self.memory.regions.len());
        let page = self.random.below(self.memory.regions[place].pages);
        let seed = self.random.word();
        // A fresh page is zero.
        self.check_page(place, page)?;
        let region = &mut self.memory.regions[place];
        region.filled.retain(|(filled, _)| *filled != page);
        region.filled.push((page, seed));
        let start = region.start + page * PAGE_SIZE;
        for part in PARTS {
            let bytes = part_of(seed, part);
            self.machine.write(start + part, &bytes);
        }
        Ok(())
    }

    /// Looks at one page of one region.
    pub(super) fn check_some_memory(&mut self) -> Outcome {
        if self.memory.regions.is_empty() {
            return Ok(());
        }
        let place = self.random.place_in(self.memory.regions.len());
        let page = self.random.below(self.memory.regions[place].pages);
        self.check_page(place, page)
    }

    fn check_region(&mut self, place: usize) -> Outcome {
        let pages = self.memory.regions[place].pages;
        (0..pages).try_for_each(|page| self.check_page(place, page))
    }

    fn check_page(&mut self, place: usize, page: u32) -> Outcome {
        let region = &self.memory.regions[place];
        let start = region.start + page * PAGE_SIZE;
        let seed = region.filled.iter().find(|(filled, _)| *filled == page).map(|(_, seed)| *seed);
        for part in PARTS {
            let mut found = [0; PART_BYTES];
            self.machine.read(start + part, &mut found);
            let known = seed.map_or([0; PART_BYTES], |seed| part_of(seed, part));
            let at = start + part;
            self.require(found == known, || format!("memory at {at:#x} has changed: {found:02x?} was {known:02x?}"))?;
        }
        Ok(())
    }

    /// Frees all regions and pools.
    ///
    /// # Errors
    /// The mistake that was found.
    pub(super) fn free_regions(&mut self) -> Outcome {
        while let Some(place) = self.memory.regions.len().checked_sub(1) {
            self.check_region(place)?;
            self.free_region(place)?;
        }
        self.unregister_pools()
    }

    /// The first byte of bytes in a region, for a call that reads them.
    pub(super) fn region_for(&mut self, len: u32) -> Option<u32> {
        let place = self.random.place_in(self.memory.regions.len());
        let region = self.memory.regions.get(place)?;
        let room = (region.pages * PAGE_SIZE).checked_sub(len)?;
        Some(region.start + self.random.below(room + 1))
    }

    fn mapping_of(&mut self) -> Outcome {
        let mut expected = Expectation::of(Number::GetMapping);
        let address = match self.random.below(4) {
            0 => {
                expected.fault(Errno::BadAddress);
                let small = self.random.below(64);
                self.random.one_of(&[small, KERNEL_START + small, u32::MAX - small, 0xBF70_0000 + small])
            }
            1 => self.setup.text,
            2 => self.setup.edge + self.random.below(ARENA_BYTES),
            _ => self.region_for(1).unwrap_or(self.setup.arena),
        };
        let Place { at, .. } = self.buffer(Mapping::SIZE_BYTES, Access::Write, &mut expected);
        self.make(Number::GetMapping, &[address, at], &expected).map(|_| ())
    }

    fn set_limit(&mut self) -> Outcome {
        let mut expected = Expectation::of(Number::SetLimit);
        // The program itself goes on needing memory.
        let pages = self.random.one_of(&[u32::MAX, 100_000, 5000, 2000]) - self.random.below(1000);
        match self.memory.limit {
            Some(limit) if pages > limit => expected.fault(Errno::NotPermitted),
            Some(_) => {}
            // The machine's user may have set one.
            None => expected.perhaps(Errno::NotPermitted),
        }
        if self.make(Number::SetLimit, &[pages], &expected)?.is_ok() {
            self.memory.limit = Some(pages);
        }
        Ok(())
    }

    fn set_textbook(&mut self) -> Outcome {
        let mut expected = Expectation::of(Number::SetTextbook);
        let on = if self.random.once_in(4) { 3 + (self.random.edge() & 0xFFFF) } else { self.random.below(3) };
        if on > 2 {
            expected.fault(Errno::InvalidArgument);
        }
        let was_on = self.make(Number::SetTextbook, &[on], &expected)?.unwrap_or(0);
        self.require(was_on <= 1, || String::from("it returns 0 or 1"))
    }

    fn set_policy(&mut self) -> Outcome {
        let mut expected = Expectation::of(Number::SetPolicy);
        let count = u32::try_from(POLICY_NAMES.len()).unwrap_or(0);
        let policy = if self.random.once_in(3) {
            count.wrapping_add(self.random.edge() & 0xFFFF)
        } else {
            self.random.below(count)
        };
        if policy >= count {
            expected.fault(Errno::InvalidArgument);
        }
        self.make(Number::SetPolicy, &[policy], &expected).map(|_| ())
    }
}

const PART_BYTES: usize = 16;
/// The parts of a page that are filled and looked at.
const PARTS: [u32; 3] = [0, 2048, PAGE_SIZE - 16];

fn part_of(seed: u32, part: u32) -> [u8; PART_BYTES] {
    let mut bytes = [0; PART_BYTES];
    for (place, word) in (part..).zip(bytes.as_chunks_mut::<4>().0) {
        *word = word_of(seed, place).to_le_bytes();
    }
    bytes
}
