//! The console: serial port, screen and keyboard, together. Kernel messages and what programs print go to both serial port and
//! screen; lines are typed at either end.

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicBool, Ordering};

use kcore::line::{Echo, LineDiscipline};
use kcore::terminal::{Colors, Terminal};

use super::keyboard::Keyboard;
use super::pic;
use super::serial::SerialPort;
use super::vga::VgaScreen;
use crate::cell::KernelCell;
use crate::process::waiters::Waiters;
use crate::process::{Killed, WaitsFor, scheduler};

/// The keyboard's interrupt line.
pub const KEYBOARD_LINE: u8 = 1;
/// The serial port's interrupt line.
pub const SERIAL_LINE: u8 = 4;

/// Rubs out one character.
const RUB_OUT: &[u8] = b"\x08 \x08";
const BELL: &[u8] = b"\x07";

struct Console {
    serial: Option<SerialPort>,
    keyboard: Keyboard,
    screen: VgaScreen,
    terminal: Terminal,
    lines: LineDiscipline,
    /// What is typed stays in the serial port: there is no room for more lines until somebody reads one.
    is_held: bool,
}

static CONSOLE: KernelCell<Console> = KernelCell::new(Console {
    serial: None,
    keyboard: Keyboard::new(),
    screen: VgaScreen::new(),
    terminal: Terminal::new(),
    lines: LineDiscipline::new(),
    is_held: false,
});

/// The console is lent to somebody. Only [`print_line`] asks, since a kernel that fails while it prints has something to say.
static IS_IN_USE: AtomicBool = AtomicBool::new(false);

/// Who waits for a line.
static READERS: KernelCell<Waiters> = KernelCell::new(Waiters::new());

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
        console.serial = SerialPort::init();
        console.terminal.clear(&mut console.screen);
    });
}

/// Lets input through, once the interrupt controller is set up.
pub fn enable_input() {
    let (has_serial, has_keyboard) = with_console(|console| {
        let has_keyboard = console.keyboard.is_present();
        // What was typed before now would keep the controller from raising its interrupt.
        while console.keyboard.receive().is_some() {}
        (console.serial.is_some(), has_keyboard)
    });
    if has_serial {
        pic::unmask(SERIAL_LINE);
    }
    if has_keyboard {
        pic::unmask(KEYBOARD_LINE);
    }
}

/// Prints what a program wrote.
pub fn write_bytes(bytes: &[u8]) {
    with_console(|console| console.write(Colors::NORMAL, bytes));
}

/// Takes a finished line of input, its `\n` included, or as much of it as fits; the current process waits for it. Nothing at
/// the end of the input.
///
/// # Errors
/// [`Killed`] if the process was killed while it waited.
pub fn read_line(into: &mut [u8]) -> Result<&[u8], Killed> {
    loop {
        match with_console(|console| console.read(into)) {
            Some(count) => return Ok(&into[..count]),
            None => {
                READERS.with(|readers| readers.add(scheduler::current_slot()));
                scheduler::block_unless_killed(WaitsFor::Console)?;
            }
        }
    }
}

/// The serial port or the keyboard has received something.
pub(super) fn on_interrupt() {
    let has_news = with_console(|console| {
        let mut has_news = false;
        while let Some(character) = console.keyboard.receive() {
            for &byte in character.encode_utf8(&mut [0; 4]).as_bytes() {
                has_news |= console.typed(byte);
            }
        }
        let mut received = [0; 16];
        while let bytes @ [_, ..] = console.receive(&mut received) {
            for &byte in bytes {
                has_news |= console.typed(byte);
            }
        }
        has_news
    });
    if has_news {
        READERS.with(Waiters::wake_all);
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

    /// Takes bytes from the serial port, no more than there is room for; without any room, holds the port.
    fn receive<'a>(&mut self, into: &'a mut [u8]) -> &'a [u8] {
        let Some(serial) = &mut self.serial else { return &[] };
        let len = into.len().min(self.lines.room());
        if len == 0 {
            self.is_held = true;
            serial.hold_input(true);
        }
        let count = serial.receive(&mut into[..len]);
        &into[..count]
    }

    /// Takes a finished line, which makes room for others.
    fn read(&mut self, into: &mut [u8]) -> Option<usize> {
        let count = self.lines.read(into)?;
        if let Some(serial) = &mut self.serial
            && self.is_held
        {
            self.is_held = false;
            serial.hold_input(false);
        }
        Some(count)
    }

    /// Takes a typed byte, shows what comes of it, and says whether a reader finds something new.
    fn typed(&mut self, byte: u8) -> bool {
        let echo = self.lines.typed(byte);
        match echo {
            Echo::Nothing | Echo::InputEnded => {}
            Echo::Byte(byte) => self.write(Colors::NORMAL, &[byte]),
            Echo::Erase(characters) => (0..characters).for_each(|_| self.write(Colors::NORMAL, RUB_OUT)),
            Echo::LineReady => self.write(Colors::NORMAL, b"\n"),
            Echo::Bell => self.write(Colors::NORMAL, BELL),
        }
        matches!(echo, Echo::LineReady | Echo::InputEnded)
    }
}

/// Prints in the colours of the kernel.
struct KernelWriter<'a>(&'a mut Console);

impl Write for KernelWriter<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(Colors::KERNEL, text.as_bytes());
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
