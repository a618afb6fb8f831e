//! Devices: what kinds there are, what is told of an open one, and what a child begins with.

use core::fmt;

use crate::wire::numbered;
use crate::{Reader, Wire, Writer, wire_record};

/// Number of bytes that appear together on the console: no other process prints between two bytes of one `Write` of at most this length.
pub const CONSOLE_PART_BYTES: u32 = 4096;

/// In place of a handle, where a child is to begin without one.
pub const NO_HANDLE: u32 = u32::MAX;

numbered! {
    /// What is behind a handle.
    #[derive(Default)]
    DeviceKind {
        /// A file on the disk.
        #[default]
        0 File "file";
        /// Bytes that follow from a seed.
        1 Random "random";
        /// Keyboard, screen and serial port.
        2 Console "console";
        /// What is written to it is gone, and there is nothing to read.
        3 Null "null";
    }
}

wire_record! {
    /// An open file or other device.
    #[derive(Default)]
    pub struct FileInfo {
        /// A file's length in bytes; 0 for other devices.
        pub len_bytes: u32,
        /// The byte that is read or written next.
        pub position: u32,
        /// The device: 0 a file, 1 random bytes, 2 the console, 3 nothing.
        pub device: DeviceKind,
    }
}

wire_record! {
    /// What a new program begins with, by handles of the program that starts it; 4294967295 where there is to be nothing.
    pub struct Streams {
        /// Its standard input, handle 0.
        pub input: u32,
        /// Its standard output, handle 1.
        pub output: u32,
        /// For its error messages, handle 2.
        pub errors: u32,
    }
}

impl Default for Streams {
    /// The starting program's own.
    fn default() -> Self {
        Self { input: 0, output: 1, errors: 2 }
    }
}
