//! The guides of `docs/course/`: what two courses ask for, where it is, and how to see it.
//!
//! The pages are the data. `cargo xtask test` runs the commands of their rows (`test/guides.rs`),
//! and `cargo xtask rubric` runs the tests of their rubrics. The tests here check that everything
//! that a page names is there.

#[cfg(test)]
mod links;
mod markdown;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, bail};
use clap::{Parser, ValueEnum};

use crate::cli::{Cli, Command, MachineOptions};
use crate::project;
use markdown::{Table, code, tables};

/// The folder of the guides in the checkout.
const FOLDER: &str = "docs/course";

/// The columns of the tables that are read. Other tables are for people alone.
const MACHINES: [&str; 3] = ["machine", "started by", "what it is short of"];
const ROWS: [&str; 5] = ["row", "the assignment says", "where it is", "how to see it", "what differs, and why"];
const RUBRIC: [&str; 3] = ["line", "points", "tests"];

/// A course that has a guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Course {
    /// An operating system that is simulated, in six assignments
    #[value(name = "icsi-412")]
    Icsi412,
    /// A kernel on a bare i386, in seven machine problems
    #[value(name = "csce-410")]
    Csce410,
}

impl Course {
    /// All courses.
    pub const ALL: [Self; 2] = [Self::Icsi412, Self::Csce410];

    /// The name of the course, its guide and the tests of the guide.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Icsi412 => "icsi-412",
            Self::Csce410 => "csce-410",
        }
    }

    /// The assignment that the rubric belongs to.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Icsi412 => "ICSI 412, assignment 6: virtual memory",
            Self::Csce410 => "CSCE 410/611, MP4: virtual memory management and memory allocation",
        }
    }

    /// The name of the test that types the commands of a row at the prompt of a machine.
    pub fn row_test(self, row: &str, machine: &str) -> String {
        format!("guest::{}::row_{row}_on_{machine}_prints_what_the_guide_says", self.name())
    }

    /// Reads the guide.
    ///
    /// # Errors
    /// If the page cannot be read, or a table in it is not of the form that `docs/course` uses.
    pub fn guide(self) -> Result<Guide> {
        let path = project::root().join(FOLDER).join(format!("{}.md", self.name()));
        let page = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Guide::parse(&page).with_context(|| format!("{} is not a guide", path.display()))
    }
}

/// A guide, as far as it is data.
#[derive(Debug)]
pub struct Guide {
    /// The machines at whose prompts commands are typed.
    pub machines: Vec<Machine>,
    /// The rows of all assignments.
    pub rows: Vec<Row>,
    /// The lines of the rubric.
    pub rubric: Vec<Line>,
}

/// A machine that a reader starts once, for the commands of many rows.
#[derive(Debug)]
pub struct Machine {
    /// The name of the machine in the page.
    pub name: String,
    /// The options that it is started with.
    pub options: MachineOptions,
}

/// One statement of an assignment.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// The number, such as 6.12.
    pub number: String,
    /// How to see it.
    pub commands: Vec<Shown>,
}

/// A command that shows something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A line that is typed at the prompt of a machine.
    Typed {
        /// The name of the machine.
        machine: String,
        /// The line.
        line: String,
        /// Texts that appear then; `...` stands for any text on the same line.
        prints: Vec<String>,
    },
    /// A test, run by `cargo test -p PACKAGE NAME` or by `cargo xtask test NAME`.
    Test(TestName),
}

/// A test, as a guide names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TestName {
    /// A test of a package that runs on the host, by the last part of its name.
    Host {
        /// The package.
        package: String,
        /// The last part of the test's name.
        name: String,
    },
    /// A test in QEMU, by its full name.
    Guest(String),
}

/// One line of a rubric.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// What is asked for, without marks of Markdown.
    pub text: String,
    /// What it counts.
    pub points: u32,
    /// The tests that prove it.
    pub tests: Vec<TestName>,
}

impl Guide {
    /// Reads a page.
    fn parse(page: &str) -> Result<Self> {
        let tables = tables(page);
        let of = |header: &[&str]| -> Vec<Vec<&str>> {
            let wanted = tables.iter().filter(|table: &&Table<'_>| table.header == header);
            wanted.flat_map(|table| table.rows.iter().cloned()).collect()
        };
        let machines = of(&MACHINES).iter().map(|cells| machine(cells)).collect::<Result<Vec<_>>>()?;
        let rows = of(&ROWS).iter().map(|cells| row(cells)).collect::<Result<Vec<_>>>()?;
        for name in rows.iter().flat_map(Row::machines) {
            if !machines.iter().any(|machine| machine.name == name) {
                bail!("no table tells how `{name}` is started");
            }
        }
        let course = page.lines().next().and_then(course_of).context("its first line names no course")?;
        let rubric = of(&RUBRIC).iter().map(|cells| line(cells, course, &rows)).collect::<Result<Vec<_>>>()?;
        Ok(Self { machines, rows, rubric })
    }
}

impl Row {
    /// The names of the machines at whose prompts something is typed.
    pub fn machines(&self) -> BTreeSet<&str> {
        let typed = self.commands.iter().filter_map(|shown| match shown {
            Shown::Typed { machine, .. } => Some(machine.as_str()),
            Shown::Test(_) => None,
        });
        typed.collect()
    }
}

/// The course whose name the first heading begins with: `# ICSI 412: ...`.
fn course_of(heading: &str) -> Option<Course> {
    let named = heading.strip_prefix("# ")?.to_lowercase().replace(' ', "-");
    Course::ALL.into_iter().find(|course| named.starts_with(course.name()))
}

/// A row of the table of machines.
fn machine(cells: &[&str]) -> Result<Machine> {
    let &[name, command, _] = cells else { bail!("a row of the machines has {} cells: {cells:?}", cells.len()) };
    let command = code(command).next().with_context(|| format!("no command starts `{name}`"))?;
    let words = command.strip_prefix("cargo ").with_context(|| format!("`{command}` does not begin with cargo"))?;
    let Command::Run(options) = Cli::try_parse_from(words.split_whitespace())?.command else {
        bail!("`{command}` does not start a machine");
    };
    if !options.program.is_empty() {
        bail!("`{command}` starts a program instead of the shell");
    }
    Ok(Machine { name: name.into(), options: options.machine })
}

/// A row of the table of statements.
fn row(cells: &[&str]) -> Result<Row> {
    let &[number, _, _, how, _] = cells else { bail!("row {:?} has {} cells", cells.first(), cells.len()) };
    let mut commands = Vec::new();
    for text in code(how) {
        match (command(text), commands.last_mut()) {
            (Some(shown), _) => commands.push(shown),
            (None, Some(Shown::Typed { prints, .. })) => prints.push(text.into()),
            (None, _) => bail!("row {number}: `{text}` is no command, and follows none that prints it"),
        }
    }
    let is_silent = |shown: &Shown| matches!(shown, Shown::Typed { prints, .. } if prints.is_empty());
    if commands.is_empty() || commands.iter().any(is_silent) {
        bail!("row {number}: a command is missing, or what it prints");
    }
    Ok(Row { number: number.into(), commands })
}

/// The command that a piece of code is, if it is one.
fn command(text: &str) -> Option<Shown> {
    if let Some(name) = text.strip_prefix("cargo xtask test ") {
        return Some(Shown::Test(TestName::Guest(name.into())));
    }
    if let Some(words) = text.strip_prefix("cargo test -p ") {
        let (package, name) = words.split_once(' ')?;
        return Some(Shown::Test(TestName::Host { package: package.into(), name: name.into() }));
    }
    let (machine, line) = text.split_once("> ")?;
    let is_name = !machine.is_empty() && machine.bytes().all(|byte| byte.is_ascii_lowercase());
    is_name.then(|| Shown::Typed { machine: machine.into(), line: line.into(), prints: Vec::new() })
}

/// A row of the rubric.
fn line(cells: &[&str], course: Course, rows: &[Row]) -> Result<Line> {
    let &[text, points, names] = cells else { bail!("a line of the rubric has {} cells: {cells:?}", cells.len()) };
    let mut tests = Vec::new();
    for name in code(names) {
        match name.split_once("::") {
            Some(("guest", _)) => tests.push(TestName::Guest(name.into())),
            Some((package, name)) => tests.push(TestName::Host { package: package.into(), name: name.into() }),
            None if name.starts_with(|first: char| first.is_ascii_digit()) => {
                let row = rows.iter().find(|row| row.number == name);
                let machines = row.map(Row::machines).unwrap_or_default();
                if machines.is_empty() {
                    bail!("`{text}`: row {name} is not there, or types nothing");
                }
                tests.extend(machines.iter().map(|machine| TestName::Guest(course.row_test(name, machine))));
            }
            None => tests.push(TestName::Host { package: "kcore".into(), name: name.into() }),
        }
    }
    if tests.is_empty() {
        bail!("`{text}` has no test");
    }
    let points = points.parse().with_context(|| format!("`{text}` has no points"))?;
    Ok(Line { text: text.replace('`', ""), points, tests })
}
