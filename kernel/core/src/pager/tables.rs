//! What the pager needs of the hardware: page tables, and frames to be filled with zeros or copied.

use crate::addr::{Frame, Page};
use crate::pte::Pte;

/// Proof that a present entry changed.
#[derive(Debug)]
#[must_use = "the TLB may still hold the old translation"]
pub struct Stale {
    directory: Frame,
    page: Page,
}

impl Stale {
    /// The translation of `page` in the address space of `directory` is stale.
    pub const fn new(directory: Frame, page: Page) -> Self {
        Self { directory, page }
    }

    /// The directory of the address space.
    pub const fn directory(&self) -> Frame {
        self.directory
    }

    /// The page whose entry changed.
    pub const fn page(&self) -> Page {
        self.page
    }
}

/// The page tables of all address spaces.
///
/// A space is named by the frame of its directory. Frames are process frames; the kernel reaches them through the
/// recursive window and other windows, a test through a `Vec`.
pub trait PageTables {
    /// The entry of `page`; `None` if the page table for it is missing.
    fn entry(&mut self, directory: Frame, page: Page) -> Option<Pte>;

    /// Writes an entry that is not present now, so nothing can be cached of it. The page table must be there.
    fn fill(&mut self, directory: Frame, page: Page, new: Pte);

    /// Replaces an entry and returns what it was at that moment, accessed and dirty bits included. The page table must
    /// be there.
    fn exchange(&mut self, directory: Frame, page: Page, new: Pte) -> (Pte, Stale);

    /// Drops the cached translation.
    fn flush(&mut self, stale: Stale);

    /// Fills `table` with zeros and makes it the page table for `page`.
    fn install_table(&mut self, directory: Frame, page: Page, table: Frame);

    /// Takes the page table for `page`, all of whose entries are empty, out of the directory.
    fn remove_table(&mut self, directory: Frame, page: Page) -> Option<Frame>;

    /// Makes `directory` the directory of an empty space: no user tables, the kernel's half as everywhere.
    fn init_directory(&mut self, directory: Frame);

    /// Fills a frame with zeros.
    fn zero(&mut self, frame: Frame);

    /// Copies the first `len_bytes` bytes of frame `from` to frame `to`, `0..=4096` of them, and fills the rest of `to` with zeros.
    fn copy(&mut self, from: Frame, to: Frame, len_bytes: u32);
}
