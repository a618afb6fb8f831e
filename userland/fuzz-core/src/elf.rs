//! Program files with mistakes in them.
//!
//! A small program is built by hand (System V ABI, "ELF Header" and "Program Header"). Then a few of its fields become edge values,
//! or the file is cut, stretched or scribbled over. A file in which nothing was changed must run and exit with [`INTACT_EXIT`].

use alloc::vec::Vec;

use abi::layout::{CODE_END, CODE_START, HEAP_START, KERNEL_START, PAGE_SIZE, STACK_END};

use crate::Random;

/// What the unchanged program exits with: the sum of a word of its data and a word that is zero at first.
pub const INTACT_EXIT: u32 = 77;

/// A file to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElfCase {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// Nothing was changed: the program runs.
    pub is_intact: bool,
}

const HEADER_BYTES: usize = 52;
const PROGRAM_HEADER_BYTES: usize = 32;
const PROGRAM_HEADERS: usize = 3;
const PAGE_BYTES: usize = PAGE_SIZE as usize;

/// Fields of the ELF header: offset and length in bytes.
const HEADER_FIELDS: [(usize, usize); 18] = [
    (0, 4),
    (4, 1),
    (5, 1),
    (6, 1),
    (7, 1),
    (16, 2),
    (18, 2),
    (20, 4),
    (24, 4),
    (28, 4),
    (32, 4),
    (36, 4),
    (40, 2),
    (42, 2),
    (44, 2),
    (46, 2),
    (48, 2),
    (50, 2),
];

/// Where the program headers begin, and how many there are.
const PROGRAM_HEADERS_OFFSET: usize = 28;
const PROGRAM_HEADER_COUNT: usize = 44;

const LOAD: u32 = 1;
const EXECUTE: u32 = 1;
const WRITE: u32 = 2;
const READ: u32 = 4;

/// The file of this case.
pub fn generate(seed: u64, case: u64) -> ElfCase {
    let mut random = Random::new(seed, case);
    let mut bytes = intact();
    if random.once_in(32) {
        return ElfCase { bytes, is_intact: true };
    }
    for _ in 0..=random.below(3) {
        mutate(&mut random, &mut bytes);
    }
    let is_intact = bytes == intact();
    ElfCase { bytes, is_intact }
}

/// The unchanged file: a page with headers and text, a page with data, and after that data a page of zeros.
pub fn intact() -> Vec<u8> {
    let mut file = Vec::with_capacity(2 * PAGE_BYTES);
    let (text, data) = (CODE_START, CODE_START + PAGE_SIZE);
    let code_at = HEADER_BYTES + PROGRAM_HEADERS * PROGRAM_HEADER_BYTES;
    let entry = text + u32::try_from(code_at).unwrap_or(0);
    file.extend_from_slice(b"\x7FELF\x01\x01\x01");
    file.resize(16, 0);
    // An executable file for the i386, version 1.
    put(&mut file, 2, &[2, 3]);
    put(&mut file, 4, &[1, entry, 52, 0, 0]);
    put(&mut file, 2, &[52, 32, 3, 40, 0, 0]);
    put(&mut file, 4, &[LOAD, 0, text, text, PAGE_SIZE, PAGE_SIZE, READ | EXECUTE, PAGE_SIZE]);
    put(&mut file, 4, &[LOAD, PAGE_SIZE, data, data, PAGE_SIZE, 2 * PAGE_SIZE, READ | WRITE, PAGE_SIZE]);
    // A note for the loader, as linkers leave them: the stack is not to be executed.
    put(&mut file, 4, &[0x6474_E551, 0, 0, 0, 0, 0, READ | WRITE, 4]);
    // mov ebx, [data]; add ebx, [data + PAGE_SIZE]; inc dword [data + PAGE_SIZE]; xor eax, eax; int 0x80
    for (opcode, address) in
        [(&[0x8B, 0x1D], data), (&[0x03, 0x1D], data + PAGE_SIZE), (&[0xFF, 0x05], data + PAGE_SIZE)]
    {
        file.extend_from_slice(opcode);
        put(&mut file, 4, &[address]);
    }
    file.extend_from_slice(&[0x31, 0xC0, 0xCD, 0x80]);
    file.resize(PAGE_BYTES, 0xCC);
    put(&mut file, 4, &[INTACT_EXIT]);
    file.resize(2 * PAGE_BYTES, 0x5A);
    file
}

/// Appends numbers of `len` bytes each.
fn put(file: &mut Vec<u8>, len: usize, numbers: &[u32]) {
    numbers.iter().for_each(|number| file.extend_from_slice(&number.to_le_bytes()[..len]));
}

/// Makes one change.
fn mutate(random: &mut Random, file: &mut Vec<u8>) {
    match random.below(12) {
        0 | 1 => {
            let (at, len) = random.one_of(&HEADER_FIELDS);
            change_field(random, file, at, len);
        }
        2..=7 => {
            let header = program_header(random, file);
            let at = header.saturating_add(4 * random.place_in(PROGRAM_HEADER_BYTES / 4));
            change_field(random, file, at, 4);
        }
        8 => copy_program_header(random, file),
        9 => move_program_headers(random, file),
        10 => cut_or_stretch(random, file),
        _ => scribble(random, file),
    }
}

/// Where one of the program headers begins in the file, as the file itself has it.
fn program_header(random: &mut Random, file: &[u8]) -> usize {
    let first = number_at(file, PROGRAM_HEADERS_OFFSET, 4) as usize;
    first.saturating_add(random.place_in(PROGRAM_HEADERS) * PROGRAM_HEADER_BYTES)
}

fn number_at(file: &[u8], at: usize, len: usize) -> u32 {
    let mut bytes = [0; 4];
    if let Some(found) = at.checked_add(len).and_then(|end| file.get(at..end)) {
        bytes[..len].copy_from_slice(found);
    }
    u32::from_le_bytes(bytes)
}

fn set_number(file: &mut [u8], at: usize, len: usize, number: u32) {
    if let Some(place) = at.checked_add(len).and_then(|end| file.get_mut(at..end)) {
        place.copy_from_slice(&number.to_le_bytes()[..len]);
    }
}

/// Gives a field another value: one near its own, one at the edge of something, or any.
fn change_field(random: &mut Random, file: &mut [u8], at: usize, len: usize) {
    let own = number_at(file, at, len);
    let file_len = u32::try_from(file.len()).unwrap_or(u32::MAX);
    let edges = [
        0,
        1,
        2,
        4,
        7,
        file_len,
        PAGE_SIZE,
        CODE_START,
        CODE_END,
        HEAP_START,
        STACK_END,
        KERNEL_START,
        0x8000_0000,
        u32::MAX,
        u32::MAX - PAGE_SIZE + 1,
    ];
    let near = random.one_of(&[0, 1, 4, 16, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1, 3 * PAGE_SIZE]);
    let number = match random.below(4) {
        0 => own.wrapping_add(near.max(1)),
        1 => own.wrapping_sub(near.max(1)),
        2 => random.one_of(&edges).wrapping_add(random.one_of(&[0, 0, 1, u32::MAX, near])),
        _ => random.edge(),
    };
    set_number(file, at, len, number);
}

/// Puts a copy of one program header over another: two segments share their pages.
fn copy_program_header(random: &mut Random, file: &mut [u8]) {
    let (from, to) = (program_header(random, file), program_header(random, file));
    for field in (0..PROGRAM_HEADER_BYTES).step_by(4) {
        let number = number_at(file, from.saturating_add(field), 4);
        set_number(file, to.saturating_add(field), 4, number);
    }
}

/// Moves the program headers elsewhere, to the end of a page or of the file for example, and may say that there are more of them.
fn move_program_headers(random: &mut Random, file: &mut [u8]) {
    let headers: Vec<u8> = file.get(HEADER_BYTES..HEADER_BYTES + 96).map(<[u8]>::to_vec).unwrap_or_default();
    let end =
        random.one_of(&[PAGE_BYTES, PAGE_BYTES + 1, PAGE_BYTES - 1, file.len(), file.len() + 1, file.len() + 32, 200]);
    let first = end.saturating_sub(headers.len());
    for (place, byte) in file.iter_mut().skip(first).zip(headers) {
        *place = byte;
    }
    set_number(file, PROGRAM_HEADERS_OFFSET, 4, u32::try_from(first).unwrap_or(0));
    if random.once_in(2) {
        let count = random.one_of(&[0, 1, 2, 4, 8, 9, 32, 33, 127, 128, 0xFFFF]);
        set_number(file, PROGRAM_HEADER_COUNT, 2, count);
    }
}

/// Gives the file another length, with any bytes at its end if it grows.
fn cut_or_stretch(random: &mut Random, file: &mut Vec<u8>) {
    let edges =
        [0, 1, 4, 16, 51, 52, 53, 83, 84, 148, 180, PAGE_BYTES - 1, PAGE_BYTES, PAGE_BYTES + 1, 2 * PAGE_BYTES - 1];
    let len = match random.below(4) {
        0 => file.len() + random.place_in(PAGE_BYTES + 2),
        1 => random.place_in(file.len() + 1),
        _ => random.one_of(&edges),
    };
    let old_len = file.len();
    file.resize(len, 0);
    if let Some(new) = file.get_mut(old_len..) {
        random.fill(new);
    }
}

/// Writes any bytes anywhere: into the headers, into the text, or into a page.
fn scribble(random: &mut Random, file: &mut [u8]) {
    let within = random.one_of(&[HEADER_BYTES, 180, 220, PAGE_BYTES, 2 * PAGE_BYTES]).min(file.len());
    for _ in 0..=random.below(6) {
        let byte = random.byte();
        if let Some(place) = file.get_mut(random.place_in(within)) {
            *place = byte;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use abi::layout::{CODE_END, CODE_START, PAGE_SIZE};
    use kcore::program::{HEAD_BYTES, NotExecutable, ProgramImage};
    use kcore::vm_pool::Rights;

    use super::{HEADER_BYTES, generate, intact};

    fn parse(file: &[u8]) -> Result<ProgramImage, NotExecutable> {
        ProgramImage::parse(&file[..file.len().min(HEAD_BYTES)], u32::try_from(file.len()).unwrap())
    }

    #[test]
    fn intact_file_is_a_program() {
        let image = parse(&intact()).unwrap();
        assert_eq!(image.segments.len(), 2);
        assert_eq!(image.segments[1].page_count, 2, "data, and a page of zeros");
    }

    /// The kernel's check lets no file through that asks for memory which is not a program's.
    #[test]
    fn mutated_files_that_the_kernel_accepts_keep_to_the_code_pool_and_to_their_bytes() {
        let (mut accepted, mut reasons) = (0, BTreeSet::new());
        for file in (0..6000).map(|case| generate(11, case).bytes) {
            let image = match parse(&file) {
                Ok(image) => image,
                Err(reason) => {
                    reasons.insert(format!("{reason:?}"));
                    continue;
                }
            };
            accepted += 1;
            for segment in &image.segments {
                let first = u64::from(segment.first_page.number()) * u64::from(PAGE_SIZE);
                let end = first + u64::from(segment.page_count) * u64::from(PAGE_SIZE);
                assert!(first >= CODE_START.into() && end <= CODE_END.into() && segment.page_count > 0, "{segment:?}");
                assert!(!segment.rights.contains(Rights::WRITE | Rights::EXECUTE), "{segment:?}");
                let in_file = u64::from(segment.file_first_page) * u64::from(PAGE_SIZE);
                assert!(in_file + u64::from(segment.file_len_bytes) <= file.len() as u64, "{segment:?}");
            }
        }
        assert!(accepted > 600 && accepted < 5400, "{accepted} accepted");
        assert!(reasons.len() >= 8, "only these reasons came: {reasons:?}");
    }

    #[test]
    fn cases_follow_from_seed_and_number_and_differ() {
        let cases: BTreeSet<Vec<u8>> = (0..500).map(|case| generate(7, case).bytes).collect();
        assert!(cases.len() > 400, "only {} different files", cases.len());
        assert!((0..500).all(|case| generate(7, case) == generate(7, case)));
        assert_ne!(generate(7, 3).bytes, generate(8, 3).bytes);
    }

    #[test]
    fn intact_files_come_and_are_told_apart() {
        let intact_count = (0..3200).filter(|&case| generate(1, case).is_intact).count();
        assert!((50..250).contains(&intact_count), "{intact_count}");
        assert!((0..3200).map(|case| generate(1, case)).all(|file| file.is_intact == (file.bytes == intact())));
    }

    #[test]
    fn every_byte_of_the_headers_is_changed_by_some_case() {
        let (original, cases) = (intact(), (0..6000).map(|case| generate(3, case).bytes).collect::<Vec<_>>());
        for (at, before) in original.iter().enumerate().take(HEADER_BYTES + 96) {
            let is_changed = |file: &Vec<u8>| file.get(at).is_some_and(|byte| byte != before);
            assert!(cases.iter().any(is_changed), "byte {at} never changes");
        }
    }

    #[test]
    fn some_files_are_cut_and_some_are_longer() {
        let lengths: BTreeSet<usize> = (0..3000).map(|case| generate(5, case).bytes.len()).collect();
        for len in [0, 51, 52, 84, 4095, 4096, 8192] {
            assert!(lengths.contains(&len), "no file has {len} bytes");
        }
        assert!(lengths.last().is_some_and(|&longest| longest > 8192));
    }
}
