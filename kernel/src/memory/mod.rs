//! Memory: what the boot loader reports becomes frame pools, the kernel's half, a heap, and the pager.
//!
//! What is decided about memory is decided in [`kcore::pager`]; here it is carried out.
//!
//! * A page fault comes in at [`fault`] and is repaired in [`paging`], which waits where the disk is needed; [`write_back`] does the
//!   pager's writes, each a `write.rs`, and drives the cleaner; `page_io.rs` knows where the pages of a transfer lie on the disk.
//! * `tables.rs` is the pager's page tables on the real machine: through the [`window`]s, in the kernel's half that `space.rs` builds
//!   and [`layout`] draws.
//! * [`user`] copies from and to programs.
//! * The kernel's own memory: [`frames`], `heap.rs`, [`stacks`].

pub mod fault;
pub mod frames;
mod heap;
pub mod layout;
mod page_io;
pub mod paging;
mod space;
pub mod stacks;
mod tables;
pub mod user;
pub mod window;
mod write;
pub mod write_back;

use core::{fmt, slice};

use abi::image::FRAMES_MIN;
use kcore::addr::{Frame, PAGE_SIZE, Page};
use kcore::command_line::CommandLine;
use kcore::frame_pool::{ContiguousFramePool, FrameInfo, needed_info_frames};
use kcore::memory_map::{Division, TooLittleMemory, divide};
use kcore::pager::{self, Pager};
use kcore::replacement;
use kcore::swap_slots::SwapSlots;

use crate::cell::KernelCell;
use crate::cpu::gdt;
use crate::cpu::image::Image;
use crate::multiboot::BootInfo;

/// How often the books are compared if nothing else is said: at every fault in a debug build, else never.
const CHECK_EVERY: u32 = if cfg!(debug_assertions) { 1 } else { 0 };

/// The kernel's own directory, active while no process is.
static KERNEL_DIRECTORY: KernelCell<Option<Frame>> = KernelCell::new(None);

/// The kernel's own directory.
///
/// # Panics
/// Before [`init`].
pub fn kernel_directory() -> Frame {
    match KERNEL_DIRECTORY.with(|directory| *directory) {
        Some(directory) => directory,
        None => panic!("the kernel has no directory yet"),
    }
}

/// Sets up the kernel's frame pool, its half of the address space, and with them its heap. Returns how memory is divided.
///
/// # Errors
/// `TooLittleMemory`.
pub fn init(info: &BootInfo) -> Result<Division, TooLittleMemory> {
    let image_end = Page::containing(Image::end());
    let kernel_end = Frame::containing(layout::physical(image_end.start()));
    let division = divide(info.memory_map(), kernel_end)?;
    let range = division.kernel;
    let info_frames = needed_info_frames(range.count);
    // The bookkeeping lies in the pool's own first frames, which the boot mapping shows.
    let mut pool = ContiguousFramePool::new(range.first, frame_infos(range.first, range.count));
    if pool.get_frames(info_frames) != Some(range.first) {
        panic!("a new pool of {} frames has no room for its {info_frames} frames of bookkeeping", range.count);
    }
    let direct_end = Frame::new(range.end()).start();
    let directory = space::build_kernel_half(direct_end, || pool.get_frame());
    frames::init(pool);
    KERNEL_DIRECTORY.with(|place| *place = Some(directory));
    gdt::set_double_fault_directory(directory.start());
    Ok(division)
}

/// The command line leaves programs this number of frames, which is less than [`FRAMES_MIN`].
#[derive(Clone, Copy, Debug)]
pub struct TooFewFrames(u32);

impl fmt::Display for TooFewFrames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "frames={} is too little: the shell and one program need at least {FRAMES_MIN} frames", self.0)
    }
}

/// Sets up the process frame pool and the pager over it, with a swap file of `slot_count` slots.
///
/// # Errors
/// `TooFewFrames`.
///
/// # Panics
/// If the kernel frame pool has no room for the books: [`divide`] makes it large enough.
pub fn init_paging(division: &Division, options: &CommandLine<'_>, slot_count: u32) -> Result<(), TooFewFrames> {
    if let Some(frames) = options.frames.filter(|&frames| frames < FRAMES_MIN) {
        return Err(TooFewFrames(frames));
    }
    let count = division.process.count;
    let Some(books) = frames::take(needed_info_frames(count)) else { panic!("no room for the process pool's books") };
    let pool = division.process_pool(frame_infos(books, count), options.frames);
    let slots = SwapSlots::new(slot_count);
    let seed = options.seed.unwrap_or_else(crate::drivers::timer::tsc);
    let name = options.policy.unwrap_or(replacement::NAMES[0]);
    let Ok(policy) = replacement::by_name(name, seed, division.process) else {
        panic!("no room for the policy's books")
    };
    let (cleaner, read_ahead) = (!options.no_cleaner, !options.no_read_ahead);
    let extras = match options.textbook {
        true => pager::Options::TEXTBOOK,
        false => pager::Options { cleaner, read_ahead, ..pager::Options::ALL },
    };
    let Ok(pager) = slots.and_then(|slots| Pager::new(pool, slots, policy, extras)) else {
        panic!("no room for the pager's books")
    };
    // SAFETY: `init` made this directory the active one.
    let mmu = tables::Mmu::new(kernel_directory());
    paging::init(paging::Memory { pager, mmu, check_every: options.check_every.unwrap_or(CHECK_EVERY), faults: 0 });
    Ok(())
}

/// Storage for the books of `count` frames in the direct-mapped frames from `first` on.
fn frame_infos(first: Frame, count: u32) -> &'static mut [FrameInfo] {
    let at = core::ptr::with_exposed_provenance_mut::<FrameInfo>(frames::address_of(first).raw() as usize);
    let len = count as usize;
    debug_assert!(needed_info_frames(count) * PAGE_SIZE >= count * 8);
    // SAFETY: the frames are the caller's, who took them from no pool yet or from the kernel pool for good; the direct map shows them.
    // Each entry is written before the slice is made.
    unsafe {
        for index in 0..len {
            at.add(index).write(FrameInfo::default());
        }
        slice::from_raw_parts_mut(at, len)
    }
}
