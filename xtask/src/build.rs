//! Compiles the guest's half: first what is measured (boot loader, kernel, benchmarks), then the programs.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use cargo_metadata::{Message, Metadata, MetadataCommand};

use crate::project;
use crate::setup::Toolchain;

/// The boot loader's name.
const BOOT: &str = "boot";
/// The kernel's name.
const KERNEL: &str = "kernel";

/// The library for programs in C.
const LIBRARY: &str = "borrow";

/// The benchmarks' name. They are measured, so they are compiled as the kernel is.
const BENCH: &str = "bench";

/// The profile of what is measured: optimized across crates, which takes time.
const FAST: &str = "guest";
/// The profile of the programs: compiled quickly.
const PROGRAMS: &str = "programs";
/// The profile of everything with debug assertions.
const WITH_ASSERTIONS: &str = "guest-debug";

/// The guest's files, as compiled.
#[derive(Clone, Debug)]
pub struct Guest {
    /// The boot loader's ELF file.
    pub boot: PathBuf,
    /// The kernel's ELF file.
    pub kernel: PathBuf,
    /// The library for programs in C.
    pub library: PathBuf,
    /// The programs' ELF files, by name.
    pub programs: BTreeMap<String, PathBuf>,
}

impl Guest {
    /// Compiles everything, with whatever is missing set up first.
    ///
    /// # Errors
    /// If something is missing or does not compile.
    pub fn build() -> Result<Self> {
        Self::build_profiles(FAST, PROGRAMS)
    }

    /// Compiles everything with debug assertions: the kernel compares its books after every page fault.
    ///
    /// # Errors
    /// As [`Guest::build`].
    pub fn build_with_assertions() -> Result<Self> {
        Self::build_profiles(WITH_ASSERTIONS, WITH_ASSERTIONS)
    }

    fn build_profiles(fast: &str, programs: &str) -> Result<Self> {
        let toolchain = Toolchain::ready()?;
        let mut files = compile(&toolchain, fast, &FAST_PACKAGES)?;
        let userland = userland()?;
        let slow: Vec<&str> = userland.iter().map(String::as_str).filter(|name| *name != BENCH).collect();
        files.extend(compile(&toolchain, programs, &slow)?);
        let mut take = |name: &str| files.remove(name).with_context(|| format!("`{name}` was not built"));
        Ok(Self { boot: take(BOOT)?, kernel: take(KERNEL)?, library: take(LIBRARY)?, programs: files })
    }

    /// A program's ELF file with its symbols.
    ///
    /// # Errors
    /// If there is no such program.
    pub fn program(&self, name: &str) -> Result<&PathBuf> {
        self.programs.get(name).with_context(|| {
            let names: Vec<&str> = self.programs.keys().map(String::as_str).collect();
            format!("there is no program `{name}`; there are {}", names.join(", "))
        })
    }
}

/// The packages that are compiled in the profile [`FAST`].
const FAST_PACKAGES: [&str; 4] = [BOOT, KERNEL, LIBRARY, BENCH];

/// Compiles packages for the guest; returns their programs and libraries for C, by name.
fn compile(toolchain: &Toolchain, profile: &str, packages: &[&str]) -> Result<BTreeMap<String, PathBuf>> {
    let mut cargo = toolchain.cargo_with_profile("build", profile);
    cargo.args(packages.iter().flat_map(|name| ["-p", name]));
    cargo.arg("--message-format=json-render-diagnostics").stdout(Stdio::piped());
    let mut child = cargo.spawn().context("cannot run cargo")?;
    let stdout = child.stdout.take().context("cargo has no output")?;
    let mut files = BTreeMap::new();
    for message in Message::parse_stream(BufReader::new(stdout)) {
        let Message::CompilerArtifact(mut artifact) = message? else { continue };
        let library = artifact.filenames.pop().filter(|_| artifact.target.is_staticlib());
        if let Some(file) = artifact.executable.or(library) {
            files.insert(artifact.target.name, file.into_std_path_buf());
        }
    }
    if !child.wait()?.success() {
        bail!("the guest's half does not compile");
    }
    Ok(files)
}

/// The names of the guest's packages: boot loader, kernel, the library for C, and the packages in `userland`.
///
/// # Errors
/// If cargo cannot read the workspace.
pub fn packages() -> Result<Vec<String>> {
    Ok([BOOT, KERNEL, LIBRARY].map(String::from).into_iter().chain(userland()?).collect())
}

/// The names of the packages in `userland`.
fn userland() -> Result<Vec<String>> {
    let metadata: Metadata =
        MetadataCommand::new().current_dir(project::root()).no_deps().exec().context("cannot read the workspace")?;
    let userland = project::root().join("userland");
    let packages = metadata.packages.into_iter().filter(|package| package.manifest_path.starts_with(&userland));
    Ok(packages.map(|package| package.name.to_string()).collect())
}
