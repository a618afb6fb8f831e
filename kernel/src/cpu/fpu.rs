//! The registers of the x87 and of MMX, which are the same, kept for each process (Intel SDM 3A, "Saving the x87 FPU State").
//!
//! A process that has used none of these instructions runs with `CR0.TS` set: its first one raises #NM, and [`take_over`] loads its
//! state. From then on [`switch_to`] saves and loads its state at every switch from and to it. So another process's values are never in
//! the registers while a process runs. That an instruction traps is not relied on for this: `emms` does not trap in QEMU 7.2, and would
//! empty the registers of whichever process they belong to. The kernel itself uses none of these instructions.
//!
//! An exception that a program has unmasked is not raised by the instruction that causes it, but stays pending until the next *waiting*
//! instruction (Intel SDM 1, "x87 FPU Exception Handling in Software"). `frstor` is such an instruction, `fnsave` and `fninit` are not:
//!
//! * The owner of the values is alive: `fnsave` keeps the pending exception in its state, and leaves the registers clear as `fninit`
//!   does, so that the next `frstor` raises nothing. `frstor` makes the exception pending again once the owner's state is loaded, and the
//!   owner's next waiting instruction raises it in ring 3.
//! * The owner has ended, or this is the first use since boot: `fninit` clears the pending exception before `frstor`.
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
pub struct FpuState {
    bytes: [u8; STATE_BYTES],
    /// The process has used the registers.
    is_used: bool,
}

/// Whose values are in the registers.
struct Owners {
    /// The process whose values are in the registers. Without one, `CR0.TS` is set.
    in_registers: Option<NonNull<FpuState>>,
    /// The process that runs. Both point at boxes that live as long as their process.
    running: Option<NonNull<FpuState>>,
}

// SAFETY: there is one CPU, and nobody but this module follows the pointers, within `OWNERS.with`, which notices re-entry.
unsafe impl Send for Owners {}

static OWNERS: KernelCell<Owners> = KernelCell::new(Owners { in_registers: None, running: None });

/// Makes the first use of the registers trap. They hold nobody's values.
pub fn init() {
    set_trap(true);
}

impl FpuState {
    /// The state of a program that has used no x87 instruction: as after FNINIT, all exceptions masked. `None` if there is no memory.
    pub fn boxed() -> Option<Box<Self>> {
        let mut state = Self { bytes: [0; STATE_BYTES], is_used: false };
        // Control word 037F: 64-bit precision, round to nearest, exceptions masked. Tag word FFFF: all registers empty.
        state.bytes[0..2].copy_from_slice(&0x037F_u16.to_le_bytes());
        state.bytes[8..10].copy_from_slice(&0xFFFF_u16.to_le_bytes());
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
        let is_used = next.is_used;
        let next = NonNull::from(next);
        owners.running = Some(next);
        let wanted = is_used.then_some(next);
        if owners.in_registers != wanted {
            owners.exchange(wanted);
        }
    });
}

/// The running process has used an instruction of the x87 or of MMX for the first time.
pub fn take_over() {
    OWNERS.with(|owners| {
        if let Some(running) = &mut owners.running {
            // SAFETY: the pointer is to the box of the running process, which is alive, and nobody else follows it.
            unsafe { running.as_mut().is_used = true };
        }
        owners.exchange(owners.running);
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

impl Owners {
    /// Saves the values that are in the registers, if they are a process's, and loads those of `wanted`; without one, the registers are
    /// left clear, and their next use traps.
    #[cold]
    fn exchange(&mut self, wanted: Option<NonNull<FpuState>>) {
        set_trap(false);
        // SAFETY: the pointers are to boxes of processes that are alive (`forget` is called at their end), and TS is clear. Either of the
        // first two leaves no exception pending, which `frstor` would raise.
        unsafe {
            match self.in_registers {
                Some(old) => asm!("fnsave [{}]", in(reg) old.as_ptr(), options(nostack)),
                None => asm!("fninit", options(nomem, nostack)),
            }
            match wanted {
                Some(new) => asm!("frstor [{}]", in(reg) new.as_ptr(), options(nostack)),
                None => set_trap(true),
            }
        }
        self.in_registers = wanted;
    }
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
