//! Changing kernel stacks, and entering ring 3.

use core::arch::global_asm;

use kcore::addr::VirtAddr;

use super::gdt::{USER_CODE, USER_DATA};

global_asm!(include_str!("switch.s"), user_code = const USER_CODE, user_data = const USER_DATA);

unsafe extern "C" {
    fn switch_stacks(from: *mut u32, to: *const u32);
    fn enter_ring_3(entry: u32, stack: u32) -> !;
}

/// The end of a kernel stack. Its last word keeps the stack pointer while the CPU is on another stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StackEnd(VirtAddr);

/// What a stack looks like that `switch_stacks` can go on with: gs, fs, edi, esi, ebx, ebp, then the address to return to, and the word
/// where a function that does not return would find its own return address.
type FirstFrame = [u32; 8];

const WORD_BYTES: u32 = 4;

impl StackEnd {
    /// The end of a stack whose last byte is right before `end`, the start of a page.
    pub const fn new(end: VirtAddr) -> Self {
        Self(end)
    }

    /// Where the first push begins: below the word that is kept.
    #[inline]
    pub const fn first_push(self) -> VirtAddr {
        VirtAddr::new(self.0.raw() - WORD_BYTES)
    }

    #[inline]
    const fn saved(self) -> *mut u32 {
        core::ptr::with_exposed_provenance_mut(self.first_push().raw() as usize)
    }
}

/// Prepares an empty stack so that the first switch to it calls `entry`.
///
/// # Safety
/// The stack must be mapped and in nobody's use.
pub unsafe fn prepare(stack: StackEnd, entry: extern "C" fn() -> !) {
    let entry = u32::try_from((entry as *const ()).expose_provenance()).unwrap_or(0);
    let frame: FirstFrame = [0, 0, 0, 0, 0, 0, entry, 0];
    let at = stack.first_push().raw() - u32::try_from(size_of::<FirstFrame>()).unwrap_or(0);
    // SAFETY: the stack is mapped, is much larger than this, ends at a page, and is the caller's alone.
    unsafe {
        core::ptr::with_exposed_provenance_mut::<FirstFrame>(at as usize).write(frame);
        stack.saved().write(at);
    }
}

/// Goes on with the stack `to`, and remembers where the current one, `from`, is to go on (unless nobody will come back to it). Returns
/// when someone switches back.
///
/// # Safety
/// `to` must have been [prepared](prepare()) or left by an earlier switch, and not been used since. `from`, if there is one, must be the
/// stack in use.
#[inline]
pub unsafe fn switch(from: Option<StackEnd>, to: StackEnd) {
    let from = from.map_or(core::ptr::null_mut(), StackEnd::saved);
    // SAFETY: the caller's promise; nothing else is kept in the last words.
    unsafe { switch_stacks(from, to.saved()) }
}

/// Begins a program. The kernel stack is empty from here on.
pub fn enter_user(entry: VirtAddr, stack: VirtAddr) -> ! {
    // SAFETY: in ring 3 whatever these addresses are can hurt that program only; the selectors name flat ring-3 segments.
    unsafe { enter_ring_3(entry.raw(), stack.raw()) }
}
