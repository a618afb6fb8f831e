//! The kernel's half: built once at boot, shared by every directory.

use kcore::addr::{Frame, PAGE_SIZE, Page, PhysAddr};
use kcore::pte::{Pte, PteFlags};

use super::layout::{
    DIRECT_MAP, KERNEL_FIRST_SLOT, OTHER_SLOT, SELF_SLOT, STACK_AREA, STACK_AREA_END, WINDOW_AREA, direct,
};
use super::window::ActiveTables;
use crate::cell::KernelCell;
use crate::cpu::control;
use crate::cpu::image::Image;

/// The kernel half of every directory: slots 768..1022, as raw entries.
const SHARED_SLOTS: usize = (OTHER_SLOT - KERNEL_FIRST_SLOT) as usize;

static SHARED: KernelCell<[u32; SHARED_SLOTS]> = KernelCell::new([0; SHARED_SLOTS]);

type Table = [u32; 1024];

/// Builds the kernel's page tables and a directory with nothing else, and makes it active. `take_frame` gives kernel frames that
/// the boot mapping shows; physical memory below `direct_end` gets into the direct map. Returns the directory.
///
/// Text and read-only data of the kernel become read-only here.
///
/// # Panics
/// If `take_frame` has no frame left: the kernel pool is too small for the kernel's own tables, which
/// [`kcore::memory_map`] has excluded.
pub fn build_kernel_half(direct_end: PhysAddr, mut take_frame: impl FnMut() -> Option<Frame>) -> Frame {
    let mut new_table = || {
        let Some(frame) = take_frame() else { panic!("no kernel frame left for the kernel's own page tables") };
        let at = direct(frame.start()).raw() as usize;
        let table = core::ptr::with_exposed_provenance_mut::<Table>(at);
        // SAFETY: `take_frame` gives each frame once, and the boot mapping shows it at its direct-map address: the table is ours alone.
        // A frame begins where a table may, has its size, and any bits are words.
        let table = unsafe { &mut *table };
        table.fill(0);
        (frame, table)
    };
    let (directory_frame, directory) = new_table();
    let areas = [
        (DIRECT_MAP, DIRECT_MAP + direct_end.raw()),
        (STACK_AREA, STACK_AREA_END),
        (WINDOW_AREA, WINDOW_AREA + PAGE_SIZE),
    ];
    for (start, end) in areas {
        for slot in (start >> 22)..end.div_ceil(1 << 22) {
            let (frame, table) = new_table();
            directory[slot as usize] = Pte::present(frame, PteFlags::WRITABLE).raw();
            if start == DIRECT_MAP {
                fill_direct(table, (slot << 22) - DIRECT_MAP, direct_end);
            }
        }
    }
    SHARED.with(|shared| shared.copy_from_slice(&directory[KERNEL_FIRST_SLOT as usize..OTHER_SLOT as usize]));
    directory[SELF_SLOT as usize] = Pte::present(directory_frame, PteFlags::WRITABLE).raw();
    // SAFETY: the direct map shows all that the boot mapping showed of the kernel, at the same addresses.
    unsafe { control::load_directory(directory_frame.start()) };
    directory_frame
}

/// Fills one table of the direct map, for physical addresses from `base` on.
fn fill_direct(table: &mut Table, base: u32, end: PhysAddr) {
    let global = if control::has_global_pages() { PteFlags::GLOBAL } else { PteFlags::empty() };
    for (entry, at) in table.iter_mut().zip((base..end.raw()).step_by(PAGE_SIZE as usize)) {
        let is_read_only = Image::is_read_only(direct(PhysAddr::new(at)));
        let rights = if is_read_only { PteFlags::empty() } else { PteFlags::WRITABLE };
        *entry = Pte::present(Frame::containing(PhysAddr::new(at)), rights | global).raw();
    }
}

/// Fills `bytes`, which show the frame `directory`, as the directory of an empty space.
pub fn init_directory(directory: Frame, bytes: &mut [u8; PAGE_SIZE as usize]) {
    control::fill_words(bytes, 0);
    let (entries, _) = bytes.as_chunks_mut::<4>();
    let (_, kernel) = entries.split_at_mut(KERNEL_FIRST_SLOT as usize);
    SHARED.with(|shared| kernel.iter_mut().zip(shared.iter()).for_each(|(entry, raw)| *entry = raw.to_le_bytes()));
    kernel[(OTHER_SLOT - KERNEL_FIRST_SLOT) as usize] = [0; 4];
    kernel[(SELF_SLOT - KERNEL_FIRST_SLOT) as usize] = Pte::present(directory, PteFlags::WRITABLE).raw().to_le_bytes();
}

/// Maps a kernel frame at a page of the stack area.
///
/// # Safety
/// The page must lie in the stack area and be unused, and the frame must be the caller's alone.
pub unsafe fn map_stack_page(page: Page, frame: Frame) {
    debug_assert!((STACK_AREA..STACK_AREA_END).contains(&page.start().raw()));
    // SAFETY: the tables of the stack area were made at boot; the rest is the caller's promise.
    unsafe { ActiveTables::set_entry(page, Pte::present(frame, PteFlags::WRITABLE)) };
}

/// Empties a page of the stack area and returns the frame that was there.
///
/// # Safety
/// Nothing may use the page any more.
pub unsafe fn unmap_stack_page(page: Page) -> Frame {
    // SAFETY: as in `map_stack_page`.
    let old = unsafe { ActiveTables::exchange(page, Pte::EMPTY) };
    control::flush_page(page);
    Frame::containing(PhysAddr::new(old.raw()))
}
