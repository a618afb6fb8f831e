//! What can go wrong with a command, and how the drive says so.

use core::fmt;

bitflags::bitflags! {
    /// The drive's status register (AT Attachment with Packet Interface, "Status register").
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct StatusFlags: u8 {
        /// The command failed; the error register says why.
        const ERROR = 1 << 0;
        /// The drive wants to move data through its data register.
        const DATA_REQUEST = 1 << 3;
        /// The drive itself is broken.
        const DEVICE_FAULT = 1 << 5;
        /// The drive can take commands.
        const READY = 1 << 6;
        /// The drive is at work, and no other bit means anything.
        const BUSY = 1 << 7;
    }

    /// The drive's error register (AT Attachment with Packet Interface, "Error register").
    #[derive(Clone, Copy)]
    struct ErrorFlags: u8 {
        const ABORTED = 1 << 2;
        const ID_NOT_FOUND = 1 << 4;
        const UNCORRECTABLE = 1 << 6;
        const INTERFACE_CRC = 1 << 7;
    }
}

/// Why a request failed. What it moved until then is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskError {
    /// A sector cannot be read any more.
    Uncorrectable,
    /// The drive does not find a sector.
    NotFound,
    /// The drive refused the command.
    Aborted,
    /// Bytes were damaged on the cable.
    Interface,
    /// The drive says that it is broken.
    DeviceFault,
    /// The bus master could not reach memory.
    Bus,
    /// The drive did not answer in time, and was reset.
    Timeout,
    /// The drive did not come back from a reset.
    Dead,
}

impl DiskError {
    /// Whether the same command may well succeed when it is given again.
    pub const fn is_transient(self) -> bool {
        match self {
            // QEMU's drives report every failure of the host's file as "aborted". A drive that was silent has been reset.
            Self::Aborted | Self::Interface | Self::Bus | Self::Timeout => true,
            Self::Uncorrectable | Self::NotFound | Self::DeviceFault | Self::Dead => false,
        }
    }

    /// What went wrong, as a phrase in lower case.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Uncorrectable => "a sector is unreadable",
            Self::NotFound => "a sector is not found",
            Self::Aborted => "the disk refused the command",
            Self::Interface => "data were damaged on the way",
            Self::DeviceFault => "the disk reports that it is broken",
            Self::Bus => "the bus master failed",
            Self::Timeout => "the disk did not answer in time",
            Self::Dead => "the disk has stopped answering",
        }
    }
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for DiskError {}

/// What the status of a drive that is no longer busy says about its command. `error` reads the error register, which means
/// something only after a failure.
///
/// # Errors
/// The failure that the drive reports.
pub fn decode_status(status: StatusFlags, error: impl FnOnce() -> u8) -> Result<(), DiskError> {
    if status.contains(StatusFlags::DEVICE_FAULT) {
        return Err(DiskError::DeviceFault);
    }
    if !status.contains(StatusFlags::ERROR) {
        return Ok(());
    }
    let error = ErrorFlags::from_bits_truncate(error());
    // A drive sets "aborted" beside the bit that says why.
    Err(if error.contains(ErrorFlags::UNCORRECTABLE) {
        DiskError::Uncorrectable
    } else if error.contains(ErrorFlags::ID_NOT_FOUND) {
        DiskError::NotFound
    } else if error.contains(ErrorFlags::INTERFACE_CRC) {
        DiskError::Interface
    } else {
        DiskError::Aborted
    })
}

#[cfg(test)]
mod tests {
    use super::{DiskError, StatusFlags, decode_status};

    #[test]
    fn the_reason_beside_aborted_is_the_one_that_counts() {
        let failed = StatusFlags::READY | StatusFlags::ERROR;
        assert_eq!(decode_status(failed, || 0x44), Err(DiskError::Uncorrectable));
        assert_eq!(decode_status(failed, || 0x14), Err(DiskError::NotFound));
        assert_eq!(decode_status(failed, || 0x84), Err(DiskError::Interface));
        assert_eq!(decode_status(failed, || 0x04), Err(DiskError::Aborted));
        assert_eq!(decode_status(failed, || 0x00), Err(DiskError::Aborted));
    }

    #[test]
    fn the_error_register_is_read_only_after_an_error() {
        let unread = || unreachable!("it means nothing now");
        assert_eq!(decode_status(StatusFlags::READY, unread), Ok(()));
        assert_eq!(decode_status(StatusFlags::DEVICE_FAULT | StatusFlags::ERROR, unread), Err(DiskError::DeviceFault));
    }
}
