//! gdb, attached to a machine as `cargo xtask debug` does it.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::Filter;
use super::report::{Report, Verdict};
use super::window::machine;
use crate::build::Guest;
use crate::debug::Waiting;
use crate::kernel_options::KernelOptions;
use crate::machine::Qemu;
use crate::{run, setup};

/// The test's name.
pub const NAME: &str = "guest::debug::gdb_stops_in_the_kernel_and_in_a_program_by_name";

/// No session takes longer, even on a slow host.
const DEADLINE: Duration = Duration::from_secs(120);

/// What gdb is told: to stop at the first page fault; in a program's function; in the kernel again, at the program's next call and its
/// next page fault; then to let it end.
const COMMANDS: [&str; 17] = [
    "break kcore::pager::Pager::resolve<kernel::memory::tables::Mmu>",
    "continue",
    "backtrace",
    "delete",
    "break-in 2 piggy::Job::run",
    "continue",
    "process",
    "delete",
    "break-in 2 kernel::cpu::trap::system_call",
    "continue",
    "backtrace",
    "delete",
    "break-in 2 kcore::pager::Pager::resolve<kernel::memory::tables::Mmu>",
    "continue",
    "backtrace",
    "delete",
    "continue",
];

/// Runs it if it is wanted, and if there is a gdb.
///
/// # Errors
/// If something is missing or does not compile.
pub fn run(filter: &Filter, report: &mut Report) -> Result<()> {
    if filter.wants(NAME) {
        match setup::in_path("gdb") {
            Some(gdb) => {
                let said = session(&gdb, setup::qemu()?, &Guest::build()?).map_err(|error| format!("{error:#}"));
                report.add(NAME, said.and_then(|said| judge(&said)));
            }
            None => report.skip(NAME, "gdb is not installed"),
        }
    }
    Ok(())
}

fn session(gdb: &Path, emulator: std::path::PathBuf, guest: &Guest) -> Result<String> {
    let program = ["piggy", "5", "1"].map(String::from).to_vec();
    let options = KernelOptions { words: Vec::new(), program };
    let (hardware, _image) = run::prepare(guest, &machine(), &options.plain())?;
    let machine = Qemu::new(emulator, hardware);
    let folder = tempfile::tempdir()?;
    let waiting = Waiting::new(machine, &guest.kernel, &[guest.program("piggy")?], folder.path())?;
    waiting.execute(gdb, &COMMANDS.map(String::from), DEADLINE)
}

/// Each text comes behind the one before. Where others are inlined into a function of the kernel, gdb may stop in the first of them, and
/// only the trace tells of the function itself.
fn judge(said: &str) -> Verdict {
    let mut rest = said;
    for text in [
        "Breakpoint 1, ",
        " kcore::pager::Pager::resolve<",
        "Breakpoint 2, piggy::Job::run",
        "\nprocess 2\n",
        "Breakpoint 3, ",
        " kernel::cpu::trap::system_call ",
        // From the kernel the trace leads on into the program.
        "<signal handler called>",
        " piggy::Job::run ",
        "Breakpoint 4, ",
        " kcore::pager::Pager::resolve<",
        "<signal handler called>",
        " piggy::Job::run ",
        " in libsys::start::begin ",
        "exited normally]",
    ] {
        let (_, behind) = rest.split_once(text).ok_or_else(|| format!("gdb did not say `{text}` in time:\n{said}"))?;
        rest = behind;
    }
    Ok(())
}
