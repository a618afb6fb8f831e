//! Lib.
#![no_std]
