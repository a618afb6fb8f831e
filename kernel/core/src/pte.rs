//! Page-table and directory entries (Intel SDM 3A, "32-Bit Paging"): the raw word is decoded in one place.

use crate::addr::{Frame, PhysAddr, SwapSlot};

bitflags::bitflags! {
    /// The low bits of a present entry.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct PteFlags: u32 {
        /// The entry maps a frame.
        const PRESENT = 1 << 0;
        /// Writes are allowed.
        const WRITABLE = 1 << 1;
        /// Ring 3 may use the page.
        const USER = 1 << 2;
        /// Set by the CPU when the page is used.
        const ACCESSED = 1 << 5;
        /// Set by the CPU when the page is written.
        const DIRTY = 1 << 6;
        /// The translation survives a change of address space.
        const GLOBAL = 1 << 8;
    }
}

/// A page-table entry as the CPU sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pte(u32);

/// A page-table entry, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PteState {
    /// The whole word is zero: nothing is known of this page but what its region says.
    Empty,
    /// The page is in this frame. The CPU sets `ACCESSED` and `DIRTY` behind our back; a copy of them goes stale.
    Present(Frame, PteFlags),
    /// The page is in this slot of the swap file.
    Swapped(SwapSlot),
    /// The page is on its way between this frame and the disk; the frame table knows which way.
    InTransit(Frame),
}

/// Of a non-present entry the CPU looks at bit 0 only. Bit 1 says which of our two meanings the rest has.
const TRANSIT: u32 = 1 << 1;

impl Pte {
    /// The entry that says nothing.
    pub const EMPTY: Self = Self(0);

    /// The highest slot number (plus one) that an entry can hold: 30 bits are left beside present and in-transit.
    pub const SLOT_LIMIT: u32 = (1 << 30) - 1;

    /// The entry with these bits.
    pub const fn from_raw(raw: u32) -> Self {
        Self(raw)
    }

    /// The bits.
    pub const fn raw(self) -> u32 {
        self.0
    }

    /// An entry that maps `frame`; `PRESENT` is added.
    pub const fn present(frame: Frame, flags: PteFlags) -> Self {
        Self(frame.start().raw() | flags.bits() | PteFlags::PRESENT.bits())
    }

    /// An entry for a page that lies in `slot`. Bits 31..2 hold the number *plus one*: slot 0 is not `Empty`.
    pub const fn swapped(slot: SwapSlot) -> Self {
        debug_assert!(slot.number() < Self::SLOT_LIMIT, "slot numbers are bounded by the swap map");
        Self((slot.number() + 1) << 2)
    }

    /// An entry for a page on its way into or out of `frame`.
    pub const fn in_transit(frame: Frame) -> Self {
        Self(frame.start().raw() | TRANSIT)
    }

    /// The entry maps a frame whose page was used since the bit was last cleared.
    #[inline]
    pub const fn is_accessed(self) -> bool {
        let used = PteFlags::PRESENT.union(PteFlags::ACCESSED).bits();
        self.raw() & used == used
    }

    /// The entry maps a frame whose page was written since the bit was last cleared.
    #[inline]
    pub const fn is_dirty(self) -> bool {
        let changed = PteFlags::PRESENT.union(PteFlags::DIRTY).bits();
        self.raw() & changed == changed
    }

    /// What the entry says.
    pub const fn decode(self) -> PteState {
        let Self(raw) = self;
        if raw == 0 {
            PteState::Empty
        } else if raw & PteFlags::PRESENT.bits() != 0 {
            PteState::Present(Frame::containing(PhysAddr::new(raw)), PteFlags::from_bits_truncate(raw))
        } else if raw & TRANSIT != 0 {
            PteState::InTransit(Frame::containing(PhysAddr::new(raw)))
        } else {
            PteState::Swapped(SwapSlot::new((raw >> 2).wrapping_sub(1)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Pte, PteFlags, PteState};
    use crate::addr::{Frame, SwapSlot};
    use proptest::prelude::{any, prop_assert_eq, proptest};

    #[test]
    fn frame_0_and_slot_0_are_not_empty() {
        assert_eq!(Pte::EMPTY.decode(), PteState::Empty);
        assert_eq!(Pte::swapped(SwapSlot::new(0)).decode(), PteState::Swapped(SwapSlot::new(0)));
        assert_eq!(Pte::in_transit(Frame::new(0)).decode(), PteState::InTransit(Frame::new(0)));
        let zero = Pte::present(Frame::new(0), PteFlags::empty());
        assert_eq!(zero.decode(), PteState::Present(Frame::new(0), PteFlags::PRESENT));
    }

    #[test]
    fn a_frame_is_stored_as_a_byte_address() {
        assert_eq!(Pte::present(Frame::new(5), PteFlags::USER).raw(), 0x5005);
    }

    proptest! {
        #[test]
        fn entries_survive_decoding(number in 0u32..1 << 20, slot in 0..Pte::SLOT_LIMIT, bits in any::<u32>()) {
            let (frame, slot) = (Frame::new(number), SwapSlot::new(slot));
            let flags = PteFlags::from_bits_truncate(bits) | PteFlags::PRESENT;
            prop_assert_eq!(Pte::present(frame, flags).decode(), PteState::Present(frame, flags));
            prop_assert_eq!(Pte::swapped(slot).decode(), PteState::Swapped(slot));
            prop_assert_eq!(Pte::in_transit(frame).decode(), PteState::InTransit(frame));
        }
    }
}
