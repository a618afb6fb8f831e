//! Where things are in the checkout.

use std::path::{Path, PathBuf};

/// The target that kernel and programs are compiled for. Its instruction set ends with the Pentium's: no SSE.
pub const GUEST_TARGET: &str = "i586-unknown-linux-gnu";

/// The checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// What is built, in all.
pub fn target() -> PathBuf {
    root().join("target")
}

/// What is built for the guest.
pub fn guest_target() -> PathBuf {
    target().join("guest")
}

/// The compiler that `setup` unpacks where the installed one lacks the standard library's source.
pub fn toolchain() -> PathBuf {
    target().join("toolchain")
}
