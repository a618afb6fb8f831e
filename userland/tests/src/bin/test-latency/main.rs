//! No interrupt waits for long while programs give the kernel as much to do at once as they can.
//!
//! The kernel measures it with the option `latency`. `test-latency LOAD...` runs only these loads, and prints what was measured.
#![no_std]
#![no_main]

extern crate alloc;

mod company;
mod files;
mod mappings;
mod memory;
mod processes;

use alloc::vec::Vec;

use libsys::test::Verdict;
use libsys::{Args, Error, check, eprintln, println, system};

/// A load: what it does, until that is done.
type Load = fn() -> Result<(), Error>;

/// No interrupt waits longer than this.
const BOUND_US: u64 = 5000;

/// Makes a test of each load, and the list of all loads.
macro_rules! loads {
    ($($name:literal: $load:path, $test:ident;)*) => {
        libsys::entry!(main, tests: [$($test),*]);

        /// All loads with their names.
        const LOADS: &[(&str, Load)] = &[$(($name, $load)),*];

        $(fn $test() -> Verdict {
            stays_within_bound($load)
        })*
    };
}

loads! {
    "kill": processes::create_and_kill, killed_processes_hold_up_no_interrupt;
    "chain": processes::kill_in_a_chain, chain_of_descendants_holds_up_no_interrupt;
    "control-c": processes::end_by_control_c, control_c_holds_up_no_interrupt;
    "sleep": processes::sleep_until_the_same_tick, waking_sleepers_hold_up_no_interrupt;
    "messages": processes::send_messages, long_messages_hold_up_no_interrupt;
    "free": memory::free, freed_memory_holds_up_no_interrupt;
    "exit": memory::exit, process_with_a_gibibyte_that_ends_holds_up_no_interrupt;
    "swap": memory::swap, swapped_memory_holds_up_no_interrupt;
    "map-write": mappings::write, file_mapped_100000_times_is_written_and_holds_up_no_interrupt;
    "map-swap": mappings::swap, file_mapped_100000_times_is_evicted_and_holds_up_no_interrupt;
    "map-exit": mappings::exit, processes_with_100000_mappings_end_and_hold_up_no_interrupt;
    "write": files::write, large_write_holds_up_no_interrupt;
    "sync": files::sync, sync_holds_up_no_interrupt;
    "directory": files::directory, full_directory_holds_up_no_interrupt;
    "remove": files::remove, removed_files_hold_up_no_interrupt;
    "fragments": files::fragments, file_in_many_pieces_holds_up_no_interrupt;
    "console": files::console, output_holds_up_no_interrupt;
}

fn main() -> Result<u32, Error> {
    let words: Vec<&str> = Args::new().collect();
    match words.as_slice() {
        [company::CHILD, _, words @ ..] => child(words),
        names => measure(names),
    }
}

/// Runs the loads of these names, or all, and prints what the kernel has measured.
fn measure(names: &[&str]) -> Result<u32, Error> {
    if let Some(unknown) = names.iter().find(|name| !LOADS.iter().any(|(known, _)| known == *name)) {
        eprintln!("there is no load `{unknown}`");
        return Ok(2);
    }
    for (name, load) in LOADS.iter().filter(|(name, _)| names.is_empty() || names.contains(name)) {
        let gap = gap_during(*load)?;
        println!("{name}: {} us", gap / (system::time()?.tsc_hz / 1_000_000));
    }
    Ok(0)
}

fn stays_within_bound(load: Load) -> Verdict {
    let gap = gap_during(load)?;
    let gap_us = gap / (system::time()?.tsc_hz / 1_000_000);
    println!("an interrupt has waited for {gap_us} us");
    check!(gap > 0, "the kernel does not measure it: it was not started with `latency`");
    check!(gap_us <= BOUND_US, "an interrupt has waited for {gap_us} us");
    Ok(())
}

/// The longest time without an interrupt during this load, in counts of the time-stamp counter.
fn gap_during(load: Load) -> Result<u64, Error> {
    // This begins a new measurement.
    system::time()?;
    load()?;
    Ok(system::time()?.longest_gap_tsc)
}

/// What a child of a load does.
fn child(words: &[&str]) -> Result<u32, Error> {
    match words {
        ["sleep"] => company::wait_for_the_end(),
        ["chain", length] => processes::chain(length),
        ["sleep-until", tsc, hz] => processes::sleep_until(tsc, hz),
        ["send", peers @ ..] => processes::send_to(peers),
        ["promise-and-touch", touched] => memory::promise_and_touch(touched),
        ["map", pages] => mappings::map_often(pages),
        ["remove"] => files::open_and_remove(),
        ["write-to-console"] => files::write_to_console(),
        _ => Ok(2),
    }
}
