//! Calls with numbers and arguments made at random, of the kinds that a confused or malicious program makes.

use libsys::abi::layout::{KERNEL_START, STACK_LIMIT, USER_END};
use libsys::abi::{Number, POLICY_NAMES};
use libsys::memory::{PAGE_SIZE, Region};
use libsys::{Error, gate, process};
use tests::PAGE;

use super::rules::number;

/// Runs an errand: its exit code, or `None` if there is none of that name.
pub fn run(word: &str, arguments: &[&str]) -> Option<u32> {
    let ("fuzz", [seed, calls]) = (word, arguments) else { return None };
    Some(fuzz(number(seed)?, number(calls)?).map_or(3, |()| 0))
}

/// Names that calls find in memory. The first is a program's, the others are files that fuzzing programs make for themselves.
const NAMES: [&str; 8] = ["hello", "fuzz-a", "fuzz-b", "file fuzz-a", "random 7", "null", "random", "\u{0}\u{1}"];

/// A generator of numbers (Marsaglia, "Xorshift RNGs").
struct Random(u32);

impl Random {
    const fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    fn one_of(&mut self, values: &[u32]) -> u32 {
        values[self.next() as usize % values.len()]
    }
}

/// What arguments are made of: memory of several kinds. What calls write lands in `region`, or nowhere.
struct Places {
    region: u32,
    region_bytes: u32,
    text: u32,
    hole: u32,
}

/// Makes so many calls. Whatever they answer is right, if this process is not ended by it.
fn fuzz(seed: u32, calls: u32) -> Result<(), Error> {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B1) | 1);
    let mut region = Region::allocate(4 * PAGE)?;
    let (spare, hole) = (Region::allocate(PAGE)?, Region::allocate(PAGE)?);
    let hole_at = address(hole.as_ptr());
    hole.free()?;
    let places = Places {
        region: address(region.as_ptr()),
        region_bytes: 4 * PAGE_SIZE,
        text: address(fuzz as *const u8),
        hole: hole_at,
    };
    for _ in 0..calls {
        let name = NAMES[random.next() as usize % NAMES.len()].as_bytes();
        // Where most pointers point there is often a name, or a message for this process or the one that was started before.
        match random.next() % 4 {
            0 | 1 => region.bytes()[..name.len()].copy_from_slice(name),
            2 => region.words()[0] = process::pid() - random.next() % 2,
            _ => {}
        }
        let name_len = u32::try_from(name.len()).unwrap_or(0);
        let Some((call, arguments)) = draw(&mut random, &places, name_len) else { continue };
        let [first, second, third, fourth, _] = arguments;
        let _ = match gate::has_fast_calls() && random.next().is_multiple_of(2) {
            true => gate::fast(call, [first, second, third, fourth]),
            false => gate::interrupt(call, arguments),
        };
    }
    drop(spare);
    Ok(())
}

fn address<T>(place: *const T) -> u32 {
    u32::try_from(place.expose_provenance()).unwrap_or(0)
}

/// A call that neither ends this process on purpose nor waits for ever; `None` if that was drawn.
fn draw(random: &mut Random, places: &Places, name_len: u32) -> Option<(u32, [u32; 5])> {
    const SHORT_MS: u32 = 3;
    let count = u32::try_from(Number::ALL.len()).unwrap_or(0);
    let call = random.next() % (count + 2);
    let mut arguments = [0; 5].map(|_: u32| argument(random, places, name_len));
    match Number::try_from(call) {
        Ok(Number::Exit) => return None,
        Ok(Number::Sleep) => arguments[0] %= SHORT_MS,
        Ok(Number::WaitForMessage) => arguments[1] %= SHORT_MS,
        Ok(Number::SendAndWait) => arguments[2] %= SHORT_MS,
        Ok(Number::Kill) if arguments[0] == process::pid() => return None,
        Ok(Number::FreeMemory) if arguments[0] == places.region => return None,
        // By chance it would come across the name of a program that others need: one that `ReadDirectory` or its start has left in memory.
        Ok(Number::Remove) if arguments[0] != places.hole => arguments[..2].copy_from_slice(&own_name(random)),
        Ok(Number::SetPolicy) => arguments[0] %= u32::try_from(2 * POLICY_NAMES.len()).unwrap_or(1),
        _ => {}
    }
    Some((call, arguments))
}

/// The arguments that name a file which fuzzing programs make. It cannot be written over.
fn own_name(random: &mut Random) -> [u32; 2] {
    let name = NAMES[1 + random.next() as usize % 2];
    [address(name.as_ptr()), u32::try_from(name.len()).unwrap_or(0)]
}

fn argument(random: &mut Random, places: &Places, name_len: u32) -> u32 {
    let small = random.next() % 40;
    let inside = places.region + random.next() % places.region_bytes;
    let end = places.region + places.region_bytes;
    random.one_of(&[
        0,
        1,
        3,
        small,
        small,
        name_len,
        name_len,
        places.region,
        places.region,
        places.region,
        places.region + PAGE_SIZE,
        inside,
        end - small,
        places.text,
        places.hole,
        process::pid(),
        process::pid() - 1,
        PAGE_SIZE,
        places.region_bytes,
        1 << 20,
        0x5000_0000,
        KERNEL_START - small,
        KERNEL_START + small,
        USER_END - small,
        STACK_LIMIT - small - 1,
        0x8000_0000,
        u32::MAX - small,
    ])
}
