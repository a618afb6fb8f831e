//! What a program has in its registers is its own.
#![no_std]
#![no_main]

use core::arch::asm;

use libsys::abi::record::Time;
use libsys::abi::{Access, FaultKind, Number, Wire};
use libsys::memory::Region;
use libsys::process::Process;
use libsys::test::Verdict;
use libsys::{ExitReason, check, check_eq, gate, process, system};
use tests::{ASSIST, PAGE, assist, run};

libsys::tests! {
    calls_keep_all_registers_but_the_result,
    preemption_keeps_all_registers,
    floating_point_is_each_programs_own,
    floating_point_begins_clean,
    emms_of_another_program_leaves_the_registers_alone,
    emms_after_another_program_empties_ones_own_registers,
    a_pending_floating_point_exception_ends_with_its_process,
    a_pending_floating_point_exception_is_raised_in_its_own_process,
    odd_flags_at_a_call_do_no_harm,
    odd_flags_at_a_call_fill_no_other_memory,
    odd_flags_at_a_fault_do_no_harm,
    odd_segments_at_a_call_do_no_harm,
    fast_calls_keep_what_they_promise_whatever_the_flags_and_segments,
}

/// Registers after a call, or after a while: `ebx ecx edx esi edi ebp`, 1 if they are all as set.
fn calls_keep_all_registers_but_the_result() -> Verdict {
    for number in [6u32, 8, 99] {
        let same: u32;
        // SAFETY: all registers that the block changes are saved on the stack or named.
        unsafe {
            asm!(
                "push ebx", "push esi", "push ebp",
                "mov ebx, 0x11111111", "mov ecx, 0x22222222", "mov edx, 0x33333333",
                "mov esi, 0x44444444", "mov edi, 0x55555555", "mov ebp, 0x66666666",
                "int 0x80",
                "xor eax, eax",
                "cmp ebx, 0x11111111", "jne 2f", "cmp ecx, 0x22222222", "jne 2f", "cmp edx, 0x33333333", "jne 2f",
                "cmp esi, 0x44444444", "jne 2f", "cmp edi, 0x55555555", "jne 2f", "cmp ebp, 0x66666666", "jne 2f",
                "inc eax",
                "2: pop ebp", "pop esi", "pop ebx",
                inout("eax") number => same, out("ecx") _, out("edx") _, out("edi") _,
            );
        }
        check_eq!((number, same), (number, 1));
    }
    Ok(())
}

fn preemption_keeps_all_registers() -> Verdict {
    let other = Process::spawn(ASSIST, ["spin", "200"])?;
    for _ in 0..20 {
        let same: u32;
        // SAFETY: as above. The loop runs for several time slices.
        unsafe {
            asm!(
                "push ebx", "push esi", "push ebp",
                "mov ebx, 0x11111111", "mov edx, 0x33333333",
                "mov esi, 0x44444444", "mov edi, 0x55555555", "mov ebp, 0x66666666", "mov eax, 0x77777777",
                "mov ecx, 3000000",
                "3: dec ecx", "jnz 3b",
                "cmp ebx, 0x11111111", "jne 2f", "cmp edx, 0x33333333", "jne 2f", "cmp eax, 0x77777777", "jne 2f",
                "cmp esi, 0x44444444", "jne 2f", "cmp edi, 0x55555555", "jne 2f", "cmp ebp, 0x66666666", "jne 2f",
                "inc ecx",
                "2: pop ebp", "pop esi", "pop ebx",
                out("eax") _, out("ecx") same, out("edx") _, out("edi") _,
            );
        }
        check_eq!(same, 1);
    }
    other.wait()?;
    Ok(())
}

fn floating_point_is_each_programs_own() -> Verdict {
    let others = [
        Process::spawn(ASSIST, ["x87", "1111", "200"])?,
        Process::spawn(ASSIST, ["x87", "2222", "200"])?,
        Process::spawn(ASSIST, ["x87", "3333", "200"])?,
    ];
    for other in others {
        check_eq!(other.wait()?.reason, ExitReason::Exited(0));
    }
    Ok(())
}

fn floating_point_begins_clean() -> Verdict {
    let mut environment = [0u32; 7];
    // SAFETY: FNSTENV writes 28 bytes to the array, and masks all exceptions, which they are already.
    unsafe { asm!("fnstenv [{}]", in(reg) environment.as_mut_ptr()) };
    check_eq!(environment[0] & 0xFFFF, 0x037F);
    check_eq!(environment[2] & 0xFFFF, 0xFFFF);
    Ok(())
}

fn a_pending_floating_point_exception_ends_with_its_process() -> Verdict {
    for _ in 0..3 {
        check_eq!(assist(&["x87-pending"])?, ExitReason::Exited(0));
        // The next process to use the x87 gets its own values.
        check_eq!(assist(&["x87", "4444", "2"])?, ExitReason::Exited(0));
        floating_point_begins_clean()?;
    }
    Ok(())
}

fn a_pending_floating_point_exception_is_raised_in_its_own_process() -> Verdict {
    let instruction = tests::instruction_of("x87-divide-later")?;
    let pending = Process::spawn(ASSIST, ["x87-divide-later"])?;
    check_eq!(assist(&["x87", "5555", "200"])?, ExitReason::Exited(0));
    let reason = pending.wait()?.reason;
    let kind = FaultKind::FloatingPoint;
    check_eq!(reason, ExitReason::Fault { kind, access: Access::Execute, address: instruction, instruction });
    Ok(())
}

/// Control, status and tag word, and the eight registers.
fn x87_state() -> [u32; 23] {
    let mut state = [0_u32; 27];
    // SAFETY: FNSAVE writes 108 bytes to the array and resets the unit; FRSTOR loads them again.
    unsafe { asm!("fnsave [{0}]", "frstor [{0}]", in(reg) state.as_mut_ptr()) };
    // The pointers to the last instruction and its operand are left out.
    core::array::from_fn(|place| if place < 3 { state[place] } else { state[place + 4] })
}

/// QEMU's TCG executes `emms` even where it should trap, so the registers must never hold another program's values.
fn emms_of_another_program_leaves_the_registers_alone() -> Verdict {
    // SAFETY: FNINIT and FLD1 change only the x87's registers, which the block at the end empties again.
    unsafe { asm!("fninit", "fld1", "fld1") };
    let before = x87_state();
    // A CPU without MMX ends the program at its first instruction.
    run(ASSIST, &["emms"])?;
    let after = x87_state();
    // SAFETY: as above.
    unsafe { asm!("fninit") };
    check_eq!(after, before);
    Ok(())
}

fn emms_after_another_program_empties_ones_own_registers() -> Verdict {
    const HAS_MMX: u32 = 1 << 23;
    if core::arch::x86::__cpuid(1).edx & HAS_MMX == 0 {
        return Ok(());
    }
    // SAFETY: loading a register of MMX makes all of them valid; EMMS below makes them empty again.
    unsafe { asm!(".byte 0x0F, 0x6E, 0xC0", inout("eax") 7 => _) };
    check_eq!(run(ASSIST, &["x87", "5", "1"])?.reason, ExitReason::Exited(0));
    // SAFETY: EMMS changes only the tag word.
    unsafe { asm!("emms") };
    check_eq!(run(ASSIST, &["x87", "5", "1"])?.reason, ExitReason::Exited(0));
    let tags = x87_state()[2] & 0xFFFF;
    // SAFETY: the registers hold nothing that is needed.
    unsafe { asm!("fninit") };
    check_eq!(tags, 0xFFFF, "the tag word");
    Ok(())
}

fn odd_flags_at_a_call_do_no_harm() -> Verdict {
    // Direction, nested task, alignment check; with a call that switches, and one that answers at once.
    for flag in [0x400u32, 0x4000, 0x4_0000] {
        for number in [6u32, 8] {
            let result: u32;
            // SAFETY: the flags are put back right after the call.
            unsafe {
                asm!(
                    "pushfd", "pushfd", "or [esp], {flag}", "popfd",
                    "int 0x80",
                    "popfd",
                    flag = in(reg) flag,
                    inout("eax") number => result,
                );
            }
            check_eq!(result, if number == 8 { process::pid() } else { 0 });
        }
    }
    Ok(())
}

/// Words around a record that a call fills in.
const AROUND: usize = 16;
const RECORD_WORDS: usize = Time::SIZE_BYTES as usize / 4;

/// Asks for the time with this flag set; returns the result and the flags after the call.
fn time_with_flag(flag: u32, is_fast: bool, record: *mut u32) -> (u32, u32) {
    let (result, flags);
    // SAFETY: the kernel fills in a record at that place; flags and registers are put back right after the call.
    unsafe {
        if is_fast {
            asm!(
                "push ebx", "push esi", "push ebp",
                "mov ebx, {record}",
                "push {flag}",
                "lea edx, [4f]", "mov ecx, esp",
                "popfd",
                "sysenter",
                "4: add esp, 4",
                "pushfd", "pop ecx",
                "pop ebp", "pop esi", "pop ebx",
                record = in(reg) record,
                flag = in(reg) flag,
                inout("eax") Number::Time as u32 => result, out("ecx") flags, out("edx") _,
            );
        } else {
            asm!(
                "xchg ebx, {record}",
                "pushfd", "pushfd", "or [esp], {flag}", "popfd",
                "int 0x80",
                "popfd",
                "xchg ebx, {record}",
                "pushfd", "pop ecx",
                record = in(reg) record,
                flag = in(reg) flag,
                inout("eax") Number::Time as u32 => result, out("ecx") flags,
            );
        }
    }
    (result, flags)
}

fn odd_flags_at_a_call_fill_no_other_memory() -> Verdict {
    const INTERRUPTS_ON: u32 = 0x200;
    let tsc_hz = system::time()?.tsc_hz;
    // Direction, nested task, alignment check.
    for flag in [0x400u32, 0x4000, 0x4_0000] {
        for is_fast in [false, true].into_iter().filter(|&is_fast| !is_fast || gate::has_fast_calls()) {
            let mut words = [0x5A5A_5A5A_u32; AROUND + RECORD_WORDS + AROUND];
            let (result, flags) = time_with_flag(flag, is_fast, words[AROUND..].as_mut_ptr());
            check_eq!((result, flags & INTERRUPTS_ON), (0, INTERRUPTS_ON));
            let (before, rest) = words.split_at(AROUND);
            let (record, behind) = rest.split_at(RECORD_WORDS);
            check_eq!(u64::from(record[2]) | u64::from(record[3]) << 32, tsc_hz);
            check!(before.iter().chain(behind).all(|&word| word == 0x5A5A_5A5A));
        }
    }
    Ok(())
}

fn odd_flags_at_a_fault_do_no_harm() -> Verdict {
    let mut region = Region::allocate(40 * PAGE)?;
    for words in region.words().chunks_exact_mut(PAGE / 4) {
        let first: u32;
        // SAFETY: a word of the region is read; the direction is forward again at the end.
        unsafe { asm!("std", "mov {first}, [{at}]", "cld", first = out(reg) first, at = in(reg) words.as_ptr()) };
        check!(first == 0 && words.iter().all(|&word| word == 0));
        words.fill(u32::MAX);
    }
    check!(region.words().iter().all(|&word| word == u32::MAX));
    Ok(())
}

fn odd_segments_at_a_call_do_no_harm() -> Verdict {
    let result: u32;
    // SAFETY: the segments are put back right after the call; the stack is reached through SS alone.
    unsafe {
        asm!(
            "mov edx, ds", "xor ecx, ecx", "mov ds, ecx", "mov es, ecx", "mov fs, ecx", "mov gs, ecx",
            "int 0x80",
            "mov ds, edx", "mov es, edx", "mov fs, edx", "mov gs, edx",
            inout("eax") 8u32 => result, out("ecx") _, out("edx") _,
        );
    }
    check_eq!(result, process::pid());
    Ok(())
}

fn fast_calls_keep_what_they_promise_whatever_the_flags_and_segments() -> Verdict {
    if !gate::has_fast_calls() {
        return Ok(());
    }
    // The trap flag too, which steps into the kernel; with a call that answers at once, and one that switches.
    for flag in [0x100u32, 0x400, 0x4000, 0x4_0000] {
        for number in [6u32, 8] {
            let (result, same): (u32, u32);
            // SAFETY: all registers that the block changes are saved on the stack or named; the call leaves flat data segments.
            unsafe {
                asm!(
                    "push ebx", "push esi", "push ebp", "push {flag}",
                    "mov ebx, 0x11111111", "mov esi, 0x44444444", "mov edi, 0x55555555", "mov ebp, 0x66666666",
                    "lea edx, [4f]", "xor ecx, ecx", "mov ds, ecx", "mov es, ecx", "mov ecx, esp",
                    "popfd",
                    "sysenter",
                    "4: add esp, 4", "xor ecx, ecx",
                    "cmp ebx, 0x11111111", "jne 2f", "cmp esi, 0x44444444", "jne 2f",
                    "cmp edi, 0x55555555", "jne 2f", "cmp ebp, 0x66666666", "jne 2f",
                    "inc ecx",
                    "2: pop ebp", "pop esi", "pop ebx",
                    flag = in(reg) flag,
                    inout("eax") number => result, out("ecx") same, out("edx") _, out("edi") _,
                );
            }
            check_eq!((flag, same, result), (flag, 1, if number == 8 { process::pid() } else { 0 }));
        }
    }
    Ok(())
}
