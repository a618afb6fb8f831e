//! What is behind a handle, and what it can do.

use abi::Errno;
use abi::device::{DeviceKind, FileInfo};

use super::RandomBytes;

/// How the console is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsoleMode {
    /// A line at a time, which can be corrected while it is typed.
    Lines,
    /// Keys as they come, neither shown nor understood.
    Keys {
        /// How long a read waits at most.
        milliseconds: Option<u32>,
    },
}

/// An open file: `F` is what keeps it open.
#[derive(Debug)]
pub struct OpenFile<F> {
    /// Which.
    pub file: F,
    /// The byte that is read or written next.
    pub position: u32,
}

impl<F> OpenFile<F> {
    /// Takes the next `len_bytes` bytes for one reader or writer, and returns where they begin. Another one who shares the file goes on
    /// behind them, even while the first still waits for the disk.
    pub const fn claim(&mut self, len_bytes: u32) -> u32 {
        let start = self.position;
        self.position = start.saturating_add(len_bytes);
        start
    }

    /// Of a claim of `len_bytes` from `start` on, only `done` bytes were used. The rest is given back unless somebody went on behind it.
    pub const fn settle(&mut self, start: u32, len_bytes: u32, done: u32) {
        if self.position == start.saturating_add(len_bytes) {
            self.position = start.saturating_add(done);
        }
    }
}

/// A device that was opened.
#[derive(Debug)]
pub enum Device<F> {
    /// A file.
    File(OpenFile<F>),
    /// Random bytes.
    Random(RandomBytes),
    /// The console.
    Console(ConsoleMode),
    /// What is written to it is gone, and there is nothing to read.
    Null,
}

impl<F> Device<F> {
    /// A file at its beginning.
    pub const fn file(file: F) -> Self {
        Self::File(OpenFile { file, position: 0 })
    }

    /// The file, for what only files can do: being mapped and brought onto the disk.
    ///
    /// # Errors
    /// `NotSupported` for other devices.
    pub const fn as_file(&mut self) -> Result<&mut OpenFile<F>, Errno> {
        match self {
            Self::File(file) => Ok(file),
            _ => Err(Errno::NotSupported),
        }
    }

    /// A file's position becomes `offset`; random bytes go on by `offset`.
    ///
    /// # Errors
    /// `NotSupported` for the console: what was typed comes in order. Nothing, for `null`.
    pub const fn seek(&mut self, offset: u32) -> Result<(), Errno> {
        match self {
            Self::File(file) => file.position = offset,
            Self::Random(bytes) => bytes.skip(offset),
            Self::Console(_) => return Err(Errno::NotSupported),
            Self::Null => {}
        }
        Ok(())
    }

    /// What is told of it; `len_of` knows the lengths of files.
    pub fn info(&self, len_of: impl FnOnce(&F) -> u32) -> FileInfo {
        match self {
            Self::File(OpenFile { file, position }) => {
                FileInfo { len_bytes: len_of(file), position: *position, device: DeviceKind::File }
            }
            Self::Random(bytes) => {
                // The lower half, as files have it.
                let position = u32::try_from(bytes.position() & u64::from(u32::MAX)).unwrap_or(0);
                FileInfo { len_bytes: 0, position, device: DeviceKind::Random }
            }
            Self::Console(_) => FileInfo { len_bytes: 0, position: 0, device: DeviceKind::Console },
            Self::Null => FileInfo { len_bytes: 0, position: 0, device: DeviceKind::Null },
        }
    }
}

#[cfg(test)]
mod tests {
    use abi::Errno;
    use abi::device::{DeviceKind, FileInfo};
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{ConsoleMode, Device, OpenFile};
    use crate::vfs::RandomBytes;

    #[test]
    fn each_device_can_do_what_makes_sense() {
        let mut file = Device::file("notes");
        file.seek(7).unwrap();
        assert_eq!(file.info(|_| 20), FileInfo { len_bytes: 20, position: 7, device: DeviceKind::File });
        assert_eq!(file.as_file().unwrap().file, "notes");

        let mut random = Device::<&str>::Random(RandomBytes::new(1));
        random.seek(7).unwrap();
        random.seek(7).unwrap();
        assert_eq!(random.info(|_| 20), FileInfo { len_bytes: 0, position: 14, device: DeviceKind::Random });

        let mut console = Device::<&str>::Console(ConsoleMode::Lines);
        assert_eq!(console.seek(0), Err(Errno::NotSupported));
        assert_eq!(Device::<&str>::Null.seek(5), Ok(()));
        for mut device in [random, console, Device::Null] {
            assert_eq!(device.as_file().err(), Some(Errno::NotSupported));
        }
    }

    proptest! {
        /// Writers that share a file, each of which claims, waits, and settles in any order.
        #[test]
        fn claims_never_overlap(steps in proptest::collection::vec((any::<bool>(), 0u32..100, 0u32..100), 0..60)) {
            let mut file = OpenFile { file: (), position: 0 };
            let mut open: Vec<(u32, u32, u32)> = Vec::new();
            let mut used: Vec<(u32, u32)> = Vec::new();
            for (claims, len, part) in steps {
                if claims || open.is_empty() {
                    open.push((file.claim(len), len, part.min(len)));
                } else {
                    let (start, len, done) = open.swap_remove(part as usize % open.len());
                    file.settle(start, len, done);
                    used.push((start, start + done));
                }
            }
            used.extend(open.iter().map(|&(start, len, _)| (start, start + len)));
            used.retain(|(start, end)| start < end);
            used.sort_unstable();
            prop_assert_eq!(used.windows(2).find(|pair| pair[0].1 > pair[1].0), None);
        }
    }
}
