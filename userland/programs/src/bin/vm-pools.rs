//! `vm-pools`: the test procedures of CSCE 410/611 on two pools that the program registers.
//!
//! `references` is the course's `GenerateVMPoolMemoryReferences`: arrays of growing size, one after
//! the other. `nested` is its `test_memory`: allocations that all exist at the same time.
#![no_std]
#![no_main]

use libsys::memory::{PAGE_SIZE, VmPool};
use libsys::{Args, Error, eprintln, println};

libsys::entry!(main, about: "Tests two VM pools");

const USAGE: &str = "usage: vm-pools
Registers the two pools of CSCE 410: 256 MiB at 512 MiB, and 256 MiB at 1 GiB.
In each, it allocates 49 arrays of 100, 200, ... 4900 ints, one after the
other. It fills each array, checks it backwards and releases it. Then it makes
32 allocations, one inside the other, and checks each on the way back. Prints
`Test Passed!` and exits with 0, or prints what is wrong and exits with 1.";

const MIB: u32 = 1 << 20;

/// The course's pools: the name, and the first address.
const POOLS: [(&str, u32); 2] = [("code pool", 512 * MIB), ("heap pool", 1024 * MIB)];
const POOL_BYTES: u32 = 256 * MIB;

/// One more than the number of arrays in a pool.
const ARRAYS_END: usize = 50;
/// Number of ints in the first array; each array has so many more than the last.
const STEP: usize = 100;
/// Number of nested allocations.
const NESTED: u32 = 32;

/// A rule that did not hold.
struct Broken {
    rule: &'static str,
    address: usize,
}

/// The outcome of a test: an error of the kernel, a broken rule, or neither.
type Checked = Result<Result<(), Broken>, Error>;

fn main() -> u32 {
    match (Args::new().next(), Args::new().nth(1)) {
        (None, _) => {}
        (Some("--help"), None) => {
            println!("{USAGE}");
            return 0;
        }
        _ => {
            eprintln!("{USAGE}");
            return 2;
        }
    }
    match test_pools() {
        Ok(Ok(())) => {
            println!("Test Passed!");
            0
        }
        Ok(Err(Broken { rule, address })) => {
            println!("Test Failed! {rule} at {address:#010x}");
            1
        }
        Err(error) => {
            eprintln!("vm-pools: {error}");
            1
        }
    }
}

/// Registers both pools and tests them. The program has no heap: the second pool lies where it would.
fn test_pools() -> Checked {
    let pools = [register(0)?, register(1)?];
    for ((name, base), pool) in POOLS.iter().zip(&pools) {
        if let Err(broken) = references(pool)? {
            return Ok(Err(broken));
        }
        println!("{name} at {base:#x}: {} arrays checked", ARRAYS_END - 1);
        if let Err(broken) = nested(pool, NESTED)? {
            return Ok(Err(broken));
        }
        println!("{name} at {base:#x}: {NESTED} nested allocations checked");
    }
    Ok(Ok(()))
}

fn register(index: usize) -> Result<VmPool, Error> {
    VmPool::new(POOLS[index].1, POOL_BYTES as usize)
}

/// Allocates one array after the other, fills it with its indexes, checks it backwards, and
/// releases it.
fn references(pool: &VmPool) -> Checked {
    for array in 1..ARRAYS_END {
        let len = STEP * array;
        let mut region = pool.allocate(len * size_of::<u32>())?;
        let start = region.as_ptr();
        let broken = |rule, index: usize| Ok(Err(Broken { rule, address: start.addr() + index * size_of::<u32>() }));
        if !pool.is_legitimate(start) {
            return broken("an allocated array is not legitimate", 0);
        }
        for (index, word) in (0..).zip(&mut region.words()[..len]) {
            *word = index;
        }
        let mut backwards = region.words()[..len].iter().enumerate().rev();
        if let Some((index, _)) = backwards.find(|&(index, &word)| index != word as usize) {
            return broken("an int did not come back", index);
        }
        pool.release(region)?;
        if pool.is_legitimate(start) {
            return broken("a released array is legitimate", 0);
        }
    }
    Ok(Ok(()))
}

/// Fills an allocation of 1 to 4 pages with `left`, makes the rest of the `left` allocations, and
/// checks that they have not changed the first.
fn nested(pool: &VmPool, left: u32) -> Checked {
    if left == 0 {
        return Ok(Ok(()));
    }
    let mut region = pool.allocate(((left % 4 + 1) * PAGE_SIZE) as usize)?;
    region.words().fill(left);
    if let Err(broken) = nested(pool, left - 1)? {
        return Ok(Err(broken));
    }
    let start = region.as_ptr().addr();
    if let Some(index) = region.words().iter().position(|&word| word != left) {
        return Ok(Err(Broken {
            rule: "another allocation has changed an int",
            address: start + index * size_of::<u32>(),
        }));
    }
    pool.release(region)?;
    Ok(Ok(()))
}
