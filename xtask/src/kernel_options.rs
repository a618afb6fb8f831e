//! The kernel's command line, as `kcore::command_line` reads it.

use anyhow::{Result, bail};

use abi::image::COMMAND_LINE_MAX_BYTES;
use fakefs::BLOCK_SIZE;

use crate::cli::MachineOptions;

/// What the kernel is told: options, and the first program with its arguments.
#[derive(Clone, Debug, Default)]
pub struct KernelOptions {
    /// Words such as `frames=256`.
    pub words: Vec<String>,
    /// The program and its arguments; empty for the shell.
    pub program: Vec<String>,
}

impl KernelOptions {
    /// What the user's options for the machine mean to the kernel.
    pub fn new(machine: &MachineOptions, program: &[String]) -> Self {
        let mut words = Vec::new();
        words.extend(machine.seed.map(|seed| format!("seed={seed}")));
        words.extend(machine.frames.map(|frames| format!("frames={frames}")));
        words.extend(machine.disk.swap.map(|size| format!("swap={}", size.in_bytes() / u64::from(BLOCK_SIZE))));
        words.extend(machine.check.map(|every| format!("check={every}")));
        words.extend(machine.policy.as_ref().map(|name| format!("policy={}", name.to_lowercase())));
        words.extend(machine.textbook.then(|| "textbook".to_string()));
        words.extend(machine.no_cleaner.then(|| "cleaner=off".to_string()));
        words.extend(machine.no_readahead.then(|| "readahead=off".to_string()));
        words.extend(machine.pio.then(|| "pio".to_string()));
        Self { words, program: limited(machine.limit, program) }
    }

    /// For a machine whose console is no terminal.
    pub fn plain(mut self) -> Self {
        self.words.push("console=plain".into());
        self
    }

    /// The line.
    ///
    /// # Errors
    /// If it is longer than there is room for.
    pub fn line(&self) -> Result<String> {
        let mut line = self.words.join(" ");
        if !self.program.is_empty() {
            line.push_str(" --");
        }
        for word in &self.program {
            line.push(' ');
            line.push_str(&encode(word));
        }
        let line = line.trim_start().to_string();
        if line.len() > COMMAND_LINE_MAX_BYTES {
            bail!("the program's arguments are too long: {} bytes of {COMMAND_LINE_MAX_BYTES}", line.len());
        }
        Ok(line)
    }
}

/// The program, started by `limit` if there is one; without a program, the shell.
fn limited(limit: Option<u32>, program: &[String]) -> Vec<String> {
    let Some(pages) = limit else { return program.to_vec() };
    let shell = ["shell".to_string()];
    let program = if program.is_empty() { &shell } else { program };
    [&["limit".to_string(), pages.to_string()], program].concat()
}

/// A word in which nothing ends it: see `kcore::command_line`.
fn encode(word: &str) -> String {
    if word.is_empty() {
        return "%".into();
    }
    let mut encoded = String::new();
    for byte in word.bytes() {
        match byte {
            b'!'..=b'$' | b'&'..=b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02x}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::KernelOptions;

    fn line(words: &[&str], program: &[&str]) -> String {
        let owned = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        KernelOptions { words: owned(words), program: owned(program) }.line().unwrap()
    }

    #[test]
    fn words_are_kept_apart() {
        assert_eq!(
            line(&["seed=1", "pio"], &["hello", "a b", "", "100%", "é"]),
            "seed=1 pio -- hello a%20b % 100%25 %c3%a9"
        );
        assert_eq!(line(&[], &["hello"]), "-- hello");
        assert_eq!(line(&[], &[]), "");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let program = vec!["x".repeat(600)];
        assert!(KernelOptions { words: Vec::new(), program }.line().is_err());
    }

    #[test]
    fn a_limit_is_put_before_the_program_or_the_shell() {
        let program = ["piggy".to_string(), "5".to_string()];
        assert_eq!(super::limited(None, &program), program);
        assert_eq!(super::limited(Some(90), &program), ["limit", "90", "piggy", "5"]);
        assert_eq!(super::limited(Some(90), &[]), ["limit", "90", "shell"]);
    }
}
