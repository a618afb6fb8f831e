//! What memory there is, as the BIOS tells it (ACPI Specification, "INT 15H, E820H - Query System Address Map"; Ralf Brown's Interrupt List
//! for the older ways).

use crate::bios::{self, Registers, offset};
use crate::error::BootError;

/// The most entries that are kept; firmware reports about ten.
const MAX_ENTRIES: usize = 64;
/// An entry's type: memory for everybody.
const AVAILABLE: u32 = 1;

/// An entry, in the form that Multiboot hands to the kernel: the size of what follows, base, length, type.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Entry {
    size: u32,
    base: [u32; 2],
    len: [u32; 2],
    kind: u32,
}

/// Bytes of an entry behind its size.
const ENTRY_BYTES: u32 = 20;

impl Entry {
    const fn available(base: u32, len: u32) -> Self {
        Self { size: ENTRY_BYTES, base: [base, 0], len: [len, 0], kind: AVAILABLE }
    }

    fn start(&self) -> u64 {
        u64::from(self.base[0]) | u64::from(self.base[1]) << 32
    }

    fn end(&self) -> u64 {
        self.start().saturating_add(u64::from(self.len[0]) | u64::from(self.len[1]) << 32)
    }
}

/// All entries.
#[derive(Clone, Debug)]
pub struct MemoryMap {
    entries: [Entry; MAX_ENTRIES],
    count: usize,
}

impl MemoryMap {
    /// The entries.
    pub fn entries(&self) -> &[Entry] {
        &self.entries[..self.count]
    }

    /// How many bytes of memory follow each other from `start` on.
    pub fn available_from(&self, start: u64) -> u64 {
        let mut end = start;
        // Firmware may report one stretch in parts, and in any order.
        while let Some(entry) =
            self.entries().iter().find(|entry| entry.kind == AVAILABLE && entry.start() <= end && entry.end() > end)
        {
            end = entry.end();
        }
        end - start
    }

    fn push(&mut self, entry: Entry) {
        if let Some(place) = self.entries.get_mut(self.count) {
            *place = entry;
            self.count += 1;
        }
    }
}

/// Asks the BIOS.
///
/// # Errors
/// `NoMemoryMap` if it knows none of the ways to be asked.
pub fn read() -> Result<MemoryMap, BootError> {
    let mut map = MemoryMap { entries: [Entry::default(); MAX_ENTRIES], count: 0 };
    read_e820(&mut map);
    if map.count == 0 {
        read_conventional(&mut map);
        if !read_e801(&mut map) && !read_88(&mut map) {
            return Err(BootError::NoMemoryMap);
        }
    }
    Ok(map)
}

/// One call for each entry; `ebx` says which is next, 0 after the last.
fn read_e820(map: &mut MemoryMap) {
    const SIGNATURE: u32 = u32::from_be_bytes(*b"SMAP");
    let mut next = 0;
    for _ in 0..MAX_ENTRIES {
        let mut entry = Entry { size: ENTRY_BYTES, ..Entry::default() };
        let registers = Registers {
            eax: 0xE820,
            ebx: next,
            ecx: ENTRY_BYTES,
            edx: SIGNATURE,
            edi: offset(&raw mut entry.base),
            ..Registers::default()
        };
        // SAFETY: the BIOS writes 20 bytes, from `base` to the entry's end, which lies on the stack below 0x7C00.
        let answer = unsafe { bios::call(0x15, registers) };
        if answer.failed() || answer.eax != SIGNATURE {
            return;
        }
        map.push(entry);
        next = answer.ebx;
        if next == 0 {
            return;
        }
    }
}

/// INT 12h: kibibytes from 0 on. It cannot fail.
fn read_conventional(map: &mut MemoryMap) {
    // SAFETY: the call writes to no memory.
    let answer = unsafe { bios::call(0x12, Registers::default()) };
    map.push(Entry::available(0, low(answer.eax) << 10));
}

/// INT 15h, E801h: kibibytes from 1 MiB to 16 MiB in `cx`, blocks of 64 KiB from 16 MiB on in `dx`; some BIOSes use `ax` and `bx`.
/// Returns whether the BIOS knows it.
fn read_e801(map: &mut MemoryMap) -> bool {
    // SAFETY: the call writes to no memory.
    let answer = unsafe { bios::call(0x15, Registers { eax: 0xE801, ..Registers::default() }) };
    let (kibibytes, blocks) =
        if low(answer.ecx) != 0 { (low(answer.ecx), low(answer.edx)) } else { (low(answer.eax), low(answer.ebx)) };
    if answer.failed() || kibibytes == 0 {
        return false;
    }
    map.push(Entry::available(1 << 20, kibibytes << 10));
    map.push(Entry::available(16 << 20, blocks << 16));
    true
}

/// INT 15h, 88h: kibibytes from 1 MiB on in `ax`, at most 64 MiB. Returns whether the BIOS knows it.
fn read_88(map: &mut MemoryMap) -> bool {
    // SAFETY: the call writes to no memory.
    let answer = unsafe { bios::call(0x15, Registers { eax: 0x8800, ..Registers::default() }) };
    if answer.failed() {
        return false;
    }
    map.push(Entry::available(1 << 20, low(answer.eax) << 10));
    true
}

/// The 16-bit half of a register.
const fn low(register: u32) -> u32 {
    register & 0xFFFF
}
