//! Sectors of the boot drive, read by the BIOS ("Enhanced Disk Drive Specification", "Extended Read").

use abi::image::SECTOR_SIZE;

use crate::bios::{self, Registers, offset};
use crate::error::BootError;

/// The segment that the BIOS reads to: the first 64 KiB above the loader.
const BUFFER_SEGMENT: u16 = 0x1000;
/// The same as an address.
const BUFFER: usize = (BUFFER_SEGMENT as usize) << 4;
/// The most sectors that one call may ask for.
pub const MAX_SECTORS: u16 = 127;
/// A drive may fail once or twice before it gets it right.
const ATTEMPTS: u32 = 3;

/// The disk address packet.
#[repr(C)]
struct AddressPacket {
    size: u8,
    reserved: u8,
    sectors: u16,
    offset: u16,
    segment: u16,
    first_sector: [u32; 2],
}

/// Reads at most [`MAX_SECTORS`] sectors; returns the buffer, which the next call overwrites.
///
/// # Errors
/// `Unreadable`.
pub fn read(drive: u32, first_sector: u32, sectors: u16) -> Result<&'static [u8], BootError> {
    let sectors = sectors.min(MAX_SECTORS);
    let mut status = 0;
    for _ in 0..ATTEMPTS {
        let packet = AddressPacket {
            size: 16,
            reserved: 0,
            sectors,
            offset: 0,
            segment: BUFFER_SEGMENT,
            first_sector: [first_sector, 0],
        };
        let registers = Registers { eax: 0x4200, edx: drive, esi: offset(&raw const packet), ..Registers::default() };
        // SAFETY: the packet lies on the stack below 0x7C00. The BIOS writes at most 127 sectors, 65,024 bytes, to the buffer, which
        // begins where the linker script has the loader end at the latest.
        let answer = unsafe { bios::call(0x13, registers) };
        if !answer.failed() {
            let len = usize::from(sectors) * SECTOR_SIZE as usize;
            // SAFETY: the buffer was just filled; it is read before the next call of this function, as the text above says.
            return Ok(unsafe { core::slice::from_raw_parts(core::ptr::with_exposed_provenance(BUFFER), len) });
        }
        let [_, code, ..] = answer.eax.to_le_bytes();
        status = code;
    }
    Err(BootError::Unreadable { sector: first_sector, status })
}
