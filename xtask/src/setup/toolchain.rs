//! The compiler for the guest: `core` and `alloc` are compiled from source, so the source must be there.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::debian;
use crate::console::step;
use crate::project;

/// A compiler that can build for the guest, and a linker.
#[derive(Clone, Debug)]
pub struct Toolchain {
    source: Source,
    linker: PathBuf,
}

#[derive(Clone, Debug)]
enum Source {
    /// The compiler that runs this has its library's source beside it.
    Installed,
    /// A compiler of its own was unpacked.
    Unpacked(debian::Unpacked),
}

impl Toolchain {
    /// Finds a toolchain, or gets one.
    ///
    /// # Errors
    /// If none is there and none can be had; the text says what to do.
    pub fn ready() -> Result<Self> {
        let sysroot = sysroot()?;
        let source = source(&sysroot)?;
        Ok(Self { source, linker: linker(&sysroot)? })
    }

    /// A cargo command that compiles for the guest, in the profile that is released; its packages are still to be added.
    pub fn cargo(&self, subcommand: &str) -> Command {
        self.cargo_with_profile(subcommand, "guest")
    }

    /// The same in another profile of the workspace.
    pub fn cargo_with_profile(&self, subcommand: &str, profile: &str) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        cargo.current_dir(project::root()).arg(subcommand);
        cargo.args(["--profile", profile, "--target", project::GUEST_TARGET]);
        cargo.args(["-Zbuild-std=core,alloc,compiler_builtins", "-Zbuild-std-features=compiler-builtins-mem"]);
        cargo.arg("--target-dir").arg(project::guest_target());
        // `-Zbuild-std` is all that needs it; the sources keep to the stable language.
        cargo.env("RUSTC_BOOTSTRAP", "1");
        cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        cargo.env("CARGO_TARGET_I586_UNKNOWN_LINUX_GNU_LINKER", &self.linker);
        cargo
            .env("CARGO_TARGET_I586_UNKNOWN_LINUX_GNU_RUSTFLAGS", "-C linker-flavor=ld.lld -C relocation-model=static");
        if let Source::Unpacked(unpacked) = &self.source {
            cargo.env("RUSTC", unpacked.rustc());
        }
        cargo
    }

    /// A command that lints the guest's packages, and fails at any warning.
    pub fn clippy(&self, packages: &[String]) -> Command {
        let packages = packages.iter().flat_map(|name| ["-p", name]);
        match &self.source {
            Source::Installed => {
                let mut cargo = self.cargo("clippy");
                cargo.args(packages).args(["--", "-D", "warnings"]);
                cargo
            }
            Source::Unpacked(unpacked) => {
                // What `cargo clippy` does, with a driver that belongs to the unpacked compiler.
                let mut cargo = self.cargo("check");
                cargo.args(packages);
                cargo.env("RUSTC_WORKSPACE_WRAPPER", unpacked.clippy_driver());
                cargo.env("CLIPPY_ARGS", "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__");
                cargo
            }
        }
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Installed => f.write_str("the installed one, with its library's source"),
            Source::Unpacked(unpacked) => unpacked.fmt(f),
        }
    }
}

/// The compiler and the source of its library.
fn source(sysroot: &Path) -> Result<Source> {
    if has_library_source(sysroot) {
        return Ok(Source::Installed);
    }
    if let Some(unpacked) = debian::find() {
        return Ok(Source::Unpacked(unpacked));
    }
    step("The compiler's library comes without its source, which building for i386 needs");
    if add_component(sysroot) {
        return Ok(Source::Installed);
    }
    if debian::is_possible() {
        return debian::fetch().map(Source::Unpacked);
    }
    bail!("the standard library's source is missing; get it with `rustup component add rust-src`")
}

/// Asks rustup for the source. What it says is shown only if there is no other way.
fn add_component(sysroot: &Path) -> bool {
    step("Trying `rustup component add rust-src`");
    let added = Command::new("rustup").args(["component", "add", "rust-src"]).output();
    match added {
        Ok(output) if output.status.success() && has_library_source(sysroot) => true,
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            step(&format!("  rustup could not: {}", said.lines().last().unwrap_or("it did not say why").trim()));
            false
        }
        Err(_) => {
            step("  there is no rustup");
            false
        }
    }
}

/// The compiler's source is where `-Zbuild-std` looks for it.
pub fn has_library_source(sysroot: &Path) -> bool {
    sysroot.join("lib/rustlib/src/rust/library/core/src/lib.rs").is_file()
}

/// The folder of the compiler that runs this.
fn sysroot() -> Result<PathBuf> {
    let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
    let output = Command::new(rustc).args(["--print", "sysroot"]).output().context("cannot run rustc")?;
    let text = String::from_utf8(output.stdout).context("rustc names a folder that is not UTF-8")?;
    Ok(PathBuf::from(text.trim()))
}

/// The linker: the one beside the compiler, or LLVM's from the system.
fn linker(sysroot: &Path) -> Result<PathBuf> {
    let beside = std::fs::read_dir(sysroot.join("lib/rustlib"))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin/rust-lld")))
        .find(|path| path.is_file());
    let installed = || super::packages::in_path("ld.lld");
    beside.or_else(installed).context(
        "there is no linker for the guest; install LLVM's `lld`, or use rustup's toolchain, which brings rust-lld",
    )
}
