//! `main` and `exit`. Before `main`, a program in C runs what every program runs.

use core::ffi::{c_char, c_int};

use libsys::{Args, process};

unsafe extern "C" {
    fn main(argc: c_int, argv: *const *const c_char) -> c_int;
}

#[unsafe(no_mangle)]
extern "C" fn program_main() -> u32 {
    let (count, strings) = Args::raw();
    // SAFETY: the program defines it as C has it, and what the kernel has left for it stays where it is (`Args::raw`).
    unsafe { main(c_int::try_from(count).unwrap_or(0), strings) }.cast_unsigned()
}

#[unsafe(no_mangle)]
extern "C" fn exit(code: c_int) -> ! {
    process::exit(code.cast_unsigned())
}
