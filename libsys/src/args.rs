//! The program's arguments.

use core::ffi::{CStr, c_char};
use core::sync::atomic::{AtomicPtr, Ordering};

/// Where the kernel left `argc`.
static START: AtomicPtr<u32> = AtomicPtr::new(core::ptr::null_mut());

/// The arguments, the program's own name not among them.
///
/// ```no_run
/// let words: Vec<&str> = libsys::Args::new().collect();
/// match words.as_slice() {
///     ["--help"] => println!("usage: copy FROM TO"),
///     [from, to] => println!("from {from} to {to}"),
///     _ => eprintln!("copy: give two names"),
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Args {
    next: u32,
}

impl Args {
    /// The arguments from the first on.
    ///
    /// ```no_run
    /// let sum: u32 = libsys::Args::new().filter_map(|word| word.parse::<u32>().ok()).sum();
    /// # let _ = sum;
    /// ```
    pub const fn new() -> Self {
        Self { next: 1 }
    }

    /// The name the program was started by.
    ///
    /// ```no_run
    /// libsys::eprintln!("{}: give a number", libsys::Args::program_name());
    /// ```
    pub fn program_name() -> &'static str {
        argument(0).unwrap_or("program")
    }

    /// How many strings the kernel has left, the program's name among them, and an array of pointers to them with a null at its end.
    /// Each string ends with a zero byte. All of it stays where it is.
    ///
    /// ```no_run
    /// let (count, strings) = libsys::Args::raw();
    /// libsys::println!("{count} strings, at {strings:p}");
    /// ```
    pub fn raw() -> (u32, *const *const c_char) {
        let start = START.load(Ordering::Relaxed).cast_const();
        if start.is_null() {
            return (0, core::ptr::null());
        }
        // SAFETY: as in `argument`.
        (unsafe { *start }, start.wrapping_add(1).cast())
    }

    #[cfg(target_arch = "x86")]
    pub(crate) fn remember(start: *const u32) {
        START.store(start.cast_mut(), Ordering::Relaxed);
    }
}

impl Default for Args {
    fn default() -> Self {
        Self::new()
    }
}

impl Iterator for Args {
    type Item = &'static str;

    fn next(&mut self) -> Option<&'static str> {
        let argument = argument(self.next)?;
        self.next += 1;
        Some(argument)
    }
}

/// Argument number `index`; 0 is the program's name. What is not UTF-8 reads as empty.
fn argument(index: u32) -> Option<&'static str> {
    let start = START.load(Ordering::Relaxed).cast_const();
    if start.is_null() {
        return None;
    }
    // SAFETY: `_start` got the pointer from the kernel, which lays out `argc` and as many pointers to strings that end with a
    // zero byte behind it, on the top of the stack, where nothing else is.
    unsafe {
        if index >= *start {
            return None;
        }
        let string = *start.add(1 + index as usize);
        let string = core::ptr::with_exposed_provenance::<c_char>(string as usize);
        Some(CStr::from_ptr(string).to_str().unwrap_or(""))
    }
}
