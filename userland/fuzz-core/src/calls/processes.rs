//! `CreateProcess`, `Wait`, `Kill`, `SetPriority`, `SetForeground`, `GetPidByName`, `Shutdown`.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use abi::device::{NO_HANDLE, Streams};
use abi::image::SWAP_FILE;
use abi::layout::ARGUMENTS_MAX_BYTES;
use abi::record::ExitStatus;
use abi::{Access, Errno, ExitReason, Number, Reader, Wire, Writer};

use super::expect::Expectation;
use super::files::Opened;
use super::places::Place;
use super::{Caller, Machine, Outcome, PROGRAM, Weighted};

/// A child that was started.
#[derive(Clone, Copy, Debug)]
pub struct Child {
    pid: u32,
    /// What it exits with, if no process kills it.
    code: u32,
}

/// The most children that the program has at once.
const CHILDREN_MAX: usize = 3;
/// The longest time a child sleeps before it exits.
const NAP_MAX_MS: u32 = 20;

impl<M: Machine> Caller<M> {
    /// A call about processes.
    pub(super) fn process_call(&mut self) -> Outcome {
        let calls: [Weighted<M>; 8] = [
            (10, Self::create_process),
            (10, Self::wait),
            (10, Self::kill),
            (10, Self::set_priority),
            (3, Self::set_foreground),
            (8, Self::find_process),
            (4, Self::shutdown),
            (6, Self::wait_for_nobody),
        ];
        let call = self.weighted(&calls);
        call(self)
    }

    /// A pid near the program's own: it may be that of a process that runs beside it, or of none.
    pub(super) fn near_pid(&mut self) -> u32 {
        self.setup.pid.wrapping_add(self.random.below(24)).wrapping_sub(12).max(1)
    }

    fn create_process(&mut self) -> Outcome {
        let mut expected = Expectation::of(Number::CreateProcess);
        self.expect_limit(&mut expected);
        if self.children.len() >= CHILDREN_MAX {
            // It shall not come to be.
            expected.fault(Errno::NoSuchFile);
        }
        let code = self.random.word() & 0xFFFF;
        let file = match self.random.below(8) {
            _ if self.children.len() >= CHILDREN_MAX => self.unknown_name(),
            0 => {
                expected.fault(Errno::NotPermitted);
                String::from(SWAP_FILE)
            }
            1 => {
                // A file of its own is no program. It may not exist, or be mapped to be written to.
                expected.fault(Errno::NotExecutable);
                expected.perhaps(Errno::NoSuchFile);
                expected.perhaps(Errno::Busy);
                self.own_file_name()
            }
            _ => String::from(PROGRAM),
        };
        let arguments = self.child_arguments(code, &mut expected);
        let streams = self.child_streams(&mut expected);
        let [path, path_len] = self.name(&file, &mut expected);
        let [block, block_len] = self.argument_block(&arguments, &mut expected);
        let answer = self.make(Number::CreateProcess, &[path, path_len, block, block_len, streams], &expected)?;
        let Ok(pid) = answer else { return Ok(()) };
        self.require(pid != self.setup.pid && pid > 1, || String::from("the pid is another process's"))?;
        self.children.push(Child { pid, code });
        Ok(())
    }

    /// The block of arguments for a child that sleeps for a while and exits with `code`.
    fn child_arguments(&mut self, code: u32, expected: &mut Expectation) -> Vec<u8> {
        let nap = self.random.below(NAP_MAX_MS).to_string();
        let mut block = format!("nap\0{nap}\0{code}\0").into_bytes();
        match self.random.below(20) {
            0 => {
                expected.fault(Errno::InvalidArgument);
                block.pop();
            }
            1 => {
                expected.fault(Errno::ArgumentsTooLong);
                block.resize(ARGUMENTS_MAX_BYTES as usize + 1, 0);
            }
            _ => {}
        }
        block
    }

    /// Puts the block where the call can read it. The name lies in the notes, so that the block lies at the arena's start.
    fn argument_block(&mut self, block: &[u8], expected: &mut Expectation) -> [u32; 2] {
        let len = u32::try_from(block.len()).unwrap_or(0);
        if self.random.once_in(20) {
            let Place { at, is_good: false } = self.buffer(u32::MAX - len, Access::Read, expected) else {
                return [0, 0];
            };
            expected.perhaps(Errno::ArgumentsTooLong);
            return [at, u32::MAX - len];
        }
        let at = self.setup.edge;
        self.machine.write(at, block);
        [at, len]
    }

    /// Draws which handles the child gets. If memory is too short for it, it says so: that shall not get into a file.
    fn child_streams(&mut self, expected: &mut Expectation) -> u32 {
        let is_file =
            |opened: Option<&Opened>| matches!(opened, Some(Opened::Own(..) | Opened::Shared | Opened::Program));
        if !self.random.once_in(3) && !(0..3).any(|handle| is_file(self.files.get(handle))) {
            return 0;
        }
        let mut handles = [NO_HANDLE; 3];
        for (place, handle) in handles.iter_mut().enumerate() {
            if self.random.once_in(2) {
                *handle = self.handle(|_| true);
            }
            if place > 0 && is_file(self.files.get(*handle)) {
                *handle = NO_HANDLE;
            }
            if *handle != NO_HANDLE && self.files.get(*handle).is_none() {
                expected.fault(Errno::BadHandle);
            }
        }
        let [input, output, errors] = handles;
        let mut record = [0; Streams::SIZE_BYTES as usize];
        Streams { input, output, errors }.encode(&mut Writer::new(&mut record));
        let at = self.setup.arena;
        self.machine.write(at, &record);
        at
    }

    /// Waits for a child, which ends soon.
    fn wait(&mut self) -> Outcome {
        if self.children.is_empty() {
            return self.wait_for_nobody();
        }
        let place = self.random.place_in(self.children.len());
        let asked = if self.random.once_in(3) { 0 } else { self.children[place].pid };
        self.wait_for(asked)
    }

    fn wait_for(&mut self, asked: u32) -> Outcome {
        let mut expected = Expectation::of(Number::Wait);
        let Place { at, .. } = self.buffer(ExitStatus::SIZE_BYTES, Access::Write, &mut expected);
        let Ok(pid) = self.make(Number::Wait, &[asked, at], &expected)? else { return Ok(()) };
        let place = self.children.iter().position(|child| child.pid == pid && (asked == 0 || asked == pid));
        let Some(place) = place else { return Err(self.mistake("that is no child it was to wait for")) };
        let child = self.children.swap_remove(place);
        let found = self.bytes_at(at, ExitStatus::SIZE_BYTES);
        let Some(status) = ExitStatus::decode(&mut Reader::new(&found)) else {
            return Err(self.mistake("the record makes no sense"));
        };
        self.require(status.pid == pid, || format!("the status is that of process {}", status.pid))?;
        let is_right = match status.reason {
            ExitReason::Exited(code) => code == child.code,
            ExitReason::Killed(_) => true,
            // Its stack may not grow if memory is short, and its limit may be too low for it.
            ExitReason::Fault { kind, .. } => kind == abi::FaultKind::StackRefused,
        };
        let reason = status.reason;
        self.require(is_right, || format!("child {pid} was to exit with {}, but {reason}", child.code))
    }

    /// Waits for a process that is no child.
    fn wait_for_nobody(&mut self) -> Outcome {
        let mut expected = Expectation::of(Number::Wait);
        let pid = if self.children.is_empty() && self.random.once_in(2) {
            expected.fault(Errno::NoChild);
            0
        } else {
            expected.fault(Errno::NoSuchProcess);
            self.random.one_of(&[1, self.setup.pid, 0x7FFF_FFFF, u32::MAX])
        };
        let Place { at, .. } = self.buffer(ExitStatus::SIZE_BYTES, Access::Write, &mut expected);
        self.make(Number::Wait, &[pid, at], &expected).map(|_| ())
    }

    fn kill(&mut self) -> Outcome {
        let mut expected = Expectation::of(Number::Kill);
        let pid = match self.random.below(200) {
            // A process that runs beside this one, or of which nothing is known.
            0 => {
                expected.perhaps(Errno::NoSuchProcess);
                expected.perhaps(Errno::NotPermitted);
                match self.near_pid() {
                    own if own == self.setup.pid => u32::MAX,
                    other => other,
                }
            }
            1..=60 if !self.children.is_empty() => {
                // It may have ended by itself.
                expected.perhaps(Errno::NoSuchProcess);
                self.children[self.random.place_in(self.children.len())].pid
            }
            61..=120 if !self.setup.protected.is_empty() => {
                expected.fault(Errno::NotPermitted);
                self.setup.protected[self.random.place_in(self.setup.protected.len())]
            }
            _ => {
                expected.fault(Errno::NoSuchProcess);
                self.random.one_of(&[0, 0x7FFF_FFFF, 0x8000_0000, u32::MAX])
            }
        };
        self.make(Number::Kill, &[pid], &expected).map(|_| ())
    }

    fn set_priority(&mut self) -> Outcome {
        let mut expected = Expectation::of(Number::SetPriority);
        let class = match self.random.below(6) {
            0 => 0,
            1 => 3 + (self.random.edge() >> 2),
            _ => 1 + self.random.below(2),
        };
        if class > 2 {
            expected.fault(Errno::InvalidArgument);
        }
        // How far it has sunk is the scheduler's business.
        let (pid, is_near) = match self.random.below(4) {
            0 => (self.random.one_of(&[0, 0x7FFF_FFFF, u32::MAX]), false),
            1 if !self.children.is_empty() => (self.children[self.random.place_in(self.children.len())].pid, true),
            2 => (1, false),
            _ => (self.setup.pid, true),
        };
        expected.perhaps(Errno::NotPermitted);
        expected.perhaps(Errno::NoSuchProcess);
        if !is_near {
            expected.fault(if pid == 1 { Errno::NotPermitted } else { Errno::NoSuchProcess });
        }
        if class == 0 && class <= 2 {
            expected.fault(Errno::NotPermitted);
        }
        self.make(Number::SetPriority, &[pid, class], &expected).map(|_| ())
    }

    fn set_foreground(&mut self) -> Outcome {
        let mut expected = Expectation::of(Number::SetForeground);
        expected.perhaps(Errno::NotPermitted);
        let pid = match self.random.below(4) {
            0 if !self.children.is_empty() => {
                expected.perhaps(Errno::NoSuchProcess);
                self.children[0].pid
            }
            1 => {
                expected.fault(Errno::NotPermitted);
                self.random.one_of(&[1, self.setup.pid])
            }
            2 => {
                expected.fault(Errno::NoSuchProcess);
                self.random.one_of(&[0x7FFF_FFFF, u32::MAX])
            }
            _ => 0,
        };
        self.make(Number::SetForeground, &[pid], &expected).map(|_| ())
    }

    fn find_process(&mut self) -> Outcome {
        let mut expected = Expectation::of(Number::GetPidByName);
        let (name, pid) = match self.random.below(3) {
            0 => (String::from("init"), Some(1)),
            1 => (String::from(PROGRAM), None),
            _ => {
                expected.fault(Errno::NoSuchProcess);
                (self.unknown_name(), None)
            }
        };
        let arguments = self.name(&name, &mut expected);
        let answer = self.make(Number::GetPidByName, &arguments, &expected)?;
        let is_right = answer.is_err() || pid.is_none() || answer.ok() == pid;
        self.require(is_right, || String::from("another process has that name"))
    }

    /// Only init, the shell and their children may do this.
    fn shutdown(&mut self) -> Outcome {
        let mut expected = Expectation::of(Number::Shutdown);
        expected.fault(Errno::NotPermitted);
        let status = self.random.word();
        self.make(Number::Shutdown, &[status], &expected).map(|_| ())
    }

    /// Kills all children and waits for them.
    ///
    /// # Errors
    /// The mistake that was found.
    pub(super) fn end_children(&mut self) -> Outcome {
        while let Some(&Child { pid, .. }) = self.children.last() {
            let mut expected = Expectation::of(Number::Kill);
            expected.perhaps(Errno::NoSuchProcess);
            self.make(Number::Kill, &[pid], &expected)?.ok();
            self.wait_for(pid)?;
        }
        let mut expected = Expectation::of(Number::Wait);
        expected.fault(Errno::NoChild);
        self.make(Number::Wait, &[0, self.setup.arena], &expected).map(|_| ())
    }
}
