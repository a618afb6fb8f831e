//! Files whose contents follow from the place, and what mappings of them show.

use alloc::vec::Vec;

use libsys::Error;
use libsys::files::{File, MapAccess, MappedFile};

use crate::PAGE;

/// To be read.
pub const READ: MapAccess = MapAccess::Read;
/// To be read and written.
pub const WRITE: MapAccess = MapAccess::ReadAndWrite;

/// A file of so many pages; byte `i` of page `n` is `value(n, i)`.
///
/// # Errors
/// Those of making a file and writing to it.
pub fn made(name: &str, pages: usize) -> Result<File, Error> {
    let mut file = File::create(name)?;
    for page in 0..pages {
        let bytes: Vec<u8> = (0..PAGE).map(|index| value(page, index)).collect();
        file.write_all(&bytes)?;
    }
    Ok(file)
}

/// What a made file holds in this byte of this page.
pub const fn value(page: usize, index: usize) -> u8 {
    (page.wrapping_mul(131) ^ index.wrapping_mul(7) ^ index >> 8).to_le_bytes()[0]
}

/// The byte that a file has at this place, by a call.
///
/// # Errors
/// Those of reading.
pub fn byte_at(file: &mut File, at: u32) -> Result<u8, Error> {
    let mut byte = [0];
    file.seek(at)?;
    file.read(&mut byte)?;
    Ok(byte[0])
}

/// The byte that a mapping shows at this place.
pub fn read(mapping: &MappedFile, at: usize) -> u8 {
    assert!(at < mapping.len_bytes().next_multiple_of(PAGE));
    // SAFETY: the byte lies in the mapping's pages.
    unsafe { mapping.as_ptr().add(at).read_volatile() }
}

/// Changes a byte through a mapping, which must be one to be written to: another ends the program.
pub fn write(mapping: &MappedFile, at: usize, byte: u8) {
    assert!(at < mapping.len_bytes().next_multiple_of(PAGE));
    // SAFETY: the byte lies in the mapping's pages, which nobody has a reference to.
    unsafe { mapping.as_ptr().add(at).write_volatile(byte) }
}

/// The address as calls take it.
pub fn address(of: *const u8) -> u32 {
    u32::try_from(of.expose_provenance()).unwrap_or(0)
}
