//! `borrow.h`: a frame, and what the tables in `abi` say within it.

use std::fmt::Write;

use abi::description::{Argument, ArgumentKind, CALLS, CallDescription, RecordDescription, Shape};
use abi::layout::PAGE_SIZE;
use abi::{Errno, FaultKind};

use crate::reference;

/// The frame, with a `@MARK@` where a table goes.
const FRAME: &str = include_str!("../../../libsys/c/borrow.h");

/// The header.
pub fn text() -> String {
    let all = |write: fn(&mut String) -> std::fmt::Result| {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = write(&mut text);
        text
    };
    FRAME
        .replace(
            "@RECORDS@\n",
            &all(|out| reference::records().into_iter().try_for_each(|record| write_record(out, record))),
        )
        .replace("@ERRORS@", &all(write_errors))
        .replace("@ERROR_TEXTS@", &all(write_error_texts))
        .replace("@RULES@", &all(write_rules))
        .replace("@CALLS@\n", &all(|out| CALLS.iter().try_for_each(|call| write_call(out, call))))
        .replace("@PAGE_SIZE@", &PAGE_SIZE.to_string())
}

fn write_record(out: &mut String, record: &RecordDescription) -> std::fmt::Result {
    let name = in_snake_case(record.name);
    write_comment(out, "", record.text)?;
    writeln!(out, "struct borrow_{name} {{")?;
    for field in record.fields {
        write_comment(out, "    ", field.text)?;
        writeln!(out, "    {};", declaration(&field.shape, field.name))?;
    }
    writeln!(out, "}};")?;
    let size = record.size_bytes();
    writeln!(out, "BORROW_ASSERT(sizeof(struct borrow_{name}) == {size}, \"the kernel's {name} has {size} bytes\");\n")
}

fn write_errors(out: &mut String) -> std::fmt::Result {
    Errno::ALL.iter().try_for_each(|errno| writeln!(out, "    {} = {},", error_name(*errno), errno.number()))
}

fn write_error_texts(out: &mut String) -> std::fmt::Result {
    Errno::ALL.iter().try_for_each(|errno| writeln!(out, "    case {}: return \"{errno}\";", error_name(*errno)))
}

fn write_rules(out: &mut String) -> std::fmt::Result {
    FaultKind::ALL.iter().try_for_each(|kind| {
        let name = in_snake_case(&format!("{kind:?}")).to_uppercase();
        writeln!(out, "    BORROW_RULE_{name} = {}, /* {} */", *kind as u32, kind.text())
    })
}

fn write_call(out: &mut String, call: &CallDescription) -> std::fmt::Result {
    let errors: Vec<String> = call.errors.iter().map(|errno| format!("{errno:?}")).collect();
    let errors = if errors.is_empty() { "none".into() } else { errors.join(", ") };
    write_comment(out, "", &format!("{}: {}\nErrors: {errors}.", call.name, call.text.trim()))?;
    let arguments: Vec<String> = call.arguments.iter().map(parameter).collect();
    let arguments = if arguments.is_empty() { "void".into() } else { arguments.join(", ") };
    writeln!(out, "uint32_t borrow_{}({arguments});\n", call.function)
}

fn parameter(argument: &Argument) -> String {
    let name = argument.name;
    match &argument.kind {
        ArgumentKind::Word => format!("uint32_t {name}"),
        ArgumentKind::Reads(Shape::Byte | Shape::Bytes(_)) => format!("const void *{name}"),
        ArgumentKind::FillsIn(Shape::Byte | Shape::Bytes(_)) => format!("void *{name}"),
        ArgumentKind::Reads(shape) => format!("const {}", declaration(shape, &format!("*{name}"))),
        ArgumentKind::FillsIn(shape) => declaration(shape, &format!("*{name}")),
    }
}

/// A value of this shape and name, as C declares it.
fn declaration(shape: &Shape, name: &str) -> String {
    match shape {
        Shape::Byte => format!("uint8_t {name}"),
        Shape::Bytes(count) => format!("uint8_t {name}[{count}]"),
        Shape::Word => format!("uint32_t {name}"),
        Shape::DoubleWord => format!("uint64_t {name}"),
        Shape::Record(record) => format!("struct borrow_{} {name}", in_snake_case(record.name)),
    }
}

/// A text as a comment, without the marks that only Rust's documentation has.
fn write_comment(out: &mut String, indent: &str, text: &str) -> std::fmt::Result {
    let line: Vec<&str> = text.lines().map(str::trim).collect();
    let plain = reference::without_links(&line.join(" "), |name| name.into()).replace('`', "");
    let mut lines = wrapped(&plain.replace("*/", "* /"), 110 - indent.len()).into_iter();
    write!(out, "{indent}/* {}", lines.next().unwrap_or_default())?;
    lines.try_for_each(|line| write!(out, "\n{indent} * {line}"))?;
    writeln!(out, " */")
}

/// The text in lines of at most so many bytes, unless a word is longer.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => *line = word.into(),
            Some(line) if line.len() + 1 + word.len() <= width => *line += &format!(" {word}"),
            _ => lines.push(word.into()),
        }
    }
    lines
}

fn error_name(errno: Errno) -> String {
    format!("BORROW_{}", in_snake_case(&format!("{errno:?}")).to_uppercase())
}

/// `ExitStatus` as `exit_status`.
fn in_snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use abi::description::CALLS;

    use super::{in_snake_case, text, wrapped, write_comment};

    #[test]
    fn every_call_error_and_record_is_declared() {
        let header = text();
        assert!(!header.contains('@'), "a mark was left in place");
        for call in CALLS {
            assert!(header.contains(&format!("uint32_t borrow_{}(", call.function)), "{}", call.name);
        }
        for line in [
            "uint32_t borrow_wait(uint32_t pid, struct borrow_exit_status *status);",
            "uint32_t borrow_write(uint32_t handle, const void *buffer, uint32_t len_bytes);",
            "uint32_t borrow_get_pid(void);",
            "    BORROW_NO_SUCH_CALL = 1,",
            "    case BORROW_NO_SUCH_CALL: return \"no such call\";",
            "    struct borrow_exit_reason reason;",
            "    uint64_t uptime_ms;",
            "#define BORROW_PAGE_SIZE 4096u",
        ] {
            assert!(header.lines().any(|found| found == line), "`{line}` is missing");
        }
    }

    #[test]
    fn a_record_is_declared_before_it_is_used() {
        let header = text();
        let place = |text: &str| header.find(text).unwrap();
        assert!(place("struct borrow_account {") < place("struct borrow_account account;"));
        assert!(place("struct borrow_exit_reason {") < place("struct borrow_exit_reason reason;"));
    }

    #[test]
    fn comments_stay_comments() {
        let mut comment = String::new();
        write_comment(&mut comment, "", " Fills in [`Time`](crate::record::Time) */ at `time`.\n").unwrap();
        assert_eq!(comment, "/* Fills in Time * / at time. */\n");
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(in_snake_case("NoSuchCall"), "no_such_call");
    }
}
