//! `cargo xtask fuzz`: machines that run random calls, machine code and program files, and disks that are damaged or lose power, until
//! something is wrong or the time is up.
//!
//! A [`plan`] cuts what is wanted into *batches*. A batch is one boot: its seed decides which machine it is and which cases run on it, so
//! that the same batch can be booted again. [`machines`] boots it, [`watch`] looks at its console meanwhile, [`judge`] says whether
//! something was found, and [`finding`] writes that down. The cases are made and run by the program `fuzz` in the guest; those with
//! disks are made here, and few of them are booted ([`disk`]).

mod disk;
mod finding;
mod judge;
mod machines;
mod plan;
mod progress;
mod summary;
mod watch;

pub use judge::found;
pub use machines::words;
pub use plan::{Batch, Kind};

use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};

use crate::build::Guest;
use crate::cli::{Emulator, FuzzOptions};
use crate::console::step;
use crate::{machine, run};
use finding::Finding;
use machines::{Machines, Program};
use plan::{Amount, Plan};
use progress::Progress;
use summary::Summary;

/// How long each kind takes if nothing else is said.
const USUAL: Amount = Amount::Time(Duration::from_secs(60));

/// Fuzzes, prints what was found and a table.
///
/// # Errors
/// If something is missing or does not compile, or a finding cannot be written.
pub fn command(options: &FuzzOptions) -> Result<ExitCode> {
    let amount = amount(options);
    if options.first.is_some() && !matches!(amount, Amount::Cases(_)) {
        bail!("--first needs --calls: it is for booting again the cases of one batch");
    }
    let program = Program::ready(options.emulator)?;
    let guest = if options.debug_build { Guest::build_with_assertions()? } else { Guest::build()? };
    let seed = options.seed.unwrap_or_else(any_seed);
    let again = match options.emulator {
        Emulator::Qemu => "",
        Emulator::Bochs => "--emulator bochs ",
    };
    step(&format!("seed {seed}; `cargo xtask fuzz {again}--seed {seed}` makes the same cases again"));
    machine::listen_for_interrupts();
    let machines = Machines::new(&guest, program, options.debug_build);
    let mut summary = Summary::default();
    for kind in plan::chosen(&options.kinds) {
        let plan = Plan::new(kind, seed, options.first.unwrap_or(0), amount).in_emulator(options.emulator);
        fuzz(&machines, plan, options.jobs(), &mut summary)?;
        if machine::is_interrupted() {
            break;
        }
    }
    println!("{}", summary.table());
    if machine::is_interrupted() {
        return Ok(ExitCode::from(run::INTERRUPTED));
    }
    Ok(if summary.has_findings() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Runs the first `count` disk cases of seed 1; returns what was found, as text.
///
/// # Errors
/// As [`command`].
pub fn disks(guest: &Guest, count: u64) -> Result<Vec<String>> {
    let batch = Batch { kind: Kind::Disk, seed: 1, first: 0, count, until: None, emulator: Emulator::Qemu };
    let parts = disk::run(&Machines::new(guest, Program::ready(Emulator::Qemu)?, false), &batch, &Progress::silent())?;
    let findings = parts.iter().filter_map(|judged| Finding::save(&batch, judged).transpose());
    findings.map(|finding| Ok(finding?.to_string())).collect()
}

fn amount(options: &FuzzOptions) -> Amount {
    match (options.minutes, options.calls) {
        (Some(minutes), _) => Amount::Time(Duration::from_secs_f64(60.0 * minutes)),
        (None, Some(calls)) => Amount::Cases(calls),
        (None, None) => USUAL,
    }
}

/// A seed that is another one each time, and not too long to be typed.
fn any_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos() % 1_000_000_007).unwrap_or(1)
}

/// Boots the batches of one kind, several at a time.
fn fuzz(machines: &Machines<'_>, plan: Plan, jobs: usize, summary: &mut Summary) -> Result<()> {
    let (kind, started, progress) = (plan.kind(), Instant::now(), Progress::new(&plan));
    let plan = Mutex::new(plan);
    let next = || if machine::is_interrupted() { None } else { plan.lock().ok()?.next() };
    let counts = Mutex::new(&mut *summary);
    let work = || -> Result<()> {
        while let Some(batch) = next() {
            let parts = match kind {
                Kind::Disk => disk::run(machines, &batch, &progress)?,
                _ => vec![machines.boot(&batch, &progress)?],
            };
            for judged in parts {
                if let Some(finding) = Finding::save(&batch, &judged)? {
                    progress.say(&finding.to_string());
                }
                if let Ok(mut counts) = counts.lock() {
                    counts.add(kind, &judged);
                }
            }
        }
        Ok(())
    };
    let results: Vec<Result<()>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|_| bail!("a machine's thread has panicked")))
            .collect()
    });
    progress.ends();
    summary.took(kind, started.elapsed());
    results.into_iter().collect()
}
