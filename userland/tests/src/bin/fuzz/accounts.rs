//! What the machine holds once all cases have ended: no more than what belongs to the processes that are left.

use core::time::Duration;

use libsys::abi::record::SystemInfo;
use libsys::process::{self, ProcessInfo};
use libsys::test::Failure;
use libsys::{Error, check, check_eq, system};

/// How long orphans may take to end.
const PATIENCE_MS: u64 = 10_000;
/// The kernel's own memory may grow while the first cases run: it keeps tables that have grown.
const WARM_UPS: u32 = 3;
/// So many frames more or less are no leak: the kernel's heap keeps what it may need again.
const HEAP_SLACK_FRAMES: u32 = 96;

/// What the machine held before the first case.
pub struct Accounts {
    processes: u32,
    tables: u32,
    devices: u32,
    kernel_frames_free: u32,
    warm_ups: u32,
}

impl Accounts {
    /// The accounts now.
    ///
    /// # Errors
    /// Those of `SystemInfo`.
    pub fn new() -> Result<Self, Error> {
        let info = system::info()?;
        Ok(Self {
            processes: info.processes,
            tables: info.frames_tables,
            devices: info.devices_open,
            kernel_frames_free: info.kernel_frames_free,
            warm_ups: WARM_UPS,
        })
    }

    /// Waits until the last orphans have ended, and compares.
    ///
    /// # Errors
    /// The difference.
    pub fn settle(&mut self) -> Result<(), Failure> {
        let end = system::time()?.uptime_ms + PATIENCE_MS;
        while system::info()?.processes > self.processes {
            check!(system::time()?.uptime_ms < end, "processes are left: {:?}", names());
            process::sleep(Duration::from_millis(5));
        }
        let (info, kept) = Self::at_rest()?;
        check_eq!(info.processes, self.processes);
        check_eq!(info.frames_tables, self.tables, "frames of page tables");
        check_eq!(info.devices_open, self.devices, "open devices");
        check_eq!(info.pages_promised, kept.promised, "promises, of all and of each process");
        let in_use = info.frames_total - info.frames_free;
        check_eq!(
            in_use,
            info.frames_tables + info.frames_files + kept.resident,
            "frames in use, of all and of each process"
        );
        let slots = info.slots_total - info.slots_free;
        check!(
            slots >= kept.swapped && slots <= kept.swapped + kept.resident + info.slots_bad,
            "{slots} slots are in use"
        );
        self.compare_kernel_frames(info.kernel_frames_free)
    }

    /// The machine's account together with that of its processes, at a moment when no page moves.
    fn at_rest() -> Result<(SystemInfo, Kept), Error> {
        const ATTEMPTS: u32 = 200;
        let mut last = (system::info()?, Kept::now());
        for _ in 0..ATTEMPTS {
            let again = (system::info()?, Kept::now());
            let adds_up = |(info, kept): &(SystemInfo, Kept)| {
                info.frames_total - info.frames_free == info.frames_tables + info.frames_files + kept.resident
            };
            if adds_up(&again) && again.0.pages_promised == again.1.promised {
                return Ok(again);
            }
            last = again;
            process::sleep(Duration::from_millis(2));
        }
        Ok(last)
    }

    fn compare_kernel_frames(&mut self, free: u32) -> Result<(), Failure> {
        if let Some(left) = self.warm_ups.checked_sub(1) {
            self.warm_ups = left;
            self.kernel_frames_free = self.kernel_frames_free.min(free);
        }
        let before = self.kernel_frames_free;
        check!(free + HEAP_SLACK_FRAMES >= before, "of {before} free kernel frames, {free} are left");
        Ok(())
    }
}

/// What the processes that exist hold together, in pages.
#[derive(Clone, Copy, Debug, Default)]
struct Kept {
    promised: u32,
    resident: u32,
    swapped: u32,
}

impl Kept {
    fn now() -> Self {
        process::all().fold(Self::default(), |sum, ProcessInfo { promised, resident, swapped, .. }| Self {
            promised: sum.promised + promised,
            resident: sum.resident + resident,
            swapped: sum.swapped + swapped,
        })
    }
}

fn names() -> alloc::vec::Vec<(u32, alloc::string::String)> {
    process::all().map(|info| (info.pid, info.name.as_str().into())).collect()
}
