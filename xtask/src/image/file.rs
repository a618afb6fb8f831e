//! Images as files of the user's own: made whole or not at all, and booted again and again.

use std::fs::{self, File, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::io::Errno;

use super::{Contents, ImageSpec, change_options, write};
use crate::kernel_options::KernelOptions;

/// What becomes of a file that is where an image is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlreadyThere {
    /// It stays, and that is an error.
    IsKept,
    /// The image takes its place. A machine that runs with it keeps the old one.
    IsReplaced,
}

/// There is a file of this name.
///
/// # Errors
/// If what is there is no file that an image can be in, or there is not even a folder for one.
pub fn is_there(path: &Path) -> Result<bool> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(true),
        Ok(found) if found.is_dir() => bail!("{} is a folder; give the name of a file", path.display()),
        Ok(_) => bail!("{} is no ordinary file; an image must be in one", path.display()),
        Err(error) if error.kind() == ErrorKind::NotFound => match folder(path) {
            folder if folder.is_dir() => Ok(false),
            folder => bail!("there is no folder {}", folder.display()),
        },
        Err(error) => Err(error).with_context(|| format!("cannot look at {}", path.display())),
    }
}

/// Makes an image. It has its name only when it is complete.
///
/// # Errors
/// As [`write()`]; and if there is something already that is not to be replaced.
pub fn create(path: &Path, spec: &ImageSpec<'_>, already_there: AlreadyThere) -> Result<Contents> {
    let failed = || format!("cannot make {}", path.display());
    // Behind a link, the file it leads to is what is replaced.
    let path = if is_there(path)? { fs::canonicalize(path).with_context(failed)? } else { path.to_path_buf() };
    // As for any new file, the user's own mask takes rights away from these.
    let mut file = tempfile::Builder::new()
        .prefix(".borrowos-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder(&path))
        .with_context(failed)?;
    let contents = write(file.as_file_mut(), spec)?;
    match already_there {
        AlreadyThere::IsKept => file.persist_noclobber(&path),
        AlreadyThere::IsReplaced => file.persist(&path),
    }
    .map_err(|error| error.error)
    .with_context(failed)?;
    Ok(contents)
}

/// The folder that the file is in, or is to be in.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Has an image that no machine runs with tell the kernel something else. If that cannot be, it is as it was.
///
/// # Errors
/// If it is no image, cannot be read and written, or a machine runs with it.
pub fn tell(path: &Path, options: &KernelOptions) -> Result<()> {
    // The lock is gone when the file is closed: the machine that is booted next is to have it.
    change_options(&mut lock(path)?, options).with_context(|| format!("cannot boot {}", path.display()))
}

/// Opens an image that no machine runs with. Until the file is closed, no machine can be started with it.
///
/// # Errors
/// If it cannot be read and written, or a machine runs with it.
pub fn lock(path: &Path) -> Result<File> {
    let image = File::options().read(true).write(true).open(path);
    let image = image.with_context(|| format!("cannot boot {}", path.display()))?;
    // QEMU locks bytes of its images in this way, so that a machine is noticed, too; for Bochs, xtask does. On a file system without
    // locks neither is.
    if let Err(Errno::AGAIN | Errno::ACCESS) = fcntl_lock(&image, FlockOperation::NonBlockingLockExclusive) {
        bail!("{} is in use: end the machine that runs with it, or give another file", path.display());
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use mbrman::{CHS, MBR, MBRPartitionEntry};

    use super::super::boot::parameters;
    use super::{is_there, tell};
    use crate::kernel_options::KernelOptions;

    /// All of an image that is looked at before it boots: partition table, parameters, length.
    fn image() -> Vec<u8> {
        let mut bytes = vec![0; 4096];
        let mut cursor = std::io::Cursor::new(&mut bytes);
        let mut mbr = MBR::new_from(&mut cursor, 512, *b"test").unwrap();
        let (first_chs, last_chs) = (CHS::empty(), CHS::empty());
        mbr[1] = MBRPartitionEntry { boot: 0, first_chs, sys: 0x7F, last_chs, starting_lba: 2, sectors: 6 };
        mbr.write_into(&mut cursor).unwrap();
        bytes[512..1024].copy_from_slice(&parameters(0x0102_0304, "seed=1 -- hello").unwrap());
        bytes
    }

    fn options() -> KernelOptions {
        KernelOptions { words: vec!["pio".into()], program: Vec::new() }
    }

    #[test]
    fn an_image_is_told_something_else_and_keeps_all_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.img");
        fs::write(&path, image()).unwrap();
        tell(&path, &options()).unwrap();
        let mut expected = image();
        expected[512..1024].copy_from_slice(&parameters(0x0102_0304, "pio").unwrap());
        assert!(fs::read(&path).unwrap() == expected);
    }

    #[test]
    fn what_is_no_image_is_not_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.img");
        let spoiled = |at: usize| {
            let mut bytes = image();
            bytes[at] ^= 1;
            bytes
        };
        // The signature of the partition table, a partition's type, the magic.
        let mut files = vec![(Vec::new(), "no disk image"), (b"a text".to_vec(), "no disk image")];
        files.extend([510, 446 + 4, 512].map(|at| (spoiled(at), "no disk image")));
        files.extend([(image()[..4095].to_vec(), "4095 bytes of 4096"), (image()[..700].to_vec(), "no disk image")]);
        for (bytes, reason) in files {
            fs::write(&path, &bytes).unwrap();
            let error = format!("{:#}", tell(&path, &options()).unwrap_err());
            assert!(error.contains("a.img") && error.contains(reason), "{error}");
            assert!(fs::read(&path).unwrap() == bytes, "{reason}");
        }
    }

    #[test]
    fn options_that_do_not_fit_change_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.img");
        fs::write(&path, image()).unwrap();
        let options = KernelOptions { words: Vec::new(), program: vec!["x".repeat(600)] };
        assert!(tell(&path, &options).is_err());
        assert!(fs::read(&path).unwrap() == image());
    }

    #[test]
    fn an_image_is_in_a_file_and_a_new_one_in_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let refusal = |path: &Path| is_there(path).unwrap_err().to_string();
        assert!(!is_there(&at("new.img")).unwrap());
        assert!(!is_there(Path::new("certainly-not-there.img")).unwrap());
        fs::write(at("old.img"), "").unwrap();
        symlink("old.img", at("link")).unwrap();
        assert!(is_there(&at("old.img")).unwrap() && is_there(&at("link")).unwrap());
        assert!(refusal(folder.path()).contains("is a folder"));
        assert!(refusal(Path::new("/dev/null")).contains("no ordinary file"));
        assert!(refusal(&at("none/new.img")).contains("there is no folder"));
    }
}
