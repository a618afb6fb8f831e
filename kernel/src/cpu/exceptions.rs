//! What happens when an instruction goes wrong.
//!
//! In ring 3 it ends the process, in ring 0 the machine: then it is said in words, with the registers.

use core::fmt;

use abi::{Access, ExitReason, FaultKind};
use kcore::fault::{Fault, FaultCode};

use super::trap::TrapFrame;
use super::{control, fpu, tss};
use crate::drivers::console::kprintln;
use crate::drivers::power;
use crate::memory::layout;
use crate::process;

/// Vectors (Intel SDM 3A, "Exceptions and Interrupts").
const NAMES: [&str; 22] = [
    "division error (#DE)",
    "debug exception (#DB)",
    "non-maskable interrupt",
    "breakpoint (#BP)",
    "overflow (#OF)",
    "bound range exceeded (#BR)",
    "invalid opcode (#UD)",
    "x87 not available (#NM)",
    "double fault (#DF)",
    "coprocessor segment overrun",
    "invalid task-state segment (#TS)",
    "segment not present (#NP)",
    "stack-segment fault (#SS)",
    "general protection fault (#GP)",
    "page fault (#PF)",
    "reserved exception 15",
    "x87 floating-point error (#MF)",
    "alignment check (#AC)",
    "machine check (#MC)",
    "SIMD floating-point error (#XM)",
    "virtualization exception (#VE)",
    "control protection exception (#CP)",
];

const DEBUG: u32 = 1;
const NOT_AVAILABLE: u32 = 7;

/// Which rule of [`FaultKind`] an exception in ring 3 means.
fn kind_of(vector: u32) -> Option<FaultKind> {
    Some(match vector {
        0 => FaultKind::DivideError,
        1 | 3 => FaultKind::Breakpoint,
        4 | 5 => FaultKind::Overflow,
        6 => FaultKind::InvalidInstruction,
        10..=12 => FaultKind::BadSegment,
        13 => FaultKind::Privileged,
        9 | 16 | 19 => FaultKind::FloatingPoint,
        17 => FaultKind::Misaligned,
        _ => return None,
    })
}

/// The CPU reports the instruction behind the one that did it: `int3` and `into`, which are one byte long.
const fn is_behind(vector: u32) -> bool {
    matches!(vector, 3 | 4)
}

/// Handles an exception other than a page fault.
pub fn handle(frame: &mut TrapFrame) {
    if frame.is_virtual_8086() {
        end_virtual_8086(frame);
    }
    match frame.vector {
        NOT_AVAILABLE => return fpu::take_over(),
        DEBUG if frame.is_stepped_call() => return frame.stop_stepping(),
        _ => {}
    }
    if frame.is_from_user()
        && let Some(kind) = kind_of(frame.vector)
    {
        let instruction = frame.eip.wrapping_sub(if is_behind(frame.vector) { 1 } else { 0 });
        process::end_current(ExitReason::Fault { kind, access: Access::Execute, address: instruction, instruction });
    }
    report(frame, format_args!("error code {:#x}", frame.error_code))
}

/// Ends the current process, which has entered virtual-8086 mode.
#[cold]
pub fn end_virtual_8086(frame: &TrapFrame) -> ! {
    let instruction = frame.instruction().raw();
    let kind = FaultKind::Virtual8086Mode;
    process::end_current(ExitReason::Fault { kind, access: Access::Execute, address: instruction, instruction })
}

/// Reports a page fault that the kernel must not have.
pub fn report_page_fault(frame: &TrapFrame, fault: &Fault, code: FaultCode) -> ! {
    let cause = match (code.contains(FaultCode::RESERVED), code.contains(FaultCode::PROTECTION)) {
        (true, _) => "a reserved bit is set in the tables",
        (_, true) => "the page does not allow it",
        _ => "the page is not present",
    };
    report(frame, format_args!("{} at {:#010x}: {cause}", fault.access, fault.address.raw()))
}

/// Says what happened in ring 0, and stops the machine.
fn report(frame: &TrapFrame, what: impl fmt::Display) -> ! {
    let name = NAMES.get(frame.vector as usize).copied().unwrap_or("unknown exception");
    kprintln!("\nkernel: {name} in ring 0 by instruction {:#010x}: {what}", frame.eip);
    print_registers(frame);
    power::fail()
}

fn print_registers(frame: &TrapFrame) {
    let TrapFrame { eax, ebx, ecx, edx, esi, edi, ebp, eflags, .. } = *frame;
    let [cr0, cr3, cr4] = control::registers();
    let (esp, cr2) = (frame.stack_pointer().raw(), control::fault_address().raw());
    kprintln!("  eax {eax:08x}  ebx {ebx:08x}  ecx {ecx:08x}  edx {edx:08x}");
    kprintln!("  esi {esi:08x}  edi {edi:08x}  ebp {ebp:08x}  esp {esp:08x}");
    kprintln!("  cr0 {cr0:08x}  cr2 {cr2:08x}  cr3 {cr3:08x}  cr4 {cr4:08x}  eflags {eflags:08x}");
}

/// Where the double-fault task begins: on its own stack, with the main task's registers in its task-state segment.
pub extern "C" fn double_fault() -> ! {
    let (instruction, stack) = tss::interrupted();
    let at = control::fault_address();
    let cause = if layout::is_stack_guard(at) || layout::is_stack_guard(stack) {
        "the kernel stack overflowed"
    } else {
        "cause unknown"
    };
    kprintln!(
        "\nkernel: double fault (#DF) at instruction {:#010x}, stack {:#010x}, cr2 {:#010x}: {cause}",
        instruction.raw(),
        stack.raw(),
        at.raw(),
    );
    power::fail()
}
