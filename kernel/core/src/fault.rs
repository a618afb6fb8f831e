//! Page faults: the CPU's error code decoded once, and what a fault calls for decided without touching hardware.

use abi::layout::{KERNEL_START, STACK_GUARD_BYTES, STACK_LIMIT};
use abi::{Access, FaultKind};

use crate::addr::{Frame, PAGE_SIZE, Page, SwapSlot, VirtAddr};
use crate::pte::{PteFlags, PteState};
use crate::vm_pool::{FilePage, Region, Rights};

bitflags::bitflags! {
    /// The error code of a page fault (Intel SDM 3A, "Page-Fault Exception (#PF)").
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct FaultCode: u32 {
        /// The page was present: its rights were violated.
        const PROTECTION = 1 << 0;
        /// It was a write.
        const WRITE = 1 << 1;
        /// It came from ring 3.
        const USER = 1 << 2;
        /// A reserved bit was set in a table entry.
        const RESERVED = 1 << 3;
        /// It was an instruction fetch (reported only where the CPU can tell).
        const FETCH = 1 << 4;
    }
}

/// One page fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The address that was used (CR2).
    pub address: VirtAddr,
    /// What was wanted of it.
    pub access: Access,
}

impl Fault {
    /// Decodes the error code. A CPU without execute-disable reports a fetch as a read: it is a fetch if the faulting
    /// address is the instruction's own.
    #[inline]
    pub fn decode(address: VirtAddr, code: FaultCode, instruction: VirtAddr) -> Self {
        let access = if code.contains(FaultCode::WRITE) {
            Access::Write
        } else if code.contains(FaultCode::FETCH) || address == instruction {
            Access::Execute
        } else {
            Access::Read
        };
        Self { address, access }
    }
}

/// What one fault calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// A frame of zeros.
    MapZeroed,
    /// This page of a file: itself, or a copy of it if the region's pages are its own.
    UseFile(FilePage),
    /// A frame with what lies in this slot.
    SwapIn(SwapSlot),
    /// The page is on its way from or to the disk in this frame.
    InTransit(Frame),
    /// Nothing: the entry already allows the access, only the TLB was stale.
    Retry,
}

/// Why a fault cannot be repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultError {
    /// No pool's region owns the address.
    NoRegion,
    /// The region does not allow the access.
    Forbidden,
    /// The stack would have to grow and the machine cannot promise the memory.
    StackRefused,
    /// The page could not be read back.
    ReadFailed,
    /// No frame is free, none can be borrowed and none is on its way: a broken promise.
    OutOfFrames,
}

impl FaultError {
    /// The rule of [`FaultKind`] that an access to `address` broke.
    pub fn kind(self, address: VirtAddr) -> FaultKind {
        match self {
            Self::Forbidden => FaultKind::Forbidden,
            Self::StackRefused | Self::OutOfFrames => FaultKind::StackRefused,
            Self::ReadFailed => FaultKind::PageReadError,
            Self::NoRegion => match address.raw() {
                0..PAGE_SIZE => FaultKind::NullPointer,
                KERNEL_START.. => FaultKind::KernelMemory,
                STACK_GUARD..STACK_LIMIT => FaultKind::StackOverflow,
                _ => FaultKind::Unallocated,
            },
        }
    }
}

/// Where the guard below the stack's limit begins.
const STACK_GUARD: u32 = STACK_LIMIT - STACK_GUARD_BYTES;

/// Decides what a fault calls for, from the model (`region`) and the cache of it (`entry`).
///
/// # Errors
/// `NoRegion` if no pool owns the address, `Forbidden` if the region does not allow the access.
#[inline]
pub fn plan(fault: &Fault, region: Option<&Region>, entry: PteState) -> Result<Plan, FaultError> {
    let region = region.ok_or(FaultError::NoRegion)?;
    if !region.rights().allow(fault.access) {
        return Err(FaultError::Forbidden);
    }
    Ok(match entry {
        PteState::Empty => fill_plan(fault, region),
        PteState::Swapped(slot) => Plan::SwapIn(slot),
        PteState::InTransit(frame) => Plan::InTransit(frame),
        PteState::Present(..) => Plan::Retry,
    })
}

/// How an untouched page of `region` gets its first contents.
#[inline]
fn fill_plan(fault: &Fault, region: &Region) -> Plan {
    region.file_page(Page::containing(fault.address)).map_or(Plan::MapZeroed, Plan::UseFile)
}

/// The entry's flags for a page of a region with these rights. Without execute-disable, readable is executable.
#[inline]
pub fn flags_for(rights: Rights) -> PteFlags {
    let flags = PteFlags::PRESENT.union(PteFlags::USER);
    if rights.contains(Rights::WRITE) { flags.union(PteFlags::WRITABLE) } else { flags }
}
