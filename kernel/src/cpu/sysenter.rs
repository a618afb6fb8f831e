//! The fast way into the kernel (Intel SDM 3A, "Performing Fast Calls to System Procedures with the SYSENTER and SYSEXIT Instructions").
//!
//! It is there if the CPU has it; programs ask the CPU the same question.

use core::cell::UnsafeCell;

use kcore::addr::VirtAddr;
use x86::msr::{IA32_SYSENTER_CS, IA32_SYSENTER_EIP, IA32_SYSENTER_ESP, wrmsr};

use super::{control, gdt, trap};

/// Words of the stack on which the CPU enters. One exception of its own can arrive there, and is dealt with at once.
const STACK_WORDS: usize = 1024;

/// The stack; its last word is the address of the current process's own stack.
#[repr(C, align(16))]
struct EntryStack(UnsafeCell<[u32; STACK_WORDS]>);

// SAFETY: there is one CPU. Rust code writes the last word with interrupts off; the rest is the CPU's.
unsafe impl Sync for EntryStack {}

static STACK: EntryStack = EntryStack(UnsafeCell::new([0; STACK_WORDS]));

/// Where the address of the current process's own stack is kept.
const fn top_word() -> *mut u32 {
    STACK.0.get().cast::<u32>().wrapping_add(STACK_WORDS - 1)
}

/// Tells the CPU where to enter, if it has the instruction.
pub fn init() {
    if !control::has_fast_calls() {
        return;
    }
    let top = u64::try_from(top_word().expose_provenance()).unwrap_or(0);
    const { assert!(gdt::KERNEL_DATA == gdt::KERNEL_CODE + 8, "the CPU takes the segments behind the one it is told") };
    const { assert!(gdt::USER_CODE == (gdt::KERNEL_CODE + 16) | 3 && gdt::USER_DATA == (gdt::KERNEL_CODE + 24) | 3) };
    // SAFETY: the CPU has these registers, as it says. The segments lie in the order that it wants, and the entry expects the stack.
    unsafe {
        wrmsr(IA32_SYSENTER_CS, u64::from(gdt::KERNEL_CODE));
        wrmsr(IA32_SYSENTER_ESP, top);
        wrmsr(IA32_SYSENTER_EIP, u64::from(trap::sysenter_entry_address()));
    }
}

/// Sets the stack that the entry goes on to.
#[inline]
pub fn set_kernel_stack(top: VirtAddr) {
    // SAFETY: the word is the static's, and interrupts are off: the entry does not read it now.
    unsafe { top_word().write_volatile(top.raw()) }
}
