//! Files that people put on the disk.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A further file for the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extra {
    /// Where it is on the host.
    pub path: PathBuf,
    /// What it is called on the disk.
    pub name: String,
}

impl FromStr for Extra {
    type Err = String;

    /// `FILE`, or `FILE:NAME`. A file whose own name has a colon is meant if there is one.
    fn from_str(text: &str) -> Result<Self, String> {
        let whole = Path::new(text);
        let (path, name) = match text.rsplit_once(':') {
            Some((path, name)) if !whole.is_file() && !path.is_empty() && !name.is_empty() => {
                (Path::new(path), Some(name))
            }
            _ => (whole, None),
        };
        let own = || path.file_name().and_then(OsStr::to_str);
        let name = name.or_else(own).ok_or_else(|| format!("`{text}` names no file"))?;
        Ok(Self { path: path.to_path_buf(), name: name.into() })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Extra;

    #[test]
    fn an_extra_file_may_get_another_name() {
        let extra: Extra = "some/where/tool:mytool".parse().unwrap();
        assert_eq!((extra.path.as_path(), extra.name.as_str()), (Path::new("some/where/tool"), "mytool"));
        let extra: Extra = "some/where/tool".parse().unwrap();
        assert_eq!((extra.path.as_path(), extra.name.as_str()), (Path::new("some/where/tool"), "tool"));
        assert!("..".parse::<Extra>().is_err());
    }
}
