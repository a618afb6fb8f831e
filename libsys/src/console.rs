//! Printing and reading lines.
//!
//! Output is collected until the end of the line, so that a line is one call and lines of programs that run at the same time do not
//! mix.

use core::cell::RefCell;
use core::fmt::{self, Write};

use abi::Errno;

use crate::call;

/// The handle of standard input.
const INPUT: u32 = 0;
/// The handle of standard output.
const OUTPUT: u32 = 1;
/// The handle of error messages.
const ERRORS: u32 = 2;

/// The longest line that is printed in one piece.
const LINE_BYTES: usize = 512;

struct Line {
    bytes: [u8; LINE_BYTES],
    len: usize,
}

struct Buffered(RefCell<Line>);

// SAFETY: a program has one thread.
unsafe impl Sync for Buffered {}

static LINE: Buffered = Buffered(RefCell::new(Line { bytes: [0; LINE_BYTES], len: 0 }));

impl Line {
    fn flush(&mut self) {
        write_all(OUTPUT, &self.bytes[..self.len]);
        self.len = 0;
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for &byte in text.as_bytes() {
            self.bytes[self.len] = byte;
            self.len += 1;
            if byte == b'\n' || self.len == LINE_BYTES {
                self.flush();
            }
        }
        Ok(())
    }
}

struct Errors;

impl Write for Errors {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write_all(ERRORS, text.as_bytes());
        Ok(())
    }
}

fn write_all(handle: u32, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let Ok(written @ 1..) = call::write(handle, address(bytes.as_ptr()), length(bytes.len())) else { return };
        bytes = bytes.get(written as usize..).unwrap_or_default();
    }
}

/// An address as the kernel takes it.
pub(crate) fn address<T>(of: *const T) -> u32 {
    u32::try_from(of.expose_provenance()).unwrap_or(0)
}

/// A length as the kernel takes it.
pub(crate) fn length(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// Prints to the console.
#[macro_export]
macro_rules! print {
    ($($arguments:tt)*) => { $crate::console::print(format_args!($($arguments)*)) };
}

/// Prints a line to the console.
#[macro_export]
macro_rules! println {
    ($($arguments:tt)*) => { $crate::console::print(format_args!("{}\n", format_args!($($arguments)*))) };
}

/// Prints an error message, at once.
#[macro_export]
macro_rules! eprintln {
    ($($arguments:tt)*) => { $crate::console::print_error(format_args!("{}\n", format_args!($($arguments)*))) };
}

/// What `print!` stands for.
pub fn print(arguments: fmt::Arguments<'_>) {
    if let Ok(mut line) = LINE.0.try_borrow_mut() {
        // The line takes everything; only a value's own formatting can fail.
        let _ = line.write_fmt(arguments);
    }
}

/// What `eprintln!` stands for.
pub fn print_error(arguments: fmt::Arguments<'_>) {
    flush();
    let mut line = Line { bytes: [0; LINE_BYTES], len: 0 };
    // As above.
    let _ = line.write_fmt(arguments);
    let _ = Errors.write_str(core::str::from_utf8(&line.bytes[..line.len]).unwrap_or(""));
}

/// Prints what `print!` has collected of a line.
pub fn flush() {
    if let Ok(mut line) = LINE.0.try_borrow_mut() {
        line.flush();
    }
}

/// Reads a line of the console, or as much of it as `buffer` holds; waits for it. Empty at the end of input.
///
/// # Errors
/// `BadHandle` if the program has no standard input.
pub fn read_line(buffer: &mut [u8]) -> Result<&str, Errno> {
    flush();
    let len = call::read(INPUT, address(buffer.as_ptr()), length(buffer.len()))?;
    Ok(core::str::from_utf8(buffer.get(..len as usize).unwrap_or_default()).unwrap_or(""))
}
