//! What tests need another process for, other than breaking rules.

use alloc::vec::Vec;
use core::arch::asm;
use core::time::Duration;

use libsys::memory::{self, PAGE_SIZE, Region};
use libsys::message::{self, Buffer};
use libsys::process::{self, Process};
use libsys::{Error, call, eprintln, print, println, system};
use tests::PAGE;

use super::rules::number;

/// Runs an errand: its exit code, or `None` if there is none of that name.
pub fn run(word: &str, arguments: &[&str]) -> Option<u32> {
    let numbers = || arguments.iter().map(|argument| number(argument).unwrap_or(0));
    let mut next = numbers();
    let mut argument = || next.next().unwrap_or(0);
    let done = match word {
        "exit" => Ok(argument()),
        "arguments" => Ok(checksum(arguments)),
        "sleep" => {
            process::sleep(Duration::from_millis(argument().into()));
            Ok(0)
        }
        "spin" => spin(argument()),
        "orphan" => Process::spawn("assist", ["sleep", "50"]).map(|_| 0),
        "keep" => keep(argument(), argument(), argument()),
        "echo" => echo(),
        "answer" => answer(),
        "answer-within" => answer_within(argument()),
        "ask" => ask(argument(), argument()),
        "listen" => listen(argument()),
        "wait-once" => wait_once(argument()),
        "tell" => tell(argument(), argument(), argument()),
        "doze" => doze(argument(), argument()),
        "after-free" => after_free(),
        "past-end" => past_end(argument()),
        "stack" => Ok(stack(argument())),
        "stack-call" => Ok(stack_call(argument())),
        "long-lines" => {
            let long = "ä".repeat(700);
            println!("out {long} end");
            eprintln!("err {long} end");
            print!("no line");
            Ok(0)
        }
        "recurse" => Ok(recurse(0)),
        "x87" => Ok(x87(argument(), argument())),
        "emms" => Ok(emms()),
        "x87-pending" => Ok(x87_pending()),
        "constant" => Ok(u32::try_from("a constant".as_ptr().expose_provenance()).unwrap_or(0)),
        "allocate-80-and-30" => allocate_80_and_30(),
        "sparse-heap" => sparse_heap(),
        "raise-limit" => Ok(u32::from(memory::set_limit(u32::MAX) != Err(Error::NotPermitted))),
        "start-under-limit" => start_under_limit(),
        "panic" => panic!("on request"),
        _ => return None,
    };
    Some(done.unwrap_or(3))
}

/// 80 pages, 30 more that are refused, and 30 once the 80 are free. Exits with 1 if the 30 are granted beside the 80.
fn allocate_80_and_30() -> Result<u32, Error> {
    let mut most = Region::allocate(80 * PAGE)?;
    most.bytes().fill(80);
    match Region::allocate(30 * PAGE) {
        Err(Error::OverLimit) => {}
        Err(error) => return Err(error),
        Ok(_) => return Ok(1),
    }
    if most.bytes().iter().any(|&byte| byte != 80) {
        return Ok(2);
    }
    drop(most);
    Region::allocate(30 * PAGE)?.bytes().fill(30);
    Ok(0)
}

/// Nearly a gibibyte of heap, of which every hundredth page is used.
fn sparse_heap() -> Result<u32, Error> {
    const PAGES: usize = (1 << 18) - 64;
    let held = system::info()?;
    let mut region = Region::allocate(PAGES * PAGE)?;
    let granted = system::info()?;
    for (number, page) in (0u32..).zip(region.words().chunks_exact_mut(PAGE / 4).step_by(100)) {
        page[number as usize % 1024] = number + 1;
    }
    let wrong = (0u32..).zip(region.words().chunks_exact(PAGE / 4).step_by(100)).filter(|(number, page)| {
        let place = *number as usize % 1024;
        page[place] != number + 1 || page[(place + 1) % 1024] != 0
    });
    let wrong = wrong.count();
    let touched = system::info()?;
    drop(region);
    let freed = system::info()?;
    println!(
        "{PAGES} pages promised: {} frames less; {} touched: {} frames less, {} of them tables; freed: {} frames less",
        held.frames_free - granted.frames_free,
        PAGES.div_ceil(100),
        granted.frames_free - touched.frames_free,
        touched.frames_tables - granted.frames_tables,
        held.frames_free.abs_diff(freed.frames_free),
    );
    let tables_left = freed.frames_tables - held.frames_tables;
    Ok(u32::from(wrong > 0 || tables_left > 0 || freed.pages_promised != held.pages_promised))
}

/// Lowers its limit to almost nothing; then nobody can be started.
fn start_under_limit() -> Result<u32, Error> {
    memory::set_limit(2)?;
    Ok(u32::from(Process::spawn("assist", ["exit", "0"]).err() != Some(Error::OverLimit)))
}

/// FNV-1a over the arguments, each followed by a zero byte.
pub fn checksum(arguments: &[&str]) -> u32 {
    let bytes = arguments.iter().flat_map(|argument| argument.bytes().chain([0]));
    bytes.fold(0x811C_9DC5, |sum: u32, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Uses the CPU, and nothing else, for so many milliseconds.
fn spin(milliseconds: u32) -> Result<u32, Error> {
    let end = system::time()?.uptime_ms + u64::from(milliseconds);
    while system::time()?.uptime_ms < end {
        for step in 0..10_000 {
            core::hint::black_box(step);
        }
    }
    Ok(0)
}

/// Fills pages with a pattern, sleeps, and finds it again: 0 if it does.
fn keep(seed: u32, pages: u32, milliseconds: u32) -> Result<u32, Error> {
    let mut region = Region::allocate((pages * PAGE_SIZE) as usize)?;
    tests::fill(region.words(), seed);
    process::sleep(Duration::from_millis(milliseconds.into()));
    Ok(u32::from(!tests::holds(region.words(), seed)))
}

/// Answers every message: the same bytes, `what` one higher. Ends with 0 at [`tests::END`].
fn echo() -> Result<u32, Error> {
    let mut buffer = Buffer::new();
    loop {
        let received = message::wait(&mut buffer, None)?;
        if received.what == tests::END {
            return Ok(0);
        }
        message::send(received.sender, received.what + 1, received.bytes)?;
    }
}

/// As [`echo`], but each answer and the wait for the next message are one call.
fn answer() -> Result<u32, Error> {
    let mut buffer = Buffer::new();
    let mut copy = [0; message::MAX_BYTES];
    let mut received = message::wait(&mut buffer, None)?;
    while received.what != tests::END {
        let (sender, what, bytes) = (received.sender, received.what + 1, &mut copy[..received.bytes.len()]);
        bytes.copy_from_slice(received.bytes);
        received = message::send_and_wait(&mut buffer, sender, what, bytes, None)?;
    }
    Ok(0)
}

/// Answers every message with an empty one, `what` one higher, and never waits longer than so many milliseconds at once. Ends with 0 at
/// [`tests::END`].
fn answer_within(milliseconds: u32) -> Result<u32, Error> {
    let patience = Some(Duration::from_millis(milliseconds.into()));
    let mut buffer = Buffer::new();
    let mut answer: Option<(u32, u32)> = None;
    loop {
        let waited = match answer.take() {
            Some((to, what)) => message::send_and_wait(&mut buffer, to, what, &[], patience),
            None => message::wait(&mut buffer, patience),
        };
        match waited {
            Ok(received) if received.what == tests::END => return Ok(0),
            Ok(received) => answer = Some((received.sender, received.what + 1)),
            Err(Error::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Sends `count` requests to process `pid`, with `what` going up by two and bytes of all lengths; 0 if all answers are right.
fn ask(pid: u32, count: u32) -> Result<u32, Error> {
    let mut buffer = Buffer::new();
    for what in (0..count).map(|number| 2 * number) {
        let bytes = Vec::from_iter(core::iter::repeat_n(what.to_le_bytes()[0], what as usize % 100));
        let answer = message::send_and_wait(&mut buffer, pid, what, &bytes, None)?;
        if (answer.sender, answer.what, answer.bytes) != (pid, what + 1, &bytes) {
            return Ok(1);
        }
    }
    Ok(0)
}

/// Waits so many milliseconds for a message: its `what` is the exit code. Its parent is told if none came, however that ended.
fn listen(milliseconds: u32) -> Result<u32, Error> {
    const COMPLAINT: &[u8] = b"nothing came";
    let parent = process::info(process::pid())?.parent;
    let mut buffer = Buffer::new();
    // All that the complaint needs is in memory then: no page fault lies between the wait and it.
    message::send(process::pid(), 0, COMPLAINT)?;
    message::wait(&mut buffer, None)?;
    let waited = message::wait(&mut buffer, Some(Duration::from_millis(milliseconds.into())));
    if waited.is_err() {
        message::send(parent, 0, COMPLAINT)?;
    }
    waited.map(|received| received.what)
}

/// Waits so many milliseconds for a message. After that it is blocked for good: it waits for a message if one has come, and sleeps if not.
fn wait_once(milliseconds: u32) -> Result<u32, Error> {
    let mut buffer = Buffer::new();
    match message::wait(&mut buffer, Some(Duration::from_millis(milliseconds.into()))) {
        Ok(received) => {
            message::send(received.sender, received.what, &[])?;
            message::wait(&mut buffer, None)?;
        }
        Err(_) => process::sleep(Duration::from_secs(1000)),
    }
    Ok(0)
}

/// Sends `count` messages to process `pid`, with `what` counting up and every length from 0 to `longest` in turn.
fn tell(pid: u32, count: u32, longest: u32) -> Result<u32, Error> {
    for what in 0..count {
        let bytes = Vec::from_iter(core::iter::repeat_n(what.to_le_bytes()[0], (what % (longest + 1)) as usize));
        while let Err(refusal) = message::send(pid, what, &bytes) {
            match refusal {
                Error::QueueFull | Error::TooManyUnread => process::yield_now(),
                other => return Err(other),
            }
        }
    }
    Ok(0)
}

/// Sleeps so long, and finds `count` messages afterwards: 0 if so, 1 if it woke too early, 2 if the number is another.
fn doze(milliseconds: u32, count: u32) -> Result<u32, Error> {
    let before = system::time()?.uptime_ms;
    process::sleep(Duration::from_millis(milliseconds.into()));
    if system::time()?.uptime_ms - before < milliseconds.into() {
        return Ok(1);
    }
    let mut buffer = Buffer::new();
    let found = (0..).take_while(|_| message::wait(&mut buffer, Some(Duration::ZERO)).is_ok()).count();
    Ok(if u32::try_from(found) == Ok(count) { 0 } else { 2 })
}

/// Uses a region after giving it back: at the first address of the heap that is nobody's then.
fn after_free() -> Result<u32, Error> {
    let region = Region::allocate(PAGE)?;
    let at = region.as_ptr();
    // SAFETY: the page is this program's.
    unsafe { at.write_volatile(1) };
    region.free()?;
    // SAFETY: none is claimed: this is the rule to break.
    Ok(u32::from(unsafe { at.read_volatile() }))
}

/// Reads `offset` bytes behind the end of a region of one page, in front of which and behind which there is nothing.
fn past_end(offset: u32) -> Result<u32, Error> {
    let [before, region, behind] = [Region::allocate(4096 * 4)?, Region::allocate(PAGE)?, Region::allocate(4096 * 4)?];
    before.free()?;
    behind.free()?;
    let at = region.as_ptr().wrapping_add(PAGE_SIZE.wrapping_add(offset) as usize);
    // SAFETY: none is claimed: this is the rule to break.
    Ok(u32::from(unsafe { at.read_volatile() }))
}

/// Touches the stack at its new end after one big step, then every page in between.
fn stack(bytes: u32) -> u32 {
    let found: u32;
    // SAFETY: the stack pointer is put back; what is written lies below it, where nothing else is.
    unsafe {
        asm!(
            "mov {old}, esp",
            "sub esp, ecx",
            "and esp, -4096",
            "mov dword ptr [esp], 77",
            "2: cmp ecx, 4096",
            "jb 3f",
            "sub ecx, 4096",
            "mov dword ptr [esp + ecx], 5",
            "jmp 2b",
            "3: mov {found}, [esp]",
            "mov esp, {old}",
            old = out(reg) _,
            found = out(reg) found,
            inout("ecx") bytes => _,
        );
    }
    u32::from(found != 77 && found != 5)
}

/// Calls itself until its stack is used up. A small array in each frame, so that no guard page is stepped over.
#[expect(unconditional_recursion, reason = "this is the rule to break")]
fn recurse(depth: u32) -> u32 {
    let here = core::hint::black_box([depth; 16]);
    recurse(depth.wrapping_add(1)).wrapping_add(here[3])
}

/// Has a call write a record to stack that was never touched.
fn stack_call(bytes: u32) -> u32 {
    let here = 0u32;
    let below = u32::try_from((&raw const here).expose_provenance()).unwrap_or(0) - bytes;
    u32::from(call::time(below).is_err())
}

/// Empties the registers of MMX, which are those of the x87.
fn emms() -> u32 {
    // SAFETY: EMMS changes only the x87's tag word; Rust code for this target holds no value in these registers here.
    unsafe { asm!("emms") };
    0
}

/// Keeps a value in an x87 register while others run: 0 if it is still there.
fn x87(value: u32, rounds: u32) -> u32 {
    let mut kept: u32 = 0;
    for _ in 0..rounds {
        // SAFETY: one register is pushed here and popped below; Rust code for this target holds no value in x87 registers across
        // a call that it does not know of, since the whole is one `asm!` block.
        unsafe {
            asm!(
                "fild dword ptr [{value}]",
                "mov eax, 6",               // Yield
                "int 0x80",
                "fistp dword ptr [{kept}]",
                value = in(reg) &raw const value,
                kept = in(reg) &raw mut kept,
                out("eax") _,
            );
        }
        if kept != value {
            return 1;
        }
    }
    0
}

/// Divides by zero with that exception unmasked, and executes no x87 instruction after it: the exception stays pending.
fn x87_pending() -> u32 {
    let control: u32 = 0x0300;
    // SAFETY: the control word is read. The next x87 instruction of this program would raise the exception; there is none.
    unsafe { asm!("fldcw [{0}]", "fld1", "fldz", "fdivp st(1), st", in(reg) &raw const control) };
    0
}
