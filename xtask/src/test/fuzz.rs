//! A short run of each kind of the fuzzer: the same cases each time.

use super::guest::{Boot, Case, Outcome};
use super::programs::BOCHS_CPUS;
use super::report::Verdict;
use super::scenarios;
use crate::cli::Emulator;
use crate::fuzz::{self, Batch, Kind};

/// All short runs.
pub fn cases() -> Vec<Case> {
    let pentium = |boot| Boot { cpu: Some("pentium"), ..boot };
    let max = |boot| Boot { cpu: Some("max"), ..boot };
    let boots = [
        boot("random_calls_answer_by_the_table_and_harm_no_other_program", Kind::Calls, 36_000),
        boot("random_calls_on_few_frames_answer_by_the_table", Kind::Calls, 6000).frames(256),
        pentium(boot("random_calls_without_sysenter_answer_by_the_table", Kind::Calls, 12_000)),
        boot("random_machine_code_harms_no_other_program", Kind::Code, 720),
        max(boot("random_machine_code_on_a_cpu_with_every_guard_harms_no_other_program", Kind::Code, 480)),
        boot("mutated_program_files_are_refused_or_end_for_themselves", Kind::Elf, 960),
    ];
    let in_qemu = boots.into_iter().map(|boot| scenarios::case("fuzz", boot, nothing_found));
    in_qemu.chain(in_bochs()).collect()
}

/// The same kinds on each CPU in Bochs. It is slower, so there are fewer cases.
fn in_bochs() -> impl Iterator<Item = Case> {
    BOCHS_CPUS.into_iter().flat_map(|(place, cpu)| {
        let boots = [
            boot("random_calls_answer_by_the_table_and_harm_no_other_program", Kind::Calls, 4800),
            boot("random_machine_code_harms_no_other_program", Kind::Code, 96),
            boot("mutated_program_files_are_refused_or_end_for_themselves", Kind::Elf, 96),
        ];
        boots.into_iter().map(move |boot| {
            let mut case = scenarios::case(&format!("fuzz_{place}"), boot.in_bochs(cpu), nothing_found);
            case.boot.name = format!("{}-{place}", case.boot.name);
            case
        })
    })
}

/// A machine that runs so many cases of seed 1.
fn boot(name: &str, kind: Kind, count: u64) -> Boot {
    let words = fuzz::words(&Batch { kind, seed: 1, first: 0, count, until: None, emulator: Emulator::Qemu });
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Boot::new(name, &words).option("check=1000")
}

fn nothing_found(outcome: &Outcome) -> Verdict {
    fuzz::found(&outcome.end, &outcome.output, true).map_or(Ok(()), Err)
}
