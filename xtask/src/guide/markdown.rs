//! The part of Markdown that the guides are read by: tables and code.

/// A table: the cells of its header, and of each row.
#[derive(Debug, PartialEq, Eq)]
pub struct Table<'a> {
    /// The names of the columns.
    pub header: Vec<&'a str>,
    /// The rows, each with as many cells as there are columns unless the page is wrong.
    pub rows: Vec<Vec<&'a str>>,
}

/// All tables of a page, in order.
pub fn tables(page: &str) -> Vec<Table<'_>> {
    let lines: Vec<&str> = page.lines().collect();
    let blocks = lines.split(|line| !line.starts_with('|')).filter(|block| block.len() >= 2);
    blocks
        .map(|block| {
            // The second line is the rule below the header.
            let rows = block[2..].iter().map(|line| cells(line)).collect();
            Table { header: cells(block[0]), rows }
        })
        .collect()
}

fn cells(line: &str) -> Vec<&str> {
    let inner = line.trim().trim_start_matches('|');
    inner.strip_suffix('|').unwrap_or(inner).split('|').map(str::trim).collect()
}

/// The pieces of a text that are set as code.
pub fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::{code, tables};

    #[test]
    fn table_ends_with_the_first_other_line() {
        let page = "text\n| a | b |\n| --- | --- |\n| 1 | `x` |\n| 2 | |\n\n| c |\n| --- |\n| 3 |\n";
        let found = tables(page);
        assert_eq!((found.len(), &found[0].header), (2, &vec!["a", "b"]));
        assert_eq!(found[0].rows, [["1", "`x`"], ["2", ""]]);
        assert_eq!(found[1].rows, [["3"]]);
    }

    #[test]
    fn code_is_found() {
        assert_eq!(code("see `resolve`, then `run it`.").collect::<Vec<_>>(), ["resolve", "run it"]);
        assert_eq!(code("nothing").count(), 0);
    }
}
