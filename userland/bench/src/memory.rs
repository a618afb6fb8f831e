//! Demand-zero memory: touching, touching again, freeing.

use libsys::Error;
use libsys::memory::{PAGE_SIZE, Region};

use crate::stopwatch::{Stopwatch, Taken};

const PAGES: u32 = 4096;
const CYCLES: u32 = 5;

/// Five cycles after one for warm-up.
pub fn demand_zero() -> Result<(), Error> {
    let [mut touch, mut again, mut free] = [Taken::default(); 3];
    for cycle in 0..=CYCLES {
        let mut region = Region::allocate((PAGES * PAGE_SIZE) as usize)?;
        let taken = [touch_all(&mut region), touch_all(&mut region), free_all(region)?];
        if cycle > 0 {
            for (sum, one) in [&mut touch, &mut again, &mut free].into_iter().zip(taken) {
                sum.add(one);
            }
        }
    }
    touch.report("touch", PAGES * CYCLES);
    again.report("retouch", PAGES * CYCLES);
    free.report("free", PAGES * CYCLES);
    Ok(())
}

fn touch_all(region: &mut Region) -> Taken {
    let start = region.as_ptr();
    let watch = Stopwatch::start();
    for page in 0..PAGES {
        // SAFETY: the page is the region's.
        unsafe { start.add((page * PAGE_SIZE) as usize).write_volatile(1) };
    }
    watch.stop()
}

fn free_all(region: Region) -> Result<Taken, Error> {
    let watch = Stopwatch::start();
    region.free()?;
    Ok(watch.stop())
}
