//! Where things lie on the disk image, in 512-byte sectors.
//!
//! ```text
//! sector 0              boot sector and partition table
//! sector 1              boot parameters, written by the image builder
//! sectors 2..64         second stage of the boot loader
//! sectors 64..          kernel (a 32-bit ELF file)
//! sectors 2048..        first partition: fakefs
//! ```

/// Bytes in a sector.
pub const SECTOR_SIZE: u32 = 512;

/// The sector of the boot parameters.
pub const PARAMETERS_SECTOR: u32 = 1;
/// The second stage's first sector.
pub const STAGE2_SECTOR: u32 = 2;
/// How many sectors the second stage may fill.
pub const STAGE2_MAX_SECTORS: u32 = 62;
/// The kernel file's first sector.
pub const KERNEL_SECTOR: u32 = 64;
/// The partition's first sector: 1 MiB, which is a whole number of pages.
pub const PARTITION_SECTOR: u32 = 2048;
/// The MBR partition type of a fakefs partition (0x7F is set aside for experiments).
pub const PARTITION_TYPE: u8 = 0x7F;

/// First bytes of the boot parameters: `"BorrowOS"`.
pub const PARAMETERS_MAGIC: [u8; 8] = *b"BorrowOS";
/// Offset of the kernel file's length in bytes (`u32`, little-endian) in the boot parameters.
pub const PARAMETERS_KERNEL_LEN_OFFSET: usize = 8;
/// Offset of the kernel command line (UTF-8, ended by a zero byte) in the boot parameters.
pub const PARAMETERS_COMMAND_LINE_OFFSET: usize = 16;
/// The fewest process frames with which the machine starts (`frames=N`): page tables of init, of the
/// shell and of a program that the shell starts, and the reserve that is never promised.
pub const FRAMES_MIN: u32 = 20;
/// The longest kernel command line, without its terminating zero.
pub const COMMAND_LINE_MAX_BYTES: usize = 512 - PARAMETERS_COMMAND_LINE_OFFSET - 1;

/// The name of the swap file on the file system.
pub const SWAP_FILE: &str = "swap";

/// The name of a file with a line for each program of the image: its name and, if it is for people, two spaces and what it is for.
pub const PROGRAM_LIST: &str = "programs.txt";

/// The port at which the kernel leaves lines for the host that started it (QEMU's `isa-debugcon`).
pub const HOST_CONSOLE_PORT: u16 = 0xE9;
/// The line that the kernel leaves there once what is typed at its console is not lost.
pub const HOST_READY_LINE: &str = "ready";
/// The line that the kernel leaves there before its status if it could not save all files.
pub const HOST_UNSAVED_LINE: &str = "unsaved";
/// The port that ends QEMU (`isa-debug-exit`).
pub const HOST_EXIT_PORT: u16 = 0xF4;
/// Writing this to [`HOST_EXIT_PORT`] makes QEMU exit with [`HOST_EXIT_STATUS`].
pub const HOST_EXIT_VALUE: u8 = 0x10;
/// QEMU's exit status after an orderly shutdown: `value << 1 | 1`. A triple fault or a bad option never gives it.
pub const HOST_EXIT_STATUS: i32 = (HOST_EXIT_VALUE as i32) << 1 | 1;
