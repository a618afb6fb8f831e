//! What a writer does.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::Random;

/// The number of writers of one machine.
pub const WRITERS: u32 = 3;

/// The number of files that a writer has at a time.
const FILES_MAX: usize = 4;
/// No file gets longer, in bytes.
const LEN_MAX: u32 = 64 << 10;
/// The largest number of bytes that one step writes.
const WRITE_SIZES: [u32; 4] = [64, 600, 5000, 20_000];
/// The largest gap that a writer leaves after the end of a file, in bytes.
const GAP_MAX: u32 = 8192;

/// A step of a writer. A file is known by the number of the step that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Makes a file.
    Create,
    /// Writes the [`pattern`](super::pattern()) of this step. What lies between the file's end and `offset` becomes zeros.
    Write {
        /// The file.
        made: u32,
        /// The first byte.
        offset: u32,
        /// Number of bytes.
        len: u32,
    },
    /// Waits until the file is on the disk.
    Sync {
        /// The file.
        made: u32,
    },
    /// Removes the file.
    Remove {
        /// The file.
        made: u32,
    },
}

/// The name of the file that a writer made in this step.
pub fn name(writer: u32, made: u32) -> String {
    format!("cut{writer}-{made}")
}

/// The writer that made the file of this name, and the step; `None` if no writer gives a file this name.
pub fn made_by(file: &str) -> Option<(u32, u32)> {
    let (writer, made) = file.strip_prefix("cut")?.split_once('-')?;
    let (writer, made) = (writer.parse().ok()?, made.parse().ok()?);
    (name(writer, made) == file).then_some((writer, made))
}

/// The steps of a writer: `count`, and after them a Sync of each file that is left.
pub fn steps(seed: u64, writer: u32, count: u32) -> Vec<Step> {
    let mut random = Random::new(seed, u64::from(writer));
    let mut files: Vec<(u32, u32)> = Vec::new();
    let mut steps = Vec::new();
    for number in 0..count {
        let choice = random.below(16);
        let step = match choice {
            _ if files.is_empty() => Step::Create,
            0 | 1 if files.len() < FILES_MAX => Step::Create,
            2 => Step::Remove { made: files.remove(random.place_in(files.len())).0 },
            3..=6 => Step::Sync { made: files[random.place_in(files.len())].0 },
            _ => {
                let place = random.place_in(files.len());
                write(&mut random, &mut files[place])
            }
        };
        if step == Step::Create {
            files.push((number, 0));
        }
        steps.push(step);
    }
    steps.extend(files.iter().map(|&(made, _)| Step::Sync { made }));
    steps
}

/// Appends, overwrites, or leaves a gap.
fn write(random: &mut Random, (made, file_len): &mut (u32, u32)) -> Step {
    let offset = match random.below(16) {
        0 => *file_len + random.below(GAP_MAX),
        1..=6 => random.below(*file_len),
        _ => *file_len,
    };
    let longest = random.one_of(&WRITE_SIZES);
    let len = 1 + random.below(longest);
    let offset = offset.min(LEN_MAX - len);
    *file_len = (*file_len).max(offset + len);
    Step::Write { made: *made, offset, len }
}

#[cfg(test)]
mod tests {
    use super::{LEN_MAX, Step, made_by, name, steps};

    #[test]
    fn name_tells_its_writer_and_step() {
        assert_eq!(made_by(&name(2, 700)), Some((2, 700)));
        for other in ["swap", "cut", "cut1", "cut1-", "cut-1", "cut01-2", "cut1-2 ", "cut1-+2"] {
            assert_eq!(made_by(other), None, "{other}");
        }
    }

    #[test]
    fn steps_use_only_files_that_exist_and_every_kind_comes() {
        let mut kinds = [0; 4];
        for seed in 0..20 {
            let mut live = Vec::new();
            let all = steps(seed, 1, 120);
            assert_eq!(all, steps(seed, 1, 120));
            for (number, step) in (0..).zip(&all) {
                match *step {
                    Step::Create => live.push(number),
                    Step::Write { made, offset, len } => assert!(live.contains(&made) && offset + len <= LEN_MAX),
                    Step::Sync { made } => assert!(live.contains(&made)),
                    Step::Remove { made } => live.retain(|&file| file != made),
                }
                kinds[match step {
                    Step::Create => 0,
                    Step::Write { .. } => 1,
                    Step::Sync { .. } => 2,
                    Step::Remove { .. } => 3,
                }] += 1;
            }
            let end: Vec<Step> = live.iter().map(|&made| Step::Sync { made }).collect();
            assert!(all.ends_with(&end));
        }
        assert!(kinds.iter().all(|&count| count > 50), "{kinds:?}");
    }
}
