//! Getting what is needed to build and run.

mod debian;
mod qemu;
mod toolchain;

use std::process::ExitCode;

use anyhow::Result;

pub use qemu::in_path;
pub use toolchain::Toolchain;

/// `cargo xtask setup`.
pub fn command() -> Result<ExitCode> {
    let toolchain = Toolchain::ready()?;
    println!("compiler: {toolchain}");
    println!("machine:  {}", emulator()?.display());
    println!("Ready. Next: `cargo xtask run`, or `cargo xtask test`.");
    Ok(ExitCode::SUCCESS)
}

/// The emulator, installed if it is missing.
///
/// # Errors
/// If it is missing and cannot be installed.
pub fn emulator() -> Result<std::path::PathBuf> {
    qemu::ready()
}
