//! The CPU: its tables, its traps, its registers.

mod boot;
mod bytes;
pub mod control;
pub mod exceptions;
pub mod fpu;
pub mod gdt;
mod idt;
pub mod image;
pub mod interrupts;
pub mod switch;
mod sysenter;
pub mod trap;
mod tss;
pub mod usercopy;

/// Loads the CPU's tables and turns on its guards. Called once, at boot, before anything can trap.
pub fn init() {
    control::enable_guards();
    fpu::init();
    gdt::init();
    idt::init();
    sysenter::init();
}
