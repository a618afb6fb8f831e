//! What a BorrowOS program links with: an entry, the console, processes, memory, time.
//!
//! ```no_run
//! #![no_std]
//! #![no_main]
//! # extern crate std;
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
//!
//! For the host the crate can be compiled too, for its documentation's examples and for tools: every call is refused there.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod args;
pub mod call;
pub mod console;
mod entry;
pub mod files;
pub mod gate;
#[cfg(target_arch = "x86")]
mod heap;
pub mod memory;
pub mod message;
pub mod process;
#[cfg(target_arch = "x86")]
mod start;
pub mod system;
pub mod test;
pub mod time;

pub use abi::{self, record};
pub use abi::{Class, Errno as Error, ExitReason};
pub use args::Args;
pub use entry::Outcome;
#[doc(hidden)]
pub use entry::start;
