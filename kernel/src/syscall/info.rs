//! `SystemInfo`, `ProcessInfo`, `Time`, `ReadDirectory`.

use abi::Errno;
use abi::process::ProcessInfo;
use abi::record::{DirectoryEntry, SystemInfo, Time};
use kcore::addr::Pid;

use super::Caller;
use crate::cpu::interrupts;
use crate::drivers::{latency, rtc, timer};
use crate::files;
use crate::memory::{frames, paging};
use crate::process::scheduler::with_scheduler;
use crate::process::{self, opened};

/// The state of the machine.
pub(super) fn system_info(caller: Caller, info: u32) -> Result<u32, Errno> {
    caller.memory.check_record::<SystemInfo>(info)?;
    let processes = with_scheduler(|scheduler| scheduler.table.count());
    let state = paging::with_memory(|memory| {
        let pager = &memory.pager;
        SystemInfo {
            frames_total: pager.frames_total(),
            frames_free: pager.pool().free_count(),
            frames_tables: pager.frames().tables(),
            frames_files: pager.cached_pages(),
            slots_total: pager.slots().total(),
            slots_free: pager.slots().free_count(),
            slots_bad: pager.slots().bad_count(),
            pages_promised: pager.ledger().promised(),
            pages_promisable: pager.ledger().promisable(),
            kernel_frames_free: frames::free_count(),
            processes,
            devices_open: opened::count(),
            policy: policy_number(pager.policy_name()),
            account: *pager.totals(),
        }
    });
    caller.memory.write_record(info, &state).map(|()| 0)
}

/// One process.
pub(super) fn process_info(caller: Caller, pid: u32, info: u32) -> Result<u32, Errno> {
    caller.memory.check_record::<ProcessInfo>(info)?;
    let found = process::info(Pid::new(pid)).ok_or(Errno::EndOfList)?;
    caller.memory.write_record(info, &found).map(|()| found.pid)
}

/// A policy's place in the list that programs know.
fn policy_number(name: &str) -> u32 {
    let place = abi::POLICY_NAMES.iter().position(|known| *known == name);
    place.and_then(|place| u32::try_from(place).ok()).unwrap_or(0)
}

/// The time.
pub(super) fn time(caller: Caller, time: u32) -> Result<u32, Errno> {
    let now = Time {
        uptime_ms: timer::uptime_ms(),
        tsc_hz: timer::tsc_hz(),
        first_program_tsc: timer::first_program_tsc(),
        halted_tsc: interrupts::halted_tsc(),
        started_unix_seconds: rtc::started_unix_seconds(),
        longest_gap_tsc: latency::take_longest_gap_tsc(),
    };
    caller.memory.write_record(time, &now).map(|()| 0)
}

/// One entry of the directory.
pub(super) fn read_directory(caller: Caller, index: u32, entry: u32) -> Result<u32, Errno> {
    caller.memory.check_record::<DirectoryEntry>(entry)?;
    let found = files::directory_entry(index).ok_or(Errno::EndOfList)?;
    caller.memory.write_record(entry, &found).map(|()| 0)
}
