//! Sizes as people write them.

use std::fmt;
use std::str::FromStr;

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(u64);

const UNITS: [(char, u64); 3] = [('G', 1 << 30), ('M', 1 << 20), ('K', 1 << 10)];

impl Size {
    /// So many bytes.
    pub const fn bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// How many bytes.
    pub const fn in_bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no size; write a number and K, M or G, such as 32M");
        let unit = text.chars().last().ok_or_else(wrong)?.to_ascii_uppercase();
        let (_, factor) = UNITS.into_iter().find(|&(letter, _)| letter == unit).ok_or_else(wrong)?;
        let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
        number.checked_mul(factor).filter(|&bytes| bytes > 0).map(Self).ok_or_else(wrong)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match UNITS.into_iter().find(|&(_, factor)| self.0 >= factor && self.0.is_multiple_of(factor)) {
            Some((letter, factor)) => write!(f, "{}{letter}", self.0 / factor),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Size;

    #[test]
    fn a_size_is_a_number_and_a_unit() {
        for (text, bytes) in [("32M", 32 << 20), ("1g", 1 << 30), ("512K", 512 << 10)] {
            let size: Size = text.parse().unwrap();
            assert_eq!(size.in_bytes(), bytes);
            assert_eq!(size.to_string(), text.to_uppercase());
        }
    }

    #[test]
    fn anything_else_is_refused_with_advice() {
        for text in ["", "32", "M", "-1M", "0M", "1.5M", "32MB", "99999999999G", "3é"] {
            assert!(text.parse::<Size>().unwrap_err().contains("such as 32M"), "{text}");
        }
    }
}
