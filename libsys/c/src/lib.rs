//! `libborrow.a`: start code, calls, and a little of C's library, for programs in C. The header is made from `abi`'s tables; see
//! `cargo xtask sdk`.
//!
//! On the host there is only `format`, for its tests: all else would take the place of the host's own library.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

#[cfg(target_arch = "x86")]
mod calls;
#[cfg(any(target_arch = "x86", test))]
mod format;
#[cfg(target_arch = "x86")]
mod memory;
#[cfg(target_arch = "x86")]
mod print;
#[cfg(target_arch = "x86")]
mod start;
#[cfg(target_arch = "x86")]
mod strings;
