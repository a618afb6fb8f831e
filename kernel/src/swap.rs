//! The swap file: a file of the file system, whose pages are slots.

use core::fmt;

use abi::image::{SECTOR_SIZE, SWAP_FILE};
use alloc::vec::Vec;
use kcore::addr::{PAGE_SIZE, SwapSlot};
use kcore::disk::SectorIndex;

use crate::cell::KernelCell;
use crate::files;

/// Runs of sectors, each with the number of pages it holds.
static RUNS: KernelCell<Vec<(SectorIndex, u32)>> = KernelCell::new(Vec::new());

/// The file system has no swap file.
#[derive(Clone, Copy, Debug)]
pub struct NoSwapFile;

impl fmt::Display for NoSwapFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the file system has no file `{SWAP_FILE}`")
    }
}

/// Finds the swap file; returns how many slots it has.
///
/// # Errors
/// `NoSwapFile`.
pub fn init() -> Result<u32, NoSwapFile> {
    let runs = files::runs_of(SWAP_FILE);
    let slots = runs.iter().map(|&(_, pages)| pages).sum();
    if runs.is_empty() {
        return Err(NoSwapFile);
    }
    RUNS.with(|place| *place = runs);
    Ok(slots)
}

/// The sector at which a slot begins.
pub fn sector_of(slot: SwapSlot) -> Option<SectorIndex> {
    RUNS.with(|runs| {
        let mut page = slot.number();
        for &(first, pages) in runs.iter() {
            if page < pages {
                return Some(SectorIndex::new(first.number() + page * (PAGE_SIZE / SECTOR_SIZE)));
            }
            page -= pages;
        }
        None
    })
}
