//! Machines in Bochs, which checks what CPUs check and QEMU's translator lets pass: segments, limits, pending x87 exceptions.
//!
//! ```text
//! console     COM1, a TCP connection to this process
//! host lines  the parallel port, a file
//! end         the shutdown port; the log says so
//! ```
//!
//! All files of a machine are in a folder of its own, and Bochs gets their bare names: a path cannot break the configuration. The disk
//! is a link to the image there. Bochs makes a file beside its disk while it runs; that is in this folder, too.

use std::fs::{self, File};
use std::io::{self, ErrorKind, IsTerminal, Read};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use abi::image::BOCHS_SHUTDOWN_LOG;
use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use super::{Console, ControlC, End, HOST_LINES, Hardware, POLL, Running, end_with_parent, stop_by_force, told_end};
use crate::image;
use crate::setup::BochsProgram;
use crate::size::Size;
use crate::terminal::RawTerminal;
use crate::typist::Wires;

/// The CPU of a machine that asks for none: the first with all that the kernel uses of its time's CPUs.
const USUAL_CPU: &str = "p4_willamette";
/// How many instructions Bochs takes for a second: what it interprets in a second on a host that is not new, so that it keeps up.
const INSTRUCTIONS_PER_SECOND: u32 = 10_000_000;
/// The most memory that Bochs takes for the guest, in MiB.
const RAM_MAX_MIB: u64 = 2048;
/// How long Bochs may take to connect.
const PATIENCE: Duration = Duration::from_secs(20);

const CONFIGURATION: &str = "configuration";
const DEBUGGER_COMMANDS: &str = "commands";
const DISK: &str = "disk";
const LOG: &str = "log";
const ERRORS: &str = "errors";

/// A machine in Bochs.
#[derive(Clone, Debug)]
pub struct Bochs {
    /// The emulator.
    pub program: BochsProgram,
    /// What every machine has.
    pub hardware: Hardware,
    /// How its time passes.
    pub pace: Pace,
}

/// How a machine's time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// With executed instructions. A machine that waits does not let its host wait, and the same machine does the same each time.
    Instructions,
    /// No faster than the host's time.
    RealTime,
}

impl Bochs {
    /// Starts it, and waits until its console is connected.
    pub(super) fn start(&self, console: &Console, folder: &Path) -> Result<Running> {
        if matches!(console, Console::AtKeyboard(_)) {
            bail!("nobody can press keys on a machine in Bochs");
        }
        let image = image::lock(&self.hardware.image)?;
        let listener = TcpListener::bind("127.0.0.1:0").context("no port is free for the console")?;
        let port = listener.local_addr()?.port();
        self.write_files(folder, port).context("cannot write the files of the machine")?;
        let mut child = self.command(folder)?.spawn().context("cannot start Bochs")?;
        let stream = match connected(&mut child, &listener, folder) {
            Ok(stream) => stream,
            Err(error) => {
                stop_by_force(&mut child);
                return Err(error);
            }
        };
        let is_typed = matches!(console, Console::Attached) && io::stdin().is_terminal();
        let terminal = is_typed.then(|| RawTerminal::new(self.hardware.control_c));
        let host_lines = folder.join(HOST_LINES);
        let wires = Wires {
            output: Box::new(UntilClosed(stream.try_clone()?)),
            input: Some(Box::new(stream)),
            host_lines: host_lines.clone(),
            keyboard: PathBuf::new(),
            input_ends: true,
            has_escape: is_typed && self.hardware.control_c == ControlC::IsTyped,
        };
        let log = folder.join(LOG);
        let judge = Box::new(move |child: &mut Child| {
            drop((image, terminal));
            judge(child, &host_lines, &log)
        });
        Ok(Running { child, wires, judge, stop: stop_by_force })
    }

    fn write_files(&self, folder: &Path, port: u16) -> Result<()> {
        symlink(std::path::absolute(&self.hardware.image)?, folder.join(DISK))?;
        fs::write(folder.join(DEBUGGER_COMMANDS), "continue\n")?;
        Ok(fs::write(folder.join(CONFIGURATION), self.configuration(port)?)?)
    }

    fn command(&self, folder: &Path) -> Result<Command> {
        let mut bochs = Command::new(&self.program.path);
        bochs.current_dir(folder).args(["-q", "-f", CONFIGURATION]);
        if self.program.has_debugger {
            bochs.args(["-rc", DEBUGGER_COMMANDS]);
        }
        // What is shown on the screen can be seen at the console. A terminal of any kind will do for Bochs to draw on.
        bochs.env("TERM", "dumb").stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(folder.join(ERRORS))?);
        // Ctrl-C on the terminal is this process's business.
        bochs.process_group(0);
        // Bochs does not end at a mere request.
        end_with_parent(&mut bochs, Signal::KILL);
        Ok(bochs)
    }

    /// What Bochs is told (Bochs User Manual, "The configuration file bochsrc").
    fn configuration(&self, console_port: u16) -> Result<String> {
        let cpu = self.hardware.cpu.as_deref().unwrap_or(USUAL_CPU);
        let ram = whole_mebibytes(self.hardware.ram)?;
        let sync = match self.pace {
            Pace::Instructions => "none",
            Pace::RealTime => "slowdown",
        };
        Ok(format!(
            "config_interface: textconfig
display_library: {display}
cpu: model={cpu}, count=1, ips={INSTRUCTIONS_PER_SECOND}, reset_on_triple_fault=0
memory: guest={ram}, host={ram}
romimage: file=$BXSHARE/BIOS-bochs-latest, options=fastboot
vgaromimage: file=$BXSHARE/VGABIOS-lgpl-latest
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=disk, mode=flat, path={DISK}
boot: disk
clock: sync={sync}, time0=utc
com1: enabled=1, mode=socket-client, dev=127.0.0.1:{console_port}
parport1: enabled=1, file={HOST_LINES}
mouse: enabled=0
log: {LOG}
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
",
            display = self.program.display
        ))
    }
}

/// Refuses an amount of memory that Bochs cannot give a machine.
///
/// # Errors
/// If it is not a whole number of MiB, or too much.
pub fn check_ram(ram: Size) -> Result<()> {
    whole_mebibytes(ram).map(|_| ())
}

/// The memory of a machine in MiB, of which Bochs takes whole ones.
fn whole_mebibytes(ram: Size) -> Result<u64> {
    let bytes = ram.in_bytes();
    match bytes >> 20 {
        mebibytes @ 1..=RAM_MAX_MIB if mebibytes << 20 == bytes => Ok(mebibytes),
        _ => bail!("a machine in Bochs has 1 to {RAM_MAX_MIB} whole MiB of memory, not {ram}"),
    }
}

/// What comes from a connection, until the other end closes it in any way.
///
/// A Bochs that ends before the guest has read all that was typed resets the connection. What it had sent arrives before that.
struct UntilClosed<R>(R);

impl<R: Read> Read for UntilClosed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer) {
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(0),
            result => result,
        }
    }
}

/// Waits for Bochs's end of the console.
fn connected(child: &mut Child, listener: &TcpListener, folder: &Path) -> Result<TcpStream> {
    listener.set_nonblocking(true)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error).context("no console in Bochs"),
            Err(_) => {}
        }
        if child.try_wait()?.is_some() {
            bail!("Bochs does not start: {}", last_words(&fs::read_to_string(folder.join(ERRORS)).unwrap_or_default()));
        }
        if Instant::now() >= deadline {
            bail!("Bochs does not connect its serial port");
        }
        thread::sleep(POLL);
    }
}

/// The reason that Bochs gives when it ends: the line after the one that announces it, without the name of the part that says so.
fn last_words(errors: &str) -> &str {
    let mut lines = errors.lines().skip_while(|line| !line.starts_with("Bochs is exiting with the following message"));
    let line = lines.nth(1).or_else(|| errors.lines().next_back()).unwrap_or("it does not say why");
    line.split_once("] ").map_or(line, |(_, text)| text).trim()
}

/// Reads how an ended Bochs ended.
fn judge(child: &mut Child, host_lines: &Path, log: &Path) -> End {
    let status = match child.wait() {
        Ok(status) => status,
        Err(error) => return End::Broken(format!("Bochs: {error}")),
    };
    let log = fs::read(log).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    match (last_panic(&log), told_end(host_lines)) {
        (Some(BOCHS_SHUTDOWN_LOG), Some(end)) => end,
        (Some(BOCHS_SHUTDOWN_LOG), None) => End::Broken("Bochs: the kernel has stopped it".into()),
        (Some(reason), _) => End::Broken(format!("Bochs: {reason}")),
        (None, _) => End::Broken(format!("Bochs: {status}")),
    }
}

/// What Bochs has logged as the reason for its end.
fn last_panic(log: &str) -> Option<&str> {
    log.lines().filter_map(|line| Some(line.split_once(">>PANIC<< ")?.1.trim())).next_back()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::{Bochs, Hardware, Pace, UntilClosed, last_panic, last_words, whole_mebibytes};
    use crate::setup::BochsProgram;
    use crate::size::Size;

    #[test]
    fn the_machine_is_configured_as_it_was_asked_for() {
        let program = BochsProgram { path: "bochs".into(), display: "nogui", has_debugger: false };
        let hardware =
            Hardware { cpu: Some("pentium".into()), ..Hardware::new("a, b.img".into(), Size::bytes(48 << 20)) };
        let mut bochs = Bochs { program, hardware, pace: Pace::Instructions };
        let lines = bochs.configuration(1234).unwrap();
        for part in
            ["display_library: nogui\n", "model=pentium,", "guest=48, host=48\n", "sync=none,", "127.0.0.1:1234\n"]
        {
            assert!(lines.contains(part), "{part}: {lines}");
        }
        assert!(!lines.contains("a, b.img"));
        (bochs.pace, bochs.hardware.cpu) = (Pace::RealTime, None);
        let lines = bochs.configuration(1234).unwrap();
        assert!(lines.contains("sync=slowdown,") && lines.contains("model=p4_willamette,"), "{lines}");
    }

    #[test]
    fn memory_in_bochs_is_in_whole_mebibytes() {
        assert_eq!(whole_mebibytes(Size::bytes(32 << 20)).unwrap(), 32);
        for bytes in [0, 4096, (32 << 20) + 4096, 3 << 30] {
            assert!(whole_mebibytes(Size::bytes(bytes)).unwrap_err().to_string().contains("whole MiB"));
        }
    }

    #[test]
    fn what_was_sent_before_a_connection_was_reset_is_there() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut theirs, _) = listener.accept().unwrap();
        ours.write_all(b"typed").unwrap();
        theirs.write_all(b"shown").unwrap();
        let mut first = [0];
        theirs.read_exact(&mut first).unwrap();
        // Four bytes are left unread.
        drop(theirs);
        let mut all = String::new();
        UntilClosed(ours).read_to_string(&mut all).unwrap();
        assert_eq!(all, "shown");
    }

    #[test]
    fn the_reason_of_an_end_is_found() {
        let log =
            "00000000000p[      ] >>PANIC<< first\n00133277124p[UNMAP ] >>PANIC<< Shutdown port: shutdown requested\n";
        assert_eq!(last_panic(log), Some("Shutdown port: shutdown requested"));
        assert_eq!(last_panic("00000000000i[CPU0  ] cpu hardware reset\n"), None);
        let errors =
            "i[      ] a\nBochs is exiting with the following message:\n[      ] rc:2: no such display\n=====\n";
        assert_eq!(last_words(errors), "rc:2: no such display");
        assert_eq!(last_words("bochs: not found\n"), "bochs: not found");
        assert_eq!(last_words(""), "it does not say why");
    }
}
