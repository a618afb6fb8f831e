//! Records that calls fill in.

use crate::description::{Field, RecordDescription, Shape};
use crate::{ExitReason, Reader, Wire, Writer, wire_record};

wire_record! {
    /// What paging has done for one process, or for all together.
    #[derive(Default)]
    pub struct Account {
        /// Page faults, of every kind.
        pub faults: u32,
        /// Pages filled with zeros at their first touch.
        pub zero_fills: u32,
        /// Pages read from a program's or another file.
        pub file_reads: u32,
        /// Pages read back from the swap file.
        pub swap_ins: u32,
        /// Pages of the process written to the swap file to lend its frame.
        pub swap_outs: u32,
        /// Pages of files that were mapped, whoever had read them.
        pub file_maps: u32,
        /// Pages that began as a copy of a file's page.
        pub file_copies: u32,
        /// Pages written back to their files. Counted for all processes together only.
        pub file_writes: u32,
        /// Pages of the process whose frame was lent without writing, since a valid copy existed.
        pub clean_drops: u32,
        /// Runs in which the pages of `swap_outs` and `file_writes` were written: neighbours go together.
        pub write_runs: u32,
        /// Pages of `swap_ins` and `file_reads` that were fetched with another, before they were missed.
        pub read_aheads: u32,
        /// Those of them that are known to have been used since.
        pub read_ahead_hits: u32,
        /// Those of them that left again without having been used.
        pub read_ahead_misses: u32,
        /// Times the stack grew.
        pub stack_growths: u32,
        /// Faults that broke a region's rights.
        pub protection: u32,
        /// Faults on pages that allowed the access: only the TLB had to be told.
        pub spurious: u32,
        /// Times a fault waited for the disk or for a frame.
        pub waits: u32,
    }
}

impl Account {
    /// Adds another account to this one; counters wrap.
    pub fn add(&mut self, other: &Self) {
        const LEN: usize = Account::SIZE_BYTES as usize;
        let (mut sum, mut more) = ([0; LEN], [0; LEN]);
        self.encode(&mut Writer::new(&mut sum));
        other.encode(&mut Writer::new(&mut more));
        // A counter is a word, and there is nothing else in an account.
        for (counter, add) in sum.as_chunks_mut::<4>().0.iter_mut().zip(more.as_chunks::<4>().0) {
            *counter = u32::from_le_bytes(*counter).wrapping_add(u32::from_le_bytes(*add)).to_le_bytes();
        }
        *self = Self::decode(&mut Reader::new(&sum)).unwrap_or(*self);
    }
}

wire_record! {
    /// How a child ended, filled in by `Wait`.
    pub struct ExitStatus {
        /// The child.
        pub pid: u32,
        /// Why it ended.
        pub reason: ExitReason,
        /// What paging did for it.
        pub account: Account,
    }
}

wire_record! {
    /// The state of the machine, filled in by `SystemInfo`. Memory is counted in pages of 4096 bytes.
    pub struct SystemInfo {
        /// Frames in the process frame pool.
        pub frames_total: u32,
        /// Frames of it that nobody uses.
        pub frames_free: u32,
        /// Frames of it that hold directories and page tables.
        pub frames_tables: u32,
        /// Frames of it that hold pages of files.
        pub frames_files: u32,
        /// Slots in the swap file.
        pub slots_total: u32,
        /// Slots that no page owns.
        pub slots_free: u32,
        /// Slots that the disk could not write to, and that are not used again.
        pub slots_bad: u32,
        /// Pages promised to processes, page tables included.
        pub pages_promised: u32,
        /// Pages the machine can promise in all.
        pub pages_promisable: u32,
        /// Free frames of the kernel's own pool.
        pub kernel_frames_free: u32,
        /// Processes that exist, those that ended but were not waited for included.
        pub processes: u32,
        /// Files and other devices that are open, by whomever; one that is shared counts once.
        pub devices_open: u32,
        /// Who chooses victims, by place in [`POLICY_NAMES`](crate::POLICY_NAMES).
        pub policy: u32,
        /// What paging has done since the machine started, for all processes together.
        pub account: Account,
    }
}

wire_record! {
    /// The time, filled in by `Time`.
    pub struct Time {
        /// Milliseconds since the machine started.
        pub uptime_ms: u64,
        /// Time-stamp counter ticks a second, measured at start-up.
        pub tsc_hz: u64,
        /// The time-stamp counter when the first program's first instruction was about to run.
        pub first_program_tsc: u64,
        /// Time-stamp counter ticks during which the CPU was halted for want of work.
        pub halted_tsc: u64,
        /// Seconds from the beginning of 1970 to the start of the machine, by its real-time clock; 0 if it has none.
        pub started_unix_seconds: u64,
        /// The longest time for which the CPU took no interrupt since `Time` was last called, in time-stamp counter ticks; 0 unless the
        /// kernel measures it, which it does with the option `latency`.
        pub longest_gap_tsc: u64,
    }
}

wire_record! {
    /// What the kernel knows of one page, filled in by `GetMapping`: the `VirtualToPhysicalMapping`
    /// of kernel and libsys, as numbers.
    #[derive(Default)]
    pub struct Mapping {
        /// The frame that holds the page, plus one; 0 if none does.
        pub physical_page_plus_one: u32,
        /// The swap slot that the page owns, plus one; 0 if it owns none.
        pub disk_page_plus_one: u32,
    }
}

impl Mapping {
    /// The frame that holds the page, by number.
    pub const fn physical_page(&self) -> Option<u32> {
        self.physical_page_plus_one.checked_sub(1)
    }

    /// The swap slot that the page owns.
    pub const fn disk_page(&self) -> Option<u32> {
        self.disk_page_plus_one.checked_sub(1)
    }
}

/// A file's entry in the directory, filled in by `ReadDirectory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    len_bytes: u32,
    name_len: u32,
    name: [u8; NAME_BYTES],
}

const NAME_BYTES_U32: u32 = 56;
const NAME_BYTES: usize = NAME_BYTES_U32 as usize;
const _: () = assert!(NAME_BYTES_U32 > crate::layout::NAME_MAX_BYTES && NAME_BYTES.is_multiple_of(4));

impl DirectoryEntry {
    /// An entry for a file of `len_bytes`; `None` if the name is longer than
    /// [`NAME_MAX_BYTES`](crate::layout::NAME_MAX_BYTES).
    pub fn new(file_name: &str, len_bytes: u32) -> Option<Self> {
        let mut name = [0; NAME_BYTES];
        name[..NAME_BYTES - 1].get_mut(..file_name.len())?.copy_from_slice(file_name.as_bytes());
        Some(Self { len_bytes, name_len: u32::try_from(file_name.len()).ok()?, name })
    }

    /// The file's name.
    pub fn name(&self) -> &str {
        let bytes = self.name.get(..self.name_len as usize).unwrap_or_default();
        core::str::from_utf8(bytes).unwrap_or_default()
    }

    /// The file's length in bytes.
    pub const fn len_bytes(&self) -> u32 {
        self.len_bytes
    }
}

impl Wire for DirectoryEntry {
    const SIZE_BYTES: u32 = 8 + NAME_BYTES_U32;
    const SHAPE: Shape = Shape::Record(&RecordDescription {
        name: "DirectoryEntry",
        text: " A file's entry in the directory.\n",
        fields: &[
            Field { name: "len_bytes", text: " The file's length in bytes.\n", shape: Shape::Word },
            Field { name: "name_len", text: " How many bytes its name has.\n", shape: Shape::Word },
            Field { name: "name", text: " Its name, and zeros behind it.\n", shape: Shape::Bytes(NAME_BYTES_U32) },
        ],
    });

    fn encode(&self, out: &mut Writer<'_>) {
        out.word(self.len_bytes);
        out.word(self.name_len);
        let (words, _) = self.name.as_chunks::<4>();
        words.iter().for_each(|word| out.word(u32::from_le_bytes(*word)));
    }

    fn decode(from: &mut Reader<'_>) -> Option<Self> {
        let (len_bytes, name_len) = (from.word()?, from.word()?);
        let mut name = [0; NAME_BYTES];
        for word in name.as_chunks_mut::<4>().0 {
            *word = from.word()?.to_le_bytes();
        }
        Some(Self { len_bytes, name_len, name })
    }
}

#[cfg(test)]
mod tests {
    use super::{Account, DirectoryEntry, Mapping};
    use crate::{Reader, Wire, Writer};

    #[test]
    fn a_directory_entry_survives_its_byte_form() {
        let entry = DirectoryEntry::new("piggies", 1234).unwrap();
        let mut bytes = [0xEE; DirectoryEntry::SIZE_BYTES as usize];
        entry.encode(&mut Writer::new(&mut bytes));
        let read = DirectoryEntry::decode(&mut Reader::new(&bytes)).unwrap();
        assert_eq!((read.name(), read.len_bytes()), ("piggies", 1234));
        assert!(DirectoryEntry::new(&"x".repeat(55), 0).is_some());
        assert!(DirectoryEntry::new(&"x".repeat(56), 0).is_none());
    }

    #[test]
    fn a_lying_name_length_reads_as_an_empty_name() {
        let mut bytes = [b'a'; DirectoryEntry::SIZE_BYTES as usize];
        bytes[4..8].copy_from_slice(&1000u32.to_le_bytes());
        assert_eq!(DirectoryEntry::decode(&mut Reader::new(&bytes)).unwrap().name(), "");
    }

    #[test]
    fn frame_0_and_slot_0_are_not_absent() {
        let mapping = Mapping { physical_page_plus_one: 1, disk_page_plus_one: 1 };
        assert_eq!((mapping.physical_page(), mapping.disk_page()), (Some(0), Some(0)));
        assert_eq!((Mapping::default().physical_page(), Mapping::default().disk_page()), (None, None));
    }

    #[test]
    fn accounts_add_up_field_by_field() {
        const LEN: usize = Account::SIZE_BYTES as usize;
        let numbered: [u8; LEN] =
            core::array::from_fn(|byte| if byte % 4 == 0 { u8::try_from(byte / 4 + 1).unwrap() } else { 0 });
        let one = Account::decode(&mut Reader::new(&numbered)).unwrap();
        let mut sum = one;
        sum.add(&one);
        assert_eq!((sum.faults, sum.zero_fills, sum.waits), (2, 4, u32::from(numbered[LEN - 4]) * 2));
        sum.add(&Account { faults: u32::MAX, ..Account::default() });
        assert_eq!(sum.faults, 1, "counters wrap");
    }
}
