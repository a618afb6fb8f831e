//! What xtask says of its own doing, and how the guest's output reaches the terminal.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};

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
    let mut ends = LineEnds::default();
    let mut buffer = [0; 4096];
    loop {
        let len = from.read(&mut buffer)?;
        let start = all.len();
        if len == 0 {
            ends.finish(&mut all);
        } else {
            ends.pass(&buffer[..len], &mut all);
        }
        to.write_all(&all[start..])?;
        to.flush()?;
        if len == 0 {
            return Ok(all);
        }
        watch(&all);
    }
}

/// Leaves out the carriage return in front of a line feed, and no other: it takes the cursor to the start of a row that is
/// written anew, as a line that is edited.
#[derive(Debug, Default)]
struct LineEnds {
    /// A carriage return has come, and what follows it has not.
    is_held: bool,
}

impl LineEnds {
    fn pass(&mut self, bytes: &[u8], to: &mut Vec<u8>) {
        for &byte in bytes {
            if byte != b'\n' {
                self.finish(to);
            }
            self.is_held = byte == b'\r';
            if !self.is_held {
                to.push(byte);
            }
        }
    }

    /// What was held back is followed by no line feed.
    fn finish(&mut self, to: &mut Vec<u8>) {
        if core::mem::take(&mut self.is_held) {
            to.push(b'\r');
        }
    }
}

/// Waits where a terminal takes no more for now. Ours says so at once instead of waiting by itself: QEMU reads from it too, and has
/// made it non-blocking for both.
#[derive(Debug)]
pub struct Patient<W>(pub W);

impl<W: AsFd> Patient<W> {
    fn until_it_can<T>(&mut self, mut work: impl FnMut(&mut W) -> io::Result<T>) -> io::Result<T> {
        loop {
            match work(&mut self.0) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    // Whatever ends the waiting, the next try shows what has become of the terminal.
                    let _ = poll(&mut [PollFd::new(&self.0, PollFlags::OUT)], None);
                }
                result => return result,
            }
        }
    }
}

impl<W: Write + AsFd> Write for Patient<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.until_it_can(|to| to.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.until_it_can(Write::flush)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;
    use std::thread;
    use std::time::Duration;

    use proptest::prelude::{prop_assert_eq, proptest};

    use super::{LineEnds, Patient, copy};

    #[test]
    fn lines_end_as_on_the_host() {
        let mut shown = Vec::new();
        let mut first = 0;
        let all = copy(&b"one\r\ntwo\r\n"[..], &mut shown, || first += 1).unwrap();
        assert_eq!((all.as_slice(), shown.as_slice(), first), (&b"one\ntwo\n"[..], &b"one\ntwo\n"[..], 1));
    }

    #[test]
    fn a_row_that_is_written_anew_begins_at_its_start() {
        let all = copy(&b"one\r\n\r> \r> on\r"[..], std::io::sink(), || ()).unwrap();
        assert_eq!(String::from_utf8(all).unwrap(), "one\n\r> \r> on\r");
    }

    #[test]
    fn a_terminal_that_takes_no_more_for_now_is_waited_for() {
        let (terminal, mut screen) = UnixStream::pair().unwrap();
        terminal.set_nonblocking(true).unwrap();
        let output = vec![b'x'; 1 << 20];
        let copied = output.clone();
        let copying = thread::spawn(move || copy(copied.as_slice(), Patient(terminal), || ()).map(|all| all.len()));
        // By now it is full.
        thread::sleep(Duration::from_millis(50));
        let mut shown = Vec::new();
        screen.read_to_end(&mut shown).unwrap();
        assert_eq!((copying.join().unwrap().unwrap(), shown.len()), (output.len(), output.len()));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_in_what_pieces_output_comes(text in "[a\r\n]{0,40}", piece in 1usize..9) {
            let (mut ends, mut passed) = (LineEnds::default(), Vec::new());
            text.as_bytes().chunks(piece).for_each(|bytes| ends.pass(bytes, &mut passed));
            ends.finish(&mut passed);
            prop_assert_eq!(String::from_utf8(passed).unwrap(), text.replace("\r\n", "\n"));
        }
    }
}
