//! Resident pages in a circle, with a hand that goes around.

use alloc::vec::Vec;

use super::Residents;
use crate::addr::Frame;
use crate::frame_table::OutOfMemory;
use crate::memory_map::FrameRange;

/// The frames of resident pages, linked in a circle.
///
/// The links lie in one array, a place for each frame and one more, the *mark*, which is always in the circle: it separates
/// the newest page from the oldest and saves the links a special case. The hand points to what is looked at next; it begins at
/// the mark, and as long as it stays there the circle is a queue, the oldest page first.
pub struct Ring {
    first: Frame,
    /// For each frame its neighbours; a frame that is not in the circle is its own. The last entry is the mark's.
    links: Vec<Link>,
    hand: u32,
    len: u32,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    previous: u32,
    next: u32,
}

impl Ring {
    /// An empty circle for pages in `frames`. 8 bytes a frame.
    ///
    /// # Errors
    /// `OutOfMemory` if the allocator has no room for the links.
    pub fn new(frames: FrameRange) -> Result<Self, OutOfMemory> {
        let mark = frames.count;
        let mut links = Vec::new();
        links.try_reserve_exact(mark as usize + 1).map_err(|_| OutOfMemory)?;
        links.extend((0..=mark).map(|place| Link { previous: place, next: place }));
        Ok(Self { first: frames.first, links, hand: mark, len: 0 })
    }

    /// How many pages are in the circle.
    pub const fn len(&self) -> u32 {
        self.len
    }

    /// Puts the page where the hand gets last.
    #[inline]
    pub fn insert_behind_hand(&mut self, frame: Frame) {
        self.remove(frame);
        self.insert_before(self.hand, self.place(frame));
    }

    /// Puts the page before the mark: it is the newest, wherever the hand is.
    #[inline]
    pub fn insert_newest(&mut self, frame: Frame) {
        self.remove(frame);
        self.insert_before(self.mark(), self.place(frame));
    }

    /// Takes the page out, if it is in the circle. The hand, if it pointed to it, moves on.
    #[inline]
    pub fn remove(&mut self, frame: Frame) {
        let place = self.place(frame);
        let Link { previous, next } = self.link(place);
        if next == place {
            return;
        }
        self.links[previous as usize].next = next;
        self.links[next as usize].previous = previous;
        self.links[place as usize] = Link { previous: place, next: place };
        self.len -= 1;
        if self.hand == place {
            self.hand = next;
        }
    }

    /// Points the hand to a page of the circle.
    #[inline]
    pub fn move_hand_to(&mut self, frame: Frame) {
        self.hand = self.place(frame);
    }

    /// Each page once, from the hand on.
    #[inline]
    pub fn lap(&self) -> impl Iterator<Item = Frame> + '_ {
        core::iter::successors(Some(self.hand), |&place| Some(self.link(place).next))
            .take(self.len as usize + 1)
            .filter(|&place| place != self.mark())
            .map(|place| Frame::new(self.first.number() + place))
    }

    /// Moves the hand to the first page that was not used since the hand was there, and forgets the use of those it passes. If all
    /// were used, that is the page where it began: one lap always does.
    #[inline]
    pub fn second_chance(&mut self, memory: &mut dyn Residents) -> Option<Frame> {
        let mut all_used = None;
        let mut unused = None;
        for frame in self.lap() {
            if memory.page_in(frame).is_none() {
                continue;
            }
            if !memory.take_accessed(frame) {
                unused = Some(frame);
                break;
            }
            all_used.get_or_insert(frame);
        }
        let victim = unused.or(all_used)?;
        self.move_hand_to(victim);
        Some(victim)
    }

    fn insert_before(&mut self, next: u32, place: u32) {
        let previous = self.link(next).previous;
        self.links[place as usize] = Link { previous, next };
        self.links[previous as usize].next = place;
        self.links[next as usize].previous = place;
        self.len += 1;
    }

    #[inline]
    fn link(&self, place: u32) -> Link {
        self.links[place as usize]
    }

    #[inline]
    fn mark(&self) -> u32 {
        u32::try_from(self.links.len() - 1).unwrap_or(u32::MAX)
    }

    #[inline]
    fn place(&self, frame: Frame) -> u32 {
        let place = frame.number().wrapping_sub(self.first.number());
        assert!(place < self.mark(), "the replacement policy keeps no books of {frame:?}");
        place
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::Ring;
    use crate::addr::Frame;
    use crate::memory_map::FrameRange;

    proptest! {
        /// The model: the pages from the mark on, and the one that the hand points to.
        #[test]
        fn a_ring_is_a_list_with_a_hand(steps in proptest::collection::vec((0u32..8, any::<u8>()), 0..100)) {
            let frame = |index| Frame::new(50 + index);
            let mut ring = Ring::new(FrameRange { first: frame(0), count: 8 }).unwrap();
            let (mut list, mut hand): (Vec<Frame>, Option<Frame>) = (Vec::new(), None);
            let position = |list: &[Frame], of| list.iter().position(|&frame| Some(frame) == of);
            for (index, action) in steps {
                let frame = frame(index);
                if action % 4 < 3
                    && let Some(at) = position(&list, Some(frame))
                {
                    list.remove(at);
                    hand = if hand == Some(frame) { list.get(at).copied() } else { hand };
                }
                let at_hand = position(&list, hand).unwrap_or(list.len());
                match action % 4 {
                    0 => {
                        ring.insert_newest(frame);
                        list.push(frame);
                    }
                    1 => {
                        ring.insert_behind_hand(frame);
                        list.insert(at_hand, frame);
                    }
                    2 => ring.remove(frame),
                    _ if list.contains(&frame) => {
                        ring.move_hand_to(frame);
                        hand = Some(frame);
                    }
                    _ => {}
                }
                let mut lap = list.clone();
                lap.rotate_left(position(&list, hand).unwrap_or(0));
                prop_assert_eq!(ring.lap().collect::<Vec<_>>(), lap);
                prop_assert_eq!(ring.len() as usize, list.len());
            }
        }
    }
}
