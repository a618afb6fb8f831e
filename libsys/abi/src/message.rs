//! Messages between processes: how long they may be, and what a receiver gets.

use crate::{Wire, wire_record};

/// The most bytes that a message can carry.
pub const MESSAGE_MAX_BYTES: u32 = 1024;

/// What a receiver must have room for: the header and the longest message.
pub const BUFFER_BYTES: u32 = MessageHeader::SIZE_BYTES + MESSAGE_MAX_BYTES;

wire_record! {
    /// What stands before the bytes of a message that was received.
    pub struct MessageHeader {
        /// Who sent it, by pid; filled in by the kernel.
        pub sender: u32,
        /// What it is about. The kernel does not look at it.
        pub what: u32,
    }
}
