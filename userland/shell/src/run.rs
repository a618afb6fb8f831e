//! Running what a line says.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use libsys::abi::device::Streams;
use libsys::files::File;
use libsys::process::{self, Process, ProcessState, set_foreground, set_priority, wait_for};
use libsys::{Class, Error, ExitReason, eprint, eprintln, print, println};
use shell_core::history::History;
use shell_core::parse::{Chain, Command, Output};

use crate::{MISUSED, builtin};

/// Exit codes of programs that did not end by themselves, and of those that could not be started.
const INTERRUPTED: u32 = 130;
const WAS_KILLED: u32 = 137;
const BROKE_A_RULE: u32 = 139;
const CANNOT_START: u32 = 126;
const NO_SUCH_PROGRAM: u32 = 127;

/// A program in the background.
struct Job {
    pid: u32,
    words: String,
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "[{}] {}", self.pid, self.words)
    }
}

/// What is kept between lines.
#[derive(Default)]
pub struct Shell {
    /// The exit code of the last command.
    pub code: u32,
    /// What `exit` said.
    ends_with: Option<u32>,
    /// Ctrl-C ended a command: what follows it in its line is not run.
    is_interrupted: bool,
    jobs: Vec<Job>,
}

/// What a command is to begin with; the files are closed when this is dropped.
struct Redirection {
    _input: Option<File>,
    output: Option<File>,
    streams: Streams,
}

impl Shell {
    /// There are to be more lines.
    pub const fn is_open(&self) -> bool {
        self.ends_with.is_none()
    }

    /// What the shell exits with.
    pub fn exit_code(&self) -> u32 {
        self.ends_with.unwrap_or(0)
    }

    /// What stands before a line; with the exit code of the last command, unless it is 0.
    pub fn prompt(&self) -> String {
        match self.code {
            0 => "> ".into(),
            code => format!("[{code}] > "),
        }
    }

    /// Says which programs in the background have ended, and how.
    pub fn report_ended(&mut self) {
        let has_ended = |job: &mut Job| process::info(job.pid).is_ok_and(|info| info.state == ProcessState::Ended);
        for Job { pid, words } in self.jobs.extract_if(.., has_ended) {
            match wait_for(pid) {
                Ok(status) => println!("[{pid}] {words}: {}", status.reason),
                Err(error) => eprintln!("shell: process {pid}: {error}"),
            }
        }
    }

    /// Runs all commands of a line.
    pub fn run_all(&mut self, chains: &[Chain], history: Option<&History>) {
        self.is_interrupted = false;
        for chain in chains {
            match chain {
                Chain::Background(command) => self.code = self.start_in_background(command),
                Chain::Foreground(commands) => self.run_chain(commands, history),
            }
            if !self.is_open() || self.is_interrupted {
                return;
            }
        }
    }

    fn run_chain(&mut self, commands: &[Command], history: Option<&History>) {
        for command in commands {
            self.code = self.run(command, history);
            if self.code != 0 || !self.is_open() {
                return;
            }
        }
    }

    /// Runs a command to its end; returns its exit code.
    fn run(&mut self, command: &Command, history: Option<&History>) -> u32 {
        let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
        match words.as_slice() {
            [word, "--help"] | ["help", word] if let Some(text) = builtin::explain(word) => say(command, &text),
            ["exit"] => self.end_with(0),
            ["exit", status] if let Ok(status) = status.parse() => self.end_with(status),
            ["help"] => match builtin::help() {
                Ok(text) => say(command, &text),
                Err(error) => code_of("help", Err(error)),
            },
            ["help", program] => self.run_program(&[program, "--help"], command),
            ["jobs"] => say(command, &self.jobs.iter().map(Job::to_string).collect::<String>()),
            ["fg"] => self.fetch(self.jobs.last().map(|job| job.pid)),
            ["fg", pid] if let Ok(pid) = pid.parse() => self.fetch(Some(pid)),
            // As the program does; but there may be no memory left for a program, and the shell itself may end orphans, too.
            ["kill", pids @ ..] if let Some(pids) = numbers(pids) => kill_all(&pids),
            ["history"] => say(command, &builtin::history(history)),
            [word @ ("help" | "exit" | "jobs" | "fg" | "history"), ..] => {
                eprint!("{}", builtin::explain(word).unwrap_or_default());
                MISUSED
            }
            words => self.run_program(words, command),
        }
    }

    fn end_with(&mut self, status: u32) -> u32 {
        self.ends_with = Some(status);
        0
    }

    fn run_program(&mut self, words: &[&str], command: &Command) -> u32 {
        match start(words, command, None) {
            Ok(child) => self.wait_in_foreground(child.pid()),
            Err(code) => code,
        }
    }

    /// Goes on as if a program in the background had been started in the foreground.
    fn fetch(&mut self, pid: Option<u32>) -> u32 {
        let Some(place) = self.jobs.iter().position(|job| Some(job.pid) == pid) else {
            eprintln!("shell: that does not run in the background; `jobs` lists what does");
            return 1;
        };
        let Job { pid, words } = self.jobs.remove(place);
        println!("{words}");
        self.wait_in_foreground(pid)
    }

    fn wait_in_foreground(&mut self, pid: u32) -> u32 {
        // It may have ended already; and another shell may be the one who says this.
        let _ = set_foreground(Some(pid));
        let ended = wait_for(pid);
        let _ = set_foreground(None);
        match ended.map(|status| status.reason) {
            Ok(ExitReason::Exited(code)) => code,
            Ok(ExitReason::Killed(by)) if by == process::pid() => {
                self.is_interrupted = true;
                INTERRUPTED
            }
            Ok(ExitReason::Killed(_)) => WAS_KILLED,
            Ok(ExitReason::Fault { .. }) => BROKE_A_RULE,
            Err(error) => code_of("wait", Err(error)),
        }
    }

    fn start_in_background(&mut self, command: &Command) -> u32 {
        let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
        // What is typed is for those in the foreground.
        match start(&words, command, Some("null")) {
            Ok(child) => {
                let job = Job { pid: child.pid(), words: words.join(" ") };
                print!("{job}");
                self.jobs.push(job);
                0
            }
            Err(code) => code,
        }
    }
}

/// Prints a text where the command's output is to go.
fn say(command: &Command, text: &str) -> u32 {
    match Redirection::open(command, None) {
        Ok(Redirection { output: Some(mut file), .. }) => code_of("write", file.write_all(text.as_bytes())),
        Ok(_) => {
            print!("{text}");
            0
        }
        Err(code) => code,
    }
}

/// Starts a program; says why if it cannot, and returns what that counts as.
fn start(words: &[&str], command: &Command, input: Option<&str>) -> Result<Process, u32> {
    let (class, words) = match words {
        ["realtime", words @ ..] => (Some(Class::RealTime), words),
        ["background", words @ ..] => (Some(Class::Background), words),
        words => (None, words),
    };
    let [program, arguments @ ..] = words else {
        eprintln!("shell: a program is missing");
        return Err(CANNOT_START);
    };
    let redirection = Redirection::open(command, input)?;
    match Process::spawn_with(program, arguments, redirection.streams) {
        Ok(child) => {
            if let Some(Err(error)) = class.map(|class| set_priority(child.pid(), class))
                && error != Error::NoSuchProcess
            {
                eprintln!("shell: {program} keeps its class: {error}");
            }
            Ok(child)
        }
        Err(Error::NoSuchFile) => {
            eprintln!("shell: there is no program `{program}`; `help` lists those there are");
            Err(NO_SUCH_PROGRAM)
        }
        Err(error) => {
            eprintln!("shell: cannot start {program}: {error}");
            Err(CANNOT_START)
        }
    }
}

impl Redirection {
    /// Opens the files that the command names; `input` is its input if it names none.
    fn open(command: &Command, input: Option<&str>) -> Result<Self, u32> {
        let opened = |name: &str, file: Result<File, Error>| {
            file.map_err(|error| {
                eprintln!("shell: {name}: {error}");
                1u32
            })
        };
        let input = command.input.as_deref().or(input).map(|name| opened(name, File::open(name))).transpose()?;
        let output = match &command.output {
            None => None,
            Some(Output::Replace(name)) => Some(opened(name, tools::open_to_replace(name))?),
            Some(Output::Append(name)) => Some(opened(name, tools::open_to_append(name))?),
        };
        let own = Streams::default();
        let streams = Streams {
            input: input.as_ref().map_or(own.input, File::handle),
            output: output.as_ref().map_or(own.output, File::handle),
            ..own
        };
        Ok(Self { _input: input, output, streams })
    }
}

/// The words as numbers, if there are any and all are.
fn numbers(words: &[&str]) -> Option<Vec<u32>> {
    let numbers: Option<Vec<u32>> = words.iter().map(|word| word.parse().ok()).collect();
    numbers.filter(|numbers| !numbers.is_empty())
}

/// Ends processes, and says which cannot be ended.
fn kill_all(pids: &[u32]) -> u32 {
    pids.iter().fold(0, |code, &pid| match process::kill(pid) {
        Ok(()) => code,
        Err(error) => {
            eprintln!("kill: {pid}: {error}");
            1
        }
    })
}

fn code_of(what: &str, result: Result<(), Error>) -> u32 {
    result.map_or_else(
        |error| {
            eprintln!("shell: {what}: {error}");
            1
        },
        |()| 0,
    )
}
