//! A file that is mapped and read, page by page.

use libsys::files::{File, MapAccess, MappedFile};
use libsys::memory::PAGE_SIZE;
use libsys::{Error, eprintln};

use crate::stopwatch::Stopwatch;

const PAGES: u32 = 4096;
/// All bytes of page `i` of the file are `7 * i + 3`, as a byte.
const SUM: u32 = 522_240;

/// Maps the file, of which nothing is in memory, and reads the first byte of each page.
pub fn read_ascending() -> Result<u32, Error> {
    let file = File::open("mapped")?;
    let watch = Stopwatch::start();
    let mapping = MappedFile::new(&file, 0, (PAGES * PAGE_SIZE) as usize, MapAccess::Read)?;
    let mut sum = 0;
    for page in 0..PAGES {
        // SAFETY: the page is mapped.
        sum += u32::from(unsafe { mapping.as_ptr().add((page * PAGE_SIZE) as usize).read_volatile() });
    }
    watch.stop().report("mapping", PAGES);
    if sum != SUM {
        eprintln!("bench: the sum is {sum} instead of {SUM}");
    }
    Ok(u32::from(sum != SUM))
}
