use proptest::prelude::{any, proptest};

use super::{NotExecutable, ProgramImage, Segment};
use crate::addr::{Page, VirtAddr};
use crate::vm_pool::Rights;

/// A small valid program: text at 0x400000 from file page 0, data at 0x402010 from file offset 0x1010, with bss.
fn valid() -> Vec<u8> {
    let mut file = b"\x7FELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let mut half = |values: &[u16]| values.iter().for_each(|value| file.extend(value.to_le_bytes()));
    half(&[2, 3]);
    let words = [1u32, 0x40_0100, 52, 0, 0];
    words.iter().for_each(|word| file.extend(word.to_le_bytes()));
    for value in [52u16, 32, 2, 40, 0, 0] {
        file.extend(value.to_le_bytes());
    }
    // type, offset, vaddr, paddr, filesz, memsz, flags, align
    let text = [1u32, 0, 0x40_0000, 0, 0x200, 0x200, 5, 0x1000];
    let data = [1u32, 0x1010, 0x40_2010, 0, 0x30, 0x2000, 6, 0x1000];
    text.iter().chain(&data).for_each(|word| file.extend(word.to_le_bytes()));
    file.resize(0x1040, 0xCC);
    file
}

fn parse(file: &[u8]) -> Result<ProgramImage, NotExecutable> {
    ProgramImage::parse(&file[..file.len().min(super::HEAD_BYTES)], u32::try_from(file.len()).unwrap())
}

/// The valid program with one 32-bit word changed.
fn with_word(offset: usize, word: u32) -> Vec<u8> {
    let mut file = valid();
    file[offset..offset + 4].copy_from_slice(&word.to_le_bytes());
    file
}

const TEXT: usize = 52;
const DATA: usize = 52 + 32;

#[test]
fn a_valid_program_yields_its_pages() {
    let image = parse(&valid()).unwrap();
    assert_eq!(image.entry, VirtAddr::new(0x40_0100));
    let text = Segment {
        first_page: Page::new(0x400),
        page_count: 1,
        rights: Rights::READ | Rights::EXECUTE,
        file_first_page: 0,
        file_len_bytes: 0x200,
    };
    let data = Segment {
        first_page: Page::new(0x402),
        page_count: 3,
        rights: Rights::READ | Rights::WRITE,
        file_first_page: 1,
        file_len_bytes: 0x40,
    };
    assert_eq!(image.segments.as_slice(), [text, data]);
}

#[test]
fn each_defect_is_named() {
    let cut = &valid()[..0x1030];
    assert_eq!(parse(cut), Err(NotExecutable::CutShort));
    assert_eq!(parse(b"hello, world"), Err(NotExecutable::NotElf386));
    assert_eq!(parse(b""), Err(NotExecutable::NotElf386));
    assert_eq!(parse(&valid()[..60]), Err(NotExecutable::HeadersTooFar));
    assert_eq!(parse(&with_word(28, 0xFFFF_FFF0)), Err(NotExecutable::HeadersTooFar));
    assert_eq!(parse(&with_word(24, 0x40_2010)), Err(NotExecutable::BadEntry), "entry in data");
    assert_eq!(parse(&with_word(TEXT + 24, 7)), Err(NotExecutable::WritableText));
    assert_eq!(parse(&with_word(TEXT + 8, 0x40_0001)), Err(NotExecutable::Misaligned));
    assert_eq!(parse(&with_word(TEXT + 8, 0xC000_0000)), Err(NotExecutable::BadRange));
    assert_eq!(parse(&with_word(TEXT + 8, 0)), Err(NotExecutable::BadRange));
    assert_eq!(parse(&with_word(DATA + 20, 0xFFFF_FFFF)), Err(NotExecutable::BadRange), "wraps");
    assert_eq!(parse(&with_word(DATA + 20, 1)), Err(NotExecutable::BadRange), "more in the file than in memory");
    assert_eq!(parse(&with_word(DATA + 8, 0x40_0010)), Err(NotExecutable::Overlap));
    let mut no_segments = valid();
    no_segments[TEXT] = 0;
    no_segments[DATA] = 0;
    assert_eq!(parse(&no_segments), Err(NotExecutable::SegmentCount));
    let mut other_machine = valid();
    other_machine[18] = 62;
    assert_eq!(parse(&other_machine), Err(NotExecutable::NotElf386));
}

proptest! {
    #[test]
    fn no_bytes_make_the_check_panic(changes in proptest::collection::vec((0usize..200, any::<u8>()), 0..12), len in 0usize..0x1040) {
        let mut file = valid();
        changes.into_iter().for_each(|(offset, byte)| file[offset] = byte);
        file.truncate(len.max(100));
        if let Ok(image) = parse(&file) {
            assert!(image.segments.iter().all(|segment| segment.page_count > 0 && segment.end() <= abi::layout::CODE_END / 4096));
        }
    }
}
