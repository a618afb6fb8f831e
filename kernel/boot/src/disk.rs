//! Sectors of the boot drive, read by the BIOS ("Enhanced Disk Drive Specification", "Extended Read").

use abi::image::SECTOR_SIZE;

use crate::bios::{self, Registers, offset};
use crate::error::BootError;

/// The segment that the BIOS reads to: the first 64 KiB above the loader, since a transfer must not cross a multiple of 64 KiB.
const BUFFER_SEGMENT: u16 = 0x1000;
/// The same as an address.
const BUFFER: usize = (BUFFER_SEGMENT as usize) << 4;
/// The most sectors that one call may ask for; some BIOSes refuse more.
pub const MAX_SECTORS: u16 = 127;
/// A drive may fail once or twice before it gets it right.
const ATTEMPTS: u32 = 3;

const _: () = assert!(MAX_SECTORS as usize * SECTOR_SIZE as usize <= 1 << 16);

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

/// The boot drive, and the buffer that it is read to.
#[derive(Debug)]
pub struct Disk {
    drive: u32,
}

impl Disk {
    /// The drive of this BIOS number.
    ///
    /// # Safety
    /// There must be one `Disk` only: it owns the 64 KiB from 0x1_0000 on.
    pub const unsafe fn new(drive: u32) -> Self {
        Self { drive }
    }

    /// Reads at most [`MAX_SECTORS`] sectors; returns their bytes.
    ///
    /// # Errors
    /// `Unreadable`.
    pub fn read(&mut self, first_sector: u32, sectors: u16) -> Result<&[u8], BootError> {
        let sectors = sectors.min(MAX_SECTORS);
        let mut status = 0;
        for _ in 0..ATTEMPTS {
            let answer = self.try_read(first_sector, sectors);
            if !answer.failed() {
                let len = usize::from(sectors) * SECTOR_SIZE as usize;
                // SAFETY: the BIOS has just filled the buffer, which is ours (see `new`), and `self` stays borrowed as long as the slice.
                return Ok(unsafe { core::slice::from_raw_parts(core::ptr::with_exposed_provenance(BUFFER), len) });
            }
            [_, status, ..] = answer.eax.to_le_bytes();
            self.reset();
        }
        Err(BootError::Unreadable { sector: first_sector, status })
    }

    /// One attempt. The packet is made anew for each, because the BIOS writes the number of sectors read into it.
    fn try_read(&mut self, first_sector: u32, sectors: u16) -> Registers {
        const EXTENDED_READ: u32 = 0x4200;
        let packet = AddressPacket {
            size: 16,
            reserved: 0,
            sectors,
            offset: 0,
            segment: BUFFER_SEGMENT,
            first_sector: [first_sector, 0],
        };
        let registers =
            Registers { eax: EXTENDED_READ, edx: self.drive, esi: offset(&raw const packet), ..Registers::default() };
        // SAFETY: the packet lies on the stack below 0x7C00. The BIOS writes at most 127 sectors, 65,024 bytes, to the buffer, which
        // begins where the linker script has the loader end at the latest, and `self` is not borrowed by a reader of it.
        unsafe { bios::call(0x13, registers) }
    }

    fn reset(&mut self) {
        const RESET: u32 = 0x0000;
        // SAFETY: the call writes to no memory of ours.
        unsafe { bios::call(0x13, Registers { eax: RESET, edx: self.drive, ..Registers::default() }) };
    }
}
