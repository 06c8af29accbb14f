//! The faults, and what came of them.

mod calls;
mod clock;
mod disks;
mod folders;
mod kills;
mod memory;
mod processes;
mod signals;
mod streams;

use std::fmt;
use std::io;

use crate::{Chance, Subject};

/// Random moments that are drawn, at most, for each at which a fault can be met: some come before the
/// command begins to write, others after its end.
const TRIES: usize = 20;

/// A fault to be tried on a command.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// Its name on the command line.
    pub name: &'static str,
    /// What happens.
    pub what: &'static str,
    attempt: fn(&Subject, &mut Chance, usize) -> Tried,
}

/// What came of a fault that the command survived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How often it happened.
    pub times: usize,
    /// What was shown, if anything could be.
    pub message: String,
}

/// Why a fault was not survived, or not tried.
#[derive(Debug)]
pub enum Trouble {
    /// It cannot be tried on this machine, and why.
    Skipped(String),
    /// What went wrong, and where it can be looked at.
    Failed(String),
}

/// What came of a fault.
pub type Tried = Result<Verdict, Trouble>;

/// All faults.
pub const FAULTS: &[Fault] = &[
    Fault { name: "kill", what: "SIGKILL at random moments", attempt: kills::kill },
    Fault {
        name: "kill-call",
        what: "SIGKILL at system calls that change files",
        attempt: calls::kill,
    },
    Fault { name: "interrupt", what: "SIGINT (Ctrl-C)", attempt: signals::interrupt },
    Fault { name: "terminate", what: "SIGTERM", attempt: signals::terminate },
    Fault { name: "hang-up", what: "SIGHUP under nohup", attempt: signals::hang_up },
    Fault { name: "full-disk", what: "the disk is full (ENOSPC)", attempt: disks::full },
    Fault { name: "quota", what: "the quota is used up (EDQUOT)", attempt: calls::quota },
    Fault { name: "bad-disk", what: "the disk fails (EIO)", attempt: calls::bad_disk },
    Fault { name: "read-only", what: "the disk is read-only (EROFS)", attempt: disks::read_only },
    Fault { name: "moved", what: "the folder is moved away", attempt: folders::moved },
    Fault { name: "removed", what: "the folder is removed", attempt: folders::removed },
    Fault {
        name: "in-the-way",
        what: "a file has the folder's name",
        attempt: folders::in_the_way,
    },
    Fault { name: "two-at-once", what: "two processes on a folder", attempt: processes::two },
    Fault { name: "no-locks", what: "the file system has no locks", attempt: calls::no_locks },
    Fault { name: "full-output", what: "standard output is /dev/full", attempt: streams::full },
    Fault { name: "clock", what: "killed, and the clock jumps", attempt: clock::jumps },
    Fault { name: "memory", what: "memory is not enough", attempt: memory::refused },
];

impl Fault {
    /// Tries the fault on a command `times` times; those of which one try is as good as many are
    /// tried once.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn attempt(&self, subject: &Subject, chance: &mut Chance, times: usize) -> Tried {
        (self.attempt)(subject, chance, times)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skipped(why) => write!(f, "skipped: {why}"),
            Self::Failed(what) => write!(f, "failed: {what}"),
        }
    }
}

impl std::error::Error for Trouble {}
