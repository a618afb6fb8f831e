//! Everything of the BorrowOS kernel that can be decided without a CPU.
//!
//! Frame pools, address spaces, fault planning, the pager's bookkeeping, replacement policies, swap slots, scheduling and
//! the checks of what programs hand in: ordinary safe Rust, tested on the host against models and fakes. What it needs of
//! hardware is a trait that the kernel implements.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod addr;
pub mod calendar;
pub mod clock;
pub mod command_line;
pub mod disk;
pub mod fault;
pub mod frame_pool;
pub mod frame_table;
pub mod input;
pub mod kernel_pool;
pub mod mapping;
pub mod memory_map;
pub mod messages;
pub mod pager;
pub mod partition;
pub mod process_table;
pub mod program;
pub mod pte;
pub mod replacement;
pub mod rng;
pub mod scheduling;
pub mod swap_slots;
pub mod table;
pub mod terminal;
pub mod turns;
pub mod user_slice;
pub mod vfs;
pub mod vm_pool;
