//! Messages between processes: how long they may be, and what a receiver gets.

use crate::{Wire, wire_record};

/// The most bytes that a message can carry.
pub const MESSAGE_MAX_BYTES: u32 = 1024;

/// A buffer's size: the header and the longest message.
pub const BUFFER_BYTES: u32 = MessageHeader::SIZE_BYTES + MESSAGE_MAX_BYTES;

wire_record! {
    /// What stands before the bytes of a message in a buffer.
    pub struct MessageHeader {
        /// Of a message that was received: who sent it, filled in by the kernel. Of one that is sent from a buffer: who is to get it.
        pub pid: u32,
        /// What it is about. The kernel does not look at it.
        pub what: u32,
    }
}
