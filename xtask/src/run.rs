//! `cargo xtask run`.

use std::io::{self, IsTerminal};
use std::path::{self, Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::build::Guest;
use crate::cli::{self, Accelerator, MachineOptions, RunOptions};
use crate::console::step;
use crate::image::{self, AlreadyThere, ImageSpec};
use crate::kernel_options::KernelOptions;
use crate::machine::{self, Bochs, Console, ControlC, End, Hardware, Machine, Pace, Qemu};
use crate::setup::BochsProgram;
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
    let emulator = emulator(options)?;
    let kernel_options = KernelOptions::new(&options.machine, &options.program);
    let kernel_options = if has_terminal() || options.window { kernel_options } else { kernel_options.plain() };
    let (mut hardware, _temporary) = match &options.image {
        Some(file) => (hardware(&options.machine, kept_image(file, options, &kernel_options)?), None),
        None => {
            let (hardware, image) = prepare(&build(options)?, &options.machine, &kernel_options)?;
            (hardware, Some(image))
        }
    };
    if has_terminal() && options.program.is_empty() {
        hardware.control_c = ControlC::IsTyped;
        step("Ctrl-C is the guest's; Ctrl-] x switches the machine off");
    }
    let machine = match emulator {
        Emulator::Qemu { program, display } => {
            Machine::Qemu(Qemu { display, ..qemu(&options.machine, hardware, program) })
        }
        Emulator::Bochs(program) => Machine::Bochs(Bochs { program, hardware, pace: Pace::RealTime }),
    };
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

/// The emulator that was asked for.
enum Emulator {
    Qemu { program: PathBuf, display: String },
    Bochs(BochsProgram),
}

/// Finds the emulator, and refuses options that it cannot serve before anything is built.
fn emulator(options: &RunOptions) -> Result<Emulator> {
    match options.machine.emulator {
        cli::Emulator::Qemu => {
            let program = qemu_program(&options.machine)?;
            let display = if options.window { machine::window_display(&program)? } else { machine::NO_DISPLAY.into() };
            Ok(Emulator::Qemu { program, display })
        }
        cli::Emulator::Bochs => {
            check_for_bochs(options)?;
            let program = BochsProgram::ready()?;
            options.machine.cpu.as_deref().map_or(Ok(()), |cpu| program.check_cpu(cpu))?;
            Ok(Emulator::Bochs(program))
        }
    }
}

/// Finds QEMU, and refuses a CPU that it does not have.
///
/// # Errors
/// If it has no such CPU, or is missing and cannot be installed.
pub fn qemu_program(options: &MachineOptions) -> Result<PathBuf> {
    let program = setup::qemu()?;
    options.cpu.as_deref().map_or(Ok(()), |cpu| machine::check_cpu(&program, cpu))?;
    Ok(program)
}

/// Nothing is asked for that a machine in Bochs does not have.
fn check_for_bochs(options: &RunOptions) -> Result<()> {
    if options.window {
        bail!("a machine in Bochs has no window here; leave --window out, or run it in QEMU");
    }
    if let Some(accelerator) = options.machine.accel {
        let name = accelerator.to_possible_value().map(|value| value.get_name().to_string()).unwrap_or_default();
        bail!("Bochs interprets each instruction by itself; --accel {name} is for QEMU");
    }
    machine::check_ram_in_bochs(options.machine.ram)
}

/// The exit status for how a machine ended; says what it cannot tell.
fn explain(end: &End, accelerator: Option<Accelerator>) -> u8 {
    match end {
        // A status above 255 is some failure; what kind, an exit status cannot say.
        End::Status(status) => u8::try_from(*status).unwrap_or(u8::MAX),
        End::Unsaved => {
            step("the machine could not save all files: its disk does not take them; its console says which are lost");
            UNSAVED
        }
        End::Broken(status) => {
            step(&format!("the machine stopped without an orderly shutdown ({status})"));
            if accelerator == Some(Accelerator::Kvm) {
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
    let given = [("--with", !disk.extras.is_empty()), ("--debug-build", options.debug_build)];
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

/// Makes the image, which lives as long as the second result, and what is to boot it.
///
/// # Errors
/// If something does not fit on the image or it cannot be written.
pub fn prepare(
    guest: &Guest,
    options: &MachineOptions,
    kernel_options: &KernelOptions,
) -> Result<(Hardware, tempfile::TempPath)> {
    let spec = ImageSpec { guest, disk: &options.disk, options: kernel_options, made_up: &[], sparse: &[] };
    let path = image::temporary(&project::guest_target(), &spec)?.into_temp_path();
    Ok((hardware(options, path.to_path_buf()), path))
}

/// What the machine has, with this image for its disk.
fn hardware(options: &MachineOptions, image: PathBuf) -> Hardware {
    Hardware { cpu: options.cpu.clone(), ..Hardware::new(image, options.ram) }
}

/// The machine in QEMU.
pub fn qemu(options: &MachineOptions, hardware: Hardware, program: PathBuf) -> Qemu {
    Qemu { accelerator: options.accel.unwrap_or_default(), ..Qemu::new(program, hardware) }
}

/// This process has a terminal, which becomes the machine's.
pub fn has_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser;

    use super::{check_for_bochs, check_only_boots, no_window};
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
    fn options_that_bochs_cannot_serve_are_refused() {
        let refusal = |words: &[&str]| check_for_bochs(&options(words)).unwrap_err().to_string();
        assert!(check_for_bochs(&options(&["--emulator=bochs", "--ram=64M", "--pio", "--cpu=pentium"])).is_ok());
        assert!(refusal(&["--window"]).contains("--window"));
        assert!(refusal(&["--accel=kvm"]).contains("--accel kvm"));
        assert!(refusal(&["--ram=3G"]).contains("not 3G"));
    }

    #[test]
    fn an_image_that_is_there_is_booted_on_any_machine() {
        let words =
            ["--ram=64M", "--frames=99", "--limit=9", "--swap=4M", "--pio", "--window", "--timeout=9", "--", "hello"];
        assert!(check_only_boots(Path::new("a.img"), &options(&words)).is_ok());
    }

    #[test]
    fn what_is_for_a_new_image_is_refused_with_advice() {
        assert!(refusal(&["--with", "a", "--with", "b:c"]).starts_with("--with can only be had"));
        let all = refusal(&["--debug-build", "--swap=1M", "--with=a"]);
        assert!(all.starts_with("--with and --debug-build can") && all.contains("remove a.img"), "{all}");
    }
}
