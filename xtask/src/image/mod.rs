//! The disk image: boot loader, kernel, and a file system with programs and the swap file. See `abi::image` for the layout.

pub mod elf;
mod partition;

pub use elf::section;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use abi::image::{
    KERNEL_SECTOR, PARAMETERS_COMMAND_LINE_OFFSET, PARAMETERS_KERNEL_LEN_OFFSET, PARAMETERS_MAGIC, PARAMETERS_SECTOR,
    PARTITION_SECTOR, PARTITION_TYPE, PROGRAM_LIST, SECTOR_SIZE, SWAP_FILE,
};
use anyhow::{Context, Result, bail};
use fakefs::{BLOCK_SIZE, FileSystem};
use mbrman::{CHS, MBR, MBRPartitionEntry};
use tempfile::NamedTempFile;

use crate::build::Guest;
use crate::cli::{DiskOptions, ImageOptions};
use crate::kernel_options::KernelOptions;
use crate::project;
use partition::Partition;

/// Room on the file system for files that programs make.
const FREE_BYTES: u64 = 16 << 20;

/// Programs that the machine starts by itself.
const NOT_FOR_PEOPLE: [&str; 1] = ["init"];

/// Where the boot sector is loaded: the loader's ELF file gives physical addresses, which count from here on the image.
const BOOT_START: u32 = 0x7C00;

/// A further file for the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extra {
    /// Where it is on the host.
    pub path: PathBuf,
    /// What it is called on the disk.
    pub name: String,
}

impl FromStr for Extra {
    type Err = String;

    /// `FILE`, or `FILE:NAME`. A file whose own name has a colon is meant if there is one.
    fn from_str(text: &str) -> Result<Self, String> {
        let whole = Path::new(text);
        let (path, name) = match text.rsplit_once(':') {
            Some((path, name)) if !whole.is_file() && !path.is_empty() && !name.is_empty() => {
                (Path::new(path), Some(name))
            }
            _ => (whole, None),
        };
        let own = || path.file_name().and_then(OsStr::to_str);
        let name = name.or_else(own).ok_or_else(|| format!("`{text}` names no file"))?;
        Ok(Self { path: path.to_path_buf(), name: name.into() })
    }
}

/// What goes on an image.
#[derive(Debug)]
pub struct ImageSpec<'a> {
    /// Boot loader, kernel, programs.
    pub guest: &'a Guest,
    /// Swap file and further files.
    pub disk: &'a DiskOptions,
    /// What the kernel is told.
    pub options: &'a KernelOptions,
    /// Files made up by a test: name and contents.
    pub made_up: &'a [(&'a str, Vec<u8>)],
    /// Files made up by a test that nothing is written to: name and length. In the image they are holes.
    pub sparse: &'a [(&'a str, u32)],
}

/// What is on an image, for people.
#[derive(Debug, Default)]
pub struct Contents {
    kernel_bytes: usize,
    partition_blocks: u32,
    files: BTreeMap<String, u64>,
}

/// `cargo xtask image`.
pub fn command(options: &ImageOptions) -> Result<ExitCode> {
    let guest = Guest::build()?;
    let path = options.output.clone().unwrap_or_else(|| project::target().join("borrowos.img"));
    let kernel = KernelOptions { words: options.option.clone(), program: options.program.clone() };
    let spec = ImageSpec { guest: &guest, disk: &options.disk, options: &kernel, made_up: &[], sparse: &[] };
    let mut file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    let contents = write(&mut file, &spec)?;
    println!("{}", path.display());
    contents.print();
    println!("boot it: qemu-system-i386 -m 32M -serial stdio -drive file={},format=raw,if=ide", path.display());
    Ok(ExitCode::SUCCESS)
}

/// Writes an image to a new file in this folder; dropping it removes it.
///
/// # Errors
/// As [`write()`].
pub fn temporary(folder: &Path, spec: &ImageSpec<'_>) -> Result<NamedTempFile> {
    let mut named = tempfile::Builder::new();
    let made = named.prefix("disk-").suffix(".img").tempfile_in(folder);
    let mut file = made.with_context(|| format!("cannot make the disk image in {}", folder.display()))?;
    write(file.as_file_mut(), spec)?;
    Ok(file)
}

/// Writes an image to an empty file.
///
/// # Errors
/// If something does not fit, a file cannot be read, or the image cannot be written.
pub fn write(image: &mut File, spec: &ImageSpec<'_>) -> Result<Contents> {
    let files = gather(spec)?;
    let swap_blocks = spec.disk.swap.in_bytes().div_ceil(u64::from(BLOCK_SIZE));
    let file_blocks: u64 = files.values().map(|bytes| (bytes.len() as u64).div_ceil(u64::from(BLOCK_SIZE))).sum();
    let sparse_blocks: u64 = spec.sparse.iter().map(|(_, len)| u64::from(len.div_ceil(BLOCK_SIZE))).sum();
    let free_blocks = FREE_BYTES / u64::from(BLOCK_SIZE);
    let blocks = u64::from(fakefs::METADATA_BLOCKS) + file_blocks + sparse_blocks + swap_blocks + free_blocks;
    let sectors = blocks * u64::from(BLOCK_SIZE / SECTOR_SIZE);
    let end = u64::from(PARTITION_SECTOR) + sectors;
    // The partition table and the disk driver count sectors with 32 and 28 bits.
    if end >= 1 << 28 {
        bail!("the disk would be larger than 128G; choose a smaller --swap");
    }
    image.set_len(end * u64::from(SECTOR_SIZE))?;
    let kernel = elf::without_sections(&read(&spec.guest.kernel)?).context("the kernel is no ELF file")?;
    write_boot(image, spec, kernel.len(), u32::try_from(sectors)?)?;
    write_kernel(image, &kernel)?;
    let mut contents =
        Contents { kernel_bytes: kernel.len(), partition_blocks: u32::try_from(blocks)?, files: BTreeMap::new() };
    write_files(image, spec, &files, &mut contents)?;
    Ok(contents)
}

/// The files of the file system, by name.
fn gather(spec: &ImageSpec<'_>) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for (name, path) in &spec.guest.programs {
        let stripped = elf::without_sections(&read(path)?).with_context(|| format!("{name} is no ELF file"))?;
        files.insert(name.clone(), stripped);
    }
    files.insert(PROGRAM_LIST.into(), program_list(&spec.guest.purposes).into_bytes());
    for (name, bytes) in spec.made_up {
        files.insert(name.to_string(), bytes.clone());
    }
    for Extra { path, name } in &spec.disk.extras {
        if name == SWAP_FILE {
            bail!("`{SWAP_FILE}` is the swap file's name; put {} under another with FILE:NAME", path.display());
        }
        files.insert(name.clone(), read(path)?);
    }
    Ok(files)
}

/// The list of the programs that are for people: a line for each, with what it is for behind its name.
fn program_list(purposes: &BTreeMap<String, String>) -> String {
    let for_people = purposes.iter().filter(|(name, _)| !NOT_FOR_PEOPLE.contains(&name.as_str()));
    for_people.map(|(name, purpose)| format!("{name}  {purpose}\n")).collect()
}

/// Writes boot sector with partition table, boot parameters, and the second stage.
fn write_boot(image: &mut File, spec: &ImageSpec<'_>, kernel_len: usize, partition_sectors: u32) -> Result<()> {
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
/// If the options are too long or the image cannot be read or written.
pub fn change_options(image: &mut File, options: &KernelOptions) -> Result<()> {
    let mut kernel_len = [0; 4];
    let start = u64::from(PARAMETERS_SECTOR * SECTOR_SIZE) + PARAMETERS_KERNEL_LEN_OFFSET as u64;
    image.seek(SeekFrom::Start(start))?;
    image.read_exact(&mut kernel_len).context("cannot read the image")?;
    let kernel_len = usize::try_from(u32::from_le_bytes(kernel_len))?;
    write_at(image, PARAMETERS_SECTOR, &parameters(kernel_len, &options.line()?)?)
}

/// The file system on an image.
///
/// # Errors
/// If there is none, or it is not sound.
pub fn mount(image: &mut File) -> Result<FileSystem<Partition<'_>>> {
    let blocks =
        image.metadata()?.len() / u64::from(BLOCK_SIZE) - u64::from(PARTITION_SECTOR * SECTOR_SIZE / BLOCK_SIZE);
    let partition = Partition::new(image, PARTITION_SECTOR, u32::try_from(blocks)?);
    FileSystem::mount(partition).map_err(|error| anyhow::anyhow!("{error}"))
}

/// The sector that tells the boot loader how long the kernel is and what to tell it.
fn parameters(kernel_len: usize, command_line: &str) -> Result<Vec<u8>> {
    let mut sector = vec![0; SECTOR_SIZE as usize];
    let mut put = |offset: usize, bytes: &[u8]| sector[offset..offset + bytes.len()].copy_from_slice(bytes);
    put(0, &PARAMETERS_MAGIC);
    put(PARAMETERS_KERNEL_LEN_OFFSET, &u32::try_from(kernel_len)?.to_le_bytes());
    put(PARAMETERS_COMMAND_LINE_OFFSET, command_line.as_bytes());
    Ok(sector)
}

fn write_kernel(image: &mut File, kernel: &[u8]) -> Result<()> {
    let room = ((PARTITION_SECTOR - KERNEL_SECTOR) * SECTOR_SIZE) as usize;
    if kernel.len() > room {
        bail!("the kernel has {} bytes; there is room for {room} in front of the partition", kernel.len());
    }
    write_at(image, KERNEL_SECTOR, kernel)
}

fn write_files(
    image: &mut File,
    spec: &ImageSpec<'_>,
    files: &BTreeMap<String, Vec<u8>>,
    contents: &mut Contents,
) -> Result<()> {
    let swap = spec.disk.swap;
    let partition = Partition::new(image, PARTITION_SECTOR, contents.partition_blocks);
    let mut system = FileSystem::format(partition).map_err(|error| anyhow::anyhow!("{error}"))?;
    let swap_bytes = u32::try_from(swap.in_bytes()).context("the swap file must be smaller than 4G")?;
    // First, so that it is in one piece.
    let made = system.create(SWAP_FILE).and_then(|id| system.preallocate(id, swap_bytes));
    made.map_err(|error| anyhow::anyhow!("cannot make the swap file: {error}"))?;
    contents.files.insert(SWAP_FILE.into(), swap.in_bytes());
    for (name, bytes) in files {
        let written = system.create(name).and_then(|id| system.write_at(id, 0, bytes));
        written.map_err(|error| anyhow::anyhow!("cannot put `{name}` on the disk: {error}"))?;
        contents.files.insert(name.clone(), bytes.len() as u64);
    }
    for &(name, len) in spec.sparse {
        let made = system.create(name).and_then(|id| system.preallocate(id, len));
        made.map_err(|error| anyhow::anyhow!("cannot put `{name}` on the disk: {error}"))?;
        contents.files.insert(name.into(), u64::from(len));
    }
    Ok(())
}

fn write_at(image: &mut File, sector: u32, bytes: &[u8]) -> Result<()> {
    image.seek(SeekFrom::Start(u64::from(sector) * u64::from(SECTOR_SIZE)))?;
    image.write_all(bytes).context("cannot write the image")
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

impl Contents {
    /// Prints what is where.
    pub fn print(&self) {
        let kernel_end = KERNEL_SECTOR as usize + self.kernel_bytes.div_ceil(SECTOR_SIZE as usize);
        println!("  sector        0  boot sector, partition table");
        println!("  sector        1  boot parameters");
        println!("  sectors 2..{KERNEL_SECTOR:<4}  second stage of the boot loader");
        println!("  sectors {KERNEL_SECTOR}..{kernel_end:<4} kernel, {} bytes", self.kernel_bytes);
        println!(
            "  sector {PARTITION_SECTOR:>8}  partition: fakefs, {} blocks of {BLOCK_SIZE} bytes",
            self.partition_blocks
        );
        for (name, bytes) in &self.files {
            println!("    {bytes:>10}  {name}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Extra, parameters};

    #[test]
    fn an_extra_file_may_get_another_name() {
        let extra: Extra = "some/where/tool:mytool".parse().unwrap();
        assert_eq!((extra.path.as_path(), extra.name.as_str()), (Path::new("some/where/tool"), "mytool"));
        let extra: Extra = "some/where/tool".parse().unwrap();
        assert_eq!((extra.path.as_path(), extra.name.as_str()), (Path::new("some/where/tool"), "tool"));
        assert!("..".parse::<Extra>().is_err());
    }

    #[test]
    fn parameters_lie_where_the_boot_loader_looks() {
        let sector = parameters(0x0102_0304, "seed=1").unwrap();
        assert_eq!(&sector[..12], b"BorrowOS\x04\x03\x02\x01");
        assert_eq!(&sector[16..23], b"seed=1\0");
        assert_eq!(sector.len(), 512);
    }
}
