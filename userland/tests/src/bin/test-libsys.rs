//! What `libsys` promises beyond the kernel's calls. The heap and the clock have programs of their own.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::string::ToString;

use libsys::process::Process;
use libsys::test::{Verdict, failure};
use libsys::{Args, Error, ExitReason, Outcome, check, check_eq};
use tests::{ASSIST, assist};

libsys::tests! {
    a_programs_result_is_its_exit_code,
    an_argument_with_a_zero_byte_is_refused,
    arguments_can_be_seen_as_the_kernel_left_them,
    errors_have_readable_texts,
    a_failed_check_says_where_and_why,
    a_panic_ends_with_101,
}

fn a_programs_result_is_its_exit_code() -> Verdict {
    check_eq!(().exit_code(), 0);
    check_eq!(7.exit_code(), 7);
    check_eq!(Ok::<u32, Error>(3).exit_code(), 3);
    Ok(())
}

fn an_argument_with_a_zero_byte_is_refused() -> Verdict {
    check_eq!(Process::spawn(ASSIST, ["exit", "1\x002"]).map(|child| child.pid()), Err(Error::InvalidArgument));
    check_eq!(assist(&["exit", "12"])?, ExitReason::Exited(12));
    Ok(())
}

fn arguments_can_be_seen_as_the_kernel_left_them() -> Verdict {
    let (count, strings) = Args::raw();
    check_eq!(count as usize, Args::new().count() + 1);
    // SAFETY: the kernel puts a null behind the last pointer.
    check!(unsafe { strings.add(count as usize).read() }.is_null());
    check_eq!(Args::program_name(), "test-libsys");
    Ok(())
}

fn errors_have_readable_texts() -> Verdict {
    check_eq!(Error::NoSuchFile.to_string(), "no such file");
    for errno in Error::ALL {
        check!(errno.text().contains(|letter: char| letter.is_ascii_lowercase()), "{errno:?}");
    }
    Ok(())
}

fn a_failed_check_says_where_and_why() -> Verdict {
    let failed = failure("one == two", "some.rs", 7, format_args!("1 is not 2"));
    check!(format!("{failed:?}").contains("some.rs:7: `one == two` does not hold: 1 is not 2"));
    Ok(())
}

fn a_panic_ends_with_101() -> Verdict {
    check_eq!(assist(&["panic"])?, ExitReason::Exited(101));
    Ok(())
}
