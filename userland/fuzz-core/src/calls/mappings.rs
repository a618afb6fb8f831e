//! `MapFile` and `UnmapFile`.

use alloc::format;
use alloc::vec::Vec;

use abi::layout::{ANY_ADDRESS, FILE_END, KERNEL_START, PAGE_SIZE};
use abi::{Errno, Number};

use super::expect::Expectation;
use super::files::{Object, Opened};
use super::{Caller, Machine, Outcome};

/// A file that is mapped.
#[derive(Clone, Debug)]
pub struct Mapping {
    start: u32,
    /// Bytes from `start` on that are the file's; zeros follow.
    in_file: u32,
    len: u32,
    offset: u32,
    is_writable: bool,
    /// Whose file it is: the program's own, or one that others change.
    object: Option<Object>,
}

/// The most mappings that the program keeps.
const KEPT_MAX: usize = 6;
const READ: u32 = 1;
const READ_AND_WRITE: u32 = 3;
/// A range in which only this program's fixed mappings are.
const FIXED_START: u32 = 0x9000_0000;
const FIXED_PAGES: u32 = 64;

impl<M: Machine> Caller<M> {
    /// Maps, unmaps, or uses a mapping.
    pub(super) fn mapping_call(&mut self) -> Outcome {
        match self.random.below(8) {
            0..=2 if self.mappings.len() < KEPT_MAX => self.map(),
            0..=3 => self.unmap(),
            _ => self.use_mapping(),
        }
    }

    fn map(&mut self) -> Outcome {
        let handle = self.handle(|opened| matches!(opened, Opened::Own(..)));
        let mut expected = Expectation::of(Number::MapFile);
        self.expect_file(handle, &mut expected);
        self.expect_limit(&mut expected);
        let opened = self.files.get(handle).cloned();
        let mut access = self.random.one_of(&[READ, READ_AND_WRITE]);
        if matches!(opened, Some(Opened::Shared)) {
            // Others count on its bytes.
            access = READ;
        }
        if access == READ_AND_WRITE && matches!(opened, Some(Opened::Program)) {
            expected.fault(Errno::Busy);
        }
        let mut offset = self.random.below(4) * PAGE_SIZE;
        let mut len = 1 + self.random.below(5 * PAGE_SIZE);
        let mut address = self.map_address(len, &mut expected);
        match self.random.below(24) {
            0 => {
                access = self.random.one_of(&[0, 2, 4, 7, u32::MAX]);
                expected.fault(Errno::InvalidArgument);
            }
            1 => {
                len = 0;
                expected.fault(Errno::InvalidArgument);
            }
            2 => {
                offset = offset.wrapping_add(1 + self.random.below(PAGE_SIZE - 1));
                expected.fault(Errno::InvalidArgument);
            }
            3 => {
                address = FIXED_START + 1 + self.random.below(PAGE_SIZE - 1);
                expected.fault(Errno::InvalidArgument);
            }
            4 => {
                len = u32::MAX - self.random.below(3 * PAGE_SIZE);
                // A fixed address may have been right for the shorter length.
                expected.fault(Errno::BadAddress);
                expected.perhaps(Errno::Overlaps);
            }
            5 => offset = 0xFFFF_0000,
            _ => {}
        }
        let answer = self.make(Number::MapFile, &[handle, offset, len, access, address], &expected)?;
        let Ok(start) = answer else { return Ok(()) };
        let is_where_asked = address == ANY_ADDRESS || start == address;
        self.require(is_where_asked && start.is_multiple_of(PAGE_SIZE), || format!("it was to be at {address:#x}"))?;
        let object = match opened {
            Some(Opened::Own(object, _)) => Some(object),
            _ => None,
        };
        let known_len = object.as_ref().and_then(|object| Some(object.borrow().bytes.as_ref()?.len()));
        let in_file = known_len.map_or(0, |known| known.saturating_sub(offset as usize));
        let in_file = u32::try_from(in_file).unwrap_or(0).min(len);
        self.mappings.push(Mapping { start, in_file, len, offset, is_writable: access == READ_AND_WRITE, object });
        Ok(())
    }

    /// Draws where to map: mostly anywhere.
    fn map_address(&mut self, len: u32, expected: &mut Expectation) -> u32 {
        match self.random.below(16) {
            0 => {
                expected.fault(Errno::BadAddress);
                expected.perhaps(Errno::Overlaps);
                let pages = self.random.below(300);
                self.random.one_of(&[0, PAGE_SIZE, KERNEL_START, FILE_END, 0xFFFF_F000]).saturating_add(pages << 12)
                    & !0xFFF
            }
            1 => {
                expected.fault(Errno::Overlaps);
                self.random.one_of(&[self.setup.arena, self.setup.edge, self.setup.text & !0xFFF])
            }
            2..=4 => {
                expected.perhaps(Errno::Overlaps);
                FIXED_START + PAGE_SIZE * self.random.below(FIXED_PAGES - len.div_ceil(PAGE_SIZE))
            }
            _ => ANY_ADDRESS,
        }
    }

    fn unmap(&mut self) -> Outcome {
        let mut expected = Expectation::of(Number::UnmapFile);
        if self.mappings.is_empty() || self.random.once_in(6) {
            expected.fault(Errno::BadAddress);
            let small = self.random.below(PAGE_SIZE);
            let start = match self.mappings.first() {
                // Never the next page: another mapping may begin there.
                Some(mapping) if self.random.once_in(2) => mapping.start + 1 + small.min(PAGE_SIZE - 2),
                _ => {
                    self.random.one_of(&[0, self.setup.arena, KERNEL_START, self.setup.text & !0xFFF, u32::MAX - small])
                }
            };
            return self.make(Number::UnmapFile, &[start], &expected).map(|_| ());
        }
        let place = self.random.place_in(self.mappings.len());
        let mapping = self.mappings.swap_remove(place);
        self.check_mapping(&mapping)?;
        self.make(Number::UnmapFile, &[mapping.start], &expected).map(|_| ())
    }

    /// Compares the mapping with its file, or changes both.
    fn use_mapping(&mut self) -> Outcome {
        if self.mappings.is_empty() {
            return self.map();
        }
        let mapping = self.mappings[self.random.place_in(self.mappings.len())].clone();
        if !mapping.is_writable || mapping.in_file == 0 || self.random.once_in(2) {
            return self.check_mapping(&mapping);
        }
        let at = self.random.below(mapping.in_file);
        let len = (1 + self.random.below(40)).min(mapping.in_file - at);
        let mut bytes = alloc::vec![0; len as usize];
        self.random.fill(&mut bytes);
        self.machine.write(mapping.start + at, &bytes);
        let in_file = (mapping.offset + at) as usize;
        if let Some(object) = &mapping.object
            && let Some(known) = &mut object.borrow_mut().bytes
        {
            known[in_file..in_file + bytes.len()].copy_from_slice(&bytes);
        }
        Ok(())
    }

    /// A part of the mapping shows what the file has there.
    fn check_mapping(&mut self, mapping: &Mapping) -> Outcome {
        if mapping.in_file == 0 {
            return Ok(());
        }
        let at = self.random.below(mapping.in_file);
        let len = (1 + self.random.below(200)).min(mapping.in_file - at);
        let found: Vec<u8> = self.bytes_at(mapping.start + at, len);
        let in_file = (mapping.offset + at) as usize;
        let object = mapping.object.clone();
        let content = object.as_ref().map(|object| object.borrow());
        let Some(known) = content.as_ref().and_then(|content| content.bytes.as_ref()) else { return Ok(()) };
        let is_same = known.get(in_file..in_file + found.len()) == Some(found.as_slice());
        let (start, len) = (mapping.start, mapping.len);
        self.require(is_same, || format!("the mapping of {len} bytes at {start:#x} differs from its file at {in_file}"))
    }

    /// Ends all mappings.
    ///
    /// # Errors
    /// The mistake that was found.
    pub(super) fn end_mappings(&mut self) -> Outcome {
        while let Some(mapping) = self.mappings.pop() {
            self.check_mapping(&mapping)?;
            self.make(Number::UnmapFile, &[mapping.start], &Expectation::of(Number::UnmapFile))?.ok();
        }
        Ok(())
    }
}
