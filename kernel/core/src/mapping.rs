//! What is known of one page of a program: the courses' `VirtualToPhysicalMapping`.

use abi::record::Mapping;

use crate::addr::{Frame, SwapSlot};
use crate::frame_table::{FrameTable, FrameUse};
use crate::pte::PteState;

/// Where an allocated page is: in a frame, on the disk, in both, or in neither if it was never
/// written.
///
/// A page that is not allocated has none:
/// [`is_legitimate`](crate::vm_pool::AddressPools::is_legitimate) knows that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VirtualToPhysicalMapping {
    /// The frame that holds the page. While the page is in transit, the frame that the disk reads
    /// or writes.
    pub physical_page: Option<Frame>,
    /// The slot of the swap file that the page owns. It is valid unless the page has a frame and
    /// was changed there.
    pub disk_page: Option<SwapSlot>,
}

impl VirtualToPhysicalMapping {
    /// Puts together what the page's entry and the frame table know.
    #[inline(always)]
    pub fn new(entry: PteState, frames: &FrameTable) -> Self {
        match entry {
            PteState::Empty => Self::default(),
            PteState::Swapped(slot) => Self { physical_page: None, disk_page: Some(slot) },
            PteState::Present(frame, _) | PteState::InTransit(frame) => Self::in_frame(frame, frames.get(frame)),
        }
    }

    /// Returns the mapping of a page that has a frame, from what the frame is used for.
    #[inline(always)]
    pub const fn in_frame(frame: Frame, frame_use: FrameUse) -> Self {
        Self { physical_page: Some(frame), disk_page: frame_use.slot() }
    }
}

impl From<VirtualToPhysicalMapping> for Mapping {
    fn from(mapping: VirtualToPhysicalMapping) -> Self {
        Self {
            physical_page_plus_one: mapping.physical_page.map_or(0, |frame| frame.number() + 1),
            disk_page_plus_one: mapping.disk_page.map_or(0, |slot| slot.number() + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use abi::record::Mapping;

    use super::VirtualToPhysicalMapping;
    use crate::addr::{Frame, Page, SwapSlot};
    use crate::frame_table::{FrameTable, FrameUse, OwnedPage, SpaceId};
    use crate::pte::{PteFlags, PteState};

    #[test]
    fn mapping_is_made_from_entry_and_frame_table() {
        let mut frames = FrameTable::new(Frame::new(0), 4).unwrap();
        let (frame, slot) = (Frame::new(2), SwapSlot::new(0));
        let owner = OwnedPage { space: SpaceId::new(1), page: Page::new(9) };
        let resident = |slot| FrameUse::Resident { owner, slot, ahead: false };
        let moving = PteState::InTransit(frame);
        let present = PteState::Present(frame, PteFlags::PRESENT);
        for (entry, frame_use, physical_page, disk_page) in [
            (PteState::Empty, FrameUse::Free, None, None),
            (PteState::Swapped(slot), FrameUse::Free, None, Some(slot)),
            (present, resident(None), Some(frame), None),
            (present, resident(Some(slot)), Some(frame), Some(slot)),
            (present, FrameUse::TakenBack { owner, slot }, Some(frame), Some(slot)),
            (moving, FrameUse::Leaving { owner, slot }, Some(frame), Some(slot)),
            (moving, FrameUse::Arriving { owner, slot: Some(slot) }, Some(frame), Some(slot)),
        ] {
            frames.set(frame, frame_use);
            let mapping = VirtualToPhysicalMapping::new(entry, &frames);
            assert_eq!(mapping, VirtualToPhysicalMapping { physical_page, disk_page }, "{entry:?}");
        }
    }

    #[test]
    fn frame_0_and_slot_0_are_not_absent_in_the_record() {
        let mapping =
            VirtualToPhysicalMapping { physical_page: Some(Frame::new(0)), disk_page: Some(SwapSlot::new(0)) };
        let record = Mapping::from(mapping);
        assert_eq!((record.physical_page(), record.disk_page()), (Some(0), Some(0)));
        let record = Mapping::from(VirtualToPhysicalMapping::default());
        assert_eq!((record.physical_page(), record.disk_page()), (None, None));
    }
}
