//! Copies between kernel and user memory, which may be refused half-way.

use core::arch::{asm, global_asm};

use kcore::addr::VirtAddr;

use super::control;

global_asm!(include_str!("usercopy.s"));

unsafe extern "C" {
    fn copy_user_bytes(to: *mut u8, from: *const u8, len: usize) -> u32;
    /// First instruction that may fault, the one behind the last, and where to go when a fault is refused.
    safe static copy_labels: [u32; 3];
}

/// A page of user memory could not be had, or does not allow the access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// Copies from user memory. The caller has checked that `[from, from + buffer.len())` lies in the user half.
///
/// # Errors
/// `Refused`; part of the buffer may have been written.
pub fn copy_from_user(buffer: &mut [u8], from: VirtAddr) -> Result<(), Refused> {
    let from = core::ptr::with_exposed_provenance(from.raw() as usize);
    // SAFETY: the destination is an exclusive borrow; the source lies in the user half, where no Rust object lives, and a fault on it
    // is repaired or refused.
    copy(|| unsafe { copy_user_bytes(buffer.as_mut_ptr(), from, buffer.len()) })
}

/// Copies to user memory. The caller has checked that `[to, to + bytes.len())` lies in the user half.
///
/// # Errors
/// `Refused`; part of the bytes may have been copied.
pub fn copy_to_user(to: VirtAddr, bytes: &[u8]) -> Result<(), Refused> {
    let to = core::ptr::with_exposed_provenance_mut(to.raw() as usize);
    // SAFETY: as above; `CR0.WP` makes read-only user pages fault here as they do in ring 3.
    copy(|| unsafe { copy_user_bytes(to, bytes.as_ptr(), bytes.len()) })
}

fn copy(work: impl FnOnce() -> u32) -> Result<(), Refused> {
    let has_smap = control::has_smap();
    if has_smap {
        // SAFETY: sets EFLAGS.AC; the CPU has the instruction, since it has SMAP.
        unsafe { asm!("stac", options(nomem, nostack)) };
    }
    let failed = work();
    if has_smap {
        // SAFETY: clears EFLAGS.AC again.
        unsafe { asm!("clac", options(nomem, nostack)) };
    }
    if failed == 0 { Ok(()) } else { Err(Refused) }
}

/// If `instruction` is part of a copy: where it goes on when its fault is refused.
pub fn fixup_for(instruction: VirtAddr) -> Option<VirtAddr> {
    let [begin, end, refused] = copy_labels;
    (begin..end).contains(&instruction.raw()).then_some(VirtAddr::new(refused))
}
