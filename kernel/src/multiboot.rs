//! What the boot loader tells the kernel ("Multiboot Specification version 0.6.96", "Boot information format").

use arrayvec::{ArrayString, ArrayVec};
use kcore::addr::PhysAddr;
use kcore::memory_map::MapEntry;

use crate::memory::layout::direct;

/// What a Multiboot loader leaves in `eax`.
const LOADER_MAGIC: u32 = 0x2BAD_B002;

/// Flags that say which fields are valid.
const HAS_MEMORY: u32 = 1 << 0;
const HAS_COMMAND_LINE: u32 = 1 << 2;
const HAS_MAP: u32 = 1 << 6;

/// Offsets of the fields, in bytes.
const MEM_UPPER: u32 = 8;
const COMMAND_LINE: u32 = 16;
const MAP_LENGTH: u32 = 44;
const MAP_ADDRESS: u32 = 48;

/// How much of physical memory the boot mapping shows.
const MAPPED_BYTES: u32 = 8 << 20;

/// The most entries of the map that are looked at; firmware reports about ten.
const MAX_ENTRIES: usize = 64;
/// The longest command line.
const COMMAND_LINE_MAX: usize = abi::image::COMMAND_LINE_MAX_BYTES;

/// The boot loader's information, copied to where nothing overwrites it.
pub struct BootInfo {
    map: ArrayVec<MapEntry, MAX_ENTRIES>,
    command_line: ArrayString<COMMAND_LINE_MAX>,
}

impl BootInfo {
    /// Reads the information at physical address `at`, while the boot mapping shows it.
    ///
    /// # Panics
    /// If the kernel was not started by a Multiboot loader.
    pub fn read(magic: u32, at: PhysAddr) -> Self {
        assert!(magic == LOADER_MAGIC, "the boot loader does not speak Multiboot (eax = {magic:#x})");
        let field = |offset| word(PhysAddr::new(at.raw().saturating_add(offset)));
        let flags = field(0);
        let mut info = Self { map: ArrayVec::new(), command_line: ArrayString::new() };
        if flags & HAS_COMMAND_LINE != 0 {
            info.read_command_line(field(COMMAND_LINE));
        }
        if flags & HAS_MAP != 0 {
            info.read_map(field(MAP_ADDRESS), field(MAP_LENGTH));
        } else if flags & HAS_MEMORY != 0 {
            let len = u64::from(field(MEM_UPPER)) * 1024;
            info.map.push(MapEntry { base: 1 << 20, len, is_ram: true });
        }
        info
    }

    /// What the firmware says of memory.
    pub fn memory_map(&self) -> &[MapEntry] {
        &self.map
    }

    /// What the user told the kernel, without the kernel's name that some loaders put in front.
    pub fn command_line(&self) -> &str {
        let line = self.command_line.as_str();
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        if first.contains('/') { rest } else { line }
    }

    fn read_command_line(&mut self, at: u32) {
        for offset in 0..u32::try_from(COMMAND_LINE_MAX).unwrap_or(0) {
            let address = at.saturating_add(offset);
            let [byte, ..] = (word(PhysAddr::new(address & !3)) >> ((address & 3) * 8)).to_le_bytes();
            let is_text = byte.is_ascii() && byte != 0;
            if !is_text || self.command_line.try_push(char::from(byte)).is_err() {
                return;
            }
        }
    }

    /// Each entry is preceded by its size, which does not count itself.
    fn read_map(&mut self, start: u32, len_bytes: u32) {
        const AVAILABLE: u32 = 1;
        let end = start.saturating_add(len_bytes);
        let mut at = start;
        while at < end && !self.map.is_full() {
            let field = |offset: u32| word(PhysAddr::new(at.saturating_add(offset)));
            let wide = |offset: u32| u64::from(field(offset)) | u64::from(field(offset + 4)) << 32;
            self.map.push(MapEntry { base: wide(4), len: wide(12), is_ram: field(20) == AVAILABLE });
            at = at.saturating_add(field(0)).saturating_add(4);
        }
    }
}

/// A word of physical memory; 0 where the boot mapping does not reach.
fn word(at: PhysAddr) -> u32 {
    if at.raw() > MAPPED_BYTES - 4 {
        return 0;
    }
    let place = core::ptr::with_exposed_provenance::<u32>(direct(at).raw() as usize);
    // SAFETY: `boot.s` maps the first 8 MiB at the start of the direct map, and the word lies within; any bits are a word.
    unsafe { place.read_unaligned() }
}
