//! `Write` and `Read`: the console, or a file.

use abi::{Access, Errno};
use kcore::user_slice::UserSlice;

use super::{Caller, files};
use crate::drivers::console;

/// Handles every program has from its start.
const STANDARD_INPUT: u32 = 0;
const STANDARD_OUTPUT: u32 = 1;
const STANDARD_ERROR: u32 = 2;

/// How much is copied at once.
const CHUNK_BYTES: usize = 256;

/// Writes to whatever has this handle.
pub(super) fn write(caller: Caller, handle: u32, buffer: u32, len_bytes: u32) -> Result<u32, Errno> {
    let claim = UserSlice::bytes(buffer, len_bytes)?;
    match handle {
        STANDARD_OUTPUT | STANDARD_ERROR => {
            caller.memory.check(claim, Access::Read)?;
            write_to_console(caller, claim, len_bytes)
        }
        STANDARD_INPUT => Err(Errno::BadHandle),
        _ => files::write(caller, handle, claim, len_bytes),
    }
}

fn write_to_console(caller: Caller, claim: UserSlice, len_bytes: u32) -> Result<u32, Errno> {
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

/// Reads from whatever has this handle.
pub(super) fn read(caller: Caller, handle: u32, buffer: u32, len_bytes: u32) -> Result<u32, Errno> {
    let claim = UserSlice::bytes(buffer, len_bytes)?;
    match handle {
        STANDARD_INPUT => {
            caller.memory.check(claim, Access::Write)?;
            read_from_console(caller, claim, len_bytes)
        }
        STANDARD_OUTPUT | STANDARD_ERROR => Err(Errno::BadHandle),
        _ => files::read(caller, handle, claim, len_bytes),
    }
}

/// Reads a line, or as much of it as fits.
fn read_from_console(caller: Caller, claim: UserSlice, len_bytes: u32) -> Result<u32, Errno> {
    let mut chunk = [0; CHUNK_BYTES];
    let len = chunk.len().min(len_bytes as usize);
    let bytes = console::read_line(&mut chunk[..len])?;
    caller.memory.write(claim, bytes)?;
    Ok(u32::try_from(bytes.len()).unwrap_or(0))
}
