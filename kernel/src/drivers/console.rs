//! The console: serial port, screen and keyboard, together. Kernel messages and what programs print go to both serial port and
//! screen; lines are typed at either end.

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicBool, Ordering};

use abi::Errno;
use kcore::input::{Arrival, Echo, Input};
use kcore::terminal::{Colors, Terminal};
use kcore::turns::Turns;
use kcore::vfs::ConsoleMode;

use super::keyboard::{Key, Keyboard};
use super::pic;
use super::serial::SerialPort;
use super::vga::VgaScreen;
use crate::cell::KernelCell;
use crate::drivers::timer;
use crate::process::waiters::Waiters;
use crate::process::{self, Killed, WaitsFor, scheduler};

/// The keyboard's interrupt line.
pub const KEYBOARD_LINE: u8 = 1;
/// The serial port's interrupt line.
pub const SERIAL_LINE: u8 = 4;

/// Rubs out one character.
const RUB_OUT: &[u8] = b"\x08 \x08";
const BELL: &[u8] = b"\x07";

struct Console {
    output: Output,
    keyboard: Keyboard,
    input: Input,
    /// What is typed stays in the serial port: there is no room for more until somebody reads.
    is_held: bool,
    /// What is typed comes from a file or a pipe.
    is_plain: bool,
}

/// Where everything is shown.
struct Output {
    serial: Option<SerialPort>,
    screen: VgaScreen,
    terminal: Terminal,
}

static CONSOLE: KernelCell<Console> = KernelCell::new(Console {
    output: Output { serial: None, screen: VgaScreen::new(), terminal: Terminal::new() },
    keyboard: Keyboard::new(),
    input: Input::new(),
    is_held: false,
    is_plain: false,
});

/// The console is lent to somebody. Only [`print_line`] asks, since a kernel that fails while it prints has something to say.
static IS_IN_USE: AtomicBool = AtomicBool::new(false);

/// Who waits for a line or a key.
static READERS: KernelCell<Waiters> = KernelCell::new(Waiters::new());

/// The processes that print.
static WRITERS: KernelCell<Turns> = KernelCell::new(Turns::new());

/// Number of bytes that are printed with interrupts off. A real serial port takes 3 ms for as many line feeds, each with its return.
const PIECE_BYTES: usize = 16;

/// Prints a kernel message and ends the line.
macro_rules! kprintln {
    ($($arguments:tt)*) => {
        $crate::drivers::console::print_line(format_args!($($arguments)*))
    };
}

pub(crate) use kprintln;

/// Finds the serial port and clears the screen. Messages of before are lost.
pub fn init() {
    with_console(|console| {
        console.output.serial = SerialPort::init();
        console.output.clear();
    });
}

/// Lets input through, once the interrupt controller is set up.
pub fn enable_input() {
    let (has_serial, has_keyboard) = with_console(|console| {
        let has_keyboard = console.keyboard.is_present();
        // What was typed before now would keep the controller from raising its interrupt.
        while console.keyboard.receive().is_some() {}
        (console.output.serial.is_some(), has_keyboard)
    });
    if has_serial {
        pic::unmask(SERIAL_LINE);
    }
    if has_keyboard {
        pic::unmask(KEYBOARD_LINE);
    }
}

/// The current process's turn to print: no other process prints until it is dropped.
pub struct Turn(());

impl Turn {
    /// Waits until no other process prints.
    ///
    /// # Errors
    /// [`Killed`] if the process was killed meanwhile.
    pub fn begin() -> Result<Self, Killed> {
        // Made before the wait: if the process is killed, dropping this ends its waiting.
        let turn = Self(());
        let look = || WRITERS.with(|writers| writers.is_turn_of(scheduler::current_slot())).then_some(());
        scheduler::wait_until(None, WaitsFor::Console, look)?;
        Ok(turn)
    }

    /// Prints bytes that a program wrote. Other processes run meanwhile.
    pub fn write(&self, bytes: &[u8]) {
        for piece in bytes.chunks(PIECE_BYTES) {
            scheduler::preemption_point();
            with_console(|console| console.output.write(Colors::NORMAL, piece));
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let next = WRITERS.with(|writers| writers.leave(scheduler::current_slot()));
        next.into_iter().for_each(scheduler::wake);
    }
}

/// What is typed comes from a file or a pipe from now on: there are no keys to be read.
pub fn set_plain(is_plain: bool) {
    with_console(|console| console.is_plain = is_plain);
}

/// Refuses a way of reading that this console does not have.
///
/// # Errors
/// `NotSupported` for keys if there is no terminal.
pub fn check_mode(mode: ConsoleMode) -> Result<ConsoleMode, Errno> {
    match mode {
        ConsoleMode::Keys { .. } if with_console(|console| console.is_plain) => Err(Errno::NotSupported),
        mode => Ok(mode),
    }
}

/// Takes a finished line of input, its `\n` included, or keys that were pressed, or as much of these as fits; the current process waits
/// for it. Nothing at the end of the input.
///
/// # Errors
/// `TimedOut` if no key was pressed in time; any, if the process was killed while it waited.
pub fn read(mode: ConsoleMode, into: &mut [u8]) -> Result<&[u8], Errno> {
    let deadline = match mode {
        ConsoleMode::Keys { milliseconds } => milliseconds.map(timer::deadline),
        ConsoleMode::Lines => None,
    };
    let found = scheduler::wait_until(deadline, WaitsFor::Console, || {
        let count = with_console(|console| console.read(mode, into));
        if count.is_none() {
            READERS.with(|readers| readers.add(scheduler::current_slot()));
        }
        count
    });
    let count = found?.ok_or(Errno::TimedOut)?;
    Ok(&into[..count])
}

/// The serial port or the keyboard has received something.
pub(super) fn on_interrupt() {
    let mut received = [0; 16];
    let mut has_news = false;
    while let bytes @ [_, ..] = with_console(|console| console.receive(&mut received)) {
        has_news = true;
        bytes.iter().for_each(|&byte| arrive(byte));
    }
    if has_news {
        READERS.with(Waiters::wake_all);
    }
}

/// Takes a typed byte. Ctrl-C ends the processes in the foreground, if there are any.
fn arrive(byte: u8) {
    if with_console(|console| console.input.arrive(byte)) == Arrival::Interrupt {
        interrupt();
    }
}

/// Somebody is in the foreground now. A Ctrl-C that came before is for them: whoever pressed it saw them start.
pub fn foreground_changed() {
    if with_console(|console| console.input.has_interrupt()) {
        interrupt();
    }
}

fn interrupt() {
    if process::interrupt_foreground() {
        with_console(|console| {
            console.input.interrupted();
            console.output.show(Echo::Interrupted);
        });
    }
}

/// Prints a kernel message and ends the line; what `kprintln!` stands for.
///
/// If the console is in use, the kernel is failing in the middle of printing: then the message goes to the serial port alone.
pub fn print_line(message: fmt::Arguments<'_>) {
    // Writing to a console cannot fail; an error could only come from a value's own formatting, and is that value's business.
    let _ = if IS_IN_USE.load(Ordering::Relaxed) {
        writeln!(LastWords(SerialPort::for_last_words()), "{message}")
    } else {
        with_console(|console| writeln!(KernelWriter(console), "{message}"))
    };
}

fn with_console<R>(user: impl FnOnce(&mut Console) -> R) -> R {
    CONSOLE.with(|console| {
        IS_IN_USE.store(true, Ordering::Relaxed);
        let result = user(console);
        IS_IN_USE.store(false, Ordering::Relaxed);
        result
    })
}

impl Console {
    /// Takes what was typed at the keyboard or came through the serial port, no more than there is room for; without any room, holds
    /// the port.
    fn receive<'a>(&mut self, into: &'a mut [u8]) -> &'a [u8] {
        while let Some(key) = self.keyboard.receive() {
            match key {
                Key::Character(character) => return character.encode_utf8(into).as_bytes(),
                Key::Sequence(text) => {
                    let bytes = &mut into[..text.len()];
                    bytes.copy_from_slice(text.as_bytes());
                    return bytes;
                }
                Key::LookBack => self.output.screen.look_back(),
                Key::LookOn => self.output.screen.look_on(),
            }
        }
        let Some(serial) = &mut self.output.serial else { return &[] };
        let len = into.len().min(self.input.room());
        if len == 0 {
            self.is_held = true;
            serial.hold_input(true);
        }
        let count = serial.receive(&mut into[..len]);
        &into[..count]
    }

    /// Takes a finished line or keys, which makes room for others.
    fn read(&mut self, mode: ConsoleMode, into: &mut [u8]) -> Option<usize> {
        let count = match mode {
            ConsoleMode::Keys { .. } => self.input.read_keys(into),
            ConsoleMode::Lines => self.input.read_line(into, |echo| self.output.show(echo)),
        };
        if let Some(serial) = &mut self.output.serial
            && self.is_held
            && self.input.room() > 0
        {
            self.is_held = false;
            serial.hold_input(false);
        }
        count
    }
}

impl Output {
    fn clear(&mut self) {
        self.terminal.clear(&mut self.screen);
    }

    fn write(&mut self, colors: Colors, bytes: &[u8]) {
        if let Some(serial) = &mut self.serial {
            serial.send_text(bytes);
        }
        if colors == Colors::NORMAL {
            self.terminal.write(&mut self.screen, bytes);
        } else {
            self.terminal.write_colored(&mut self.screen, colors, bytes);
        }
    }

    /// Shows what comes of a typed byte.
    fn show(&mut self, echo: Echo) {
        match echo {
            Echo::Byte(byte) => self.write(Colors::NORMAL, &[byte]),
            Echo::Erase(characters) => (0..characters).for_each(|_| self.write(Colors::NORMAL, RUB_OUT)),
            Echo::Interrupted => self.write(Colors::NORMAL, b"^C\n"),
            Echo::NewLine => self.write(Colors::NORMAL, b"\n"),
            Echo::Bell => self.write(Colors::NORMAL, BELL),
        }
    }
}

/// Prints in the colours of the kernel.
struct KernelWriter<'a>(&'a mut Console);

impl Write for KernelWriter<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.output.write(Colors::KERNEL, text.as_bytes());
        Ok(())
    }
}

/// Prints to the serial port alone.
struct LastWords(SerialPort);

impl Write for LastWords {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.send_text(text.as_bytes());
        Ok(())
    }
}
