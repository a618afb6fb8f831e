//! Kernel stacks: one for each process, with a guard page below.

use kcore::addr::{Frame, Page};

use super::layout::{STACK_COUNT, STACK_PAGES, stack_pages};
use super::{frames, space};
use crate::cell::KernelCell;
use crate::cpu::switch::StackEnd;

/// Which stacks are in use, a bit each.
static IN_USE: KernelCell<[u32; STACK_COUNT.div_ceil(32) as usize]> =
    KernelCell::new([0; STACK_COUNT.div_ceil(32) as usize]);

/// Number and end of a stack whose process has ended. The next process gets it: to map a stack takes longer.
static SPARE: KernelCell<Option<(u32, StackEnd)>> = KernelCell::new(None);

/// A kernel stack. When this is dropped, the stack becomes the spare one. Of two spare stacks, the one with the lower number stays, and the
/// frames of the other are free: so the spare stack always has the same frames, and the machine has room for as many processes.
pub struct KernelStack {
    number: u32,
    end: StackEnd,
}

impl KernelStack {
    /// Makes a stack; `None` if there are no kernel frames left for it, or no room in the stack area.
    pub fn new() -> Option<Self> {
        SPARE.with(Option::take).map(|(number, end)| Self { number, end }).or_else(Self::mapped)
    }

    fn mapped() -> Option<Self> {
        let number = take_number()?;
        let (first, behind) = stack_pages(number);
        for index in 0..STACK_PAGES {
            let Some(frame) = frames::take(1) else {
                (0..index).for_each(|mapped| release_page(page_at(first, mapped)));
                give_back_number(number);
                return None;
            };
            // SAFETY: the stack of this number was unused until now, and the frame was taken just now.
            unsafe { space::map_stack_page(page_at(first, index), frame) };
        }
        Some(Self { number, end: StackEnd::new(behind.start()) })
    }

    /// Its end.
    #[inline]
    pub const fn end(&self) -> StackEnd {
        self.end
    }
}

impl Drop for KernelStack {
    fn drop(&mut self) {
        let dropped = (self.number, self.end);
        let surplus = SPARE.with(|spare| match *spare {
            Some(kept) if kept.0 < dropped.0 => Some(dropped),
            _ => spare.replace(dropped),
        });
        let Some((number, _)) = surplus else { return };
        let (first, _) = stack_pages(number);
        (0..STACK_PAGES).for_each(|index| release_page(page_at(first, index)));
        give_back_number(number);
    }
}

fn page_at(first: Page, index: u32) -> Page {
    Page::new(first.number() + index)
}

fn release_page(page: Page) {
    // SAFETY: whoever owned the stack dropped it; nobody runs on it.
    let frame: Frame = unsafe { space::unmap_stack_page(page) };
    frames::release(frame);
}

fn take_number() -> Option<u32> {
    IN_USE.with(|words| {
        let (index, word) = (0u32..).zip(words).find(|(_, word)| **word != u32::MAX)?;
        let bit = word.trailing_ones();
        *word |= 1 << bit;
        Some(index * 32 + bit).filter(|&number| number < STACK_COUNT)
    })
}

fn give_back_number(number: u32) {
    IN_USE.with(|words| words[(number / 32) as usize] &= !(1 << (number % 32)));
}
