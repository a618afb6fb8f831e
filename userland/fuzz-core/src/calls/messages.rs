//! `SendMessage`, `WaitForMessage`, and both in one. The word `what` of each message is a sum of its bytes, which the receiver checks.

use alloc::format;
use alloc::string::String;

use abi::message::{BUFFER_BYTES, MESSAGE_MAX_BYTES, MessageHeader};
use abi::{Access, Errno, Number, Reader, Wire};

use super::expect::Expectation;
use super::places::Place;
use super::{Caller, Machine, Outcome};

/// The longest time that a call waits.
const WAIT_MAX_MS: u32 = 2;

impl<M: Machine> Caller<M> {
    /// A call about messages.
    pub(super) fn message_call(&mut self) -> Outcome {
        match self.random.below(10) {
            0..=4 => self.send(),
            5..=8 => self.wait_for_message(),
            _ => self.send_and_wait(),
        }
    }

    /// Draws who gets a message: mostly this program.
    fn receiver(&mut self, expected: &mut Expectation) -> u32 {
        match self.random.below(8) {
            0 => {
                expected.fault(Errno::NoSuchProcess);
                self.random.one_of(&[0, 0x7FFF_FFFF, 0x8000_0000, u32::MAX])
            }
            1 | 2 => {
                expected.perhaps(Errno::NoSuchProcess);
                self.near_pid()
            }
            _ => self.setup.pid,
        }
    }

    fn message_len(&mut self) -> u32 {
        match self.random.below(16) {
            0 => MESSAGE_MAX_BYTES + 1 + self.random.below(100),
            1 => MESSAGE_MAX_BYTES,
            2..=5 => self.random.below(MESSAGE_MAX_BYTES + 1),
            _ => self.random.below(40),
        }
    }

    fn send(&mut self) -> Outcome {
        let mut expected = Expectation::of(Number::SendMessage);
        let (receiver, len) = (self.receiver(&mut expected), self.message_len());
        if len > MESSAGE_MAX_BYTES {
            expected.fault(Errno::MessageTooLong);
        }
        let Place { at, is_good } = self.buffer(len, Access::Read, &mut expected);
        let what = if is_good { sum(&self.bytes_at(at, len)) } else { sum(&[]) };
        self.make(Number::SendMessage, &[receiver, what, at, len], &expected).map(|_| ())
    }

    fn wait_for_message(&mut self) -> Outcome {
        let mut expected = Expectation::of(Number::WaitForMessage);
        expected.perhaps(Errno::TimedOut);
        let milliseconds = if self.random.once_in(16) { self.random.below(WAIT_MAX_MS + 1) } else { 0 };
        let Place { at, .. } = self.buffer(BUFFER_BYTES, Access::Write, &mut expected);
        match self.make(Number::WaitForMessage, &[at, milliseconds], &expected)? {
            Ok(len) => self.check_message(at, len),
            Err(_) => Ok(()),
        }
    }

    fn send_and_wait(&mut self) -> Outcome {
        let mut expected = Expectation::of(Number::SendAndWait);
        expected.perhaps(Errno::TimedOut);
        let (receiver, len) = (self.receiver(&mut expected), self.message_len());
        if len > MESSAGE_MAX_BYTES {
            expected.fault(Errno::MessageTooLong);
        }
        let milliseconds = if self.random.once_in(8) { self.random.below(WAIT_MAX_MS + 1) } else { 0 };
        let Place { at, is_good } = self.buffer(BUFFER_BYTES, Access::Write, &mut expected);
        if is_good && len <= MESSAGE_MAX_BYTES {
            let what = sum(&self.bytes_at(at + MessageHeader::SIZE_BYTES, len));
            self.machine.write(at, &receiver.to_le_bytes());
            self.machine.write(at + 4, &what.to_le_bytes());
        } else if is_good {
            self.machine.write(at, &self.setup.pid.to_le_bytes());
        }
        match self.make(Number::SendAndWait, &[at, len, milliseconds], &expected)? {
            Ok(len) => self.check_message(at, len),
            Err(_) => Ok(()),
        }
    }

    /// A message has come whole.
    fn check_message(&mut self, at: u32, len: u32) -> Outcome {
        self.require(len <= MESSAGE_MAX_BYTES, || format!("a message has {len} bytes"))?;
        let bytes = self.bytes_at(at, MessageHeader::SIZE_BYTES + len);
        let (header, body) = bytes.split_at(MessageHeader::SIZE_BYTES as usize);
        let Some(MessageHeader { pid, what }) = MessageHeader::decode(&mut Reader::new(header)) else {
            return Err(self.mistake("the header makes no sense"));
        };
        self.require(pid > 0, || String::from("nobody has sent it"))?;
        self.require(sum(body) == what, || format!("its {len} bytes are not those that process {pid} sent"))
    }
}

/// A sum in which the order of the bytes counts (Fletcher, "An Arithmetic Checksum for Serial Transmissions").
pub fn sum(bytes: &[u8]) -> u32 {
    let (mut first, mut second) = (1_u32, u32::try_from(bytes.len()).unwrap_or(0));
    for &byte in bytes {
        first = (first + u32::from(byte)) % 65_521;
        second = (second + first) % 65_521;
    }
    second << 16 | first
}
