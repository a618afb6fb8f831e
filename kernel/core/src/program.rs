//! Checks of program files: a 32-bit ELF executable for the i386, laid out so that its pages can be read on demand.

use core::fmt;

use abi::layout::{CODE_END, CODE_START};
use arrayvec::ArrayVec;
use goblin::container::{Container, Ctx, Endian};
use goblin::elf::Elf;
use goblin::elf::header::{EM_386, ET_EXEC, Header};
use goblin::elf::program_header::{PF_R, PF_W, PF_X, PT_LOAD, ProgramHeader};
use scroll::Pread;

use crate::addr::{PAGE_SIZE, Page, VirtAddr};
use crate::vm_pool::Rights;

/// The most loadable segments of a program.
pub const MAX_SEGMENTS: usize = 8;

/// A part of a program: pages of its file that appear as pages of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The first page in memory.
    pub first_page: Page,
    /// How many pages.
    pub page_count: u32,
    /// What the program may do with them.
    pub rights: Rights,
    /// The page of the file that the first page shows.
    pub file_first_page: u32,
    /// How many bytes, from the start of the first page, come from the file; zeros follow.
    pub file_len_bytes: u32,
}

impl Segment {
    const fn end(&self) -> u32 {
        self.first_page.number() + self.page_count
    }
}

/// A program that can be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramImage {
    /// Where it starts.
    pub entry: VirtAddr,
    /// Its parts; no two share a page.
    pub segments: ArrayVec<Segment, MAX_SEGMENTS>,
}

/// Why a file is not a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotExecutable {
    /// It is no ELF file, or one for another kind of machine.
    NotElf386,
    /// Its program headers do not lie in the file's first page.
    HeadersTooFar,
    /// It has more than [`MAX_SEGMENTS`] loadable segments, or none.
    SegmentCount,
    /// A segment lies outside the code pool, or its sizes make no sense.
    BadRange,
    /// A segment's address and file offset differ within a page.
    Misaligned,
    /// A segment goes on behind the end of the file: the file was cut short.
    CutShort,
    /// Two segments share a page.
    Overlap,
    /// A segment is writable and executable.
    WritableText,
    /// The entry is in no executable segment.
    BadEntry,
}

impl fmt::Display for NotExecutable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotElf386 => "no 32-bit ELF file for the i386",
            Self::HeadersTooFar => "its program headers do not lie in the first page",
            Self::SegmentCount => "too many loadable segments, or none",
            Self::BadRange => "a segment lies outside the program area",
            Self::Misaligned => "a segment's address and file offset differ within a page",
            Self::CutShort => "the file is cut short",
            Self::Overlap => "two segments share a page",
            Self::WritableText => "a segment is writable and executable",
            Self::BadEntry => "the entry is in no executable segment",
        })
    }
}

/// The first bytes of the file that [`ProgramImage::parse`] needs: this many, or all if the file is shorter.
pub const HEAD_BYTES: usize = PAGE_SIZE as usize;

const CONTEXT: Ctx = Ctx { container: Container::Little, le: Endian::Little };

impl ProgramImage {
    /// Checks a program file of `file_len_bytes` bytes by its `head`, the first [`HEAD_BYTES`] of them or all there are (System V ABI,
    /// "Object Files" and "Program Header").
    ///
    /// # Errors
    /// [`NotExecutable`] names the rule of the loader's that it breaks. No bytes make this panic.
    pub fn parse(head: &[u8], file_len_bytes: u32) -> Result<Self, NotExecutable> {
        const HEADER_BYTES: usize = 52;
        let elf: Header = match head.get(..HEADER_BYTES) {
            Some(bytes) if bytes.starts_with(b"\x7FELF\x01\x01") => {
                Elf::parse_header(bytes).map_err(|_| NotExecutable::NotElf386)?
            }
            _ => return Err(NotExecutable::NotElf386),
        };
        if elf.e_machine != EM_386 || elf.e_type != ET_EXEC || usize::from(elf.e_phentsize) != PROGRAM_HEADER_BYTES {
            return Err(NotExecutable::NotElf386);
        }
        let mut segments = ArrayVec::new();
        for header in program_headers(head, &elf)? {
            let header = header?;
            if header.p_type == PT_LOAD && header.p_memsz > 0 {
                segments.try_push(check_segment(&header, file_len_bytes)?).map_err(|_| NotExecutable::SegmentCount)?;
            }
        }
        check_overlap(&segments)?;
        let entry = VirtAddr::new(u32::try_from(elf.e_entry).map_err(|_| NotExecutable::BadEntry)?);
        let holds_entry = |segment: &Segment| {
            let page = Page::containing(entry).number();
            segment.rights.contains(Rights::EXECUTE) && (segment.first_page.number()..segment.end()).contains(&page)
        };
        if segments.iter().any(holds_entry) { Ok(Self { entry, segments }) } else { Err(NotExecutable::BadEntry) }
    }
}

const PROGRAM_HEADER_BYTES: usize = 32;
/// The most program headers, loadable or not, that are looked at.
const MAX_HEADERS: usize = 32;

/// The program headers, each decoded when its turn comes: all together would need memory or a good part of a kernel stack.
fn program_headers(
    head: &[u8],
    elf: &Header,
) -> Result<impl Iterator<Item = Result<ProgramHeader, NotExecutable>>, NotExecutable> {
    let start = usize::try_from(elf.e_phoff).map_err(|_| NotExecutable::HeadersTooFar)?;
    let count = usize::from(elf.e_phnum);
    if count > MAX_HEADERS {
        return Err(NotExecutable::SegmentCount);
    }
    let end = start.checked_add(count * PROGRAM_HEADER_BYTES).ok_or(NotExecutable::HeadersTooFar)?;
    let table = head.get(start..end).ok_or(NotExecutable::HeadersTooFar)?;
    let decode = |bytes: &[u8]| bytes.pread_with(0, CONTEXT).map_err(|_| NotExecutable::HeadersTooFar);
    Ok(table.chunks_exact(PROGRAM_HEADER_BYTES).map(decode))
}

fn check_segment(header: &ProgramHeader, file_len_bytes: u32) -> Result<Segment, NotExecutable> {
    let word = |value: u64| u32::try_from(value).map_err(|_| NotExecutable::BadRange);
    let (start, len, file_len) = (word(header.p_vaddr)?, word(header.p_memsz)?, word(header.p_filesz)?);
    let offset = word(header.p_offset)?;
    let end = start.checked_add(len).filter(|&end| end <= CODE_END && start >= CODE_START);
    let end = end.filter(|_| file_len <= len).ok_or(NotExecutable::BadRange)?;
    if start % PAGE_SIZE != offset % PAGE_SIZE {
        return Err(NotExecutable::Misaligned);
    }
    if offset.checked_add(file_len).is_none_or(|file_end| file_end > file_len_bytes) {
        return Err(NotExecutable::CutShort);
    }
    let rights = rights_of(header.p_flags);
    if rights.contains(Rights::WRITE | Rights::EXECUTE) {
        return Err(NotExecutable::WritableText);
    }
    let first_page = Page::containing(VirtAddr::new(start));
    Ok(Segment {
        first_page,
        page_count: end.div_ceil(PAGE_SIZE) - first_page.number(),
        rights,
        file_first_page: offset / PAGE_SIZE,
        file_len_bytes: if file_len == 0 { 0 } else { start % PAGE_SIZE + file_len },
    })
}

fn rights_of(flags: u32) -> Rights {
    let mut rights = Rights::empty();
    rights.set(Rights::READ, flags & PF_R != 0);
    rights.set(Rights::WRITE, flags & PF_W != 0);
    rights.set(Rights::EXECUTE, flags & PF_X != 0);
    rights
}

fn check_overlap(segments: &[Segment]) -> Result<(), NotExecutable> {
    if segments.is_empty() {
        return Err(NotExecutable::SegmentCount);
    }
    for (index, segment) in segments.iter().enumerate() {
        let shares =
            |other: &Segment| segment.first_page.number() < other.end() && other.first_page.number() < segment.end();
        if segments[..index].iter().any(shares) {
            return Err(NotExecutable::Overlap);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
