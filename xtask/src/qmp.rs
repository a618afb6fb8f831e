//! What only QEMU itself can do for us: press keys, take pictures of the screen (QEMU Machine Protocol, "QMP Reference Manual").

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::keys::Chord;
use crate::machine::comma_escaped;

/// How long QEMU may take to open its socket, or to answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a key is down, and then up: the keyboard's queue never fills.
const KEY_TIME: Duration = Duration::from_millis(15);

/// A connection to a running QEMU. Each message is a line.
pub struct Qmp {
    stream: BufReader<UnixStream>,
}

impl Qmp {
    /// The arguments for a QEMU that is to listen at `socket`.
    pub fn arguments(socket: &Path) -> [String; 2] {
        ["-qmp".into(), format!("unix:{},server=on,wait=off", comma_escaped(socket))]
    }

    /// Connects to a QEMU that was just started.
    ///
    /// # Errors
    /// If it does not listen, or does not speak QMP.
    pub fn connect(socket: &Path) -> Result<Self> {
        let deadline = Instant::now() + PATIENCE;
        let stream = loop {
            match UnixStream::connect(socket) {
                Ok(stream) => break stream,
                Err(error) if Instant::now() >= deadline => return Err(error).context("cannot talk to QEMU"),
                Err(_) => thread::sleep(Duration::from_millis(10)),
            }
        };
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut qmp = Self { stream: BufReader::new(stream) };
        qmp.message()?; // the greeting
        qmp.execute("qmp_capabilities", &json!({}))?;
        Ok(qmp)
    }

    /// Has QEMU execute a command; returns what that returns.
    ///
    /// # Errors
    /// If QEMU refuses, or has ended.
    pub fn execute(&mut self, command: &str, arguments: &Value) -> Result<Value> {
        let line = json!({ "execute": command, "arguments": arguments });
        self.stream.get_mut().write_all(format!("{line}\n").as_bytes()).context("cannot talk to QEMU")?;
        loop {
            let mut message = self.message()?;
            if let Some(error) = message.get("error") {
                bail!("QEMU refuses `{command}`: {}", error["desc"].as_str().unwrap_or("it does not say why"));
            }
            // What happens meanwhile is told in between.
            if let Some(result) = message.get_mut("return") {
                return Ok(result.take());
            }
        }
    }

    /// Presses keys on the machine's keyboard, and releases them.
    ///
    /// # Errors
    /// As [`Qmp::execute`].
    pub fn press(&mut self, chord: &Chord) -> Result<()> {
        let keys: Vec<Value> = chord.keys().map(|name| json!({ "type": "qcode", "data": name })).collect();
        self.execute("send-key", &json!({ "keys": keys, "hold-time": KEY_TIME.as_millis() }))?;
        thread::sleep(2 * KEY_TIME);
        Ok(())
    }

    /// Waits until QEMU ends. Says whether the guest was the cause: its CPU gave up, or it asked for a reset.
    ///
    /// # Errors
    /// If the connection breaks, or QEMU says what nobody understands.
    pub fn ended_by_guest(self) -> Result<bool> {
        self.stream.get_ref().set_read_timeout(None)?;
        let mut is_guests = false;
        for line in self.stream.lines() {
            let message: Value = serde_json::from_str(&line?).context("QEMU says what nobody understands")?;
            is_guests |= message["event"] == "SHUTDOWN" && message["data"]["guest"] == true;
        }
        Ok(is_guests)
    }

    fn message(&mut self) -> Result<Value> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).context("QEMU does not answer")? == 0 {
            bail!("QEMU has ended");
        }
        serde_json::from_str(&line).context("QEMU says what nobody understands")
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixListener;
    use std::thread;

    use super::Qmp;

    /// What is made of a QEMU that says this once it is connected, and ends.
    fn heard(said: &'static str) -> anyhow::Result<bool> {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("qmp");
        let listener = UnixListener::bind(&socket).unwrap();
        let qemu = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"{\"QMP\": {}}\n{\"return\": {}}\n").unwrap();
            // The command is read, so that the connection ends in good order.
            std::io::BufRead::read_line(&mut std::io::BufReader::new(&stream), &mut String::new()).unwrap();
            stream.write_all(said.as_bytes()).unwrap();
        });
        let heard = Qmp::connect(&socket)?.ended_by_guest();
        qemu.join().unwrap();
        heard
    }

    #[test]
    fn who_ended_the_machine_is_told() {
        let guests = r#"{"timestamp": {}, "event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}}"#;
        let users = r#"{"timestamp": {}, "event": "SHUTDOWN", "data": {"guest": false, "reason": "host-ui"}}"#;
        let other = r#"{"timestamp": {}, "event": "RTC_CHANGE", "data": {"guest": true}}"#;
        assert!(heard(guests).unwrap());
        assert!(!heard(users).unwrap());
        assert!(!heard(other).unwrap() && !heard("").unwrap());
        assert!(heard("no message").is_err());
    }
}
