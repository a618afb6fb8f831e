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

    fn message(&mut self) -> Result<Value> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).context("QEMU does not answer")? == 0 {
            bail!("QEMU has ended");
        }
        serde_json::from_str(&line).context("QEMU says what nobody understands")
    }
}
