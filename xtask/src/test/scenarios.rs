//! Whole machines: piggies on too little memory, disks and memories that are too small or spoiled.

use std::fs::File;
use std::os::unix::fs::FileExt;

use abi::image::{FRAMES_MIN, PARTITION_SECTOR, SECTOR_SIZE};
use anyhow::Result;

use super::guest::{Boot, Case, Outcome};
use super::programs::BOCHS_CPUS;
use super::report::Verdict;
use super::swap_pieces;
use crate::build::Guest;
use crate::machine::End;

/// Statuses of a machine that could not start, and of a program that could not.
const MACHINE_CANNOT_START: u32 = 126;
const PROGRAM_CANNOT_START: u32 = 127;

/// A judge of one test.
pub type Judge = fn(&Outcome) -> Verdict;

/// All scenarios.
///
/// # Errors
/// If a program cannot be read.
pub fn cases(guest: &Guest) -> Result<Vec<Case>> {
    let policies = abi::POLICY_NAMES.map(|name| ("policies", under_policy(name), swapped as Judge));
    let piggies = piggies().into_iter().map(|(boot, judge)| ("piggies", boot, judge));
    let disks = disks(guest)?.into_iter().map(|(boot, judge)| ("disks", boot, judge));
    let machines = machines().into_iter().map(|(boot, judge)| ("machines", boot, judge));
    let console =
        ("console", Boot::new("lines_of_three_processes_stay_whole", &["assist", "print"]), lines_are_whole as Judge);
    let all: Vec<_> = piggies.chain(policies).chain(disks).chain(machines).chain([console]).collect();
    let in_bochs = all.iter().filter(|(_, boot, _)| ALSO_IN_BOCHS.contains(&boot.name.as_str()));
    let in_bochs: Vec<_> = in_bochs.map(|(subject, boot, judge)| case_in_bochs(subject, boot, *judge)).collect();
    let cases = all.into_iter().map(|(subject, boot, judge)| case(subject, boot, judge));
    Ok(cases.chain(in_bochs).chain(piggies_in_bochs()).collect())
}

/// A case of one test.
pub fn case(subject: &str, boot: Boot, judge: Judge) -> Case {
    let names = vec![format!("guest::{subject}::{}", boot.name)];
    Case { boot, names, judge: Box::new(move |outcome| vec![judge(outcome)]) }
}

/// Scenarios that are tried in Bochs, too: ends of machines, of which the last bytes of a message must come out, and faults in ring 0.
const ALSO_IN_BOCHS: [&str; 8] = [
    "spoiled_boot_parameters_say_so",
    "a_spoiled_kernel_says_so",
    "an_exit_code_is_the_machines_status",
    "input_reaches_one_who_says_nothing_first",
    "a_page_fault_of_the_kernel_is_reported",
    "the_kernels_text_is_read_only",
    "a_kernel_stack_overflow_is_reported",
    "a_kernel_panic_is_reported",
];

/// The same on a machine in Bochs.
fn case_in_bochs(subject: &str, boot: &Boot, judge: Judge) -> Case {
    let (place, cpu) = BOCHS_CPUS[0];
    let mut case = case(&format!("{subject}_{place}"), boot.clone().in_bochs(cpu), judge);
    case.boot.name = format!("{}-{place}", boot.name);
    case
}

/// Each of the processes `a`, `b` and `c` has printed 30 lines of 1,000 bytes, and 30 of 4,096 bytes, and no line has letters of two.
fn lines_are_whole(outcome: &Outcome) -> Verdict {
    outcome.expect_status(0)?;
    let torn = |line: &&str| {
        let mixed = ["ab", "ba", "ac", "ca", "bc", "cb"];
        line.len() > 100 && mixed.iter().any(|pair| line.contains(pair))
    };
    if let Some(line) = outcome.output.lines().find(torn) {
        return Err(format!("a line has letters of two processes: {line}"));
    }
    for (letter, len) in ["a", "b", "c"].into_iter().flat_map(|letter| [(letter, 999), (letter, 4095)]) {
        let whole = letter.repeat(len);
        let count = outcome.output.lines().filter(|line| *line == whole).count();
        if count != 30 {
            return Err(format!("{count} of 30 lines of `{letter}` have all of their {len} letters"));
        }
    }
    Ok(())
}

/// Piggies, on few frames and on many.
fn piggies() -> Vec<(Boot, Judge)> {
    let few = |name: &str, program: &[&str]| Boot::new(name, program).option("check=100");
    vec![
        (few("twenty_of_25_pages_share_256_frames", &["piggies", "20", "25", "3"]).frames(256), swapped),
        (few("twenty_of_100_pages_share_1024_frames", &["piggies", "20", "100", "3"]).frames(1024), swapped),
        (few("two_hundred_of_40_pages_share_2048_frames", &["piggies", "200", "40", "3"]).frames(2048), verified_200),
        (few("eight_of_40_pages_share_64_frames", &["piggies", "8", "40", "3"]).frames(64), swapped),
        (
            Boot {
                spoil: Some(swap_pieces::break_up),
                ..few("a_swap_file_in_pieces_serves_as_well", &["piggies", "20", "25", "3"]).frames(256).swap(4)
            },
            swapped,
        ),
        (few("programmed_io_serves_as_well", &["piggies", "8", "25", "3"]).frames(128).option("pio"), swapped),
        (
            few("one_page_at_a_time_serves_as_well", &["piggies", "20", "25", "3"])
                .frames(256)
                .option("cleaner=off")
                .option("readahead=off"),
            swapped,
        ),
        (few("textbook_order_serves_as_well", &["piggies", "20", "25", "3"]).frames(256).option("textbook"), swapped),
        (
            few("a_gibibyte_of_heap_costs_what_is_touched", &["assist", "sparse-heap"])
                .frames(20_000)
                .ram(128)
                .swap(1100),
            sparse,
        ),
        (
            few("a_gibibyte_of_heap_is_kept_on_few_frames", &["assist", "sparse-heap"]).frames(600).ram(64).swap(1100),
            kept,
        ),
        (
            few("ten_programs_with_untouched_stacks_share_few_frames", &["piggies", "10", "4", "2"]).frames(80),
            ten_verified,
        ),
        (few("vm_pools_pass_their_test_on_64_frames", &["vm-pools"]).frames(64), pools_passed),
        (few("one_of_2000_pages_lives_on_64_frames", &["piggy", "2000", "2"]).frames(64).ram(16), one_verified),
        (few("nobody_borrows_while_frames_are_free", &["piggies", "20", "25", "3"]).frames(2048), not_swapped),
        (
            few("a_full_swap_file_refuses_piggies_and_harms_none", &["piggies", "20", "100", "2"]).frames(128).swap(2),
            some_refused,
        ),
        (few("a_piggy_that_cannot_be_kept_is_refused", &["piggy", "1000", "1"]).frames(64).swap(1), one_refused),
    ]
}

/// Piggies again, with victims chosen in this way.
fn under_policy(name: &str) -> Boot {
    Boot::new(&format!("{name}_serves_twenty_piggies"), &["piggies", "20", "25", "3"])
        .frames(256)
        .option(&format!("policy={name}"))
        .option("check=100")
}

/// The herds of the two courses on machines in Bochs, whose disk is slow.
fn piggies_in_bochs() -> impl Iterator<Item = Case> {
    let herds = [("25", 256), ("100", 1024)];
    let policies = ["random", "clock", "wsclock"];
    let all = herds.into_iter().flat_map(move |herd| policies.into_iter().map(move |policy| (herd, policy)));
    BOCHS_CPUS.into_iter().flat_map(move |(place, cpu)| {
        all.clone().map(move |((pages, frames), policy)| {
            let name = format!("{policy}_serves_twenty_of_{pages}_pages_on_{frames}_frames");
            let boot = Boot::new(&name, &["piggies", "20", pages, "3"]).frames(frames).in_bochs(cpu);
            let boot = boot.option(&format!("policy={policy}")).option("check=500");
            let mut case = case(&format!("piggies_{place}"), boot, swapped);
            case.boot.name = format!("{name}_{place}");
            case
        })
    })
}

/// The numbers of the row of totals: faults, zero fills, swap-ins, swap-outs, clean drops.
fn totals(outcome: &Outcome) -> Result<Vec<u32>, String> {
    let row = outcome.output.lines().find_map(|line| line.trim_start().strip_prefix("total "));
    let numbers = row.map(|row| row.split_whitespace().filter_map(|word| word.parse().ok()).collect());
    numbers.filter(|numbers: &Vec<u32>| numbers.len() == 5).ok_or_else(|| "there is no row of totals".into())
}

fn pools_passed(outcome: &Outcome) -> Verdict {
    outcome.expect_status(0)?;
    outcome.expect_text("Test Passed!")
}

fn swapped(outcome: &Outcome) -> Verdict {
    outcome.expect_status(0)?;
    outcome.expect_text(" piggies verified")?;
    match totals(outcome)?.as_slice() {
        &[_, _, swap_ins, swap_outs, _] if swap_ins > 0 && swap_outs > 0 => Ok(()),
        other => Err(format!("nothing was swapped: {other:?}")),
    }
}

fn verified_200(outcome: &Outcome) -> Verdict {
    outcome.expect_text("200 of 200 piggies verified")?;
    swapped(outcome)
}

fn not_swapped(outcome: &Outcome) -> Verdict {
    outcome.expect_status(0)?;
    outcome.expect_text("20 of 20 piggies verified")?;
    match totals(outcome)?.as_slice() {
        &[_, zero_fills, 0, 0, 0] if zero_fills >= 500 => Ok(()),
        other => Err(format!("somebody borrowed: {other:?}")),
    }
}

fn sparse(outcome: &Outcome) -> Verdict {
    outcome.expect_status(0)?;
    outcome.expect_text("262080 pages promised: 0 frames less; 2621 touched: 2876 frames less, 255 of them tables;")
}

fn kept(outcome: &Outcome) -> Verdict {
    outcome.expect_status(0)
}

fn ten_verified(outcome: &Outcome) -> Verdict {
    outcome.expect_status(0)?;
    outcome.expect_text("10 of 10 piggies verified")
}

fn one_verified(outcome: &Outcome) -> Verdict {
    outcome.expect_status(0)?;
    outcome.expect_text(": 2000 pages, 2 rounds, ok")
}

fn some_refused(outcome: &Outcome) -> Verdict {
    outcome.expect_status(1)?;
    outcome.expect_text(" verified ")?;
    outcome.expect_text("out of memory")?;
    if outcome.output.contains("MISMATCH") { Err("a piggy was harmed".into()) } else { Ok(()) }
}

fn one_refused(outcome: &Outcome) -> Verdict {
    outcome.expect_status(1)?;
    outcome.expect_text("cannot have 1000 pages: out of memory")
}

/// Disks and files that are not what they should be.
fn disks(guest: &Guest) -> Result<Vec<(Boot, Judge)>> {
    let spoiled = |name: &str, spoil: fn(&File) -> std::io::Result<()>| Boot {
        spoil: Some(spoil),
        ..Boot::new(name, &["hello"])
    };
    let with_file = |name: &str, bytes: Vec<u8>| Boot { files: vec![("odd", bytes)], ..Boot::new(name, &["odd"]) };
    let hello = std::fs::read(guest.program("hello")?)?;
    let partition = u64::from(PARTITION_SECTOR) * u64::from(SECTOR_SIZE);
    debug_assert_eq!(partition, 1 << 20);
    Ok(vec![
        (spoiled("an_image_cut_short_in_the_kernel_says_so", |image| image.set_len(100_000)), |outcome| {
            outcome.expect_status(MACHINE_CANNOT_START)?;
            outcome.expect_text("cannot be read (BIOS status")?;
            outcome.expect_text("is the disk image cut short?")
        }),
        (spoiled("an_image_cut_short_in_the_partition_says_so", |image| image.set_len(3 << 20)), |outcome| {
            outcome.expect_status(MACHINE_CANNOT_START)?;
            outcome.expect_text("the image is cut short")
        }),
        (spoiled("a_spoiled_kernel_says_so", |image| image.write_all_at(b"FLE", 64 * 512 + 1)), |outcome| {
            outcome.expect_status(MACHINE_CANNOT_START)?;
            outcome.expect_text("the kernel on the disk is no 32-bit ELF program\n")
        }),
        (spoiled("spoiled_boot_parameters_say_so", |image| image.write_all_at(b"x", 512)), |outcome| {
            outcome.expect_status(MACHINE_CANNOT_START)?;
            outcome.expect_text("no BorrowOS boot parameters\n")
        }),
        (spoiled("a_spoiled_file_system_says_so", |image| image.write_all_at(&[0; 16], 1 << 20)), |outcome| {
            outcome.expect_status(MACHINE_CANNOT_START)?;
            outcome.expect_text("the file system cannot be used")
        }),
        (with_file("a_program_cut_short_says_so", hello[..6000.min(hello.len())].to_vec()), not_a_program),
        (with_file("a_text_is_no_program", b"#!/bin/sh\n".to_vec()), not_a_program),
        (with_file("an_empty_file_is_no_program", Vec::new()), not_a_program),
        (Boot::new("no_such_program_says_so", &["nosuchprogram"]), |outcome| {
            outcome.expect_status(PROGRAM_CANNOT_START)?;
            outcome.expect_text("cannot start nosuchprogram: no such file")
        }),
    ])
}

fn not_a_program(outcome: &Outcome) -> Verdict {
    outcome.expect_status(PROGRAM_CANNOT_START)?;
    outcome.expect_text("cannot start odd: not an executable program")
}

/// Machines of odd sizes, odd options, and other ways to start.
fn machines() -> Vec<(Boot, Judge)> {
    vec![
        (Boot::new("one_mebibyte_is_too_little", &["hello"]).ram(1), |outcome| {
            outcome.expect_status(MACHINE_CANNOT_START)?;
            outcome.expect_text("too little memory: the kernel needs")
        }),
        (Boot::new("two_mebibytes_are_too_little", &["hello"]).ram(2), |outcome| {
            outcome.expect_status(MACHINE_CANNOT_START)?;
            outcome.expect_text("BorrowOS needs at least")
        }),
        (Boot::new("four_mebibytes_are_enough", &["hello"]).ram(4), greets),
        (Boot::new("three_gibibytes_are_not_too_much", &["hello"]).ram(3000), greets),
        (Boot { by_qemu: true, ..Boot::new("any_multiboot_loader_will_do", &["hello"]) }, greets),
        (Boot::new("fewer_frames_than_the_shell_and_a_program_need_are_refused", &["hello"]).frames(19), |outcome| {
            outcome.expect_status(MACHINE_CANNOT_START)?;
            outcome.expect_text("frames=19 is too little: the shell and one program need at least 20 frames")
        }),
        (
            Boot {
                typed: b"hello\nexit\n".to_vec(),
                ..Boot::new("least_number_of_frames_is_enough_for_the_shell_and_a_program", &[])
            }
            .frames(FRAMES_MIN)
            .option("policy=FIFO"),
            |outcome| {
                outcome.expect_status(0)?;
                outcome.expect_text("Hello from process 3!")
            },
        ),
        (Boot::new("an_unknown_option_is_named", &["hello"]).option("colour=red"), |outcome| {
            outcome.expect_text("option `colour=red` is not known")?;
            greets(outcome)
        }),
        (Boot::new("arguments_come_through_whole", &["hello", "a b", "", "100%", "ä"]), |outcome| {
            outcome.expect_status(0)?;
            outcome.expect_text("Hello from process 2: a b  100% ä!")
        }),
        (
            Boot { typed: b"hi\n".to_vec(), ..Boot::new("input_reaches_one_who_says_nothing_first", &["cat"]) },
            |outcome| {
                outcome.expect_status(0)?;
                outcome.expect_text("hi")
            },
        ),
        (Boot::new("a_broken_rule_is_the_machines_status", &["assist", "read", "0"]), |outcome| {
            outcome.expect_status(139)?;
            outcome.expect_text("process 2 (assist) ended: read at 0x00000000 by instruction 0x")?;
            outcome.expect_text(": null pointer")
        }),
        (Boot::new("long_lines_and_unfinished_ones_come_out_whole", &["assist", "long-lines"]), |outcome| {
            let long = "ä".repeat(700);
            outcome.expect_text(&format!("out {long} end\nerr {long} end\nno line"))
        }),
        (Boot::new("a_panic_says_where_and_exits_with_101", &["assist", "panic"]), |outcome| {
            outcome.expect_status(101)?;
            outcome.expect_text("assist: panicked at userland/tests/src/bin/assist/errands.rs:")?;
            outcome.expect_text("on request")
        }),
        (Boot::new("a_stack_overflow_is_said_to_be_one", &["assist", "recurse"]), |outcome| {
            outcome.expect_status(139)?;
            outcome.expect_text("process 2 (assist) ended: ")?;
            outcome.expect_text(": stack overflow")
        }),
        (Boot::new("an_exit_code_is_the_machines_status", &["assist", "exit", "77"]), |outcome| {
            outcome.expect_status(77)
        }),
        (Boot::new("shutdown_is_allowed_for_the_program_that_init_starts", &["shutdown", "9"]), |outcome| {
            outcome.expect_status(9)
        }),
        (Boot::new("a_page_fault_of_the_kernel_is_reported", &["hello"]).option("provoke=page-fault"), |outcome| {
            expect_broken(outcome, "page fault (#PF) in ring 0 by instruction 0x")?;
            outcome.expect_text("the page is not present")?;
            outcome.expect_text("eflags")
        }),
        (Boot::new("the_kernels_text_is_read_only", &["hello"]).option("provoke=write-to-text"), |outcome| {
            expect_broken(outcome, "the page does not allow it")
        }),
        (Boot::new("a_kernel_stack_overflow_is_reported", &["hello"]).option("provoke=stack-overflow"), |outcome| {
            expect_broken(outcome, "double fault (#DF)")?;
            outcome.expect_text("the kernel stack overflowed")
        }),
        (Boot::new("a_kernel_panic_is_reported", &["hello"]).option("provoke=panic"), |outcome| {
            expect_broken(outcome, "kernel: panicked at")?;
            outcome.expect_text("as the command line asked for\n")
        }),
    ]
}

fn greets(outcome: &Outcome) -> Verdict {
    outcome.expect_status(0)?;
    outcome.expect_text("Hello from process 2!")
}

fn expect_broken(outcome: &Outcome, text: &str) -> Verdict {
    outcome.expect_text(text)?;
    match outcome.end {
        End::Broken(_) => Ok(()),
        _ => Err("the machine went on".into()),
    }
}
