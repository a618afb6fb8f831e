//! Whose pages are in which frames: a list for each owner.

use alloc::vec::Vec;

use crate::addr::Frame;
use crate::frame_table::{OutOfMemory, SpaceId};
use crate::memory_map::FrameRange;

/// Doubly linked lists that run through the frames, one for each owner, newest first. All memory is taken when they are made: 8 bytes a
/// frame, 4 for each owner that there can be.
pub struct OwnerLists {
    first: Frame,
    /// The head of each owner's list, by [`SpaceId`].
    heads: Vec<u32>,
    links: Vec<Link>,
}

/// A frame's neighbours in its list, by position; [`NONE`] where there is none.
#[derive(Clone, Copy)]
struct Link {
    newer: u32,
    older: u32,
}

const NONE: u32 = u32::MAX;
/// `newer` of a frame that is in no list.
const UNLISTED: u32 = u32::MAX - 1;

impl OwnerLists {
    /// Empty lists over `frames`, for owners with ids below `owner_count`.
    ///
    /// # Errors
    /// `OutOfMemory` if there is no room for them.
    pub fn new(frames: FrameRange, owner_count: usize) -> Result<Self, OutOfMemory> {
        let (mut heads, mut links) = (Vec::new(), Vec::new());
        heads.try_reserve_exact(owner_count).map_err(|_| OutOfMemory)?;
        heads.resize(owner_count, NONE);
        links.try_reserve_exact(frames.count as usize).map_err(|_| OutOfMemory)?;
        links.resize(frames.count as usize, Link { newer: UNLISTED, older: NONE });
        Ok(Self { first: frames.first, heads, links })
    }

    /// Puts a frame at the head of its owner's list, unless it is in a list already.
    ///
    /// # Panics
    /// If the frame or the owner is none that the lists were made for.
    #[inline]
    pub fn add(&mut self, owner: SpaceId, frame: Frame) {
        let position = frame.number().wrapping_sub(self.first.number());
        if self.links[position as usize].newer != UNLISTED {
            return;
        }
        let older = core::mem::replace(&mut self.heads[owner.index()], position);
        self.links[position as usize] = Link { newer: NONE, older };
        if let Some(link) = self.links.get_mut(older as usize) {
            link.newer = position;
        }
    }

    /// Takes a frame out of its owner's list, if it is in one.
    ///
    /// # Panics
    /// As [`add`](Self::add).
    #[inline]
    pub fn remove(&mut self, owner: SpaceId, frame: Frame) {
        let position = frame.number().wrapping_sub(self.first.number());
        let unlisted = Link { newer: UNLISTED, older: NONE };
        let Link { newer, older } = core::mem::replace(&mut self.links[position as usize], unlisted);
        if newer == UNLISTED {
            return;
        }
        match self.links.get_mut(newer as usize) {
            Some(link) => link.older = older,
            None => self.heads[owner.index()] = older,
        }
        if let Some(link) = self.links.get_mut(older as usize) {
            link.newer = newer;
        }
    }

    /// The owner's frames, newest first.
    pub fn of(&self, owner: SpaceId) -> impl Iterator<Item = Frame> + '_ {
        let mut position = self.heads.get(owner.index()).copied().unwrap_or(NONE);
        core::iter::from_fn(move || {
            let link = self.links.get(position as usize)?;
            let frame = Frame::new(self.first.number() + position);
            position = link.older;
            Some(frame)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::OwnerLists;
    use crate::addr::Frame;
    use crate::frame_table::SpaceId;
    use crate::memory_map::FrameRange;

    proptest! {
        #[test]
        fn each_list_has_its_owners_frames(steps in proptest::collection::vec(any::<(u8, u8)>(), 0..200)) {
            let mut lists = OwnerLists::new(FrameRange { first: Frame::new(9), count: 16 }, 3).unwrap();
            let mut model: [Option<u16>; 16] = [None; 16];
            for (owner, place) in steps {
                let (owner, place) = (u16::from(owner % 3), usize::from(place % 16));
                let frame = Frame::new(9 + u32::try_from(place).unwrap());
                match model[place].take() {
                    Some(old) => lists.remove(SpaceId::new(old), frame),
                    None => {
                        lists.add(SpaceId::new(owner), frame);
                        model[place] = Some(owner);
                    }
                }
                for owner in 0..3 {
                    let mut found: Vec<_> = lists.of(SpaceId::new(owner)).collect();
                    found.sort_unstable();
                    let expected = (9..).zip(model).filter(|(_, whose)| *whose == Some(owner));
                    prop_assert_eq!(found, expected.map(|(number, _)| Frame::new(number)).collect::<Vec<_>>());
                }
            }
        }
    }
}
