//! Children that say when they are ready, and stay until they are told to end.

use alloc::string::ToString;
use alloc::vec::Vec;

use libsys::Error;
use libsys::message::{self, Buffer};
use libsys::process::{self, Process};

/// The name of this program.
pub const PROGRAM: &str = "test-latency";

/// The argument of a child; the pid of its parent and what it does follow.
pub const CHILD: &str = "latency-child";

const READY: u32 = 1;

/// Children that are ready.
pub struct Company(Vec<Process>);

impl Company {
    /// Starts `count` children that do this, and waits until all are ready.
    pub fn start(count: u32, words: &[&str]) -> Result<Self, Error> {
        let company = Self::start_without_waiting(count, words)?;
        let mut buffer = Buffer::new();
        for _ in 0..count {
            message::wait(&mut buffer, None)?;
        }
        Ok(company)
    }

    /// Starts `count` children that do this.
    pub fn start_without_waiting(count: u32, words: &[&str]) -> Result<Self, Error> {
        Ok(Self((0..count).map(|_| start(words)).collect::<Result<_, Error>>()?))
    }

    /// Kills all, one right after the other, and waits until they have ended.
    pub fn kill(self) -> Result<(), Error> {
        self.0.iter().try_for_each(|child| process::kill(child.pid()))?;
        self.wait()
    }

    /// Waits until all have ended.
    pub fn wait(self) -> Result<(), Error> {
        self.0.into_iter().try_for_each(|child| child.wait().map(|_| ()))
    }

    /// The children's pids.
    pub fn pids(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(Process::pid)
    }
}

/// Starts a child that does this.
pub fn start(words: &[&str]) -> Result<Process, Error> {
    let parent = process::pid().to_string();
    Process::spawn(PROGRAM, [CHILD, &parent].iter().chain(words))
}

/// Tells the parent, whose pid is the second word of the arguments, that this child is ready.
pub fn be_ready() -> Result<(), Error> {
    // The parent may have messages of many children to read.
    loop {
        match message::send(parent()?, READY, &[]) {
            Err(Error::QueueFull) => process::yield_now(),
            sent => return sent,
        }
    }
}

fn parent() -> Result<u32, Error> {
    libsys::Args::new().nth(1).and_then(|pid| pid.parse().ok()).ok_or(Error::InvalidArgument)
}

/// Is ready, and waits until it is killed.
pub fn wait_for_the_end() -> Result<u32, Error> {
    be_ready()?;
    loop {
        message::wait(&mut Buffer::new(), None)?;
    }
}
