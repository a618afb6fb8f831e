//! Where a program begins, and how it ends.

use core::fmt::Display;

use crate::args::Args;
use crate::{console, eprintln};

/// What `main` may return.
///
/// ```no_run
/// #![no_std]
/// #![no_main]
/// # extern crate std;
/// libsys::entry!(main);
///
/// fn main() -> Result<u32, libsys::Error> {
///     let frames_free = libsys::system::info()?.frames_free;
///     Ok(if frames_free > 100 { 0 } else { 1 })
/// }
/// ```
pub trait Outcome {
    /// The exit code; an error is printed first.
    ///
    /// ```no_run
    /// use libsys::Outcome;
    ///
    /// assert_eq!(Err::<(), _>(libsys::Error::NoSuchFile).exit_code(), 1);
    /// assert_eq!(7.exit_code(), 7);
    /// ```
    fn exit_code(self) -> u32;
}

impl Outcome for () {
    fn exit_code(self) -> u32 {
        0
    }
}

/// An exit code.
impl Outcome for u32 {
    fn exit_code(self) -> u32 {
        self
    }
}

impl<T: Outcome, E: Display> Outcome for Result<T, E> {
    fn exit_code(self) -> u32 {
        match self {
            Ok(outcome) => outcome.exit_code(),
            Err(error) => {
                eprintln!("{}: {error}", Args::program_name());
                1
            }
        }
    }
}

/// Makes `main` the program's first function. It takes no arguments and returns an [`Outcome`].
///
/// ```no_run
/// #![no_std]
/// #![no_main]
/// # extern crate std;
/// libsys::entry!(main);
///
/// fn main() -> Result<(), libsys::Error> {
///     libsys::println!("{} frames are free", libsys::system::info()?.frames_free);
///     Ok(())
/// }
/// ```
///
/// A program may carry its own tests, as functions that return a [`Verdict`](crate::test::Verdict). `cargo xtask test NAME` runs them in
/// the guest: it starts the program with the one argument [`RUN_TESTS`](abi::RUN_TESTS).
///
/// ```no_run
/// #![no_std]
/// #![no_main]
/// # extern crate std;
/// use libsys::test::Verdict;
///
/// libsys::entry!(main, tests: [twice_two_is_four]);
///
/// fn main() {
///     libsys::println!("{}", twice(21));
/// }
///
/// fn twice(number: u32) -> u32 {
///     2 * number
/// }
///
/// fn twice_two_is_four() -> Verdict {
///     libsys::check_eq!(twice(2), 4);
///     Ok(())
/// }
/// ```
/// `about:` says in one line what the program is for. `help` at the prompt lists the programs that have it.
///
/// ```no_run
/// #![no_std]
/// #![no_main]
/// # extern crate std;
/// libsys::entry!(main, about: "Prints the number of free frames");
///
/// fn main() -> Result<(), libsys::Error> {
///     libsys::println!("{}", libsys::system::info()?.frames_free);
///     Ok(())
/// }
/// ```
#[macro_export]
macro_rules! entry {
    ($main:path $(, about: $about:literal)?) => {
        $($crate::section_text!(ABOUT, ".about", $about);)?

        #[unsafe(no_mangle)]
        extern "C" fn program_main() -> u32 {
            $crate::start($main)
        }
    };
    ($main:path, $(about: $about:literal,)? tests: [$($test:ident),+ $(,)?]) => {
        $($crate::section_text!(ABOUT, ".about", $about);)?
        $crate::test_names!($($test),+);

        #[unsafe(no_mangle)]
        extern "C" fn program_main() -> u32 {
            match $crate::test::are_wanted() {
                true => $crate::test::run(&[$((stringify!($test), $test)),+]),
                false => $crate::start($main),
            }
        }
    };
}

/// Puts a text into a section of the program's file, where a tool can read it without running the program.
#[doc(hidden)]
#[macro_export]
macro_rules! section_text {
    ($name:ident, $section:literal, $text:expr) => {
        #[used]
        #[unsafe(link_section = $section)]
        static $name: [u8; $text.len()] = match $text.as_bytes().first_chunk() {
            Some(bytes) => *bytes,
            None => panic!(),
        };
    };
}

/// Runs `main` and returns its exit code.
pub fn start<T: Outcome>(main: fn() -> T) -> u32 {
    let code = main().exit_code();
    console::flush();
    code
}
