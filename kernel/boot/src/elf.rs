//! The headers of the kernel's file (System V ABI, "Object Files": "ELF Header", "Program Header").

use crate::error::BootError;

/// Where kernels are loaded: the first byte above the BIOS's own memory, and above the loader.
pub const LOWEST: u32 = 1 << 20;
/// The most program headers a kernel may have.
const MAX_SEGMENTS: usize = 8;

const HEADER_BYTES: u32 = 52;
const PROGRAM_HEADER_BYTES: u16 = 32;
/// Class: 32 bits; data: least significant byte first; version: 1.
const IDENTITY: &[u8] = b"\x7FELF\x01\x01\x01";
/// `ET_EXEC`, `EM_386` and `PT_LOAD`.
const EXECUTABLE: u16 = 2;
const I386: u16 = 3;
const LOAD: u32 = 1;

/// A part of the file that goes to memory. The default one is empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Segment {
    /// Where its bytes begin in the file.
    pub file_offset: u32,
    /// How many there are.
    pub file_len: u32,
    /// The physical address they go to.
    pub address: u32,
    /// How many bytes it has in memory; those behind `file_len` are zero.
    pub memory_len: u32,
}

/// What the headers say, checked: segments lie within the file and from [`LOWEST`] on, the entry lies in one of them.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// The physical address of the first instruction.
    pub entry: u32,
    /// The segments, and empty ones.
    pub segments: [Segment; MAX_SEGMENTS],
}

impl Program {
    /// Decodes and checks the headers in a file's first sector. The whole file has `file_len` bytes.
    ///
    /// # Errors
    /// `NotElf`, `NotForI386`, `ProgramHeaders`, `Segment`, `Entry`.
    pub fn parse(sector: &[u8], file_len: u32) -> Result<Self, BootError> {
        let header = Header::decode(sector).ok_or(BootError::NotElf)?;
        if header.kind != EXECUTABLE || header.machine != I386 {
            return Err(BootError::NotForI386 { kind: header.kind, machine: header.machine });
        }
        let table = header.table(sector).ok_or(BootError::ProgramHeaders {
            count: header.count,
            len: header.program_header_len,
            offset: header.program_headers,
        })?;
        let mut program = Self { entry: header.entry, segments: [Segment::default(); MAX_SEGMENTS] };
        let loaded = table.chunks_exact(PROGRAM_HEADER_BYTES.into()).filter_map(Segment::decode);
        for (place, segment) in program.segments.iter_mut().zip(loaded) {
            segment.check(file_len).ok_or(BootError::Segment { segment, file_len })?;
            *place = segment;
        }
        let is_inside = program.segments.iter().any(|segment| segment.holds(header.entry));
        if is_inside { Ok(program) } else { Err(BootError::Entry { entry: header.entry }) }
    }
}

/// The file header, as far as it matters.
struct Header {
    kind: u16,
    machine: u16,
    entry: u32,
    program_headers: u32,
    program_header_len: u16,
    count: u16,
}

impl Header {
    fn decode(sector: &[u8]) -> Option<Self> {
        if !sector.starts_with(IDENTITY) {
            return None;
        }
        Some(Self {
            kind: half(sector, 16)?,
            machine: half(sector, 18)?,
            entry: word(sector, 24)?,
            program_headers: word(sector, 28)?,
            program_header_len: half(sector, 42)?,
            count: half(sector, 44)?,
        })
    }

    /// The program headers. They follow the file header in whatever a linker writes, so the first sector has them all.
    fn table<'sector>(&self, sector: &'sector [u8]) -> Option<&'sector [u8]> {
        let is_plausible = self.program_header_len == PROGRAM_HEADER_BYTES
            && usize::from(self.count) <= MAX_SEGMENTS
            && self.program_headers >= HEADER_BYTES;
        let len = usize::from(self.count) * usize::from(self.program_header_len);
        sector.get(self.program_headers as usize..)?.get(..len).filter(|_| is_plausible)
    }
}

impl Segment {
    /// `None` if the header is of another kind than one to load.
    fn decode(header: &[u8]) -> Option<Self> {
        let segment = Self {
            file_offset: word(header, 4)?,
            address: word(header, 12)?,
            file_len: word(header, 16)?,
            memory_len: word(header, 20)?,
        };
        (word(header, 0)? == LOAD).then_some(segment)
    }

    /// The segment's bytes are in the file, and its place is above the loader.
    fn check(&self, file_len: u32) -> Option<()> {
        let file_end = self.file_offset.checked_add(self.file_len)?;
        self.address.checked_add(self.memory_len)?;
        let is_above = self.address >= LOWEST || self.memory_len == 0;
        (file_end <= file_len && self.file_len <= self.memory_len && is_above).then_some(())
    }

    /// One past its last byte in memory.
    pub const fn end(&self) -> u32 {
        self.address + self.memory_len
    }

    /// A byte of the file goes to this address.
    fn holds(&self, address: u32) -> bool {
        address.checked_sub(self.address).is_some_and(|offset| offset < self.file_len)
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
