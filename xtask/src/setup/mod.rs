//! Getting what is needed to build and run.

mod bochs;
mod debian;
mod packages;
mod qemu;
mod toolchain;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

pub use bochs::BochsProgram;
pub use packages::in_path;
pub use toolchain::Toolchain;

/// `cargo xtask setup`.
pub fn command() -> Result<ExitCode> {
    let toolchain = Toolchain::ready()?;
    println!("compiler: {toolchain}");
    println!("machine:  {}", qemu()?.display());
    match BochsProgram::ready() {
        Ok(bochs) => println!("second:   {}", bochs.path.display()),
        // All but `--emulator bochs` and the tests on it work without.
        Err(error) => println!("second:   none; {error:#}"),
    }
    println!("Ready. Next: `cargo xtask run`, or `cargo xtask test`.");
    Ok(ExitCode::SUCCESS)
}

/// QEMU, installed if it is missing.
///
/// # Errors
/// If it is missing and cannot be installed.
pub fn qemu() -> Result<PathBuf> {
    packages::ready(&qemu::QEMU)
}
