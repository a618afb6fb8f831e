//! Errands with mapped files.

use libsys::Error;
use libsys::files::{File, MapAccess, MappedFile};
use libsys::memory::{PAGE_SIZE, mapping};
use libsys::process;
use tests::PAGE;

use super::files::{as_number, exit_code};
use super::ways;

/// Runs an errand: its [exit code](exit_code), or `None` if there is none of that name.
pub fn run(word: &str, arguments: &[&str]) -> Option<u32> {
    let done = match (word, arguments) {
        ("frame-of-text", []) => frame_of_text(),
        ("map-add", [name, pages, rounds]) => map_add(name, as_number(pages), as_number(rounds)),
        ("map-fill", [name, pages, seed, way]) => map_fill(name, as_number(pages), as_number(seed), way),
        ("map-spin", [name, pages]) => map_spin(name, as_number(pages)),
        ("map-crowd", [name, pages]) => map_crowd(name, as_number(pages)),
        ("map-read", [name, page]) => map_read(name, as_number(page)),
        ("map-write-to-read", [name, touches]) => map_write_to_read(name, touches),
        _ => return None,
    };
    Some(exit_code(done))
}

/// The frame that holds a page of this program's text; 0 if it was borrowed in this moment.
fn frame_of_text() -> Result<u32, Error> {
    let text = frame_of_text as *const u8;
    // The function may be part of another, so that nothing was fetched from there yet.
    // SAFETY: text may be read.
    unsafe { text.read_volatile() };
    mapping(text).map(|mapping| mapping.physical_page.unwrap_or(0))
}

/// Adds one to the first word of every page of a mapped file, over and over. Other processes may do the same with other words.
fn map_add(name: &str, pages: u32, rounds: u32) -> Result<u32, Error> {
    let file = File::open(name)?;
    let mapping = MappedFile::new(&file, 0, pages as usize * PAGE, MapAccess::ReadAndWrite)?;
    drop(file);
    // Each process has a word of its own in every page.
    let place = process::pid() as usize % (PAGE / 4) * 4;
    for round in 0..rounds {
        for page in 0..pages as usize {
            // SAFETY: the word lies in the mapping.
            unsafe {
                #[expect(clippy::cast_ptr_alignment, reason = "pages are aligned, and so are multiples of four")]
                let word = mapping.as_ptr().add(page * PAGE + place).cast::<u32>();
                if round > 0 && word.read_volatile() != round {
                    return Ok(1);
                }
                word.write_volatile(round + 1);
            }
        }
    }
    Ok(0)
}

/// Fills pages of a mapped file with a pattern, and ends in some way without unmapping.
fn map_fill(name: &str, pages: u32, seed: u32, way: &str) -> Result<u32, Error> {
    let file = File::open(name)?;
    let mapping = MappedFile::new(&file, 0, pages as usize * PAGE, MapAccess::ReadAndWrite)?;
    #[expect(clippy::cast_ptr_alignment, reason = "mappings begin at pages")]
    let words = mapping.as_ptr().cast::<u32>();
    // SAFETY: so many words are mapped to be written to, and nobody else uses the file.
    tests::fill(unsafe { core::slice::from_raw_parts_mut(words, pages as usize * PAGE / 4) }, seed);
    core::mem::forget((file, mapping));
    Ok(ways::end(way))
}

/// Changes pages of a mapped file for good.
fn map_spin(name: &str, pages: u32) -> Result<u32, Error> {
    let file = File::open(name)?;
    let mapping = MappedFile::new(&file, 0, pages as usize * PAGE, MapAccess::ReadAndWrite)?;
    loop {
        for page in 0..pages as usize {
            // SAFETY: the byte lies in the mapping.
            unsafe {
                let byte = mapping.as_ptr().add(page * PAGE);
                byte.write_volatile(byte.read_volatile().wrapping_add(1));
            }
        }
    }
}

/// Maps pages of a file to be written to, one after the other and round and round, as often as that goes, and changes each. The exit code
/// is how often it went.
fn map_crowd(name: &str, pages: u32) -> Result<u32, Error> {
    let file = File::open(name)?;
    for count in 0.. {
        match MappedFile::new(&file, count % pages * PAGE_SIZE, PAGE, MapAccess::ReadAndWrite) {
            // SAFETY: the byte lies in the mapping, which may be written to, and which stays until the end.
            Ok(mapping) => unsafe { core::mem::ManuallyDrop::new(mapping).as_ptr().write_volatile(1) },
            Err(Error::TooManyOpen) => return Ok(count),
            Err(error) => return Err(error),
        }
    }
    Ok(0)
}

/// Reads the first byte of a page of a mapped file: the exit code.
fn map_read(name: &str, page: u32) -> Result<u32, Error> {
    let file = File::open(name)?;
    let mapping = MappedFile::new(&file, page * PAGE_SIZE, PAGE, MapAccess::Read)?;
    // SAFETY: the byte is mapped.
    Ok(u32::from(unsafe { mapping.as_ptr().read_volatile() }))
}

/// Writes to a mapping that is there to be read: before it was read, or after.
fn map_write_to_read(name: &str, touches: &str) -> Result<u32, Error> {
    let file = File::open(name)?;
    let mapping = MappedFile::new(&file, 0, PAGE, MapAccess::Read)?;
    // SAFETY: reading is allowed. For the write none is claimed: this is the rule to break.
    unsafe {
        if touches == "touched" {
            mapping.as_ptr().read_volatile();
        }
        mapping.as_ptr().write_volatile(1);
    }
    Ok(0)
}
