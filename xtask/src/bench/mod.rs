//! `cargo xtask bench`: measures the system in QEMU and compares it with Linux.
//!
//! The [`catalogue`] says what there is, a [`plan`] which machine is booted when, [`machines`] boots it, [`output`] reads what it
//! prints. A [`record`] holds all of it; [`statistics`] makes rows of that, [`mod@reference`] judges them, and [`table`] and [`page`]
//! show them.

pub mod catalogue;
mod host;
mod machines;
mod output;
mod page;
mod plan;
mod progress;
mod record;
mod reference;
mod statistics;
mod table;

pub use catalogue::select;
pub use host::Host;
pub use plan::{Interrupted, Measured, Plan};
pub use record::Record;
#[cfg(test)]
pub use statistics::Spread;
pub use statistics::{Row, Unit, rows};

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::build::Guest;
use crate::cli::BenchOptions;
use crate::console::step;
use crate::{machine, project, run, setup};
use machines::Machines;
use progress::Progress;

/// Measures, prints the table and writes the files.
///
/// # Errors
/// If something is missing or does not compile, a file cannot be read or written, or nothing could be measured.
pub fn command(options: &BenchOptions) -> Result<ExitCode> {
    // What would be wrong at the end is said at the start. `--save` may name the same file: it is read before.
    let former = options.against.as_deref().map(Record::load).transpose()?;
    options.markdown.as_deref().map(page::check).transpose()?;
    let plan = Plan::new(&select(&options.names), options.clock, options.runs);
    if plan.len() == 0 {
        bail!("no benchmark that you named can be measured by that clock");
    }
    options.emulator.only_qemu("Bochs cannot tell what each kind of work costs")?;
    let emulator = setup::qemu()?;
    let guest = Guest::build()?;
    let host = Host::here(&emulator);
    let Ok(measured) = measure(&plan, &guest, emulator) else {
        step("interrupted; nothing was written");
        return Ok(ExitCode::from(run::INTERRUPTED));
    };
    measured.failures.iter().for_each(|failure| step(&format!("failed: {failure}")));
    if measured.runs.is_empty() {
        bail!("nothing could be measured");
    }
    let record = Record::new(host, measured.runs);
    show(&record, former.as_ref());
    for path in [project::target().join("bench.json")].iter().chain(&options.save) {
        record.save(path)?;
    }
    if !measured.failures.is_empty() {
        return Ok(ExitCode::FAILURE);
    }
    if let Some(path) = &options.markdown {
        page::update(path, &record)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Boots all machines of a plan, with progress on standard error.
///
/// # Errors
/// If the user wants an end; no machine is left then.
pub fn measure(plan: &Plan, guest: &Guest, emulator: PathBuf) -> Result<Measured, Interrupted> {
    machine::listen_for_interrupts();
    let machines = Machines::new(guest, emulator);
    let mut progress = Progress::new(plan.len());
    let measured = plan.carry_out(|boot| {
        progress.starts(boot);
        machines.boot(boot)
    });
    progress.ends();
    measured
}

fn show(record: &Record, former: Option<&Record>) {
    if let Some(former) = former.filter(|former| former.host != record.host) {
        step(&format!("careful: what is compared with was measured elsewhere: {}", former.host));
    }
    let former = former.map(|former| rows(&former.runs));
    println!("{}", table::for_terminal(&rows(&record.runs), former.as_deref()));
}
