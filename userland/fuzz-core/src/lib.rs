//! What the fuzzer's programs do that needs no machine.
//!
//! Everything here follows from a seed and the number of a case, so that a case can be made again:
//!
//! * [`code`]: a program of a few instructions, with the registers, flags and stack it starts with,
//! * [`elf`]: a program file with mistakes in it,
//! * [`calls`]: calls of the kernel, with a model that says which answers are right,
//! * [`disk`]: files that are written until the power goes, with a judge of what is left.
//!
//! The programs that use these are in `userland/tests/src/bin/fuzz`; `cargo xtask fuzz` boots the machines they run on.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod calls;
pub mod code;
pub mod disk;
pub mod elf;
mod random;

pub use random::Random;
