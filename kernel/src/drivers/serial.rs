//! The first serial port, COM1, at 115200 baud, 8 data bits, no parity, 1 stop bit.
//!
//! Output waits for the port to take it: kernel messages must be out before the next instruction can go wrong. Input comes by
//! interrupt.

use uart_16550::backend::PioBackend;
use uart_16550::spec::FIFO_SIZE;
use uart_16550::spec::registers::{IER, LSR};
use uart_16550::{BaudRate, Config, Uart16550};

const COM1: u16 = 0x3F8;

/// How often we ask a port that takes nothing before we believe that it never will: some seconds in an emulator, whose port
/// is busy as long as nobody reads the host's end, and more on a real machine, whose port is never busy for long.
const PATIENCE: u32 = 1 << 27;

/// How often the port is asked whether it has sent all: 16 bytes take 1.4 ms, and a port is read in a microsecond or less.
const SENT_READS: u32 = 1 << 16;

/// What reading a port without a device gives.
const NO_DEVICE: u8 = 0xFF;

/// COM1, present and set up.
pub struct SerialPort {
    uart: Uart16550<PioBackend>,
    /// It took nothing for as long as our patience lasted. Until it takes something again it is asked only once a chunk.
    is_stuck: bool,
}

impl SerialPort {
    /// Sets the port up, input by interrupt included. `None` if the machine has none.
    pub fn init() -> Option<Self> {
        let mut uart = com1();
        if !uart.check_present() || uart.lsr() == LSR::from_bits_retain(NO_DEVICE) {
            return None;
        }
        let config = Config { interrupts: IER::DATA_READY, baud_rate: BaudRate::Baud115200, ..Config::DEFAULT };
        uart.init(config).ok()?;
        Some(Self { uart, is_stuck: false })
    }

    /// The port as it was set up earlier, for a last message of a kernel whose console is in use.
    pub fn for_last_words() -> Self {
        Self { uart: com1(), is_stuck: false }
    }

    /// Sends `bytes` as they are. What a port that has stopped does not take is lost.
    pub fn send(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(FIFO_SIZE) {
            self.send_chunk(chunk);
        }
    }

    /// Sends text, each line feed with a return before it, as terminals want it.
    pub fn send_text(&mut self, text: &[u8]) {
        let mut rest = text;
        while let Some(at) = rest.iter().position(|&byte| byte == b'\n') {
            let (line, feed_and_rest) = rest.split_at(at);
            self.send(line);
            self.send(b"\r\n");
            rest = &feed_and_rest[1..];
        }
        self.send(rest);
    }

    /// Stops or resumes input. What arrives meanwhile stays in the port, and where there is flow control with the sender.
    pub fn hold_input(&mut self, hold: bool) {
        if hold {
            self.uart.disable_interrupts(IER::DATA_READY);
        } else {
            self.uart.enable_interrupts(IER::DATA_READY);
        }
    }

    /// Moves received bytes to `into` and says how many there were.
    pub fn receive(&mut self, into: &mut [u8]) -> usize {
        self.uart.receive_bytes(into)
    }

    fn send_chunk(&mut self, mut chunk: &[u8]) {
        let mut refusals = 0;
        while !chunk.is_empty() {
            let sent = self.uart.send_bytes(chunk);
            chunk = &chunk[sent..];
            if sent > 0 {
                self.is_stuck = false;
                continue;
            }
            refusals += 1;
            self.is_stuck |= refusals == PATIENCE;
            if self.is_stuck {
                return;
            }
        }
    }
}

/// Waits until the port has sent all that it has taken: a machine that is switched off before loses it.
pub fn wait_until_sent() {
    let mut uart = com1();
    // A missing port reads as all ones, so it is done at once.
    for _ in 0..SENT_READS {
        if uart.lsr().contains(LSR::TRANSMITTER_EMPTY) {
            return;
        }
    }
}

fn com1() -> Uart16550<PioBackend> {
    // SAFETY: on a PC the eight ports from 0x3F8 belong to COM1 or to nothing, only this module uses them, and a UART
    // masters no bus.
    match unsafe { Uart16550::new_port(COM1) } {
        Ok(uart) => uart,
        Err(_) => unreachable!("eight ports from {COM1:#x} are below 65536"),
    }
}
