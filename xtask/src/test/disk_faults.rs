//! Disks that fail at chosen places, by QEMU's `blkdebug` driver.

use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path, PathBuf};

use abi::image::{PARTITION_SECTOR, SECTOR_SIZE};
use anyhow::{Context, Result};
use fakefs::BLOCK_SIZE;

use crate::image;

const SECTORS_PER_BLOCK: u32 = BLOCK_SIZE / SECTOR_SIZE;

/// A place at which a disk fails.
#[derive(Clone, Debug)]
pub struct DiskFault {
    place: Place,
    direction: &'static str,
    once: bool,
}

#[derive(Clone, Debug)]
enum Place {
    /// These pages of a file.
    Pages(&'static str, Range<u32>),
    /// These blocks of the file system.
    Blocks(Range<u32>),
}

impl DiskFault {
    /// These pages of a file can never be read.
    pub const fn read(file: &'static str, pages: Range<u32>) -> Self {
        Self { place: Place::Pages(file, pages), direction: "read", once: false }
    }

    /// These pages of a file can never be written.
    pub const fn write(file: &'static str, pages: Range<u32>) -> Self {
        Self { place: Place::Pages(file, pages), direction: "write", once: false }
    }

    /// These blocks of the file system can never be read.
    pub const fn read_blocks(blocks: Range<u32>) -> Self {
        Self { place: Place::Blocks(blocks), direction: "read", once: false }
    }

    /// These blocks of the file system can never be written.
    pub const fn write_blocks(blocks: Range<u32>) -> Self {
        Self { place: Place::Blocks(blocks), direction: "write", once: false }
    }

    /// Each of the pages or blocks fails only the first time.
    pub const fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// The first sector of each page or block. A request that touches it fails.
    fn sectors(&self, image: &mut File) -> Result<Vec<u32>> {
        let blocks = match &self.place {
            Place::Blocks(blocks) => blocks.clone().collect(),
            Place::Pages(name, pages) => {
                let volume = image::mount(image)?;
                let files = volume.files();
                let id = files.lookup(name).with_context(|| format!("there is no file `{name}` to fail"))?;
                let block = |page| files.block_of(id, page).map(fakefs::BlockIndex::number);
                let blocks: Option<Vec<u32>> = pages.clone().map(block).collect();
                blocks.with_context(|| format!("`{name}` has no pages {pages:?} to fail"))?
            }
        };
        Ok(blocks.into_iter().map(|block| PARTITION_SECTOR + block * SECTORS_PER_BLOCK).collect())
    }
}

/// Writes the driver's configuration for the disk on this image; `None` for a disk that never fails.
pub fn prepare(faults: &[DiskFault], image: &mut File, folder: &Path) -> Result<Option<PathBuf>> {
    if faults.is_empty() {
        return Ok(None);
    }
    let mut text = String::new();
    for fault in faults {
        for sector in fault.sectors(image)? {
            text.push_str(&rule(fault, sector));
        }
    }
    let path = folder.join("disk-faults");
    fs::write(&path, text).context("cannot write the disk's faults")?;
    Ok(Some(path))
}

fn rule(fault: &DiskFault, sector: u32) -> String {
    let DiskFault { direction, once, .. } = fault;
    let once = if *once { "on" } else { "off" };
    // The event of no request at all: then the rule holds from the start.
    format!("[inject-error]\nevent = \"none\"\niotype = \"{direction}\"\nsector = \"{sector}\"\nonce = \"{once}\"\n\n")
}
