//! The table, as lines of text.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use libsys::process::{ProcessInfo, ProcessState};

use crate::Moment;

/// How many processes fit on the screen, below the bars and above the cursor.
pub const ROWS: usize = 18;

/// How many characters long a bar is.
const BAR: usize = 40;

/// A process and what it did between two moments.
struct Row<'a> {
    process: &'a ProcessInfo,
    cpu_percent: u64,
    faults_a_second: u64,
}

/// What happened between two moments; those who did most first, at most so many.
pub fn draw(before: &Moment, now: &Moment, tsc_hz: u64, rows: usize) -> Vec<String> {
    let elapsed_ms = u64::try_from((now.when - before.when).as_millis()).unwrap_or(u64::MAX).max(1);
    let system = &now.system;
    let faults = a_second(system.account.faults.wrapping_sub(before.system.account.faults), elapsed_ms);
    let swapped_in = a_second(system.account.swap_ins.wrapping_sub(before.system.account.swap_ins), elapsed_ms);
    let swapped_out = a_second(system.account.swap_outs.wrapping_sub(before.system.account.swap_outs), elapsed_ms);
    let mut lines = Vec::from([
        format!("frames {}", bar(system.frames_total - system.frames_free, system.frames_total)),
        format!("swap   {}", bar(system.slots_total - system.slots_free, system.slots_total)),
        format!(
            "{} processes; in a second {faults} page faults, {swapped_in} pages swapped in, {swapped_out} out",
            system.processes
        ),
        String::from("  pid state     cpu %  faults/s  resident  swapped  promised  name"),
    ]);
    let mut table: Vec<Row> =
        now.processes.iter().map(|process| row(before.process(process.pid), process, elapsed_ms, tsc_hz)).collect();
    table.sort_by_key(|row| core::cmp::Reverse((row.cpu_percent, row.faults_a_second, row.process.resident)));
    lines.extend(table.iter().take(rows).map(line));
    lines
}

fn row<'a>(before: Option<&ProcessInfo>, process: &'a ProcessInfo, elapsed_ms: u64, tsc_hz: u64) -> Row<'a> {
    let (cpu_before, faults_before) = before.map_or((0, 0), |before| (before.cpu_tsc, before.account.faults));
    let cpu_ms = process.cpu_tsc.saturating_sub(cpu_before) / (tsc_hz / 1000).max(1);
    Row {
        process,
        cpu_percent: (cpu_ms * 100 / elapsed_ms).min(100),
        faults_a_second: a_second(process.account.faults.wrapping_sub(faults_before), elapsed_ms),
    }
}

fn line(row: &Row<'_>) -> String {
    let ProcessInfo { pid, state, resident, swapped, promised, name, .. } = row.process;
    let name = if *state == ProcessState::Ended { "-" } else { name.as_str() };
    format!(
        "{pid:>5} {state:<8} {:>6} {:>9} {resident:>9} {swapped:>8} {promised:>9}  {name}",
        row.cpu_percent, row.faults_a_second
    )
}

fn a_second(count: u32, elapsed_ms: u64) -> u64 {
    u64::from(count) * 1000 / elapsed_ms
}

/// As `[#####.....] 50 of 100`.
fn bar(used: u32, total: u32) -> String {
    let length = usize::try_from(u64::from(used) * BAR as u64 / u64::from(total.max(1))).unwrap_or(BAR).min(BAR);
    format!("[{}{}] {used} of {total}", "#".repeat(length), ".".repeat(BAR - length))
}
