//! Where the linker put the kernel (`linker/kernel.ld`).

use kcore::addr::VirtAddr;

unsafe extern "C" {
    safe static __text_start: u8;
    safe static __data_start: u8;
    safe static __kernel_end: u8;
}

fn address_of(symbol: &u8) -> VirtAddr {
    VirtAddr::new(u32::try_from(core::ptr::from_ref(symbol).addr()).unwrap_or(0))
}

/// The kernel in memory: text and constants, then data.
pub struct Image;

impl Image {
    /// The first byte of text.
    pub fn start() -> VirtAddr {
        address_of(&__text_start)
    }

    /// One past the last byte of data; page-aligned.
    pub fn end() -> VirtAddr {
        address_of(&__kernel_end)
    }

    /// The address is in text or constants.
    pub fn is_read_only(at: VirtAddr) -> bool {
        Self::start() <= at && at < address_of(&__data_start)
    }
}
