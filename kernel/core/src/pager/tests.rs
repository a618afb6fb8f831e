//! The pager against a fake machine: RAM as a `Vec`, a TLB that stays stale until flushed, a disk told to fail.

mod borrowing;
mod files;
mod machine;
mod policy;
mod progress;
mod rules;
mod shared;
mod storm;
mod unwritable;
