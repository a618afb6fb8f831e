//! `cargo xtask screenshot`: a picture of a machine's screen.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{ChildStdout, ExitCode, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::build::Guest;
use crate::cli::ScreenshotOptions;
use crate::console::{self, step};
use crate::kernel_options::KernelOptions;
use crate::keys::{self, Chord};
use crate::machine::{self, PowerOff, Qemu};
use crate::picture::Picture;
use crate::qmp::Qmp;
use crate::run;

/// How long nothing must have changed on a screen that is at rest: longer than programs that are at work stay silent.
const REST: Duration = Duration::from_millis(1500);
/// Between two looks at the screen. A cursor blinks more slowly.
const LOOK: Duration = Duration::from_millis(100);

/// Boots a machine, types, takes the picture and writes it.
///
/// # Errors
/// If the file is there already or cannot be written, a text cannot be typed, or something is missing or does not compile.
pub fn command(options: &ScreenshotOptions) -> Result<ExitCode> {
    let lines = options.typed.iter().map(|text| keys::chords(&format!("{text}\r"))).collect::<Result<Vec<_>>>()?;
    check_target(&options.file, options.force)?;
    options.machine.only_in_qemu("it takes the pictures")?;
    let emulator = run::qemu_program(&options.machine)?;
    let guest = Guest::build()?;
    let kernel_options = KernelOptions::new(&options.machine, &options.program);
    let (hardware, _image) = run::prepare(&guest, &options.machine, &kernel_options)?;
    let machine = run::qemu(&options.machine, hardware, emulator);
    let pictures = match take(machine, &lines, options.timeout) {
        Err(_) if machine::is_interrupted() => return Ok(ExitCode::from(run::INTERRUPTED)),
        taken => taken?,
    };
    let png = pictures.last().context("no picture was taken")?.to_png()?;
    fs::write(&options.file, &png).with_context(|| format!("cannot write {}", options.file.display()))?;
    step(&format!("{}: {} bytes", options.file.display(), png.len()));
    Ok(ExitCode::SUCCESS)
}

/// The picture can be written there. Asked before minutes are spent on it.
fn check_target(file: &Path, is_forced: bool) -> Result<()> {
    if file.is_dir() {
        bail!("{} is a folder; give the name of a file", file.display());
    }
    if file.exists() && !is_forced {
        bail!("{} is there already; --force replaces it", file.display());
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder {
        Some(folder) if !folder.is_dir() => bail!("there is no folder {}", folder.display()),
        _ => Ok(()),
    }
}

/// Boots the machine, types the lines, and takes a picture before the first and of what each of them leads to.
///
/// # Errors
/// If QEMU cannot be started or ends, or the user wants an end.
pub fn take(mut machine: Qemu, lines: &[Vec<Chord>], timeout: Duration) -> Result<Vec<Picture>> {
    let deadline = Instant::now() + timeout;
    let folder = tempfile::tempdir().context("cannot make a folder for temporary files")?;
    let socket = folder.path().join("qmp");
    machine.power_off = PowerOff::KeepsScreen;
    machine.further.extend(Qmp::arguments(&socket));
    machine::listen_for_interrupts();
    let mut qemu = machine.command(&folder.path().join("host"));
    let mut child = qemu.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot start QEMU")?;
    let taken = child.stdout.take().context("QEMU has no output").and_then(|console| {
        let started = first_output(console);
        let mut camera = Camera { qmp: Qmp::connect(&socket)?, file: folder.path().join("dump"), deadline };
        camera.wait_for_start(&started)?;
        let mut pictures = vec![camera.at_rest()?];
        for line in lines {
            line.iter().try_for_each(|chord| camera.qmp.press(chord))?;
            pictures.push(camera.at_rest()?);
        }
        // Asked to end, QEMU says nothing; ended by a signal, it does.
        camera.qmp.execute("quit", &json!({}))?;
        Ok(pictures)
    });
    machine::stop(&mut child);
    taken
}

/// Reads a console to its end; says when it first showed something.
fn first_output(console: ChildStdout) -> Receiver<()> {
    let (sender, receiver) = mpsc::channel();
    // Nobody may be listening any more; and all that is shown is on the screen, too.
    thread::spawn(move || console::copy(console, io::sink(), || sender.send(()).unwrap_or_default()));
    receiver
}

/// Looks at a machine's screen.
struct Camera {
    qmp: Qmp,
    /// Where QEMU leaves what it shows.
    file: std::path::PathBuf,
    deadline: Instant,
}

impl Camera {
    /// Waits until the guest has shown something, and with it that it takes what is typed, or is off again.
    fn wait_for_start(&mut self, started: &Receiver<()>) -> Result<()> {
        while started.recv_timeout(LOOK).is_err() && !self.is_late()? {
            let status = self.qmp.execute("query-status", &json!({}))?;
            if status["running"] == false {
                break;
            }
        }
        Ok(())
    }

    /// The picture once it has stopped to change, or when the time is up; with the cursor, if it blinks.
    fn at_rest(&mut self) -> Result<Picture> {
        let mut picture = self.look()?;
        let mut since = Instant::now();
        while since.elapsed() < REST {
            if self.is_late()? {
                step("the time is up, and the screen has not come to rest: this is what it shows now");
                return Ok(picture);
            }
            thread::sleep(LOOK);
            let next = self.look()?;
            if !next.resembles(&picture) {
                (picture, since) = (next, Instant::now());
            } else if next.brightness() > picture.brightness() {
                picture = next;
            }
        }
        Ok(picture)
    }

    fn look(&mut self) -> Result<Picture> {
        self.qmp.execute("screendump", &json!({ "filename": self.file }))?;
        Picture::from_ppm(&fs::read(&self.file).context("QEMU has left no picture")?)
    }

    /// The time is up.
    fn is_late(&self) -> Result<bool> {
        if machine::is_interrupted() {
            bail!("interrupted");
        }
        Ok(Instant::now() >= self.deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::check_target;

    #[test]
    fn what_is_there_is_replaced_only_by_force() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.png");
        let refusal = |path, is_forced| check_target(path, is_forced).unwrap_err().to_string();
        assert!(check_target(&file, false).is_ok());
        std::fs::write(&file, "").unwrap();
        assert!(refusal(&file, false).contains("--force"));
        assert!(check_target(&file, true).is_ok());
        assert!(refusal(folder.path(), true).contains("is a folder"));
        assert!(refusal(&folder.path().join("none/a.png"), true).contains("there is no folder"));
    }
}
