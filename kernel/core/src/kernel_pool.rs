//! The kernel's frame pool: single frames come from its end, runs of frames from its start.
//!
//! Kernel stacks take single frames, and the kernel's heap takes runs. Were both taken anywhere, single frames would soon lie between all
//! runs, and how many processes a machine has room for would depend on what it had done before.

use crate::addr::Frame;
use crate::frame_pool::{ContiguousFramePool, FramePoolError};

/// The heap grows by this many frames at once.
pub const RUN_FRAMES: u32 = 16;

/// A pool for single frames and for runs.
pub struct KernelPool<'a> {
    pool: ContiguousFramePool<'a>,
    /// No frame from this one on is free, as far as single frames are taken.
    singles_end: Frame,
    /// A released run of [`RUN_FRAMES`] that the next such run is made of: to look for one takes longer. Its frames count as free.
    spare: Option<Frame>,
}

impl<'a> KernelPool<'a> {
    /// Takes single frames and runs from `pool`.
    pub fn new(pool: ContiguousFramePool<'a>) -> Self {
        let singles_end = Frame::new(pool.base().number() + pool.len());
        Self { pool, singles_end, spare: None }
    }

    /// Takes one frame: the last that is free.
    pub fn get_frame(&mut self) -> Option<Frame> {
        let frame = self.pool.get_last_frame(self.singles_end).or_else(|| {
            self.release_spare();
            self.pool.get_last_frame(self.singles_end)
        })?;
        self.singles_end = frame;
        Some(frame)
    }

    /// Takes `count` contiguous frames: the first that are free. `None`, with nothing lost, if there is no such run.
    pub fn get_frames(&mut self, count: u32) -> Option<Frame> {
        if count == RUN_FRAMES && self.spare.is_some() {
            return self.spare.take();
        }
        self.pool.get_frames(count).or_else(|| {
            self.release_spare();
            self.pool.get_frames(count)
        })
    }

    /// Gives back the run of frames that starts at `first`.
    ///
    /// # Errors
    /// Those of [`ContiguousFramePool::release_frames`]; nothing has changed then.
    pub fn release_frames(&mut self, first: Frame) -> Result<(), FramePoolError> {
        let count = self.pool.release_frames(first)?;
        self.singles_end = self.singles_end.max(Frame::new(first.number() + count));
        Ok(())
    }

    /// Gives back a run of [`RUN_FRAMES`] that starts at `first`. Of the runs that were given back so, the first in memory is kept for the
    /// next.
    ///
    /// # Errors
    /// As [`release_frames`](Self::release_frames).
    pub fn release_run(&mut self, first: Frame) -> Result<(), FramePoolError> {
        match self.spare {
            Some(spare) if spare < first => self.release_frames(first),
            _ => {
                self.release_spare();
                self.spare = Some(first);
                Ok(())
            }
        }
    }

    /// How many frames are free.
    pub const fn free_count(&self) -> u32 {
        self.pool.free_count() + if self.spare.is_some() { RUN_FRAMES } else { 0 }
    }

    fn release_spare(&mut self) {
        if let Some(spare) = self.spare.take()
            && let Err(error) = self.release_frames(spare)
        {
            panic!("the spare run is no run: {error:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use proptest::sample::Index;

    use super::{KernelPool, RUN_FRAMES};
    use crate::addr::Frame;
    use crate::frame_pool::{ContiguousFramePool, FrameInfo};

    const BASE: u32 = 40;
    const COUNT: u32 = 200;

    /// A frame or run that was taken, and its length.
    type Taken = (Frame, u32);

    fn with_pool<R>(work: impl FnOnce(&mut KernelPool<'_>) -> R) -> R {
        let mut info = [FrameInfo::default(); COUNT as usize];
        work(&mut KernelPool::new(ContiguousFramePool::new(Frame::new(BASE), &mut info)))
    }

    fn take(pool: &mut KernelPool<'_>, count: u32) -> Option<Taken> {
        let first = if count == 1 { pool.get_frame() } else { pool.get_frames(count) };
        first.map(|first| (first, count))
    }

    fn release(pool: &mut KernelPool<'_>, (first, count): Taken) {
        if count == RUN_FRAMES { pool.release_run(first) } else { pool.release_frames(first) }.unwrap();
    }

    /// Takes three frames at a time, and a run with every fifth three, until there is no room.
    fn fill(pool: &mut KernelPool<'_>) -> Vec<Taken> {
        let counts = (0..).flat_map(|turn| if turn % 5 == 0 { [RUN_FRAMES, 1, 1, 1] } else { [2, 1, 1, 1] });
        counts.map_while(|count| take(pool, count)).collect()
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_given_out_twice(steps in proptest::collection::vec(any::<(u8, Index)>(), 0..200)) {
            with_pool(|pool| {
                let (mut taken, mut used) = (Vec::<Taken>::new(), BTreeSet::new());
                for (action, choice) in steps {
                    let count = [1, 1, 3, RUN_FRAMES][usize::from(action % 4)];
                    if action < 150 {
                        let Some((first, count)) = take(pool, count) else { continue };
                        for number in first.number()..first.number() + count {
                            prop_assert!((BASE..BASE + COUNT).contains(&number) && used.insert(number));
                        }
                        taken.push((first, count));
                    } else if !taken.is_empty() {
                        let (first, count) = taken.swap_remove(choice.index(taken.len()));
                        release(pool, (first, count));
                        used.retain(|number| !(first.number()..first.number() + count).contains(number));
                    }
                    prop_assert_eq!(pool.free_count() as usize, COUNT as usize - used.len());
                }
                // Every frame that is free can be had.
                let rest = std::iter::from_fn(|| pool.get_frame()).count();
                prop_assert_eq!(rest, COUNT as usize - used.len());
                Ok(())
            })?;
        }

        #[test]
        fn pool_that_was_full_before_has_room_for_the_same(order in proptest::collection::vec(any::<Index>(), 100)) {
            with_pool(|pool| {
                let first_time = fill(pool);
                let mut taken = first_time.clone();
                for choice in order {
                    if !taken.is_empty() {
                        release(pool, taken.swap_remove(choice.index(taken.len())));
                    }
                }
                taken.into_iter().for_each(|one| release(pool, one));
                prop_assert_eq!(pool.free_count(), COUNT);
                prop_assert_eq!(fill(pool), first_time);
                Ok(())
            })?;
        }
    }
}
