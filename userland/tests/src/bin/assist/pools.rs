//! Errands about pools that a program registers. The rules are broken by the known instruction of a rule.

use alloc::format;

use libsys::Error;
use libsys::memory::{self, VmPool};
use tests::{PAGE, POOL};

use super::rules;

/// Runs an errand: its exit code, or `None` if there is none of that name.
pub fn run(word: &str, arguments: &[&str]) -> Option<u32> {
    let rule = || arguments.first().copied().unwrap_or("read");
    let done = match word {
        "after-unregister" => after_unregister(rule()),
        "in-an-empty-pool" => in_an_empty_pool(rule()),
        "past-a-pools-region" => past_a_pools_region(rule()),
        "after-part-free" => after_part_free(rule(), arguments.get(1..).unwrap_or_default()),
        "leave-a-pool" => leave_a_pool(),
        _ => return None,
    };
    Some(done.unwrap_or(3))
}

/// Breaks a rule at `page` of the pool at [`POOL`].
fn break_at(rule: &str, page: usize) -> u32 {
    let address = POOL as usize + page * PAGE;
    rules::find(rule).map_or(2, |rule| rule.break_it(Some(&format!("{address:#x}"))))
}

/// Uses a page of a region after its pool is gone.
fn after_unregister(rule: &str) -> Result<u32, Error> {
    let pool = VmPool::new(POOL, 4 * PAGE)?;
    let mut region = pool.allocate(2 * PAGE)?;
    region.words().fill(1);
    drop(region);
    drop(pool);
    Ok(break_at(rule, 0))
}

/// Uses a pool in which nothing is allocated.
fn in_an_empty_pool(rule: &str) -> Result<u32, Error> {
    let _pool = VmPool::new(POOL, 4 * PAGE)?;
    Ok(break_at(rule, 0))
}

/// Uses the page after a region, which is the pool's and not allocated.
fn past_a_pools_region(rule: &str) -> Result<u32, Error> {
    let pool = VmPool::new(POOL, 4 * PAGE)?;
    let mut region = pool.allocate(2 * PAGE)?;
    region.words().fill(1);
    Ok(break_at(rule, 2))
}

/// Frees the pages from `first` to before `end` of a region of six pages, and then uses its page
/// `used`.
fn after_part_free(rule: &str, numbers: &[&str]) -> Result<u32, Error> {
    let mut numbers = numbers.iter().filter_map(|number| rules::number(number)).map(|number| number as usize);
    let (Some(first), Some(end), Some(used)) = (numbers.next(), numbers.next(), numbers.next()) else { return Ok(2) };
    let pool = VmPool::new(POOL, 6 * PAGE)?;
    let mut region = pool.allocate(6 * PAGE)?;
    // Every page is in memory, and in the TLB.
    tests::fill(region.words(), 1);
    memory::free_pages(region.as_ptr().wrapping_add(first * PAGE), (end - first) * PAGE)?;
    Ok(break_at(rule, used))
}

/// Ends with a pool and pages in it, which the kernel has to free.
fn leave_a_pool() -> Result<u32, Error> {
    let pool = VmPool::new(POOL, 64 * PAGE)?;
    for seed in 0..4 {
        let mut region = pool.allocate(5 * PAGE)?;
        tests::fill(region.words(), seed);
        core::mem::forget(region);
    }
    core::mem::forget(pool);
    Ok(0)
}
