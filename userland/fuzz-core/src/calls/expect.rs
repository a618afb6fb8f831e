//! Which answers of one call are right.

use core::fmt;

use abi::{Errno, Number};

/// Errors that say that something is used up. Other programs use it, too, so that they may come at any time.
const SHORTAGES: [Errno; 7] = [
    Errno::OutOfMemory,
    Errno::OutOfAddressSpace,
    Errno::TooManyProcesses,
    Errno::QueueFull,
    Errno::TooManyUnread,
    Errno::DiskFull,
    Errno::TooManyOpen,
];

/// A set of errors, by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct ErrorSet(u32);

impl ErrorSet {
    const fn insert(&mut self, error: Errno) {
        self.0 |= 1 << error.number();
    }

    const fn contains(self, error: Errno) -> bool {
        self.0 >> error.number() & 1 != 0
    }
}

/// Which answers are right.
#[derive(Clone, Copy, Debug)]
pub struct Expectation {
    may_succeed: bool,
    errors: ErrorSet,
}

impl Expectation {
    /// For a call whose arguments are right: it succeeds, or something is used up.
    pub fn of(call: Number) -> Self {
        let mut errors = ErrorSet::default();
        SHORTAGES.into_iter().filter(|error| call.errors().contains(error)).for_each(|error| errors.insert(error));
        Self { may_succeed: true, errors }
    }

    /// An argument is wrong: this error is right, and success is not.
    pub const fn fault(&mut self, error: Errno) {
        self.may_succeed = false;
        self.errors.insert(error);
    }

    /// The call may be answered with this error, too.
    pub const fn perhaps(&mut self, error: Errno) {
        self.errors.insert(error);
    }

    /// The answer is right.
    pub const fn allows(&self, result: Result<u32, Errno>) -> bool {
        match result {
            Ok(_) => self.may_succeed,
            Err(error) => self.errors.contains(error),
        }
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("right would be")?;
        if self.may_succeed {
            f.write_str(" success")?;
        }
        let errors = Errno::ALL.iter().filter(|error| self.errors.contains(**error));
        errors.into_iter().try_for_each(|error| write!(f, " {error:?}"))
    }
}
const _: () = assert!(Errno::ALL.len() < 32, "a word holds the set");

#[cfg(test)]
mod tests {
    use abi::{Errno, Number};

    use super::Expectation;

    #[test]
    fn call_with_right_arguments_succeeds_or_finds_something_used_up() {
        let expected = Expectation::of(Number::Open);
        assert!(expected.allows(Ok(3)) && expected.allows(Err(Errno::OutOfMemory)));
        assert!(!expected.allows(Err(Errno::BadName)) && !expected.allows(Err(Errno::Io)));
        assert!(!Expectation::of(Number::Close).allows(Err(Errno::OutOfMemory)), "closing needs nothing");
    }

    #[test]
    fn call_with_a_wrong_argument_does_not_succeed() {
        let mut expected = Expectation::of(Number::Open);
        expected.fault(Errno::BadName);
        assert!(!expected.allows(Ok(3)) && expected.allows(Err(Errno::BadName)));
        expected.fault(Errno::BadAddress);
        assert!(
            expected.allows(Err(Errno::BadName)) && expected.allows(Err(Errno::BadAddress)),
            "either may be seen first"
        );
        assert_eq!(expected.to_string(), "right would be BadAddress OutOfMemory BadName TooManyOpen");
    }
}
