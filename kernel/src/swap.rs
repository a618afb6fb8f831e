//! The swap file: a file of the file system, whose pages are slots.

use core::fmt;

use abi::image::SWAP_FILE;
use alloc::vec::Vec;
use kcore::addr::SwapSlot;
use kcore::disk::{PagePieces, SectorIndex};

use crate::cell::KernelCell;
use crate::files;

static PIECES: KernelCell<PagePieces> = KernelCell::new(PagePieces::new(Vec::new()));

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
    if runs.is_empty() {
        return Err(NoSwapFile);
    }
    let pieces = PagePieces::new(runs);
    let slots = pieces.page_count();
    PIECES.with(|place| *place = pieces);
    Ok(slots)
}

/// The sector at which a slot begins.
pub fn sector_of(slot: SwapSlot) -> Option<SectorIndex> {
    PIECES.with(|pieces| pieces.sector_of(slot.number()))
}
