//! The pager against a fake machine: RAM as a `Vec`, a TLB that stays stale until flushed, a disk told to fail.

mod borrowing;
mod disk;
mod files;
mod frame_zero;
mod guesses;
mod hardware;
mod machine;
mod model;
mod neighbours;
mod parts;
mod policy;
mod progress;
mod promises;
mod rules;
mod shared;
mod storm;
mod textbook;
mod transit;
mod unwritable;
