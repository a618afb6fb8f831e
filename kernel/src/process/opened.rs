//! What processes have open and mapped.

use abi::Errno;
use alloc::vec::Vec;
use kcore::addr::Page;
use kcore::vfs::{self, ConsoleMode, DescriptorId, Handles, OpenFile, OpenTable, Streams};
use kcore::vm_pool::FileRef;

use super::Process;
use super::scheduler::{self, with_scheduler};
use crate::cell::KernelCell;
use crate::files::{self, FileUse};

/// A device that was opened.
pub type Device = vfs::Device<FileUse>;

/// What is open in the whole machine.
static OPEN: KernelCell<OpenTable<Device>> = KernelCell::new(OpenTable::new());

/// A share in something that is open, given back when dropped. The last one closes it.
struct Descriptor(Option<DescriptorId>);

impl Descriptor {
    fn new(device: Device) -> Result<Self, Errno> {
        // A device that finds no place is closed only after the table was left.
        let opened = OPEN.with(|open| open.open(device));
        opened.map(|id| Self(Some(id))).map_err(|_| Errno::OutOfMemory)
    }

    fn share(&self) -> Option<Self> {
        let id = OPEN.with(|open| open.share(self.0.as_ref()?))?;
        Some(Self(Some(id)))
    }

    fn with<R>(&self, work: impl FnOnce(&mut Device) -> R) -> Option<R> {
        OPEN.with(|open| open.get_mut(self.0.as_ref()?).map(work))
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        if let Some(id) = self.0.take() {
            // As above: closing a file may forget its pages.
            drop(OPEN.with(|open| open.release(id)));
        }
    }
}

/// How many devices are open.
pub fn count() -> u32 {
    OPEN.with(|open| open.count())
}

/// A mapped file: it stays while it is mapped, whoever closes or removes it.
pub struct Mapped {
    /// The first page of the mapping.
    pub start: Page,
    /// The file.
    pub file: FileUse,
    /// It is mapped to be written to, and nobody has seen to its changes yet.
    pub writes: bool,
}

/// Everything a process has open.
#[derive(Default)]
pub struct Opened {
    handles: Handles<Descriptor>,
    mapped: Vec<Mapped>,
}

impl Opened {
    /// What the first process begins with: the console, thrice.
    ///
    /// # Errors
    /// `OutOfMemory`.
    pub fn of_first() -> Result<Self, Errno> {
        let console = Descriptor::new(Device::Console(ConsoleMode::Lines))?;
        let streams = [console.share(), console.share(), Some(console)];
        Ok(Self { handles: Handles::of_streams(streams)?, mapped: Vec::new() })
    }

    /// What a child of the current process begins with: these of its handles, or its own streams.
    ///
    /// # Errors
    /// `BadHandle`, `OutOfMemory`.
    pub fn of_child(streams: Option<Streams>) -> Result<Self, Errno> {
        let inherited = with_opened(|opened| {
            let streams = streams.unwrap_or_else(|| opened.handles.own_streams());
            opened.handles.inherit(streams, Descriptor::share)
        })?;
        Ok(Self { handles: Handles::of_streams(inherited)?, mapped: Vec::new() })
    }
}

/// Works on what the current process has open. Nothing in `work` may wait.
fn with_opened<R>(work: impl FnOnce(&mut Opened) -> R) -> R {
    let slot = scheduler::current_slot();
    let done = with_scheduler(|scheduler| {
        scheduler.table.get_mut(slot).map(|process: &mut Process| work(&mut process.opened))
    });
    match done {
        Some(result) => result,
        None => unreachable!("the current process is in the table"),
    }
}

/// Gives the device a handle.
///
/// # Errors
/// `TooManyOpen`, `OutOfMemory`.
pub fn add(device: Device) -> Result<u32, Errno> {
    let descriptor = Descriptor::new(device)?;
    let added = with_opened(|opened| opened.handles.open(descriptor));
    added.map_err(|_| Errno::TooManyOpen)
}

/// Works on what has this handle. Nothing in `work` may wait.
///
/// # Errors
/// `BadHandle`.
pub fn with_device<R>(handle: u32, work: impl FnOnce(&mut Device) -> R) -> Result<R, Errno> {
    with_opened(|opened| opened.handles.get(handle)?.with(work)).ok_or(Errno::BadHandle)
}

/// Works on an open file. Nothing in `work` may wait.
///
/// # Errors
/// `BadHandle`, `NotSupported` if it is another device.
pub fn with<R>(handle: u32, work: impl FnOnce(&mut OpenFile<FileUse>) -> R) -> Result<R, Errno> {
    with_device(handle, |device| device.as_file().map(work))?
}

/// Closes a handle.
///
/// # Errors
/// `BadHandle`.
pub fn close(handle: u32) -> Result<(), Errno> {
    let closed = with_opened(|opened| opened.handles.close(handle));
    closed.map(drop).ok_or(Errno::BadHandle)
}

/// Closes everything that the current process has open; what is mapped stays.
pub fn close_all() {
    drop(with_opened(|opened| core::mem::take(&mut opened.handles)));
}

/// Makes sure that [`add_mapping`] will have room.
///
/// # Errors
/// `OutOfMemory`.
pub fn reserve_mapping() -> Result<(), Errno> {
    with_opened(|opened| opened.mapped.try_reserve(1)).map_err(|_| Errno::OutOfMemory)
}

/// Remembers a mapping.
pub fn add_mapping(mapped: Mapped) {
    with_opened(|opened| opened.mapped.push(mapped));
}

/// Forgets the mapping that begins at `start`.
pub fn take_mapping(start: Page) -> Option<Mapped> {
    with_opened(|opened| {
        let place = opened.mapped.iter().position(|mapped| mapped.start == start)?;
        Some(opened.mapped.swap_remove(place))
    })
}

/// Brings what the current process has changed through mappings onto the disk, each file once; waits. If that fails, whoever syncs the
/// file next is told.
pub fn write_back_mappings() {
    let take_next = || -> Option<FileRef> {
        with_opened(|opened| {
            let file = opened.mapped.iter().find(|mapped| mapped.writes)?.file.file_ref();
            opened.mapped.iter_mut().filter(|mapped| mapped.file.file_ref() == file).for_each(|one| one.writes = false);
            Some(file)
        })
    };
    while let Some(file) = take_next() {
        files::write_back(file);
    }
}
