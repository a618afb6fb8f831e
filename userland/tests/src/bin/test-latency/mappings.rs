//! Loads of mappings: some pages of a file that are mapped a hundred thousand times.

use alloc::string::ToString;
use alloc::vec::Vec;

use libsys::abi::layout::MAPPINGS_MAX;
use libsys::files::{self, File, MapAccess, MappedFile};
use libsys::memory::{PAGE_SIZE, Region};
use libsys::{Error, system};

use super::company::{self, Company};

const NAME: &str = "mapped-often";
/// Number of processes that map the file as often as they may: 102,400 times in all.
const PROCESSES: u32 = 400;
/// Number of the file's pages that share the mappings.
const PAGES: u32 = 4;

/// Makes the file, and processes that map the first of its pages as often as they may.
fn mapped_by_many(pages: u32) -> Result<(File, Company), Error> {
    let mut file = File::create(NAME)?;
    file.write_all(&[1; (PAGES * PAGE_SIZE) as usize])?;
    let company = Company::start(PROCESSES, &["map", &pages.to_string()])?;
    Ok((file, company))
}

/// Maps the file's first pages as often as this process may, touches all of them, and waits.
pub fn map_often(pages: &str) -> Result<u32, Error> {
    let pages: u32 = pages.parse().map_err(|_| Error::InvalidArgument)?;
    let file = File::open(NAME)?;
    let mut mappings = Vec::new();
    for number in 0..MAPPINGS_MAX {
        let offset = number % pages * PAGE_SIZE;
        let mapping = MappedFile::new(&file, offset, PAGE_SIZE as usize, MapAccess::ReadAndWrite)?;
        // SAFETY: the page is mapped to be written to.
        unsafe { mapping.as_ptr().write_volatile(2) };
        mappings.push(mapping);
    }
    company::wait_for_the_end()
}

/// Writes to pages that are mapped that often, and brings them onto the disk.
pub fn write() -> Result<(), Error> {
    let (mut file, company) = mapped_by_many(1)?;
    for _ in 0..3 {
        file.seek(0)?;
        file.write_all(&[3; (PAGES * PAGE_SIZE) as usize])?;
        file.sync()?;
    }
    end(file, company)
}

/// Uses more memory than there is, so that pages are evicted that are mapped that often.
pub fn swap() -> Result<(), Error> {
    let (file, company) = mapped_by_many(PAGES)?;
    let pages = system::info()?.frames_free + 200;
    let mut region = Region::allocate((pages * PAGE_SIZE) as usize)?;
    for page in 0..pages {
        // SAFETY: the page is the region's.
        unsafe { region.as_ptr().add((page * PAGE_SIZE) as usize).write_volatile(1) };
    }
    region.bytes()[0] = 1;
    region.free()?;
    end(file, company)
}

/// Ends all processes that have mapped a page that often.
pub fn exit() -> Result<(), Error> {
    let (file, company) = mapped_by_many(2)?;
    end(file, company)
}

fn end(file: File, company: Company) -> Result<(), Error> {
    company.kill()?;
    drop(file);
    files::remove(NAME)
}
