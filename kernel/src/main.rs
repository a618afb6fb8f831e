//! The BorrowOS kernel.
//!
//! This file is the boot order and nothing else. What happens at a page fault begins in [`cpu::trap`], goes through
//! [`memory::fault`] and [`memory::paging`], and is decided in `kcore::pager`.
#![no_std]
#![no_main]

extern crate alloc;

mod cell;
mod cpu;
mod drivers;
mod files;
mod memory;
mod multiboot;
mod panic;
mod process;
mod provoke;
mod start;
mod swap;
mod syscall;

use kcore::addr::PhysAddr;
use kcore::command_line::CommandLine;

/// Called by `boot.s` on the boot stack, with paging on and interrupts off.
extern "C" fn kernel_main(magic: u32, info: u32) -> ! {
    drivers::console::init(); // first, so that everything after it can say what is wrong
    cpu::init(); // traps are reported from here on
    let info = multiboot::BootInfo::read(magic, PhysAddr::new(info)); // before anything overwrites it
    let options = CommandLine::parse(info.command_line()); // decides how memory is divided
    let division = start::or_stop(memory::init(&info)); // frames and kernel half; the heap works from here on
    drivers::console::set_plain(options.plain_console); // before anybody asks whether there is a terminal
    start::warn_of_unknown(&options); // now that there is nothing left to go wrong before it is read
    process::scheduler::init(&options); // before the first interrupt, which may wake somebody
    drivers::pic::init(); // before the first device that interrupts
    drivers::rtc::init(); // as close to the timer's start as can be
    drivers::timer::init(); // before the disk, whose time-outs it counts
    drivers::console::enable_input(); // typed lines wait for the first reader
    drivers::host::tell_ready(); // now that nothing that is typed gets lost
    start::or_stop(files::init(&options)); // finds the disk, mounts the file system
    let slot_count = start::or_stop(swap::init(options.swap_pages)); // the swap file is a file in it
    start::or_stop(memory::init_paging(&division, &options, slot_count)); // promises can be made from here on
    provoke::prepare(&options); // what the first process is to break, if anything
    start::or_stop(start::first_program(&options)); // init
    drivers::latency::init(&options); // boot is over: from here on interrupts are taken
    process::scheduler::run_first() // the boot stack is left for good
}
