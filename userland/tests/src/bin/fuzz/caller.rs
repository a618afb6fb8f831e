//! Makes random calls, and checks their answers against a model.

use alloc::format;
use alloc::vec::Vec;

use fuzz_core::calls::{ARENA_BYTES, Caller, Machine, Mistake, Setup, Way};
use libsys::abi::layout::FILE_END;
use libsys::files::{self, File};
use libsys::memory::Region;
use libsys::{Error, call, gate, process};

use crate::runner::address_of;
use crate::{main, numbers};

/// The calls of this machine.
struct Calls;

impl Machine for Calls {
    fn call(&mut self, way: Way, number: u32, arguments: [u32; 5]) -> u32 {
        let [first, second, third, fourth, _] = arguments;
        let answer = match way {
            Way::Interrupt => gate::interrupt(number, arguments),
            Way::Fast => gate::fast(number, [first, second, third, fourth]),
        };
        answer.unwrap_or_else(Error::to_result_word)
    }

    fn read(&mut self, at: u32, into: &mut [u8]) {
        let from = core::ptr::with_exposed_provenance::<u8>(at as usize);
        // SAFETY: the model reads only memory that is the program's: what it was given, or has allocated or mapped itself.
        unsafe { from.copy_to_nonoverlapping(into.as_mut_ptr(), into.len()) };
    }

    fn write(&mut self, at: u32, bytes: &[u8]) {
        let to = core::ptr::with_exposed_provenance_mut::<u8>(at as usize);
        // SAFETY: as above; no reference to that memory exists.
        unsafe { to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    }
}

/// Makes so many steps: the exit code, 1 if a mistake was found, 3 if there was no memory to begin with.
pub fn run(seed: &str, steps: &str, tag: &str, protected: &[&str]) -> Option<u32> {
    let (seed, steps, tag): (u64, u64, u32) = (seed.parse().ok()?, steps.parse().ok()?, tag.parse().ok()?);
    let Ok(mut setup) = prepare(tag) else { return Some(3) };
    setup.seed = seed;
    setup.protected = numbers(protected)?;
    let mut caller = Caller::new(Calls, setup);
    let made = (0..steps).try_for_each(|_| caller.step()).and_then(|()| caller.finish());
    match made {
        Ok(()) => Some(0),
        Err(mistake) => {
            report(tag, seed, &mistake);
            Some(1)
        }
    }
}

/// The places that the model is given.
fn prepare(tag: u32) -> Result<Setup, Error> {
    let arena = Region::allocate(ARENA_BYTES as usize)?;
    let setup = Setup {
        seed: 0,
        arena: address_of(arena.as_ptr()),
        edge: map_edge(tag)?,
        text: address_of(main as *const u8) & !0xFFF,
        has_fast_calls: gate::has_fast_calls(),
        pid: process::pid(),
        protected: Vec::new(),
        tag,
    };
    core::mem::forget(arena);
    Ok(setup)
}

/// Maps a file without a name to the end of the pool. Half of it is the file's, and the rest lies past the file's end.
fn map_edge(tag: u32) -> Result<u32, Error> {
    const READ_AND_WRITE: u32 = 3;
    let name = format!("fuzz-edge-{tag}");
    // It may be there from a program that was killed.
    files::remove(&name).ok();
    let mut file = File::create(&name)?;
    file.seek(ARENA_BYTES / 2 - 1)?;
    file.write_all(&[1])?;
    let mapped = call::map_file(file.handle(), 0, ARENA_BYTES, READ_AND_WRITE, FILE_END - ARENA_BYTES);
    files::remove(&name)?;
    mapped
}

/// Says on the console what is wrong: this program's output goes nowhere.
fn report(tag: u32, seed: u64, mistake: &Mistake) {
    let text = format!("fuzz: FOUND: caller {tag} of seed {seed}: {mistake}\n");
    // If even that does not work, the exit code says that something is wrong.
    let _ = File::open("console").and_then(|mut console| console.write_all(text.as_bytes()));
}
