//! A harness for programs that test the system from ring 3.
//!
//! ```ignore
//! libsys::tests! { untouched_pages_take_no_frame }
//!
//! fn untouched_pages_take_no_frame() -> Verdict {
//!     let before = system::info()?.frames_free;
//!     let region = Region::allocate(100 << 12)?;
//!     check_eq!(system::info()?.frames_free, before);
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

use crate::{Args, Errno, println, system};

/// What a test returns: the reason if it failed.
pub type Verdict = Result<(), Failure>;

/// Why a test failed. Every error that can be printed becomes one by `?`.
#[derive(Debug)]
pub struct Failure(String);

impl<E: Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// A test, and what it is called.
pub type Test = (&'static str, fn() -> Verdict);

/// Makes the program one that runs these tests.
///
/// Their names lie in the program's file too, in section `.test_names`, for whoever wants to know them without running it.
#[macro_export]
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        $crate::entry!(run_tests);

        fn run_tests() -> u32 {
            $crate::test::run(&[$((stringify!($name), $name)),*])
        }

        const TEST_NAMES: &str = concat!($(stringify!($name), "\n"),*);

        #[used]
        #[unsafe(link_section = ".test_names")]
        static TEST_NAME_BYTES: [u8; TEST_NAMES.len()] = match TEST_NAMES.as_bytes().first_chunk() {
            Some(bytes) => *bytes,
            None => panic!(),
        };
    };
}

/// Fails the test unless the condition holds.
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
#[macro_export]
macro_rules! check_eq {
    ($left:expr, $right:expr $(,)?) => {{
        let (left, right) = (&$left, &$right);
        if left != right {
            return Err($crate::test::failure(
                concat!(stringify!($left), " == ", stringify!($right)),
                file!(),
                line!(),
                format_args!("{left:?} is not {right:?}"),
            ));
        }
    }};
}

/// The text of a failed check.
pub fn failure(what: &str, file: &str, line: u32, reason: core::fmt::Arguments<'_>) -> Failure {
    Failure(format!("{file}:{line}: `{what}` does not hold: {reason}"))
}

/// Runs the tests that the arguments name, or all; prints a line for each and a summary, and returns the exit code.
pub fn run(tests: &[Test]) -> u32 {
    let wanted: Vec<&str> = Args::new().collect();
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
    // The heap grows when it must; it shall not do so between the two looks.
    drop(Vec::<u8>::with_capacity(4096));
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
fn held() -> Result<[u32; 3], Errno> {
    let info = system::info()?;
    Ok([info.pages_promised, info.processes, info.frames_tables])
}
