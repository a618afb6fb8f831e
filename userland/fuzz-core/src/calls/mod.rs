//! Calls of the kernel, made at random by a program that keeps a model of what it has.
//!
//! A call's arguments are drawn so that the model knows what is wrong with them: a handle that is not open, memory that is not the
//! program's, a name that does not exist. So it knows which answers are right. It remembers what a call that succeeds has changed,
//! and looks later whether that is still so: bytes of files and of memory, handles, messages, and how children have ended.
//!
//! * `expect.rs`: which answers of one call are right,
//! * `places.rs`: buffers, names and other arguments,
//! * `files.rs`, `mappings.rs`, `memory.rs`, `pools.rs`, `messages.rs`, `processes.rs`, `others.rs`: the calls by subject.

mod expect;
mod files;
mod mappings;
mod memory;
mod messages;
mod others;
mod places;
mod pools;
mod processes;
#[cfg(test)]
mod tests;

use alloc::format;
use alloc::string::String;
use core::fmt;

use abi::{Errno, Number};

use crate::Random;
use expect::Expectation;
use files::Files;
use mappings::Mapping;
use memory::Memory;
use processes::Child;

use alloc::vec::Vec;

/// What the program runs on.
pub trait Machine {
    /// Makes a call, and returns the word that it leaves in `eax`.
    fn call(&mut self, way: Way, number: u32, arguments: [u32; 5]) -> u32;

    /// Copies bytes of the program's own memory, which may be read there.
    fn read(&mut self, at: u32, into: &mut [u8]);

    /// Changes bytes of the program's own memory, which may be written to there.
    fn write(&mut self, at: u32, bytes: &[u8]);
}

/// How a call gets into the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `int 0x80`.
    Interrupt,
    /// `sysenter`.
    Fast,
}

/// What the program is given to begin with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// All calls follow from it.
    pub seed: u64,
    /// Memory of [`ARENA_BYTES`] that is the program's as long as it lives. Calls may fill it in.
    pub arena: u32,
    /// The same, but nothing is ever allocated after its end.
    pub edge: u32,
    /// Text of the program: at least [`TEXT_BYTES`], readable, and not writable.
    pub text: u32,
    /// The CPU has `sysenter`.
    pub has_fast_calls: bool,
    /// The program's own pid.
    pub pid: u32,
    /// Processes that it must not be able to end.
    pub protected: Vec<u32>,
    /// Tells the names of its files from those of programs that run beside it.
    pub tag: u32,
}

/// Bytes of each of the two places that calls may fill in.
pub const ARENA_BYTES: u32 = 6 * 4096;
/// Bytes of text that can be read.
pub const TEXT_BYTES: u32 = 4096;

/// The file of the program that children run. It is not to be changed.
pub const PROGRAM: &str = "fuzz";

/// The names of files that programs which run side by side share.
pub const SHARED_NAMES: [&str; 2] = ["fuzz-all-0", "fuzz-all-1"];

/// The names of a program's own files.
pub fn own_names(tag: u32) -> [String; 3] {
    core::array::from_fn(|place| format!("fuzz-{tag}-{place}"))
}

/// The kernel has made a mistake, or the model has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The number of the step.
    pub step: u64,
    /// What is wrong.
    pub text: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {}: {}", self.step, self.text)
    }
}

/// A program that makes calls.
pub struct Caller<M> {
    machine: M,
    setup: Setup,
    random: Random,
    step: u64,
    files: Files,
    mappings: Vec<Mapping>,
    memory: Memory,
    children: Vec<Child>,
    /// The name of a call, its arguments and its answer, for a mistake's text.
    last: String,
}

type Outcome = Result<(), Mistake>;
type Subject<M> = fn(&mut Caller<M>) -> Outcome;

/// A method that makes a call, and how often it is drawn compared with the others.
type Weighted<M> = (u32, fn(&mut Caller<M>) -> Outcome);

impl<M: Machine> Caller<M> {
    /// A program that has made no call yet. Its handles 0, 1 and 2 are the device `null`.
    pub fn new(machine: M, setup: Setup) -> Self {
        let files = Files::new(setup.tag);
        let random = Random::new(setup.seed, 0);
        let (memory, last) = (Memory::default(), String::new());
        Self { machine, setup, random, step: 0, files, mappings: Vec::new(), memory, children: Vec::new(), last }
    }

    /// Makes one call, or a few that belong together. What is drawn follows from the seed and the number of the step alone.
    ///
    /// # Errors
    /// The mistake that was found.
    pub fn step(&mut self) -> Outcome {
        self.random = Random::new(self.setup.seed, self.step);
        let subjects: [(u32, Subject<M>); 6] = [
            (40, Self::file_call),
            (10, Self::mapping_call),
            (20, Self::memory_call),
            (18, Self::message_call),
            (8, Self::process_call),
            (18, Self::other_call),
        ];
        let subject = self.weighted(&subjects);
        subject(self)?;
        self.step += 1;
        Ok(())
    }

    /// Looks whether everything is still as the model has it, and gives everything back.
    ///
    /// # Errors
    /// The mistake that was found.
    pub fn finish(&mut self) -> Outcome {
        self.end_children()?;
        self.end_mappings()?;
        self.free_regions()?;
        self.check_files()
    }

    /// The number of steps that were made.
    pub const fn steps(&self) -> u64 {
        self.step
    }

    /// Gives the machine back.
    pub fn into_machine(self) -> M {
        self.machine
    }

    /// One of the choices, each as often as its weight says.
    fn weighted<T: Copy>(&mut self, choices: &[(u32, T)]) -> T {
        let total = choices.iter().map(|(weight, _)| weight).sum();
        let mut rest = self.random.below(total);
        for &(weight, choice) in choices {
            match rest.checked_sub(weight) {
                Some(less) => rest = less,
                None => return choice,
            }
        }
        choices[0].1
    }

    /// Makes a call of the table, and checks the answer.
    fn make(&mut self, call: Number, arguments: &[u32], expected: &Expectation) -> Result<Result<u32, Errno>, Mistake> {
        let mut all = [0; 5];
        all.iter_mut().zip(arguments).for_each(|(place, argument)| *place = *argument);
        let is_fast = self.setup.has_fast_calls && arguments.len() <= 4 && self.random.once_in(2);
        let way = if is_fast { Way::Fast } else { Way::Interrupt };
        let word = self.machine.call(way, call as u32, all);
        let result = Errno::from_result_word(word);
        self.last.clear();
        if !abi::may_return(call as u32, word) || !expected.allows(result) {
            self.describe(call.name(), arguments, way, word);
            let text = format!("the table or the arguments do not allow this answer; {expected}");
            return Err(self.mistake(&text));
        }
        if self.random.once_in(64) {
            self.check_some_memory()?;
        }
        self.describe(call.name(), arguments, way, word);
        Ok(result)
    }

    /// Notes a call, for a mistake that is found because of it.
    fn describe(&mut self, name: &str, arguments: &[u32], way: Way, word: u32) {
        self.last.clear();
        self.last.push_str(name);
        let mut text = Hexadecimal(&mut self.last);
        arguments.iter().for_each(|argument| text.push(' ', *argument));
        text.push('=', word);
        self.last.push_str(if way == Way::Fast { " by sysenter" } else { " by int 0x80" });
    }

    /// A mistake in the last call, or found after it.
    fn mistake(&self, text: &str) -> Mistake {
        let answer = match self.last.rsplit_once('=').and_then(|(_, rest)| u32::from_str_radix(&rest[..8], 16).ok()) {
            Some(word) => match Errno::from_result_word(word) {
                Ok(_) => String::new(),
                Err(error) => format!(" ({error:?})"),
            },
            None => String::new(),
        };
        Mistake { step: self.step, text: format!("{}{answer}: {text}", self.last) }
    }

    /// Nothing if the condition holds, otherwise a mistake.
    fn require(&self, holds: bool, text: impl FnOnce() -> String) -> Outcome {
        if holds { Ok(()) } else { Err(self.mistake(&text())) }
    }
}

/// Writes numbers without the formatting of `core`, which takes longer than a call.
struct Hexadecimal<'a>(&'a mut String);

impl Hexadecimal<'_> {
    fn push(&mut self, before: char, number: u32) {
        self.0.push(before);
        for digit in (0..8).rev() {
            self.0.push(char::from_digit(number >> (4 * digit) & 15, 16).unwrap_or('?'));
        }
    }
}
