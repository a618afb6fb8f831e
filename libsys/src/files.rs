//! The files on the disk, read, written, and mapped into memory; and other devices, which are opened by name as files are.

mod mapping;

use core::mem::ManuallyDrop;

use crate::Error;
use abi::device::FileInfo;
use abi::record::DirectoryEntry;

use crate::call;
use crate::memory::{address, filled, length};
pub use mapping::{MapAccess, MappedFile};

/// An open file, closed when dropped.
///
/// ```no_run
/// use libsys::files::File;
///
/// let mut notes = File::create("notes.txt")?;
/// notes.write_all(b"Buy milk.\n")?;
/// notes.sync()?;
/// # Ok::<(), libsys::Error>(())
/// ```
#[derive(Debug)]
pub struct File {
    handle: u32,
}

impl File {
    /// Opens the file of this name, at its beginning, or another device: `random SEED`, `console`, `console keys`, `null`.
    ///
    /// ```no_run
    /// use libsys::{Error, files::File};
    ///
    /// let mut bytes = [0; 16];
    /// File::open("random 42")?.read(&mut bytes)?;
    /// assert_eq!(File::open("no such thing").err(), Some(Error::NoSuchFile));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// `NoSuchFile`, `BadName`, `NotPermitted` for the swap file, `NotSupported` for keys of a console that is no terminal, `TooManyOpen`,
    /// `OutOfMemory`.
    pub fn open(name: &str) -> Result<Self, Error> {
        call::open(address(name.as_ptr()), length(name.len())).map(|handle| Self { handle })
    }

    /// Makes an empty file and opens it.
    ///
    /// ```no_run
    /// libsys::files::File::create("new")?.write_all(b"contents")?;
    /// # Ok::<(), libsys::Error>(())
    /// ```
    ///
    /// # Errors
    /// `AlreadyExists`, `BadName`, `DiskFull`, `TooManyOpen`, `OutOfMemory`, `Io`.
    pub fn create(name: &str) -> Result<Self, Error> {
        call::create(address(name.as_ptr()), length(name.len())).map(|handle| Self { handle })
    }

    /// The handle, for calls that libsys has no function for.
    ///
    /// ```no_run
    /// let file = libsys::files::File::open("hello")?;
    /// assert!(file.handle() > 2, "those below are what the program began with");
    /// # Ok::<(), libsys::Error>(())
    /// ```
    pub const fn handle(&self) -> u32 {
        self.handle
    }

    /// Reads at most as many bytes as `buffer` holds; returns how many. None at the end of the file.
    ///
    /// ```no_run
    /// let mut magic = [0; 4];
    /// libsys::files::File::open("hello")?.read(&mut magic)?;
    /// assert_eq!(&magic, b"\x7FELF");
    /// # Ok::<(), libsys::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Io`, `OutOfMemory`; `TimedOut` for a console's keys if none was pressed in time.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        call::read(self.handle, address(buffer.as_mut_ptr()), length(buffer.len())).map(|count| count as usize)
    }

    /// Writes bytes; returns how many.
    ///
    /// ```no_run
    /// let count = libsys::files::File::create("new")?.write(b"contents")?;
    /// libsys::println!("{count} bytes written");
    /// # Ok::<(), libsys::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Busy` if it is a running program, `DiskFull`, `Io`, `OutOfMemory`; `NotSupported` for random bytes.
    pub fn write(&mut self, data: &[u8]) -> Result<usize, Error> {
        call::write(self.handle, address(data.as_ptr()), length(data.len())).map(|count| count as usize)
    }

    /// Writes all of the bytes.
    ///
    /// ```no_run
    /// libsys::files::File::create("zeros")?.write_all(&[0; 10_000])?;
    /// # Ok::<(), libsys::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`File::write`]; some may have been written then.
    pub fn write_all(&mut self, data: &[u8]) -> Result<(), Error> {
        let mut rest = data;
        while !rest.is_empty() {
            let count = self.write(rest)?;
            rest = rest.get(count..).unwrap_or_default();
        }
        Ok(())
    }

    /// Makes byte `offset` the next one that is read or written. What is skipped behind the end reads as zeros once something was
    /// written behind it.
    ///
    /// ```no_run
    /// let mut file = libsys::files::File::open("hello")?;
    /// file.seek(file.len()?)?;
    /// assert_eq!(file.read(&mut [0; 10]), Ok(0));
    /// # Ok::<(), libsys::Error>(())
    /// ```
    ///
    /// # Errors
    /// `NotSupported` for the console, whose bytes come in order; none for a file.
    pub fn seek(&mut self, offset: u32) -> Result<(), Error> {
        call::seek(self.handle, offset).map(|_| ())
    }

    /// How many bytes the file has.
    ///
    /// ```no_run
    /// assert!(libsys::files::File::open("hello")?.len()? > 0);
    /// # Ok::<(), libsys::Error>(())
    /// ```
    ///
    /// # Errors
    /// None, for a file that is open.
    #[expect(clippy::len_without_is_empty, reason = "asking costs a call that can fail")]
    pub fn len(&self) -> Result<u32, Error> {
        Ok(self.info()?.len_bytes)
    }

    /// What there is to know of it: its length, its position, and which kind of device it is.
    ///
    /// ```no_run
    /// use libsys::abi::device::DeviceKind;
    ///
    /// let random = libsys::files::File::open("random 42")?;
    /// assert_eq!(random.info()?.device, DeviceKind::Random);
    /// # Ok::<(), libsys::Error>(())
    /// ```
    ///
    /// # Errors
    /// None, for a file that is open.
    pub fn info(&self) -> Result<FileInfo, Error> {
        filled(|info| call::stat(self.handle, info))
    }

    /// Brings all changes of the file onto the disk, whoever made them.
    ///
    /// ```no_run
    /// libsys::files::File::open("notes.txt")?.sync()?;
    /// # Ok::<(), libsys::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Io` if some could not be written, `NotSupported` if it is no file.
    pub fn sync(&self) -> Result<(), Error> {
        call::sync(self.handle).map(|_| ())
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // It was open, and closing what is open cannot fail.
        let _ = call::close(self.handle);
    }
}

/// The program's standard output, which stays open when this is dropped. `print!` is for text.
///
/// ```no_run
/// use libsys::abi::device::DeviceKind;
///
/// let is_on_console = libsys::files::standard_output().info()?.device == DeviceKind::Console;
/// # Ok::<(), libsys::Error>(())
/// ```
pub const fn standard_output() -> ManuallyDrop<File> {
    ManuallyDrop::new(File { handle: 1 })
}

/// The program's standard input, which stays open when this is dropped.
///
/// ```no_run
/// let mut byte = [0];
/// if libsys::files::standard_input().read(&mut byte)? == 0 {
///     libsys::println!("that was all");
/// }
/// # Ok::<(), libsys::Error>(())
/// ```
pub const fn standard_input() -> ManuallyDrop<File> {
    ManuallyDrop::new(File { handle: 0 })
}

/// Removes a file's name. Open files and mappings stay usable until they are closed; then the file is gone.
///
/// ```no_run
/// libsys::files::remove("notes.txt")?;
/// # Ok::<(), libsys::Error>(())
/// ```
///
/// # Errors
/// `NoSuchFile`, `BadName`, `NotPermitted` for the swap file. `Io`: the file has its name still; if the machine is switched off before the
/// disk works again, it may be gone.
pub fn remove(name: &str) -> Result<(), Error> {
    call::remove(address(name.as_ptr()), length(name.len())).map(|_| ())
}

/// The entries of the directory, one after the other.
///
/// ```no_run
/// for file in libsys::files::directory() {
///     libsys::println!("{:>10}  {}", file.len_bytes(), file.name());
/// }
/// ```
pub fn directory() -> impl Iterator<Item = DirectoryEntry> {
    (0..).map_while(|index| filled(|entry| call::read_directory(index, entry)).ok())
}
