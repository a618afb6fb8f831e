//! The heap of `libsys`: what `alloc` offers works, large blocks are lazy and go back to the kernel, and a refusal is no panic.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::alloc::{alloc, dealloc};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::alloc::Layout;

use libsys::memory::mapping;
use libsys::test::Verdict;
use libsys::{Error, check, check_eq, system};
use tests::PAGE;

libsys::tests! {
    collections_work,
    a_large_block_is_a_region_of_its_own,
    a_large_block_of_zeros_takes_no_frame_until_touched,
    many_small_blocks_are_given_back_as_well,
    blocks_keep_their_bytes_whatever_happens_to_others,
    a_block_grows_and_shrinks_across_the_border_of_large,
    blocks_are_aligned_as_asked,
    what_the_machine_does_not_have_is_refused,
}

fn promised() -> Result<u32, Error> {
    Ok(system::info()?.pages_promised)
}

fn collections_work() -> Verdict {
    let words = "one two three two one two".split(' ');
    let mut counts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, word) in words.enumerate() {
        counts.entry(word.into()).or_default().push(place);
    }
    check_eq!(counts["two"], [1, 3, 5]);
    check_eq!(counts.keys().map(String::as_str).collect::<Vec<_>>(), ["one", "three", "two"]);
    Ok(())
}

fn a_large_block_is_a_region_of_its_own() -> Verdict {
    let before = promised()?;
    let block: Vec<u8> = Vec::with_capacity(100 * PAGE);
    check_eq!(block.as_ptr().addr() % PAGE, 0);
    // Page tables may be promised with it.
    check!((before + 100..=before + 103).contains(&promised()?), "{} pages instead of 100", promised()? - before);
    drop(block);
    check_eq!(promised()?, before);
    Ok(())
}

fn a_large_block_of_zeros_takes_no_frame_until_touched() -> Verdict {
    let mut block = vec![0u8; 100 * PAGE];
    for page in (0..100).step_by(3) {
        check_eq!(mapping(&raw const block[page * PAGE])?.physical_page, None);
    }
    block[50 * PAGE] = 1;
    check!(mapping(&raw const block[50 * PAGE])?.physical_page.is_some());
    check!(mapping(&raw const block[49 * PAGE])?.physical_page.is_none());
    check_eq!(block.iter().map(|&byte| u32::from(byte)).sum::<u32>(), 1);
    Ok(())
}

fn many_small_blocks_are_given_back_as_well() -> Verdict {
    let before = promised()?;
    let blocks: Vec<Vec<u8>> = (0..2000).map(|number| vec![1; 100 + number % 400]).collect();
    // They are 600,000 bytes, and the heap's first region was there before.
    check!(promised()? >= before + 100, "{} pages hold them", promised()? - before);
    drop(blocks);
    check_eq!(promised()?, before);
    Ok(())
}

/// A sequence of numbers that looks random (xorshift).
struct Numbers(u32);

impl Numbers {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 % limit
    }
}

/// Blocks of all sizes come, grow, shrink and go; each must hold what was last written to it.
fn blocks_keep_their_bytes_whatever_happens_to_others() -> Verdict {
    let mut numbers = Numbers(0x1234_5678);
    let mut blocks: [Vec<u8>; 32] = Default::default();
    for step in 0..3000 {
        let mark = u8::try_from(numbers.below(256))?;
        let index = numbers.below(32) as usize;
        let block = &mut blocks[index];
        let first = block.first().copied();
        check!(block.iter().all(|&byte| Some(byte) == first), "step {step}: block {index}");
        let len = match numbers.below(10) {
            0 => 0,
            1 => numbers.below(100_000) as usize,
            2 => 8 * PAGE - 2 + numbers.below(4) as usize,
            _ => numbers.below(2000) as usize,
        };
        let kept = len.min(block.len());
        block.resize(len, mark);
        block.shrink_to_fit();
        check!(block[..kept].iter().all(|&byte| Some(byte) == first), "step {step}: block {index} has moved badly");
        block.fill(mark);
    }
    Ok(())
}

fn a_block_grows_and_shrinks_across_the_border_of_large() -> Verdict {
    let before = promised()?;
    let mut numbers = Vec::new();
    for number in 0..50_000u32 {
        numbers.push(number);
    }
    for len in [50_000, 20_000, 8 * PAGE / 4, 8 * PAGE / 4 - 1, 10, 0] {
        numbers.truncate(len);
        numbers.shrink_to_fit();
        check!(numbers.iter().enumerate().all(|(index, &number)| index == number as usize), "{len} numbers");
    }
    drop(numbers);
    check_eq!(promised()?, before);
    Ok(())
}

fn blocks_are_aligned_as_asked() -> Verdict {
    for size in [1, 24, 4096, 8 * PAGE - 1, 8 * PAGE, 100_000] {
        for align in (0..=16).map(|power| 1usize << power) {
            let layout = Layout::from_size_align(size, align)?;
            // SAFETY: the size is not 0; the block is written to within its size, and freed once with the same layout.
            unsafe {
                let block = alloc(layout);
                check!(!block.is_null(), "{layout:?}");
                check_eq!((size, align, block.addr() % align), (size, align, 0));
                block.write(1);
                block.add(size - 1).write(2);
                dealloc(block, layout);
            }
        }
    }
    Ok(())
}

fn what_the_machine_does_not_have_is_refused() -> Verdict {
    let before = promised()?;
    let mut block: Vec<u8> = vec![7; 10 * PAGE];
    for bytes in [1 << 30, usize::try_from(i32::MAX)? - 10 * PAGE] {
        check!(block.try_reserve_exact(bytes).is_err(), "{bytes} bytes were granted");
    }
    check!(block.iter().all(|&byte| byte == 7));
    drop(block);
    check_eq!(promised()?, before);
    Ok(())
}
