//! Who types at a machine's console: the user, a script, or somebody who reads what it shows and answers.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use abi::image::HOST_READY_LINE;
use anyhow::{Context, Result};

use crate::console::Patient;
use crate::dialogue::Dialogue;
use crate::machine::Console;
use crate::qmp::Qmp;
use crate::{console, keys, machine, terminal};

/// The control character that ends input on the guest's console.
const END_OF_INPUT: u8 = 4;

/// The far ends of a machine's console and keyboard.
pub struct Wires {
    /// What its serial port sends. It ends with the emulator.
    pub output: Box<dyn Read + Send>,
    /// What its serial port receives; none if the emulator reads the user's terminal by itself.
    pub input: Option<Box<dyn Write + Send>>,
    /// The file with the lines that its kernel prints for the host.
    pub host_lines: PathBuf,
    /// The socket at which QEMU presses keys.
    pub keyboard: PathBuf,
    /// The end of this process's input is the end of the guest's.
    pub input_ends: bool,
    /// This process has the user's terminal, and ends the machine at Ctrl-] x.
    pub has_escape: bool,
}

/// How often those lines are looked at.
const POLL: Duration = Duration::from_millis(5);

/// What a console has shown.
#[derive(Debug, Default)]
pub struct Shown {
    /// All of it.
    pub bytes: Vec<u8>,
    /// For how long each step of a dialogue has waited, from the step before it on.
    pub waits: Vec<Duration>,
}

/// Passes the console's bytes on in both directions. The thread ends with what was shown when the emulator closes its output.
pub fn attach(wires: Wires, console: &Console) -> thread::JoinHandle<Shown> {
    let Wires { output: from, input: to, host_lines, keyboard, input_ends, has_escape } = wires;
    let attached = matches!(console, Console::Attached);
    let (first_byte, has_started) = mpsc::channel();
    let script = match console {
        Console::Attached => None,
        Console::Scripted(bytes) => Some(io::Cursor::new(bytes.clone())),
        Console::Watched(_) => Some(io::Cursor::new(Vec::new())),
        Console::Dialogue(dialogue) => return converse(from, dialogue.clone(), at_serial_port(to)),
        Console::AtKeyboard(dialogue) => return converse(from, dialogue.clone(), at_keyboard(keyboard)),
    };
    if let Some(mut to) = to {
        let typed: Box<dyn Read + Send> = match script {
            Some(script) => Box::new(script),
            None if has_escape => terminal::keys(),
            None => Box::new(io::stdin()),
        };
        thread::spawn(move || {
            if is_listening(&has_started, &host_lines) {
                pump(typed, &mut to, input_ends || !attached);
            }
        });
    }
    let spectator = if let Console::Watched(spectator) = console { Some(spectator.clone()) } else { None };
    thread::spawn(move || {
        // Nobody may be waiting for it.
        let on_first = || first_byte.send(()).unwrap_or_default();
        let copied = match (attached, spectator) {
            (true, _) => console::copy(from, Patient(io::stdout()), on_first),
            (false, None) => console::copy(from, io::sink(), on_first),
            (false, Some(spectator)) => console::copy_watched(from, io::sink(), |all| {
                on_first();
                spectator.shown(all);
            }),
        };
        let bytes = copied.unwrap_or_else(|error| {
            // Whoever read it has gone (`| head`), and need not be told; anything else, they want to know.
            if error.kind() != io::ErrorKind::BrokenPipe {
                console::step(&format!("cannot show the console's output: {error}"));
            }
            machine::interrupt();
            Vec::new()
        });
        Shown { bytes, waits: Vec::new() }
    })
}

/// Waits until what is typed is not lost: the kernel says so, or something else on the console shows that the port is set up. `false`
/// if the machine has ended before.
fn is_listening(has_started: &mpsc::Receiver<()>, host_lines: &Path) -> bool {
    let is_ready = || fs::read_to_string(host_lines).is_ok_and(|told| told.lines().any(|line| line == HOST_READY_LINE));
    loop {
        match has_started.recv_timeout(POLL) {
            Ok(()) => return true,
            Err(RecvTimeoutError::Timeout) if is_ready() => return true,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
}

/// Holds the dialogue. The thread ends with what was shown when the emulator closes its output, and with why nothing could be typed.
fn converse(
    from: impl Read + Send + 'static,
    mut dialogue: Dialogue,
    mut type_text: impl FnMut(&[u8]) -> Result<()> + Send + 'static,
) -> thread::JoinHandle<Shown> {
    thread::spawn(move || {
        let mut trouble = Vec::new();
        let mut waits = Vec::new();
        let mut typed_at = Instant::now();
        let answer = |shown: &[u8]| {
            dialogue.answer(shown, |bytes| {
                waits.push(typed_at.elapsed());
                typed_at = Instant::now();
                // The emulator may have ended already, if that is what the text before was for.
                if let Err(error) = type_text(bytes) {
                    trouble.extend(format!("cannot type: {error:#}\n").bytes());
                }
            });
        };
        let mut bytes = console::copy_watched(from, io::sink(), answer).unwrap_or_default();
        bytes.extend(trouble);
        Shown { bytes, waits }
    })
}

/// Types at the far end of the serial port.
fn at_serial_port(to: Option<Box<dyn Write + Send>>) -> impl FnMut(&[u8]) -> Result<()> + Send + 'static {
    let mut to = to;
    move |bytes| {
        let to = to.as_mut().context("the machine has no input")?;
        Ok(to.write_all(bytes).and_then(|()| to.flush())?)
    }
}

/// Types at the machine's keyboard.
fn at_keyboard(socket: PathBuf) -> impl FnMut(&[u8]) -> Result<()> + Send + 'static {
    let mut connection = None;
    move |bytes| {
        let qmp = match &mut connection {
            Some(qmp) => qmp,
            None => connection.insert(Qmp::connect(&socket)?),
        };
        let chords = keys::chords(std::str::from_utf8(bytes)?)?;
        chords.iter().try_for_each(|chord| qmp.press(chord))
    }
}

/// Passes on the input, and then its end, if it has one.
fn pump(mut from: impl Read, to: &mut dyn Write, has_end: bool) {
    let mut buffer = [0; 512];
    while let Ok(len @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..len]).and_then(|()| to.flush()).is_err() {
            return;
        }
    }
    if has_end {
        // The emulator may have ended already; then nobody needs to know.
        let _ = to.write_all(&[END_OF_INPUT]);
        let _ = to.flush();
    }
    // Kept open: at the end of its input an emulator would go on all the same.
    thread::park();
}
