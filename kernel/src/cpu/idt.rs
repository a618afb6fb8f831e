//! The interrupt descriptor table.

use x86::dtables::{DescriptorTablePointer, lidt};

use super::gdt::{DOUBLE_FAULT_TASK, KERNEL_CODE};
use super::trap;
use crate::cell::KernelCell;

const ENTRIES: usize = 256;

static TABLE: KernelCell<[u64; ENTRIES]> = KernelCell::new([0; ENTRIES]);

/// Who may use a gate by an `int` instruction.
#[derive(Clone, Copy)]
enum Privilege {
    Kernel = 0,
    User = 3,
}

/// An interrupt gate: interrupts are off in the handler.
fn interrupt_gate(handler: u32, privilege: Privilege) -> u64 {
    let handler = u64::from(handler);
    let access = 0x8E | (privilege as u64) << 5;
    handler & 0xFFFF | u64::from(KERNEL_CODE) << 16 | access << 40 | (handler >> 16) << 48
}

/// A task gate: the CPU switches to a task with a stack of its own.
fn task_gate(task: u16) -> u64 {
    u64::from(task) << 16 | 0x85 << 40
}

/// The vector of page faults.
const PAGE_FAULT: usize = 14;
/// The vector of double faults.
const DOUBLE_FAULT: usize = 8;
/// The vector of calls.
const SYSCALL: usize = 0x80;

/// Fills in the table and loads it.
pub fn init() {
    TABLE.with(|table| {
        for (vector, gate) in table.iter_mut().enumerate().take(trap::ENTRY_COUNT) {
            *gate = interrupt_gate(trap::entry(vector), Privilege::Kernel);
        }
        table[PAGE_FAULT] = interrupt_gate(trap::page_fault_entry_address(), Privilege::Kernel);
        table[DOUBLE_FAULT] = task_gate(DOUBLE_FAULT_TASK);
        table[SYSCALL] = interrupt_gate(trap::syscall_entry_address(), Privilege::User);
        // Breakpoint and overflow are raised by instructions that ring 3 may use.
        for vector in [3, 4] {
            table[vector] = interrupt_gate(trap::entry(vector), Privilege::User);
        }
        let pointer = DescriptorTablePointer::new_from_slice(table);
        // SAFETY: the table is a static that is not changed again; every gate leads to an entry of `trap.s` or to the double-fault
        // task, whose segment is loaded by `gdt::init`.
        unsafe { lidt(&pointer) };
    });
}
