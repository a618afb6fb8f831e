//! What was done in all.

use std::collections::BTreeMap;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use indicatif::HumanCount;

use super::judge::Judged;
use super::plan::Kind;

/// Counts, by kind and part.
#[derive(Debug, Default)]
pub struct Summary(BTreeMap<(Kind, &'static str), Row>);

#[derive(Debug, Default)]
struct Row {
    boots: u64,
    cases: u64,
    findings: u64,
    time: Duration,
}

impl Summary {
    /// A batch, or a part of one, has ended.
    pub fn add(&mut self, kind: Kind, judged: &Judged) {
        let row = self.0.entry((kind, judged.part)).or_default();
        row.boots += judged.boots;
        row.cases += judged.cases;
        row.findings += u64::from(judged.what.is_some());
    }

    /// All batches of a kind have taken so long.
    pub fn took(&mut self, kind: Kind, time: Duration) {
        self.0.iter_mut().filter(|((of, _), _)| *of == kind).for_each(|(_, row)| row.time = time);
    }

    /// Something was found.
    pub fn has_findings(&self) -> bool {
        self.0.values().any(|row| row.findings > 0)
    }

    /// A row for each kind.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::UTF8_BORDERS_ONLY);
        table.set_header(["kind", "boots", "cases", "seconds", "cases/s", "findings"]);
        for ((kind, part), row) in &self.0 {
            let seconds = row.time.as_secs_f64();
            table.add_row([
                format!("{kind} {part}").trim_end().into(),
                row.boots.to_string(),
                HumanCount(row.cases).to_string(),
                format!("{seconds:.0}"),
                format!("{:.0}", row.cases as f64 / seconds.max(0.001)),
                row.findings.to_string(),
            ]);
        }
        table.column_iter_mut().skip(1).for_each(|column| {
            column.set_cell_alignment(CellAlignment::Right);
        });
        table.to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Judged, Kind, Summary};

    #[test]
    fn table_has_a_row_for_each_kind_with_its_sums() {
        let mut summary = Summary::default();
        let part =
            |cases, what: Option<&str>| Judged { boots: 1, cases, what: what.map(String::from), ..Judged::default() };
        summary.add(Kind::Code, &part(9600, None));
        assert!(!summary.has_findings());
        summary.add(Kind::Code, &part(100, Some("a finding")));
        summary.add(Kind::Disk, &Judged { part: "cuts", ..part(7, None) });
        summary.took(Kind::Code, Duration::from_secs(97));
        assert!(summary.has_findings());
        let table = summary.table();
        let row = table.lines().find(|line| line.contains("code")).unwrap();
        let numbers: Vec<&str> = row.split_whitespace().filter(|word| word.starts_with(char::is_numeric)).collect();
        assert_eq!(numbers, ["2", "9,700", "97", "100", "1"]);
        assert!(table.contains("disk cuts"));
    }
}
