//! Arguments: buffers, names, and numbers that go with them.

use alloc::string::String;

use abi::layout::{
    CODE_START, FILE_END, KERNEL_START, NAME_MAX_BYTES, PAGE_SIZE, STACK_END, STACK_GUARD_BYTES, STACK_LIMIT,
};
use abi::{Access, Errno};

use super::expect::Expectation;
use super::{ARENA_BYTES, Caller, Machine, TEXT_BYTES};

/// A buffer that was drawn.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The first byte.
    pub at: u32,
    /// The program may use all of it.
    pub is_good: bool,
}

/// More bytes than any program is promised: wherever a buffer of this length begins, not all of it is allocated.
const HUGE: u32 = 0x1000_0000;

/// Bytes at the arena's end, where names and records that calls read are put.
const NOTES_BYTES: u32 = PAGE_SIZE;

impl<M: Machine> Caller<M> {
    /// Draws a buffer of `len` bytes that the call reads (`Access::Read`) or fills in.
    pub(super) fn buffer(&mut self, len: u32, access: Access, expected: &mut Expectation) -> Place {
        if len <= ARENA_BYTES - NOTES_BYTES && !self.random.once_in(12) {
            return Place { at: self.good_buffer(len, access), is_good: true };
        }
        let at = self.bad_buffer(len, access);
        if len > 0 || at > STACK_END {
            expected.fault(Errno::BadAddress)
        } else {
            expected.perhaps(Errno::BadAddress)
        }
        Place { at, is_good: false }
    }

    fn good_buffer(&mut self, len: u32, access: Access) -> u32 {
        let (arena, edge) = (self.setup.arena, self.setup.edge);
        let room = ARENA_BYTES - NOTES_BYTES - len;
        match self.random.below(8) {
            0 => arena,
            1 => edge + ARENA_BYTES - len,
            2 => edge + self.random.below(ARENA_BYTES - len + 1),
            3 if access == Access::Read && len <= TEXT_BYTES => self.setup.text,
            4 if access == Access::Read => self.region_for(len).unwrap_or(arena),
            // Over the edge between two pages.
            5 if room > 2 * PAGE_SIZE => arena + PAGE_SIZE - self.random.below(len.min(PAGE_SIZE) + 1),
            _ => arena + self.random.below(room + 1),
        }
    }

    /// The first byte of a buffer that is not the program's, or not all of it. With no bytes it may pass for good.
    fn bad_buffer(&mut self, len: u32, access: Access) -> u32 {
        let small = self.random.below(40);
        // Nothing is ever allocated after the edge, nor in the guard below the stack, nor before the program.
        let crossing = len.clamp(1, ARENA_BYTES);
        if len >= HUGE && self.random.once_in(2) {
            return self.setup.arena + small;
        }
        match self.random.below(8) {
            0 => small,
            1 => self.random.below(CODE_START),
            2 => FILE_END - self.random.below(crossing),
            3 => STACK_LIMIT - 1 - self.random.below(STACK_GUARD_BYTES),
            4 => STACK_END - self.random.below(crossing),
            5 => KERNEL_START.wrapping_add(small * 0x0101_0101),
            6 if access == Access::Write => self.setup.text + small,
            _ => u32::MAX - small,
        }
    }

    /// Puts bytes where a call can read them, and returns the address. They stay until the next bytes are put.
    pub(super) fn note(&mut self, bytes: &[u8]) -> u32 {
        let len = u32::try_from(bytes.len()).unwrap_or(0).min(NOTES_BYTES);
        let arena_end = self.setup.arena + ARENA_BYTES;
        let at = match self.random.below(3) {
            0 => arena_end - len,
            1 => arena_end - NOTES_BYTES,
            _ => arena_end - NOTES_BYTES + self.random.below(NOTES_BYTES - len + 1),
        };
        self.machine.write(at, &bytes[..len as usize]);
        at
    }

    /// Draws the two arguments that pass a name: mostly as it is, sometimes so that it cannot be read or is none.
    pub(super) fn name(&mut self, name: &str, expected: &mut Expectation) -> [u32; 2] {
        let len = u32::try_from(name.len()).unwrap_or(0);
        match self.random.below(40) {
            0 => {
                let len = self.random.one_of(&[len, len, 1, NAME_MAX_BYTES, NAME_MAX_BYTES + 1, PAGE_SIZE, u32::MAX]);
                expected.fault(Errno::BadAddress);
                if len > NAME_MAX_BYTES {
                    expected.fault(Errno::BadName);
                }
                [self.bad_buffer(len, Access::Read), len]
            }
            1 => {
                expected.fault(Errno::BadName);
                let at = self.note(name.as_bytes());
                [at, 0]
            }
            2 => {
                expected.fault(Errno::BadName);
                let long = [b'x'; 3 * NAME_MAX_BYTES as usize];
                let len = NAME_MAX_BYTES + 1 + self.random.below(NAME_MAX_BYTES);
                [self.note(&long), len]
            }
            3 => {
                expected.fault(Errno::BadName);
                let no_text: &[u8] = self.random.one_of(&[&[0xFF][..], &[0xC3], b"abc\x80", &[0xED, 0xA0, 0x80]]);
                [self.note(no_text), u32::try_from(no_text.len()).unwrap_or(0)]
            }
            _ => [self.note(name.as_bytes()), len],
        }
    }

    /// Bytes of the program's memory.
    pub(super) fn bytes_at(&mut self, at: u32, len: u32) -> alloc::vec::Vec<u8> {
        let mut bytes = alloc::vec![0; len as usize];
        self.machine.read(at, &mut bytes);
        bytes
    }

    /// Draws the length of a buffer: often none, a few bytes, or about a page; rarely more than the program has.
    pub(super) fn len(&mut self) -> u32 {
        match self.random.below(24) {
            0 => 0,
            1..=10 => self.random.below(64),
            11..=14 => self.random.below(1500),
            15..=18 => PAGE_SIZE - 2 + self.random.below(5),
            19..=21 => self.random.below(4 * PAGE_SIZE),
            22 => HUGE + self.random.below(0x6000_0000),
            _ => u32::MAX - self.random.below(64),
        }
    }

    /// A name that no file and no program has.
    pub(super) fn unknown_name(&mut self) -> String {
        let number = self.random.below(1000);
        alloc::format!("no-{number}")
    }
}
