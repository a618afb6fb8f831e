//! Programs of a few instructions, made at random: from pure random bytes to sequences of real instructions, those that only ring 0
//! may use among them.
//!
//! Encodings are from the Intel SDM 2, "Instruction Format" and "Opcode Map".

mod emitter;
mod instructions;

use alloc::vec::Vec;

use crate::Random;
use emitter::Emitter;

/// Memory that a program is given. All addresses are of whole pages.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    /// Two pages for the program's instructions.
    pub code: u32,
    /// Two pages of data.
    pub data: u32,
    /// A page of stack.
    pub stack: u32,
    /// A page that is not allocated.
    pub hole: u32,
    /// An address in text that cannot be written to.
    pub text: u32,
}

/// Bytes of the places `code` and `data`.
pub const AREA_BYTES: u32 = 2 * 4096;
/// Bytes of the place `stack`.
pub const STACK_BYTES: u32 = 4096;

/// A program and where it goes. It sets its registers itself: the CPU only has to jump to its first byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeCase {
    /// The offset of its first byte from [`Places::code`].
    pub offset: u32,
    /// Its instructions.
    pub bytes: Vec<u8>,
}

/// The longest body, in instructions.
const INSTRUCTIONS_MAX: u32 = 30;

/// The program of this case.
pub fn generate(seed: u64, case: u64, places: &Places) -> CodeCase {
    let mut random = Random::new(seed, case);
    let mut emitter = Emitter::new(&mut random, places);
    prologue(&mut emitter);
    let count = 1 + emitter.random.below(INSTRUCTIONS_MAX);
    let is_noise = emitter.random.once_in(12);
    for _ in 0..count {
        if is_noise { instructions::any_bytes(&mut emitter) } else { instructions::any(&mut emitter) }
    }
    epilogue(&mut emitter);
    let mut bytes = emitter.into_bytes();
    bytes.truncate(AREA_BYTES as usize);
    let len = u32::try_from(bytes.len()).unwrap_or(AREA_BYTES);
    let spare = AREA_BYTES - len;
    // Often the last instruction goes on past the end of the area, where nothing is.
    let offset = if random.once_in(4) { spare } else { random.below(spare + 1) };
    CodeCase { offset, bytes }
}

/// Fills words of data or stack with numbers that instructions can trip over.
pub fn fill(seed: u64, case: u64, places: &Places, words: &mut [u32]) {
    let mut random = Random::new(seed, !case);
    let mut emitter = Emitter::new(&mut random, places);
    words.iter_mut().for_each(|word| *word = emitter.value());
}

/// Sets flags and registers.
fn prologue(emitter: &mut Emitter<'_>) {
    let top = emitter.places.stack + STACK_BYTES - 64;
    emitter.set_register(Emitter::ESP, top);
    if emitter.random.once_in(3) {
        let flags = emitter.flags();
        emitter.push(flags);
        emitter.byte(0x9D);
    }
    for register in [0, 1, 2, 3, 5, 6, 7] {
        let value = emitter.value();
        emitter.set_register(register, value);
    }
    if emitter.random.once_in(6) {
        let stack = emitter.value();
        emitter.set_register(Emitter::ESP, stack);
    }
}

/// Mostly ends the process; otherwise lets it run into whatever follows.
fn epilogue(emitter: &mut Emitter<'_>) {
    if !emitter.random.once_in(5) {
        emitter.set_register(Emitter::EAX, 0);
        emitter.bytes(&[0xCD, 0x80]);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{AREA_BYTES, Places, fill, generate};

    const PLACES: Places =
        Places { code: 0x4000_0000, data: 0x4001_0000, stack: 0x4002_0000, hole: 0x4003_0000, text: 0x0040_1000 };

    #[test]
    fn programs_follow_from_seed_and_number_and_differ() {
        let cases: BTreeSet<Vec<u8>> = (0..1000).map(|case| generate(7, case, &PLACES).bytes).collect();
        assert_eq!(cases.len(), 1000);
        assert!((0..200).all(|case| generate(7, case, &PLACES) == generate(7, case, &PLACES)));
        assert_ne!(generate(7, 1, &PLACES), generate(8, 1, &PLACES));
    }

    #[test]
    fn programs_fit_into_their_pages_and_some_end_with_them() {
        let ends: Vec<u32> = (0..5000)
            .map(|case| generate(1, case, &PLACES))
            .map(|case| case.offset + u32::try_from(case.bytes.len()).unwrap())
            .collect();
        assert!(ends.iter().all(|&end| end <= AREA_BYTES));
        assert!(ends.iter().filter(|&&end| end == AREA_BYTES).count() > 500);
    }

    /// Each of these has harmed some kernel.
    #[test]
    fn every_dangerous_instruction_comes() {
        let programs: Vec<Vec<u8>> = (0..5000).map(|case| generate(2, case, &PLACES).bytes).collect();
        let dangerous: [(&str, &[u8]); 21] = [
            ("iretd", &[0xCF]),
            ("retf", &[0xCB]),
            ("popfd", &[0x9D]),
            ("hlt", &[0xF4]),
            ("cli", &[0xFA]),
            ("sysenter", &[0x0F, 0x34]),
            ("sysexit", &[0x0F, 0x35]),
            ("int 0x80", &[0xCD, 0x80]),
            ("int 8", &[0xCD, 0x08]),
            ("pop ds", &[0x1F]),
            ("mov ds, ax", &[0x8E, 0xD8]),
            ("mov ss, ax", &[0x8E, 0xD0]),
            ("jmp far", &[0xEA]),
            ("call far", &[0x9A]),
            ("rep movsb", &[0xF3, 0xA4]),
            ("rep stosd", &[0xF3, 0xAB]),
            ("frstor", &[0xDD, 0x25]),
            ("fldcw", &[0xD9, 0x2D]),
            ("mov cr0, eax", &[0x0F, 0x22, 0xC0]),
            ("wrmsr", &[0x0F, 0x30]),
            ("enter", &[0xC8]),
        ];
        for (name, encoding) in dangerous {
            let has_it = |program: &&Vec<u8>| program.windows(encoding.len()).any(|part| part == encoding);
            let count = programs.iter().filter(has_it).count();
            assert!(count >= 3, "{name} is in {count} of {} programs", programs.len());
        }
    }

    #[test]
    fn memory_is_filled_with_addresses_flags_and_selectors() {
        let mut words = [0; 4096];
        fill(1, 1, &PLACES, &mut words);
        let near = |place: u32| words.iter().any(|&word| word.wrapping_sub(place) < 0x2000);
        assert!([PLACES.code, PLACES.data, PLACES.stack, PLACES.hole, 0xC000_0000].into_iter().all(near));
        assert!(words.iter().any(|&word| word & 0x2_0000 != 0), "flags with VM set");
        assert!(words.contains(&0x23) || words.contains(&0x1B), "selectors of ring 3");
    }
}
