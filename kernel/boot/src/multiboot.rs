//! The last step: what a Multiboot loader tells a kernel ("Multiboot Specification version 0.6.96", "Machine state" and "Boot
//! information format").

use core::arch::asm;

use crate::bios::offset;
use crate::memory_map::MemoryMap;

/// What a Multiboot loader leaves in `eax`.
const LOADER_MAGIC: u32 = 0x2BAD_B002;

/// Which fields are valid.
const HAS_MEMORY: u32 = 1 << 0;
const HAS_COMMAND_LINE: u32 = 1 << 2;
const HAS_MAP: u32 = 1 << 6;
const HAS_NAME: u32 = 1 << 9;

/// The information, as far as it is filled in.
#[repr(C)]
#[derive(Default)]
struct Information {
    flags: u32,
    lower_kib: u32,
    upper_kib: u32,
    boot_device: u32,
    command_line: u32,
    modules: [u32; 2],
    symbols: [u32; 4],
    map_len: u32,
    map: u32,
    drives: [u32; 2],
    configuration: u32,
    loader_name: u32,
}

/// Starts the kernel. Everything it is told lies below 1 MiB, where it writes only after it has read it.
///
/// # Safety
/// `entry` must be the physical address of a loaded kernel's first instruction.
pub unsafe fn start(entry: u32, map: &MemoryMap, command_line: u32) -> ! {
    let kibibytes = |start: u64| u32::try_from(map.available_from(start) >> 10).unwrap_or(u32::MAX);
    let entries = map.entries();
    let information = Information {
        flags: HAS_MEMORY | HAS_COMMAND_LINE | HAS_MAP | HAS_NAME,
        lower_kib: kibibytes(0),
        upper_kib: kibibytes(1 << 20),
        command_line,
        map_len: u32::try_from(size_of_val(entries)).unwrap_or(0),
        map: offset(entries.as_ptr()),
        loader_name: offset(c"BorrowOS boot".as_ptr()),
        ..Information::default()
    };
    // SAFETY: the caller has loaded the kernel. It takes over the machine in the state that Multiboot asks for: flat 32-bit segments
    // (`stage2.s` loads all six), paging and interrupts off, and A20 on.
    unsafe {
        asm!(
            "mov ebx, ecx",
            "jmp edx",
            in("eax") LOADER_MAGIC,
            in("ecx") &raw const information,
            in("edx") entry,
            options(noreturn),
        )
    }
}
