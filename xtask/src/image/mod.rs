//! The disk image: boot loader, kernel, and a file system with programs and the swap file. See `abi::image` for the layout.

mod boot;
pub mod elf;
mod extra;
mod file;
mod partition;

pub use boot::change_options;
pub use elf::section;
pub use extra::Extra;
pub use file::{AlreadyThere, create, is_there, lock, tell};

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::ExitCode;

use abi::image::{KERNEL_SECTOR, PARTITION_SECTOR, PROGRAM_LIST, SECTOR_SIZE, SWAP_FILE};
use anyhow::{Context, Result, bail};
use fakefs::{BLOCK_SIZE, Volume};
use tempfile::NamedTempFile;

use crate::build::Guest;
use crate::cli::{DiskOptions, ImageOptions};
use crate::kernel_options::KernelOptions;
use crate::project;
use partition::Partition;

/// Room on the file system for files that programs make.
const FREE_BYTES: u64 = 16 << 20;

/// The section of a program's file that says what the program is for; see `libsys::entry`.
const ABOUT: &str = ".about";

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

/// `cargo xtask image`.
pub fn command(options: &ImageOptions) -> Result<ExitCode> {
    let guest = Guest::build()?;
    let path = options.output.clone().unwrap_or_else(|| project::target().join("borrowos.img"));
    let kernel = KernelOptions { words: options.option.clone(), program: options.program.clone() };
    let spec = ImageSpec { guest: &guest, disk: &options.disk, options: &kernel, made_up: &[], sparse: &[] };
    let contents = create(&path, &spec, AlreadyThere::IsReplaced)?;
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
    let swap_blocks = spec.disk.swap_size().in_bytes().div_ceil(u64::from(BLOCK_SIZE));
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
    boot::write_loader(image, spec, kernel.len(), u32::try_from(sectors)?)?;
    boot::write_kernel(image, &kernel)?;
    let mut contents =
        Contents { kernel_bytes: kernel.len(), partition_blocks: u32::try_from(blocks)?, files: BTreeMap::new() };
    write_files(image, spec, &files, &mut contents)?;
    Ok(contents)
}

/// The files of the file system, by name.
fn gather(spec: &ImageSpec<'_>) -> Result<BTreeMap<String, Vec<u8>>> {
    let (mut files, mut list) = (BTreeMap::new(), String::new());
    for (name, path) in &spec.guest.programs {
        let file = read(path)?;
        let stripped = elf::without_sections(&file).with_context(|| format!("{name} is no ELF file"))?;
        files.insert(name.clone(), stripped);
        list += &program_line(name, &file)?;
    }
    files.insert(PROGRAM_LIST.into(), list.into_bytes());
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

/// The program's line in the list of programs: its name, and what it is for if it is for people.
fn program_line(name: &str, file: &[u8]) -> Result<String> {
    let about = String::from_utf8_lossy(section(file, ABOUT)?);
    Ok(if about.is_empty() { format!("{name}\n") } else { format!("{name}  {about}\n") })
}

/// The file system on an image.
///
/// # Errors
/// If there is none, or it is not sound.
pub fn mount(image: &mut File) -> Result<Volume<Partition<'_>>> {
    let blocks =
        image.metadata()?.len() / u64::from(BLOCK_SIZE) - u64::from(PARTITION_SECTOR * SECTOR_SIZE / BLOCK_SIZE);
    let partition = Partition::new(image, PARTITION_SECTOR, u32::try_from(blocks)?);
    Volume::mount(partition).map_err(|error| anyhow::anyhow!("{error}"))
}

fn write_files(
    image: &mut File,
    spec: &ImageSpec<'_>,
    files: &BTreeMap<String, Vec<u8>>,
    contents: &mut Contents,
) -> Result<()> {
    let swap = spec.disk.swap_size();
    let partition = Partition::new(image, PARTITION_SECTOR, contents.partition_blocks);
    let mut volume = Volume::format(partition).map_err(|error| anyhow::anyhow!("{error}"))?;
    let swap_bytes = u32::try_from(swap.in_bytes()).context("the swap file must be smaller than 4G")?;
    if swap_bytes > 0 {
        // First, so that it is in one piece.
        let made = volume.create(SWAP_FILE).and_then(|id| volume.preallocate(id, swap_bytes));
        made.map_err(|error| anyhow::anyhow!("cannot make the swap file: {error}"))?;
        contents.files.insert(SWAP_FILE.into(), swap.in_bytes());
    }
    for (name, bytes) in files {
        let written = volume.create(name).and_then(|id| volume.write_at(id, 0, bytes));
        written.map_err(|error| anyhow::anyhow!("cannot put `{name}` on the disk: {error}"))?;
        contents.files.insert(name.clone(), bytes.len() as u64);
    }
    for &(name, len) in spec.sparse {
        let made = volume.create(name).and_then(|id| volume.preallocate(id, len));
        made.map_err(|error| anyhow::anyhow!("cannot put `{name}` on the disk: {error}"))?;
        contents.files.insert(name.into(), u64::from(len));
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
