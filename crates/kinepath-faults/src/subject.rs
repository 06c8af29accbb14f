//! A command whose undisturbed end is known.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::files::{self, Files};
use crate::trial::Trial;
use crate::workload::{OUT, Size, Workload};

/// A command whose undisturbed end is known.
#[derive(Debug)]
pub struct Subject {
    workload: Workload,
    size: Size,
    program: PathBuf,
    /// Where trials have their folders.
    place: PathBuf,
    /// What it reads.
    inputs: Files,
    /// What is in its folder before.
    before: Files,
    after: Files,
    duration: Duration,
}

impl Subject {
    /// Runs `workload` undisturbed, with the program in the file `program`, and prepares trials below
    /// the folder `place`.
    ///
    /// # Errors
    /// [`io::Error`] when the program cannot be run, or fails.
    pub fn new(workload: Workload, size: Size, program: &Path, place: &Path) -> io::Result<Self> {
        let mut subject = Self {
            workload,
            size,
            program: program.canonicalize()?,
            place: place.canonicalize()?,
            inputs: Files::new(),
            before: Files::new(),
            after: Files::new(),
            duration: Duration::ZERO,
        };
        let trial = subject.trial("before")?;
        workload.prepare(size, trial.folder())?;
        for arguments in workload.before(size) {
            subject.undisturbed(&trial, &arguments)?;
        }
        let (before, inputs) = files::split(files::read(trial.folder())?, OUT);
        trial.clear()?;
        (subject.before, subject.inputs) = (before, inputs);
        let trial = subject.trial("undisturbed")?;
        let begun = Instant::now();
        subject.undisturbed(&trial, &subject.arguments())?;
        let duration = begun.elapsed();
        let after = files::read(&trial.out())?;
        trial.clear()?;
        (subject.after, subject.duration) = (after, duration);
        Ok(subject)
    }

    /// How long it takes undisturbed.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// Bytes that it adds to its folder.
    pub(crate) fn bytes_added(&self) -> usize {
        let bytes = |files: &Files| files.values().map(Vec::len).sum::<usize>();
        bytes(&self.after) - bytes(&self.before)
    }

    /// Bytes of what is in its folder before, by files of whole pages.
    pub(crate) fn bytes_before(&self, page: usize) -> usize {
        self.before.values().map(|bytes| bytes.len().next_multiple_of(page)).sum()
    }

    /// A trial in a folder of its own, with everything that the command meets there.
    pub(crate) fn trial(&self, name: &str) -> io::Result<Trial<'_>> {
        let trial = self.trial_without_out(name)?;
        self.write_before(&trial.out())?;
        Ok(trial)
    }

    /// A trial that lacks the folder which the command writes into.
    pub(crate) fn trial_without_out(&self, name: &str) -> io::Result<Trial<'_>> {
        let prefix = format!("{}-{name}-", self.workload.name());
        let folder = tempfile::Builder::new().prefix(&prefix).tempdir_in(&self.place)?.keep();
        files::write(&self.inputs, &folder)?;
        Ok(Trial::new(self, folder))
    }

    /// Writes what the command finds in its folder into `folder`, which is not made for nothing.
    pub(crate) fn write_before(&self, folder: &Path) -> io::Result<()> {
        match self.before.is_empty() {
            true => Ok(()),
            false => files::write(&self.before, folder),
        }
    }

    /// The command in the folder of a trial.
    pub(crate) fn command(&self, folder: &Path) -> Command {
        self.program_with(folder, &self.arguments())
    }

    /// The path of the program, for commands that run it.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// The arguments of the command.
    pub(crate) fn arguments(&self) -> String {
        self.workload.arguments(self.size)
    }

    /// What is wrong with the end of a command in `out`, if it is not the undisturbed one.
    pub(crate) fn difference(&self, out: &Path) -> io::Result<Option<String>> {
        Ok(files::difference(&files::read(out)?, &self.after))
    }

    /// How `out` differs from what the command finds there, if it does.
    pub(crate) fn is_touched(&self, out: &Path) -> io::Result<Option<String>> {
        match out.exists() {
            true => Ok(files::difference(&files::read(out)?, &self.before)),
            false => Ok(None),
        }
    }

    /// What is wrong with an unfinished folder: a temporary file of a process that had the time to
    /// clean up, or a result that is neither the undisturbed one nor what was there before.
    pub(crate) fn unsound(&self, out: &Path, killed: bool) -> io::Result<Option<String>> {
        if !out.exists() {
            return Ok(None);
        }
        for (name, bytes) in files::read(out)? {
            if files::is_temporary(&name) && !killed {
                return Ok(Some(format!("{} was left behind", name.display())));
            }
            let known = [&self.before, &self.after].iter().any(|f| f.get(&name) == Some(&bytes));
            // A table that is not judged yet is whole all the same.
            let table = name.extension().is_some_and(|extension| extension == "parquet");
            let whole_table = table && bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1");
            if !files::is_provisional(&name) && !known && !whole_table {
                return Ok(Some(format!("{} is half-written", name.display())));
            }
        }
        Ok(None)
    }

    /// Runs the program in the folder of a trial, where nothing disturbs it.
    fn undisturbed(&self, trial: &Trial<'_>, arguments: &str) -> io::Result<()> {
        let output = self.program_with(trial.folder(), arguments).output()?;
        match output.status.success() {
            true => Ok(()),
            false => Err(io::Error::other(format!(
                "`kinepath {arguments}` fails undisturbed: {}",
                String::from_utf8_lossy(&output.stderr)
            ))),
        }
    }

    fn program_with(&self, folder: &Path, arguments: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments.split_whitespace()).current_dir(folder);
        command
    }
}

/// The folder that commands write into, within that of a trial.
pub(crate) fn out_of(folder: &Path) -> PathBuf {
    folder.join(OUT)
}

/// Removes a folder with all that it holds, if it is there.
pub(crate) fn remove_all(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
