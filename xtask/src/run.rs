//! `cargo xtask run`.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use anyhow::Result;

use crate::build::Guest;
use crate::cli::{Accelerator, MachineOptions, RunOptions};
use crate::console::step;
use crate::image::{self, ImageSpec};
use crate::kernel_options::KernelOptions;
use crate::machine::{self, Console, ControlC, End, Machine, PowerOff};
use crate::{project, setup};

/// Exit statuses that are no program's.
const TIMED_OUT: u8 = 124;
const BROKEN: u8 = 125;
/// The user ended it.
pub const INTERRUPTED: u8 = 130;

/// Builds, boots, and reports the program's status.
///
/// # Errors
/// If something is missing, does not compile or does not fit.
pub fn command(options: &RunOptions) -> Result<ExitCode> {
    let emulator = setup::emulator()?;
    let guest = if options.debug_build { Guest::build_with_assertions()? } else { Guest::build()? };
    let kernel_options = KernelOptions::new(&options.machine, &options.program);
    let kernel_options = if has_terminal() || options.window { kernel_options } else { kernel_options.plain() };
    let (mut machine, _image) = prepare(&guest, &options.machine, &kernel_options, emulator)?;
    if has_terminal() && options.program.is_empty() {
        machine.control_c = ControlC::IsTyped;
        step("Ctrl-C is the guest's; Ctrl-] x switches the machine off");
    }
    if options.window {
        machine.display = machine::window_display(&machine.emulator)?;
    }
    let (end, _) = machine.run(&Console::Attached, options.timeout)?;
    Ok(ExitCode::from(match end {
        // A status above 255 is some failure; what kind, an exit status cannot say.
        End::Status(status) => u8::try_from(status).unwrap_or(u8::MAX),
        End::Broken(status) => {
            step(&format!("the machine stopped without an orderly shutdown (QEMU: {status})"));
            if options.machine.accel == Accelerator::Kvm {
                step("with --accel kvm this can be the host's fault; try it without");
            }
            BROKEN
        }
        End::TimedOut => {
            step("the time is up; the machine was switched off");
            TIMED_OUT
        }
        End::Interrupted => INTERRUPTED,
    }))
}

/// Makes the image, which lives as long as the second result, and the machine to boot it.
///
/// # Errors
/// If something does not fit on the image or it cannot be written.
pub fn prepare(
    guest: &Guest,
    options: &MachineOptions,
    kernel_options: &KernelOptions,
    emulator: std::path::PathBuf,
) -> Result<(Machine, tempfile::TempPath)> {
    let spec = ImageSpec { guest, disk: &options.disk, options: kernel_options, made_up: &[], sparse: &[] };
    let path = image::temporary(&project::guest_target(), &spec)?.into_temp_path();
    let machine = Machine {
        emulator,
        image: path.to_path_buf(),
        disk_faults: None,
        ram: options.ram,
        accelerator: options.accel,
        display: machine::NO_DISPLAY.into(),
        control_c: ControlC::EndsMachine,
        power_off: PowerOff::EndsQemu,
        further: Vec::new(),
    };
    Ok((machine, path))
}

/// This process has a terminal, which becomes the machine's.
pub fn has_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}
