//! `cargo xtask new`: a program to start from.
//!
//! A new program is `hello` under another name, so what is handed out is compiled, linted and tested with everything else.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use abi::image::SWAP_FILE;
use abi::layout::NAME_MAX_BYTES;
use anyhow::{Context, Result, bail};
use cargo_metadata::MetadataCommand;

use crate::cli::NewOptions;
use crate::project;

/// The program that is copied, and the word that is its name.
const MODEL: &str = "hello";

/// The model's text.
const MODEL_TEXT: &str = include_str!("../../userland/programs/src/bin/hello.rs");

/// The folder of the programs in the checkout, a file each.
const PROGRAMS: &str = "userland/programs/src/bin";

/// Names that mean something else to the compiler, wherever they stand. Keywords apart, these are the libraries that programs use.
const NOT_NAMES: [&str; 53] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "union",
    "unsafe",
    "use",
    "while",
];

/// Makes `userland/programs/src/bin/NAME.rs`.
///
/// # Errors
/// If the name cannot be one, or there is something of that name already.
pub fn command(options: &NewOptions) -> Result<ExitCode> {
    let name = options.name.as_str();
    check(name)?;
    if taken()?.contains(name) {
        bail!("there is a package or program called `{name}` already; choose another name");
    }
    let file = make(&project::root().join(PROGRAMS), name)?;
    println!("made {}", file.display());
    println!("run it:   cargo xtask run -- {name} one two");
    println!("test it:  cargo xtask test guest::{name}::");
    println!("read on:  docs/writing-a-program.md");
    Ok(ExitCode::SUCCESS)
}

/// The word can be a program's name: a package's, a file's in fakefs, and one that can be typed.
fn check(name: &str) -> Result<()> {
    const ADVICE: &str = "a name is made of lower-case letters, digits and single dashes, and begins with a letter";
    let is_made_of = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !name.bytes().all(is_made_of) || name.contains("--") || name.ends_with('-') {
        bail!("`{name}` cannot be a program's name: {ADVICE}");
    }
    if !name.starts_with(|letter: char| letter.is_ascii_lowercase()) {
        bail!("`{name}` cannot be a program's name: {ADVICE}");
    }
    if name.len() > NAME_MAX_BYTES as usize {
        bail!("`{name}` is too long: a file's name has at most {NAME_MAX_BYTES} bytes");
    }
    if name.starts_with("test-") {
        bail!("`{name}`: names with `test-` are those of programs in userland/tests that are nothing but tests");
    }
    if name == SWAP_FILE {
        bail!("`{name}` is the swap file's name");
    }
    if NOT_NAMES.contains(&name) {
        bail!("`{name}` means something to the Rust compiler; choose another name");
    }
    Ok(())
}

/// The names of all packages, dependencies among them, and of all programs.
fn taken() -> Result<BTreeSet<String>> {
    let metadata = MetadataCommand::new().current_dir(project::root()).exec().context("cannot read the workspace")?;
    let targets = metadata.packages.iter().flat_map(|package| &package.targets).filter(|target| target.is_bin());
    let programs: BTreeSet<String> = targets.map(|target| target.name.clone()).collect();
    let packages = metadata.packages.iter().map(|package| package.name.to_string());
    Ok(packages.chain(programs).collect())
}

/// Writes the new program's file into the folder of programs. A file that is there already is left as it is.
fn make(programs: &Path, name: &str) -> Result<PathBuf> {
    let path = programs.join(name).with_extension("rs");
    let mut file = match File::create_new(&path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            bail!("{} is there already; nothing was changed", path.display())
        }
        made => made.with_context(|| format!("cannot make {}", path.display()))?,
    };
    if let Err(error) = file.write_all(renamed(MODEL_TEXT, name).as_bytes()) {
        // Half a program would not compile. The first error is reported, whether or not this succeeds.
        let _ = fs::remove_file(&path);
        return Err(error).with_context(|| format!("cannot write {}", path.display()));
    }
    Ok(path)
}

/// The model's text with its name replaced.
fn renamed(model: &str, name: &str) -> String {
    model.replace(MODEL, name)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{MODEL, MODEL_TEXT, check, make, renamed, taken};

    #[test]
    fn a_name_is_one_word_that_can_be_typed() {
        for good in ["a", "mine", "my-tool", "tool2", "testing"] {
            assert!(check(good).is_ok(), "{good}");
        }
        let long = "a".repeat(56);
        for bad in ["", "-a", "a-", "a--b", "2a", "A", "my tool", "../up", "a/b", "a_b", "ä", "a\n", ".", long.as_str()]
        {
            let error = check(bad).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{bad}`")), "{error}");
        }
        for (bad, why) in
            [("swap", "swap file"), ("fn", "compiler"), ("alloc", "compiler"), ("test-mine", "userland/tests")]
        {
            assert!(check(bad).unwrap_err().to_string().contains(why), "{bad}");
        }
    }

    #[test]
    fn programs_and_packages_have_their_names_already() {
        let taken = taken().unwrap();
        for name in ["hello", "kernel", "libsys", "assist", "spin"] {
            assert!(taken.contains(name), "{name}");
        }
    }

    #[test]
    fn new_program_is_the_model_under_its_own_name() {
        let programs = tempfile::tempdir().unwrap();
        let file = make(programs.path(), "mine").unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(file, programs.path().join("mine.rs"));
        assert_eq!(text, renamed(MODEL_TEXT, "mine"));
        assert!(!text.contains(MODEL));
        assert!(text.contains("usage: mine ") && text.contains("tests: ["), "{text}");
    }

    #[test]
    fn file_that_is_there_is_left_alone() {
        let programs = tempfile::tempdir().unwrap();
        let file = programs.path().join("mine.rs");
        fs::write(&file, "mine").unwrap();
        let error = make(programs.path(), "mine").unwrap_err().to_string();
        assert!(error.contains("is there already"), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    }
}
