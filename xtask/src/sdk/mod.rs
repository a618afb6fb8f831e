//! `cargo xtask sdk`: what a program in C needs, in one folder.

mod header;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::build::Guest;
use crate::cli::SdkOptions;
use crate::{project, setup};

/// The example: a program's name, and of the file its source is in.
pub const EXAMPLE: &str = "hello-c";
const EXAMPLE_SOURCE: &str = include_str!("../../../libsys/c/hello-c.c");

/// The linker script of every program.
const LINKER_SCRIPT: &str = include_str!("../../../linker/user.ld");

/// Compilers that people have, in the order in which they are tried.
const COMPILERS: [&str; 3] = ["cc", "gcc", "clang"];

/// Makes the folder.
///
/// # Errors
/// If the library does not compile, or the folder cannot be written.
pub fn command(options: &SdkOptions) -> Result<ExitCode> {
    let folder = options.folder.clone().unwrap_or_else(|| project::target().join("sdk"));
    make(&Guest::build()?, &folder)?;
    let folder = folder.display();
    println!("{folder} has borrow.h, libborrow.a, borrow.ld, and an example. To compile and run it:\n");
    println!("    cd {folder}");
    println!("    {}", example_command()?);
    println!("    cd -");
    println!("    cargo xtask run --with {folder}/{EXAMPLE} -- {EXAMPLE} one two");
    Ok(ExitCode::SUCCESS)
}

/// Puts everything into the folder, over what it made there before.
///
/// # Errors
/// If it cannot be written.
pub fn make(guest: &Guest, folder: &Path) -> Result<()> {
    let in_folder = || format!("cannot write to {}", folder.display());
    fs::create_dir_all(folder).with_context(in_folder)?;
    fs::write(folder.join("borrow.h"), header::text()).with_context(in_folder)?;
    fs::write(folder.join("borrow.ld"), LINKER_SCRIPT).with_context(in_folder)?;
    fs::write(folder.join(format!("{EXAMPLE}.c")), EXAMPLE_SOURCE).with_context(in_folder)?;
    fs::copy(&guest.library, folder.join("libborrow.a")).with_context(in_folder)?;
    Ok(())
}

/// Compiles `NAME.c` in the folder as the example says that it is to be compiled.
///
/// # Errors
/// If there is no compiler, or it does not succeed.
pub fn compile(folder: &Path, name: &str) -> Result<()> {
    let compiler = compiler(|name| setup::in_path(name).is_some())?;
    let command = example_command()?.replace(EXAMPLE, name);
    let mut words = command.split_whitespace().skip(1).collect::<Vec<_>>();
    words.extend(["-Wall", "-Wextra", "-Werror"]);
    let output =
        Command::new(compiler).args(words).current_dir(folder).output().context("cannot run the C compiler")?;
    if !output.status.success() {
        bail!("{command}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// The compiler to use.
fn compiler(is_there: impl Fn(&str) -> bool) -> Result<&'static str> {
    let found = COMPILERS.into_iter().find(|name| is_there(name));
    found.context("there is no C compiler; install gcc or clang, on Debian with `apt-get install gcc`")
}

/// The command that compiles the example, as its first lines say.
fn example_command() -> Result<&'static str> {
    let lines = EXAMPLE_SOURCE.lines().filter_map(|line| line.strip_prefix(" *     "));
    lines.into_iter().find(|line| line.starts_with("cc ")).context("the example does not say how it is compiled")
}

#[cfg(test)]
mod tests {
    use super::{compiler, example_command};

    #[test]
    fn without_a_compiler_the_user_is_told_what_to_install() {
        assert_eq!(compiler(|_| true).unwrap(), "cc");
        assert_eq!(compiler(|name| name == "clang").unwrap(), "clang");
        assert!(compiler(|_| false).unwrap_err().to_string().contains("install gcc or clang"));
    }

    #[test]
    fn the_example_says_how_it_is_compiled() {
        let command = example_command().unwrap();
        assert!(command.starts_with("cc -m32 ") && command.ends_with(" -o hello-c"), "{command}");
    }
}
