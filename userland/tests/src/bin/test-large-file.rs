//! A file of a gibibyte, mapped on a machine with 16 MiB. The test's machine has it as a file that nothing was ever written to.
#![no_std]
#![no_main]

use libsys::files::{File, MapAccess, MappedFile};
use libsys::memory::PAGE_SIZE;
use libsys::test::Verdict;
use libsys::{check, check_eq, system};

libsys::tests! {
    a_gibibyte_is_mapped_at_once,
    all_of_it_can_be_read_and_written,
    it_is_given_back_at_once,
}

const NAME: &str = "gibibyte";
const GIBIBYTE: usize = 1 << 30;
const PLACES: usize = 2048;

/// Places all over the file, on different pages and at different offsets, and its last byte.
fn places() -> impl Iterator<Item = usize> {
    let spread = |index: usize| index * (GIBIBYTE / PLACES) + index * 4099 % PAGE_SIZE as usize;
    (0..PLACES).map(spread).chain([GIBIBYTE - 1])
}

fn value(at: usize) -> u8 {
    (at % 251 + 1).to_le_bytes()[0]
}

fn mapped(access: MapAccess) -> Result<MappedFile, libsys::Error> {
    MappedFile::new(&File::open(NAME)?, 0, GIBIBYTE, access)
}

fn a_gibibyte_is_mapped_at_once() -> Verdict {
    let before = system::info()?;
    let mapping = mapped(MapAccess::ReadAndWrite)?;
    let after = system::info()?;
    check_eq!(after.account.file_reads, before.account.file_reads);
    let promised = after.pages_promised - before.pages_promised;
    check!((255..=257).contains(&promised), "{promised} pages instead of page tables and nothing else");
    mapping.unmap()?;
    Ok(())
}

fn all_of_it_can_be_read_and_written() -> Verdict {
    let mapping = mapped(MapAccess::ReadAndWrite)?;
    let byte = |at: usize| mapping.as_ptr().wrapping_add(at);
    for at in places() {
        // SAFETY: the byte lies in the mapping, which may be written to.
        unsafe {
            check_eq!(byte(at).read_volatile(), 0, "byte {at}");
            byte(at).write_volatile(value(at));
        }
    }
    for at in places() {
        // SAFETY: as above.
        check_eq!(unsafe { byte(at).read_volatile() }, value(at), "byte {at}");
    }
    mapping.unmap()?;
    let mut file = File::open(NAME)?;
    check_eq!(file.len()? as usize, GIBIBYTE);
    for at in places() {
        let mut found = [0];
        file.seek(u32::try_from(at)?)?;
        file.read(&mut found)?;
        check_eq!(found[0], value(at), "byte {at}");
    }
    Ok(())
}

fn it_is_given_back_at_once() -> Verdict {
    let before = system::info()?;
    for _ in 0..20 {
        let mapping = mapped(MapAccess::Read)?;
        for at in places().step_by(16) {
            // SAFETY: the byte lies in the mapping.
            unsafe { mapping.as_ptr().add(at).read_volatile() };
        }
    }
    let after = system::info()?;
    check_eq!((after.pages_promised, after.frames_tables), (before.pages_promised, before.frames_tables));
    Ok(())
}
