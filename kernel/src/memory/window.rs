//! Windows: kernel pages through which tables and frames are reached that are mapped nowhere else.

use core::ptr;

use abi::Access;
use kcore::addr::{Frame, PAGE_SIZE, Page, VirtAddr};
use kcore::pte::{Pte, PteFlags};

use super::layout::{OTHER_SLOT, SELF_SLOT, WINDOW_AREA};
use crate::cpu::control;

/// Where directory slot `slot`, pointing at a directory, shows the page tables of that directory as one array.
const fn tables_at(slot: u32) -> u32 {
    slot << 22
}

/// The tables of one address space, seen through a directory slot that points at its directory.
#[derive(Clone, Copy)]
struct TableWindow {
    base: u32,
}

impl TableWindow {
    /// The directory's own entry for the tables of `page`: the directory is the last page table of its own window.
    const fn directory_entry(self, page: Page) -> *mut u32 {
        ptr::with_exposed_provenance_mut((self.base + SELF_SLOT * PAGE_SIZE + page.directory_slot() * 4) as usize)
    }

    const fn table_entry(self, page: Page) -> *mut u32 {
        ptr::with_exposed_provenance_mut((self.base + page.number() * 4) as usize)
    }

    /// The page through which this window shows the page table for `page`.
    const fn table_page(self, page: Page) -> Page {
        Page::new(self.base / PAGE_SIZE + page.directory_slot())
    }
}

/// The active space's tables: always there.
const ACTIVE: TableWindow = TableWindow { base: tables_at(SELF_SLOT) };

/// The tables of the active space.
///
/// Its methods are safe to call at any time: `boot.s`, [`super::space::build_kernel_half`] and [`super::space::init_directory`] make
/// slot 1023 of each of their directories point at the directory itself, and nothing rewrites it.
pub struct ActiveTables;

impl ActiveTables {
    /// The page through which the window shows the page table for `page`.
    #[inline]
    pub const fn table_page(page: Page) -> Page {
        ACTIVE.table_page(page)
    }

    /// The directory entry for the page table of `page`.
    #[inline]
    pub fn directory_entry(page: Page) -> Pte {
        // SAFETY: slot 1023 maps the directory at the top of the window (see the type); an aligned word of it is read.
        Pte::from_raw(unsafe { ACTIVE.directory_entry(page).read_volatile() })
    }

    /// Changes the directory entry for the page table of `page`.
    ///
    /// # Safety
    /// The new entry must be empty or name a page table whose entries map nothing the kernel uses otherwise.
    #[inline]
    pub unsafe fn set_directory_entry(page: Page, new: Pte) {
        // SAFETY: the place is mapped and writable (see the type); what it means is the caller's promise.
        unsafe { ACTIVE.directory_entry(page).write_volatile(new.raw()) };
    }

    /// The entry of `page`. The page table must be there, else this faults in the kernel.
    ///
    /// # Safety
    /// The directory entry for `page` must be present.
    #[inline]
    pub unsafe fn entry(page: Page) -> Pte {
        // SAFETY: the caller's promise makes the window's page present.
        Pte::from_raw(unsafe { ACTIVE.table_entry(page).read_volatile() })
    }

    /// The user page is mapped so that ring 3 may use it in this way now. If not, a fault may still make it so.
    #[inline]
    pub fn allows_user(page: Page, access: Access) -> bool {
        if Self::directory_entry(page) == Pte::EMPTY {
            return false;
        }
        // SAFETY: the directory entry was just seen to be there: the kernel writes none but empty and present ones.
        let entry = unsafe { Self::entry(page) };
        let rights = PteFlags::PRESENT.union(PteFlags::USER);
        let rights = if access == Access::Write { rights.union(PteFlags::WRITABLE) } else { rights };
        entry.raw() & rights.bits() == rights.bits()
    }

    /// Changes the entry of `page`, whatever it was.
    ///
    /// # Safety
    /// The directory entry for `page` must be present, and the new entry must not map a frame that the kernel uses otherwise.
    #[inline]
    pub unsafe fn set_entry(page: Page, new: Pte) {
        // SAFETY: the caller's promise makes the window's page present; what the entry means is the caller's promise, too.
        unsafe { ACTIVE.table_entry(page).write_volatile(new.raw()) };
    }

    /// Replaces the entry of `page`.
    ///
    /// # Safety
    /// As for [`set_entry`](Self::set_entry).
    #[inline]
    pub unsafe fn exchange(page: Page, new: Pte) -> Pte {
        // SAFETY: the caller's promise. Only this CPU changes entries, and it sets accessed and dirty bits only by accesses
        // through them, none of which lies between the read and the write.
        unsafe {
            let at = ACTIVE.table_entry(page);
            let old = at.read_volatile();
            at.write_volatile(new.raw());
            Pte::from_raw(old)
        }
    }
}

/// The tables of a space that is not active, shown by directory slot 1022 until this is dropped.
pub struct OtherSpace {
    window: TableWindow,
    touched: [Option<Page>; 2],
}

impl OtherSpace {
    /// Shows the tables of the space with this directory.
    ///
    /// # Safety
    /// `directory` must be the directory of a space, and no other `OtherSpace` may exist: slot 1022 is one slot.
    #[inline]
    pub unsafe fn borrow(directory: Frame) -> Self {
        let window = TableWindow { base: tables_at(OTHER_SLOT) };
        let entry = Pte::present(directory, PteFlags::WRITABLE);
        // SAFETY: slot 1022 is used for nothing else, and its window's translations were dropped by the last borrower.
        unsafe { ActiveTables::set_directory_entry(Page::containing(VirtAddr::new(window.base)), entry) };
        Self { window, touched: [None, None] }
    }

    /// The directory entry for the page table of `page`.
    #[inline]
    pub fn directory_entry(&mut self, page: Page) -> Pte {
        self.touch(Page::new(self.window.base / PAGE_SIZE + SELF_SLOT));
        // SAFETY: slot 1022 points at a directory (promised in `borrow`) whose slot 1023 points at itself.
        Pte::from_raw(unsafe { self.window.directory_entry(page).read_volatile() })
    }

    /// Changes the directory entry for the page table of `page`.
    ///
    /// # Safety
    /// As for [`ActiveTables::set_directory_entry`].
    #[inline]
    pub unsafe fn set_directory_entry(&mut self, page: Page, new: Pte) {
        self.touch(Page::new(self.window.base / PAGE_SIZE + SELF_SLOT));
        // SAFETY: mapped as in `directory_entry`; the meaning is the caller's promise.
        unsafe { self.window.directory_entry(page).write_volatile(new.raw()) };
    }

    /// The entry of `page`.
    ///
    /// # Safety
    /// The directory entry for `page` must be present.
    #[inline]
    pub unsafe fn entry(&mut self, page: Page) -> Pte {
        self.touch(self.window.table_page(page));
        // SAFETY: the caller's promise.
        Pte::from_raw(unsafe { self.window.table_entry(page).read_volatile() })
    }

    /// Replaces the entry of `page`.
    ///
    /// # Safety
    /// As for [`ActiveTables::exchange`].
    #[inline]
    pub unsafe fn exchange(&mut self, page: Page, new: Pte) -> Pte {
        self.touch(self.window.table_page(page));
        // SAFETY: the caller's promise; the space is not active, so the CPU does not change its entries now.
        unsafe {
            let at = self.window.table_entry(page);
            let old = at.read_volatile();
            at.write_volatile(new.raw());
            Pte::from_raw(old)
        }
    }

    /// Remembers that the TLB may now hold this page of the window.
    #[inline]
    fn touch(&mut self, page: Page) {
        for place in &mut self.touched {
            match *place {
                Some(seen) if seen == page => return,
                Some(_) => {}
                None => {
                    *place = Some(page);
                    return;
                }
            }
        }
        panic!("one borrow of another space's tables uses one page table, not {page:?} too");
    }
}

impl Drop for OtherSpace {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: an empty entry maps nothing.
        unsafe { ActiveTables::set_directory_entry(Page::containing(VirtAddr::new(self.window.base)), Pte::EMPTY) };
        self.touched.into_iter().flatten().for_each(control::flush_page);
    }
}

/// What a frame window is used for. Each has a page of its own, so uses may nest.
#[derive(Clone, Copy)]
pub enum Purpose {
    /// Filling a new table or page.
    Fill = 0,
    /// Programmed input and output by the disk driver.
    Transfer = 1,
    /// What a page is copied from.
    Copy = 2,
}

/// Shows `frame` to `work` as 4096 bytes.
///
/// # Safety
/// Nothing else may use the frame's memory meanwhile, and `work` must not use the same `purpose` again.
#[inline]
pub unsafe fn with_frame<R>(
    purpose: Purpose,
    frame: Frame,
    work: impl FnOnce(&mut [u8; PAGE_SIZE as usize]) -> R,
) -> R {
    let at = VirtAddr::new(WINDOW_AREA + purpose as u32 * PAGE_SIZE);
    let page = Page::containing(at);
    // SAFETY: the window's page table was made at boot (`space.rs`), and the page is used for this purpose only.
    unsafe { ActiveTables::set_entry(page, Pte::present(frame, PteFlags::WRITABLE)) };
    let bytes: *mut [u8; PAGE_SIZE as usize] = ptr::with_exposed_provenance_mut(at.raw() as usize);
    // SAFETY: the page was mapped to the frame just now and is aligned; the caller promises that the view is the only one.
    let result = work(unsafe { &mut *bytes });
    // SAFETY: as above; an empty entry maps nothing.
    unsafe { ActiveTables::set_entry(page, Pte::EMPTY) };
    control::flush_page(page);
    result
}
