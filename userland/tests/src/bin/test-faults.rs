//! Programs that break a rule are ended, alone and with the exact reason.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use core::arch::asm;

use libsys::abi::layout::{CODE_START, HEAP_START, KERNEL_START, STACK_GUARD_BYTES, STACK_LIMIT};
use libsys::abi::{Access, FaultKind};
use libsys::test::Verdict;
use libsys::{ExitReason, check, check_eq, gate};
use tests::{assist, instruction_of};

libsys::tests! {
    null_pointers_end_the_program,
    the_kernel_half_is_out_of_reach,
    text_and_constants_cannot_be_written,
    memory_that_is_not_allocated_is_not_there,
    memory_that_was_freed_is_not_there,
    a_region_ends_where_its_last_page_does,
    a_stack_overflow_says_so,
    privileged_instructions_are_refused,
    a_fast_call_returns_to_ring_3_wherever_it_is_told_to,
    ports_stay_closed_whatever_the_flags_say,
    bad_segments_are_refused,
    virtual_8086_mode_is_ignored_or_ends_the_process,
    a_return_to_a_task_that_is_not_there_is_refused,
    a_single_step_ends_the_process,
    broken_instructions_have_their_own_reasons,
    a_panic_exits_with_101,
}

/// `assist` breaks `rule` at `address`; the reason must say so in every field.
fn memory_rule(rule: &str, address: u32, kind: FaultKind) -> Verdict {
    let access = match rule {
        "read" => Access::Read,
        "write" => Access::Write,
        _ => Access::Execute,
    };
    // A jump arrives: the instruction that faults is the one that is not there.
    let instruction = if rule == "jump" { address } else { instruction_of(rule)? };
    let found = assist(&[rule, &format!("{address:#x}")])?;
    check_eq!(found, ExitReason::Fault { kind, access, address, instruction });
    Ok(())
}

fn instruction_rule(rule: &str, kind: FaultKind) -> Verdict {
    let instruction = instruction_of(rule)?;
    let found = assist(&[rule])?;
    check_eq!(found, ExitReason::Fault { kind, access: Access::Execute, address: instruction, instruction });
    Ok(())
}

fn null_pointers_end_the_program() -> Verdict {
    for rule in ["read", "write", "jump"] {
        memory_rule(rule, 0, FaultKind::NullPointer)?;
        memory_rule(rule, 4092, FaultKind::NullPointer)?;
    }
    Ok(())
}

fn the_kernel_half_is_out_of_reach() -> Verdict {
    for address in [KERNEL_START, KERNEL_START + 0x0010_1000, 0xFF80_0000, 0xFFC0_0000, 0xFFFF_FFFC] {
        for rule in ["read", "write", "jump"] {
            memory_rule(rule, address, FaultKind::KernelMemory)?;
        }
    }
    Ok(())
}

fn text_and_constants_cannot_be_written() -> Verdict {
    memory_rule("write", instruction_of("cli")?, FaultKind::Forbidden)?;
    let ExitReason::Exited(constant) = assist(&["constant"])? else { return Err("assist has no constant".into()) };
    memory_rule("write", constant, FaultKind::Forbidden)
}

/// Where the guard below the stack begins.
const STACK_GUARD: u32 = STACK_LIMIT - STACK_GUARD_BYTES;

fn memory_that_is_not_allocated_is_not_there() -> Verdict {
    for address in [4096, CODE_START - 4, HEAP_START + 0x1000_0000, 0x8000_0000, STACK_GUARD - 4096, 0xBFFF_F000] {
        for rule in ["read", "write", "jump"] {
            memory_rule(rule, address, FaultKind::Unallocated)?;
        }
    }
    Ok(())
}

fn memory_that_was_freed_is_not_there() -> Verdict {
    let found = assist(&["after-free"])?;
    check_eq!(matches!(found, ExitReason::Fault { kind: FaultKind::Unallocated, access: Access::Read, .. }), true);
    Ok(())
}

fn a_region_ends_where_its_last_page_does() -> Verdict {
    let found = assist(&["past-end", "0"])?;
    check_eq!(matches!(found, ExitReason::Fault { kind: FaultKind::Unallocated, access: Access::Read, .. }), true);
    check_eq!(assist(&["past-end", "0xffffffff"])?, ExitReason::Exited(0));
    Ok(())
}

fn a_stack_overflow_says_so() -> Verdict {
    let (kind, instruction) = (FaultKind::StackOverflow, instruction_of("overflow-stack")?);
    let found = assist(&["overflow-stack"])?;
    check_eq!(found, ExitReason::Fault { kind, access: Access::Write, address: STACK_LIMIT - 4, instruction });
    // A large frame may be written to at its lower end first.
    memory_rule("write", STACK_LIMIT - 4096, FaultKind::StackOverflow)?;
    memory_rule("write", STACK_GUARD, FaultKind::StackOverflow)?;
    memory_rule("write", STACK_GUARD - 4, FaultKind::Unallocated)
}

fn privileged_instructions_are_refused() -> Verdict {
    for rule in ["cli", "hlt", "in", "out", "load-cr3", "read-cr0", "lgdt", "invlpg", "int-page-fault", "int-timer"] {
        instruction_rule(rule, FaultKind::Privileged)?;
    }
    // An older CPU does not know the instruction.
    let kind = if gate::has_fast_calls() { FaultKind::Privileged } else { FaultKind::InvalidInstruction };
    instruction_rule("sysexit", kind)
}

fn a_fast_call_returns_to_ring_3_wherever_it_is_told_to() -> Verdict {
    if !gate::has_fast_calls() {
        return Ok(());
    }
    for (address, kind) in [(0xC010_0000, FaultKind::KernelMemory), (0, FaultKind::NullPointer)] {
        let found = assist(&["fast-call", &format!("{address:#x}")])?;
        check_eq!(found, ExitReason::Fault { kind, access: Access::Execute, address, instruction: address });
    }
    Ok(())
}

fn ports_stay_closed_whatever_the_flags_say() -> Verdict {
    instruction_rule("iopl", FaultKind::Privileged)?;
    instruction_rule("iret-iopl", FaultKind::Privileged)
}

fn bad_segments_are_refused() -> Verdict {
    for rule in ["bad-segment", "kernel-segment", "far-call", "far-return", "iret-to-kernel"] {
        instruction_rule(rule, FaultKind::Privileged)?;
    }
    Ok(())
}

fn virtual_8086_mode_is_ignored_or_ends_the_process() -> Verdict {
    let iret = instruction_of("virtual-8086")?;
    let fault = |kind, address| ExitReason::Fault { kind, access: Access::Execute, address, instruction: address };
    for segment in [code_selector(), 0, 0x1000, 0xFFFF] {
        // In that mode the program would go on at offset EIP, of which 16 bits count, of this segment.
        let entered = fault(FaultKind::Virtual8086Mode, (u32::from(segment) << 4) + ((iret + 1) & 0xFFFF));
        // A CPU ignores the flag outside of ring 0, and returns to a code segment of ring 3 alone. QEMU's translator enters the mode.
        let ignored = match segment == code_selector() {
            true => ExitReason::Exited(0),
            false => fault(FaultKind::Privileged, iret),
        };
        let found = assist(&["virtual-8086", &format!("{segment:#x}")])?;
        check!(found == entered || found == ignored, "segment {segment:#x}: {found}");
    }
    Ok(())
}

fn code_selector() -> u16 {
    let selector: u16;
    // SAFETY: reading CS changes nothing.
    unsafe { asm!("mov {0:x}, cs", out(reg) selector, options(nomem, nostack, preserves_flags)) };
    selector
}

fn a_return_to_a_task_that_is_not_there_is_refused() -> Verdict {
    instruction_rule("nested-task", FaultKind::BadSegment)
}

fn a_single_step_ends_the_process() -> Verdict {
    instruction_rule("single-step", FaultKind::Breakpoint)
}

fn broken_instructions_have_their_own_reasons() -> Verdict {
    instruction_rule("ud2", FaultKind::InvalidInstruction)?;
    instruction_rule("divide", FaultKind::DivideError)?;
    instruction_rule("divide-overflow", FaultKind::DivideError)?;
    instruction_rule("int3", FaultKind::Breakpoint)?;
    instruction_rule("into", FaultKind::Overflow)?;
    instruction_rule("bound", FaultKind::Overflow)?;
    instruction_rule("x87-divide", FaultKind::FloatingPoint)
}

fn a_panic_exits_with_101() -> Verdict {
    check_eq!(assist(&["panic"])?, ExitReason::Exited(101));
    Ok(())
}
