//! Where a program begins, and how it ends.

use core::arch::naked_asm;
use core::fmt::Display;
use core::panic::PanicInfo;

use crate::args::Args;
use crate::{console, eprintln, process};

/// Exit code of a program that panicked.
pub const PANIC_CODE: u32 = 101;

/// What `main` may return.
pub trait Outcome {
    /// The exit code; an error is printed first.
    fn exit_code(self) -> u32;
}

impl Outcome for () {
    fn exit_code(self) -> u32 {
        0
    }
}

/// An exit code.
impl Outcome for u32 {
    fn exit_code(self) -> u32 {
        self
    }
}

impl<T: Outcome, E: Display> Outcome for Result<T, E> {
    fn exit_code(self) -> u32 {
        match self {
            Ok(outcome) => outcome.exit_code(),
            Err(error) => {
                eprintln!("{}: {error}", Args::program_name());
                1
            }
        }
    }
}

/// Makes `main` the program's first function. It takes no arguments and returns an [`Outcome`].
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        #[unsafe(no_mangle)]
        extern "C" fn program_main() -> u32 {
            $crate::start($main)
        }
    };
}

/// Runs `main` and returns its exit code.
pub fn start<T: Outcome>(main: fn() -> T) -> u32 {
    let code = main().exit_code();
    console::flush();
    code
}

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
