//! The commands of the guides in `docs/course`: a machine of a guide is booted once, for the
//! commands of all rows that name it.

use anyhow::Result;

use super::guest::{Boot, Case, Outcome};
use super::report::Verdict;
use crate::guide::{Course, Machine, Row, Shown};
use crate::kernel_options::KernelOptions;

/// One case for each machine of each guide.
///
/// # Errors
/// If a guide cannot be read.
pub fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for course in Course::ALL {
        let guide = course.guide()?;
        cases.extend(guide.machines.iter().map(|machine| case(course, machine, &guide.rows)));
    }
    Ok(cases)
}

/// What is typed at one machine: each line once, with all that the rows say it prints.
#[derive(Clone, Debug, Default)]
struct Script {
    lines: Vec<(String, Vec<Expected>)>,
}

/// A text that a row says a line prints.
#[derive(Clone, Debug)]
struct Expected {
    row: String,
    text: String,
}

impl Script {
    /// The lines that these rows type at a machine.
    fn for_machine(name: &str, rows: &[&Row]) -> Self {
        let mut script = Self::default();
        for Row { number, commands } in rows {
            for shown in commands {
                if let Shown::Typed { machine, line, prints } = shown
                    && machine == name
                {
                    script.add(line, prints.iter().map(|text| Expected { row: number.clone(), text: text.clone() }));
                }
            }
        }
        script
    }

    fn add(&mut self, line: &str, expected: impl Iterator<Item = Expected>) {
        match self.lines.iter_mut().find(|(known, _)| known == line) {
            Some((_, all)) => all.extend(expected),
            None => self.lines.push((line.into(), expected.collect())),
        }
    }

    /// Everything that is typed. A number is shown before what each line prints.
    fn typed(&self) -> Vec<u8> {
        let lines = self.lines.iter().enumerate();
        let typed: String = lines.map(|(place, (line, _))| format!("echo {MARK} {place}\n{line}\n")).collect();
        (typed + "exit\n").into_bytes()
    }

    /// What is wrong with what the machine has shown for a row.
    fn judge(&self, row: &str, output: &str) -> Verdict {
        for (place, (line, expected)) in self.lines.iter().enumerate() {
            let shown = part(output, place, line);
            for Expected { text, .. } in expected.iter().filter(|expected| expected.row == row) {
                if !shown.lines().any(|shown| matches(text, shown)) {
                    return Err(format!("`{line}` did not print `{text}`, but:\n{shown}"));
                }
            }
        }
        Ok(())
    }
}

/// The first word of the line before what a command prints.
const MARK: &str = "==";

/// What was shown for the line at this place, without the echo of the line itself.
fn part(output: &str, place: usize, line: &str) -> String {
    let start = format!("\n{MARK} {place}\n");
    let (_, after) = output.split_once(&start).unwrap_or_default();
    let (own, _) = after.split_once(&format!("\n{MARK} ")).unwrap_or((after, ""));
    let echo = own.lines().position(|shown| shown.ends_with(line));
    let printed = own.lines().enumerate().filter(|&(place, _)| Some(place) != echo);
    printed.map(|(_, shown)| format!("{shown}\n")).collect()
}

/// The text appears in the line; `...` stands for anything, with or without blanks around it.
fn matches(text: &str, line: &str) -> bool {
    let mut rest = line;
    text.split("...").map(str::trim).all(|piece| match rest.split_once(piece) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

/// A machine, and the rows that type something at its prompt.
fn case(course: Course, machine: &Machine, rows: &[Row]) -> Case {
    let rows: Vec<&Row> = rows.iter().filter(|row| row.machines().contains(machine.name.as_str())).collect();
    let script = Script::for_machine(&machine.name, &rows);
    let options = KernelOptions::new(&machine.options, &[]);
    let boot = Boot {
        ram: machine.options.ram,
        swap: machine.options.disk.swap_size(),
        options: options.words,
        program: options.program,
        typed: script.typed(),
        ..Boot::new(&format!("{}-{}", course.name(), machine.name), &[])
    };
    let numbers: Vec<String> = rows.iter().map(|row| row.number.clone()).collect();
    let names = numbers.iter().map(|number| course.row_test(number, &machine.name)).collect();
    let judge = move |outcome: &Outcome| {
        let ended = outcome.expect_status(0);
        numbers.iter().map(|number| ended.clone().and_then(|()| script.judge(number, &outcome.output))).collect()
    };
    Case { boot, names, judge: Box::new(judge) }
}

#[cfg(test)]
mod tests {
    use super::{Expected, Script, matches};

    #[test]
    fn dots_stand_for_anything_on_the_line() {
        assert!(matches("frames ... 1024", "frames       1024       67"));
        assert!(matches("frames ... 1024", "frames 1024") && matches("ok", "12 pages, ok"));
        assert!(!matches("frames ... 1024", "frames       1000"));
        assert!(!matches("a ... b", "b a"));
    }

    #[test]
    fn line_prints_what_follows_its_own_mark_and_the_line_itself_does_not_count() {
        let mut script = Script::default();
        let expected = |row: &str, text: &str| [Expected { row: row.into(), text: text.into() }].into_iter();
        script.add("echo kept", expected("1.1", "kept"));
        script.add("free", expected("1.2", "frames ... 99"));
        script.add("free", expected("1.3", "swap"));
        assert_eq!(script.typed(), b"echo == 0\necho kept\necho == 1\nfree\nexit\n");
        let output = "> echo == 0\n== 0\n> echo kept\nkept\n> echo == 1\n== 1\n> free\nframes 99\n> exit\n";
        assert_eq!(script.judge("1.1", output), Ok(()));
        assert_eq!(script.judge("1.2", output), Ok(()));
        assert!(script.judge("1.3", output).is_err_and(|why| why.contains("`free` did not print `swap`")));
        let silent = output.replace("\nkept\n", "\n");
        assert!(script.judge("1.1", &silent).is_err());
        assert!(script.judge("1.1", "").is_err());
    }
}
