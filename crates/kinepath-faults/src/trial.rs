//! One try of a fault: a folder, processes in it, and what is true of it in the end.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::fault::Trouble;
use crate::subject::{Subject, out_of, remove_all};

/// How often a process is looked at.
const LOOK: Duration = Duration::from_millis(1);
/// A process that takes this much longer than the undisturbed one hangs.
const PATIENCE: u32 = 60;
/// And this much at least is waited for, on a machine that is busy with other things.
const LEAST_PATIENCE: Duration = Duration::from_secs(120);

/// One try of a fault, in a folder that stays if the trial is not [`cleared`](Self::clear).
#[derive(Debug)]
pub(crate) struct Trial<'a> {
    subject: &'a Subject,
    folder: PathBuf,
}

/// A process at work.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    stderr: PathBuf,
    deadline: Instant,
}

/// A process that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stderr: String,
}

impl<'a> Trial<'a> {
    pub(crate) fn new(subject: &'a Subject, folder: PathBuf) -> Self {
        Self { subject, folder }
    }

    /// The folder of the trial.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder that the command writes into.
    pub(crate) fn out(&self) -> PathBuf {
        out_of(&self.folder)
    }

    /// Starts the command.
    pub(crate) fn start(&self) -> io::Result<Running> {
        let mut command = self.subject.command(&self.folder);
        command.stdout(Stdio::null());
        self.start_as(command)
    }

    /// Starts a variant of the command; what it says on standard error goes to a file of the trial.
    pub(crate) fn start_as(&self, mut command: Command) -> io::Result<Running> {
        let (file, stderr) = tempfile::Builder::new()
            .prefix("stderr-")
            .tempfile_in(&self.folder)?
            .keep()
            .map_err(|error| error.error)?;
        command.current_dir(&self.folder).stdin(Stdio::null()).stderr(file);
        let patience = (self.subject.duration() * PATIENCE).max(LEAST_PATIENCE);
        let deadline = Instant::now() + patience;
        Ok(Running { child: command.spawn()?, stderr, deadline })
    }

    /// Runs the command to its end.
    pub(crate) fn run(&self) -> io::Result<Ended> {
        self.start()?.end()
    }

    /// Repeats the command, which must succeed and end with the undisturbed bytes; the trial is over
    /// then.
    pub(crate) fn recovers(self) -> Result<(), Trouble> {
        let ended = self.run()?;
        if !ended.status.success() {
            return Err(self.failed(format!("repeating the command fails: {}", ended.told())));
        }
        self.ends_undisturbed()
    }

    /// The folder must hold the undisturbed bytes; the trial is over then.
    pub(crate) fn ends_undisturbed(self) -> Result<(), Trouble> {
        match self.subject.difference(&self.out())? {
            None => Ok(self.clear()?),
            Some(difference) => Err(self.failed(format!("the end is another one: {difference}"))),
        }
    }

    /// The unfinished folder must hold nothing half-written.
    pub(crate) fn stays_sound(&self, killed: bool) -> Result<(), Trouble> {
        match self.subject.unsound(&self.out(), killed)? {
            None => Ok(()),
            Some(what) => Err(self.failed(what)),
        }
    }

    /// The process must have failed with exit code 1 and a message that has all `parts`; returns the
    /// message.
    pub(crate) fn refuses(&self, ended: &Ended, parts: &[&str]) -> Result<String, Trouble> {
        let told = ended.told();
        if ended.status.code() != Some(1) {
            return Err(self.failed(format!("ended with {}: {told}", ended.status)));
        }
        match parts.iter().find(|part| !ended.stderr.contains(**part)) {
            Some(part) => Err(self.failed(format!("the message lacks `{part}`: {told}"))),
            None => Ok(told),
        }
    }

    /// What is wrong, and where it can be looked at.
    pub(crate) fn failed(&self, what: String) -> Trouble {
        Trouble::Failed(format!("{what}; see {}", self.folder.display()))
    }

    /// Removes the folder of the trial.
    pub(crate) fn clear(self) -> io::Result<()> {
        remove_all(&self.folder)
    }
}

impl Running {
    /// The number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// [`io::Error`] for a process that hangs, which is killed, and for one that panicked.
    pub(crate) fn end(mut self) -> io::Result<Ended> {
        while self.child.try_wait()?.is_none() {
            if Instant::now() > self.deadline {
                self.child.kill()?;
                self.child.wait()?;
                return Err(io::Error::other(format!("it hangs; see {}", self.stderr.display())));
            }
            std::thread::sleep(LOOK);
        }
        let status = self.child.wait()?;
        let stderr = fs::read_to_string(&self.stderr)?;
        match stderr.contains("panicked") {
            true => Err(io::Error::other(format!("it panicked: {stderr}"))),
            false => Ok(Ended { status, stderr }),
        }
    }

    /// Waits until `moment` after now; false if the process ended first.
    pub(crate) fn wait_until(&mut self, moment: Duration) -> io::Result<bool> {
        let begun = Instant::now();
        self.wait_for(|| begun.elapsed() >= moment)
    }

    /// Waits for something to become true; false if the process ended first.
    pub(crate) fn wait_for(&mut self, mut met: impl FnMut() -> bool) -> io::Result<bool> {
        while !met() {
            if self.child.try_wait()?.is_some() {
                return Ok(false);
            }
            std::thread::sleep(LOOK);
        }
        Ok(self.child.try_wait()?.is_none())
    }

    /// Kills it by SIGKILL, which nothing can prepare for.
    pub(crate) fn kill(mut self) -> io::Result<Ended> {
        self.child.kill()?;
        self.end()
    }
}

impl Ended {
    /// The first line of what was said, without the word that begins it.
    pub(crate) fn told(&self) -> String {
        let lines = self.stderr.lines();
        let error = lines.clone().find_map(|line| line.strip_prefix("error: "));
        error.or(lines.last()).unwrap_or("nothing was said").to_owned()
    }
}

/// A file of the system that takes nothing.
pub(crate) fn full_device() -> io::Result<File> {
    File::options().write(true).open("/dev/full")
}
