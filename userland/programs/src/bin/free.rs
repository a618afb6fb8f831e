//! `free`: what memory is used for.
#![no_std]
#![no_main]

use libsys::{println, system};
use tools::{Outcome, Problem};

libsys::entry!(main, about: "Shows how memory is used");

const USAGE: &str = "usage: free
Shows what frames and the swap file are used for, in pages of 4096 bytes.";

fn main() -> u32 {
    tools::run(USAGE, |arguments| if arguments.is_empty() { show() } else { Err(Problem::Usage) })
}

fn show() -> Outcome {
    let info = system::info()?;
    println!("            total     used     free");
    row("frames", info.frames_total, info.frames_free);
    row("swap", info.slots_total, info.slots_free);
    row("promises", info.pages_promisable, info.pages_promisable.saturating_sub(info.pages_promised));
    println!(
        "{} frames hold page tables, {} pages of files; {} of the kernel's own are free",
        info.frames_tables, info.frames_files, info.kernel_frames_free
    );
    if info.slots_bad > 0 {
        println!("{} pages of the swap file cannot be written to", info.slots_bad);
    }
    Ok(0)
}

fn row(name: &str, total: u32, free: u32) {
    println!("{name:<8} {total:>8} {:>8} {free:>8}", total.saturating_sub(free));
}
