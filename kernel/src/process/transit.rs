//! Waiting for some page that is on its way from or to the disk.

use kcore::process_table::{MAX_PROCESSES, ProcessSlot};

use super::scheduler;
use crate::cell::KernelCell;

const WORDS: usize = MAX_PROCESSES.div_ceil(32) as usize;

/// Who waits, a bit for each process: joining needs no memory.
static WAITING: KernelCell<[u32; WORDS]> = KernelCell::new([0; WORDS]);

/// Blocks until some transfer of a page has ended.
pub fn wait() {
    let index = scheduler::current_slot().index();
    WAITING.with(|words| words[index / 32] |= 1 << (index % 32));
    scheduler::block();
}

/// Wakes all who wait; each looks again for itself.
#[inline]
pub fn wake_all() {
    WAITING.with(|words| {
        for (index, word) in (0u16..).zip(words) {
            while *word != 0 {
                let bit = word.trailing_zeros();
                *word &= *word - 1;
                scheduler::wake(ProcessSlot::new(index * 32 + u16::try_from(bit).unwrap_or(0)));
            }
        }
    });
}
