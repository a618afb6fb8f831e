//! `cargo xtask`: builds, runs and tests BorrowOS.

mod bench;
mod build;
mod cli;
mod console;
mod debug;
mod dialogue;
mod fuzz;
mod guide;
mod image;
mod kernel_options;
mod keys;
mod machine;
mod new;
mod picture;
mod project;
mod qmp;
mod reference;
mod rubric;
mod run;
mod screenshot;
mod sdk;
mod setup;
mod size;
mod terminal;
mod test;
mod typist;

use std::process::ExitCode;

use cli::{Cli, Command};

/// The exit status when a command of xtask itself fails.
const FAILED: u8 = 1;

fn main() -> ExitCode {
    let done = project::check().and_then(|()| match Cli::read().command {
        Command::Setup => setup::command(),
        Command::Run(options) => run::command(&options),
        Command::New(options) => new::command(&options),
        Command::Sdk(options) => sdk::command(&options),
        Command::Docs => reference::command(),
        Command::Test(options) => test::command(&options),
        Command::Rubric(options) => rubric::command(&options),
        Command::Bench(options) => bench::command(&options),
        Command::Fuzz(options) => fuzz::command(&options),
        Command::Image(options) => image::command(&options),
        Command::Screenshot(options) => screenshot::command(&options),
        Command::Debug(options) => debug::command(&options),
    });
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(FAILED)
    })
}
