//! `cargo xtask run`.

use std::io::{self, IsTerminal};
use std::path::{self, Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::build::Guest;
use crate::cli::{Accelerator, MachineOptions, RunOptions};
use crate::console::step;
use crate::image::{self, AlreadyThere, ImageSpec};
use crate::kernel_options::KernelOptions;
use crate::machine::{self, Console, ControlC, End, Machine, PowerOff};
use crate::{project, setup};

/// Exit statuses that are no program's.
const UNSAVED: u8 = 123;
const TIMED_OUT: u8 = 124;
const BROKEN: u8 = 125;
/// The user ended it.
pub const INTERRUPTED: u8 = 130;

/// Builds, boots, and reports the program's status.
///
/// # Errors
/// If something is missing, does not compile or does not fit, or the image cannot be used.
pub fn command(options: &RunOptions) -> Result<ExitCode> {
    let emulator = setup::emulator()?;
    let display = if options.window { machine::window_display(&emulator)? } else { machine::NO_DISPLAY.into() };
    let kernel_options = KernelOptions::new(&options.machine, &options.program);
    let kernel_options = if has_terminal() || options.window { kernel_options } else { kernel_options.plain() };
    let (mut machine, _temporary) = match &options.image {
        Some(file) => (machine(&options.machine, kept_image(file, options, &kernel_options)?, emulator), None),
        None => {
            let (machine, image) = prepare(&build(options)?, &options.machine, &kernel_options, emulator)?;
            (machine, Some(image))
        }
    };
    if has_terminal() && options.program.is_empty() {
        machine.control_c = ControlC::IsTyped;
        step("Ctrl-C is the guest's; Ctrl-] x switches the machine off");
    }
    machine.display = display;
    let (end, shown) = machine.run(&Console::Attached, options.timeout)?;
    if has_terminal() && shown.bytes.iter().rfind(|&&byte| byte != b'\r').is_some_and(|&byte| byte != b'\n') {
        println!(); // it stopped in the middle of a line
    }
    let status = explain(&end, options.machine.accel);
    if options.window && shown.bytes.is_empty() && matches!(end, End::Broken(_)) {
        let value = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        step(&no_window(["WAYLAND_DISPLAY", "DISPLAY"].into_iter().find_map(|name| Some((name, value(name)?)))));
    }
    if let (Some(file), false) = (&options.image, matches!(end, End::Status(_) | End::Unsaved)) {
        step(&format!("{} may lack what was written last; `exit` and `shutdown` save all of it", file.display()));
    }
    Ok(ExitCode::from(status))
}

/// The exit status for how a machine ended; says what it cannot tell.
fn explain(end: &End, accelerator: Accelerator) -> u8 {
    match end {
        // A status above 255 is some failure; what kind, an exit status cannot say.
        End::Status(status) => u8::try_from(*status).unwrap_or(u8::MAX),
        End::Unsaved => {
            step("the machine could not save all files: its disk does not take them; its console says which are lost");
            UNSAVED
        }
        End::Broken(status) => {
            step(&format!("the machine stopped without an orderly shutdown (QEMU: {status})"));
            if accelerator == Accelerator::Kvm {
                step("with --accel kvm this can be the host's fault; try it without");
            }
            BROKEN
        }
        End::TimedOut => {
            step("the time is up; the machine was switched off");
            TIMED_OUT
        }
        End::Interrupted => INTERRUPTED,
    }
}

/// Why a machine with a window may not even have started, for this variable that names a display.
fn no_window(named: Option<(&str, String)>) -> String {
    match named {
        Some((name, value)) => format!("if no window was opened: is there a display at {name}={value}?"),
        None => "a window needs a display, and DISPLAY is not set; `cargo xtask screenshot` needs none".into(),
    }
}

fn build(options: &RunOptions) -> Result<Guest> {
    if options.debug_build { Guest::build_with_assertions() } else { Guest::build() }
}

/// An image that outlives the machine. It is made if it is not there; if it is, it is only told what this boot is to do.
fn kept_image(file: &Path, options: &RunOptions, kernel_options: &KernelOptions) -> Result<PathBuf> {
    let shown = file.display();
    if image::is_there(file)? {
        check_only_boots(file, options)?;
        image::tell(file, kernel_options)?;
        step(&format!("{shown} is booted as it was made, with its own kernel and programs;"));
        step("    for those of today, remove it: it is made anew then, without what was written to it");
    } else {
        let guest = build(options)?;
        let disk = &options.machine.disk;
        let spec = ImageSpec { guest: &guest, disk, options: kernel_options, made_up: &[], sparse: &[] };
        image::create(file, &spec, AlreadyThere::IsKept)?;
        step(&format!("{shown} is made, and keeps what programs write to it"));
    }
    // QEMU would take what is before a colon for a protocol.
    path::absolute(file).with_context(|| format!("cannot find {shown}"))
}

/// Nothing is asked for that takes effect only when an image is made.
fn check_only_boots(file: &Path, options: &RunOptions) -> Result<()> {
    let disk = &options.machine.disk;
    let given =
        [("--swap", disk.swap.is_some()), ("--with", !disk.extras.is_empty()), ("--debug-build", options.debug_build)];
    let given: Vec<&str> = given.into_iter().filter_map(|(name, is_given)| is_given.then_some(name)).collect();
    if given.is_empty() {
        return Ok(());
    }
    bail!(
        "{} can only be had when an image is made, and {file} is there already; leave out what is only for a new image, \
         or remove {file}: it is made anew then, without what was written to it",
        given.join(" and "),
        file = file.display(),
    )
}

/// Makes the image, which lives as long as the second result, and the machine to boot it.
///
/// # Errors
/// If something does not fit on the image or it cannot be written.
pub fn prepare(
    guest: &Guest,
    options: &MachineOptions,
    kernel_options: &KernelOptions,
    emulator: PathBuf,
) -> Result<(Machine, tempfile::TempPath)> {
    let spec = ImageSpec { guest, disk: &options.disk, options: kernel_options, made_up: &[], sparse: &[] };
    let path = image::temporary(&project::guest_target(), &spec)?.into_temp_path();
    Ok((machine(options, path.to_path_buf(), emulator), path))
}

/// A machine with this image for its disk.
fn machine(options: &MachineOptions, image: PathBuf, emulator: PathBuf) -> Machine {
    Machine {
        emulator,
        image,
        disk_faults: None,
        ram: options.ram,
        accelerator: options.accel,
        display: machine::NO_DISPLAY.into(),
        control_c: ControlC::EndsMachine,
        power_off: PowerOff::EndsQemu,
        further: Vec::new(),
    }
}

/// This process has a terminal, which becomes the machine's.
pub fn has_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser;

    use super::{check_only_boots, no_window};
    use crate::cli::{Cli, Command, RunOptions};

    fn options(words: &[&str]) -> RunOptions {
        match Cli::parse_from(["xtask", "run", "--image", "a.img"].iter().chain(words)).command {
            Command::Run(options) => options,
            other => panic!("{other:?}"),
        }
    }

    fn refusal(words: &[&str]) -> String {
        check_only_boots(Path::new("a.img"), &options(words)).unwrap_err().to_string()
    }

    #[test]
    fn a_window_that_is_not_opened_may_lack_its_display() {
        assert!(no_window(Some(("DISPLAY", ":7".into()))).contains("DISPLAY=:7"));
        assert!(no_window(None).contains("screenshot"));
    }

    #[test]
    fn an_image_that_is_there_is_booted_on_any_machine() {
        let words =
            ["--ram=64M", "--frames=99", "--limit=9", "--pio", "--window", "--timeout=9", "--", "hello", "--swap=4M"];
        assert!(check_only_boots(Path::new("a.img"), &options(&words)).is_ok());
    }

    #[test]
    fn what_is_for_a_new_image_is_refused_with_advice() {
        assert!(refusal(&["--swap", "64M"]).starts_with("--swap can only be had"));
        assert!(refusal(&["--with", "a", "--with", "b:c"]).starts_with("--with can"));
        let all = refusal(&["--debug-build", "--swap=1M", "--with=a"]);
        assert!(all.starts_with("--swap and --with and --debug-build can") && all.contains("remove a.img"), "{all}");
    }
}
