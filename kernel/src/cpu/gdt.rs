//! Segments: flat, as paging does the protection (Intel SDM 3A, "Basic Flat Model").

use kcore::addr::{PhysAddr, VirtAddr};
use x86::dtables::{DescriptorTablePointer, lgdt, load_ldtr};
use x86::segmentation::SegmentSelector;
use x86::task::load_tr;

use super::{sysenter, tss};
use crate::cell::KernelCell;

/// Ring 0's code segment.
pub const KERNEL_CODE: u16 = 0x08;
/// Ring 0's data segment. Only SS holds it: DS and ES hold [`USER_DATA`] in ring 0 too.
pub const KERNEL_DATA: u16 = 0x10;
/// Ring 3's code segment, with its requested privilege level.
pub const USER_CODE: u16 = 0x18 | 3;
/// Ring 3's data segment, with its requested privilege level. `trap.s` says why DS and ES hold it in ring 0 too.
pub const USER_DATA: u16 = 0x20 | 3;
/// The task that everything runs in.
const MAIN_TASK: u16 = 0x28;
/// The task that a double fault switches to.
pub const DOUBLE_FAULT_TASK: u16 = 0x30;

const ENTRIES: usize = 7;

static TABLE: KernelCell<[u64; ENTRIES]> = KernelCell::new([0; ENTRIES]);

/// Access byte: present, code or data, descriptor privilege level, readable or writable.
const fn flat(access: u64) -> u64 {
    0x00CF_0000_0000_FFFF | access << 40
}

/// A descriptor of an available 32-bit task-state segment.
fn task(base: VirtAddr) -> u64 {
    let base = u64::from(base.raw());
    u64::from(tss::LIMIT) | (base & 0xFF_FFFF) << 16 | 0x89 << 40 | (base >> 24) << 56
}

/// Loads the segments and the task register.
pub fn init() {
    let (main, double_fault) = tss::init();
    TABLE.with(|table| {
        *table = [0, flat(0x9A), flat(0x92), flat(0xFA), flat(0xF2), task(main), task(double_fault)];
        let pointer = DescriptorTablePointer::new_from_slice(table);
        // SAFETY: the table is a static that is not changed again (but for the CPU's busy bits); its descriptors are flat, so
        // reloading the segments changes no address.
        unsafe {
            lgdt(&pointer);
            core::arch::asm!(
                "push {code}", "lea {scratch}, [2f]", "push {scratch}", "retf", "2:",
                "mov ds, {data:x}", "mov es, {data:x}", "mov ss, {stack:x}",
                "xor {scratch:e}, {scratch:e}", "mov fs, {scratch:x}", "mov gs, {scratch:x}",
                code = const KERNEL_CODE, data = in(reg) u32::from(USER_DATA), stack = in(reg) u32::from(KERNEL_DATA),
                scratch = out(reg) _,
            );
            load_tr(SegmentSelector::from_raw(MAIN_TASK));
            // At reset the local table begins at address 0 and is 64 KiB long; ring 3 must not get at descriptors there.
            load_ldtr(SegmentSelector::from_raw(0));
        }
    });
}

/// Sets the stack on which traps and calls from ring 3 begin.
#[inline]
pub fn set_kernel_stack(top: VirtAddr) {
    tss::set_kernel_stack(top);
    sysenter::set_kernel_stack(top);
}

/// Sets the directory in which double faults are reported.
pub fn set_double_fault_directory(directory: PhysAddr) {
    tss::set_double_fault_directory(directory);
}
