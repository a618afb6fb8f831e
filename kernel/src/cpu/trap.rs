//! Traps, as `trap.s` hands them over.

use core::arch::global_asm;

use abi::layout::CODE_START;
use kcore::addr::VirtAddr;
use kcore::fault::{Fault, FaultCode};

use super::exceptions;
use super::gdt::USER_DATA;
use crate::drivers::{self, timer};
use crate::process::{self, scheduler};
use crate::{memory, syscall};

/// Exceptions 0..32 and interrupt lines 0..16.
pub const ENTRY_COUNT: usize = 48;
/// Bit 8 of EFLAGS: a debug exception after each instruction.
const TRAP_FLAG: u32 = 1 << 8;
/// Bit 17 of EFLAGS: virtual-8086 mode.
const VIRTUAL_8086: u32 = 1 << 17;

/// One past the highest address that a program in virtual-8086 mode can begin at: segment FFFFh, offset FFFFh.
const VIRTUAL_8086_END: u32 = 0xFFFF * 16 + 0xFFFF + 1;
// A program cannot execute a single instruction in that mode: it has no page there. So neither `int 0x80` nor `sysenter` is executed in
// it, and their entries need not ask for it.
const _: () = assert!(VIRTUAL_8086_END <= CODE_START);
/// The vector of interrupt line 0.
const FIRST_INTERRUPT: u32 = 32;
/// Bytes between two entries of `trap_entries`.
const ENTRY_BYTES: u32 = 16;

global_asm!(
    include_str!("trap.s"),
    user_data = const USER_DATA,
    trap = sym trap,
    page_fault = sym page_fault,
    syscall = sym system_call,
);

unsafe extern "C" {
    fn trap_entries();
    fn page_fault_entry();
    fn syscall_entry();
    fn sysenter_entry();
}

fn address_of(function: unsafe extern "C" fn()) -> u32 {
    u32::try_from((function as *const ()).expose_provenance()).unwrap_or(0)
}

/// The address of the entry for a vector below [`ENTRY_COUNT`].
pub fn entry(vector: usize) -> u32 {
    address_of(trap_entries) + u32::try_from(vector).unwrap_or(0) * ENTRY_BYTES
}

/// The address of the entry for page faults.
pub fn page_fault_entry_address() -> u32 {
    address_of(page_fault_entry)
}

/// The address of the entry for calls.
pub fn syscall_entry_address() -> u32 {
    address_of(syscall_entry)
}

/// The address of the entry for calls by `sysenter`.
pub fn sysenter_entry_address() -> u32 {
    address_of(sysenter_entry)
}

/// The registers of what was interrupted, in the order in which `trap.s` and the CPU push them.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TrapFrame {
    es: u32,
    ds: u32,
    /// `edi`, as pushed by `pushad`, and so on.
    pub edi: u32,
    /// Register.
    pub esi: u32,
    /// Register.
    pub ebp: u32,
    esp_at_pushad: u32,
    /// Register.
    pub ebx: u32,
    /// Register.
    pub edx: u32,
    /// Register.
    pub ecx: u32,
    /// Register.
    pub eax: u32,
    /// Which exception or interrupt.
    pub vector: u32,
    /// The CPU's error code, or 0.
    pub error_code: u32,
    /// The interrupted instruction.
    pub eip: u32,
    cs: u32,
    /// The interrupted flags.
    pub eflags: u32,
    /// Pushed by the CPU only if ring 3 was interrupted. In virtual-8086 mode ES, DS, FS and GS follow.
    user_esp: u32,
    user_ss: u32,
}

impl TrapFrame {
    /// Ring 3 was interrupted. Virtual-8086 mode is ring 3 whatever CS holds, which is no selector there.
    #[inline]
    pub const fn is_from_user(&self) -> bool {
        self.cs & 3 == 3 || self.is_virtual_8086()
    }

    /// Virtual-8086 mode was interrupted.
    ///
    /// The kernel lets no program enter it. QEMU's translator does: there an `iretd` of ring 3 may set the flag, which a CPU ignores
    /// outside of ring 0 (Intel SDM 2A, "IRET/IRETD").
    #[inline]
    pub const fn is_virtual_8086(&self) -> bool {
        self.eflags & VIRTUAL_8086 != 0
    }

    /// The address of the interrupted instruction.
    pub fn instruction(&self) -> VirtAddr {
        let base = if self.is_virtual_8086() { (self.cs & 0xFFFF) << 4 } else { 0 };
        VirtAddr::new(base.wrapping_add(self.eip))
    }

    /// A program has set the trap flag before it called the kernel by `sysenter`, which does not clear it.
    pub fn is_stepped_call(&self) -> bool {
        !self.is_from_user() && self.eip == sysenter_entry_address()
    }

    /// Lets the interrupted code run on without a trap after each instruction.
    pub const fn stop_stepping(&mut self) {
        self.eflags &= !TRAP_FLAG;
    }

    /// The interrupted stack pointer.
    pub fn stack_pointer(&self) -> VirtAddr {
        if self.is_from_user() {
            VirtAddr::new(self.user_esp)
        } else {
            // A trap within ring 0 pushes no stack pointer: the interrupted stack continues right above EFLAGS.
            VirtAddr::new(u32::try_from((&raw const self.user_esp).addr()).unwrap_or(0))
        }
    }
}

/// Exceptions other than page faults, and interrupts.
extern "C" fn trap(frame: &mut TrapFrame) {
    match frame.vector.checked_sub(FIRST_INTERRUPT) {
        // Before the process may end: the interrupt controller waits for an answer.
        Some(line) => interrupt(line, frame.is_from_user()),
        None => exceptions::handle(frame),
    }
    if frame.is_from_user() {
        if frame.is_virtual_8086() {
            exceptions::end_virtual_8086(frame);
        }
        process::end_if_killed();
    }
}

/// An interrupt. One that interrupted ring 3 may end the time slice of the process there.
fn interrupt(line: u32, from_user: bool) {
    let Ok(line) = u8::try_from(line) else { return };
    drivers::on_interrupt(line);
    if line == timer::LINE && from_user {
        scheduler::end_of_slice();
    }
}

/// Page faults, with CR2 read by the entry.
extern "C" fn page_fault(frame: &mut TrapFrame, address: u32) {
    if frame.is_virtual_8086() {
        exceptions::end_virtual_8086(frame);
    }
    let instruction = VirtAddr::new(frame.eip);
    let code = FaultCode::from_bits_truncate(frame.error_code);
    let fault = Fault::decode(VirtAddr::new(address), code, instruction);
    if frame.is_from_user() {
        memory::fault::from_user(&fault, instruction);
        process::end_if_killed();
    } else if let Some(resume_at) = memory::fault::from_kernel(&fault, instruction) {
        frame.eip = resume_at.raw();
    } else {
        exceptions::report_page_fault(frame, &fault, code);
    }
}

/// Calls: `number` from `eax`, `arguments` from `ebx ecx edx esi edi`. What it returns is left in `eax`. Both come in registers.
extern "fastcall" fn system_call(number: u32, arguments: &[u32; 5]) -> u32 {
    let result = syscall::dispatch(number, arguments);
    process::end_if_killed();
    result
}
