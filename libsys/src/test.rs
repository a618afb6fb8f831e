//! A harness for programs that test the system from ring 3.
//!
//! Each test is a function that returns `Err` with the reason if it fails. After each, the machine's account must be what it was
//! before: no frame, no slot, no promise and no process may be left behind.

use alloc::format;
use alloc::string::String;

use abi::record::SystemInfo;

use crate::{println, system};

/// What a test returns: the reason if it failed.
pub type Verdict = Result<(), String>;

/// Fails the test unless the condition holds.
#[macro_export]
macro_rules! check {
    ($condition:expr $(, $($reason:tt)+)?) => {
        if !$condition {
            return Err($crate::test::failure(stringify!($condition), file!(), line!(), format_args!("" $(, $($reason)+)?)));
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
pub fn failure(what: &str, file: &str, line: u32, reason: core::fmt::Arguments<'_>) -> String {
    format!("{file}:{line}: `{what}` does not hold {reason}")
}

/// Runs the tests, prints a line for each and a summary, and returns the exit code.
pub fn run(tests: &[(&str, fn() -> Verdict)]) -> u32 {
    let mut failed = 0;
    for (name, test) in tests {
        let before = system::info();
        let verdict = test().and_then(|()| compare(before.ok(), system::info().ok()));
        match verdict {
            Ok(()) => println!("test {name} ... ok"),
            Err(reason) => {
                failed += 1;
                println!("test {name} ... FAILED: {reason}");
            }
        }
    }
    println!("{} passed, {failed} failed", tests.len() - failed);
    u32::from(failed > 0)
}

/// The machine's account must be what it was.
fn compare(before: Option<SystemInfo>, after: Option<SystemInfo>) -> Verdict {
    let (Some(before), Some(after)) = (before, after) else { return Err("SystemInfo failed".into()) };
    // Pages of this very program may have been borrowed or fetched meanwhile; what is promised, used in all, and alive may not differ.
    let held = |info: &SystemInfo| (info.pages_promised, info.processes, info.frames_tables);
    if held(&before) == held(&after) {
        Ok(())
    } else {
        Err(format!("(promised, processes, tables) was {:?} and is {:?}", held(&before), held(&after)))
    }
}
