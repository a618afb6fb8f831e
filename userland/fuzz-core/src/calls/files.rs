//! Calls about handles and files, and what the program knows of both.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;

use abi::device::{DeviceKind, FileInfo};
use abi::image::SWAP_FILE;
use abi::layout::PAGE_SIZE;
use abi::{Access, Errno, Number, Reader, Wire};

use super::expect::Expectation;
use super::places::Place;
use super::{Caller, Machine, Mistake, Outcome, PROGRAM, SHARED_NAMES, Weighted, own_names};

/// The most handles that a program has.
const HANDLES_MAX: usize = 64;
/// A file that grows beyond this is not compared any more.
const KNOWN_MAX_BYTES: usize = 48 << 10;

/// The longest write to a file that programs share.
const SHARED_WRITE_MAX_BYTES: u32 = 4 * PAGE_SIZE;

/// A file of the program's own. It lives on without a name while it is open or mapped.
#[derive(Debug, Default)]
pub struct Content {
    /// Its bytes; `None` once nobody keeps count of them.
    pub bytes: Option<Vec<u8>>,
}

/// A share in a file.
pub type Object = Rc<RefCell<Content>>;

/// What a handle stands for.
#[derive(Clone, Debug)]
pub enum Opened {
    /// A file of the program's own, and the offset of the next byte.
    Own(Object, u32),
    /// A file that other programs change, too.
    Shared,
    /// The file of a running program.
    Program,
    /// Random bytes.
    Random,
    /// Nothing.
    Null,
}

/// Handles and files.
#[derive(Debug)]
pub struct Files {
    names: [String; 3],
    named: [Option<Object>; 3],
    handles: Vec<Option<Opened>>,
}

impl Files {
    /// Handles 0, 1 and 2 are `null`, and there are no files.
    pub fn new(tag: u32) -> Self {
        let mut handles = vec![None; HANDLES_MAX];
        handles[..3].fill(Some(Opened::Null));
        Self { names: own_names(tag), named: [const { None }; 3], handles }
    }

    fn lowest_free(&self) -> Option<usize> {
        self.handles.iter().position(Option::is_none)
    }

    fn open_count(&self) -> usize {
        self.handles.iter().flatten().count()
    }

    /// The open handle of this number.
    pub fn get(&self, handle: u32) -> Option<&Opened> {
        self.handles.get(handle as usize)?.as_ref()
    }

    fn get_mut(&mut self, handle: u32) -> Option<&mut Opened> {
        self.handles.get_mut(handle as usize)?.as_mut()
    }
}

/// A name that was drawn, and what it means to the calls that take one.
enum Named {
    /// One of the program's own files.
    Own(usize),
    /// One of those that programs share.
    Shared(&'static str),
    /// The running program.
    Program,
    /// The swap file.
    Swap,
    /// No file has it.
    Nothing(String),
}

impl Named {
    fn text(&self, files: &Files) -> String {
        match self {
            Self::Own(place) => files.names[*place].clone(),
            Self::Shared(name) => String::from(*name),
            Self::Program => String::from(PROGRAM),
            Self::Swap => String::from(SWAP_FILE),
            Self::Nothing(name) => name.clone(),
        }
    }
}

impl<M: Machine> Caller<M> {
    /// A call about handles or files.
    pub(super) fn file_call(&mut self) -> Outcome {
        if self.files.open_count() > 12 && !self.random.once_in(4) {
            return self.close();
        }
        let calls: [Weighted<M>; 10] = [
            (10, Self::open),
            (3, Self::open_device),
            (4, Self::create),
            (2, Self::remove),
            (8, Self::close),
            (14, Self::seek),
            (10, Self::stat),
            (26, Self::read),
            (26, Self::write),
            (1, Self::sync),
        ];
        let call = self.weighted(&calls);
        call(self)
    }

    fn drawn_name(&mut self) -> Named {
        match self.random.below(16) {
            0..=9 => Named::Own(self.random.place_in(3)),
            10..=12 => Named::Shared(self.random.one_of(&SHARED_NAMES)),
            13 => Named::Program,
            14 => Named::Swap,
            _ => Named::Nothing(self.unknown_name()),
        }
    }

    /// Draws a handle: mostly one that is open, with a device that serves.
    pub(super) fn handle(&mut self, serves: impl Fn(&Opened) -> bool) -> u32 {
        match self.random.below(12) {
            0 => self.random.below(70),
            1 => self.random.edge(),
            _ => {
                let first = self.random.place_in(HANDLES_MAX);
                let places = (first..HANDLES_MAX).chain(0..first);
                let open = |place: &usize| self.files.handles[*place].as_ref().is_some_and(&serves);
                let found = places.clone().find(open);
                u32::try_from(found.unwrap_or(first)).unwrap_or(0)
            }
        }
    }

    /// A handle that was returned must be the lowest one that is free.
    fn add_handle(&mut self, handle: u32, opened: Opened) -> Outcome {
        let free = self.files.lowest_free();
        self.require(free == Some(handle as usize), || format!("the lowest free handle is {free:?}"))?;
        self.files.handles[handle as usize] = Some(opened);
        Ok(())
    }

    fn expect_room(&self, expected: &mut Expectation) {
        if self.files.lowest_free().is_none() {
            expected.fault(Errno::TooManyOpen);
        }
    }

    fn open(&mut self) -> Outcome {
        let (named, mut expected) = (self.drawn_name(), Expectation::of(Number::Open));
        self.expect_room(&mut expected);
        let mut text = named.text(&self.files);
        if self.random.once_in(8) {
            text = format!("file {text}");
        }
        let opened = match &named {
            Named::Own(place) => match &self.files.named[*place] {
                Some(object) => Opened::Own(object.clone(), 0),
                None => {
                    expected.fault(Errno::NoSuchFile);
                    Opened::Null
                }
            },
            Named::Shared(_) => {
                expected.perhaps(Errno::NoSuchFile);
                Opened::Shared
            }
            Named::Program => Opened::Program,
            Named::Swap => {
                expected.fault(Errno::NotPermitted);
                Opened::Null
            }
            Named::Nothing(_) => {
                expected.fault(Errno::NoSuchFile);
                Opened::Null
            }
        };
        let arguments = self.name(&text, &mut expected);
        match self.make(Number::Open, &arguments, &expected)? {
            Ok(handle) => self.add_handle(handle, opened),
            Err(_) => Ok(()),
        }
    }

    fn open_device(&mut self) -> Outcome {
        let mut expected = Expectation::of(Number::Open);
        self.expect_room(&mut expected);
        let (name, opened) = match self.random.below(6) {
            0 => ("null", Opened::Null),
            1 => ("random", Opened::Random),
            2 => ("random 18446744073709551615", Opened::Random),
            3 => {
                expected.fault(Errno::BadName);
                (self.random.one_of(&["random x", "console keys x", "console no", "random -1"]), Opened::Null)
            }
            4 => {
                // The machine's console is no terminal.
                expected.fault(Errno::NotSupported);
                (self.random.one_of(&["console keys", "console keys 5"]), Opened::Null)
            }
            _ => {
                expected.fault(Errno::NoSuchFile);
                (self.random.one_of(&["null x", "file null", "randomly", "file"]), Opened::Null)
            }
        };
        let arguments = self.name(name, &mut expected);
        match self.make(Number::Open, &arguments, &expected)? {
            Ok(handle) => self.add_handle(handle, opened),
            Err(_) => Ok(()),
        }
    }

    fn create(&mut self) -> Outcome {
        let (named, mut expected) = (self.drawn_name(), Expectation::of(Number::Create));
        self.expect_room(&mut expected);
        let text = named.text(&self.files);
        let new = match &named {
            Named::Own(place) => {
                if self.files.named[*place].is_some() {
                    expected.fault(Errno::AlreadyExists);
                }
                Some(*place)
            }
            Named::Shared(_) => {
                expected.perhaps(Errno::AlreadyExists);
                None
            }
            Named::Program | Named::Swap => {
                expected.fault(Errno::AlreadyExists);
                None
            }
            // A file that nobody would remove.
            Named::Nothing(_) => return self.remove(),
        };
        let arguments = self.name(&text, &mut expected);
        let Ok(handle) = self.make(Number::Create, &arguments, &expected)? else { return Ok(()) };
        match new {
            Some(place) => {
                let object = Rc::new(RefCell::new(Content { bytes: Some(Vec::new()) }));
                self.files.named[place] = Some(object.clone());
                self.add_handle(handle, Opened::Own(object, 0))
            }
            None => self.add_handle(handle, Opened::Shared),
        }
    }

    fn remove(&mut self) -> Outcome {
        let (named, mut expected) = (self.drawn_name(), Expectation::of(Number::Remove));
        let text = named.text(&self.files);
        match &named {
            Named::Own(place) if self.files.named[*place].is_some() => {}
            Named::Shared(_) => expected.perhaps(Errno::NoSuchFile),
            Named::Swap => expected.fault(Errno::NotPermitted),
            // The program is still needed.
            Named::Program => return self.close(),
            Named::Own(_) | Named::Nothing(_) => expected.fault(Errno::NoSuchFile),
        }
        let arguments = self.name(&text, &mut expected);
        if let (Ok(_), Named::Own(place)) = (self.make(Number::Remove, &arguments, &expected)?, named) {
            self.files.named[place] = None;
        }
        Ok(())
    }

    fn close(&mut self) -> Outcome {
        let handle = self.handle(|_| true);
        let mut expected = Expectation::of(Number::Close);
        if self.files.get(handle).is_none() {
            expected.fault(Errno::BadHandle);
        }
        let answer = self.make(Number::Close, &[handle], &expected)?;
        if answer.is_ok() {
            self.files.handles[handle as usize] = None;
        }
        self.require(answer != Ok(1), || String::from("it returns 0"))
    }

    fn seek(&mut self) -> Outcome {
        let handle = self.handle(|opened| matches!(opened, Opened::Own(..) | Opened::Random));
        let mut expected = Expectation::of(Number::Seek);
        let opened = self.files.get(handle);
        let is_shared = matches!(opened, Some(Opened::Shared));
        if opened.is_none() {
            expected.fault(Errno::BadHandle);
        }
        // No gap may come to be in a file that programs share: its bytes are never zero.
        let offset = if is_shared { 0 } else { self.offset() };
        if self.make(Number::Seek, &[handle, offset], &expected)?.is_ok()
            && let Some(Opened::Own(_, position)) = self.files.get_mut(handle)
        {
            *position = offset;
        }
        Ok(())
    }

    /// Where in a file to go on: mostly near its beginning.
    fn offset(&mut self) -> u32 {
        match self.random.below(200) {
            0 => u32::MAX - self.random.below(5000),
            1 => 3 << 20,
            2..=60 => self.random.below(4) * PAGE_SIZE + self.random.below(3),
            61..=140 => self.random.below(20_000),
            _ => self.random.below(100),
        }
    }

    fn stat(&mut self) -> Outcome {
        let handle = self.handle(|_| true);
        let mut expected = Expectation::of(Number::Stat);
        if self.files.get(handle).is_none() {
            expected.fault(Errno::BadHandle);
        }
        let Place { at, .. } = self.buffer(FileInfo::SIZE_BYTES, Access::Write, &mut expected);
        if self.make(Number::Stat, &[handle, at], &expected)?.is_err() {
            return Ok(());
        }
        let found = self.bytes_at(at, FileInfo::SIZE_BYTES);
        let Some(info) = FileInfo::decode(&mut Reader::new(&found)) else {
            return Err(self.mistake("the record makes no sense"));
        };
        let kind = match self.files.get(handle) {
            Some(Opened::Own(object, position)) => {
                self.require(info.position == *position, || {
                    format!("the position is {position}, not {}", info.position)
                })?;
                if let Some(bytes) = &object.borrow().bytes {
                    let len = bytes.len();
                    self.require(info.len_bytes as usize == len, || {
                        format!("the length is {len}, not {}", info.len_bytes)
                    })?;
                }
                DeviceKind::File
            }
            Some(Opened::Shared | Opened::Program) => DeviceKind::File,
            Some(Opened::Random) => DeviceKind::Random,
            Some(Opened::Null) | None => DeviceKind::Null,
        };
        self.require(info.device == kind, || format!("it is {kind}, not {}", info.device))
    }

    fn read(&mut self) -> Outcome {
        let handle = self.handle(|opened| !matches!(opened, Opened::Null));
        let mut expected = Expectation::of(Number::Read);
        if self.files.get(handle).is_none() {
            expected.fault(Errno::BadHandle);
        }
        let len = self.len();
        let Place { at, .. } = self.buffer(len, Access::Write, &mut expected);
        let Ok(count) = self.make(Number::Read, &[handle, at, len], &expected)? else { return Ok(()) };
        self.require(count <= len, || String::from("it has read more than it was asked for"))?;
        match self.files.get(handle).cloned() {
            Some(Opened::Own(object, position)) => self.check_read(handle, &object, position, [at, len, count]),
            Some(Opened::Shared) => {
                let read = self.bytes_at(at, count);
                self.require(!read.contains(&0), || String::from("it has read a zero, which no program has written"))
            }
            Some(Opened::Random) => self.require(count == len, || String::from("random bytes have no end")),
            Some(Opened::Null) => self.require(count == 0, || String::from("there is nothing to read")),
            Some(Opened::Program) | None => Ok(()),
        }
    }

    /// The bytes that were read are those of the file, and all there are unless memory was short.
    fn check_read(&mut self, handle: u32, object: &Object, position: u32, [at, len, count]: [u32; 3]) -> Outcome {
        if let Some(Opened::Own(_, position)) = self.files.get_mut(handle) {
            *position = position.saturating_add(count);
        }
        let content = object.borrow();
        let Some(bytes) = &content.bytes else { return Ok(()) };
        let rest = bytes.get(position as usize..).unwrap_or_default();
        let known = &rest[..rest.len().min(count as usize)];
        let wanted = rest.len().min(len as usize);
        self.require(count as usize <= wanted, || format!("the file has only {} bytes from there on", rest.len()))?;
        self.require(count > 0 || wanted == 0, || String::from("nothing was read before the end"))?;
        let read = self.bytes_at(at, count);
        let differs = read.iter().zip(known).position(|(read, known)| read != known);
        self.require(differs.is_none(), || {
            format!("byte {differs:?} from offset {position} on is not what was written")
        })
    }

    fn write(&mut self) -> Outcome {
        let handle = self.handle(|opened| matches!(opened, Opened::Own(..) | Opened::Shared));
        let mut expected = Expectation::of(Number::Write);
        match self.files.get(handle) {
            None => expected.fault(Errno::BadHandle),
            Some(Opened::Program) => expected.fault(Errno::Busy),
            Some(Opened::Random) => expected.fault(Errno::NotSupported),
            Some(_) => {}
        }
        let len = self.len();
        if matches!(self.files.get(handle), Some(Opened::Shared)) {
            return self.write_shared(handle, len);
        }
        let Place { at, is_good } = self.buffer(len, Access::Read, &mut expected);
        let written = if is_good { self.bytes_at(at, len) } else { Vec::new() };
        let is_short = |count: u32, len: u32| count < len;
        let answer = self.make(Number::Write, &[handle, at, len], &expected)?;
        let Ok(count) = answer else { return Ok(()) };
        self.require(count <= len && (count > 0 || len == 0), || format!("it has written {count} bytes of {len}"))?;
        match self.files.get(handle).cloned() {
            Some(Opened::Own(object, position)) => {
                self.note_write(handle, &object, position, written.get(..count as usize).unwrap_or_default());
                Ok(())
            }
            Some(Opened::Null) => self.require(!is_short(count, len), || String::from("null takes everything")),
            _ => Ok(()),
        }
    }

    /// Writes to a file that programs share. What is written has no zeros: so a zero that is read was written by nobody.
    fn write_shared(&mut self, handle: u32, len: u32) -> Outcome {
        // Often several pages at once: between two of them another program may look.
        let len = len.min(SHARED_WRITE_MAX_BYTES);
        let bytes: Vec<u8> = (0..len).map(|place| 1 + (place % 255).to_le_bytes()[0]).collect();
        let at = self.setup.arena + self.random.below(8);
        self.machine.write(at, &bytes);
        let answer = self.make(Number::Write, &[handle, at, len], &Expectation::of(Number::Write))?;
        self.require(answer.is_err() || answer.is_ok_and(|count| count <= len), || {
            String::from("it has written too much")
        })
    }

    /// Notes what was written.
    fn note_write(&mut self, handle: u32, object: &Object, start: u32, written: &[u8]) {
        let end = (start as usize).saturating_add(written.len());
        if let Some(Opened::Own(_, position)) = self.files.get_mut(handle) {
            *position = u32::try_from(end).unwrap_or(u32::MAX);
        }
        let mut content = object.borrow_mut();
        if end > KNOWN_MAX_BYTES && !written.is_empty() {
            content.bytes = None;
        }
        if let Some(bytes) = &mut content.bytes
            && !written.is_empty()
        {
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[start as usize..end].copy_from_slice(written);
        }
    }

    fn sync(&mut self) -> Outcome {
        let handle = self.handle(|opened| matches!(opened, Opened::Own(..)));
        let mut expected = Expectation::of(Number::Sync);
        self.expect_file(handle, &mut expected);
        self.make(Number::Sync, &[handle], &expected).map(|_| ())
    }

    /// Only files will do.
    pub(super) fn expect_file(&self, handle: u32, expected: &mut Expectation) {
        match self.files.get(handle) {
            None => expected.fault(Errno::BadHandle),
            Some(Opened::Random | Opened::Null) => expected.fault(Errno::NotSupported),
            Some(_) => {}
        }
    }

    /// The name of one of the program's own files.
    pub(super) fn own_file_name(&mut self) -> String {
        self.files.names[self.random.place_in(3)].clone()
    }

    /// Reads all own files from beginning to end, then closes and removes everything.
    ///
    /// # Errors
    /// The mistake that was found.
    pub(super) fn check_files(&mut self) -> Outcome {
        for handle in (0..HANDLES_MAX).filter(|handle| self.files.handles[*handle].is_some()).collect::<Vec<_>>() {
            let number = u32::try_from(handle).unwrap_or(0);
            self.files.handles[handle] = None;
            self.must(Number::Close, &[number])?;
        }
        for place in 0..3 {
            let Some(object) = self.files.named[place].take() else { continue };
            let name = self.files.names[place].clone();
            let at = self.note(name.as_bytes());
            let len = u32::try_from(name.len()).unwrap_or(0);
            if let Ok(handle) = self.make(Number::Open, &[at, len], &Expectation::of(Number::Open))? {
                self.files.handles[handle as usize] = Some(Opened::Own(object.clone(), 0));
                self.read_to_the_end(handle, &object)?;
                self.files.handles[handle as usize] = None;
                self.must(Number::Close, &[handle])?;
            }
            let at = self.note(name.as_bytes());
            self.make(Number::Remove, &[at, len], &Expectation::of(Number::Remove))?.ok();
        }
        Ok(())
    }

    fn read_to_the_end(&mut self, handle: u32, object: &Object) -> Outcome {
        let (at, len) = (self.setup.arena, 3 * PAGE_SIZE);
        let mut position = 0;
        while let Ok(count @ 1..) = self.make(Number::Read, &[handle, at, len], &Expectation::of(Number::Read))? {
            self.check_read(handle, object, position, [at, len, count])?;
            position += count;
        }
        Ok(())
    }

    /// Makes a call that cannot fail.
    pub(super) fn must(&mut self, call: Number, arguments: &[u32]) -> Result<u32, Mistake> {
        let answer = self.make(call, arguments, &Expectation::of(call))?;
        answer.map_err(|_| self.mistake("it cannot fail"))
    }
}
