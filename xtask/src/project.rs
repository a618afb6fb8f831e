//! Where things are in the checkout.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Result, bail};

/// The target that kernel and programs are compiled for. Its instruction set ends with the Pentium's: no SSE.
pub const GUEST_TARGET: &str = "i586-unknown-linux-gnu";

/// The checkout, once it was looked for.
static ROOT: OnceLock<Option<PathBuf>> = OnceLock::new();

/// Finds the checkout.
///
/// # Errors
/// If this process runs outside of any checkout.
pub fn check() -> Result<()> {
    if found().is_none() {
        bail!("this is no checkout of BorrowOS; start `cargo xtask` in one");
    }
    Ok(())
}

/// The checkout: the one whose xtask `cargo` runs, or the one that the current folder is in. It is looked for at run time, since a
/// checkout may have been copied together with an xtask that was compiled elsewhere.
pub fn root() -> &'static Path {
    found().unwrap_or(Path::new("."))
}

fn found() -> Option<&'static Path> {
    let find = || find(env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from), env::current_dir().ok());
    ROOT.get_or_init(find).as_deref()
}

/// The checkout that has `manifest_folder`, the package that cargo runs, as its xtask; otherwise the one around `current`.
fn find(manifest_folder: Option<PathBuf>, current: Option<PathBuf>) -> Option<PathBuf> {
    let run_by_cargo = manifest_folder.filter(|folder| folder.ends_with("xtask"));
    let run_by_cargo = run_by_cargo.and_then(|folder| Some(folder.parent()?.to_path_buf()));
    let around = current.iter().flat_map(|folder| folder.ancestors()).map(Path::to_path_buf);
    run_by_cargo.into_iter().chain(around).find(|folder| is_checkout(folder))
}

fn is_checkout(folder: &Path) -> bool {
    ["Cargo.toml", "xtask/Cargo.toml", "kernel/Cargo.toml"].iter().all(|part| folder.join(part).is_file())
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{find, root};

    fn make_checkout(folder: &Path) {
        for part in ["", "xtask", "kernel", "docs"] {
            fs::create_dir_all(folder.join(part)).unwrap();
            fs::write(folder.join(part).join("Cargo.toml"), "").unwrap();
        }
    }

    #[test]
    fn checkout_is_that_of_the_package_that_cargo_runs() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["one", "other"].map(|name| folder.path().join(name));
        [&one, &other].into_iter().for_each(|checkout| make_checkout(checkout));
        assert_eq!(find(Some(one.join("xtask")), Some(other.join("docs"))), Some(one));
        // Another package's tool, or none, has started this process.
        for started_by in [Some(folder.path().join("tool")), Some(other.join("kernel")), None] {
            assert_eq!(find(started_by, Some(other.join("docs"))), Some(other.clone()));
        }
        assert_eq!(find(None, Some(folder.path().to_path_buf())), None);
        assert_eq!(find(None, None), None);
    }

    /// What a build script prints stays in the `target` folder, which may be copied with the checkout.
    #[test]
    fn build_scripts_print_no_absolute_path() {
        for package in ["libsys", "kernel", "kernel/boot"] {
            let script = fs::read_to_string(root().join(package).join("build.rs")).unwrap();
            assert!(!script.contains("CARGO_MANIFEST_DIR"), "{package}");
        }
    }

    #[test]
    fn root_is_this_checkout() {
        assert!(root().join("libsys/abi/src/syscall.rs").is_file());
    }
}
