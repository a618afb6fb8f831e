//! A kernel made of maps and vectors, which is right unless it is told to have a flaw.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use abi::device::{DeviceKind, FileInfo, Streams};
use abi::layout::{
    ANY_ADDRESS, ARGUMENTS_MAX_BYTES, CODE_START, FILE_END, HEAP_START, KERNEL_START, NAME_MAX_BYTES, OWN_POOLS_MAX,
    USER_END,
};
use abi::message::{BUFFER_BYTES, MESSAGE_MAX_BYTES};
use abi::process::{Class, ProcessInfo, ProcessName, ProcessState};
use abi::record::{Account, DirectoryEntry, ExitStatus, Mapping, SystemInfo, Time};
use abi::{Errno, ExitReason, Number, POLICY_NAMES, Reader, Wire, Writer};

use crate::calls::{ARENA_BYTES, Machine, PROGRAM, Way};

pub const ARENA: u32 = HEAP_START + 0x10_0000;
pub const EDGE: u32 = FILE_END - ARENA_BYTES;
pub const TEXT: u32 = CODE_START + 0x1000;
pub const OWN_PID: u32 = 50;
const PAGE: u32 = 4096;

macro_rules! flaws {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Flaw { $($(#[$doc])* $name,)* }

        impl Flaw {
            pub const ALL: [Self; [$(Self::$name),*].len()] = [$(Self::$name),*];
        }
    };
}

flaws! {
    /// `Seek` answers with an error that the table does not list.
    UnlistedError,
    DeadHandleIsAlive,
    HandleIsNotTheLowest,
    OneByteOfAReadIsWrong,
    WritesAreLost,
    ReadStopsEarly,
    KernelMemoryIsWritable,
    TextIsWritable,
    FreshMemoryIsDirty,
    MemoryChanges,
    RegionsOverlap,
    FreedTwice,
    MessagesAreMixedUp,
    AnybodyMayEndTheMachine,
    InitCanBeKilled,
    WrongChildIsWaitedFor,
    ExitCodeIsLost,
    MappingIsACopy,
    RemovedFileIsThere,
    PositionIsForgotten,
    UnknownNumberSucceeds,
    SharedFilesHaveZeros,
    PidIsAnothers,
    BadNameIsGood,
    PoolIsLeft,
    PartTakesItsNeighbour,
}

type File = Rc<RefCell<Vec<u8>>>;

#[derive(Clone, Debug)]
enum Handle {
    File(File, u32),
    Program,
    Random,
    Null,
}

#[derive(Debug)]
struct Mapped {
    start: u32,
    len: u32,
    file: Option<File>,
    offset: u32,
    is_writable: bool,
}

#[derive(Debug)]
pub struct Fake {
    flaw: Option<Flaw>,
    pages: RefCell<BTreeMap<u32, [u8; PAGE as usize]>>,
    regions: BTreeMap<u32, u32>,
    /// Base and pages.
    pools: Vec<(u32, u32)>,
    mapped: Vec<Mapped>,
    files: BTreeMap<String, File>,
    handles: Vec<Option<Handle>>,
    messages: VecDeque<(u32, Vec<u8>)>,
    children: BTreeMap<u32, (u32, bool)>,
    next_pid: u32,
    limit: u32,
    calls: u32,
    pub log: Vec<(u32, [u32; 5], u32)>,
    pub succeeded: BTreeSet<u32>,
    pub refused: BTreeSet<u32>,
}

impl Machine for Fake {
    fn call(&mut self, _: Way, number: u32, arguments: [u32; 5]) -> u32 {
        self.calls += 1;
        if self.has(Flaw::MemoryChanges) && self.calls.is_multiple_of(50) {
            let places: Vec<u32> = self.regions.keys().copied().collect();
            places.iter().for_each(|&at| self.put(at, &[0x77]));
        }
        let answer = match Number::try_from(number) {
            Ok(call) => self.answer(call, arguments),
            Err(_) if self.has(Flaw::UnknownNumberSucceeds) => Ok(0),
            Err(error) => Err(error),
        };
        if answer.is_ok() { &mut self.succeeded } else { &mut self.refused }.insert(number);
        let word = answer.unwrap_or_else(Errno::to_result_word);
        self.log.push((number, arguments, word));
        word
    }

    fn read(&mut self, at: u32, into: &mut [u8]) {
        assert!(self.may_read(at, u32::try_from(into.len()).unwrap()), "the model reads at {at:#x}");
        into.copy_from_slice(&self.get(at, into.len()));
    }

    fn write(&mut self, at: u32, bytes: &[u8]) {
        assert!(self.may_write(at, u32::try_from(bytes.len()).unwrap()), "the model writes at {at:#x}");
        self.put(at, bytes);
    }
}

type Answer = Result<u32, Errno>;

impl Fake {
    pub fn new(flaw: Option<Flaw>) -> Self {
        let null = || Some(Handle::Null);
        Self {
            flaw,
            pages: RefCell::default(),
            regions: BTreeMap::new(),
            pools: Vec::new(),
            mapped: Vec::new(),
            files: BTreeMap::new(),
            handles: [null(), null(), null()].into_iter().chain((3..64).map(|_| None)).collect(),
            messages: VecDeque::new(),
            children: BTreeMap::new(),
            next_pid: OWN_PID + 1,
            limit: u32::MAX,
            calls: 0,
            log: Vec::new(),
            succeeded: BTreeSet::new(),
            refused: BTreeSet::new(),
        }
    }

    /// What the program has not given back.
    pub fn left_behind(&self) -> String {
        let open = self.handles.iter().flatten().count();
        let own_files = self.files.keys().filter(|name| name.starts_with("fuzz-7")).count();
        let counts = [self.regions.len(), self.pools.len(), self.mapped.len(), self.children.len(), open, own_files];
        if counts == [0; 6] { String::new() } else { format!("{counts:?}") }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    fn mapping_at(&self, at: u32) -> Option<&Mapped> {
        self.mapped.iter().find(|mapped| (mapped.start..mapped.start + mapped.len.next_multiple_of(PAGE)).contains(&at))
    }

    fn in_region(&self, at: u32) -> bool {
        self.regions.range(..=at).next_back().is_some_and(|(start, pages)| at < start + pages * PAGE)
    }

    fn is_good(&self, at: u32, writes: bool) -> bool {
        let is_within = |start: u32, len: u32| (start..start + len).contains(&at);
        is_within(ARENA, ARENA_BYTES)
            || is_within(EDGE, ARENA_BYTES)
            || is_within(TEXT, PAGE) && (!writes || self.has(Flaw::TextIsWritable))
            || at >= KERNEL_START && self.has(Flaw::KernelMemoryIsWritable)
            || self.in_region(at)
            || self.mapping_at(at).is_some_and(|mapped| mapped.is_writable || !writes)
    }

    fn may(&self, at: u32, len: u32, writes: bool) -> bool {
        let end = u64::from(at) + u64::from(len);
        if end > u64::from(USER_END) && !self.has(Flaw::KernelMemoryIsWritable) || end > 1 << 32 {
            return false;
        }
        // A page is good as a whole.
        let pages = (u64::from(at) >> 12)..end.div_ceil(4096);
        len < 0x100_0000
            && (len == 0 || pages.into_iter().all(|page| self.is_good(u32::try_from(page << 12).unwrap(), writes)))
    }

    pub fn may_read(&self, at: u32, len: u32) -> bool {
        self.may(at, len, false)
    }

    pub fn may_write(&self, at: u32, len: u32) -> bool {
        self.may(at, len, true)
    }

    fn get(&self, at: u32, len: usize) -> Vec<u8> {
        (at..).take(len).map(|at| self.byte(at)).collect()
    }

    fn byte(&self, at: u32) -> u8 {
        if let Some(Mapped { start, file: Some(file), offset, .. }) = self.mapping_at(at) {
            return file.borrow().get((at - start + offset) as usize).copied().unwrap_or(0);
        }
        self.pages.borrow().get(&(at >> 12)).map_or(0, |page| page[(at & 0xFFF) as usize])
    }

    fn put(&mut self, at: u32, bytes: &[u8]) {
        for (at, &byte) in (at..).zip(bytes) {
            if let Some(Mapped { start, file: Some(file), offset, .. }) = self.mapping_at(at) {
                if let Some(place) = file.borrow_mut().get_mut((at - start + offset) as usize) {
                    *place = byte;
                }
                continue;
            }
            self.pages.borrow_mut().entry(at >> 12).or_insert([0; PAGE as usize])[(at & 0xFFF) as usize] = byte;
        }
    }

    fn claim(&self, at: u32, len: u32, writes: bool) -> Result<(), Errno> {
        if self.may(at, len, writes) { Ok(()) } else { Err(Errno::BadAddress) }
    }

    fn record<T: Wire>(&mut self, at: u32, record: &T) -> Result<(), Errno> {
        self.claim(at, T::SIZE_BYTES, true)?;
        let mut bytes = vec![0; T::SIZE_BYTES as usize];
        record.encode(&mut Writer::new(&mut bytes));
        self.put(at, &bytes);
        Ok(())
    }

    fn name(&self, at: u32, len: u32) -> Result<String, Errno> {
        self.claim(at, len, false)?;
        if (len == 0 || len > NAME_MAX_BYTES) && !self.has(Flaw::BadNameIsGood) {
            return Err(Errno::BadName);
        }
        String::from_utf8(self.get(at, len as usize)).map_err(|_| Errno::BadName)
    }

    fn answer(&mut self, call: Number, [a, b, c, d, e]: [u32; 5]) -> Answer {
        match call {
            Number::Exit => panic!("the model makes no such call"),
            Number::Write => self.write_handle(a, b, c),
            Number::Read => self.read_handle(a, b, c),
            Number::AllocateMemory => self.allocate(a),
            Number::FreeMemory => match self.regions.remove(&a) {
                Some(pages) => {
                    if !self.has(Flaw::FreshMemoryIsDirty) {
                        let mut known = self.pages.borrow_mut();
                        (a >> 12..(a >> 12) + pages).for_each(|page| {
                            known.remove(&page);
                        });
                    }
                    Ok(0)
                }
                None if self.has(Flaw::FreedTwice) => Ok(0),
                None => Err(Errno::BadAddress),
            },
            Number::FreePages => self.free_pages(a, b),
            Number::CreateProcess => self.create_process(a, b, c, d, e),
            Number::Wait => self.wait(a, b),
            Number::Yield | Number::Sleep => Ok(0),
            Number::GetPid => Ok(OWN_PID + u32::from(self.has(Flaw::PidIsAnothers))),
            Number::GetMapping => {
                self.claim(a, 1, false)?;
                self.record(b, &Mapping::default()).map(|()| 0)
            }
            Number::SystemInfo => {
                let mut bytes = vec![0; SystemInfo::SIZE_BYTES as usize];
                bytes[0] = 9;
                let info = SystemInfo::decode(&mut Reader::new(&bytes)).unwrap();
                self.record(a, &info).map(|()| 0)
            }
            Number::Shutdown if self.has(Flaw::AnybodyMayEndTheMachine) => Ok(0),
            Number::Shutdown => Err(Errno::NotPermitted),
            Number::Time => {
                let time = Time::decode(&mut Reader::new(&vec![0; Time::SIZE_BYTES as usize])).unwrap();
                self.record(a, &time).map(|()| 0)
            }
            Number::ReadDirectory if a > 5 => {
                self.claim(b, DirectoryEntry::SIZE_BYTES, true).and(Err(Errno::EndOfList))
            }
            Number::ReadDirectory => self.record(b, &DirectoryEntry::new("init", 3).unwrap()).map(|()| 0),
            Number::Kill => self.kill(a),
            Number::SetPriority if b > 2 => Err(Errno::InvalidArgument),
            Number::SetPriority if a == OWN_PID || self.children.contains_key(&a) => {
                if b == 0 {
                    Err(Errno::NotPermitted)
                } else {
                    Ok(0)
                }
            }
            Number::SetPriority => Err(if a == 1 { Errno::NotPermitted } else { Errno::NoSuchProcess }),
            Number::ProcessInfo => self.process_info(a, b),
            Number::SendMessage => self.send(a, b, c, d),
            Number::WaitForMessage => {
                self.claim(a, BUFFER_BYTES, true)?;
                self.receive(a)
            }
            Number::SendAndWait => {
                self.claim(a, BUFFER_BYTES, true)?;
                if b > MESSAGE_MAX_BYTES {
                    return Err(Errno::MessageTooLong);
                }
                let header = self.get(a, 8);
                let word = |at: usize| u32::from_le_bytes(*header[at..].first_chunk().unwrap());
                self.send(word(0), word(4), a + 8, b)?;
                self.receive(a)
            }
            Number::GetPidByName => match self.name(a, b)?.as_str() {
                "init" => Ok(1),
                PROGRAM => Ok(3),
                _ => Err(Errno::NoSuchProcess),
            },
            Number::Open => self.open(a, b),
            Number::Close => {
                let is_open = self.handles.get_mut(a as usize).and_then(Option::take).is_some();
                if is_open || self.has(Flaw::DeadHandleIsAlive) { Ok(0) } else { Err(Errno::BadHandle) }
            }
            Number::Seek if self.has(Flaw::UnlistedError) => Err(Errno::ArgumentsTooLong),
            Number::Seek => self.seek(a, b),
            Number::Stat => self.stat(a, b),
            Number::Create => self.create(a, b),
            Number::Remove => self.remove(a, b),
            Number::Sync => self.file(a).map(|_| 0),
            Number::MapFile => self.map(a, b, c, d, e),
            Number::UnmapFile => {
                let place = self.mapped.iter().position(|mapped| mapped.start == a).ok_or(Errno::BadAddress)?;
                self.mapped.remove(place);
                Ok(0)
            }
            Number::SetLimit if a > self.limit => Err(Errno::NotPermitted),
            Number::SetLimit => {
                self.limit = a;
                Ok(0)
            }
            Number::SetPolicy if (a as usize) < POLICY_NAMES.len() => Ok(0),
            Number::SetPolicy => Err(Errno::InvalidArgument),
            Number::SetTextbook if a <= 2 => Ok(0),
            Number::SetTextbook => Err(Errno::InvalidArgument),
            Number::RegisterPool => self.register_pool(a, b),
            Number::UnregisterPool => {
                let place = self.pools.iter().position(|pool| pool.0 == a).ok_or(Errno::BadAddress)?;
                let (base, pages) = self.pools.remove(place);
                self.regions.retain(|start, _| *start < base || *start >= base + pages * PAGE);
                self.pages.borrow_mut().retain(|page, _| !(base >> 12..(base >> 12) + pages).contains(page));
                Ok(0)
            }
            Number::AllocateInPool => self.allocate_in_pool(a, b),
            Number::SetForeground => match a {
                0 => Ok(0),
                1 | OWN_PID => Err(Errno::NotPermitted),
                child if self.children.contains_key(&child) => Ok(0),
                _ => Err(Errno::NoSuchProcess),
            },
        }
    }

    fn handle(&mut self, handle: u32) -> Result<&mut Handle, Errno> {
        self.handles.get_mut(handle as usize).and_then(Option::as_mut).ok_or(Errno::BadHandle)
    }

    fn file(&mut self, handle: u32) -> Result<Option<File>, Errno> {
        match self.handle(handle)? {
            Handle::File(file, _) => Ok(Some(file.clone())),
            Handle::Program => Ok(None),
            _ => Err(Errno::NotSupported),
        }
    }

    fn add(&mut self, new: Handle) -> Answer {
        let lowest = self.handles.iter().position(Option::is_none).ok_or(Errno::TooManyOpen)?;
        let skips = self.has(Flaw::HandleIsNotTheLowest) && lowest + 1 < 64 && self.handles[lowest + 1].is_none();
        let place = lowest + usize::from(skips);
        self.handles[place] = Some(new);
        Ok(u32::try_from(place).unwrap())
    }

    fn open(&mut self, at: u32, len: u32) -> Answer {
        let name = self.name(at, len)?;
        let (word, rest) = name.split_once(' ').unwrap_or((&name, ""));
        let name = match (word, rest) {
            ("null", "") => return self.add(Handle::Null),
            ("random", seed) if seed.is_empty() || seed.parse::<u64>().is_ok() => return self.add(Handle::Random),
            ("random", _) => return Err(Errno::BadName),
            ("console", "keys" | "keys 5") => return Err(Errno::NotSupported),
            ("console", _) => return Err(Errno::BadName),
            ("file", rest) if name != "file" => rest,
            _ => name.as_str(),
        };
        match name {
            "swap" => Err(Errno::NotPermitted),
            PROGRAM => self.add(Handle::Program),
            _ => {
                let file = self.files.get(name).cloned().ok_or(Errno::NoSuchFile)?;
                self.add(Handle::File(file, 0))
            }
        }
    }

    fn create(&mut self, at: u32, len: u32) -> Answer {
        let name = self.name(at, len)?;
        if name == "swap" || name == PROGRAM || self.files.contains_key(&name) {
            return Err(Errno::AlreadyExists);
        }
        let file = File::default();
        let handle = self.add(Handle::File(file.clone(), 0))?;
        self.files.insert(name, file);
        Ok(handle)
    }

    fn remove(&mut self, at: u32, len: u32) -> Answer {
        match self.name(at, len)?.as_str() {
            "swap" => Err(Errno::NotPermitted),
            name if self.has(Flaw::RemovedFileIsThere) && self.files.contains_key(name) => Ok(0),
            name => self.files.remove(name).map(|_| 0).ok_or(Errno::NoSuchFile),
        }
    }

    fn seek(&mut self, handle: u32, offset: u32) -> Answer {
        let forgets = self.has(Flaw::PositionIsForgotten);
        if let Handle::File(_, position) = self.handle(handle)?
            && !forgets
        {
            *position = offset;
        }
        Ok(0)
    }

    fn stat(&mut self, handle: u32, at: u32) -> Answer {
        self.claim(at, FileInfo::SIZE_BYTES, true)?;
        let (len_bytes, position, device) = match self.handle(handle)? {
            Handle::File(file, position) => (u32::try_from(file.borrow().len()).unwrap(), *position, DeviceKind::File),
            Handle::Program => (9, 0, DeviceKind::File),
            Handle::Random => (0, 0, DeviceKind::Random),
            Handle::Null => (0, 0, DeviceKind::Null),
        };
        self.record(at, &FileInfo { len_bytes, position, device }).map(|()| 0)
    }

    fn read_handle(&mut self, handle: u32, at: u32, len: u32) -> Answer {
        let is_early = self.has(Flaw::ReadStopsEarly);
        let is_wrong = self.has(Flaw::OneByteOfAReadIsWrong) && self.calls.is_multiple_of(7);
        let has_zeros = self.has(Flaw::SharedFilesHaveZeros);
        let own = self.handle(handle)?.clone();
        self.claim(at, len, true)?;
        let bytes = match own {
            Handle::File(file, position) => {
                let content = file.borrow();
                let rest = content.get(position as usize..).unwrap_or_default();
                let count = rest.len().min(len as usize);
                let mut bytes = rest[..if is_early { 0 } else { count }].to_vec();
                if let (true, Some(last)) = (is_wrong, bytes.last_mut()) {
                    *last ^= 1;
                }
                if let (true, Some(last)) = (has_zeros && bytes.starts_with(&[1, 2, 3]), bytes.last_mut()) {
                    *last = 0;
                }
                bytes
            }
            Handle::Random => vec![5; len as usize],
            Handle::Program => vec![0x7F; len.min(3) as usize],
            Handle::Null => Vec::new(),
        };
        self.put(at, &bytes);
        let count = u32::try_from(bytes.len()).unwrap();
        if let Handle::File(_, position) = self.handle(handle)? {
            *position = position.saturating_add(count);
        }
        Ok(count)
    }

    fn write_handle(&mut self, handle: u32, at: u32, len: u32) -> Answer {
        let is_lost = self.has(Flaw::WritesAreLost);
        let own = self.handle(handle)?.clone();
        if let Handle::Random = own {
            return Err(Errno::NotSupported);
        }
        self.claim(at, len, false)?;
        let Handle::File(file, position) = own else {
            return if let Handle::Program = own { Err(Errno::Busy) } else { Ok(len) };
        };
        let end = position.checked_add(len).filter(|&end| end < 8 << 20).ok_or(Errno::DiskFull)? as usize;
        let bytes = self.get(at, len as usize);
        if !bytes.is_empty() {
            let mut content = file.borrow_mut();
            let new_len = content.len().max(end);
            content.resize(new_len, 0);
            if !is_lost {
                content[position as usize..end].copy_from_slice(&bytes);
            }
        }
        if let Handle::File(_, position) = self.handle(handle)? {
            *position += len;
        }
        Ok(len)
    }

    /// The first hole of so many pages from `start` on.
    fn hole(&self, start: u32, pages: u32) -> u32 {
        let is_free = |first: &u32| {
            (0..pages).map(|page| first + page * PAGE).all(|at| !self.is_good(at, false))
                || self.has(Flaw::RegionsOverlap)
        };
        (start..).step_by(PAGE as usize).find(is_free).unwrap()
    }

    fn allocate(&mut self, len: u32) -> Answer {
        match len {
            0 => Err(Errno::InvalidArgument),
            0x4000_0000.. => Err(Errno::OutOfAddressSpace),
            0x10_0000.. => Err(Errno::OutOfMemory),
            _ => {
                let pages = len.div_ceil(PAGE);
                let start = self.hole(HEAP_START, pages);
                self.regions.insert(start, pages);
                Ok(start)
            }
        }
    }

    fn free_pages(&mut self, first: u32, len: u32) -> Answer {
        if !first.is_multiple_of(PAGE) || !len.is_multiple_of(PAGE) || len == 0 {
            return Err(Errno::InvalidArgument);
        }
        let found = self.regions.range(..=first).next_back();
        let (start, end) = found.map(|(start, pages)| (*start, start + pages * PAGE)).ok_or(Errno::BadAddress)?;
        let last = first.checked_add(len).filter(|&last| last <= end).ok_or(Errno::BadAddress)?;
        self.regions.remove(&start);
        for (from, to) in [(start, first), (last, end)] {
            if from < to {
                self.regions.insert(from, (to - from) / PAGE);
            }
        }
        let gone = first >> 12..(last >> 12) + u32::from(self.has(Flaw::PartTakesItsNeighbour));
        self.pages.borrow_mut().retain(|page, _| !gone.contains(page));
        Ok(0)
    }

    fn register_pool(&mut self, base: u32, len: u32) -> Answer {
        if !base.is_multiple_of(PAGE) || !len.is_multiple_of(PAGE) || len == 0 {
            return Err(Errno::InvalidArgument);
        }
        let end =
            base.checked_add(len).filter(|&end| base >= CODE_START && end <= FILE_END).ok_or(Errno::BadAddress)?;
        let pages = len / PAGE;
        let is_taken = |&(other, pages): &(u32, u32)| base < other + pages * PAGE && other < end;
        if self.pools.iter().any(is_taken) || (0..pages).any(|page| self.is_good(base + page * PAGE, false)) {
            return Err(Errno::Overlaps);
        }
        if self.pools.len() >= OWN_POOLS_MAX as usize {
            return Err(Errno::TooManyPools);
        }
        self.pools.push((base, pages));
        Ok(0)
    }

    fn allocate_in_pool(&mut self, base: u32, len: u32) -> Answer {
        let pool = self.pools.iter().find(|pool| pool.0 == base).copied();
        if len == 0 {
            return Err(Errno::InvalidArgument);
        }
        let (base, pool_pages) = pool.ok_or(Errno::BadAddress)?;
        let pages = len.div_ceil(PAGE);
        let is_free = |first: &u32| (0..pages).all(|page| !self.in_region(first + page * PAGE));
        let mut places = (0..(pool_pages + 1).saturating_sub(pages)).map(|page| base + page * PAGE);
        let start = places.find(is_free).ok_or(Errno::OutOfAddressSpace)?;
        let start = if self.has(Flaw::PoolIsLeft) { HEAP_START } else { start };
        self.regions.insert(start, pages);
        Ok(start)
    }

    fn map(&mut self, handle: u32, offset: u32, len: u32, access: u32, address: u32) -> Answer {
        let is_misaligned = address != ANY_ADDRESS && !address.is_multiple_of(PAGE) || !offset.is_multiple_of(PAGE);
        if len == 0 || is_misaligned || ![1, 3].contains(&access) {
            return Err(Errno::InvalidArgument);
        }
        let mut file = self.file(handle)?;
        if file.is_none() && access == 3 {
            return Err(Errno::Busy);
        }
        if self.has(Flaw::MappingIsACopy) {
            file = file.map(|file| Rc::new(RefCell::new(file.borrow().clone())));
        }
        let pages = len.div_ceil(PAGE);
        let start = match address {
            ANY_ADDRESS if len > 0x1000_0000 => return Err(Errno::OutOfAddressSpace),
            ANY_ADDRESS => self.hole(0x8000_0000, pages),
            at if at < CODE_START || u64::from(at) + u64::from(len) > u64::from(FILE_END) => {
                return Err(Errno::BadAddress);
            }
            at if (0..pages).any(|page| self.is_good(at + page * PAGE, false)) => return Err(Errno::Overlaps),
            at => at,
        };
        self.mapped.push(Mapped { start, len, file, offset, is_writable: access == 3 });
        Ok(start)
    }

    fn create_process(&mut self, path: u32, path_len: u32, block: u32, block_len: u32, streams: u32) -> Answer {
        let name = self.name(path, path_len)?;
        self.claim(block, block_len, false)?;
        let block = self.get(block, block_len as usize);
        if block_len > ARGUMENTS_MAX_BYTES {
            return Err(Errno::ArgumentsTooLong);
        }
        if block.last().is_some_and(|&byte| byte != 0) {
            return Err(Errno::InvalidArgument);
        }
        if streams != 0 {
            let bytes = self.get(streams, Streams::SIZE_BYTES as usize);
            let Streams { input, output, errors } = Streams::decode(&mut Reader::new(&bytes)).unwrap();
            for handle in [input, output, errors].into_iter().filter(|&handle| handle != u32::MAX) {
                self.handle(handle)?;
            }
        }
        match name.as_str() {
            "swap" => return Err(Errno::NotPermitted),
            PROGRAM => {}
            name if self.files.contains_key(name) => return Err(Errno::NotExecutable),
            _ => return Err(Errno::NoSuchFile),
        }
        let words: Vec<&[u8]> = block.split(|&byte| byte == 0).collect();
        let code = words.get(2).and_then(|code| std::str::from_utf8(code).ok()?.parse().ok()).unwrap_or(0);
        let pid = self.next_pid;
        self.next_pid += 1;
        self.children.insert(pid, (code, false));
        Ok(pid)
    }

    fn wait(&mut self, asked: u32, at: u32) -> Answer {
        self.claim(at, ExitStatus::SIZE_BYTES, true)?;
        let found = match asked {
            0 => *self.children.keys().next().ok_or(Errno::NoChild)?,
            pid if self.children.contains_key(&pid) => pid,
            _ => return Err(Errno::NoSuchProcess),
        };
        let other = self.children.keys().find(|&&pid| pid != found).copied();
        let pid = other.filter(|_| self.has(Flaw::WrongChildIsWaitedFor) && asked != 0).unwrap_or(found);
        let (code, is_killed) = self.children.remove(&pid).unwrap();
        let code = if self.has(Flaw::ExitCodeIsLost) { 0 } else { code };
        let reason = if is_killed { ExitReason::Killed(OWN_PID) } else { ExitReason::Exited(code) };
        self.record(at, &ExitStatus { pid, reason, account: Account::default() })?;
        Ok(pid)
    }

    fn kill(&mut self, pid: u32) -> Answer {
        match pid {
            1 | 3 | 4 if self.has(Flaw::InitCanBeKilled) => Ok(0),
            1 | 3 | 4 => Err(Errno::NotPermitted),
            _ => {
                self.children.get_mut(&pid).ok_or(Errno::NoSuchProcess)?.1 = true;
                Ok(0)
            }
        }
    }

    fn process_info(&mut self, pid: u32, at: u32) -> Answer {
        self.claim(at, ProcessInfo::SIZE_BYTES, true)?;
        let found = [1, 3, 4, OWN_PID].into_iter().find(|&known| known >= pid).ok_or(Errno::EndOfList)?;
        let info = ProcessInfo {
            pid: found,
            parent: 1,
            class: Class::Interactive,
            state: ProcessState::Running,
            promised: 0,
            resident: 0,
            swapped: 0,
            cpu_tsc: 0,
            name: ProcessName::default(),
            account: Account::default(),
        };
        self.record(at, &info).map(|()| found)
    }

    fn send(&mut self, pid: u32, what: u32, at: u32, len: u32) -> Answer {
        self.claim(at, len, false)?;
        if len > MESSAGE_MAX_BYTES {
            return Err(Errno::MessageTooLong);
        }
        if pid != OWN_PID {
            return if [1, 3, 4].contains(&pid) { Ok(0) } else { Err(Errno::NoSuchProcess) };
        }
        if self.messages.len() > 60 {
            return Err(Errno::QueueFull);
        }
        self.messages.push_back((what, self.get(at, len as usize)));
        Ok(0)
    }

    fn receive(&mut self, at: u32) -> Answer {
        let (what, mut bytes) = self.messages.pop_front().ok_or(Errno::TimedOut)?;
        if let (true, Some(first)) = (self.has(Flaw::MessagesAreMixedUp), bytes.first_mut()) {
            *first ^= 0x10;
        }
        self.put(at, &OWN_PID.to_le_bytes());
        self.put(at + 4, &what.to_le_bytes());
        self.put(at + 8, &bytes);
        Ok(u32::try_from(bytes.len()).unwrap())
    }
}
