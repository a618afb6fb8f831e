//! Files by calls, and what is in them.

use alloc::vec;
use alloc::vec::Vec;

use libsys::Error;
use libsys::files::File;

/// Bytes that no two places of a file share by chance.
pub fn bytes(seed: u32, len: usize) -> Vec<u8> {
    let mut words = vec![0; len.div_ceil(4)];
    crate::fill(&mut words, seed);
    words.iter().flat_map(|word: &u32| word.to_le_bytes()).take(len).collect()
}

/// The byte that belongs at this place of a file that grows: never zero.
pub fn value_at(at: u32) -> u8 {
    (at % 251 + 1).to_le_bytes()[0]
}

/// All that is in the file.
///
/// # Errors
/// Those of opening and reading.
pub fn contents(name: &str) -> Result<Vec<u8>, Error> {
    let mut file = File::open(name)?;
    let mut all = vec![0; file.len()? as usize + 10];
    let count = file.read(&mut all)?;
    all.truncate(count);
    Ok(all)
}

/// A file with these contents, open.
///
/// # Errors
/// Those of making a file and writing to it.
pub fn made(name: &str, contents: &[u8]) -> Result<File, Error> {
    let mut file = File::create(name)?;
    file.write_all(contents)?;
    Ok(file)
}
