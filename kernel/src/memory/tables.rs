//! The pager's page tables, on the real machine.

use kcore::addr::{Frame, Page, PhysAddr};
use kcore::pager::{PageTables, Stale};
use kcore::pte::{Pte, PteFlags};

use super::space;
use super::window::{ActiveTables, OtherSpace, Purpose, with_frame};
use crate::cpu::control;

/// The page tables of all spaces: the active one's through slot 1023, any other's through slot 1022.
///
/// There is one, inside the pager's cell, so two views through slot 1022 cannot exist.
pub struct Mmu {
    active: Frame,
}

/// A user table's entry in the directory: what the pages allow is said page by page.
const TABLE_FLAGS: PteFlags = PteFlags::WRITABLE.union(PteFlags::USER);

impl Mmu {
    /// The machine as boot leaves it, with the kernel's own directory active.
    pub const fn new(active: Frame) -> Self {
        Self { active }
    }

    /// Makes the space with this directory the active one.
    ///
    /// # Safety
    /// `directory` must be a directory whose kernel half is complete.
    #[inline]
    pub unsafe fn activate(&mut self, directory: Frame) {
        if self.active != directory {
            self.active = directory;
            // SAFETY: the caller's promise: code, stack and data of the kernel stay where they are.
            unsafe { control::load_directory(directory.start()) };
        }
    }

    #[inline]
    fn is_active(&self, directory: Frame) -> bool {
        self.active == directory
    }

    fn other(directory: Frame) -> OtherSpace {
        // SAFETY: the pager hands in directories of its spaces only, and each view is dropped before the method that made
        // it returns.
        unsafe { OtherSpace::borrow(directory) }
    }

    #[inline(never)]
    fn entry_of_other(directory: Frame, page: Page) -> Option<Pte> {
        let mut other = Self::other(directory);
        let table = other.directory_entry(page);
        // SAFETY: the directory entry was just seen to be there.
        (table != Pte::EMPTY).then(|| unsafe { other.entry(page) })
    }

    #[inline]
    fn exchange_raw(&mut self, directory: Frame, page: Page, new: Pte) -> Pte {
        if self.is_active(directory) {
            // SAFETY: the pager changes entries of pages whose table it has seen, and maps only frames it took from its pool.
            unsafe { ActiveTables::exchange(page, new) }
        } else {
            Self::exchange_in_other(directory, page, new)
        }
    }

    #[inline(never)]
    fn exchange_in_other(directory: Frame, page: Page, new: Pte) -> Pte {
        // SAFETY: as in `exchange_raw`.
        unsafe { Self::other(directory).exchange(page, new) }
    }
}

impl PageTables for Mmu {
    #[inline]
    fn entry(&mut self, directory: Frame, page: Page) -> Option<Pte> {
        if self.is_active(directory) {
            let table = ActiveTables::directory_entry(page);
            // SAFETY: the directory entry was just seen to be there.
            (table != Pte::EMPTY).then(|| unsafe { ActiveTables::entry(page) })
        } else {
            Self::entry_of_other(directory, page)
        }
    }

    #[inline]
    fn fill(&mut self, directory: Frame, page: Page, new: Pte) {
        if self.is_active(directory) {
            // SAFETY: as in `exchange_raw`.
            unsafe { ActiveTables::set_entry(page, new) };
        } else {
            Self::exchange_in_other(directory, page, new);
        }
    }

    #[inline]
    fn exchange(&mut self, directory: Frame, page: Page, new: Pte) -> (Pte, Stale) {
        (self.exchange_raw(directory, page, new), Stale::new(directory, page))
    }

    #[inline]
    fn flush(&mut self, stale: Stale) {
        // A space that is not active has nothing in the TLB: user translations go at every switch.
        if self.is_active(stale.directory()) {
            control::flush_page(stale.page());
        }
    }

    fn install_table(&mut self, directory: Frame, page: Page, table: Frame) {
        self.zero(table);
        let entry = Pte::present(table, TABLE_FLAGS);
        if self.is_active(directory) {
            // SAFETY: the table was just filled with zeros: it maps nothing.
            unsafe { ActiveTables::set_directory_entry(page, entry) };
        } else {
            // SAFETY: as above.
            unsafe { Self::other(directory).set_directory_entry(page, entry) };
        }
    }

    fn remove_table(&mut self, directory: Frame, page: Page) -> Option<Frame> {
        let old = if self.is_active(directory) {
            let old = ActiveTables::directory_entry(page);
            // SAFETY: an empty entry maps nothing. The window's translation of the table is dropped below.
            unsafe { ActiveTables::set_directory_entry(page, Pte::EMPTY) };
            control::flush_page(ActiveTables::table_page(page));
            old
        } else {
            let mut other = Self::other(directory);
            let old = other.directory_entry(page);
            // SAFETY: an empty entry maps nothing.
            unsafe { other.set_directory_entry(page, Pte::EMPTY) };
            old
        };
        (old != Pte::EMPTY).then(|| Frame::containing(PhysAddr::new(old.raw())))
    }

    fn init_directory(&mut self, directory: Frame) {
        // SAFETY: the pager took the frame from its pool just now; nobody else knows it.
        unsafe { with_frame(Purpose::Fill, directory, |bytes| space::init_directory(directory, bytes)) };
    }

    #[inline]
    fn zero(&mut self, frame: Frame) {
        // SAFETY: as in `init_directory`. `rep stosl` is one instruction to fetch and the fastest fill on every i386.
        unsafe { with_frame(Purpose::Fill, frame, |bytes| control::fill_words(bytes, 0)) };
    }

    fn copy(&mut self, from: Frame, to: Frame, len_bytes: u32) {
        // SAFETY: the pager owns both frames, which are two, and neither is in a transfer. The two windows are two as well.
        unsafe {
            with_frame(Purpose::Copy, from, |source| {
                with_frame(Purpose::Fill, to, |target| {
                    let (head, tail) = target.split_at_mut(len_bytes as usize);
                    head.copy_from_slice(&source[..head.len()]);
                    tail.fill(0);
                });
            });
        }
    }
}
