//! Disks that are damaged, and disks that lose power.
//!
//! Cases with an even number are *damaged images*. A file system follows from the seed ([`base`]) and is damaged ([`damage`], [`forge`]).
//! A second reader of the form on disk ([`mod@reference`]) says whether `fakefs` must mount or refuse the disk. Then `fakefs` must work on
//! what it has mounted ([`mod@survey`]). A few cases are whole images, and a machine boots each ([`boot`]).
//!
//! Cases with an odd number are *power cuts*. For each batch one machine is booted in which several programs write files. All writes to
//! its disk are logged ([`log`]). From the log many disks are made, each as it may be after the power was cut ([`cut`]). Each is judged:
//! all that was acknowledged is there, and nothing that no program has written ([`witness`]). A few are booted, too.

mod base;
mod boot;
mod cut;
mod damage;
mod forge;
mod log;
mod picture;
mod reference;
mod survey;
mod witness;

pub use picture::Picture;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use anyhow::Result;
use fuzz_core::Random;

use super::judge::Judged;
use super::machines::Machines;
use super::plan::Batch;
use super::progress::Progress;
use crate::machine;
use boot::Cutting;
use cut::Replay;
use survey::survey;
use witness::Witness;

/// Of this number of cases, two are booted: a damaged image and a power cut.
const BOOTED_EVERY: u64 = 128;
/// Number of findings after which a batch stops its damaged images, or its power cuts: each finding keeps a disk image.
const FINDINGS_MAX: usize = 3;
/// This number of cases are damaged in the same file system.
const CASES_PER_BASE: u64 = 64;

/// The rows of the summary.
const DAMAGED: &str = "damaged";
const CUTS: &str = "cuts";

/// A damaged image; all others are power cuts.
const fn is_damaged(case: u64) -> bool {
    case.is_multiple_of(2)
}

/// The case is booted in a machine.
const fn is_booted(case: u64) -> bool {
    case % BOOTED_EVERY < 2
}

/// Runs the cases of a batch; returns what was found, and how many cases of each sort were run.
///
/// # Errors
/// If an image cannot be made, or the emulator cannot be started.
pub fn run(machines: &Machines<'_>, batch: &Batch, progress: &Progress) -> Result<Vec<Judged>> {
    let run = Run { machines, batch, progress };
    let cases = batch.first..batch.first + batch.count;
    let mut judged = run.damage(cases.clone().filter(|&case| is_damaged(case)))?;
    judged.extend(run.cut(cases.filter(|&case| !is_damaged(case)).collect())?);
    Ok(judged)
}

struct Run<'a> {
    machines: &'a Machines<'a>,
    batch: &'a Batch,
    progress: &'a Progress,
}

impl Run<'_> {
    fn is_over(&self) -> bool {
        machine::is_interrupted() || self.batch.until.is_some_and(|until| Instant::now() >= until)
    }

    /// The random choices of a case.
    fn random(&self, case: u64) -> Random {
        Random::new(self.batch.seed, case)
    }

    /// Runs the cases with damaged images.
    fn damage(&self, cases: impl Iterator<Item = u64>) -> Result<Vec<Judged>> {
        let (mut judged, mut count, mut boots) = (Vec::new(), 0, 0);
        let mut base: Option<(u64, Picture)> = None;
        let mut whole = None;
        for case in cases.take_while(|_| !self.is_over()) {
            if judged.len() == FINDINGS_MAX {
                break;
            }
            if is_booted(case) {
                let whole = match &whole {
                    Some(whole) => whole,
                    None => whole.insert(boot::whole_image(self.machines)?),
                };
                judged.extend(boot::damaged(self.machines, whole, &mut self.random(case), case)?);
                boots += 1;
            } else {
                let group = case / CASES_PER_BASE;
                if base.as_ref().is_none_or(|(of, _)| *of != group) {
                    base = Some((group, base::file_system(&mut Random::new(!self.batch.seed, group))));
                }
                judged.extend(base.as_ref().and_then(|(_, base)| self.damage_one(base, case)));
            }
            count += 1;
            self.progress.advance(1);
        }
        judged.push(Judged { part: DAMAGED, boots, cases: count, ..Judged::default() });
        Ok(judged)
    }

    /// Damages a file system and judges what `fakefs` makes of it; returns what was found.
    fn damage_one(&self, base: &Picture, case: u64) -> Option<Judged> {
        let mut random = self.random(case);
        let mut disk = base.clone();
        let judged = caught(|| {
            damage::damage(&mut random, &mut disk);
            survey(&mut random, &disk).map(|_| ())
        });
        judged.err().map(|what| Judged::finding(DAMAGED, case, what, disk))
    }

    /// Runs the cases with power cuts.
    fn cut(&self, cases: Vec<u64>) -> Result<Vec<Judged>> {
        if cases.is_empty() || self.is_over() {
            return Ok(Vec::new());
        }
        let cutting = Cutting::boot(self.machines, self.batch, self.progress)?;
        let mut judged = Vec::from([Judged { part: CUTS, ..cutting.judged.clone() }]);
        if cutting.judged.what.is_some() {
            return Ok(judged);
        }
        let witness = match cutting.witness() {
            Ok(witness) => witness,
            Err(what) => return Ok(vec![Judged { part: CUTS, what: Some(what), ..cutting.judged }]),
        };
        // In the order of the log, so that it is gone through once.
        let mut points: Vec<(usize, u64, Random)> =
            cases.into_iter().map(|case| self.point(case, cutting.log.len())).collect();
        points.sort_by_key(|(begun, case, _)| (*begun, *case));
        let mut replay = Replay::new(&cutting.log, cutting.before.clone());
        let mut findings = 0;
        for (begun, case, mut random) in points {
            if self.is_over() || findings == FINDINGS_MAX {
                break;
            }
            replay.advance(begun);
            let one = self.cut_one(&witness, begun, case, replay.cut(&mut random))?;
            findings += usize::from(one.what.is_some());
            judged.push(one);
            self.progress.advance(1);
        }
        Ok(judged)
    }

    /// Judges a disk after the power was cut, on the host and perhaps in a machine.
    fn cut_one(&self, witness: &Witness, begun: usize, case: u64, disk: Picture) -> Result<Judged> {
        let steps = witness.begun(begun);
        let passed = Judged { part: CUTS, cases: 1, ..Judged::default() };
        if let Err(what) = caught(|| witness.judge(&disk, &steps)) {
            let what = format!("power cut at entry {begun} of the log: {what}");
            return Ok(Judged { cases: 1, ..Judged::finding(CUTS, case, what, disk) });
        }
        if !is_booted(case) {
            return Ok(passed);
        }
        let found = boot::verify(self.machines, self.batch, &disk, &steps, case)?;
        Ok(Judged { cases: 1, boots: 1, ..found.unwrap_or(passed) })
    }

    /// The moment at which the power is cut in a case, as a number of entries of the log, and the choices that follow.
    fn point(&self, case: u64, entries: usize) -> (usize, u64, Random) {
        let mut random = self.random(case);
        (random.place_in(entries + 1), case, random)
    }
}

/// The result of `work`, or the text of its panic.
fn caught(work: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(format!("panicked: {}", text_of(panic.as_ref()))))
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
}
