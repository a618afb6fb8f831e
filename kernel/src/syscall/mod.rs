//! Calls from ring 3: decoded by the one table in `abi`, answered by one function each.

mod files;
mod info;
mod memory;
mod messages;
mod process;
mod streams;

use abi::{Call, Errno};

use crate::memory::user::UserMemory;
use crate::process::{Current, scheduler};

/// Answers a call: what is to be left in `eax`.
#[inline(always)]
pub fn dispatch(number: u32, arguments: &[u32; 5]) -> u32 {
    let answer = match Call::decode(number, arguments) {
        Ok(call) => answer(call),
        Err(error) => Err(error),
    };
    let word = match answer {
        Ok(value) => value,
        Err(error) => error.to_result_word(),
    };
    // A process that was killed ends before it could read the word.
    debug_assert!(
        abi::may_return(number, word) || scheduler::is_killed(),
        "call {number} must not answer {word:#010x}: see the table in `abi`"
    );
    word
}

/// The process that made a call.
#[derive(Clone, Copy)]
struct Caller {
    process: Current,
    memory: UserMemory,
}

impl Caller {
    #[inline]
    fn current() -> Self {
        let process = scheduler::current();
        Self { process, memory: UserMemory::new(process.space) }
    }
}

#[inline(always)]
fn answer(call: Call) -> Result<u32, Errno> {
    // Asked for where it is needed, so that decoding and answering a call become one jump.
    let caller = Caller::current;
    match call {
        Call::Exit { code } => process::exit(code),
        Call::Write { handle, buffer, len_bytes } => streams::write(caller(), handle, buffer, len_bytes),
        Call::AllocateMemory { len_bytes } => memory::allocate(caller(), len_bytes),
        Call::FreeMemory { start } => memory::free(caller(), start),
        Call::FreePages { start, len_bytes } => memory::free_pages(caller(), start, len_bytes),
        Call::RegisterPool { base, len_bytes } => memory::register_pool(caller(), base, len_bytes),
        Call::UnregisterPool { base } => memory::unregister_pool(caller(), base),
        Call::AllocateInPool { base, len_bytes } => memory::allocate_in_pool(caller(), base, len_bytes),
        Call::CreateProcess { path, path_len, arguments, arguments_len, streams } => {
            process::create(caller(), path, path_len, arguments, arguments_len, streams)
        }
        Call::Wait { pid, status } => process::wait(caller(), pid, status),
        Call::Kill { pid } => process::kill(caller(), pid),
        Call::SetPriority { pid, class } => process::set_priority(caller(), pid, class),
        Call::ProcessInfo { pid, info } => info::process_info(caller(), pid, info),
        Call::Yield {} => process::yield_now(),
        Call::Sleep { milliseconds } => process::sleep(milliseconds),
        Call::GetPid {} => Ok(scheduler::current_pid().number()),
        Call::GetMapping { address, mapping } => memory::mapping(caller(), address, mapping),
        Call::SystemInfo { info } => info::system_info(caller(), info),
        Call::Read { handle, buffer, len_bytes } => streams::read(caller(), handle, buffer, len_bytes),
        Call::Shutdown { status } => process::shutdown(caller(), status),
        Call::Time { time } => info::time(caller(), time),
        Call::SendMessage { pid, what, bytes, len_bytes } => messages::send(caller(), pid, what, bytes, len_bytes),
        Call::WaitForMessage { buffer, milliseconds } => messages::wait(caller(), buffer, milliseconds),
        Call::SendAndWait { buffer, len_bytes, milliseconds } => {
            messages::send_and_wait(caller(), buffer, len_bytes, milliseconds)
        }
        Call::GetPidByName { name, name_len } => process::find(caller(), name, name_len),
        Call::Open { path, path_len } => files::open(caller(), path, path_len),
        Call::Close { handle } => files::close(handle),
        Call::Seek { handle, offset } => files::seek(handle, offset),
        Call::Stat { handle, info } => files::stat(caller(), handle, info),
        Call::Create { path, path_len } => files::create(caller(), path, path_len),
        Call::Remove { path, path_len } => files::remove(caller(), path, path_len),
        Call::Sync { handle } => files::sync(handle),
        Call::MapFile { handle, offset, len_bytes, access, address } => {
            files::map(caller(), handle, offset, len_bytes, access, address)
        }
        Call::SetLimit { pages } => memory::set_limit(caller(), pages),
        Call::SetPolicy { policy } => memory::set_policy(policy),
        Call::SetTextbook { on } => memory::set_textbook(on),
        Call::UnmapFile { start } => files::unmap(caller(), start),
        Call::SetForeground { pid } => process::set_foreground(caller(), pid),
        Call::ReadDirectory { index, entry } => info::read_directory(caller(), index, entry),
    }
}
