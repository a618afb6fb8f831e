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

/// The first parallel port. The kernel prints lines for its host there: emulators put them into a file.
pub const HOST_PRINTER_PORT: u16 = 0x378;
/// The parallel port's control register follows its data and its status.
pub const HOST_PRINTER_CONTROL_PORT: u16 = HOST_PRINTER_PORT + 2;
/// Written to the control register: the printer is selected, and not being initialized.
pub const HOST_PRINTER_SELECTED: u8 = 0b1100;
/// Written to the control register: the printer takes the byte in the data register (STROBE).
pub const HOST_PRINTER_STROBE: u8 = HOST_PRINTER_SELECTED | 1;
/// The line that the kernel prints there once what is typed at its console is not lost.
pub const HOST_READY_LINE: &str = "ready";
/// The line that the kernel prints there before its status if it could not save all files.
pub const HOST_UNSAVED_LINE: &str = "unsaved";

/// The port that ends QEMU (`isa-debug-exit`).
pub const QEMU_EXIT_PORT: u16 = 0xF4;
/// Writing this to [`QEMU_EXIT_PORT`] makes QEMU exit with [`QEMU_EXIT_STATUS`].
pub const QEMU_EXIT_VALUE: u8 = 0x10;
/// QEMU's exit status after an orderly shutdown: `value << 1 | 1`. A triple fault or a bad option never gives it.
pub const QEMU_EXIT_STATUS: i32 = (QEMU_EXIT_VALUE as i32) << 1 | 1;

/// The port that ends Bochs, which logs [`BOCHS_SHUTDOWN_LOG`] then.
pub const BOCHS_SHUTDOWN_PORT: u16 = 0x8900;
/// These bytes, written to [`BOCHS_SHUTDOWN_PORT`] one after the other, end Bochs.
pub const BOCHS_SHUTDOWN_BYTES: [u8; 8] = *b"Shutdown";
/// The text in Bochs's log when the machine has ended it.
pub const BOCHS_SHUTDOWN_LOG: &str = "Shutdown port: shutdown requested";
