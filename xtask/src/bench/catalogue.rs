//! The benchmarks there are.

/// One way to boot a machine and measure. What it measures is in the `result` lines that its program prints; what a result should be
/// is in [`super::reference`].
#[derive(Debug, PartialEq, Eq)]
pub struct Benchmark {
    /// What it is called here, and by `bench` in the guest.
    pub name: &'static str,
    /// What it measures: the names of its results.
    pub results: &'static [&'static str],
    /// What the kernel is told, such as `frames=2048`.
    pub options: &'static [&'static str],
    /// An option depends on the system itself: the first boot prints `calibrate OPTION`, and is only for that.
    pub is_calibrated: bool,
    /// The clocks that serve.
    pub modes: &'static [Mode],
    /// A file that its program finds on the disk: its name, and how many pages it has. See [`Benchmark::made_up`].
    pub file: Option<(&'static str, u32)>,
}

/// How a machine's time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By the instruction; a halted CPU skips to its next timer.
    Icount,
    /// With the host's.
    Wall,
}

const BOTH: &[Mode] = &[Mode::Icount, Mode::Wall];

/// All benchmarks, in the order in which they are run.
pub const ALL: &[Benchmark] = &[
    Benchmark::plain("syscall", &["int80", "sysenter"]),
    Benchmark::plain("demand-zero", &["touch", "retouch", "free"]),
    Benchmark::plain("process", &["process"]),
    Benchmark::plain("ipc", &["roundtrip", "apart", "switch"]),
    Benchmark::plain("server", &["read", "served"]),
    // Frames for what is in use when all of its processes are ready, and for half of their buffers.
    Benchmark { is_calibrated: true, ..Benchmark::plain("storm", &["storm"]) },
    // Frames for half of its pages.
    Benchmark { options: &["frames=2048"], ..Benchmark::plain("swap", &["write", "seq1", "seq2", "rand"]) },
    Benchmark { file: Some(("mapped", 4096)), ..Benchmark::plain("mapping", &["mapping"]) },
    // Not by instructions: the firmware waits for the disk, and nobody knows for how long it was halted.
    Benchmark { modes: &[Mode::Wall], ..Benchmark::plain("boot", &["boot"]) },
];

impl Benchmark {
    /// Without options.
    const fn plain(name: &'static str, results: &'static [&'static str]) -> Self {
        Self { name, results, options: &[], is_calibrated: false, modes: BOTH, file: None }
    }

    /// The file that its program finds on the disk: each byte of page `i` is `7 * i + 3`.
    pub fn made_up(&self) -> Option<(&'static str, Vec<u8>)> {
        let (name, pages) = self.file?;
        let byte = |page: u32| page.wrapping_mul(7).wrapping_add(3).to_le_bytes()[0];
        Some((name, (0..pages).flat_map(|page| [byte(page); 4096]).collect()))
    }

    /// The program and its arguments.
    pub fn program(&self) -> Vec<String> {
        vec!["bench".into(), self.name.into()]
    }
}

impl Mode {
    /// What the machine is told.
    pub const fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Icount => &["-icount", "shift=0,sleep=off"],
            Self::Wall => &[],
        }
    }

    /// What people and file names call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Icount => "icount",
            Self::Wall => "wall",
        }
    }
}

/// The benchmarks' names.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|one| one.name)
}

/// The benchmarks of these names, in the catalogue's order; all if there are no names.
pub fn select(names: &[String]) -> Vec<&'static Benchmark> {
    ALL.iter().filter(|one| names.is_empty() || names.iter().any(|name| name == one.name)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ALL, names, select};

    fn selected(wanted: &[&str]) -> Vec<&'static str> {
        let owned: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        select(&owned).into_iter().map(|one| one.name).collect()
    }

    #[test]
    fn without_names_all_are_meant() {
        assert_eq!(selected(&[]), names().collect::<Vec<_>>());
    }

    #[test]
    fn each_is_run_once_and_in_order() {
        assert_eq!(selected(&["boot", "syscall", "boot"]), ["syscall", "boot"]);
    }

    #[test]
    fn pages_of_a_file_differ_by_seven() {
        let mapping = ALL.iter().find(|one| one.name == "mapping").unwrap();
        let (name, bytes) = mapping.made_up().unwrap();
        assert_eq!((name, bytes.len()), ("mapped", 16 << 20));
        let firsts: Vec<u32> = bytes.iter().step_by(4096).map(|&byte| byte.into()).collect();
        assert_eq!((&firsts[..3], firsts.iter().sum::<u32>()), (&[3, 10, 17][..], 522_240));
        assert!(bytes.chunks(4096).all(|page| page.iter().all(|byte| *byte == page[0])));
    }

    #[test]
    fn benchmarks_and_results_have_names_of_their_own() {
        assert_eq!(names().collect::<BTreeSet<_>>().len(), ALL.len());
        let results: Vec<&str> = ALL.iter().flat_map(|one| one.results).copied().collect();
        assert_eq!(results.iter().collect::<BTreeSet<_>>().len(), results.len());
        assert!(ALL.iter().all(|one| !one.modes.is_empty() && !one.results.is_empty()));
    }
}
