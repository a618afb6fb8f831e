//! What the BorrowOS kernel and its programs agree on.
//!
//! Everything that crosses the ring boundary, or that the kernel, `libsys`, `xtask` and the tests must spell alike,
//! is written here once: the table of calls ([`syscall`]), error numbers ([`Errno`]), how a process can end
//! ([`ExitReason`]), the records that calls fill in ([`record`], [`process`]), messages ([`message`]), the address map ([`layout`]) and
//! where things lie on the disk image ([`image`]).
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod cpu;
pub mod description;
pub mod device;
mod errno;
mod exit;
pub mod image;
pub mod layout;
pub mod message;
pub mod process;
pub mod record;
pub mod syscall;
mod wire;

pub use errno::Errno;
pub use exit::{Access, ExitReason, FaultKind};
pub use process::Class;
pub use syscall::{Call, Number, may_return};
pub use wire::{Reader, Wire, Writer};

/// The replacement policies' names, as in `policy=NAME`, the reference policy first.
pub const POLICY_NAMES: [&str; 7] = ["random", "fifo", "clock", "nru", "aging", "wsclock", "sieve"];

/// The place of a replacement policy in [`POLICY_NAMES`]; its name may be written in capitals, too.
pub fn policy_named(name: &str) -> Option<usize> {
    POLICY_NAMES.iter().position(|known| known.eq_ignore_ascii_case(name))
}

/// The argument with which a program that carries its own tests is told to run them instead of `main`.
pub const RUN_TESTS: &str = "--run-tests";

#[cfg(test)]
mod tests {
    use super::{POLICY_NAMES, policy_named};

    #[test]
    fn policy_is_found_by_its_name_in_capitals_too() {
        for (place, name) in POLICY_NAMES.iter().enumerate() {
            assert_eq!(policy_named(name), Some(place));
            assert_eq!(policy_named(&name.to_uppercase()), Some(place));
        }
        assert_eq!((policy_named(""), policy_named("fif")), (None, None));
    }
}
