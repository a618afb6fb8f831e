//! What the guides name is there: files, functions, headings, tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::links::{Link, anchor, links};
use super::markdown::{code, tables};
use super::{Course, Guide, ROWS, Shown, TestName};
use crate::project;

fn page(course: Course) -> (PathBuf, String) {
    let path = project::root().join(super::FOLDER).join(format!("{}.md", course.name()));
    let text = fs::read_to_string(&path).unwrap();
    (path, text)
}

/// The guides and the pages that lead to them.
fn pages() -> Vec<(PathBuf, String)> {
    let others = ["README.md", "docs/README.md", "docs/glossary.md"].map(|name| project::root().join(name));
    let others = others.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap()));
    Course::ALL.into_iter().map(page).chain(others).collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    for (path, text) in pages() {
        for Link { target, .. } in links(&text) {
            let (file, heading) =
                target.split_once('#').map_or((target, None), |(file, heading)| (file, Some(heading)));
            let file = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            assert!(file.exists(), "{}: {target} does not exist", path.display());
            let Some(heading) = heading else { continue };
            let linked = fs::read_to_string(&file).unwrap();
            let mut headings = linked.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_matches('#'));
            let is_there = headings.any(|words| anchor(words.trim()) == heading);
            assert!(is_there, "{}: {target} has no such heading", path.display());
        }
    }
}

#[test]
fn every_row_leads_to_code_that_defines_what_it_names() {
    for course in Course::ALL {
        let (path, text) = page(course);
        for row in tables(&text).iter().filter(|table| table.header == ROWS).flat_map(|table| &table.rows) {
            let places = links(row[2]);
            assert!(!places.is_empty(), "row {} leads nowhere", row[0]);
            for Link { text, target } in places {
                let Some(name) = code(text).next() else { continue };
                let file = path.parent().unwrap().join(target);
                assert!(defines(&file, name), "row {}: {} does not define {name}", row[0], file.display());
            }
        }
    }
}

/// The file defines a function, type or constant of this name; or, in assembly, has these words.
fn defines(file: &Path, name: &str) -> bool {
    let text = fs::read_to_string(file).unwrap_or_default();
    if file.extension().is_some_and(|extension| extension == "s") {
        return text.contains(name);
    }
    ["fn", "struct", "enum", "trait", "const", "type", "macro_rules!"].iter().any(|kind| has_words(&text, kind, name))
}

/// The text has the word `kind`, then the word `name`.
fn has_words(text: &str, kind: &str, name: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    let wanted = format!("{kind} {name}");
    text.match_indices(&wanted).any(|(start, _)| {
        let ends = |rest: Option<char>| rest.is_none_or(|letter| !is_part(letter));
        ends(text[..start].chars().next_back()) && ends(text[start + wanted.len()..].chars().next())
    })
}

#[test]
fn numbers_of_rows_go_up_one_by_one() {
    for course in Course::ALL {
        let guide = course.guide().unwrap();
        let (mut assignment, mut next) = (0, 1);
        for row in &guide.rows {
            let (first, second) = row.number.split_once('.').unwrap();
            let (first, second): (u32, u32) = (first.parse().unwrap(), second.parse().unwrap());
            assert!(first == assignment && second == next || first > assignment && second == 1, "row {}", row.number);
            (assignment, next) = (first, second + 1);
        }
        assert!(guide.rows.len() > 30, "{}: only {} rows", course.name(), guide.rows.len());
    }
}

#[test]
fn rubric_adds_up_to_100_points() {
    for course in Course::ALL {
        let points: u32 = course.guide().unwrap().rubric.iter().map(|line| line.points).sum();
        assert_eq!(points, 100, "{}", course.name());
    }
}

#[test]
fn every_test_that_a_guide_names_is_there() {
    for course in Course::ALL {
        let guide = course.guide().unwrap();
        let in_rows = guide.rows.iter().flat_map(|row| &row.commands).filter_map(|shown| match shown {
            Shown::Test(test) => Some(test),
            Shown::Typed { .. } => None,
        });
        let tests: BTreeSet<&TestName> = in_rows.chain(guide.rubric.iter().flat_map(|line| &line.tests)).collect();
        for test in tests {
            assert!(is_there(test, course, &guide), "{}: there is no {test:?}", course.name());
        }
    }
}

fn is_there(test: &TestName, course: Course, guide: &Guide) -> bool {
    match test {
        TestName::Host { package, name } => {
            let folder = match package.as_str() {
                "kcore" => "kernel/core",
                "abi" => "libsys/abi",
                "fakefs" => "fakefs",
                other => panic!("tell here where the package {other} is"),
            };
            any_file(&project::root().join(folder), &|text| has_words(text, "fn", name))
        }
        TestName::Guest(name) => {
            let ("guest", rest) = name.split_once("::").unwrap() else { panic!("{name}") };
            let (subject, name) = rest.split_once("::").unwrap();
            if subject == course.name() {
                let typed =
                    |row: &super::Row| row.machines().iter().any(|at| course.row_test(&row.number, at).ends_with(name));
                return guide.rows.iter().any(typed);
            }
            let file = format!("userland/tests/src/bin/test-{subject}.rs");
            let carried = fs::read_to_string(project::root().join(file)).unwrap_or_default();
            // A test of a machine is named by its own name alone, or by its full name.
            let quoted = [format!("\"{name}\""), format!("\"guest::{rest}\"")];
            let names = |text: &str| quoted.iter().any(|name| text.contains(name));
            has_words(&carried, "fn", name) || any_file(&project::root().join("xtask/src/test"), &names)
        }
    }
}

/// Some Rust file in the folder, or in a folder in it, is as it should be.
fn any_file(folder: &Path, is_wanted: &impl Fn(&str) -> bool) -> bool {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| match path.is_dir() {
        true => path.file_name().is_none_or(|name| name != "target") && any_file(&path, is_wanted),
        false => path.extension().is_some_and(|end| end == "rs") && is_wanted(&fs::read_to_string(&path).unwrap()),
    })
}

#[test]
fn page_that_is_no_guide_is_refused_with_the_place() {
    let head = "# ICSI 412: x\n\n| machine | started by | what it is short of |\n| --- | --- | --- |\n";
    let rows = "\n| row | the assignment says | where it is | how to see it | what differs, and why |\n| --- | --- | --- | --- | --- |\n";
    let refusal = |machine: &str, row: &str| {
        let page = format!("{head}{machine}\n{rows}{row}\n");
        Guide::parse(&page).map(|guide| guide.rows.len()).map_err(|error| format!("{error:#}"))
    };
    let machine = "| few | `cargo xtask run --frames 99` | frames |";
    assert_eq!(refusal(machine, "| 1.1 | says | where | `few> free` prints `frames` | |"), Ok(1));
    for (machine, row, reason) in [
        (machine, "| 1.1 | says | where | `few> free` | |", "row 1.1: a command is missing, or what it prints"),
        (machine, "| 1.1 | says | where | `frames` | |", "row 1.1: `frames` is no command"),
        (machine, "| 1.1 | says | where | `many> free` prints `frames` | |", "no table tells how `many` is started"),
        (machine, "| 1.1 | says | where |", "has 3 cells"),
        ("| few | `cargo xtask run -- hello` | |", "", "starts a program"),
        ("| few | `cargo xtask image` | |", "", "does not start a machine"),
    ] {
        let refused = refusal(machine, row).unwrap_err();
        assert!(refused.contains(reason), "{refused}");
    }
}
