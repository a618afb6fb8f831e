//! Everything of the shell that needs no machine: understanding a command line, editing one, completing words, remembering lines.
//!
//! It is compiled for the host, too, and tested there.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod complete;
pub mod edit;
pub mod history;
mod keys;
pub mod parse;
mod words;
