//! The machine as one sees it in its window: screen and keyboard.

use std::os::unix::fs::FileExt;
use std::time::Duration;

use anyhow::{Result, anyhow};

use super::Filter;
use super::guest::{Boot, Case, Outcome};
use super::report::{Report, Verdict};
use super::scenarios::case;
use crate::build::Guest;
use crate::cli::{DiskOptions, Emulator, MachineOptions};
use crate::kernel_options::KernelOptions;
use crate::machine::{End, Qemu};
use crate::picture::Picture;
use crate::size::Size;
use crate::{keys, run, screenshot, setup};

/// The tests of pictures.
pub const NAMES: [&str; 2] = [SHOWS, LOOKS_BACK];
const SHOWS: &str = "guest::window::a_screenshot_shows_what_was_typed";
const LOOKS_BACK: &str = "guest::window::what_has_left_the_screen_can_be_looked_at_again";

/// A VGA in text mode: 80 x 25 characters of 9 x 16 pixels.
const SCREEN: (u32, u32) = (720, 400);

/// Sessions at the keyboard, and other ends than those that the guest has asked for.
pub fn cases() -> Vec<Case> {
    let steps: &[(&str, &[u8])] = &[
        ("> ", b"echo 'Shift gives CAPITALS, and !@#$%^&*()_+{}|:\"<>?~'\r"),
        ("\nShift gives CAPITALS, and !@#$%^&*()_+{}|:\"<>?~\n", b""),
        ("> ", b"echo '-=[];,./`\\' \"'\"\r"),
        ("\n-=[];,./`\\ '\n", b""),
        // Backspace takes back what is before the cursor, Delete what is at it; Home and End go to the ends.
        ("> ", b"cho twp\x7fo\x1b[D\x1b[D\x1b[3~\x1b[C\x1b[He\x1b[F three\r"),
        ("\nto three\n", b""),
        ("> ", b"\x1b[A\x1b[A\x1b[B\x17four\r"),
        ("\nto four\n", b""),
        ("> ", b"good\t--times 1\r"),
        ("Goodbye from process", b""),
        ("> ", b"yes\r"),
        ("y\ny\ny\n", b"\x03"),
        ("[130] > ", b"cat\r"),
        ("cat\n", b"a linf\x7fe\r"),
        ("\na line\n", b"\x04"),
        ("> ", b"exit 4\r"),
    ];
    let boot = Boot { dialogue: Some(steps), at_keyboard: true, ..Boot::new("the_keyboard_types_what_it_should", &[]) };
    let by_user = Boot {
        dialogue: Some(&[("> ", b"\x1dx")]),
        ..Boot::new("ctrl_and_a_bracket_switch_the_machine_off_in_good_order", &[])
    };
    let by_itself = Boot {
        dialogue: Some(&[]),
        // Instead of the boot loader: outb(0x64, 0xFE), the CPU's reset line; hlt.
        spoil: Some(|image| image.write_all_at(&[0xB0, 0xFE, 0xE6, 0x64, 0xF4], 0)),
        ..Boot::new("a_machine_that_resets_itself_was_not_switched_off", &[])
    };
    vec![
        case("window", boot, |outcome| outcome.expect_status(4)),
        case("window", by_user, |outcome| expect_end(outcome, &End::Interrupted)),
        case("window", by_itself, |outcome| expect_end(outcome, &End::Broken("QEMU: exit status: 0".into()))),
    ]
}

fn expect_end(outcome: &Outcome, end: &End) -> Verdict {
    if outcome.end == *end { Ok(()) } else { Err(format!("the machine ended with {:?}", outcome.end)) }
}

/// Takes pictures of a machine at which things are typed, if that is wanted.
///
/// # Errors
/// If something is missing or does not compile.
pub fn run(filter: &Filter, report: &mut Report) -> Result<()> {
    if filter.wants(SHOWS) || filter.wants(LOOKS_BACK) {
        let pictures = take(&Guest::build()?, setup::qemu()?).map_err(|error| format!("{error:#}"));
        for (name, judge) in [(SHOWS, shows as fn(&[Picture; TYPED.len() + 1]) -> Verdict), (LOOKS_BACK, looks_back)] {
            if filter.wants(name) {
                report.add(name, pictures.clone().and_then(|pictures| judge(&pictures)));
            }
        }
    }
    Ok(())
}

/// What is typed, with a picture before and behind each. Both lists together are more than a screenful.
const TYPED: [&str; 4] = ["hello\r", "help; help line\r", "\x1b[5;2~\x1b[5;2~\x1b[5;2~", "\x1b[6;2~\x1b[6;2~\x1b[6;2~"];

fn take(guest: &Guest, emulator: std::path::PathBuf) -> Result<[Picture; TYPED.len() + 1]> {
    let lines = TYPED.into_iter().map(keys::chords).collect::<Result<Vec<_>>>()?;
    let (hardware, _image) = run::prepare(guest, &machine(), &KernelOptions::default())?;
    let pictures = screenshot::take(Qemu::new(emulator, hardware), &lines, Duration::from_secs(60))?;
    pictures.try_into().map_err(|pictures: Vec<_>| anyhow!("{} pictures were taken", pictures.len()))
}

fn shows([before, after, ..]: &[Picture; TYPED.len() + 1]) -> Verdict {
    let png = after.to_png().map_err(|error| format!("{error:#}"))?;
    let reader = png::Decoder::new(std::io::Cursor::new(&png)).read_info().map_err(|error| error.to_string())?;
    if reader.info().size() != SCREEN {
        return Err(format!("its size is {:?}", reader.info().size()));
    }
    if before.colors().len() < 2 {
        return Err("a prompt is not all of one colour".into());
    }
    if after.resembles(before) || after.brightness() <= before.brightness() {
        return Err("what was typed cannot be seen".into());
    }
    Ok(())
}

fn looks_back([_, hello, help, back, on]: &[Picture; TYPED.len() + 1]) -> Verdict {
    if help.begins_as(hello, 3) {
        return Err("the list of programs has not filled the screen".into());
    }
    if !back.begins_as(hello, 3) {
        return Err("the first rows cannot be looked at again".into());
    }
    if on.resembles(help) { Ok(()) } else { Err("the last rows do not come back".into()) }
}

/// A small machine like any other.
pub fn machine() -> MachineOptions {
    MachineOptions {
        ram: Size::bytes(32 << 20),
        frames: None,
        seed: None,
        limit: None,
        policy: None,
        textbook: false,
        no_cleaner: false,
        no_readahead: false,
        check: None,
        pio: false,
        disk: DiskOptions { swap: Some(Size::bytes(4 << 20)), extras: Vec::new() },
        emulator: Emulator::Qemu,
        cpu: None,
        accel: None,
    }
}
