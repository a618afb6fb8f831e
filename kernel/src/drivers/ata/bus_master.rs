//! The bus master of a PCI IDE controller (Programming Interface for Bus Master IDE Controller), which moves a command's data
//! between the drive and memory by itself.

use core::sync::atomic::{AtomicU32, Ordering};

use abi::layout::KERNEL_START;
use kcore::disk::{Direction, DiskError, PRD_ENTRIES_MAX, Segment, prd_entries};

use crate::drivers::pci::{Function, Register};
use crate::drivers::port::Port;

/// PCI class "mass storage controller", subclass "IDE controller".
const IDE_CONTROLLER: (u8, u8) = (0x01, 0x01);
/// Bit of the class register: the programming interface has a bus master.
const HAS_BUS_MASTER: u32 = 1 << 15;
/// Bit of the class register: the primary channel is not at the ports of old, but wherever PCI put it.
const PRIMARY_IS_NATIVE: u32 = 1 << 8;
/// Which base address register names the bus master's ports.
const BUS_MASTER_BASE: Register = Register::base_address(4);
/// Bits of a base address register: the address is a port.
const IS_PORT: u32 = 1;
/// PCI command: answer to ports, and be a bus master.
const PORTS_AND_MASTERING: u32 = 1 << 0 | 1 << 2;
/// The status half of PCI's command register is cleared by writing ones to it, so it is written as zero.
const PCI_COMMAND_MASK: u32 = 0xFFFF;

/// Command: run.
const START: u8 = 1 << 0;
/// Command: the bus master writes to memory.
const TO_MEMORY: u8 = 1 << 3;

/// Status: a transfer failed on the PCI side. Cleared by writing a one.
const STATUS_ERROR: u8 = 1 << 1;
/// Status: the drive has raised its interrupt, and all its data have reached memory. Cleared by writing a one.
const STATUS_INTERRUPT: u8 = 1 << 2;

/// The list of memory that the bus master reads. It fills a page, so it is aligned and crosses no 64 KiB boundary.
#[repr(C, align(4096))]
struct PrdTable([[AtomicU32; 2]; PRD_ENTRIES_MAX]);

const _: () = assert!(size_of::<PrdTable>() == 4096);

static PRD_TABLE: PrdTable = PrdTable([const { [const { AtomicU32::new(0) }; 2] }; PRD_ENTRIES_MAX]);

/// The bus master of the primary channel.
pub struct BusMaster {
    command: Port<u8>,
    status: Port<u8>,
    table: Port<u32>,
}

impl BusMaster {
    /// Finds the bus master of the primary channel and switches it on. `None` if the machine has none.
    ///
    /// # Safety
    /// Only one user at a time.
    pub unsafe fn find() -> Option<Self> {
        let controller = Function::find(IDE_CONTROLLER.0, IDE_CONTROLLER.1)?;
        let class = controller.read(Register::CLASS);
        if class & HAS_BUS_MASTER == 0 || class & PRIMARY_IS_NATIVE != 0 {
            return None;
        }
        let base = controller.read(BUS_MASTER_BASE);
        let ports = u16::try_from(base & !0xF).ok().filter(|&ports| base & IS_PORT != 0 && ports != 0)?;
        let command = controller.read(Register::COMMAND) & PCI_COMMAND_MASK;
        controller.write(Register::COMMAND, command | PORTS_AND_MASTERING);
        // SAFETY: the controller says that these are its ports; the caller is their only user. What the bus master does to
        // memory is what `PRD_TABLE` says, which only `prepare` writes.
        unsafe { Some(Self { command: Port::new(ports), status: Port::new(ports + 2), table: Port::new(ports + 4) }) }
    }

    /// Sets the next transfer up.
    ///
    /// # Safety
    /// The segments must be memory that is set aside for this transfer until it has ended or was stopped.
    pub unsafe fn prepare(&self, direction: Direction, segments: impl Iterator<Item = Segment>) {
        for ([address, length], entry) in PRD_TABLE.0.iter().zip(prd_entries(segments)) {
            // The port accesses below are barriers for the compiler, and x86 writes are seen in order: the bus master
            // finds the table as it is written here.
            let words = entry.encode();
            address.store(words[0], Ordering::Relaxed);
            length.store(words[1], Ordering::Relaxed);
        }
        self.table.write(table_address());
        self.status.write(STATUS_ERROR | STATUS_INTERRUPT);
        self.command.write(to_memory(direction));
    }

    /// Lets the transfer begin, once the drive has its command.
    pub fn start(&self, direction: Direction) {
        self.command.write(START | to_memory(direction));
    }

    /// Whether the drive has raised its interrupt since the transfer was set up.
    pub fn has_interrupt(&self) -> bool {
        self.status.read() & STATUS_INTERRUPT != 0
    }

    /// Ends the transfer, finished or not.
    ///
    /// # Errors
    /// `Bus` if it failed between the controller and memory.
    pub fn stop(&self) -> Result<(), DiskError> {
        self.command.write(0);
        match self.status.read() & STATUS_ERROR {
            0 => Ok(()),
            _ => Err(DiskError::Bus),
        }
    }
}

const fn to_memory(direction: Direction) -> u8 {
    match direction {
        Direction::Read => TO_MEMORY,
        Direction::Write => 0,
    }
}

/// The table's physical address: the kernel's image lies in the direct map.
fn table_address() -> u32 {
    let table = u32::try_from((&raw const PRD_TABLE).addr()).unwrap_or(0);
    table - KERNEL_START
}
