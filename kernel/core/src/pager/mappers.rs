//! Which page-table entries map each page of a file.
//!
//! Each frame has a list of pages of address spaces. The page of every entry that maps the frame is in its list. A page whose entry has
//! been emptied since may stay there, and a page may be there twice: the pager follows the list and looks at the entries.
//!
//! The lists share links that are all made at boot. If a list is full, or no link is left, the pager empties all entries of one list: the
//! entries of pages of files can be emptied at any time, and fill again by faults.

use alloc::vec::Vec;

use crate::addr::{Frame, Page};
use crate::frame_table::{OutOfMemory, OwnedPage, SpaceId};
use crate::memory_map::FrameRange;

/// The most pages in a list, and so the most entries that are looked at for one frame.
pub(super) const LIST_MAX: u32 = 256;

/// Number of links for each frame.
const LINKS_PER_FRAME: usize = 2;

/// The fewest links. An instruction needs six pages at most: if no link is left, eight lists or more have some, and lists are emptied by
/// turns, so all six are mapped before the first of them is emptied twice.
const LINKS_MIN: usize = 8 * LIST_MAX as usize;

/// A page of a space in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Packed(u32);

const PAGE_BITS: u32 = 20;
const _: () = assert!(SpaceId::COUNT <= 1 << (u32::BITS - PAGE_BITS));

impl Packed {
    #[inline]
    const fn new(owner: OwnedPage) -> Self {
        Self((owner.space.number() as u32) << PAGE_BITS | owner.page.number())
    }

    const fn unpack(self) -> OwnedPage {
        let [.., low, high] = self.0.to_le_bytes();
        let space = SpaceId::new(u16::from_le_bytes([low, high]) >> (PAGE_BITS - u16::BITS));
        OwnedPage { space, page: Page::new(self.0 & ((1 << PAGE_BITS) - 1)) }
    }
}

/// Position of a link plus one; 0 is none.
type Next = u32;

#[derive(Clone, Copy)]
struct Link {
    page: Packed,
    /// The next link of the same list, or of those that no list uses.
    next: Next,
}

#[derive(Clone, Copy, Default)]
struct List {
    /// The link that was added last.
    last_added: Next,
    len: u32,
}

/// The lists of all frames.
pub(super) struct Mappers {
    base: Frame,
    lists: Vec<List>,
    links: Vec<Link>,
    /// The first link that no list uses.
    unused: Next,
    /// Position of the list at which the search for one to empty goes on.
    hand: usize,
}

impl Mappers {
    /// Makes empty lists.
    ///
    /// # Errors
    /// `OutOfMemory` if there is no memory for them: 24 bytes a frame.
    pub fn new(frames: FrameRange) -> Result<Self, OutOfMemory> {
        let count = frames.count as usize;
        let link_count = (LINKS_PER_FRAME * count).max(LINKS_MIN);
        let (mut lists, mut links) = (Vec::new(), Vec::new());
        lists.try_reserve_exact(count).map_err(|_| OutOfMemory)?;
        lists.resize(count, List::default());
        links.try_reserve_exact(link_count).map_err(|_| OutOfMemory)?;
        let last = Next::try_from(link_count).map_err(|_| OutOfMemory)?;
        links.extend(
            (1..=last).map(|number| Link { page: Packed(0), next: if number < last { number + 1 } else { 0 } }),
        );
        Ok(Self { base: frames.first, lists, links, unused: 1, hand: 0 })
    }

    /// Adds a page to a frame's list. Returns false, with nothing changed, if the list is full or no link is left.
    #[inline]
    pub fn add(&mut self, frame: Frame, owner: OwnedPage) -> bool {
        let position = self.position(frame);
        let list = &mut self.lists[position];
        let Some(index) = self.unused.checked_sub(1).filter(|_| list.len < LIST_MAX) else { return false };
        let link = &mut self.links[index as usize];
        let added = core::mem::replace(&mut self.unused, link.next);
        *link = Link { page: Packed::new(owner), next: list.last_added };
        *list = List { last_added: added, len: list.len + 1 };
        true
    }

    /// Returns whether another page can be added to the frame's list.
    #[inline]
    pub fn has_room(&self, frame: Frame) -> bool {
        self.unused != 0 && !self.is_full(frame)
    }

    /// Returns whether the frame's list is as long as a list can be.
    pub fn is_full(&self, frame: Frame) -> bool {
        self.lists[self.position(frame)].len >= LIST_MAX
    }

    /// The entry of this page does not map the frame any more. The page leaves the list if it was added last: to find it elsewhere would
    /// take long.
    #[inline]
    pub fn remove(&mut self, frame: Frame, owner: OwnedPage) {
        let position = self.position(frame);
        let list = &mut self.lists[position];
        if let Some(index) = list.last_added.checked_sub(1)
            && let link = &mut self.links[index as usize]
            && link.page == Packed::new(owner)
        {
            let next = core::mem::replace(&mut link.next, self.unused);
            self.unused = core::mem::replace(&mut list.last_added, next);
            list.len -= 1;
        }
    }

    /// Empties a frame's list: no entry maps the frame.
    #[inline]
    pub fn clear(&mut self, frame: Frame) {
        let position = self.position(frame);
        let first = core::mem::take(&mut self.lists[position]).last_added;
        let mut last = first;
        while let Some(index) = last.checked_sub(1) {
            let link = &mut self.links[index as usize];
            if link.next == 0 {
                link.next = core::mem::replace(&mut self.unused, first);
                return;
            }
            last = link.next;
        }
    }

    /// The pages in a frame's list.
    pub fn of(&self, frame: Frame) -> impl Iterator<Item = OwnedPage> + '_ {
        let mut next = self.lists[self.position(frame)].last_added;
        core::iter::from_fn(move || {
            let link = self.links[next.checked_sub(1)? as usize];
            next = link.next;
            Some(link.page.unpack())
        })
    }

    /// Returns a frame whose list has links, each such frame in its turn. `None` if there is none.
    pub fn next_to_empty(&mut self) -> Option<Frame> {
        let count = self.lists.len();
        let found = (self.hand..count).chain(0..self.hand).find(|&position| self.lists[position].len > 0)?;
        self.hand = (found + 1) % count;
        Some(Frame::new(self.base.number() + u32::try_from(found).ok()?))
    }

    #[inline]
    const fn position(&self, frame: Frame) -> usize {
        frame.number().wrapping_sub(self.base.number()) as usize
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::{LINKS_MIN, LIST_MAX, Mappers};
    use crate::addr::{Frame, Page};
    use crate::frame_table::{OwnedPage, SpaceId};
    use crate::memory_map::FrameRange;

    const FRAMES: u32 = 12;

    fn frame(index: u32) -> Frame {
        Frame::new(70 + index % FRAMES)
    }

    fn owner(number: u32) -> OwnedPage {
        let space = SpaceId::new(u16::try_from(1 + number % 2048).unwrap());
        OwnedPage { space, page: Page::new(number % 3 * 0xF_FFFF / 2) }
    }

    proptest! {
        #[test]
        fn list_has_each_page_until_it_is_removed_or_the_list_is_cleared(
            steps in proptest::collection::vec(any::<(u8, u32, u16)>(), 0..60)
        ) {
            let mut mappers = Mappers::new(FrameRange { first: frame(0), count: FRAMES }).unwrap();
            // The page that was added last is the last of its list.
            let mut model: BTreeMap<Frame, Vec<OwnedPage>> = (0..FRAMES).map(|index| (frame(index), Vec::new())).collect();
            for (action, choice, count) in steps {
                let frame = frame(choice);
                let used: usize = model.values().map(Vec::len).sum();
                let list = model.get_mut(&frame).unwrap();
                match action % 8 {
                    0 => {
                        mappers.clear(frame);
                        list.clear();
                    }
                    1 => {
                        let next = mappers.next_to_empty();
                        prop_assert_eq!(next.is_some(), used > 0);
                        prop_assert!(next.is_none_or(|next| !model[&next].is_empty()));
                    }
                    2 | 3 => for number in (0..u32::from(count) % 30).rev() {
                        let owner = owner(choice.wrapping_add(number));
                        mappers.remove(frame, owner);
                        list.pop_if(|last| *last == owner);
                    },
                    _ => for (number, used) in (0..u32::from(count) % 300).zip(used..) {
                        let is_full = list.len() == LIST_MAX as usize;
                        let has_room = !is_full && used < LINKS_MIN;
                        prop_assert_eq!((mappers.has_room(frame), mappers.is_full(frame)), (has_room, is_full));
                        let owner = owner(choice.wrapping_add(number));
                        prop_assert_eq!(mappers.add(frame, owner), has_room);
                        if !has_room {
                            break;
                        }
                        list.push(owner);
                    },
                }
                for (&frame, list) in &model {
                    prop_assert!(mappers.of(frame).eq(list.iter().rev().copied()));
                }
            }
        }
    }

    #[test]
    fn lists_are_emptied_by_turns_when_no_link_is_left() {
        let mut mappers = Mappers::new(FrameRange { first: frame(0), count: FRAMES }).unwrap();
        let full =
            (0..FRAMES).take_while(|&index| (0..LIST_MAX).all(|number| mappers.add(frame(index), owner(number))));
        assert_eq!(full.count(), 8, "eight lists have all links");
        for index in (0..8).chain(0..8) {
            assert!(!mappers.has_room(frame(9)));
            assert_eq!(mappers.next_to_empty(), Some(frame(index)));
            mappers.clear(frame(index));
            assert!(mappers.has_room(frame(9)));
            (0..LIST_MAX).for_each(|number| assert!(mappers.add(frame(index), owner(number))));
        }
    }
}
