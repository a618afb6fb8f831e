//! `hexdump NAME [FROM [COUNT]]`: shows the bytes of a file or a device.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::string::String;

use libsys::files::File;
use libsys::test::Verdict;
use libsys::{Error, check_eq, println};
use tools::{Outcome, Problem, about};

libsys::entry!(main, about: "Shows bytes in hex", tests: [a_row_shows_position_bytes_and_letters]);

const USAGE: &str = "usage: hexdump NAME [FROM [COUNT]]
Shows the bytes of a file or a device, 16 in a row: where, what, and as
letters. COUNT bytes from byte FROM on, 256 if there is no COUNT.";

/// How many bytes are in a row.
const ROW: usize = 16;
/// How many bytes are shown if nobody says how many.
const COUNT: u32 = 256;

fn main() -> u32 {
    tools::run(USAGE, |arguments| match arguments {
        [name] => dump(name, 0, COUNT),
        [name, from] => dump(name, number(from)?, COUNT),
        [name, from, count] => dump(name, number(from)?, number(count)?),
        _ => Err(Problem::Usage),
    })
}

fn number(text: &str) -> Result<u32, Problem> {
    text.parse().map_err(|_| Problem::Usage)
}

fn dump(name: &str, from: u32, count: u32) -> Outcome {
    let mut file = about(name, File::open(name))?;
    about(name, file.seek(from))?;
    let (mut at, end) = (from, from.saturating_add(count));
    while at < end {
        let mut bytes = [0; ROW];
        let wanted = usize::try_from(end - at).map_or(ROW, |rest| rest.min(ROW));
        let found = about(name, fill(&mut file, &mut bytes[..wanted]))?;
        if found == 0 {
            break;
        }
        println!("{}", row(at, &bytes[..found]));
        at = at.saturating_add(u32::try_from(found)?);
    }
    Ok(0)
}

/// Reads until the buffer is full or the file has ended.
fn fill(file: &mut File, buffer: &mut [u8]) -> Result<usize, Error> {
    let mut filled = 0;
    while let Some(rest @ [_, ..]) = buffer.get_mut(filled..) {
        match file.read(rest)? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

fn row(at: u32, bytes: &[u8]) -> String {
    let mut row = format!("{at:08x} ");
    for place in 0..ROW {
        let gap = if place == ROW / 2 { " " } else { "" };
        match bytes.get(place) {
            Some(byte) => row.push_str(&format!("{gap} {byte:02x}")),
            None => row.push_str(&format!("{gap}   ")),
        }
    }
    let letter = |byte: &u8| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' };
    row.push_str("  ");
    row.extend(bytes.iter().map(letter));
    row
}

fn a_row_shows_position_bytes_and_letters() -> Verdict {
    check_eq!(
        row(0x120, b"\x7fELF and so on.\n"),
        "00000120  7f 45 4c 46 20 61 6e 64  20 73 6f 20 6f 6e 2e 0a  .ELF and so on.."
    );
    check_eq!(row(0, b"ab"), "00000000  61 62                                             ab");
    Ok(())
}
