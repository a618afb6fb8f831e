//! What of an ELF file goes on the image.

use anyhow::{Context, Result, bail};
use goblin::elf::Elf;
use goblin::elf::program_header::PT_LOAD;

/// Offsets of header fields (System V ABI, "ELF Header"): where the section headers are, and how many.
const SECTION_TABLE_OFFSET: usize = 0x20;
const SECTION_COUNT: usize = 0x30;
const SECTION_NAMES: usize = 0x32;

/// The file without what loading does not need: sections behind the last segment, symbols and debug information among them.
///
/// # Errors
/// If it is no 32-bit ELF file.
pub fn without_sections(file: &[u8]) -> Result<Vec<u8>> {
    let elf = parse(file)?;
    let segments = elf.program_headers.iter().filter(|header| header.p_type == PT_LOAD);
    let end = segments.map(|header| header.file_range().end).max().context("nothing in it is to be loaded")?;
    let mut kept = file.get(..end).context("it is cut short")?.to_vec();
    kept[SECTION_TABLE_OFFSET..SECTION_TABLE_OFFSET + 4].fill(0);
    kept[SECTION_COUNT..SECTION_COUNT + 2].fill(0);
    kept[SECTION_NAMES..SECTION_NAMES + 2].fill(0);
    Ok(kept)
}

/// The bytes of the file's segments as they lie in memory from physical address `start` on, up to the last that is in the file.
///
/// # Errors
/// If it is no 32-bit ELF file, or a segment lies below `start`.
pub fn memory(file: &[u8], start: u32) -> Result<Vec<u8>> {
    let elf = parse(file)?;
    let mut memory = Vec::new();
    for header in elf.program_headers.iter().filter(|header| header.p_type == PT_LOAD && header.p_filesz > 0) {
        let Some(at) = header.p_paddr.checked_sub(u64::from(start)) else {
            bail!("a segment lies at {:#x}, below {start:#x}", header.p_paddr);
        };
        let bytes = file.get(header.file_range()).context("it is cut short")?;
        let end = usize::try_from(at)? + bytes.len();
        if memory.len() < end {
            memory.resize(end, 0);
        }
        memory[end - bytes.len()..end].copy_from_slice(bytes);
    }
    Ok(memory)
}

/// The bytes of a section; empty if there is none of that name.
///
/// # Errors
/// If it is no 32-bit ELF file.
pub fn section<'a>(file: &'a [u8], name: &str) -> Result<&'a [u8]> {
    let elf = parse(file)?;
    let found = elf.section_headers.iter().find(|header| elf.shdr_strtab.get_at(header.sh_name) == Some(name));
    let range = found.and_then(|header| header.file_range());
    range.map_or(Ok(&[][..]), |range| file.get(range).context("it is cut short"))
}

/// The address of the one symbol whose name contains `part`.
///
/// # Errors
/// If it is no 32-bit ELF file, or no symbol or several are called so.
pub fn symbol(file: &[u8], part: &str) -> Result<u64> {
    let elf = parse(file)?;
    let named = |at: usize| elf.strtab.get_at(at).is_some_and(|name| name.contains(part));
    let mut found = elf.syms.iter().filter(|symbol| named(symbol.st_name));
    match (found.next(), found.next()) {
        (Some(symbol), None) => Ok(symbol.st_value),
        (None, _) => bail!("no symbol is called `{part}`"),
        (Some(_), Some(_)) => bail!("several symbols are called `{part}`"),
    }
}

fn parse(file: &[u8]) -> Result<Elf<'_>> {
    let elf = Elf::parse(file)?;
    if elf.is_64 {
        bail!("it is for a 64-bit machine");
    }
    Ok(elf)
}
