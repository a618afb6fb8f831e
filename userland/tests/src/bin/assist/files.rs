//! Errands with files.

use alloc::vec;
use alloc::vec::Vec;

use libsys::Errno;
use libsys::files::{File, MapAccess, Mapping};
use libsys::memory::{PAGE_SIZE, mapping};
use libsys::process;

use super::rules::number;

const PAGE: usize = PAGE_SIZE as usize;

/// Runs an errand: its exit code, or `None` if there is none of that name. An errand that ends in an error exits with 100 and that
/// error's number.
pub fn run(word: &str, arguments: &[&str]) -> Option<u32> {
    let done = match (word, arguments) {
        ("interleave", [name, index, step, count]) => {
            interleave(name, [index, step, count].map(|text| as_number(text)))
        }
        ("hold", [name, way]) => hold(name, way),
        ("frame-of-text", []) => frame_of_text(),
        ("map-add", [name, pages, rounds]) => map_add(name, as_number(pages), as_number(rounds)),
        ("map-fill", [name, pages, seed, way]) => map_fill(name, as_number(pages), as_number(seed), way),
        ("map-spin", [name, pages]) => map_spin(name, as_number(pages)),
        ("make-and-remove", []) => make_and_remove(),
        ("leave", []) => leave(),
        ("map-crowd", [name, pages]) => map_crowd(name, as_number(pages)),
        ("create-in-vain", [name]) => create_in_vain(name),
        ("map-hold", [name]) => map_hold(name),
        ("find", []) => find(),
        ("map-write-to-read", [name, touches]) => map_write_to_read(name, touches),
        ("map-read", [name, page]) => map_read(name, as_number(page)),
        ("read-file", [name]) => read_file(name),
        _ => return None,
    };
    Some(done.unwrap_or_else(|error| 100 + error.number()))
}

fn as_number(text: &str) -> u32 {
    number(text).unwrap_or(0)
}

/// Writes every `step`th page of a file from page `index` on, each with its number as pattern; the last ones first, so that the file
/// grows by leaps.
fn interleave(name: &str, [index, step, count]: [u32; 3]) -> Result<u32, Errno> {
    let mut file = File::open(name)?;
    let mut words = vec![0u32; PAGE / 4];
    for round in (0..count).step_by(3).flat_map(|first| (first..count.min(first + 3)).rev()) {
        let page = index + round * step;
        tests::fill(&mut words, page);
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        file.seek(page * PAGE_SIZE)?;
        file.write_all(&bytes)?;
        process::yield_now();
    }
    Ok(0)
}

/// Opens and maps a file, and ends in some way without closing anything.
fn hold(name: &str, way: &str) -> Result<u32, Errno> {
    let file = File::open(name)?;
    let mapping = Mapping::new(&file, 0, PAGE, MapAccess::Read)?;
    core::mem::forget((file, mapping));
    match way {
        "exit" => process::exit(0),
        "panic" => panic!("on request"),
        "fault" => {
            super::rules::find("ud2").map(|rule| rule.break_it(None));
            Ok(1)
        }
        "killed" => loop {
            process::sleep(core::time::Duration::from_secs(1));
        },
        _ => Ok(0),
    }
}

/// The frame that holds a page of this program's text; 0 if it was borrowed in this moment.
fn frame_of_text() -> Result<u32, Errno> {
    let text = frame_of_text as *const u8;
    // The function may be part of another, so that nothing was fetched from there yet.
    // SAFETY: text may be read.
    unsafe { text.read_volatile() };
    mapping(text).map(|mapping| mapping.physical_page().unwrap_or(0))
}

/// Adds one to the first word of every page of a mapped file, over and over. Other processes may do the same with other words.
fn map_add(name: &str, pages: u32, rounds: u32) -> Result<u32, Errno> {
    let file = File::open(name)?;
    let mapping = Mapping::new(&file, 0, pages as usize * PAGE, MapAccess::ReadAndWrite)?;
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
fn map_fill(name: &str, pages: u32, seed: u32, way: &str) -> Result<u32, Errno> {
    let file = File::open(name)?;
    let mapping = Mapping::new(&file, 0, pages as usize * PAGE, MapAccess::ReadAndWrite)?;
    #[expect(clippy::cast_ptr_alignment, reason = "mappings begin at pages")]
    let words = mapping.as_ptr().cast::<u32>();
    // SAFETY: so many words are mapped to be written to, and nobody else uses the file.
    tests::fill(unsafe { core::slice::from_raw_parts_mut(words, pages as usize * PAGE / 4) }, seed);
    core::mem::forget((file, mapping));
    match way {
        "exit" => process::exit(0),
        "fault" => {
            super::rules::find("ud2").map(|rule| rule.break_it(None));
            Ok(1)
        }
        _ => Ok(0),
    }
}

/// Changes pages of a mapped file for good.
fn map_spin(name: &str, pages: u32) -> Result<u32, Errno> {
    let file = File::open(name)?;
    let mapping = Mapping::new(&file, 0, pages as usize * PAGE, MapAccess::ReadAndWrite)?;
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

/// Reads the first byte of a page of a mapped file: the exit code.
fn map_read(name: &str, page: u32) -> Result<u32, Errno> {
    let file = File::open(name)?;
    let mapping = Mapping::new(&file, page * PAGE_SIZE, PAGE, MapAccess::Read)?;
    // SAFETY: the byte is mapped.
    Ok(u32::from(unsafe { mapping.as_ptr().read_volatile() }))
}

/// Writes to a mapping that is there to be read: before it was read, or after.
fn map_write_to_read(name: &str, touches: &str) -> Result<u32, Errno> {
    let file = File::open(name)?;
    let mapping = Mapping::new(&file, 0, PAGE, MapAccess::Read)?;
    // SAFETY: reading is allowed. For the write none is claimed: this is the rule to break.
    unsafe {
        if touches == "touched" {
            mapping.as_ptr().read_volatile();
        }
        mapping.as_ptr().write_volatile(1);
    }
    Ok(0)
}

/// Reads a file from its beginning to its end: 0 if that works.
fn read_file(name: &str) -> Result<u32, Errno> {
    let mut file = File::open(name)?;
    let mut buffer = vec![0; 8 * PAGE];
    while file.read(&mut buffer)? > 0 {}
    Ok(0)
}

/// Makes a file and removes another on a disk that takes no names: 0 if that is told and nothing is there that should not be.
fn make_and_remove() -> Result<u32, Errno> {
    for _ in 0..50 {
        let made = File::create("made").err();
        let opened = File::open("made").err();
        if (made, opened) != (Some(Errno::Io), Some(Errno::NoSuchFile)) {
            return Ok(1);
        }
    }
    if libsys::files::remove("hello") != Err(Errno::Io) {
        return Ok(2);
    }
    process::Child::spawn("piggy", ["5", "1"])?.wait().map(|_| 0)
}

/// Pages of each file that [`leave`] makes.
const LEFT_PAGES: usize = 40;

/// The last byte of such a file.
const LEFT_LAST_BYTE: u32 = 40 * PAGE_SIZE - 1;

fn pattern(seed: u32) -> Vec<u8> {
    let mut words = vec![0u32; LEFT_PAGES * PAGE / 4];
    tests::fill(&mut words, seed);
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Writes files in every way, and leaves them without syncing anything: [`find`] is to find them after the machine was started anew.
fn leave() -> Result<u32, Errno> {
    File::create("written")?.write_all(&pattern(1))?;
    let file = File::create("mapped").and_then(|mut file| file.write_all(&pattern(0)).map(|()| file))?;
    let mapping = Mapping::new(&file, 0, LEFT_PAGES * PAGE, MapAccess::ReadAndWrite)?;
    // SAFETY: so many bytes are mapped to be written to.
    unsafe { mapping.as_ptr().copy_from_nonoverlapping(pattern(2).as_ptr(), LEFT_PAGES * PAGE) };
    core::mem::forget(mapping);
    File::create("removed")?.write_all(&pattern(3))?;
    libsys::files::remove("removed")?;
    let mut removed = File::create("removed while open")?;
    removed.write_all(&pattern(4))?;
    libsys::files::remove("removed while open")?;
    core::mem::forget(removed);
    leave_behind_the_end()?;
    leave_in_pieces()?;
    // This one still has its file mapped when the machine is shut down.
    let mut held = File::create("held")?;
    held.write_all(&pattern(0))?;
    process::Child::spawn("assist", ["map-hold", "held"])?;
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
fn leave_behind_the_end() -> Result<(), Errno> {
    let mut file = File::create("short")?;
    file.write_all(&[9; SHORT_BYTES])?;
    let mapping = Mapping::new(&file, 0, 2 * PAGE, MapAccess::ReadAndWrite)?;
    // SAFETY: two pages are mapped to be written to.
    unsafe { mapping.as_ptr().add(SHORT_BYTES).write_bytes(0xEE, 2 * PAGE - SHORT_BYTES) };
    mapping.unmap()
}

/// Behind the end of the file there are zeros, whatever the disk has.
fn is_clean_behind_the_end() -> Result<bool, Errno> {
    let mapping = Mapping::new(&File::open("short")?, 0, 2 * PAGE, MapAccess::Read)?;
    // SAFETY: two pages are mapped, and nobody writes to them.
    let bytes = unsafe { core::slice::from_raw_parts(mapping.as_ptr().cast_const(), 2 * PAGE) };
    let (inside, behind) = bytes.split_at(SHORT_BYTES);
    Ok(inside.iter().all(|&byte| byte == 9) && behind.iter().all(|&byte| byte == 0))
}

/// Two files that grow by turns lie on the disk in many pieces.
fn leave_in_pieces() -> Result<(), Errno> {
    const TURN: usize = 2 * PAGE;
    let mut files = [(File::create("pieces one")?, pattern(6)), (File::create("pieces two")?, pattern(7))];
    for start in (0..LEFT_PAGES * PAGE).step_by(TURN) {
        for (file, bytes) in &mut files {
            file.write_all(&bytes[start..start + TURN])?;
        }
    }
    Ok(())
}

fn map_hold(name: &str) -> Result<u32, Errno> {
    let mapping = Mapping::new(&File::open(name)?, 0, LEFT_PAGES * PAGE, MapAccess::ReadAndWrite)?;
    // SAFETY: so many bytes are mapped to be written to.
    unsafe { mapping.as_ptr().copy_from_nonoverlapping(pattern(5).as_ptr(), LEFT_PAGES * PAGE) };
    loop {
        process::sleep(core::time::Duration::from_secs(1));
    }
}

/// Looks for what [`leave`] has left: 0 if all is there.
fn find() -> Result<u32, Errno> {
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
    let comes_back = ["removed", "removed while open"].map(|name| File::open(name).err() != Some(Errno::NoSuchFile));
    Ok(if comes_back == [false; 2] { 0 } else { 4 })
}

/// Maps pages of a file to be written to, one after the other and round and round, as often as that goes, and changes each. The exit code
/// is how often it went.
fn map_crowd(name: &str, pages: u32) -> Result<u32, Errno> {
    let file = File::open(name)?;
    for count in 0.. {
        match Mapping::new(&file, count % pages * PAGE_SIZE, PAGE, MapAccess::ReadAndWrite) {
            // SAFETY: the byte lies in the mapping, which may be written to, and which stays until the end.
            Ok(mapping) => unsafe { core::mem::ManuallyDrop::new(mapping).as_ptr().write_volatile(1) },
            Err(Errno::TooManyOpen) => return Ok(count),
            Err(error) => return Err(error),
        }
    }
    Ok(0)
}

/// Makes a file for ever, and never has a handle for it.
fn create_in_vain(name: &str) -> Result<u32, Errno> {
    let mut open = Vec::new();
    while let Ok(file) = File::open("null") {
        open.push(file);
    }
    loop {
        match File::create(name) {
            Err(Errno::TooManyOpen | Errno::AlreadyExists) => process::yield_now(),
            other => return other.map(|_| 0),
        }
    }
}
