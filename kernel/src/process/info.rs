//! What is told of processes.

use abi::process::{ProcessInfo, ProcessName};
use abi::record::Account;
use kcore::addr::Pid;
use kcore::pager::AddressSpace;

use super::scheduler::with_scheduler;
use crate::memory::paging::with_memory;

/// What is known of the process with the lowest pid from `from` on.
pub fn info(from: Pid) -> Option<ProcessInfo> {
    let (mut info, space) = with_scheduler(|scheduler| {
        let slot = scheduler.table.first_from(from)?;
        let process = scheduler.table.get(slot);
        let info = ProcessInfo {
            pid: scheduler.table.pid(slot)?.number(),
            parent: scheduler.table.parent(slot).map_or(0, Pid::number),
            class: scheduler.dispatcher.class(slot),
            state: scheduler.state(slot),
            promised: 0,
            resident: 0,
            swapped: 0,
            cpu_tsc: process.map_or(0, |process| process.cpu_tsc) + scheduler.since_given_cpu(slot),
            name: process.map_or(ProcessName::default(), |process| process.name),
            account: scheduler.table.status(slot).map_or(Account::default(), |status| status.account),
        };
        Some((info, process.map(|process| process.space)))
    })?;
    let Some(space) = space else { return Some(info) };
    with_memory(|memory| {
        info.account = memory.pager.spaces().get(space).map(AddressSpace::account).copied().unwrap_or_default();
        info.promised = memory.pager.promised(space);
        info.resident = memory.pager.resident(space);
        info.swapped = memory.pager.swapped(space);
    });
    Some(info)
}
