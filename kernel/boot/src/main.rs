//! The boot loader: from the BIOS to the kernel's first instruction.
//!
//! `boot_sector.s` reads this second stage, `stage2.s` enters protected mode; from there on it is Rust, which goes back to real mode
//! only for calls of the BIOS. The kernel is told what any Multiboot loader would tell it, so it has one way to start. See `docs/boot.md`.
#![no_std]
#![no_main]

mod a20;
mod bios;
mod console;
mod disk;
mod elf;
mod error;
mod kernel;
mod memory_map;
mod multiboot;
mod parameters;

use core::arch::global_asm;
use core::panic::PanicInfo;

use console::println;
use error::BootError;

global_asm!(include_str!("boot_sector.s"));
global_asm!(include_str!("stage2.s"), main = sym stage2_main);

/// Called by `stage2.s` in protected mode, with the number the BIOS gave the boot drive.
extern "C" fn stage2_main(drive: u32) -> ! {
    console::init();
    let error = match boot(drive) {
        Err(error) => error,
        Ok(never) => match never {},
    };
    println!("boot: {error}");
    console::stop()
}

/// Starts the kernel, or says why it cannot.
fn boot(drive: u32) -> Result<core::convert::Infallible, BootError> {
    let parameters = parameters::read()?;
    a20::enable()?;
    let map = memory_map::read()?;
    // SAFETY: this function runs once, and nobody else makes one.
    let mut disk = unsafe { disk::Disk::new(drive) };
    let entry = kernel::load(&mut disk, parameters.kernel_len, &map)?;
    // SAFETY: the kernel has just been loaded, and this is its entry.
    unsafe { multiboot::start(entry, &map, parameters.command_line) }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    println!("boot: {info}");
    console::stop()
}
