//! `RegisterPool`, `UnregisterPool`, `AllocateInPool`.

use alloc::string::String;

use abi::layout::{CODE_START, FILE_END, KERNEL_START, OWN_POOLS_MAX, PAGE_SIZE};
use abi::{Errno, Number};

use super::expect::Expectation;
use super::memory::{KEPT_MAX, PAGES_MAX};
use super::{Caller, Machine, Outcome};

/// A pool that the program has registered.
#[derive(Clone, Copy, Debug)]
pub struct Pool {
    base: u32,
    pages: u32,
}

impl Pool {
    const fn end(&self) -> u32 {
        self.base + self.pages * PAGE_SIZE
    }

    /// The pages from `start` on are in the pool, or some of them.
    pub const fn overlaps(&self, start: u32, pages: u32) -> bool {
        start < self.end() && self.base < start.saturating_add(pages * PAGE_SIZE)
    }
}

/// Ranges in which nothing but the program's own pools is: one that the heap could use, and one that files could.
const RANGES: [u32; 2] = [0x7000_0000, 0xA000_0000];
/// The pages of each range.
const RANGE_PAGES: u32 = 512;
/// The most pages of a pool.
const POOL_PAGES_MAX: u32 = 40;

impl<M: Machine> Caller<M> {
    /// A call about pools of the program's own.
    pub(super) fn pool_call(&mut self) -> Outcome {
        match self.random.below(8) {
            0 | 1 => self.register_pool(),
            // A pool that is full of regions stays for a while.
            2 if !self.random.once_in(3) => self.unregister_pool(),
            _ => self.allocate_in_pool(),
        }
    }

    fn register_pool(&mut self) -> Outcome {
        let mut expected = Expectation::of(Number::RegisterPool);
        if self.memory.pools.len() >= OWN_POOLS_MAX as usize {
            expected.fault(Errno::TooManyPools);
        }
        let pages = 1 + self.random.below(POOL_PAGES_MAX);
        let mut base = self.random.one_of(&RANGES) + PAGE_SIZE * self.random.below(RANGE_PAGES);
        let mut len = pages * PAGE_SIZE;
        match self.random.below(16) {
            0 => {
                expected.fault(Errno::InvalidArgument);
                len = self.random.one_of(&[0, 1, PAGE_SIZE - 1, len + 1]);
            }
            1 => {
                expected.fault(Errno::InvalidArgument);
                base += 1 + self.random.below(PAGE_SIZE - 1);
            }
            2 => {
                expected.fault(Errno::BadAddress);
                let far = self.random.one_of(&[0, CODE_START - PAGE_SIZE, FILE_END, KERNEL_START, 0xFFFF_F000]);
                base = far;
            }
            3 => {
                // From a free place to beyond the last one, or around the end of the addresses.
                expected.fault(Errno::BadAddress);
                len = self.random.one_of(&[0x8000_0000, 0xFFFF_F000]);
            }
            4 => {
                expected.fault(Errno::Overlaps);
                base = self.random.one_of(&[self.setup.arena, self.setup.edge, self.setup.text & !0xFFF]);
                len = PAGE_SIZE;
            }
            _ => {}
        }
        if self.memory.pools.iter().any(|pool| pool.overlaps(base & !0xFFF, len.div_ceil(PAGE_SIZE).min(RANGE_PAGES))) {
            expected.fault(Errno::Overlaps);
        }
        if self.make(Number::RegisterPool, &[base, len], &expected)?.is_ok() {
            self.memory.pools.push(Pool { base, pages });
        }
        Ok(())
    }

    /// Draws where a pool begins: mostly one that there is.
    fn pool_base(&mut self, expected: &mut Expectation) -> (u32, Option<Pool>) {
        let place = self.random.place_in(self.memory.pools.len());
        match self.memory.pools.get(place).copied() {
            Some(pool) if !self.random.once_in(8) => (pool.base, Some(pool)),
            pool => {
                expected.fault(Errno::BadAddress);
                let small = 1 + self.random.below(PAGE_SIZE - 1);
                let near = pool.map_or(KERNEL_START, |pool| pool.base);
                (self.random.one_of(&[0, small, near + small, self.setup.arena, KERNEL_START, u32::MAX - small]), None)
            }
        }
    }

    fn allocate_in_pool(&mut self) -> Outcome {
        if self.memory.regions.len() >= KEPT_MAX {
            return self.unregister_pool();
        }
        let mut expected = Expectation::of(Number::AllocateInPool);
        self.expect_limit(&mut expected);
        let (base, pool) = self.pool_base(&mut expected);
        let mut len = 1 + self.random.below(PAGES_MAX * PAGE_SIZE);
        match self.random.below(12) {
            0 => {
                expected.fault(Errno::InvalidArgument);
                len = 0;
            }
            1 => {
                expected.fault(Errno::OutOfAddressSpace);
                len = (POOL_PAGES_MAX + 1) * PAGE_SIZE + self.random.edge() / 2;
            }
            _ => {}
        }
        let Ok(start) = self.make(Number::AllocateInPool, &[base, len], &expected)? else { return Ok(()) };
        let Some(pool) = pool else { return Err(self.mistake("there is no such pool")) };
        self.add_region(start, len.div_ceil(PAGE_SIZE), (pool.base, pool.end()), Some(pool.base))
    }

    fn unregister_pool(&mut self) -> Outcome {
        let mut expected = Expectation::of(Number::UnregisterPool);
        let (base, pool) = self.pool_base(&mut expected);
        if pool.is_some() {
            self.drop_regions_of(base)?;
        }
        if self.make(Number::UnregisterPool, &[base], &expected)?.is_ok() {
            self.memory.pools.retain(|pool| pool.base != base);
        }
        Ok(())
    }

    /// Frees all pools; none of them has a region any more.
    ///
    /// # Errors
    /// The mistake that was found.
    pub(super) fn unregister_pools(&mut self) -> Outcome {
        while let Some(pool) = self.memory.pools.pop() {
            let answer = self.must(Number::UnregisterPool, &[pool.base])?;
            self.require(answer == 0, || String::from("it returns 0"))?;
        }
        Ok(())
    }
}
