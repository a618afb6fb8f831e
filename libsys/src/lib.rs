//! What a BorrowOS program links with: an entry, the console, processes, memory, time.
//!
//! ```ignore
//! #![no_std]
//! #![no_main]
//!
//! use libsys::println;
//!
//! libsys::entry!(main);
//!
//! fn main() {
//!     println!("Hello, world!");
//! }
//! ```
//!
//! `alloc` works: `Vec`, `String` and the rest live on a heap over `AllocateMemory`. A panic prints where it happened and exits
//! with 101.
#![no_std]

extern crate alloc;

pub mod args;
pub mod call;
pub mod console;
mod entry;
pub mod files;
mod heap;
pub mod memory;
pub mod process;
pub mod system;
pub mod test;

pub use abi;
pub use abi::{Errno, ExitReason};
pub use args::Args;
pub use entry::Outcome;
#[doc(hidden)]
pub use entry::start;
