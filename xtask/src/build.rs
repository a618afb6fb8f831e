//! Compiling the guest's half: boot loader, kernel and programs, in one go.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use cargo_metadata::{Message, Metadata, MetadataCommand, Package};

use crate::project;
use crate::setup::Toolchain;

/// The boot loader's name.
const BOOT: &str = "boot";
/// The kernel's name.
const KERNEL: &str = "kernel";

/// The library for programs in C.
const LIBRARY: &str = "borrow";

/// What was compiled.
#[derive(Clone, Debug)]
pub struct Guest {
    /// The boot loader's ELF file.
    pub boot: PathBuf,
    /// The kernel's.
    pub kernel: PathBuf,
    /// The library for programs in C.
    pub library: PathBuf,
    /// The programs', by name.
    pub programs: BTreeMap<String, PathBuf>,
    /// What the programs for people are for, in a line each: the descriptions of their packages.
    pub purposes: BTreeMap<String, String>,
}

impl Guest {
    /// Compiles everything, with whatever is missing set up first.
    ///
    /// # Errors
    /// If something is missing or does not compile.
    pub fn build() -> Result<Self> {
        Self::build_profile("guest")
    }

    /// The same with debug assertions: the kernel compares its books after every page fault.
    ///
    /// # Errors
    /// As [`Guest::build`].
    pub fn build_with_assertions() -> Result<Self> {
        Self::build_profile("guest-debug")
    }

    fn build_profile(profile: &str) -> Result<Self> {
        let toolchain = Toolchain::ready()?;
        let userland = userland()?;
        let mut cargo = toolchain.cargo_with_profile("build", profile);
        cargo.args(packages()?.iter().flat_map(|name| ["-p", name]));
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
            bail!("the guest's programs do not compile");
        }
        let mut take = |name: &str| files.remove(name).with_context(|| format!("`{name}` was not built"));
        let (boot, kernel, library) = (take(BOOT)?, take(KERNEL)?, take(LIBRARY)?);
        let purposes = userland.into_iter().filter(|package| files.contains_key(package.name.as_str()));
        let purposes = purposes.map(|package| (package.name.to_string(), package.description.unwrap_or_default()));
        Ok(Self { boot, kernel, library, purposes: purposes.collect(), programs: files })
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

/// The guest's packages: boot loader, kernel, the library for C, and whatever is in `userland`.
///
/// # Errors
/// If cargo cannot read the workspace.
pub fn packages() -> Result<Vec<String>> {
    let programs = userland()?.into_iter().map(|package| package.name.to_string());
    Ok([BOOT.into(), KERNEL.into(), LIBRARY.into()].into_iter().chain(programs).collect())
}

/// The packages in `userland`.
fn userland() -> Result<Vec<Package>> {
    let metadata: Metadata =
        MetadataCommand::new().current_dir(project::root()).no_deps().exec().context("cannot read the workspace")?;
    let userland = project::root().join("userland");
    Ok(metadata.packages.into_iter().filter(|package| package.manifest_path.starts_with(&userland)).collect())
}
