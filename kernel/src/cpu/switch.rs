//! Changing kernel stacks, and entering ring 3.

use core::arch::global_asm;

use kcore::addr::VirtAddr;

use super::gdt::{USER_CODE, USER_DATA};

global_asm!(include_str!("switch.s"), user_code = const USER_CODE, user_data = const USER_DATA);

unsafe extern "C" {
    fn switch_stacks(from: *mut SavedStack, to: SavedStack);
    fn enter_ring_3(entry: u32, stack: u32) -> !;
}

/// A kernel stack on which `switch` has left what it needs to go on there.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub struct SavedStack(u32);

/// What a stack looks like that `switch_stacks` can go on with: gs, fs, edi, esi, ebx, ebp, then the address to return to.
type FirstFrame = [u32; 8];

impl SavedStack {
    /// Prepares the empty stack that ends at `top` so that the first switch to it calls `entry`.
    ///
    /// # Safety
    /// The stack must be mapped and in nobody's use.
    pub unsafe fn new(top: VirtAddr, entry: extern "C" fn() -> !) -> Self {
        let entry = u32::try_from((entry as *const ()).expose_provenance()).unwrap_or(0);
        // The last word is where `entry`, which does not return, would find its return address.
        let frame: FirstFrame = [0, 0, 0, 0, 0, 0, entry, 0];
        let at = top.raw() - u32::try_from(size_of::<FirstFrame>()).unwrap_or(0);
        // SAFETY: the stack is mapped, aligned to a page at its top, and the caller's alone.
        unsafe { core::ptr::with_exposed_provenance_mut::<FirstFrame>(at as usize).write(frame) };
        Self(at)
    }
}

/// Goes on with the stack `to`, and leaves the current one in `from` (or nowhere, if nobody will come back to it). Returns when
/// someone switches back.
///
/// # Safety
/// `to` must have been made by [`SavedStack::new`] or by an earlier switch, and not been used since; `from` must be valid
/// for one write before the next change to what it points into.
pub unsafe fn switch(from: Option<*mut SavedStack>, to: SavedStack) {
    // SAFETY: the caller's promise.
    unsafe { switch_stacks(from.unwrap_or(core::ptr::null_mut()), to) }
}

/// Begins a program. The kernel stack is empty from here on.
pub fn enter_user(entry: VirtAddr, stack: VirtAddr) -> ! {
    // SAFETY: in ring 3 whatever these addresses are can hurt that program only; the selectors name flat ring-3 segments.
    unsafe { enter_ring_3(entry.raw(), stack.raw()) }
}
