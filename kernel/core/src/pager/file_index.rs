//! Which frame holds which page of which file.

use alloc::vec::Vec;

use crate::addr::Frame;
use crate::frame_table::OutOfMemory;
use crate::memory_map::FrameRange;
use crate::vm_pool::FilePage;

/// A hash table whose chains run through the frames: all memory is taken when it is made, 16 bytes a frame.
pub(super) struct FileIndex {
    base: Frame,
    /// First frame of each chain, as its position plus one; 0 ends a chain. A power of two of them.
    heads: Vec<u32>,
    /// For each frame, the next one of its chain and the page it holds.
    links: Vec<Link>,
}

#[derive(Clone, Copy)]
struct Link {
    next: u32,
    page: Option<FilePage>,
}

impl FileIndex {
    /// An empty index.
    ///
    /// # Errors
    /// `OutOfMemory` if there is no room for it.
    pub fn new(frames: FrameRange) -> Result<Self, OutOfMemory> {
        let count = frames.count as usize;
        let (mut heads, mut links) = (Vec::new(), Vec::new());
        let head_count = count.next_power_of_two();
        heads.try_reserve_exact(head_count).map_err(|_| OutOfMemory)?;
        heads.resize(head_count, 0);
        links.try_reserve_exact(count).map_err(|_| OutOfMemory)?;
        links.resize(count, Link { next: 0, page: None });
        Ok(Self { base: frames.first, heads, links })
    }

    /// The frame that holds the page.
    #[inline]
    pub fn get(&self, page: FilePage) -> Option<Frame> {
        let mut place = self.heads[self.chain_of(page)];
        loop {
            let position = place.checked_sub(1)?;
            let link = self.links[position as usize];
            if link.page == Some(page) {
                return Some(Frame::new(self.base.number() + position));
            }
            place = link.next;
        }
    }

    /// Says that `frame`, which held no file's page until now, holds this one.
    pub fn insert(&mut self, page: FilePage, frame: Frame) {
        debug_assert_eq!(self.get(page), None, "a page of a file has one frame");
        let (chain, position) = (self.chain_of(page), self.position_of(frame));
        self.links[position as usize] = Link { next: self.heads[chain], page: Some(page) };
        self.heads[chain] = position + 1;
    }

    /// Says that no frame holds the page any more.
    pub fn remove(&mut self, page: FilePage) {
        let Some(frame) = self.get(page) else { return };
        let (chain, position) = (self.chain_of(page), self.position_of(frame));
        let next = core::mem::replace(&mut self.links[position as usize], Link { next: 0, page: None }).next;
        if self.heads[chain] == position + 1 {
            self.heads[chain] = next;
            return;
        }
        let mut place = self.heads[chain];
        while let Some(before) = place.checked_sub(1) {
            let link = &mut self.links[before as usize];
            if link.next == position + 1 {
                link.next = next;
                return;
            }
            place = link.next;
        }
    }

    /// Knuth's multiplicative hash: consecutive pages of a file get chains of their own.
    const fn chain_of(&self, page: FilePage) -> usize {
        let mixed = page.file.raw().wrapping_mul(0x9E37_79B1).wrapping_add(page.number);
        mixed as usize & (self.heads.len() - 1)
    }

    const fn position_of(&self, frame: Frame) -> u32 {
        frame.number() - self.base.number()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::FileIndex;
    use crate::addr::Frame;
    use crate::memory_map::FrameRange;
    use crate::vm_pool::{FilePage, FileRef};

    proptest! {
        #[test]
        fn it_behaves_like_a_map(steps in proptest::collection::vec(any::<(bool, u8, u8)>(), 0..300)) {
            // So few that chains are long.
            const FRAMES: u32 = 8;
            let mut index = FileIndex::new(FrameRange { first: Frame::new(50), count: FRAMES }).unwrap();
            let mut model: HashMap<FilePage, Frame> = HashMap::new();
            for (adds, page, frame) in steps {
                let page = FilePage { file: FileRef::new(u32::from(page % 3)), number: u32::from(page / 3 % 16) };
                let frame = Frame::new(50 + u32::from(frame) % FRAMES);
                prop_assert_eq!(index.get(page), model.get(&page).copied());
                if !adds {
                    index.remove(page);
                    model.remove(&page);
                } else if !model.contains_key(&page) && !model.values().any(|&used| used == frame) {
                    index.insert(page, frame);
                    model.insert(page, frame);
                }
                for (&page, &frame) in &model {
                    prop_assert_eq!(index.get(page), Some(frame));
                }
            }
        }
    }
}
