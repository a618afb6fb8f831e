//! The boot parameters, which the boot sector has read to 0x7E00 together with the second stage.

use abi::image::{
    KERNEL_SECTOR, PARAMETERS_COMMAND_LINE_OFFSET, PARAMETERS_KERNEL_LEN_OFFSET, PARTITION_SECTOR, SECTOR_SIZE,
};

use crate::error::BootError;

const ADDRESS: usize = 0x7E00;

/// What the image builder wants us to know.
#[derive(Clone, Copy, Debug)]
pub struct Parameters {
    /// The kernel file's length in bytes.
    pub kernel_len: u32,
    /// Where the kernel's command line is, ended by a zero byte.
    pub command_line: u32,
}

/// Reads the parameters. The boot sector has checked that they are there.
///
/// # Errors
/// `Parameters` if the kernel cannot have the length they say, or the command line does not end.
pub fn read() -> Result<Parameters, BootError> {
    // SAFETY: the boot sector has read the sector to this address, and nothing writes there any more.
    let sector: &[u8; SECTOR_SIZE as usize] = unsafe { &*core::ptr::with_exposed_provenance(ADDRESS) };
    let len = sector.get(PARAMETERS_KERNEL_LEN_OFFSET..).and_then(|bytes| bytes.first_chunk());
    let kernel_len = u32::from_le_bytes(*len.ok_or(BootError::Parameters)?);
    let room = (PARTITION_SECTOR - KERNEL_SECTOR) * SECTOR_SIZE;
    if kernel_len == 0 || kernel_len > room || !sector[PARAMETERS_COMMAND_LINE_OFFSET..].contains(&0) {
        return Err(BootError::Parameters);
    }
    let command_line = u32::try_from(ADDRESS + PARAMETERS_COMMAND_LINE_OFFSET).map_err(|_| BootError::Parameters)?;
    Ok(Parameters { kernel_len, command_line })
}
