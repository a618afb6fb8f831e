//! A harness for programs that test the system from ring 3.
//!
//! ```no_run
//! #![no_std]
//! #![no_main]
//! # extern crate std;
//! use libsys::memory::Region;
//! use libsys::test::Verdict;
//! use libsys::{check_eq, system};
//!
//! libsys::tests! { untouched_pages_take_no_frame }
//!
//! fn untouched_pages_take_no_frame() -> Verdict {
//!     let before = system::info()?.frames_free;
//!     let region = Region::allocate(100 << 12)?;
//!     check_eq!(system::info()?.frames_free, before);
//!     drop(region);
//!     Ok(())
//! }
//! ```
//!
//! Each test is a function that returns `Err` with the reason if it fails. After each, the machine's account must be what it was
//! before: no promise, no page table and no process may be left behind. The program's arguments choose tests by name.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Display;

use crate::{Args, Error, println, system};

/// What a test returns: the reason if it failed.
///
/// ```no_run
/// use libsys::test::Verdict;
///
/// fn memory_is_promised() -> Verdict {
///     libsys::memory::Region::allocate(4096)?;
///     Ok(())
/// }
/// ```
pub type Verdict = Result<(), Failure>;

/// Why a test failed. Every error that can be printed becomes one by `?`.
///
/// ```no_run
/// use libsys::test::{Failure, Verdict};
///
/// fn not_today() -> Verdict {
///     Err(Failure::from("it is Sunday"))
/// }
/// ```
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// The reason.
    ///
    /// ```no_run
    /// use libsys::test::Failure;
    ///
    /// assert_eq!(Failure::from("it is Sunday").text(), "it is Sunday");
    /// ```
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl<E: Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// A test, and what it is called.
///
/// ```no_run
/// use libsys::test::{Test, Verdict};
///
/// fn nothing() -> Verdict {
///     Ok(())
/// }
///
/// const NOTHING: Test = ("nothing", nothing);
/// ```
pub type Test = (&'static str, fn() -> Verdict);

/// Makes the program one that only runs these tests; name it `test-SUBJECT`. Programs for people say
/// [`entry!(main, tests: [...])`](crate::entry!) instead.
///
/// ```no_run
/// #![no_std]
/// #![no_main]
/// # extern crate std;
/// use libsys::test::Verdict;
/// use libsys::{check, process};
///
/// libsys::tests! { a_process_has_a_pid }
///
/// fn a_process_has_a_pid() -> Verdict {
///     check!(process::pid() > 0);
///     Ok(())
/// }
/// ```
#[macro_export]
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        $crate::test_names!($($name),*);
        $crate::entry!(run_tests);

        fn run_tests() -> u32 {
            $crate::test::run(&[$((stringify!($name), $name)),*])
        }
    };
}

/// Puts the tests' names into section `.test_names` of the program's file, a line each.
#[doc(hidden)]
#[macro_export]
macro_rules! test_names {
    ($($name:ident),*) => {
        $crate::section_text!(TEST_NAMES, ".test_names", concat!($(stringify!($name), "\n"),*));
    };
}

/// Fails the test unless the condition holds.
///
/// ```no_run
/// # fn test() -> libsys::test::Verdict {
/// let frames = libsys::system::info()?.frames_free;
/// libsys::check!(frames > 0);
/// libsys::check!(frames > 9, "only {frames} frames are free");
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! check {
    ($condition:expr) => {
        $crate::check!($condition, "it is false")
    };
    ($condition:expr, $($reason:tt)+) => {
        if !$condition {
            return Err($crate::test::failure(stringify!($condition), file!(), line!(), format_args!($($reason)+)));
        }
    };
}

/// Fails the test unless both values are equal.
///
/// ```no_run
/// # fn test() -> libsys::test::Verdict {
/// libsys::check_eq!("a b".split(' ').count(), 2);
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! check_eq {
    ($left:expr, $right:expr $(,)?) => {
        $crate::check_eq!(@ $left, $right, "");
    };
    ($left:expr, $right:expr, $($reason:tt)+) => {
        $crate::check_eq!(@ $left, $right, ": {}", format_args!($($reason)+));
    };
    (@ $left:expr, $right:expr, $format:literal $($reason:tt)*) => {{
        let (left, right) = (&$left, &$right);
        if left != right {
            return Err($crate::test::failure(
                concat!(stringify!($left), " == ", stringify!($right)),
                file!(),
                line!(),
                format_args!(concat!("{:?} is not {:?}", $format), left, right $($reason)*),
            ));
        }
    }};
}

/// The text of a failed check.
///
/// ```no_run
/// use libsys::test::{Verdict, failure};
///
/// fn not_today() -> Verdict {
///     Err(failure("today", file!(), line!(), format_args!("it is {}", "Sunday")))
/// }
/// ```
pub fn failure(what: &str, file: &str, line: u32, reason: core::fmt::Arguments<'_>) -> Failure {
    Failure(format!("{file}:{line}: `{what}` does not hold: {reason}"))
}

/// The program was started for its tests.
#[doc(hidden)]
pub fn are_wanted() -> bool {
    Args::new().next() == Some(abi::RUN_TESTS)
}

/// Runs the tests that the arguments name, or all; prints a line for each and a summary, and returns the exit code.
///
/// ```no_run
/// use libsys::test::{self, Verdict};
///
/// fn nothing() -> Verdict {
///     Ok(())
/// }
///
/// let code = test::run(&[("nothing", nothing)]);
/// # let _ = code;
/// ```
pub fn run(tests: &[Test]) -> u32 {
    let wanted: Vec<&str> = Args::new().filter(|argument| *argument != abi::RUN_TESTS).collect();
    let (mut passed, mut failed) = (0, 0);
    for (name, test) in tests.iter().filter(|(name, _)| wanted.is_empty() || wanted.contains(name)) {
        match with_account(*test) {
            Ok(()) => {
                passed += 1;
                println!("test {name} ... ok");
            }
            Err(Failure(reason)) => {
                failed += 1;
                println!("test {name} ... FAILED: {reason}");
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    u32::from(failed > 0 || passed == 0)
}

/// Runs one test, and compares what the machine holds before and after.
fn with_account(test: fn() -> Verdict) -> Verdict {
    // The heap's first region stays; it shall not come between the two looks.
    drop(Vec::<u8>::with_capacity(1));
    let before = held()?;
    test()?;
    let after = held()?;
    if before == after {
        Ok(())
    } else {
        Err(Failure(format!("promises, processes and tables were {before:?} and are {after:?}")))
    }
}

/// What no test may keep. Pages of this program itself may have been borrowed or fetched meanwhile, so frames and slots in use
/// are not compared here; the kernel does it when the machine ends.
fn held() -> Result<[u32; 3], Error> {
    let info = system::info()?;
    Ok([info.pages_promised, info.processes, info.frames_tables])
}
