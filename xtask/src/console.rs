//! What xtask says of its own doing, and how the guest's output reaches the terminal.

use std::io::{self, Read, Write};

/// Says what is being done. It goes to standard error: standard output is the guest's.
pub fn step(text: &str) {
    eprintln!("{text}");
}

/// Copies the guest's console as it comes, in the host's form: lines end with a line feed alone. Returns all of it.
///
/// # Errors
/// If reading or writing fails.
pub fn copy(from: impl Read, to: impl Write, mut on_first: impl FnMut()) -> io::Result<Vec<u8>> {
    let mut is_first = true;
    copy_watched(from, to, |_| {
        if core::mem::take(&mut is_first) {
            on_first();
        }
    })
}

/// As [`copy`], and lets somebody look at all of it whenever there is more.
///
/// # Errors
/// As there.
pub fn copy_watched(mut from: impl Read, mut to: impl Write, mut watch: impl FnMut(&[u8])) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let len = from.read(&mut buffer)?;
        if len == 0 {
            return Ok(all);
        }
        let start = all.len();
        all.extend(buffer[..len].iter().filter(|&&byte| byte != b'\r'));
        to.write_all(&all[start..])?;
        to.flush()?;
        watch(&all);
    }
}

#[cfg(test)]
mod tests {
    use super::copy;

    #[test]
    fn lines_end_as_on_the_host() {
        let mut shown = Vec::new();
        let mut first = 0;
        let all = copy(&b"one\r\ntwo\r\n"[..], &mut shown, || first += 1).unwrap();
        assert_eq!((all.as_slice(), shown.as_slice(), first), (&b"one\ntwo\n"[..], &b"one\ntwo\n"[..], 1));
    }
}
