//! The page about performance: the generated part of it, between two comments.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::record::Record;
use super::statistics::rows;
use super::table;

/// What comes before the generated part.
const BEGIN: &str = "<!-- cargo xtask bench: begin -->";
/// What comes after it.
const END: &str = "<!-- cargo xtask bench: end -->";

/// Makes sure that the page can be written.
///
/// # Errors
/// If it cannot be read or does not say where the table goes.
pub fn check(path: &Path) -> Result<()> {
    read(path).map(|_| ())
}

/// Puts the record's table and host into the page; the prose around them stays.
///
/// # Errors
/// As [`check`], or if the page cannot be written.
pub fn update(path: &Path, record: &Record) -> Result<()> {
    let (before, after) = read(path)?;
    let page = format!("{before}{BEGIN}\n{}\n{END}{after}", generated(record));
    fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))
}

fn read(path: &Path) -> Result<(String, String)> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    around(&text).with_context(|| format!("cannot put the table into {}", path.display()))
}

/// What is in front of the generated part, and what is behind it.
fn around(page: &str) -> Result<(String, String)> {
    let once = |marker: &str| match page.match_indices(marker).collect::<Vec<_>>().as_slice() {
        [(at, _)] => Ok(*at),
        found => bail!("it has `{marker}` {} times instead of once", found.len()),
    };
    let (begin, end) = (once(BEGIN)?, once(END)?);
    if end < begin {
        bail!("`{END}` comes before `{BEGIN}`");
    }
    Ok((page[..begin].into(), page[end + END.len()..].into()))
}

fn generated(record: &Record) -> String {
    let revision = record.revision.as_ref().map(|name| format!(", revision `{name}`")).unwrap_or_default();
    let (rows, day) = (rows(&record.runs), record.date.split('T').next().unwrap_or_default());
    let fewest = rows.iter().map(|row| row.boots).min().unwrap_or(0);
    let host = &record.host;
    format!("Measured on {day}{revision}: {host}. {fewest} boots for each row.\n\n{}", table::as_markdown(&rows))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::num::NonZeroU64;

    use super::super::host::Host;
    use super::super::record::{Clock, Raw, Record, Run};
    use super::{BEGIN, END, around, check, update};

    fn record(counts: u64) -> Record {
        let raw = Raw { name: "int80".into(), counts, halted: 0, operations: NonZeroU64::MIN };
        let run =
            Run { benchmark: "syscall".into(), options: Vec::new(), clock: Clock::Instructions, results: vec![raw] };
        let host = Host { cpu: Some("Some CPU".into()), cores: 4, system: "Linux 6".into(), emulator: "QEMU 7".into() };
        Record { date: "2026-01-31T12:00:00Z".into(), revision: Some("abc".into()), host, runs: vec![run; 3] }
    }

    #[test]
    fn the_table_is_replaced_and_the_prose_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.md");
        fs::write(&path, format!("# Title\n\n{BEGIN}\nold\n{END}\n\nProse.\n")).unwrap();
        update(&path, &record(79)).unwrap();
        update(&path, &record(42)).unwrap();
        let page = fs::read_to_string(&path).unwrap();
        assert!(page.starts_with(&format!("# Title\n\n{BEGIN}\nMeasured on 2026-01-31, revision `abc`: Some CPU, 4 ")));
        assert!(page.contains("| 42.0 ") && !page.contains("| 79.0 ") && !page.contains("old"), "{page}");
        assert!(page.contains("QEMU 7. 3 boots for each row.\n\n| benchmark"), "{page}");
        assert!(page.ends_with(&format!(" |\n{END}\n\nProse.\n")), "{page}");
    }

    #[test]
    fn a_page_that_does_not_say_where_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.md");
        for text in ["", BEGIN, END, &format!("{END}{BEGIN}"), &format!("{BEGIN}{BEGIN}{END}")] {
            assert!(around(text).is_err());
            fs::write(&path, text).unwrap();
            let error = update(&path, &record(79)).unwrap_err().to_string();
            assert!(error.contains("page.md") && check(&path).is_err());
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert!(check(&folder.path().join("none.md")).unwrap_err().to_string().contains("cannot read"));
    }
}
