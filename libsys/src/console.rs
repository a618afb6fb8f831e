//! Printing and reading lines.
//!
//! Output is collected until the end of the line, so that a line is one call and lines of programs that run at the same time do not
//! mix.

use core::cell::RefCell;
use core::fmt::{self, Write};

use crate::Error;

use crate::call;
use crate::memory::{address, length};

/// The handle of standard input.
const INPUT: u32 = 0;
/// The handle of standard output.
const OUTPUT: u32 = 1;
/// The handle of error messages.
const ERRORS: u32 = 2;

/// The longest line that is printed in one piece.
const LINE_BYTES: usize = 512;

struct Line {
    handle: u32,
    bytes: [u8; LINE_BYTES],
    len: usize,
}

struct Buffered(RefCell<Line>);

// SAFETY: a program has one thread, so no two use it at once; that a use begins within another is what the `RefCell` notices.
unsafe impl Sync for Buffered {}

static LINE: Buffered = Buffered(RefCell::new(Line::new(OUTPUT)));

impl Line {
    const fn new(handle: u32) -> Self {
        Self { handle, bytes: [0; LINE_BYTES], len: 0 }
    }

    fn take(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.bytes[self.len] = byte;
            self.len += 1;
            if byte == b'\n' || self.len == LINE_BYTES {
                self.flush();
            }
        }
    }

    fn flush(&mut self) {
        write_all(self.handle, &self.bytes[..self.len]);
        self.len = 0;
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.take(text.as_bytes());
        Ok(())
    }
}

fn write_all(handle: u32, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let Ok(written @ 1..) = call::write(handle, address(bytes.as_ptr()), length(bytes.len())) else { return };
        bytes = bytes.get(written as usize..).unwrap_or_default();
    }
}

/// Prints to the console.
///
/// ```no_run
/// libsys::print!("loading ");
/// (0..3).for_each(|_| libsys::print!("."));
/// libsys::println!();
/// ```
#[macro_export]
macro_rules! print {
    ($($arguments:tt)*) => { $crate::console::print(format_args!($($arguments)*)) };
}

/// Prints a line to the console.
///
/// ```no_run
/// libsys::println!("{} bytes at {:#010x}", 4096, 0x4000_0000);
/// ```
#[macro_export]
macro_rules! println {
    () => { $crate::print!("\n") };
    ($($arguments:tt)*) => { $crate::console::print(format_args!("{}\n", format_args!($($arguments)*))) };
}

/// Prints an error message, at once.
///
/// ```no_run
/// libsys::eprintln!("cannot do {}", "that");
/// ```
#[macro_export]
macro_rules! eprintln {
    () => { $crate::eprint!("\n") };
    ($($arguments:tt)*) => { $crate::console::print_error(format_args!("{}\n", format_args!($($arguments)*))) };
}

/// Prints an error message without ending the line.
///
/// ```no_run
/// libsys::eprint!("not ");
/// libsys::eprintln!("good");
/// ```
#[macro_export]
macro_rules! eprint {
    ($($arguments:tt)*) => { $crate::console::print_error(format_args!($($arguments)*)) };
}

/// What `print!` stands for.
///
/// ```no_run
/// libsys::console::print(format_args!("{} is what `print!` does", "this"));
/// ```
pub fn print(arguments: fmt::Arguments<'_>) {
    if let Ok(mut line) = LINE.0.try_borrow_mut() {
        // The line takes everything; only a value's own formatting can fail.
        let _ = line.write_fmt(arguments);
    }
}

/// Prints bytes, which need not be UTF-8, in order with what `print!` prints.
///
/// ```no_run
/// libsys::console::print_bytes(b"caf\x82\n");
/// ```
pub fn print_bytes(bytes: &[u8]) {
    if let Ok(mut line) = LINE.0.try_borrow_mut() {
        line.take(bytes);
    }
}

/// What `eprintln!` stands for.
///
/// ```no_run
/// libsys::console::print_error(format_args!("{}\n", "what `eprintln!` does"));
/// ```
pub fn print_error(arguments: fmt::Arguments<'_>) {
    flush();
    let mut line = Line::new(ERRORS);
    // As above.
    let _ = line.write_fmt(arguments);
    line.flush();
}

/// Prints what `print!` has collected of a line.
///
/// ```no_run
/// libsys::print!("working...");
/// libsys::console::flush();
/// ```
pub fn flush() {
    if let Ok(mut line) = LINE.0.try_borrow_mut() {
        line.flush();
    }
}

/// Reads a line of the console, or as much of it as `buffer` holds; waits for it. Empty at the end of input.
///
/// ```no_run
/// use libsys::console;
///
/// let mut buffer = [0; 80];
/// libsys::print!("name? ");
/// let name = console::read_line(&mut buffer)?.trim_end();
/// libsys::println!("good day, {name}");
/// # Ok::<(), libsys::Error>(())
/// ```
///
/// # Errors
/// `BadHandle` if the program has no standard input.
pub fn read_line(buffer: &mut [u8]) -> Result<&str, Error> {
    flush();
    let len = call::read(INPUT, address(buffer.as_ptr()), length(buffer.len()))?;
    Ok(core::str::from_utf8(buffer.get(..len as usize).unwrap_or_default()).unwrap_or(""))
}
