//! Page faults: the CPU's error code decoded once, and what a fault calls for decided without touching hardware.

use abi::layout::{KERNEL_START, STACK_GUARD_BYTES, STACK_LIMIT};
use abi::{Access, FaultKind};

use crate::addr::{Frame, PAGE_SIZE, Page, SwapSlot, VirtAddr};
use crate::mapping::VirtualToPhysicalMapping;
use crate::pte::PteFlags;
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

/// Decides what a fault in `region` calls for: the courses' `GetMapping`.
///
/// A page that has a frame keeps it. Otherwise it is read back if it was ever written out, and
/// begins as its region says if not. A page that is `in_transit` has the frame that the disk works
/// on.
///
/// # Errors
/// `Forbidden` if the region does not allow the access.
#[inline(always)]
pub fn plan(
    fault: &Fault,
    region: &Region,
    mapping: VirtualToPhysicalMapping,
    in_transit: bool,
) -> Result<Plan, FaultError> {
    if !region.rights().allow(fault.access) {
        return Err(FaultError::Forbidden);
    }
    Ok(match mapping {
        VirtualToPhysicalMapping { physical_page: None, disk_page: None } => fill_plan(fault, region),
        VirtualToPhysicalMapping { physical_page: None, disk_page: Some(slot) } => Plan::SwapIn(slot),
        VirtualToPhysicalMapping { physical_page: Some(frame), .. } if in_transit => Plan::InTransit(frame),
        VirtualToPhysicalMapping { physical_page: Some(_), .. } => Plan::Retry,
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

#[cfg(test)]
mod tests {
    use abi::Access;

    use super::{Fault, FaultError, Plan, plan};
    use crate::addr::{Frame, Page, SwapSlot};
    use crate::mapping::VirtualToPhysicalMapping;
    use crate::vm_pool::{Backing, Region, Rights};

    #[test]
    fn a_page_keeps_its_frame_or_is_read_back_or_begins_as_zeros() {
        let first = Page::new(20);
        let region = Region::new(first, 1, Rights::READ, Backing::Zero);
        let fault = Fault { address: first.start(), access: Access::Read };
        let (frame, slot) = (Frame::new(0), SwapSlot::new(0));
        for (physical_page, disk_page, in_transit, expected) in [
            (None, None, false, Plan::MapZeroed),
            (None, Some(slot), false, Plan::SwapIn(slot)),
            (Some(frame), None, false, Plan::Retry),
            (Some(frame), Some(slot), false, Plan::Retry),
            (Some(frame), Some(slot), true, Plan::InTransit(frame)),
        ] {
            let mapping = VirtualToPhysicalMapping { physical_page, disk_page };
            assert_eq!(plan(&fault, &region, mapping, in_transit), Ok(expected), "{mapping:?}");
            let write = Fault { access: Access::Write, ..fault };
            assert_eq!(plan(&write, &region, mapping, in_transit), Err(FaultError::Forbidden));
        }
    }
}
