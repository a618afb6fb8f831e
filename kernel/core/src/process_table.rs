//! Who exists, who is whose child, and how they ended.
//!
//! The table decides; the kernel keeps what needs a CPU (stack, saved registers) in the entry's payload `T`.

mod family;
mod foreground;
mod pid_index;
mod rights;
#[cfg(test)]
mod tests;

use abi::Class;
use abi::record::ExitStatus;

use crate::addr::Pid;
use crate::frame_table::OutOfMemory;
use crate::table::Table;
use pid_index::PidIndex;

pub use family::{ChildChoice, WaitError, WaitOutcome, Woken};
pub use foreground::Foreground;
pub use rights::Denied;

/// Names a process inside the kernel: its place in the table. Reused once the process was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessSlot(u16);

impl ProcessSlot {
    /// The process at this place of the table.
    pub const fn new(index: u16) -> Self {
        Self(index)
    }

    /// The place in the table.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The place in the table, as [`new`](Self::new) takes it.
    pub const fn number(self) -> u16 {
        self.0
    }
}

/// As many processes as there are while a user sits at the prompt: memory for their entries is kept.
pub const FEW_PROCESSES: usize = 8;

/// The most processes that can exist at once, those not yet waited for included.
pub const MAX_PROCESSES: u16 = 2048;

enum Life<T> {
    /// It runs, waits or sleeps.
    Alive(T),
    /// It has ended and was not waited for yet. All that is left is its reason.
    Ended(ExitStatus),
}

struct Entry<T> {
    pid: Pid,
    parent: Option<Pid>,
    life: Life<T>,
    /// It is blocked in `Wait` for this child (or any).
    waits_for: Option<ChildChoice>,
    /// Its parent is not who started it: that one has ended, and init has taken its place.
    is_adopted: bool,
    /// Somebody has made it real-time; see [`ProcessTable::grant_class`].
    may_be_real_time: bool,
    /// The class into which somebody else has put it last, or its parent; see [`ProcessTable::class_of_child`].
    given: Class,
    /// Who has killed it, if it was killed. It ends as soon as it can.
    killed_by: Option<Pid>,
}

/// Why no process can be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddError {
    /// [`MAX_PROCESSES`] exist.
    TableFull,
    /// The kernel has no memory for the entry.
    OutOfMemory,
    /// The parent was killed, perhaps while it was starting this one: nobody would be left who answers for it.
    ParentKilled,
}

impl From<OutOfMemory> for AddError {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

/// All processes.
pub struct ProcessTable<T> {
    entries: Table<Entry<T>>,
    slots: PidIndex,
    next_pid: u32,
}

impl<T> ProcessTable<T> {
    /// Makes a table without processes.
    ///
    /// # Errors
    /// `OutOfMemory` if there is no memory for its lists: they have room for every process.
    pub fn new() -> Result<Self, OutOfMemory> {
        let entries = Table::new(MAX_PROCESSES as usize, FEW_PROCESSES)?;
        Ok(Self { entries, slots: PidIndex::new()?, next_pid: Pid::INIT.number() })
    }

    /// Adds a process. The first has [`Pid::INIT`].
    ///
    /// # Errors
    /// `TableFull` at [`MAX_PROCESSES`], `OutOfMemory`, `ParentKilled`; nothing has changed then and `payload` is dropped.
    pub fn add(&mut self, parent: Option<Pid>, payload: T) -> Result<(ProcessSlot, Pid), AddError> {
        if parent.and_then(|parent| self.killer(self.slot_of(parent)?)).is_some() {
            return Err(AddError::ParentKilled);
        }
        let index = self.entries.first_free().and_then(|index| u16::try_from(index).ok());
        let slot = ProcessSlot(index.ok_or(AddError::TableFull)?);
        let pid = self.unused_pid();
        let parent_entry = parent.and_then(|parent| self.entry(self.slot_of(parent)?));
        let given = parent_entry.map_or(Class::Interactive, |parent| parent.given);
        let place = self.entries.place(slot.index()).ok_or(AddError::OutOfMemory)?;
        *place = Some(Entry {
            pid,
            parent,
            life: Life::Alive(payload),
            waits_for: None,
            is_adopted: false,
            may_be_real_time: parent.is_none(),
            given,
            killed_by: None,
        });
        self.slots.insert(pid, slot);
        Ok((slot, pid))
    }

    /// Pids count up; after 2^31 of them they start again behind init, passing over those that exist.
    fn unused_pid(&mut self) -> Pid {
        loop {
            let pid = Pid::new(self.next_pid);
            self.next_pid =
                if self.next_pid < i32::MAX.unsigned_abs() { self.next_pid + 1 } else { Pid::INIT.number() + 1 };
            if self.slot_of(pid).is_none() {
                return pid;
            }
        }
    }

    /// The process with this pid, alive or not yet waited for.
    #[inline]
    pub fn slot_of(&self, pid: Pid) -> Option<ProcessSlot> {
        self.slots.find(pid, |slot| self.pid(slot) == Some(pid))
    }

    /// The slot and payload of the process with this pid, if it is alive.
    #[inline]
    pub fn alive_mut(&mut self, pid: Pid) -> Option<(ProcessSlot, &mut T)> {
        let slot = self.slot_of(pid)?;
        Some((slot, self.get_mut(slot)?))
    }

    /// The lowest pid of the processes that are alive and whose payload is wanted.
    pub fn lowest_pid(&self, is_wanted: impl Fn(&T) -> bool) -> Option<Pid> {
        let alive = self.entries.iter().map(|(_, entry)| entry);
        let wanted = alive.filter(|entry| matches!(&entry.life, Life::Alive(payload) if is_wanted(payload)));
        wanted.map(|entry| entry.pid).min()
    }

    /// The payload of a process that is alive.
    #[inline]
    pub fn get(&self, slot: ProcessSlot) -> Option<&T> {
        match self.entries.get(slot.index())? {
            Entry { life: Life::Alive(payload), .. } => Some(payload),
            Entry { life: Life::Ended(_), .. } => None,
        }
    }

    /// The payload of a process that is alive.
    #[inline]
    pub fn get_mut(&mut self, slot: ProcessSlot) -> Option<&mut T> {
        match self.entries.get_mut(slot.index())? {
            Entry { life: Life::Alive(payload), .. } => Some(payload),
            Entry { life: Life::Ended(_), .. } => None,
        }
    }

    /// What is needed of a process that is to run: its payload, its pid, and whether it was killed. `None` if it is not alive.
    #[inline]
    pub fn to_run(&mut self, slot: ProcessSlot) -> Option<(&mut T, Pid, bool)> {
        match self.entries.get_mut(slot.index())? {
            Entry { life: Life::Alive(payload), pid, killed_by, .. } => Some((payload, *pid, killed_by.is_some())),
            Entry { life: Life::Ended(_), .. } => None,
        }
    }

    /// The pid of the process in this slot.
    #[inline]
    pub fn pid(&self, slot: ProcessSlot) -> Option<Pid> {
        Some(self.entries.get(slot.index())?.pid)
    }

    /// The process with the lowest pid that is not below `pid`, alive or not yet waited for.
    pub fn first_from(&self, pid: Pid) -> Option<ProcessSlot> {
        let exist = self.entries.iter().map(|(index, entry)| (entry.pid, index));
        let (_, index) = exist.filter(|&(found, _)| found >= pid).min()?;
        u16::try_from(index).ok().map(ProcessSlot)
    }

    /// The parent of the process in this slot; none has init.
    pub fn parent(&self, slot: ProcessSlot) -> Option<Pid> {
        self.entries.get(slot.index())?.parent
    }

    /// How the process in this slot ended, if it has.
    pub fn status(&self, slot: ProcessSlot) -> Option<&ExitStatus> {
        match self.entries.get(slot.index())? {
            Entry { life: Life::Ended(status), .. } => Some(status),
            Entry { life: Life::Alive(_), .. } => None,
        }
    }

    /// How many processes exist, those that were not waited for included.
    pub fn count(&self) -> u32 {
        self.entries.iter().fold(0, |count, _| count + 1)
    }
}
