//! The results as a table, for people.

use comfy_table::{CellAlignment, Table, TableStyle, presets};

use super::reference::{goal_of, of_linux};
use super::statistics::Row;

const HEADINGS: [&str; 10] =
    ["benchmark", "result", "unit", "median", "min", "max", "Linux", "reach", "aim", "verdict"];
/// Further columns where there is something to compare with.
const FORMER_HEADINGS: [&str; 2] = ["before", "change"];
/// Columns of words; the others hold numbers.
const WORDS: [&str; 4] = ["benchmark", "result", "unit", "verdict"];

/// The rows for a terminal, with the medians of `former` at their side if there are any.
pub fn for_terminal(rows: &[Row], former: Option<&[Row]>) -> String {
    table(rows, former, presets::UTF8_BORDERS_ONLY).to_string()
}

/// The rows as Markdown.
pub fn as_markdown(rows: &[Row]) -> String {
    let mut lines: Vec<String> = table(rows, None, presets::ASCII_MARKDOWN).lines().collect();
    // The line below the headings says how a column is aligned: `---:` is right.
    if let Some(rule) = lines.get_mut(1) {
        let columns = rule.trim_matches('|').split('|').zip(HEADINGS);
        let aligned = columns.map(|(dashes, heading)| match dashes.strip_suffix('-') {
            Some(shorter) if !WORDS.contains(&heading) => format!("{shorter}:"),
            _ => dashes.to_string(),
        });
        *rule = format!("|{}|", aligned.collect::<Vec<_>>().join("|"));
    }
    lines.join("\n")
}

fn table(rows: &[Row], former: Option<&[Row]>, style: TableStyle) -> Table {
    let headings: Vec<&str> = HEADINGS.into_iter().chain(former.iter().flat_map(|_| FORMER_HEADINGS)).collect();
    let mut table = Table::new();
    table.load_style(style).set_header(headings.clone());
    for row in rows {
        table.add_row(cells(row).into_iter().chain(former.iter().flat_map(|former| comparison(row, former))));
    }
    for (column, heading) in table.column_iter_mut().zip(headings) {
        if !WORDS.contains(&heading) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn cells(row: &Row) -> [String; 10] {
    let goal = goal_of(&row.result, row.unit);
    let [reach, aim] = goal.map_or([None, None], super::reference::Goal::values);
    let or_empty = |value: Option<f64>| value.map(number).unwrap_or_default();
    [
        row.benchmark.clone(),
        row.result.clone(),
        row.unit.to_string(),
        number(row.spread.median),
        number(row.spread.min),
        number(row.spread.max),
        or_empty(of_linux(&row.result, row.unit).map(|figure| figure.value)),
        or_empty(reach),
        or_empty(aim),
        goal.and_then(|goal| goal.verdict(row.spread.median)).map(|verdict| verdict.to_string()).unwrap_or_default(),
    ]
}

/// The former median, and by how much it has changed since.
fn comparison(row: &Row, former: &[Row]) -> [String; 2] {
    let key = |row: &Row| (row.benchmark.clone(), row.result.clone(), row.unit);
    let Some(before) = former.iter().find(|other| key(other) == key(row)).map(|other| other.spread.median) else {
        return [String::new(), "new".into()];
    };
    let change = (row.spread.median / before - 1.0) * 100.0;
    [number(before), if change.is_finite() { format!("{change:+.1} %") } else { String::new() }]
}

/// Three digits that count, or all of a whole number, in groups of three.
fn number(value: f64) -> String {
    let decimals = if value < 9.995 {
        2
    } else if value < 99.95 {
        1
    } else {
        0
    };
    let text = format!("{value:.decimals$}");
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (index, digit) in whole.char_indices() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + fraction
}

#[cfg(test)]
mod tests {
    use super::super::statistics::{Row, Spread, Unit};
    use super::{as_markdown, for_terminal, number};

    fn row(benchmark: &str, result: &str, unit: Unit, median: f64) -> Row {
        let spread = Spread { median, min: median - 1.0, max: median + 1.0 };
        Row { benchmark: benchmark.into(), result: result.into(), unit, spread, boots: 5 }
    }

    /// The line that starts with this word, its words one space apart.
    fn line(table: &str, first: &str) -> String {
        let words = |line: &str| line.trim_matches(['│', '|', ' ']).split_whitespace().collect::<Vec<_>>().join(" ");
        table.lines().map(words).find(|line| line.starts_with(first)).unwrap_or_default()
    }

    #[test]
    fn numbers_have_three_digits_that_count() {
        for (value, text) in [
            (0.0, "0.00"),
            (0.375, "0.38"),
            (9.994, "9.99"),
            (9.996, "10.0"),
            (79.0, "79.0"),
            (99.96, "100"),
            (999.6, "1,000"),
            (4_096.0, "4,096"),
            (2.712e9, "2,712,000,000"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_row_is_judged_by_linux_and_by_its_bars() {
        let rows = [
            row("syscall", "int80", Unit::Instructions, 79.0),
            row("syscall", "int80", Unit::Microseconds, 3.5),
            row("demand-zero", "retouch", Unit::Instructions, 3.0),
        ];
        let table = for_terminal(&rows, None);
        assert_eq!(line(&table, "syscall int80 insns"), "syscall int80 insns 79.0 78.0 80.0 335 90.0 50.0 reach");
        assert_eq!(line(&table, "syscall int80 us"), "syscall int80 us 3.50 2.50 4.50 0.92");
        assert_eq!(line(&table, "demand-zero"), "demand-zero retouch insns 3.00 2.00 4.00");
        assert!(!table.contains("before"));
    }

    #[test]
    fn a_row_is_compared_with_the_same_row_of_before() {
        let (now, then) = (
            [row("swap", "write", Unit::Microseconds, 30.0), row("swap", "rand", Unit::Microseconds, 30.0)],
            [
                row("swap", "write", Unit::Instructions, 10.0),
                row("other", "write", Unit::Microseconds, 10.0),
                row("swap", "write", Unit::Microseconds, 40.0),
            ],
        );
        let table = for_terminal(&now, Some(&then));
        assert!(line(&table, "swap write").ends_with("40.0 -25.0 %"), "{table}");
        assert!(line(&table, "swap rand").ends_with("new"), "{table}");
        let nothing = for_terminal(&now, Some(&[row("swap", "write", Unit::Microseconds, 0.0)]));
        assert!(line(&nothing, "swap write").ends_with("0.00"), "{nothing}");
    }

    #[test]
    fn in_markdown_numbers_stand_at_the_right() {
        let text = as_markdown(&[row("syscall", "int80", Unit::Instructions, 79.0)]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        let columns = |line: &str| line.trim_matches('|').split('|').map(str::to_string).collect::<Vec<_>>();
        let right: Vec<bool> = columns(lines[1]).iter().map(|dashes| dashes.ends_with("-:")).collect();
        assert_eq!(right, [false, false, false, true, true, true, true, true, true, false]);
        assert!(lines.iter().all(|line| columns(line).len() == 10 && line.len() == lines[0].len()), "{text}");
    }
}
