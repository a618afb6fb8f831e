//! What runs before `main`, and when `main` panics: the part of [`entry`](crate::entry!) that only the guest can run.

use core::arch::naked_asm;
use core::panic::PanicInfo;

use crate::args::Args;
use crate::{console, eprintln, gate, process};

/// Exit code of a program that panicked.
const PANIC_CODE: u32 = 101;

/// The kernel starts a program here: `esp` points at `argc`, and behind it lie `argv[0..argc]` and a null.
#[unsafe(naked)]
#[unsafe(no_mangle)]
#[unsafe(link_section = ".text.entry")]
unsafe extern "C" fn _start() -> ! {
    naked_asm!(
        "mov eax, esp",
        "and esp, -16",
        "sub esp, 12",
        "push eax",
        "call {begin}",
        "ud2",
        begin = sym begin,
    )
}

unsafe extern "C" {
    fn program_main() -> u32;
}

extern "C" fn begin(start: *const u32) -> ! {
    gate::detect();
    Args::remember(start);
    // SAFETY: `entry!` defines the function.
    process::exit(unsafe { program_main() })
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    console::flush();
    eprintln!("{}: {info}", Args::program_name());
    process::exit(PANIC_CODE)
}
