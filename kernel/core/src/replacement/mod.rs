//! Who gives up a frame: one policy a file, the same code in the kernel and on the host.
//!
//! Most policies keep the resident pages in a ring, in the order in which they arrived, so that what a choice costs depends
//! on the pages there are and not on the frames the machine has. All memory is taken when a policy is made; choosing allocates
//! nothing. Time is counted in page faults, since a policy is asked only when one occurs.

mod aging;
mod clock;
mod fifo;
mod frame_map;
mod nru;
mod owner_lists;
mod owners;
mod period;
mod random;
mod ring;
mod sieve;
#[cfg(test)]
mod tests;
mod wsclock;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

pub use aging::Aging;
pub use clock::Clock;
pub use fifo::Fifo;
pub use nru::NotRecentlyUsed;
pub use owners::Owners;
pub use random::RandomPage;
pub use sieve::Sieve;
pub use wsclock::WorkingSetClock;

use crate::addr::Frame;
use crate::frame_table::{OutOfMemory, OwnedPage, SpaceId};
use crate::memory_map::FrameRange;
use frame_map::FrameMap;
use period::Period;
use ring::Ring;

/// The names that [`by_name`] knows, the reference policy first.
pub const NAMES: &[&str] = &abi::POLICY_NAMES;

/// Chooses victims.
///
/// Whoever moves pages says so: each page is announced when it has become resident and when it has left. A victim is only a
/// proposal, and nothing has left until [`page_left`](Replacement::page_left) says it.
pub trait Replacement {
    /// The policy's name, as in `policy=NAME`.
    fn name(&self) -> &'static str;

    /// It chooses by how pages are used, not only by when they came or by chance: used neighbours of a victim stay.
    fn goes_by_use(&self) -> bool {
        true
    }

    /// A page of `owner` has become resident in `frame`.
    ///
    /// # Panics
    /// Policies that keep books of frames panic if the frame is not one they were made for.
    fn page_arrived(&mut self, owner: SpaceId, frame: Frame) {
        let _ = (owner, frame);
    }

    /// The page of `owner` in `frame` has left.
    ///
    /// # Panics
    /// As [`page_arrived`](Replacement::page_arrived).
    fn page_left(&mut self, owner: SpaceId, frame: Frame) {
        let _ = (owner, frame);
    }

    /// Chooses a frame to borrow; `None` only if none of the announced pages may be borrowed.
    fn choose(&mut self, memory: &mut dyn Residents) -> Option<Frame>;
}

/// What a policy may ask of memory.
pub trait Residents {
    /// How many frames there are, whatever they hold.
    fn frame_count(&self) -> u32;

    /// The frame at this place, of `0..frame_count()`.
    fn frame_at(&self, index: u32) -> Frame;

    /// Who has how many resident pages.
    fn owners(&self) -> &Owners;

    /// Returns true if pages of files may be borrowed now. [`page_in`](Residents::page_in) decides
    /// about each page.
    fn files_lend(&self) -> bool {
        true
    }

    /// The page in `frame`, if it may be borrowed now. Tables, and pages on their way from or to the disk, never may.
    fn page_in(&self, frame: Frame) -> Option<OwnedPage>;

    /// Says if the page was used since this was last asked, and forgets it: the owner's accessed bit is cleared and the TLB
    /// told. Asked only of frames that have a [`page_in`](Residents::page_in).
    fn take_accessed(&mut self, frame: Frame) -> bool;

    /// The page would have to be written before its frame is free. Asked only of frames that have a `page_in`.
    fn is_dirty(&mut self, frame: Frame) -> bool;

    /// Page faults so far: the policies' time.
    fn now(&self) -> u64;
}

/// Why there is no such policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPolicy {
    /// No policy has this name; [`NAMES`] has those that there are.
    Unknown,
    /// There is no room for the policy's books.
    OutOfMemory,
}

impl From<OutOfMemory> for NoPolicy {
    fn from(OutOfMemory: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

impl fmt::Display for NoPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfMemory => f.write_str("no room for the replacement policy's books"),
            Self::Unknown => {
                f.write_str("there is no such replacement policy; there are")?;
                NAMES.iter().try_for_each(|name| write!(f, " {name}"))
            }
        }
    }
}

/// The policy of this name over all of `frames`. What is left to chance follows from `seed`.
///
/// # Errors
/// `Unknown` if `name` is none of [`NAMES`], `OutOfMemory` if there is no room for the books: at most 16 bytes a frame.
pub fn by_name(name: &str, seed: u64, frames: FrameRange) -> Result<Box<dyn Replacement + Send>, NoPolicy> {
    Ok(match name {
        "random" => boxed(RandomPage::new(frames, seed)?)?,
        "fifo" => boxed(Fifo::new(frames)?)?,
        "clock" => boxed(Clock::new(frames)?)?,
        "nru" => boxed(NotRecentlyUsed::new(frames, seed)?)?,
        "aging" => boxed(Aging::new(frames)?)?,
        "wsclock" => boxed(WorkingSetClock::new(frames)?)?,
        "sieve" => boxed(Sieve::new(frames)?)?,
        _ => return Err(NoPolicy::Unknown),
    })
}

/// Puts the policy on the heap, if there is room.
fn boxed<P: Replacement + Send + 'static>(policy: P) -> Result<Box<dyn Replacement + Send>, OutOfMemory> {
    // `Box::new` cannot refuse, but what is given back here is there still: only one CPU allocates. The compiler must not know, or it
    // would leave out an allocation that nobody uses.
    let mut room = Vec::<P>::new();
    room.try_reserve_exact(1).map_err(|_| OutOfMemory)?;
    drop(core::hint::black_box(room));
    Ok(Box::new(policy))
}

/// The first page that may be borrowed, whether the policy knows it or not. The pager asks for it before it ends a program for want of
/// a frame: a policy that forgets a page ends none.
#[cold]
pub fn any_page(memory: &dyn Residents) -> Option<Frame> {
    (0..memory.frame_count()).map(|index| memory.frame_at(index)).find(|&frame| memory.page_in(frame).is_some())
}
