//! The swap file: a file of the file system, whose pages are slots.

use core::fmt;

use abi::image::SWAP_FILE;
use alloc::vec::Vec;
use kcore::addr::SwapSlot;
use kcore::disk::{PagePieces, SectorIndex};

use crate::cell::KernelCell;
use crate::files::{GrowError, KernelFile};

static PIECES: KernelCell<PagePieces> = KernelCell::new(PagePieces::new(Vec::new()));

/// Why there is no swap file of the size that was asked for.
#[derive(Clone, Copy, Debug)]
pub enum SwapError {
    /// The file system has no swap file, and none was asked for.
    Missing,
    /// The file cannot be made, or cannot have this number of pages.
    CannotGrow(u32, GrowError),
}

impl fmt::Display for SwapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => write!(f, "the file system has no file `{SWAP_FILE}`; the option swap=PAGES makes one"),
            Self::CannotGrow(pages, error) => write!(f, "the file `{SWAP_FILE}` cannot have {pages} pages: {error}"),
        }
    }
}

/// Opens the swap file; returns its number of slots.
///
/// Without `wanted`, every page of the file is a slot. Otherwise that many are: the file is made if
/// there is none, and grows if it is too short. Of a longer file, the first pages are used.
///
/// # Errors
/// See [`SwapError`].
pub fn init(wanted: Option<u32>) -> Result<u32, SwapError> {
    let pieces = match (KernelFile::open(SWAP_FILE), wanted) {
        (Err(_), None) => return Err(SwapError::Missing),
        (Err(_), Some(0)) => PagePieces::new(Vec::new()),
        (Err(_), Some(pages)) => {
            let refused = |error| SwapError::CannotGrow(pages, GrowError::Refused(error));
            grown(KernelFile::create(SWAP_FILE).map_err(refused)?, pages)?
        }
        (Ok(file), wanted) => {
            let pieces = file.pieces();
            match wanted {
                Some(pages) if pages > pieces.page_count() => grown(file, pages)?,
                _ => pieces,
            }
        }
    };
    let slots = wanted.map_or(pieces.page_count(), |pages| pages.min(pieces.page_count()));
    PIECES.with(|place| *place = pieces);
    Ok(slots)
}

fn grown(file: KernelFile, pages: u32) -> Result<PagePieces, SwapError> {
    file.grow(pages).map_err(|error| SwapError::CannotGrow(pages, error))?;
    Ok(file.pieces())
}

/// The sector at which a slot begins, and the number of slots from it on that follow each other on the disk.
pub fn run_at(slot: SwapSlot) -> Option<(SectorIndex, u32)> {
    PIECES.with(|pieces| pieces.run_at(slot.number()))
}
