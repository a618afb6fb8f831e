//! What programs can ask and say about processes: classes, states, and the record of `ProcessInfo`.

use core::fmt;

use crate::record::Account;
use crate::wire::numbered;
use crate::{Reader, Wire, Writer, wire_record};

numbered! {
    /// How much of the CPU a process is given when others want it too; see [`Class::weight`].
    #[derive(PartialOrd, Ord, Hash)]
    Class {
        /// Drawn most often.
        0 RealTime "real-time";
        /// What programs are unless somebody says otherwise.
        1 Interactive "interactive";
        /// Drawn least often.
        2 Background "background";
    }
}

impl Class {
    /// Its tickets in the draw for the CPU: 6:3:1, and so 3:1 where nobody is real-time.
    pub const fn weight(self) -> u32 {
        match self {
            Self::RealTime => 6,
            Self::Interactive => 3,
            Self::Background => 1,
        }
    }

    /// The next lower class; the lowest stays.
    #[must_use]
    pub const fn lower(self) -> Self {
        match self {
            Self::RealTime => Self::Interactive,
            Self::Interactive | Self::Background => Self::Background,
        }
    }
}

numbered! {
    /// What a process is doing.
    ProcessState {
        /// It has the CPU.
        0 Running "running";
        /// It could use the CPU.
        1 Runnable "runnable";
        /// It waits for a time to come.
        2 Sleeping "sleeping";
        /// It waits for a child to end.
        3 WaitsForChild "child";
        /// It waits for a line of the console, or for its turn to print.
        4 WaitsForConsole "console";
        /// It waits for a transfer of the disk.
        5 WaitsForDisk "disk";
        /// It waits for a page that is on its way from or to the disk.
        6 WaitsForPage "page";
        /// It has ended, and its parent has not asked for it yet.
        7 Ended "ended";
        /// It waits for a message.
        8 WaitsForMessage "message";
    }
}

const NAME_BYTES_U32: u32 = 32;
const NAME_BYTES: usize = NAME_BYTES_U32 as usize;

/// The name of a process: that of its program's file, cut to 32 bytes.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct ProcessName([u8; NAME_BYTES]);

impl ProcessName {
    /// The name, or as many of its first letters as fit.
    pub fn new(name: &str) -> Self {
        let mut bytes = [0; NAME_BYTES];
        let fitting = &name.as_bytes()[..name.floor_char_boundary(NAME_BYTES)];
        bytes[..fitting.len()].copy_from_slice(fitting);
        Self(bytes)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        let len = self.0.iter().position(|&byte| byte == 0).unwrap_or(NAME_BYTES);
        core::str::from_utf8(&self.0[..len]).unwrap_or_default()
    }
}

impl fmt::Debug for ProcessName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl Wire for ProcessName {
    const SIZE_BYTES: u32 = NAME_BYTES_U32;

    fn encode(&self, out: &mut Writer<'_>) {
        let (words, _) = self.0.as_chunks::<4>();
        words.iter().for_each(|word| out.word(u32::from_le_bytes(*word)));
    }

    fn decode(from: &mut Reader<'_>) -> Option<Self> {
        let mut bytes = [0; NAME_BYTES];
        for word in bytes.as_chunks_mut::<4>().0 {
            *word = from.word()?.to_le_bytes();
        }
        Some(Self(bytes))
    }
}

wire_record! {
    /// What the kernel knows of one process, filled in by `ProcessInfo`. Memory is counted in pages of 4096 bytes.
    ///
    /// Of a process that has ended only pid, parent, class, state and account are left.
    pub struct ProcessInfo {
        /// The process.
        pub pid: u32,
        /// Whose child it is; 0 for init.
        pub parent: u32,
        /// Its class now.
        pub class: Class,
        /// What it does now.
        pub state: ProcessState,
        /// Pages that are kept for it, touched or not, its page tables included.
        pub promised: u32,
        /// Pages of its own that are in frames. Those of files, which it may share with others, are not counted.
        pub resident: u32,
        /// Its pages that are in the swap file and in no frame.
        pub swapped: u32,
        /// How long it has had the CPU, in counts of the time-stamp counter.
        pub cpu_tsc: u64,
        /// Its program.
        pub name: ProcessName,
        /// What paging has done for it.
        pub account: Account,
    }
}

#[cfg(test)]
mod tests {
    use super::{Class, ProcessInfo, ProcessName, ProcessState};
    use crate::record::Account;
    use crate::{Reader, Wire, Writer};

    #[test]
    fn a_process_survives_its_byte_form() {
        for (&class, &state) in Class::ALL.iter().cycle().zip(ProcessState::ALL) {
            let info = ProcessInfo {
                pid: 7,
                parent: 1,
                class,
                state,
                promised: 3,
                resident: 4,
                swapped: 5,
                cpu_tsc: 1 << 40,
                name: ProcessName::new("piggy"),
                account: Account { faults: 9, ..Account::default() },
            };
            let mut bytes = [0xEE; ProcessInfo::SIZE_BYTES as usize];
            info.encode(&mut Writer::new(&mut bytes));
            assert_eq!(ProcessInfo::decode(&mut Reader::new(&bytes)), Some(info));
        }
    }

    #[test]
    fn names_are_cut_between_letters() {
        const LETTERS_31: &str = "abcdefghijklmnopqrstuvwxyz_1234";
        assert_eq!(ProcessName::new("shell").as_str(), "shell");
        assert_eq!(ProcessName::new("abcdefghijklmnopqrstuvwxyz_123456").as_str(), "abcdefghijklmnopqrstuvwxyz_12345");
        assert_eq!(ProcessName::new("abcdefghijklmnopqrstuvwxyz_1234ä").as_str(), LETTERS_31);
        assert_eq!(ProcessName::default().as_str(), "");
    }

    #[test]
    fn unknown_numbers_are_nothing() {
        assert_eq!((Class::from_number(3), ProcessState::from_number(99)), (None, None));
        let [high, middle, low] = [Class::RealTime, Class::Interactive, Class::Background];
        assert_eq!(Class::ALL, [high, middle, low]);
        assert_eq!([high, middle, low].map(Class::weight), [6, 3, 1]);
        assert_eq!([high, middle, low].map(Class::lower), [middle, low, low]);
    }
}
