//! The contiguous frame pool of the course: runs of frames, single ones in constant time.

use crate::addr::{Frame, PAGE_SIZE};

/// What the pool remembers of one frame: 8 bytes, in storage that the caller provides.
#[derive(Clone, Copy, Debug)]
pub struct FrameInfo {
    /// If free: the free frame before it in the list. If the head of a run: the run's length.
    first: u32,
    /// If free: the free frame behind it in the list. Otherwise one of the marks below.
    second: u32,
}

/// No frame: the end of the list. Pools are smaller than this, so index 0 is not special.
const NONE: u32 = 0xFFFF_FFFF;
const HEAD_OF_RUN: u32 = 0xFFFF_FFFE;
const IN_RUN: u32 = 0xFFFF_FFFD;
const INACCESSIBLE: u32 = 0xFFFF_FFFC;

impl Default for FrameInfo {
    fn default() -> Self {
        Self { first: NONE, second: INACCESSIBLE }
    }
}

/// The state of one frame of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameState {
    /// Nobody has it.
    Free,
    /// It is the first of a run that was taken.
    HeadOfRun,
    /// It is a later frame of a run that was taken.
    InRun,
    /// It is no usable memory.
    Inaccessible,
}

/// Why frames cannot be released. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FramePoolError {
    /// No frame of the pool.
    NotOwned(Frame),
    /// Not the first frame of a run that was taken: free, within a run, or inaccessible.
    NotHeadOfRun(Frame),
}

/// A pool of frames that follow each other in physical memory.
pub struct ContiguousFramePool<'a> {
    base: Frame,
    info: &'a mut [FrameInfo],
    first_free: u32,
    free_count: u32,
}

/// How many frames of bookkeeping a pool of `frame_count` frames needs.
pub const fn needed_info_frames(frame_count: u32) -> u32 {
    frame_count.div_ceil(PAGE_SIZE / INFO_BYTES)
}

const INFO_BYTES: u32 = 8;
const _: () = assert!(size_of::<FrameInfo>() == INFO_BYTES as usize);

impl<'a> ContiguousFramePool<'a> {
    /// A pool of as many frames as `info` has entries, from `base` on, all free.
    pub fn new(base: Frame, info: &'a mut [FrameInfo]) -> Self {
        let len = u32::try_from(info.len()).unwrap_or(u32::MAX);
        debug_assert!(len < INACCESSIBLE);
        for (index, entry) in (0..len).zip(info.iter_mut()) {
            let behind = if index + 1 < len { index + 1 } else { NONE };
            *entry = FrameInfo { first: index.checked_sub(1).unwrap_or(NONE), second: behind };
        }
        Self { base, info, first_free: if len == 0 { NONE } else { 0 }, free_count: len }
    }

    /// The first frame.
    pub const fn base(&self) -> Frame {
        self.base
    }

    /// How many frames the pool spans, usable or not.
    pub fn len(&self) -> u32 {
        u32::try_from(self.info.len()).unwrap_or(u32::MAX)
    }

    /// The pool spans no frame.
    pub fn is_empty(&self) -> bool {
        self.info.is_empty()
    }

    /// How many frames are free.
    #[inline]
    pub const fn free_count(&self) -> u32 {
        self.free_count
    }

    /// The frame lies within the pool.
    pub fn contains(&self, frame: Frame) -> bool {
        self.index_of(frame).is_some()
    }

    /// The state of a frame; `None` if it is not of this pool.
    pub fn state(&self, frame: Frame) -> Option<FrameState> {
        Some(self.state_at(self.index_of(frame)?))
    }

    /// Takes one frame, in constant time: the one released last.
    #[inline]
    pub fn get_frame(&mut self) -> Option<Frame> {
        let index = self.first_free;
        let taken = self.info.get_mut(index as usize)?;
        self.first_free = core::mem::replace(taken, FrameInfo { first: 1, second: HEAD_OF_RUN }).second;
        if let Some(first) = self.info.get_mut(self.first_free as usize) {
            first.first = NONE;
        }
        self.free_count -= 1;
        Some(Frame::new(self.base.number() + index))
    }

    /// Takes `count` contiguous frames; `None`, with nothing changed, if there is no such run. Looks at every frame at worst.
    pub fn get_frames(&mut self, count: u32) -> Option<Frame> {
        if count <= 1 {
            return if count == 1 { self.get_frame() } else { None };
        }
        let first = self.find_run(count)?;
        for index in first..first + count {
            self.unlink(index);
            self.info[index as usize] = FrameInfo { first: NONE, second: IN_RUN };
        }
        self.info[first as usize] = FrameInfo { first: count, second: HEAD_OF_RUN };
        Some(Frame::new(self.base.number() + first))
    }

    /// Takes the free frame with the highest number below `end`. Looks at every frame below `end` at worst.
    pub fn get_last_frame(&mut self, end: Frame) -> Option<Frame> {
        let mut index = end.number().saturating_sub(self.base.number()).min(self.len());
        loop {
            index = index.checked_sub(1)?;
            if self.state_at(index) == FrameState::Free {
                break;
            }
        }
        self.unlink(index);
        self.info[index as usize] = FrameInfo { first: 1, second: HEAD_OF_RUN };
        Some(Frame::new(self.base.number() + index))
    }

    /// Takes the free frames among `count` frames from `first` out of use for good. Frames outside the pool are ignored.
    pub fn mark_inaccessible(&mut self, first: Frame, count: u32) {
        for number in first.number()..first.number().saturating_add(count) {
            let Some(index) = number.checked_sub(self.base.number()).filter(|&index| index < self.len()) else {
                continue;
            };
            if self.state_at(index) == FrameState::Free {
                self.unlink(index);
                self.info[index as usize] = FrameInfo { first: NONE, second: INACCESSIBLE };
            }
        }
    }

    /// Releases the run that starts at `first`; returns how many frames it had.
    ///
    /// # Errors
    /// `NotOwned` if another pool's or none, `NotHeadOfRun` if it is free already or within a run; nothing has changed then.
    #[inline]
    pub fn release_frames(&mut self, first: Frame) -> Result<u32, FramePoolError> {
        let head = self.index_of(first).ok_or(FramePoolError::NotOwned(first))?;
        let FrameInfo { first: count, second: HEAD_OF_RUN } = self.info[head as usize] else {
            return Err(FramePoolError::NotHeadOfRun(first));
        };
        if count == 1 {
            self.link(head);
        } else {
            self.link_run(head, count);
        }
        Ok(count)
    }

    #[cold]
    fn link_run(&mut self, head: u32, count: u32) {
        (head..head + count).rev().for_each(|index| self.link(index));
    }

    #[inline]
    fn index_of(&self, frame: Frame) -> Option<u32> {
        frame.number().checked_sub(self.base.number()).filter(|&index| (index as usize) < self.info.len())
    }

    fn state_at(&self, index: u32) -> FrameState {
        match self.info[index as usize].second {
            HEAD_OF_RUN => FrameState::HeadOfRun,
            IN_RUN => FrameState::InRun,
            INACCESSIBLE => FrameState::Inaccessible,
            _ => FrameState::Free,
        }
    }

    fn find_run(&self, count: u32) -> Option<u32> {
        let mut run = 0;
        (0..self.len()).find_map(|index| {
            run = if self.state_at(index) == FrameState::Free { run + 1 } else { 0 };
            (run == count).then(|| index + 1 - count)
        })
    }

    #[inline]
    fn link(&mut self, index: u32) {
        self.info[index as usize] = FrameInfo { first: NONE, second: self.first_free };
        if let Some(behind) = self.info.get_mut(self.first_free as usize) {
            behind.first = index;
        }
        self.first_free = index;
        self.free_count += 1;
    }

    #[inline]
    fn unlink(&mut self, index: u32) {
        let FrameInfo { first: before, second: behind } = self.info[index as usize];
        match self.info.get_mut(before as usize) {
            Some(entry) => entry.second = behind,
            None => self.first_free = behind,
        }
        if let Some(entry) = self.info.get_mut(behind as usize) {
            entry.first = before;
        }
        self.free_count -= 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{ContiguousFramePool, FrameInfo, FramePoolError, FrameState, needed_info_frames};
    use crate::addr::Frame;

    const BASE: u32 = 512;

    fn frame(index: u32) -> Frame {
        Frame::new(BASE + index)
    }

    #[test]
    fn bookkeeping_takes_8_bytes_a_frame() {
        assert_eq!((needed_info_frames(0), needed_info_frames(1), needed_info_frames(512)), (0, 1, 1));
        assert_eq!(needed_info_frames(513), 2);
    }

    #[test]
    fn only_the_head_of_a_taken_run_can_be_released() {
        let mut info = [FrameInfo::default(); 8];
        let mut pool = ContiguousFramePool::new(frame(0), &mut info);
        let run = pool.get_frames(3).unwrap();
        assert_eq!(run, frame(0));
        let middle = frame(1);
        assert_eq!(pool.release_frames(middle), Err(FramePoolError::NotHeadOfRun(middle)));
        assert_eq!(pool.release_frames(frame(5)), Err(FramePoolError::NotHeadOfRun(frame(5))));
        assert_eq!(pool.release_frames(Frame::new(0)), Err(FramePoolError::NotOwned(Frame::new(0))));
        assert_eq!(pool.release_frames(run), Ok(3));
        assert_eq!(pool.release_frames(run), Err(FramePoolError::NotHeadOfRun(run)));
        assert_eq!(pool.free_count(), 8);
    }

    #[test]
    fn holes_are_never_given_out_and_interrupt_runs() {
        let mut info = [FrameInfo::default(); 10];
        let mut pool = ContiguousFramePool::new(frame(0), &mut info);
        pool.mark_inaccessible(frame(4), 2);
        assert_eq!(pool.state(frame(5)), Some(FrameState::Inaccessible));
        assert_eq!(pool.get_frames(5), None);
        assert_eq!(pool.get_frames(4), Some(frame(0)));
        assert_eq!(pool.get_frames(4), Some(frame(6)));
        assert_eq!((pool.get_frame(), pool.free_count()), (None, 0));
    }

    /// Number of words in a frame of the test.
    const WORDS: usize = 1024;

    /// The course's `test_memory`: takes 1 to 4 frames and fills them with `left`. Then it makes the
    /// rest of the `left` allocations, checks that its own frames have not changed, and releases them.
    fn test_memory(pool: &mut ContiguousFramePool<'_>, memory: &mut [u32], left: u32) {
        if left == 0 {
            return;
        }
        let count = left % 4 + 1;
        let first = pool.get_frames(count).unwrap();
        let start = (first.number() - BASE) as usize * WORDS;
        let words = start..start + count as usize * WORDS;
        memory[words.clone()].fill(left);
        test_memory(pool, memory, left - 1);
        assert!(memory[words].iter().all(|&word| word == left), "allocation {left} was changed");
        assert_eq!(pool.release_frames(first), Ok(count));
    }

    #[test]
    fn nested_allocations_keep_their_values_and_all_frames_come_back() {
        const FRAMES: u32 = 80;
        let mut info = [FrameInfo::default(); FRAMES as usize];
        let mut pool = ContiguousFramePool::new(frame(0), &mut info);
        let mut memory = vec![0; FRAMES as usize * WORDS];
        for _ in 0..2 {
            test_memory(&mut pool, &mut memory, 32);
            assert_eq!(pool.free_count(), FRAMES);
        }
    }

    proptest! {
        #[test]
        fn the_pool_behaves_like_a_list_of_states(steps in proptest::collection::vec((any::<u8>(), 0u32..40), 1..300)) {
            let mut info = [FrameInfo::default(); 40];
            let mut pool = ContiguousFramePool::new(frame(0), &mut info);
            let mut model = [FrameState::Free; 40];
            for (action, number) in steps {
                match action % 4 {
                    0 => {
                        let count = number % 6 + 1;
                        let fits = |first: u32| model.get(first as usize..(first + count) as usize)
                            .is_some_and(|run| run.iter().all(|&state| state == FrameState::Free));
                        let taken = pool.get_frames(count);
                        prop_assert_eq!(taken.is_some(), (0..40).any(fits));
                        if let Some(first) = taken.map(|first| first.number() - BASE) {
                            assert!(fits(first));
                            model[first as usize..(first + count) as usize].fill(FrameState::InRun);
                            model[first as usize] = FrameState::HeadOfRun;
                        }
                    }
                    1 => {
                        let taken = pool.get_frame();
                        prop_assert_eq!(taken.is_some(), model.contains(&FrameState::Free));
                        if let Some(first) = taken {
                            let place = &mut model[(first.number() - BASE) as usize];
                            prop_assert_eq!(*place, FrameState::Free);
                            *place = FrameState::HeadOfRun;
                        }
                    }
                    2 => {
                        let released = pool.release_frames(frame(number));
                        prop_assert_eq!(released.is_ok(), model[number as usize] == FrameState::HeadOfRun);
                        if released.is_ok() {
                            model[number as usize] = FrameState::Free;
                            model[number as usize + 1..].iter_mut().take_while(|state| **state == FrameState::InRun)
                                .for_each(|state| *state = FrameState::Free);
                        }
                    }
                    _ if action % 32 == 3 => {
                        pool.mark_inaccessible(frame(number), 1);
                        if model[number as usize] == FrameState::Free {
                            model[number as usize] = FrameState::Inaccessible;
                        }
                    }
                    _ => {}
                }
                let free = model.iter().filter(|&&state| state == FrameState::Free).count();
                prop_assert_eq!(pool.free_count() as usize, free);
                for index in 0..40 {
                    prop_assert_eq!(pool.state(frame(index)), Some(model[index as usize]));
                }
            }
        }
    }
}
