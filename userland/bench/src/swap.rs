//! One process, 4096 pages, frames for half of them.

use alloc::vec::Vec;

use libsys::memory::{PAGE_SIZE, Region};
use libsys::{Error, eprintln};

use crate::stopwatch::Stopwatch;

const PAGES: u32 = 4096;
const WORDS_IN_PAGE: usize = PAGE_SIZE as usize / 4;

/// Writes all words, then reads one word of each page: twice in order, then in a shuffled order. Every value is checked.
pub fn latency() -> Result<u32, Error> {
    let mut region = Region::allocate((PAGES * PAGE_SIZE) as usize)?;
    let in_order: Vec<u32> = (0..PAGES).collect();
    let shuffled = shuffled(in_order.clone());
    let watch = Stopwatch::start();
    for (page, words) in (0..PAGES).zip(region.words().chunks_exact_mut(WORDS_IN_PAGE)) {
        for (index, word) in (0u32..).zip(words) {
            *word = value(page, index);
        }
    }
    watch.stop().report("write", PAGES);
    let mut wrong = 0;
    for (name, order) in [("seq1", &in_order), ("seq2", &in_order), ("rand", &shuffled)] {
        let words = region.words();
        let watch = Stopwatch::start();
        for &page in order {
            let index = page % 1024;
            let found = words[page as usize * WORDS_IN_PAGE + index as usize];
            wrong += u32::from(found != value(page, index));
        }
        watch.stop().report(name, PAGES);
    }
    if wrong > 0 {
        eprintln!("bench: {wrong} words were wrong");
    }
    Ok(u32::from(wrong > 0))
}

const fn value(page: u32, index: u32) -> u32 {
    page.wrapping_mul(0x85EB_CA77).wrapping_add(index.wrapping_mul(0x27D4_EB2F))
}

/// Fisher-Yates with the generator of "Numerical Recipes", so that every system visits the pages in the same order.
fn shuffled(mut order: Vec<u32>) -> Vec<u32> {
    let mut state = 12345u32;
    for i in (1..PAGES).rev() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let j = (state >> 8) % (i + 1);
        order.swap(i as usize, j as usize);
    }
    order
}
