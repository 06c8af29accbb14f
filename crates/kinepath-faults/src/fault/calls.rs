//! Faults placed at the system calls of the program, by strace.

use std::process::{Command, Stdio};

use rand::seq::IndexedRandom;

use super::{Tried, Trouble, Verdict};
use crate::trial::{Ended, Trial};
use crate::{Chance, Subject};

/// Calls that change what a folder holds. A file is whole once it is synced and named.
const CHANGES: &str = "mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,rmdir,fsync";
/// The last calls of each kind, which finish a command, are all tried.
const LAST: usize = 3;

/// A system call of the command: the name, and how many of that name there are up to it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Call {
    name: String,
    number: usize,
}

/// Kills the command at `times` calls that change files, the last ones of each kind among them.
pub(super) fn kill(subject: &Subject, chance: &mut Chance, times: usize) -> Tried {
    let all = calls(subject, CHANGES)?;
    let of_the_name = |call: &Call| all.iter().filter(|other| other.name == call.name).count();
    let (last, first): (Vec<&Call>, Vec<&Call>) =
        all.iter().partition(|call| call.number + LAST > of_the_name(call));
    let more = first.sample(chance, times.saturating_sub(last.len()));
    let mut kills = 0;
    for Call { name, number } in last.iter().take(times).chain(more) {
        let trial = subject.trial("kill-call")?;
        let ended = inject(subject, &trial, &format!("{name}:signal=KILL:when={number}"))?;
        if ended.status.success() {
            return Err(trial.failed(format!("it was not killed at call {number} of {name}")));
        }
        trial.stays_sound(true)?;
        trial.recovers()?;
        kills += 1;
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
    let syncs = calls(subject, "fsync")?.len();
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

/// The calls of these names that the undisturbed command makes, in order.
fn calls(subject: &Subject, names: &str) -> Result<Vec<Call>, Trouble> {
    let trial = subject.trial("calls")?;
    let ended = trace(subject, &trial, &format!("trace={names}"), None)?;
    if !ended.status.success() {
        trial.clear()?;
        let why = "strace cannot trace here; it needs ptrace";
        return Err(Trouble::Skipped(why.to_owned()));
    }
    let log = std::fs::read_to_string(trial.folder().join("strace"))?;
    trial.clear()?;
    Ok(in_order(&log))
}

/// The calls of a log of lines `PROCESS NAME(ARGUMENTS) = RESULT`.
fn in_order(log: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    for line in log.lines() {
        // What ends an interrupted line is no call.
        let Some((before, _)) = line.split_once('(').filter(|_| !line.contains("<... ")) else {
            continue;
        };
        let name = before.split_whitespace().last().unwrap_or_default().to_owned();
        let number = 1 + calls.iter().filter(|call| call.name == name).count();
        calls.push(Call { name, number });
    }
    calls
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
    // strace counts the calls of each name and thread; one thread makes those that matter.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_numbered_by_name() {
        let log = "\
7 fsync(3)                          = 0
7 rename(\"a(1)\", \"b\" <unfinished ...>
7 <... rename resumed>)             = 0
7 fsync(4)                          = 0
";
        let call = |name: &str, number| Call { name: name.to_owned(), number };
        assert_eq!(in_order(log), [call("fsync", 1), call("rename", 1), call("fsync", 2)]);
    }
}
