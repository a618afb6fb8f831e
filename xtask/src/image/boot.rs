//! What lies in front of the partition: boot sector, boot parameters, second stage, kernel.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use abi::image::{
    KERNEL_SECTOR, PARAMETERS_COMMAND_LINE_OFFSET, PARAMETERS_KERNEL_LEN_OFFSET, PARAMETERS_MAGIC, PARAMETERS_SECTOR,
    PARTITION_SECTOR, PARTITION_TYPE, SECTOR_SIZE,
};
use anyhow::{Context, Result, bail};
use mbrman::{CHS, MBR, MBRPartitionEntry};

use super::{ImageSpec, elf, read};
use crate::kernel_options::KernelOptions;

/// Where the boot sector is loaded: the loader's ELF file gives physical addresses, which count from here on the image.
const BOOT_START: u32 = 0x7C00;

/// Writes boot sector with partition table, boot parameters, and the second stage.
pub(super) fn write_loader(
    image: &mut File,
    spec: &ImageSpec<'_>,
    kernel_len: usize,
    partition_sectors: u32,
) -> Result<()> {
    let loader = elf::memory(&read(&spec.guest.boot)?, BOOT_START).context("the boot loader cannot be used")?;
    if loader.len() > (KERNEL_SECTOR * SECTOR_SIZE) as usize {
        bail!("the boot loader has {} bytes and reaches into the kernel's sectors", loader.len());
    }
    let mut mbr = MBR::new_from(image, SECTOR_SIZE, *b"BRWO")?;
    let code = mbr.header.bootstrap_code.len();
    mbr.header.bootstrap_code.copy_from_slice(loader.get(..code).context("the boot loader is too short")?);
    mbr[1] = MBRPartitionEntry {
        boot: mbrman::BOOT_ACTIVE,
        first_chs: CHS::empty(),
        sys: PARTITION_TYPE,
        last_chs: CHS::empty(),
        starting_lba: PARTITION_SECTOR,
        sectors: partition_sectors,
    };
    mbr.write_into(image)?;
    write_at(image, PARAMETERS_SECTOR, &parameters(kernel_len, &spec.options.line()?)?)?;
    let behind_parameters = PARAMETERS_SECTOR + 1;
    let stage2 = loader.get((behind_parameters * SECTOR_SIZE) as usize..).unwrap_or_default();
    write_at(image, behind_parameters, stage2)
}

/// Has a finished image tell the kernel something else.
///
/// # Errors
/// If the options are too long, the file is no image, or it cannot be read or written. Then it is as it was.
pub fn change_options(image: &mut File, options: &KernelOptions) -> Result<()> {
    let kernel_len = kernel_len(image)?;
    write_at(image, PARAMETERS_SECTOR, &parameters(kernel_len, &options.line()?)?)
}

/// How long the kernel on a finished image is.
///
/// # Errors
/// If the file is no image, has not all of its partition, or cannot be read.
fn kernel_len(image: &mut File) -> Result<usize> {
    const NO_IMAGE: &str = "it is no disk image of BorrowOS";
    let mbr = MBR::read_from(image, SECTOR_SIZE).context(NO_IMAGE)?;
    let mut sector = [0; SECTOR_SIZE as usize];
    image.seek(SeekFrom::Start(u64::from(PARAMETERS_SECTOR * SECTOR_SIZE)))?;
    image.read_exact(&mut sector).context(NO_IMAGE)?;
    let partition = &mbr[1];
    if partition.sys != PARTITION_TYPE || !sector.starts_with(&PARAMETERS_MAGIC) {
        bail!(NO_IMAGE);
    }
    let end = (u64::from(partition.starting_lba) + u64::from(partition.sectors)) * u64::from(SECTOR_SIZE);
    let len = image.metadata()?.len();
    if len < end {
        bail!("it is cut short: there are {len} bytes of {end}");
    }
    let word = sector[PARAMETERS_KERNEL_LEN_OFFSET..].first_chunk().copied().unwrap_or_default();
    Ok(usize::try_from(u32::from_le_bytes(word))?)
}

/// The sector that tells the boot loader how long the kernel is and what to tell it.
pub(super) fn parameters(kernel_len: usize, command_line: &str) -> Result<Vec<u8>> {
    let mut sector = vec![0; SECTOR_SIZE as usize];
    let mut put = |offset: usize, bytes: &[u8]| sector[offset..offset + bytes.len()].copy_from_slice(bytes);
    put(0, &PARAMETERS_MAGIC);
    put(PARAMETERS_KERNEL_LEN_OFFSET, &u32::try_from(kernel_len)?.to_le_bytes());
    put(PARAMETERS_COMMAND_LINE_OFFSET, command_line.as_bytes());
    Ok(sector)
}

/// Writes the kernel where the boot loader looks for it.
pub(super) fn write_kernel(image: &mut File, kernel: &[u8]) -> Result<()> {
    let room = ((PARTITION_SECTOR - KERNEL_SECTOR) * SECTOR_SIZE) as usize;
    if kernel.len() > room {
        bail!("the kernel has {} bytes; there is room for {room} in front of the partition", kernel.len());
    }
    write_at(image, KERNEL_SECTOR, kernel)
}

fn write_at(image: &mut File, sector: u32, bytes: &[u8]) -> Result<()> {
    image.seek(SeekFrom::Start(u64::from(sector) * u64::from(SECTOR_SIZE)))?;
    image.write_all(bytes).context("cannot write the image")
}

#[cfg(test)]
mod tests {
    use super::parameters;

    #[test]
    fn parameters_lie_where_the_boot_loader_looks() {
        let sector = parameters(0x0102_0304, "seed=1").unwrap();
        assert_eq!(&sector[..12], b"BorrowOS\x04\x03\x02\x01");
        assert_eq!(&sector[16..23], b"seed=1\0");
        assert_eq!(sector.len(), 512);
    }
}
