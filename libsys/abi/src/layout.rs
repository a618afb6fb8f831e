//! The user half of every address space.
//!
//! ```text
//! 0x0000_0000            never mapped (null)
//! 0x0040_0000            program text, data    code pool
//! 0x4000_0000            AllocateMemory        heap pool
//! 0x8000_0000            MapFile               file pool
//!       ... 0xBFFF_F000  stack, growing down   stack pool
//! 0xC000_0000            kernel
//! ```

/// Bytes in a page and in a frame.
pub const PAGE_SIZE: u32 = 4096;

/// First byte of the code pool; programs are linked to start here.
pub const CODE_START: u32 = 0x0040_0000;
/// One past the last byte of the code pool.
pub const CODE_END: u32 = 0x4000_0000;

/// First byte of the heap pool.
pub const HEAP_START: u32 = 0x4000_0000;
/// One past the last byte of the heap pool.
pub const HEAP_END: u32 = 0x8000_0000;

/// First byte of the file pool.
pub const FILE_START: u32 = 0x8000_0000;
/// One past the last byte of the file pool; the stack's guard begins here.
pub const FILE_END: u32 = STACK_LIMIT - STACK_GUARD_BYTES;

/// One past the last byte of the stack.
pub const STACK_END: u32 = 0xBFFF_F000;
/// How far the stack may grow.
pub const STACK_MAX_BYTES: u32 = 8 << 20;
/// The lowest byte the stack may grow to.
pub const STACK_LIMIT: u32 = STACK_END - STACK_MAX_BYTES;
/// How much below the stack's limit is a guard and never mapped: more than the frame of a sane function, whose compiler may not touch
/// each page of it in turn.
pub const STACK_GUARD_BYTES: u32 = 1 << 20;

/// Where `MapFile` is to choose the address.
pub const ANY_ADDRESS: u32 = u32::MAX;

/// One past the last byte a program can ever use.
pub const USER_END: u32 = STACK_END;
/// First byte of the kernel half.
pub const KERNEL_START: u32 = 0xC000_0000;

/// The longest block of arguments: each argument's bytes and a terminating zero.
pub const ARGUMENTS_MAX_BYTES: u32 = 2048;

/// The longest file name, in bytes.
pub const NAME_MAX_BYTES: u32 = 55;

/// The most mappings of files that a program can have at once.
pub const MAPPINGS_MAX: u32 = 256;

/// The most pools that a program can have registered at once, besides the four that every program has.
pub const OWN_POOLS_MAX: u32 = 16;

const _: () = assert!(FILE_START < FILE_END && STACK_LIMIT.is_multiple_of(PAGE_SIZE));
