//! What a machine leaves on its disk for its next start.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use libsys::Error;
use libsys::files::{self, File, MapAccess, MappedFile};
use libsys::memory::PAGE_SIZE;
use libsys::process::{self, Process};
use tests::{PAGE, written};

use super::files::exit_code;

/// Runs an errand: its [exit code](exit_code), or `None` if there is none of that name.
pub fn run(word: &str, arguments: &[&str]) -> Option<u32> {
    let done = match (word, arguments) {
        ("leave", []) => leave(),
        ("map-hold", [name]) => map_hold(name),
        ("find", []) => find(),
        _ => return None,
    };
    Some(exit_code(done))
}

/// Pages of each file that [`leave`] makes.
const LEFT_PAGES: usize = 40;

/// The last byte of such a file.
const LEFT_LAST_BYTE: u32 = 40 * PAGE_SIZE - 1;

fn pattern(seed: u32) -> Vec<u8> {
    written::bytes(seed, LEFT_PAGES * PAGE)
}

/// Writes files in every way, and leaves them without syncing anything: [`find`] is to find them after the machine was started anew.
fn leave() -> Result<u32, Error> {
    File::create("written")?.write_all(&pattern(1))?;
    let file = File::create("mapped").and_then(|mut file| file.write_all(&pattern(0)).map(|()| file))?;
    let mapping = MappedFile::new(&file, 0, LEFT_PAGES * PAGE, MapAccess::ReadAndWrite)?;
    // SAFETY: so many bytes are mapped to be written to.
    unsafe { mapping.as_ptr().copy_from_nonoverlapping(pattern(2).as_ptr(), LEFT_PAGES * PAGE) };
    core::mem::forget(mapping);
    File::create("removed")?.write_all(&pattern(3))?;
    files::remove("removed")?;
    let mut removed = File::create("removed while open")?;
    removed.write_all(&pattern(4))?;
    files::remove("removed while open")?;
    core::mem::forget(removed);
    leave_behind_the_end()?;
    leave_in_pieces()?;
    // This one still has its file mapped when the machine is shut down.
    let mut held = File::create("held")?;
    held.write_all(&pattern(0))?;
    Process::spawn("assist", ["map-hold", "held"])?;
    let mut last = [0];
    while last != pattern(5)[LEFT_PAGES * PAGE - 1..] {
        process::yield_now();
        held.seek(LEFT_LAST_BYTE)?;
        held.read(&mut last)?;
    }
    Ok(0)
}

/// How much of its second page belongs to the file that [`leave_behind_the_end`] makes.
const SHORT_BYTES: usize = PAGE + 900;

/// Fills the rest of a file's last page, which gets onto the disk with it and is nobody's.
fn leave_behind_the_end() -> Result<(), Error> {
    let mut file = File::create("short")?;
    file.write_all(&[9; SHORT_BYTES])?;
    let mapping = MappedFile::new(&file, 0, 2 * PAGE, MapAccess::ReadAndWrite)?;
    // SAFETY: two pages are mapped to be written to.
    unsafe { mapping.as_ptr().add(SHORT_BYTES).write_bytes(0xEE, 2 * PAGE - SHORT_BYTES) };
    mapping.unmap()
}

/// Behind the end of the file there are zeros, whatever the disk has.
fn is_clean_behind_the_end() -> Result<bool, Error> {
    let mapping = MappedFile::new(&File::open("short")?, 0, 2 * PAGE, MapAccess::Read)?;
    // SAFETY: two pages are mapped, and nobody writes to them.
    let bytes = unsafe { core::slice::from_raw_parts(mapping.as_ptr().cast_const(), 2 * PAGE) };
    let (inside, behind) = bytes.split_at(SHORT_BYTES);
    Ok(inside.iter().all(|&byte| byte == 9) && behind.iter().all(|&byte| byte == 0))
}

/// Two files that grow by turns lie on the disk in many pieces.
fn leave_in_pieces() -> Result<(), Error> {
    const TURN: usize = 2 * PAGE;
    let mut files = [(File::create("pieces one")?, pattern(6)), (File::create("pieces two")?, pattern(7))];
    for start in (0..LEFT_PAGES * PAGE).step_by(TURN) {
        for (file, bytes) in &mut files {
            file.write_all(&bytes[start..start + TURN])?;
        }
    }
    Ok(())
}

/// Fills a mapped file, and keeps it mapped until the machine ends.
fn map_hold(name: &str) -> Result<u32, Error> {
    let mapping = MappedFile::new(&File::open(name)?, 0, LEFT_PAGES * PAGE, MapAccess::ReadAndWrite)?;
    // SAFETY: so many bytes are mapped to be written to.
    unsafe { mapping.as_ptr().copy_from_nonoverlapping(pattern(5).as_ptr(), LEFT_PAGES * PAGE) };
    loop {
        process::sleep(Duration::from_secs(1));
    }
}

/// Looks for what [`leave`] has left: 0 if all is there.
fn find() -> Result<u32, Error> {
    let left = [(1, "written", 1), (2, "mapped", 2), (3, "held", 5), (6, "pieces one", 6), (7, "pieces two", 7)];
    for (code, name, seed) in left {
        let mut file = File::open(name)?;
        let mut found = vec![0; LEFT_PAGES * PAGE + 1];
        if file.read(&mut found)? != LEFT_PAGES * PAGE || found[..LEFT_PAGES * PAGE] != pattern(seed) {
            return Ok(code);
        }
    }
    if !is_clean_behind_the_end()? {
        return Ok(5);
    }
    let comes_back = ["removed", "removed while open"].map(|name| File::open(name).err() != Some(Error::NoSuchFile));
    Ok(if comes_back == [false; 2] { 0 } else { 4 })
}
