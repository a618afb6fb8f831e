//! Taking pages from their owners: the victim, and neighbours that can leave with the same disk command.

use core::ops::Range;

use super::{PageOut, PageTables, Pager, RUN_MAX, Target};
use crate::addr::{Frame, Page, SwapSlot};
use crate::frame_table::{FrameUse, OwnedPage};
use crate::mapping::VirtualToPhysicalMapping;
use crate::pte::{Pte, PteFlags, PteState};

/// What became of a victim.
pub(super) enum Eviction {
    /// It had a valid copy: its frame is free, and perhaps more.
    Dropped,
    /// It must be written first, and perhaps neighbours with it.
    MustWrite(PageOut),
    /// It is dirty, owns no slot and none is free: it stays.
    NoSlot,
}

/// A resident page that can leave now.
#[derive(Clone, Copy)]
struct Candidate {
    owner: OwnedPage,
    directory: Frame,
    frame: Frame,
    slot: Option<SwapSlot>,
    flags: PteFlags,
}

impl Candidate {
    const fn is_dirty(&self) -> bool {
        self.flags.contains(PteFlags::DIRTY)
    }
}

/// A run of pages and the slots they go to: page `pages.start + i` to slot `first_slot + i`.
struct Placement {
    pages: Range<u32>,
    first_slot: SwapSlot,
}

impl Pager<'_> {
    /// Takes the page in `frame` from its owner, with as many neighbours of its kind as are wanted: clean ones are dropped with a clean
    /// one, dirty ones written with a dirty one.
    pub(super) fn evict(&mut self, tables: &mut impl PageTables, frame: Frame) -> Eviction {
        let owner = match self.frames.get(frame) {
            FrameUse::Resident { owner, .. } => owner,
            FrameUse::Cached(cached) => return self.evict_cached(tables, frame, cached),
            _ => return Eviction::NoSlot,
        };
        let Some(victim) = self.candidate(tables, owner) else { return Eviction::NoSlot };
        if victim.is_dirty() {
            return self.write_around(tables, &victim);
        }
        self.drop_clean(tables, &victim);
        self.drop_around(tables, &victim);
        Eviction::Dropped
    }

    /// What is known of a page, if it is resident.
    fn candidate(&self, tables: &mut impl PageTables, owner: OwnedPage) -> Option<Candidate> {
        let directory = self.spaces.get(owner.space)?.directory?;
        let PteState::Present(frame, flags) = tables.entry(directory, owner.page)?.decode() else { return None };
        let frame_use @ FrameUse::Resident { .. } = self.frames.get(frame) else { return None };
        let mapping = VirtualToPhysicalMapping::in_frame(frame, frame_use);
        Some(Candidate { owner, directory, frame, slot: mapping.disk_page, flags })
    }

    /// A neighbour that may leave with a victim. Where the policy goes by accessed bits, one that was used stays; so does one that was
    /// fetched ahead a moment ago and still waits for its use.
    fn neighbour(&self, tables: &mut impl PageTables, victim: &Candidate, number: u32) -> Option<Candidate> {
        let owner = OwnedPage { page: Page::new(number), ..victim.owner };
        let candidate = self.candidate(tables, owner).filter(|page| !self.served.contains(page.frame))?;
        let used = candidate.flags.contains(PteFlags::ACCESSED);
        let ahead = matches!(self.frames.get(candidate.frame), FrameUse::Resident { ahead: true, .. });
        let stays = if used { self.policy.goes_by_use() } else { ahead };
        (!stays).then_some(candidate)
    }

    /// The pages around the victim that it may take along: of its region, in its aligned window, which lies in one page table.
    fn window(&self, victim: &Candidate) -> Range<u32> {
        let number = victim.owner.page.number();
        let space = self.spaces.get(victim.owner.space);
        let Some(region) = space.and_then(|space| space.pools.region_of(victim.owner.page)) else {
            return number..number + 1;
        };
        let start = number / RUN_MAX * RUN_MAX;
        start.max(region.first().number())..(start + RUN_MAX).min(region.end())
    }

    fn drop_around(&mut self, tables: &mut impl PageTables, victim: &Candidate) {
        let mut left = self.run_limit();
        for number in self.window(victim) {
            if left <= 1 {
                return;
            }
            if let Some(neighbour) = self.neighbour(tables, victim, number)
                && !neighbour.is_dirty()
            {
                self.drop_clean(tables, &neighbour);
                left -= 1;
            }
        }
    }

    /// Frees the frame of a page that was not changed since it was read or written.
    fn drop_clean(&mut self, tables: &mut impl PageTables, page: &Candidate) {
        let Candidate { owner, directory, frame, slot, .. } = *page;
        let (_, stale) = tables.exchange(directory, owner.page, slot.map_or(Pte::EMPTY, Pte::swapped));
        tables.flush(stale);
        self.note_swapped(owner.space, slot);
        self.settle_ahead(owner.space, frame, page.flags.contains(PteFlags::ACCESSED));
        self.release_frame(frame);
        self.page_left(owner.space, frame);
        self.count(owner.space, |account| account.clean_drops = account.clean_drops.wrapping_add(1));
    }

    fn write_around(&mut self, tables: &mut impl PageTables, victim: &Candidate) -> Eviction {
        let mut stretch = self.dirty_stretch(tables, victim);
        let mut frames = self.run_lists.run_for(stretch.len());
        if !frames.has_room_for_several() {
            stretch = victim.owner.page.number()..victim.owner.page.number() + 1;
        }
        let Some(placement) = self.place(tables, victim, stretch) else {
            self.run_lists.take_back(frames);
            return Eviction::NoSlot;
        };
        for (number, slot) in placement.pages.clone().zip(placement.first_slot.number()..) {
            let owner = OwnedPage { page: Page::new(number), ..victim.owner };
            let Some(page) = self.candidate(tables, owner) else { panic!("{owner:?} was a candidate a moment ago") };
            self.send_out(tables, &page, SwapSlot::new(slot));
            frames.push(page.frame);
        }
        self.count(victim.owner.space, |account| account.write_runs = account.write_runs.wrapping_add(1));
        Eviction::MustWrite(PageOut { target: Target::Slots(placement.first_slot), frames })
    }

    /// The dirty pages around the victim, without a gap.
    fn dirty_stretch(&self, tables: &mut impl PageTables, victim: &Candidate) -> Range<u32> {
        let number = victim.owner.page.number();
        let window = self.window(victim);
        let mut left = self.run_limit() - 1;
        let mut joins = |number: u32| {
            let joins = left > 0 && self.neighbour(tables, victim, number).is_some_and(|page| page.is_dirty());
            left -= u32::from(joins);
            joins
        };
        let last = (number + 1..window.end).take_while(|&number| joins(number)).last().unwrap_or(number);
        let first = (window.start..number).rev().take_while(|&number| joins(number)).last().unwrap_or(number);
        first..last + 1
    }

    /// Where to write a stretch of dirty pages, or the part of it around the victim that can be written at once: in place if all
    /// of it lies in consecutive slots, else in new ones if that is more.
    fn place(&mut self, tables: &mut impl PageTables, victim: &Candidate, stretch: Range<u32>) -> Option<Placement> {
        let in_place = self.in_place(tables, victim, &stretch);
        if let Some(placement) = &in_place
            && placement.pages == stretch
        {
            return in_place;
        }
        let wanted = stretch.end - stretch.start;
        let Some((first_slot, count)) = self.slots.assign_run(wanted) else { return in_place };
        if let Some(placement) = &in_place
            && placement.pages.len() >= count as usize
        {
            (0..count).for_each(|index| self.free_slot(SwapSlot::new(first_slot.number() + index)));
            return in_place;
        }
        let number = victim.owner.page.number();
        let start = stretch.start.max(stretch.end - count).min(number);
        Some(Placement { pages: start..start + count, first_slot })
    }

    /// The part of the stretch whose pages own the slots beside the victim's.
    fn in_place(&self, tables: &mut impl PageTables, victim: &Candidate, stretch: &Range<u32>) -> Option<Placement> {
        let number = victim.owner.page.number();
        let slot = victim.slot?.number();
        let mut belongs = |other: u32| {
            let owner = OwnedPage { page: Page::new(other), ..victim.owner };
            let expected = (slot + other).checked_sub(number).map(SwapSlot::new);
            expected.is_some() && self.candidate(tables, owner).is_some_and(|page| page.slot == expected)
        };
        let last = (number + 1..stretch.end).take_while(|&other| belongs(other)).last().unwrap_or(number);
        let first = (stretch.start..number).rev().take_while(|&other| belongs(other)).last().unwrap_or(number);
        Some(Placement { pages: first..last + 1, first_slot: SwapSlot::new(slot + first - number) })
    }

    /// Takes one dirty page from its owner; its frame is on its way to `slot` from here on.
    fn send_out(&mut self, tables: &mut impl PageTables, page: &Candidate, slot: SwapSlot) {
        let Candidate { owner, directory, frame, .. } = *page;
        // Out of the tables first: from here on nobody can write the page without being noticed.
        let (_, stale) = tables.exchange(directory, owner.page, Pte::in_transit(frame));
        tables.flush(stale);
        self.settle_ahead(owner.space, frame, true);
        if let Some(old) = page.slot.filter(|&old| old != slot) {
            self.free_slot(old);
        }
        self.frames.set(frame, FrameUse::Leaving { owner, slot });
        self.page_left(owner.space, frame);
        self.count(owner.space, |account| account.swap_outs = account.swap_outs.wrapping_add(1));
    }
}
