//! Debian's compiler, unpacked under `target/`: it comes with its library's source. Nothing is installed and no rights are needed.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use super::packages::in_path;
use super::toolchain::has_library_source;
use crate::console::step;
use crate::project;

/// The compiler that Debian keeps new enough for its web browsers, its lints, and its library's source.
const PACKAGES: [&str; 3] = ["rustc-web", "rust-web-clippy", "rust-web-src"];

/// A compiler that was unpacked.
#[derive(Clone, Debug)]
pub struct Unpacked {
    folder: PathBuf,
}

impl Unpacked {
    /// The compiler.
    pub fn rustc(&self) -> PathBuf {
        self.folder.join("bin/rustc")
    }

    /// The compiler with lints.
    pub fn clippy_driver(&self) -> PathBuf {
        self.folder.join("bin/clippy-driver")
    }
}

impl fmt::Display for Unpacked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Debian's, unpacked in {}", self.folder.display())
    }
}

/// The compiler that was unpacked before, if it is whole.
pub fn find() -> Option<Unpacked> {
    let unpacked = Unpacked { folder: project::toolchain() };
    // The wrappers are made last.
    unpacked.clippy_driver().is_file().then_some(unpacked)
}

/// The machine has Debian's tools.
pub fn is_possible() -> bool {
    ["apt-get", "dpkg"].into_iter().all(|tool| in_path(tool).is_some())
}

/// Fetches the packages and unpacks them.
///
/// # Errors
/// If Debian has no such packages, or they cannot be fetched.
pub fn fetch() -> Result<Unpacked> {
    step("Fetching Debian's Rust compiler into target/toolchain (nothing is installed)");
    let folder = project::toolchain();
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot remove what is left of an earlier attempt")?;
    }
    let apt = Apt::new(&folder)?;
    step("  reading the lists of packages");
    apt.run(["update"])?;
    let packages = apt.needed()?;
    apt.download(&packages)?;
    unpack(&apt.downloads, &folder.join("root"))?;
    let unpacked = Unpacked { folder };
    write_wrappers(&unpacked)?;
    fs::remove_dir_all(&apt.folder).context("cannot remove the packages after unpacking them")?;
    Ok(unpacked)
}

/// Debian's package tool with folders of its own, so that it needs no rights and changes nothing of the system's.
struct Apt {
    folder: PathBuf,
    downloads: PathBuf,
}

impl Apt {
    fn new(toolchain: &Path) -> Result<Self> {
        let folder = toolchain.join("apt");
        let downloads = folder.join("downloads");
        for part in ["lists/partial", "cache/archives/partial", "downloads"] {
            fs::create_dir_all(folder.join(part)).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        Ok(Self { folder, downloads })
    }

    fn command(&self) -> Command {
        let mut command = Command::new("apt-get");
        let option = |name: &str, folder: &str| format!("{name}={}", self.folder.join(folder).display());
        command.args(["-qq", "-o", &option("Dir::State::lists", "lists"), "-o", &option("Dir::Cache", "cache")]);
        // Unpacked by whoever runs this; the system's own user for downloads could not write here.
        command.args(["-o", "APT::Sandbox::User="]).env("LC_ALL", "C").current_dir(&self.downloads);
        command
    }

    fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Result<Output> {
        let output = self.command().args(arguments).output().context("cannot run apt-get")?;
        if !output.status.success() {
            bail!(
                "apt-get failed: {}\nIf this machine is offline, connect it; else `rustup component add rust-src` is the other way.",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(output)
    }

    /// The packages, and those that they need and the machine lacks.
    fn needed(&self) -> Result<Vec<String>> {
        let simulated = ["install", "--simulate", "--no-install-recommends", "--reinstall"];
        let output = self.run(simulated.into_iter().chain(PACKAGES))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let named = |line: &str| Some(line.strip_prefix("Inst ")?.split_whitespace().next()?.to_string());
        Ok(text.lines().filter_map(named).collect())
    }

    fn download(&self, packages: &[String]) -> Result<()> {
        let listed = self.run(["download", "--print-uris"].into_iter().chain(packages.iter().map(String::as_str)))?;
        let total = String::from_utf8_lossy(&listed.stdout).lines().filter_map(size_of_download).sum();
        let bar = ProgressBar::new(total);
        if let Ok(style) = ProgressStyle::with_template("  {bar:30} {bytes} of {total_bytes}") {
            bar.set_style(style);
        }
        step(&format!("  downloading {} packages, {} MB", packages.len(), total / 1_000_000));
        let mut child = self
            .command()
            .arg("download")
            .args(packages)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot run apt-get")?;
        while child.try_wait()?.is_none() {
            bar.set_position(bytes_in(&self.downloads));
            thread::sleep(Duration::from_millis(100));
        }
        bar.finish_and_clear();
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!("apt-get download failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    }
}

/// The third word of a line `'URI' FILE BYTES HASH`.
fn size_of_download(line: &str) -> Option<u64> {
    line.split_whitespace().nth(2)?.parse().ok()
}

fn bytes_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some(entry.metadata().ok()?.len())).sum()
}

fn unpack(packages: &Path, root: &Path) -> Result<()> {
    step("  unpacking");
    for package in fs::read_dir(packages)? {
        let package = package?.path();
        if package.extension() != Some(OsStr::new("deb")) {
            continue;
        }
        let status = Command::new("dpkg").arg("-x").arg(&package).arg(root).status().context("cannot run dpkg")?;
        if !status.success() {
            bail!("dpkg could not unpack {}", package.display());
        }
    }
    if !has_library_source(&root.join("usr")) {
        bail!("Debian's packages do not have the library's source where it was expected, under {}", root.display());
    }
    Ok(())
}

/// Makes scripts that start the tools with the shared libraries unpacked beside them.
fn write_wrappers(unpacked: &Unpacked) -> Result<()> {
    let root = unpacked.folder.join("root/usr");
    let libraries = fs::read_dir(root.join("lib"))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .find(|path| path.join("libLLVM.so").exists() || holds_llvm(path))
        .context("Debian's packages hold no libLLVM")?;
    for wrapper in [unpacked.rustc(), unpacked.clippy_driver()] {
        let name = wrapper.file_name().unwrap_or_default();
        let program = root.join("bin").join(name);
        // Found from where the script lies, so that it serves in a copied checkout, too.
        let relative = |path: &Path| path.strip_prefix(&unpacked.folder).unwrap_or(path).display().to_string();
        let script = format!(
            "#!/bin/sh\nhere=$(cd \"$(dirname \"$0\")/..\" && pwd)\n\
             LD_LIBRARY_PATH=\"$here/{}\"${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\nexport LD_LIBRARY_PATH\n\
             exec \"$here/{}\" \"$@\"\n",
            relative(&libraries),
            relative(&program),
        );
        fs::create_dir_all(unpacked.folder.join("bin"))?;
        fs::write(&wrapper, script)?;
        fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
    }
    let works = Command::new(unpacked.rustc()).arg("--version").output()?;
    if !works.status.success() {
        fs::remove_dir_all(unpacked.folder.join("bin"))?;
        bail!("the unpacked compiler does not start: {}", String::from_utf8_lossy(&works.stderr).trim());
    }
    Ok(())
}

fn holds_llvm(folder: &Path) -> bool {
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    names.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with("libLLVM"))
}

#[cfg(test)]
mod tests {
    use super::size_of_download;

    #[test]
    fn sizes_are_read_from_aptitudes_list() {
        let line = "'http://host/pool/rustc-web_1.96.0_amd64.deb' rustc-web_1.96.0_amd64.deb 4450500 SHA256:8fef";
        assert_eq!(size_of_download(line), Some(4_450_500));
        assert_eq!(size_of_download("Reading lists"), None);
    }
}
