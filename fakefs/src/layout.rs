//! The form on the device. All numbers are little-endian.
//!
//! ```text
//! block 0              superblock: magic "BorrowFS", version, number of blocks, CRC-32 of these 16 bytes
//! blocks 1..17         table of files, copy 0
//! blocks 17..33        table of files, copy 1
//! blocks 33..          file contents
//!
//! table of files       magic "BFSTable"   8 bytes
//!                      sequence number    8      the newer whole copy counts: 0 follows the highest number,
//!                                                so it is newer if the distance to it is below 2^63
//!                      length of entries  4
//!                      CRC-32             4      of sequence number, length and entries
//!                      entries, one after the other, no padding:
//!                          state          1      1: named. 2: removed; older kernels wrote it, mounting skips it
//!                          name length    1
//!                          name           UTF-8
//!                          length         4      in bytes
//!                          extent count   4
//!                          extents        8 each: first block, number of blocks
//! ```
//!
//! The extents of a file may hold more blocks than its length needs. Mounting frees the blocks past the length.

use crate::block::BLOCK_BYTES;

/// First bytes of the superblock.
pub const SUPERBLOCK_MAGIC: [u8; 8] = *b"BorrowFS";
/// First bytes of a copy of the table.
pub const TABLE_MAGIC: [u8; 8] = *b"BFSTable";
/// The version of this layout.
pub const VERSION: u32 = 1;

/// Blocks of each copy of the table.
pub const TABLE_BLOCKS: u32 = 16;
/// The first block of each copy.
pub const TABLE_STARTS: [u32; 2] = [1, 1 + TABLE_BLOCKS];
/// The first block of file contents.
pub const DATA_START: u32 = 1 + 2 * TABLE_BLOCKS;

/// Bytes before the entries of a table.
pub const TABLE_HEADER_BYTES: usize = 24;
/// The maximum length of the entries.
pub const ENTRIES_MAX_BYTES: usize = TABLE_BLOCKS as usize * BLOCK_BYTES - TABLE_HEADER_BYTES;

/// The maximum number of files.
pub const MAX_FILES: usize = 512;
