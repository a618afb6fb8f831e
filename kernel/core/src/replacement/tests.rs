//! What every policy must do, and the textbook's example for each, over a fake memory.

mod every_policy;
mod examples;
pub mod memory;
