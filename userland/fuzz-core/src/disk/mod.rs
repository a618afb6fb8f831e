//! Files that programs write while the power may go at any moment, and what must be on the disk afterwards.
//!
//! * [`steps()`]: what a writer does, step by step: it makes, writes, syncs and removes files of its own,
//! * [`pattern()`]: the bytes that a step writes. They name their step, so that a sector tells how far its writer was,
//! * [`History`]: judges files that were found on a disk after the power was cut.
//!
//! A step was *acknowledged* if the next step of the same writer has begun: the call had returned by then.

mod history;
mod pattern;
mod steps;

pub use history::{Found, History};
pub use pattern::{Mark, marks, pattern};
pub use steps::{Step, WRITERS, made_by, name, steps};
