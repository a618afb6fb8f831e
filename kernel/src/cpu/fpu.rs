//! The x87's registers, kept for each process and exchanged only when one uses them (Intel SDM 3A, "Saving the x87 FPU State").
//!
//! After a switch `CR0.TS` is set unless the next process's values are still in the registers. The first x87 instruction then
//! raises #NM, and [`take_over`] exchanges the values. The kernel itself uses none.
//!
//! An exception that a program has unmasked is not raised by the instruction that causes it, but stays pending until the next *waiting*
//! instruction (Intel SDM 1, "x87 FPU Exception Handling in Software"). `frstor` is such an instruction, `fnsave` and `fninit` are not:
//!
//! * The owner of the values is alive: `fnsave` keeps the pending exception in its state, and leaves the registers clear as `fninit`
//!   does, so that `frstor` raises nothing. `frstor` makes the exception pending again once the owner's state is loaded, and the owner's
//!   next waiting instruction raises it in ring 3.
//! * The owner has ended, or this is the first use since boot: the values are lost, and with them the pending exception. `fninit` clears it.
//!
//! `CR0.NE` is on, so the CPU reports the exception as #MF; no interrupt of a coprocessor and no IGNNE# take part.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::arch::asm;
use core::ptr::NonNull;

use crate::cell::KernelCell;

/// What FNSAVE writes.
const STATE_BYTES: usize = 108;

/// One process's x87 registers while they are not in the CPU.
#[repr(C, align(16))]
pub struct FpuState([u8; STATE_BYTES]);

/// Whose values are in the registers, and who runs. Both point at boxes that live as long as their process.
struct Owners {
    in_registers: Option<NonNull<FpuState>>,
    running: Option<NonNull<FpuState>>,
}

// SAFETY: there is one CPU, and nobody but this module follows the pointers, within `OWNERS.with`, which notices re-entry.
unsafe impl Send for Owners {}

static OWNERS: KernelCell<Owners> = KernelCell::new(Owners { in_registers: None, running: None });

impl FpuState {
    /// The state of a program that has used no x87 instruction: as after FNINIT, all exceptions masked. `None` if there is no memory.
    pub fn boxed() -> Option<Box<Self>> {
        let mut state = Self([0; STATE_BYTES]);
        // Control word 037F: 64-bit precision, round to nearest, exceptions masked. Tag word FFFF: all registers empty.
        state.0[0..2].copy_from_slice(&0x037F_u16.to_le_bytes());
        state.0[8..10].copy_from_slice(&0xFFFF_u16.to_le_bytes());
        let mut place = Vec::new();
        place.try_reserve_exact(1).ok()?;
        place.push(state);
        let array: Box<[Self; 1]> = place.into_boxed_slice().try_into().ok()?;
        // SAFETY: an array of one has the layout of its element.
        Some(unsafe { Box::from_raw(Box::into_raw(array).cast()) })
    }
}

/// The process with this state runs from now on.
#[inline]
pub fn switch_to(next: &mut FpuState) {
    OWNERS.with(|owners| {
        let next = NonNull::from(next);
        owners.running = Some(next);
        set_trap(owners.in_registers != Some(next));
    });
}

/// The running process used an x87 instruction while another's values were in the registers.
pub fn take_over() {
    OWNERS.with(|owners| {
        set_trap(false);
        // SAFETY: both pointers are to boxes of processes that are alive (`forget` is called at their end), and TS is clear.
        unsafe {
            match owners.in_registers {
                Some(old) => asm!("fnsave [{}]", in(reg) old.as_ptr(), options(nostack)),
                None => asm!("fninit", options(nomem, nostack)),
            }
            if let Some(new) = owners.running {
                asm!("frstor [{}]", in(reg) new.as_ptr(), options(nostack));
            }
        }
        owners.in_registers = owners.running;
    });
}

/// The process with this state has ended.
pub fn forget(state: &mut FpuState) {
    OWNERS.with(|owners| {
        let ended = Some(NonNull::from(state));
        for owner in [&mut owners.in_registers, &mut owners.running] {
            if *owner == ended {
                *owner = None;
            }
        }
        set_trap(true);
    });
}

/// Makes x87 instructions raise #NM, or stops that (`CR0.TS`).
fn set_trap(on: bool) {
    // SAFETY: TS affects x87 instructions only, of which the kernel executes none but those of `take_over`.
    unsafe {
        if on {
            asm!("mov {0}, cr0", "or {0}, 8", "mov cr0, {0}", out(reg) _, options(nostack));
        } else {
            asm!("clts", options(nostack, nomem, preserves_flags));
        }
    }
}
