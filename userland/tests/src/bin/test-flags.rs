//! Flags and segment registers: a program can change its own, and has flat segments after every call that waits.
#![no_std]
#![no_main]

use core::arch::asm;

use libsys::abi::Number;
use libsys::process::Process;
use libsys::test::Verdict;
use libsys::{ExitReason, check_eq, gate};
use tests::ASSIST;

libsys::tests! {
    flags_of_the_kernel_stay_as_they_are,
    segments_are_flat_after_a_fast_call_that_waits,
    segments_are_kept_by_a_call_that_waits,
}

/// Interrupts are on in every program.
const INTERRUPTS: u32 = 1 << 9;
/// Virtual-8086 mode. What an `iretd` makes of it is a matter of `test-faults`.
const VIRTUAL_8086: u32 = 1 << 17;
/// The flags that a program cannot change: interrupts, the privilege to use ports, virtual-8086 mode, and virtual interrupts.
const OF_THE_KERNEL: u32 = INTERRUPTS | 3 << 12 | VIRTUAL_8086 | 1 << 19 | 1 << 20;
/// All flags but these: the trap flag, which ends the program, and nested task, with which `iretd` wants another task.
const HARMLESS: u32 = !(1 << 8 | 1 << 14 | VIRTUAL_8086);

/// Tries to set these flags, and returns those that are set then.
fn after_popfd(flags: u32) -> u32 {
    let found;
    // SAFETY: all flags are put back right after they were read.
    unsafe {
        asm!("pushfd", "push {flags}", "popfd", "pushfd", "pop {found}", "popfd", flags = in(reg) flags, found = out(reg) found)
    };
    found
}

/// The same, by an `iretd` that goes on right after itself.
fn after_iret(flags: u32) -> u32 {
    let found;
    // SAFETY: all flags are put back right after they were read; the code segment is the program's own.
    unsafe {
        asm!(
            "pushfd", "push {flags}", "mov {found}, cs", "push {found}", "lea {found}, [2f]", "push {found}", "iretd",
            "2: pushfd", "pop {found}", "popfd",
            flags = in(reg) flags, found = out(reg) found,
        );
    }
    found
}

fn flags_of_the_kernel_stay_as_they_are() -> Verdict {
    for flags in [0, HARMLESS, HARMLESS & OF_THE_KERNEL, HARMLESS & !OF_THE_KERNEL] {
        check_eq!(after_popfd(flags | VIRTUAL_8086) & OF_THE_KERNEL, INTERRUPTS, "popfd {flags:#x}");
        check_eq!(after_iret(flags) & OF_THE_KERNEL, INTERRUPTS, "iretd {flags:#x}");
    }
    Ok(())
}

/// DS and ES.
fn segments() -> (u32, u32) {
    let (ds, es);
    // SAFETY: reading the registers changes nothing.
    unsafe {
        asm!("mov {0:e}, ds", "mov {1:e}, es", out(reg) ds, out(reg) es, options(nomem, nostack, preserves_flags))
    };
    (ds, es)
}

/// Sleeps by `sysenter`, and returns DS and ES right after it.
fn segments_after_fast_sleep(milliseconds: u32) -> (u32, u32) {
    let (ds, es);
    // SAFETY: the call changes `eax`, `ecx` and `edx`; `ebx` is put back.
    unsafe {
        asm!(
            "xchg ebx, edi", "mov ecx, esp", "lea edx, [2f]",
            "sysenter",
            "2: mov ecx, ds", "mov edx, es", "xchg ebx, edi",
            inout("eax") Number::Sleep as u32 => _, inout("edi") milliseconds => _, out("ecx") ds, out("edx") es,
        );
    }
    (ds, es)
}

fn segments_are_flat_after_a_fast_call_that_waits() -> Verdict {
    if !gate::has_fast_calls() {
        return Ok(());
    }
    let flat = segments();
    // The sleeper is woken by a tick that interrupts another process.
    let others = [Process::spawn(ASSIST, ["spin", "150"])?, Process::spawn(ASSIST, ["spin", "150"])?];
    for _ in 0..8 {
        check_eq!(segments_after_fast_sleep(10), flat);
    }
    for other in others {
        check_eq!(other.wait()?.reason, ExitReason::Exited(0));
    }
    Ok(())
}

fn segments_are_kept_by_a_call_that_waits() -> Verdict {
    let others = [Process::spawn(ASSIST, ["spin", "150"])?, Process::spawn(ASSIST, ["spin", "150"])?];
    for _ in 0..8 {
        let (ds, es): (u32, u32);
        // SAFETY: DS and ES get the flat selector, which SS holds, right after the call; no memory is used through them before.
        unsafe {
            asm!(
                "mov ecx, cs", "mov ds, ecx", "xor ecx, ecx", "mov es, ecx", "xchg ebx, edi",
                "int 0x80",
                "mov ecx, ds", "mov edx, es", "xchg ebx, edi", "mov edi, ss", "mov ds, edi", "mov es, edi",
                inout("eax") Number::Sleep as u32 => _, inout("edi") 10u32 => _, out("ecx") ds, out("edx") es,
            );
        }
        check_eq!((ds & 0xFFFF, es & 0xFFFF), (u32::from(code_selector()), 0));
    }
    for other in others {
        check_eq!(other.wait()?.reason, ExitReason::Exited(0));
    }
    Ok(())
}

fn code_selector() -> u16 {
    let selector: u16;
    // SAFETY: reading CS changes nothing.
    unsafe { asm!("mov {0:x}, cs", out(reg) selector, options(nomem, nostack, preserves_flags)) };
    selector
}
