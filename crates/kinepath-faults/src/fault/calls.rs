//! Faults placed at the system calls of the program, by strace.

use std::process::{Command, Stdio};

use rand::seq::IndexedRandom;

use super::{Tried, Trouble, Verdict};
use crate::trial::{Ended, Trial};
use crate::{Chance, Subject};

/// Calls that change what a folder holds. A file is whole once it is synced and named.
const CHANGES: &str = "mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,rmdir,fsync";
/// The last calls, which finish a command, are all tried.
const LAST: usize = 16;

/// Kills the command at `times` calls that change files, the last ones among them.
pub(super) fn kill(subject: &Subject, chance: &mut Chance, times: usize) -> Tried {
    let calls = count(subject, CHANGES)?;
    let first: Vec<usize> = (1..=calls.saturating_sub(LAST)).collect();
    let last = first.len() + 1..=calls;
    let more = times.saturating_sub(last.clone().count());
    let chosen = first.sample(chance, more).copied().chain(last.take(times));
    let mut kills = 0;
    for call in chosen {
        let trial = subject.trial("kill-call")?;
        let ended = inject(subject, &trial, &format!("{CHANGES}:signal=KILL:when={call}"))?;
        trial.stays_sound(true)?;
        trial.recovers()?;
        kills += usize::from(!ended.status.success());
    }
    Ok(Verdict { times: kills, message: String::new() })
}

/// Has a file not synced for want of quota, once early and once late.
pub(super) fn quota(subject: &Subject, _: &mut Chance, _: usize) -> Tried {
    refuse_files(subject, "EDQUOT", &["quota", "free some space"])
}

/// Has a file not synced for a failing disk, once early and once late.
pub(super) fn bad_disk(subject: &Subject, _: &mut Chance, _: usize) -> Tried {
    refuse_files(subject, "EIO", &["Input/output error", "check the path and the disk"])
}

/// Has the lock refused, as a network file system without locks does.
pub(super) fn no_locks(subject: &Subject, _: &mut Chance, _: usize) -> Tried {
    let mut message = String::new();
    let errors = ["ENOLCK", "EOPNOTSUPP"];
    for error in errors {
        let trial = subject.trial("no-locks")?;
        let ended = inject(subject, &trial, &format!("flock:error={error}"))?;
        message = trial.refuses(&ended, &["cannot be locked", "local disk"])?;
        trial.stays_sound(false)?;
        trial.recovers()?;
    }
    Ok(Verdict { times: errors.len(), message })
}

fn refuse_files(subject: &Subject, error: &str, parts: &[&str]) -> Tried {
    // A file is synced, then the folder that has its name.
    let syncs = count(subject, "fsync")?;
    let chosen = [1, syncs / 2, syncs];
    let mut message = String::new();
    for call in chosen {
        let trial = subject.trial("sync")?;
        let ended = inject(subject, &trial, &format!("fsync:error={error}:when={call}"))?;
        message = trial.refuses(&ended, parts)?;
        trial.stays_sound(false)?;
        trial.recovers()?;
    }
    Ok(Verdict { times: chosen.len(), message })
}

/// How often the undisturbed command makes the `calls`.
fn count(subject: &Subject, calls: &str) -> Result<usize, Trouble> {
    let trial = subject.trial("count")?;
    let ended = trace(subject, &trial, &format!("trace={calls}"), None)?;
    if !ended.status.success() {
        let why = "strace cannot trace here; it needs ptrace, and to be installed";
        trial.clear()?;
        return Err(Trouble::Skipped(why.to_owned()));
    }
    let log = std::fs::read_to_string(trial.folder().join("strace"))?;
    trial.clear()?;
    // A line that ends another one's call begins with dots.
    Ok(log.lines().filter(|line| line.contains('(') && !line.contains("<... ")).count())
}

/// Runs the command with a fault.
fn inject(subject: &Subject, trial: &Trial<'_>, fault: &str) -> Result<Ended, Trouble> {
    let calls = fault.split(':').next().unwrap_or_default();
    trace(subject, trial, &format!("trace={calls}"), Some(&format!("inject={fault}")))
}

fn trace(
    subject: &Subject,
    trial: &Trial<'_>,
    traced: &str,
    fault: Option<&str>,
) -> Result<Ended, Trouble> {
    let mut command = Command::new("strace");
    // Calls that only one thread makes are counted over all of them.
    command.args(["-f", "-qq", "-o", "strace", "-e", traced, "-e", "signal=none"]);
    command.args(fault.iter().flat_map(|fault| ["-e", fault]));
    command.arg(subject.program()).args(subject.arguments().split_whitespace());
    command.stdout(Stdio::null());
    match trial.start_as(command) {
        Ok(running) => Ok(running.end()?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Trouble::Skipped("strace is not installed".to_owned()))
        }
        Err(error) => Err(error.into()),
    }
}
