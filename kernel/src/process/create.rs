//! How a process begins: everything is checked and reserved by the parent, so that the child cannot fail for lack of anything.

use alloc::vec::Vec;
use core::fmt;

use abi::process::ProcessName;
use abi::{Class, Errno};
use kcore::addr::{PAGE_SIZE, Page, Pid, VirtAddr};
use kcore::frame_table::SpaceId;
use kcore::messages::Mailbox;
use kcore::pager::{AddressSpace, GrantError};
use kcore::process_table::AddError;
use kcore::program::ProgramImage;
use kcore::user_slice::UserSlice;
use kcore::vm_pool::{Backing, Rights};

use super::opened::Opened;
use super::scheduler::{self, with_scheduler};
use super::{Arguments, Current, Killed, Process, Start, WaitsFor};
use crate::cpu::fpu::FpuState;
use crate::cpu::switch::{self, enter_user};
use crate::drivers::timer;
use crate::files::{self, FileUse, ProgramError};
use crate::memory::paging::{self, with_memory};
use crate::memory::stacks::KernelStack;
use crate::memory::user::UserMemory;

/// Why a program cannot be started. Nothing is left behind then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateError {
    /// Its file cannot be used.
    Program(ProgramError),
    /// Its memory cannot be promised, or the kernel has none for it.
    OutOfMemory,
    /// Its memory is more than it may be promised.
    OverLimit,
    /// The process table is full.
    TooManyProcesses,
    /// Its arguments cannot be passed.
    Arguments(Errno),
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program(error) => error.fmt(f),
            Self::OutOfMemory => f.write_str("out of memory"),
            Self::OverLimit => f.write_str("over the limit of pages"),
            Self::TooManyProcesses => f.write_str("too many processes"),
            Self::Arguments(error) => error.fmt(f),
        }
    }
}

impl From<CreateError> for Errno {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Program(error) => error.into(),
            CreateError::OutOfMemory => Self::OutOfMemory,
            CreateError::OverLimit => Self::OverLimit,
            CreateError::TooManyProcesses => Self::TooManyProcesses,
            CreateError::Arguments(error) => error,
        }
    }
}

impl From<ProgramError> for CreateError {
    fn from(error: ProgramError) -> Self {
        Self::Program(error)
    }
}

impl From<GrantError> for CreateError {
    fn from(error: GrantError) -> Self {
        match error {
            GrantError::OverLimit => Self::OverLimit,
            _ => Self::OutOfMemory,
        }
    }
}

/// An address space that is destroyed again unless the process it is for comes to life.
struct NewSpace(Option<SpaceId>);

impl Drop for NewSpace {
    fn drop(&mut self) {
        if let Some(id) = self.0.take() {
            paging::destroy_space(id);
        }
    }
}

/// Starts the program in file `path` as a child of `parent`, with these things open.
///
/// # Errors
/// See [`CreateError`].
pub fn create(parent: Option<Pid>, path: &str, arguments: Arguments, opened: Opened) -> Result<Pid, CreateError> {
    let reader = parent.map_or(SpaceId::FILES, |_| scheduler::current().space);
    let (program, image) = files::open_program(reader, path)?;
    let stack = KernelStack::new().ok_or(CreateError::OutOfMemory)?;
    let fpu = FpuState::boxed().ok_or(CreateError::OutOfMemory)?;
    let limit = with_memory(|memory| memory.pager.spaces().get(reader).map_or(u32::MAX, AddressSpace::limit));
    let mut space = NewSpace(Some(paging::create_space(limit)?));
    let Some(id) = space.0 else { return Err(CreateError::OutOfMemory) };
    grant_segments(id, &program, &image)?;
    let directory = with_memory(|memory| memory.pager.spaces().get(id).and_then(|space| space.directory()));
    // SAFETY: `KernelStack::new` has mapped the stack above, and nobody runs on it before the process is enlisted.
    unsafe { switch::prepare(stack.end(), begin) };
    let process = Process {
        name: ProcessName::new(path),
        stack,
        space: id,
        directory: directory.ok_or(CreateError::OutOfMemory)?,
        fpu,
        mailbox: Mailbox::default(),
        _program: program,
        opened,
        start: Some(Start { entry: image.entry, arguments }),
        waits_for: WaitsFor::Time,
        cpu_tsc: 0,
    };
    let pid = enlist(parent, process)?;
    space.0 = None;
    Ok(pid)
}

/// Puts the process into the table, in the class that its parent hands down, and makes it runnable.
fn enlist(parent: Option<Pid>, process: Process) -> Result<Pid, CreateError> {
    with_scheduler(|scheduler| {
        let parent_slot = parent.and_then(|pid| scheduler.table.slot_of(pid));
        let class = parent_slot.map(|slot| scheduler.table.class_of_child(slot, scheduler.dispatcher.class(slot)));
        let (slot, pid) = scheduler.table.add(parent, process).map_err(|error| match error {
            AddError::TableFull => CreateError::TooManyProcesses,
            AddError::OutOfMemory => CreateError::OutOfMemory,
            AddError::ParentKilled => CreateError::Arguments(Killed.into()),
        })?;
        scheduler.dispatcher.set_class(slot, class.unwrap_or(Class::Interactive));
        scheduler.dispatcher.enqueue(slot);
        Ok(pid)
    })
}

/// Grants the program's segments and the top of its stack.
fn grant_segments(id: SpaceId, program: &FileUse, image: &ProgramImage) -> Result<(), GrantError> {
    with_memory(|memory| {
        for segment in &image.segments {
            let backing = Backing::File {
                file: program.file_ref(),
                first_page: segment.file_first_page,
                len_bytes: segment.file_len_bytes,
                shared: false,
            };
            memory.pager.allocate_at(id, segment.first_page, segment.page_count, segment.rights, backing)?;
        }
        let top = Page::containing(VirtAddr::new(abi::layout::STACK_END - 1));
        memory.pager.allocate_at(id, top, 1, Rights::READ | Rights::WRITE, Backing::Zero)
    })
}

/// The first that a new process does, on its own kernel stack and in its own address space.
extern "C" fn begin() -> ! {
    scheduler::bury();
    super::end_if_killed();
    let current = scheduler::current();
    let start =
        with_scheduler(|scheduler| scheduler.table.get_mut(current.slot).and_then(|process| process.start.take()));
    let Some(Start { entry, arguments }) = start else { panic!("process {} begins twice", current.pid) };
    match push_arguments(current, &arguments) {
        Ok(stack) => {
            drop(arguments);
            if current.pid == Pid::INIT {
                crate::provoke::run();
                timer::note_first_program();
            }
            super::end_if_killed();
            enter_user(entry, stack)
        }
        Err(_) => {
            drop(arguments);
            super::end::end_without_stack()
        }
    }
}

/// Puts the arguments on top of the new stack: `argc`, `argv[0..argc]`, a null, and above them the strings.
fn push_arguments(current: Current, arguments: &Arguments) -> Result<VirtAddr, Errno> {
    let strings = (abi::layout::STACK_END - arguments.len_bytes()) & !15;
    let vector = (strings - (arguments.count + 2) * 4) & !15;
    let memory = UserMemory::new(current.space);
    memory.write(UserSlice::bytes(strings, arguments.len_bytes())?, &arguments.bytes)?;
    let mut place = vector;
    let mut push = |word: u32| -> Result<(), Errno> {
        let claim = UserSlice::bytes(place, 4)?;
        place += 4;
        memory.write(claim, &word.to_le_bytes())
    };
    push(arguments.count)?;
    let mut string = strings;
    for argument in arguments.bytes.split_inclusive(|&byte| byte == 0) {
        push(string)?;
        string += u32::try_from(argument.len()).unwrap_or(0);
    }
    push(0)?;
    Ok(VirtAddr::new(vector))
}

const _: () = assert!(abi::layout::ARGUMENTS_MAX_BYTES + 64 < PAGE_SIZE, "the strings fit into the stack's first page");

impl Arguments {
    /// The program's name and the block of its arguments, each of which ends with a zero byte.
    ///
    /// # Errors
    /// `InvalidArgument` if the last argument has no zero byte, `ArgumentsTooLong`, `OutOfMemory`.
    pub fn new(name: &str, block: &[u8]) -> Result<Self, Errno> {
        if block.last().is_some_and(|&byte| byte != 0) {
            return Err(Errno::InvalidArgument);
        }
        let len = name.len() + 1 + block.len();
        if len > abi::layout::ARGUMENTS_MAX_BYTES as usize {
            return Err(Errno::ArgumentsTooLong);
        }
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).map_err(|_| Errno::OutOfMemory)?;
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(block);
        let count = bytes.iter().fold(0, |count, &byte| count + u32::from(byte == 0));
        Ok(Self { bytes: bytes.into_boxed_slice(), count })
    }

    fn len_bytes(&self) -> u32 {
        u32::try_from(self.bytes.len()).unwrap_or(u32::MAX)
    }
}
