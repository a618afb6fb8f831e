//! One way to all devices: what a name means, what a program has open, and what each device can do.
//!
//! ```text
//! a process's handles      0 1 2 3 ...        Handles: numbers, one table for each process
//!                          | | | |
//! descriptors              A A A B            OpenTable: what was opened, once for the machine, with how many share it
//!                          |     |
//! devices            console     file         Device: a file with its position, random bytes, the console, nothing
//! ```
//!
//! A child that inherits a handle shares the descriptor, position included, so that programs that write to the same file by turns
//! write one behind the other.

mod device;
mod handles;
mod name;
mod open_table;
mod random;

pub use device::{ConsoleMode, Device, OpenFile};
pub use handles::{HANDLES_MAX, Handles, Streams};
pub use name::DeviceName;
pub use open_table::{DescriptorId, OpenTable};
pub use random::RandomBytes;
