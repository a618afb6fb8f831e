//! `Write` and `Read`, which know the console only.

use abi::{Access, Errno};
use kcore::user_slice::UserSlice;

use super::Caller;
use crate::drivers::console;

/// Handles every program has from its start.
const STANDARD_INPUT: u32 = 0;
const STANDARD_OUTPUT: u32 = 1;
const STANDARD_ERROR: u32 = 2;

/// How much is copied at once.
const CHUNK_BYTES: usize = 256;

/// Writes to the console.
pub(super) fn write(caller: Caller, handle: u32, buffer: u32, len_bytes: u32) -> Result<u32, Errno> {
    if handle != STANDARD_OUTPUT && handle != STANDARD_ERROR {
        return Err(Errno::BadHandle);
    }
    let claim = UserSlice::bytes(buffer, len_bytes)?;
    caller.memory.check(claim, Access::Read)?;
    let mut written = 0;
    let mut chunk = [0; CHUNK_BYTES];
    while written < len_bytes {
        match caller.memory.read(claim.skip(written), &mut chunk) {
            Ok(bytes) => {
                console::write_bytes(bytes);
                written += u32::try_from(bytes.len()).unwrap_or(0);
            }
            Err(error) if written == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(written)
}

/// Reads a line, or as much of it as fits, from the console.
pub(super) fn read(caller: Caller, handle: u32, buffer: u32, len_bytes: u32) -> Result<u32, Errno> {
    if handle != STANDARD_INPUT {
        return Err(Errno::BadHandle);
    }
    let claim = UserSlice::bytes(buffer, len_bytes)?;
    caller.memory.check(claim, Access::Write)?;
    let mut chunk = [0; CHUNK_BYTES];
    let len = chunk.len().min(len_bytes as usize);
    let bytes = console::read_line(&mut chunk[..len])?;
    caller.memory.write(claim, bytes)?;
    Ok(u32::try_from(bytes.len()).unwrap_or(0))
}
