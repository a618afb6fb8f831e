//! What the name given to `Open` means.

use abi::Errno;

use super::ConsoleMode;

/// A device, by name. A word says which device it is, and what follows is that device's own; every other name is a file's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceName<'a> {
    /// `NAME`, or `file NAME`, for files that are called as something here.
    File(&'a str),
    /// `random SEED`, or `random` for seed 0.
    Random(u64),
    /// `console` for lines, `console keys [MILLISECONDS]` for keys.
    Console(ConsoleMode),
    /// `null`.
    Null,
}

impl<'a> DeviceName<'a> {
    /// Reads a name.
    ///
    /// # Errors
    /// `BadName` if a device's word is followed by something that the device does not know.
    pub fn parse(name: &'a str) -> Result<Self, Errno> {
        let (word, rest) = name.split_once(' ').unwrap_or((name, ""));
        match (word, rest) {
            ("file", _) if name != word => Ok(Self::File(rest)),
            ("random", "") => Ok(Self::Random(0)),
            ("random", seed) => seed.parse().map(Self::Random).map_err(|_| Errno::BadName),
            ("console", "") => Ok(Self::Console(ConsoleMode::Lines)),
            ("console", mode) => console_mode(mode).map(Self::Console).ok_or(Errno::BadName),
            ("null", "") => Ok(Self::Null),
            _ => Ok(Self::File(name)),
        }
    }
}

fn console_mode(text: &str) -> Option<ConsoleMode> {
    let rest = text.strip_prefix("keys")?;
    match rest.strip_prefix(' ') {
        None if rest.is_empty() => Some(ConsoleMode::Keys { milliseconds: None }),
        None => None,
        Some(number) => number.parse().ok().map(|number| ConsoleMode::Keys { milliseconds: Some(number) }),
    }
}

#[cfg(test)]
mod tests {
    use abi::Errno;
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::DeviceName;
    use crate::vfs::ConsoleMode;

    #[test]
    fn words_name_devices_and_everything_else_files() {
        let keys = |milliseconds| Ok(DeviceName::Console(ConsoleMode::Keys { milliseconds }));
        for (name, meaning) in [
            ("random 42", Ok(DeviceName::Random(42))),
            ("random", Ok(DeviceName::Random(0))),
            ("random x", Err(Errno::BadName)),
            ("random -1", Err(Errno::BadName)),
            ("console", Ok(DeviceName::Console(ConsoleMode::Lines))),
            ("console keys", keys(None)),
            ("console keys 500", keys(Some(500))),
            ("console keysx", Err(Errno::BadName)),
            ("console keys x", Err(Errno::BadName)),
            ("console lines", Err(Errno::BadName)),
            ("null", Ok(DeviceName::Null)),
            ("null and void", Ok(DeviceName::File("null and void"))),
            ("notes.txt", Ok(DeviceName::File("notes.txt"))),
            ("my notes", Ok(DeviceName::File("my notes"))),
            ("randomly", Ok(DeviceName::File("randomly"))),
            ("file", Ok(DeviceName::File("file"))),
            ("file console", Ok(DeviceName::File("console"))),
            ("file file", Ok(DeviceName::File("file"))),
        ] {
            assert_eq!(DeviceName::parse(name), meaning, "{name}");
        }
    }

    proptest! {
        #[test]
        fn every_file_can_be_named(name in ".*") {
            let whole = format!("file {name}");
            prop_assert_eq!(DeviceName::parse(&whole), Ok(DeviceName::File(&name)));
        }
    }
}
