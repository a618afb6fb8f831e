//! The queue and the channel on a fake drive.

mod channel;
mod drive;
mod pages;
mod queue;
mod storm;
