//! Calls that tell something, calls that give way, and numbers that no call has.

use alloc::format;
use alloc::string::String;

use abi::process::ProcessInfo;
use abi::record::{DirectoryEntry, SystemInfo, Time};
use abi::{Access, Errno, Number, Reader, Wire};

use super::expect::Expectation;
use super::places::Place;
use super::{Caller, Machine, Outcome, Way, Weighted};

impl<M: Machine> Caller<M> {
    /// One of these calls.
    pub(super) fn other_call(&mut self) -> Outcome {
        let calls: [Weighted<M>; 8] = [
            (30, Self::get_pid),
            (10, Self::give_way),
            (1, Self::sleep),
            (14, Self::process_info),
            (8, Self::system_info),
            (12, Self::time),
            (14, Self::directory),
            (11, Self::no_such_call),
        ];
        let call = self.weighted(&calls);
        call(self)
    }

    fn get_pid(&mut self) -> Outcome {
        let pid = self.must(Number::GetPid, &[])?;
        self.require(pid == self.setup.pid, || format!("its pid is {}", self.setup.pid))
    }

    fn give_way(&mut self) -> Outcome {
        let answer = self.must(Number::Yield, &[])?;
        self.require(answer == 0, || String::from("it returns 0"))
    }

    fn sleep(&mut self) -> Outcome {
        let milliseconds = self.random.below(3);
        let answer = self.must(Number::Sleep, &[milliseconds])?;
        self.require(answer == 0, || String::from("it returns 0"))
    }

    fn process_info(&mut self) -> Outcome {
        let mut expected = Expectation::of(Number::ProcessInfo);
        let pid = match self.random.below(4) {
            0 => self.setup.pid,
            1 => {
                expected.fault(Errno::EndOfList);
                u32::MAX - self.random.below(1000)
            }
            2 => self.random.below(self.setup.pid),
            _ => {
                expected.perhaps(Errno::EndOfList);
                self.setup.pid.wrapping_add(self.random.below(10))
            }
        };
        let Place { at, .. } = self.buffer(ProcessInfo::SIZE_BYTES, Access::Write, &mut expected);
        let Ok(found) = self.make(Number::ProcessInfo, &[pid, at], &expected)? else { return Ok(()) };
        let bytes = self.bytes_at(at, ProcessInfo::SIZE_BYTES);
        let record = ProcessInfo::decode(&mut Reader::new(&bytes)).map(|record| record.pid);
        self.require(found >= pid && record == Some(found), || format!("the record is that of {record:?}"))
    }

    fn system_info(&mut self) -> Outcome {
        let mut expected = Expectation::of(Number::SystemInfo);
        let Place { at, .. } = self.buffer(SystemInfo::SIZE_BYTES, Access::Write, &mut expected);
        if self.make(Number::SystemInfo, &[at], &expected)?.is_err() {
            return Ok(());
        }
        let bytes = self.bytes_at(at, SystemInfo::SIZE_BYTES);
        let info = SystemInfo::decode(&mut Reader::new(&bytes));
        let adds_up = info.is_some_and(|info| {
            let used = info.frames_free + info.frames_tables + info.frames_files;
            used <= info.frames_total && info.pages_promised <= info.pages_promisable
        });
        self.require(adds_up, || String::from("the machine's account does not add up"))
    }

    fn time(&mut self) -> Outcome {
        let mut expected = Expectation::of(Number::Time);
        let Place { at, .. } = self.buffer(Time::SIZE_BYTES, Access::Write, &mut expected);
        self.make(Number::Time, &[at], &expected).map(|_| ())
    }

    fn directory(&mut self) -> Outcome {
        let mut expected = Expectation::of(Number::ReadDirectory);
        let index = match self.random.below(3) {
            0 => {
                expected.fault(Errno::EndOfList);
                u32::MAX - self.random.below(1000)
            }
            1 => 0,
            _ => {
                expected.perhaps(Errno::EndOfList);
                self.random.below(120)
            }
        };
        let Place { at, .. } = self.buffer(DirectoryEntry::SIZE_BYTES, Access::Write, &mut expected);
        if self.make(Number::ReadDirectory, &[index, at], &expected)?.is_err() {
            return Ok(());
        }
        let bytes = self.bytes_at(at, DirectoryEntry::SIZE_BYTES);
        let entry = DirectoryEntry::decode(&mut Reader::new(&bytes));
        self.require(entry.is_some_and(|entry| !entry.name().is_empty()), || String::from("the entry has no name"))
    }

    /// A number that the table does not have.
    fn no_such_call(&mut self) -> Outcome {
        let first = u32::try_from(Number::ALL.len()).unwrap_or(0);
        let number = match self.random.below(3) {
            0 => first,
            1 => u32::MAX - self.random.below(100),
            _ => first.saturating_add(self.random.edge() & 0x7FFF_FFFF),
        };
        let arguments = [0; 5].map(|_: u32| self.random.edge());
        let is_fast = self.setup.has_fast_calls && self.random.once_in(2);
        let way = if is_fast { Way::Fast } else { Way::Interrupt };
        let word = self.machine.call(way, number, arguments);
        self.describe(&format!("call {number}"), &arguments, way, word);
        self.require(abi::may_return(number, word), || String::from("no call has this number"))
    }
}
