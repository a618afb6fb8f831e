//! The entry code.

use core::arch::global_asm;

global_asm!(include_str!("boot.s"), kernel_main = sym crate::kernel_main);
