//! Finding the drive and learning what it can do.

use core::fmt;

use kcore::disk::{DiskError, IDENTIFY, Identity, SET_MULTIPLE, StatusFlags, TaskFile, UnusableDisk, decode_status};

use super::bus_master::BusMaster;
use super::controller::AtaController;
use super::registers::Registers;
use crate::cpu::interrupts;
use crate::drivers::timer;

/// How long the drive may take to answer, in ticks of 10 ms.
const ANSWER_TICKS: u64 = 500;

/// How data may be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfers {
    /// By the bus master where there is one.
    Best,
    /// By the CPU, even if there is a bus master.
    PioOnly,
}

/// Why there is no disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoDisk {
    /// Nothing answers at the primary channel.
    NotFound,
    /// Something is there that the kernel cannot use.
    Unusable(UnusableDisk),
    /// The drive failed to say what it is.
    Failed(DiskError),
}

impl fmt::Display for NoDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("no disk at the primary IDE channel"),
            Self::Unusable(found) => write!(f, "the primary IDE channel has {found}"),
            Self::Failed(error) => write!(f, "the disk does not say what it is: {error}"),
        }
    }
}

impl core::error::Error for NoDisk {}

/// Finds the drive and prepares it for transfers.
pub(super) fn set_up(controller: &mut AtaController, transfers: Transfers) -> Result<Identity, NoDisk> {
    // SAFETY: there is one controller, so this is the bus master's one user.
    let bus_master = unsafe { BusMaster::find() };
    if bus_master.is_some() {
        controller.registers.widen();
    }
    if !controller.registers.has_drive() {
        return Err(NoDisk::NotFound);
    }
    controller.registers.mute();
    let identity = identify(&controller.registers)?;
    match bus_master {
        Some(bus_master) if identity.has_dma && transfers == Transfers::Best => controller.use_bus_master(bus_master),
        _ => controller.use_blocks_of(set_block_size(&controller.registers, &identity)),
    }
    controller.registers.unmute();
    // An interrupt that was held back so far is taken back.
    controller.registers.status();
    Ok(identity)
}

fn identify(registers: &Registers) -> Result<Identity, NoDisk> {
    registers.issue(&TaskFile::plain(IDENTIFY, 0));
    let answer = wait_until_idle(registers);
    if registers.has_packet_signature() {
        return Err(NoDisk::Unusable(UnusableDisk::NotADisk));
    }
    match answer {
        Ok(status) if status.contains(StatusFlags::DATA_REQUEST) => {}
        // Drive 1 answers for a drive 0 that is not there, and refuses what is not for itself.
        Ok(_) | Err(DiskError::Aborted) => return Err(NoDisk::NotFound),
        Err(error) => return Err(NoDisk::Failed(error)),
    }
    let mut bytes = [0; 512];
    registers.read_data(&mut bytes);
    let mut words = [0; 256];
    for (word, pair) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u16::from_le_bytes(*pair);
    }
    Identity::decode(&words).map_err(NoDisk::Unusable)
}

/// Tells the drive how many sectors to move for each interrupt; returns how many it agreed to.
fn set_block_size(registers: &Registers, identity: &Identity) -> u8 {
    let sectors = AtaController::best_block_sectors(identity);
    if sectors == 1 {
        return 1;
    }
    registers.issue(&TaskFile::plain(SET_MULTIPLE, sectors));
    match wait_until_idle(registers) {
        Ok(_) => sectors,
        Err(_) => 1,
    }
}

/// Waits for the end of a command, looking once a tick.
fn wait_until_idle(registers: &Registers) -> Result<StatusFlags, DiskError> {
    let start = timer::ticks();
    let mut status = registers.settled_status();
    while status.contains(StatusFlags::BUSY) {
        if timer::ticks() - start > ANSWER_TICKS {
            return Err(DiskError::Timeout);
        }
        interrupts::wait_for_interrupt();
        status = registers.alternate_status();
    }
    decode_status(status, || registers.error()).map(|()| status)
}
