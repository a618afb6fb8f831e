//! A program that does nothing but look whether its memory, its file and its registers are still what they were.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::arch::asm;
use core::time::Duration;

use fuzz_core::calls::PROGRAM;
use libsys::files::{self, File};
use libsys::memory::Region;
use libsys::message::{self, Buffer};
use libsys::process::{self, Process};
use libsys::test::{Failure, Verdict};
use libsys::{Error, ExitReason, check, check_eq, println};
use tests::PAGE;

/// What the message is about that ends a witness.
const END: u32 = 0x0E4D_E4D0;
/// Pages of memory that are looked at.
const PAGES: usize = 10;
/// Bytes of the file.
const FILE_BYTES: usize = 2 * PAGE + 77;

/// A witness that runs.
pub struct Witness(Process);

impl Witness {
    /// Starts a witness, and returns once it looks.
    ///
    /// # Errors
    /// Those of starting it.
    pub fn start(seed: u32) -> Result<Self, Failure> {
        let child = Process::spawn(PROGRAM, ["witness", &seed.to_string()])?;
        let mut buffer = Buffer::new();
        while message::wait(&mut buffer, Some(Duration::from_secs(20)))?.sender != child.pid() {}
        Ok(Self(child))
    }

    /// Its pid.
    pub const fn pid(&self) -> u32 {
        self.0.pid()
    }

    /// Ends it.
    ///
    /// # Errors
    /// If it has seen something change, or was harmed itself.
    pub fn stop(self) -> Verdict {
        // Others may have filled its queue.
        while let Err(Error::QueueFull) = message::send(self.pid(), END, &[]) {
            process::sleep(Duration::from_millis(1));
        }
        let reason = self.0.wait()?.reason;
        check!(reason == ExitReason::Exited(0), "a witness {reason}");
        Ok(())
    }
}

/// Looks until the process that started it sends the message: the exit code.
pub fn run(seed: u32) -> u32 {
    match watch(seed) {
        Ok(()) => 0,
        Err(failure) => {
            println!("fuzz: FOUND: witness {}: {}", process::pid(), failure.text());
            1
        }
    }
}

fn watch(seed: u32) -> Verdict {
    let name = format!("fuzz-witness-{seed}");
    let mut region = Region::allocate(PAGES * PAGE)?;
    tests::fill(region.words(), seed);
    // It may be there from a machine that ended early.
    files::remove(&name).ok();
    let mut file = File::create(&name)?;
    let bytes: Vec<u8> = (0..FILE_BYTES).map(|place| (place * 31 + seed as usize).to_le_bytes()[0]).collect();
    file.write_all(&bytes)?;
    let registers = Registers::load(seed);
    let parent = process::info(process::pid())?.parent;
    message::send(parent, 0, &[])?;
    let mut buffer = Buffer::new();
    for round in 0_u32.. {
        // Long enough for time slices to end in between.
        for _ in 0..300 {
            registers.compare()?;
        }
        check!(tests::holds(region.words(), seed), "memory has changed");
        if round.is_multiple_of(16) {
            compare_file(&mut file, &bytes)?;
        }
        if has_come(&mut buffer, parent)? {
            break;
        }
        process::sleep(Duration::from_millis(2));
    }
    drop(file);
    files::remove(&name)?;
    Ok(())
}

fn compare_file(file: &mut File, bytes: &[u8]) -> Verdict {
    let mut found = vec![0; FILE_BYTES + 1];
    file.seek(0)?;
    check_eq!(file.read(&mut found)?, FILE_BYTES);
    check!(found[..FILE_BYTES] == *bytes, "the file has changed");
    Ok(())
}

/// The message has come; all others are thrown away.
fn has_come(buffer: &mut Buffer, parent: u32) -> Result<bool, Error> {
    loop {
        match message::wait(buffer, Some(Duration::ZERO)) {
            Ok(message) if message.sender == parent && message.what == END => return Ok(true),
            Ok(_) => {}
            Err(Error::TimedOut) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}

/// Bytes of the floating-point unit's state: 28 of the environment, then eight registers (Intel SDM 1, "x87 State").
const STATE_BYTES: usize = 108;
/// Where the pointers to the last instruction and its operand begin and end. They need not be kept to the byte.
const POINTERS: core::ops::Range<usize> = 12..28;

/// What is in the registers that a program cannot see change by looking at its memory.
struct Registers {
    state: [u8; STATE_BYTES],
    segments: [u16; 6],
    flags: u32,
}

impl Registers {
    /// Loads numbers that follow from the seed, with a control word of their own, and remembers them.
    fn load(seed: u32) -> Self {
        let control = if seed.is_multiple_of(2) { 0x0A7F_u16 } else { 0x067F };
        let numbers = [0, 1, 2, 3, 4, 5, 6, 7_u32].map(|place| seed.wrapping_mul(0x9E37_79B1) ^ place);
        // SAFETY: the control word masks all exceptions, and Rust code for this target keeps nothing in these registers across a block.
        unsafe {
            asm!(
                "fninit",
                "fldcw word ptr [{control}]",
                "fild dword ptr [{numbers}]", "fild dword ptr [{numbers} + 4]", "fild dword ptr [{numbers} + 8]",
                "fild dword ptr [{numbers} + 12]", "fild dword ptr [{numbers} + 16]", "fild dword ptr [{numbers} + 20]",
                "fild dword ptr [{numbers} + 24]", "fild dword ptr [{numbers} + 28]",
                control = in(reg) &raw const control,
                numbers = in(reg) numbers.as_ptr(),
                options(nostack, readonly),
            );
        }
        Self { state: state(), segments: segments(), flags: flags() }
    }

    fn compare(&self) -> Verdict {
        let now = state();
        let differs = (0..STATE_BYTES).find(|place| !POINTERS.contains(place) && now[*place] != self.state[*place]);
        check!(differs.is_none(), "{}", difference(&self.state, &now));
        check_eq!(segments(), self.segments, "segment registers");
        check_eq!(flags(), self.flags, "flags");
        Ok(())
    }
}

fn difference(before: &[u8], now: &[u8]) -> String {
    format!("floating-point state was {before:02x?} and is {now:02x?}")
}

/// The floating-point unit's state, which stays as it is.
fn state() -> [u8; STATE_BYTES] {
    let mut state = [0; STATE_BYTES];
    // SAFETY: `fnsave` fills the array and resets the unit; `frstor` loads the same state again.
    unsafe { asm!("fnsave [{0}]", "frstor [{0}]", in(reg) state.as_mut_ptr(), options(nostack)) };
    state
}

/// CS, DS, ES, FS, GS, SS.
fn segments() -> [u16; 6] {
    let mut found = [0_u16; 6];
    // SAFETY: six words are written to the array.
    unsafe {
        asm!(
            "mov word ptr [{0}], cs", "mov word ptr [{0} + 2], ds", "mov word ptr [{0} + 4], es",
            "mov word ptr [{0} + 6], fs", "mov word ptr [{0} + 8], gs", "mov word ptr [{0} + 10], ss",
            in(reg) found.as_mut_ptr(),
            options(nostack, preserves_flags),
        );
    }
    found
}

/// The flags that neither arithmetic nor another program may change. VIF and VIP mean nothing without virtual-8086 extensions; when a
/// program returns to virtual-8086 mode, QEMU's TCG sets them for all programs, and no instruction of ring 0 clears them.
fn flags() -> u32 {
    const ARITHMETIC: u32 = 0x8D5;
    const VIF_AND_VIP: u32 = 3 << 19;
    let flags: u32;
    // SAFETY: the flags are pushed and popped.
    unsafe { asm!("pushfd", "pop {0}", out(reg) flags) };
    flags & !ARITHMETIC & !VIF_AND_VIP
}
