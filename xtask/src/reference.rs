//! `docs/abi.md`: the calls, errors, records and exit reasons, written out from the tables in `abi`.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use abi::description::{Argument, ArgumentKind, CALLS, CallDescription, RecordDescription, Shape};
use abi::{Errno, FaultKind};
use anyhow::{Context, Result};

use crate::project;

/// What the page says before the first table.
const INTRODUCTION: &str = "# The calls

<!-- Made by `cargo xtask docs` from the tables in libsys/abi/src; do not edit. -->

A program calls the kernel by `int 0x80`: the call's number in `eax`, its arguments in `ebx ecx edx esi edi`, in this order. The result comes
back in `eax`; all other registers are kept. A result from -4095 to -1 (FFFFF001h to FFFFFFFFh) is the number of an error, negated; every
other word is a value. A call that is refused has no effect.

Where the CPU has `sysenter`, calls of up to four arguments can be made by it, which takes a third of the time: arguments in `ebx edi esi ebp`, the
stack pointer in `ecx`, the address behind the call in `edx`. `ebx`, `esi`, `edi` and `ebp` are kept, `ds` and `es` hold the flat data segment
afterwards, and no flag but the one that is always set is left.

An argument written with `*` is an address; with `*mut`, the call may change the memory there. The last column lists every error that the call
can return. A number that no call has is answered with `NoSuchCall`. `BadAddress` without an explanation: the caller may not use the memory
that an argument names in the way the call needs. `Io`: the disk could not read or write a page that the call needs.
";

/// Registers of the arguments, in order.
const REGISTERS: [&str; 5] = ["ebx", "ecx", "edx", "esi", "edi"];

/// `cargo xtask docs`.
pub fn command() -> Result<ExitCode> {
    let path = path();
    fs::write(&path, page()).with_context(|| format!("cannot write {}", path.display()))?;
    println!("{}", path.display());
    Ok(ExitCode::SUCCESS)
}

fn path() -> PathBuf {
    project::root().join("docs/abi.md")
}

/// The whole page.
fn page() -> String {
    let mut page = String::from(INTRODUCTION);
    // Writing to a string cannot fail.
    let _ = write_page(&mut page);
    page
}

fn write_page(page: &mut String) -> std::fmt::Result {
    writeln!(page, "\n| number | call | what it does | errors |\n| ---: | --- | --- | --- |")?;
    for call in CALLS {
        let (signature, errors) = (signature(call), errors_of(call).join(" "));
        writeln!(page, "| {} | {signature} | {} | {errors} |", call.number, as_cell(call.text))?;
    }
    writeln!(page, "\n## Errors\n\n| number | name | meaning |\n| ---: | --- | --- |")?;
    for errno in Errno::ALL {
        writeln!(page, "| {} | `{errno:?}` | {errno} |", errno.number())?;
    }
    writeln!(page, "\n## Broken rules\n\nWhat `ExitReason` says in `what` of a process that broke one.\n")?;
    writeln!(page, "| number | name | meaning |\n| ---: | --- | --- |")?;
    for kind in FaultKind::ALL {
        writeln!(page, "| {} | `{kind:?}` | {} |", *kind as u32, kind.text())?;
    }
    writeln!(
        page,
        "\n## Records\n\nFields lie one behind the other, with nothing between them; numbers are little-endian."
    )?;
    records().into_iter().try_for_each(|record| write_record(page, record))
}

fn write_record(page: &mut String, record: &RecordDescription) -> std::fmt::Result {
    writeln!(page, "\n### {}\n\n{} It has {} bytes.\n", record.name, as_cell(record.text), record.size_bytes())?;
    writeln!(page, "| offset | field | type | meaning |\n| ---: | --- | --- | --- |")?;
    let mut offset = 0;
    for field in record.fields {
        let (kind, text) = (type_of(&field.shape), as_cell(field.text));
        writeln!(page, "| {offset} | `{}` | {kind} | {text} |", field.name)?;
        offset += field.shape.size_bytes();
    }
    Ok(())
}

/// The call with its arguments and their registers.
fn signature(call: &CallDescription) -> String {
    let arguments: Vec<String> = call
        .arguments
        .iter()
        .zip(REGISTERS)
        .map(|(argument, register)| format!("{register}: {}", argument_text(argument)))
        .collect();
    format!("**{}**<br>{}", call.name, arguments.join("<br>")).trim_end_matches("<br>").into()
}

fn argument_text(argument: &Argument) -> String {
    match &argument.kind {
        ArgumentKind::Word => format!("`{}`", argument.name),
        ArgumentKind::Reads(shape) => format!("`{}`: *const {}", argument.name, type_of(shape)),
        ArgumentKind::FillsIn(shape) => format!("`{}`: *mut {}", argument.name, type_of(shape)),
    }
}

fn type_of(shape: &Shape) -> String {
    match shape {
        Shape::Byte => "u8".into(),
        Shape::Bytes(count) => format!("{count} bytes"),
        Shape::Word => "u32".into(),
        Shape::DoubleWord => "u64".into(),
        Shape::Record(record) => format!("[{}](#{})", record.name, record.name.to_lowercase()),
    }
}

/// The errors that the call can return, in order of number.
fn errors_of(call: &CallDescription) -> Vec<String> {
    let listed = Errno::ALL.iter().filter(|errno| call.errors.contains(errno));
    listed.map(|errno| format!("`{errno:?}`")).collect()
}

/// All records that calls use, each once, and behind those that it is made of.
pub fn records() -> Vec<&'static RecordDescription> {
    let mut found = Vec::new();
    for argument in CALLS.iter().flat_map(|call| call.arguments) {
        if let ArgumentKind::Reads(shape) | ArgumentKind::FillsIn(shape) = argument.kind {
            find_records(shape, &mut found);
        }
    }
    found
}

fn find_records(shape: Shape, found: &mut Vec<&'static RecordDescription>) {
    if let Shape::Record(record) = shape
        && !found.iter().any(|known| known.name == record.name)
    {
        record.fields.iter().for_each(|field| find_records(field.shape, found));
        found.push(record);
    }
}

/// A text in one line, as it stands in a cell: links to Rust items become links to the records' sections, or plain words.
fn as_cell(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    without_rust_links(&line.join(" ")).replace('|', "\\|")
}

fn without_rust_links(text: &str) -> String {
    without_links(text, |name| match records().iter().any(|record| record.name == name) {
        true => format!("[`{name}`](#{})", name.to_lowercase()),
        false => format!("`{name}`"),
    })
}

/// A text with each link to a Rust item replaced by what is made of the item's name.
pub fn without_links(text: &str, replacement: impl Fn(&str) -> String) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, name, after)) = next_link(rest) {
        plain += before;
        plain += &replacement(name);
        rest = after;
    }
    plain + rest
}

/// The first link of the form ``[`name`](path)``: what is before it, the name, what is behind it.
fn next_link(text: &str) -> Option<(&str, &str, &str)> {
    let (before, link) = text.split_once("[`")?;
    let (name, path) = link.split_once("`](")?;
    let (_, after) = path.split_once(')')?;
    Some((before, name, after))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use abi::description::CALLS;

    use super::{errors_of, page, path, records, without_rust_links};

    #[test]
    fn docs_abi_md_says_what_the_tables_say() {
        let (made, kept) = (page(), fs::read_to_string(path()).unwrap_or_default());
        let differs = made.lines().zip(kept.lines().chain(std::iter::repeat(""))).find(|(new, old)| new != old);
        assert!(
            made == kept,
            "docs/abi.md is not up to date; run `cargo xtask docs`. First difference, new and old: {differs:?}"
        );
    }

    #[test]
    fn errors_of_a_call_are_listed_by_number() {
        let stat = CALLS.iter().find(|call| call.name == "Stat").unwrap();
        assert_eq!(errors_of(stat), ["`BadAddress`", "`BadHandle`", "`Io`"]);
    }

    #[test]
    fn a_record_within_a_record_has_a_section_too() {
        let names: Vec<&str> = records().iter().map(|record| record.name).collect();
        for name in ["ExitStatus", "ExitReason", "Account", "Time"] {
            assert_eq!(names.iter().filter(|found| **found == name).count(), 1, "{name} in {names:?}");
        }
    }

    #[test]
    fn links_to_rust_items_become_links_within_the_page() {
        let text = "fills in the [`Time`](crate::record::Time) and [`NOTHING`](crate::NOTHING).";
        assert_eq!(without_rust_links(text), "fills in the [`Time`](#time) and `NOTHING`.");
    }
}
