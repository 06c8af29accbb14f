//! Signals that ask the program to stop.

use std::io;
use std::process::{Command, Stdio};

use rand::RngExt;

use super::{TRIES, Tried, Trouble, Verdict};
use crate::{Chance, Subject};

/// Ctrl-C at random moments.
pub(super) fn interrupt(subject: &Subject, chance: &mut Chance, times: usize) -> Tried {
    stop(subject, chance, times, "INT", 130)
}

/// SIGTERM at random moments, as job schedulers send it.
pub(super) fn terminate(subject: &Subject, chance: &mut Chance, times: usize) -> Tried {
    stop(subject, chance, times, "TERM", 143)
}

fn stop(subject: &Subject, chance: &mut Chance, times: usize, signal: &str, code: i32) -> Tried {
    let (mut stopped, mut message) = (0, String::new());
    for _ in 0..TRIES * times {
        let trial = subject.trial(signal)?;
        let mut running = trial.start()?;
        let met = running.wait_until(subject.duration().mul_f64(chance.random()))?;
        if met {
            send(signal, running.id())?;
        }
        let ended = running.end()?;
        trial.stays_sound(false)?;
        match ended.status.code() {
            Some(actual) if actual == code => {
                if !ended.stderr.contains("the same command") {
                    return Err(trial.failed(format!("it says no way on: {}", ended.stderr)));
                }
                message = ended.told();
                stopped += 1;
            }
            // Ended by the signal itself, or done.
            None | Some(0) => {}
            Some(other) => {
                let told = ended.told();
                return Err(trial.failed(format!("exit code {other}, not {code}: {told}")));
            }
        }
        trial.recovers()?;
        if stopped == times {
            return Ok(Verdict { times, message });
        }
    }
    Err(Trouble::Failed(format!("SIG{signal} stopped it {stopped} times of {times} only")))
}

/// The terminal goes away from a program that nohup keeps: it must not be disturbed.
pub(super) fn hang_up(subject: &Subject, chance: &mut Chance, _: usize) -> Tried {
    for _ in 0..TRIES {
        let trial = subject.trial("hang-up")?;
        let mut command = Command::new("nohup");
        command.arg(subject.program()).args(subject.arguments().split_whitespace());
        command.stdout(Stdio::null());
        let mut running = match trial.start_as(command) {
            Ok(running) => running,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Trouble::Skipped("there is no nohup".to_owned()));
            }
            Err(error) => return Err(error.into()),
        };
        // nohup needs a moment to become the program.
        let share = 0.3 + 0.6 * chance.random::<f64>();
        let met = running.wait_until(subject.duration().mul_f64(share))?;
        if met {
            send("HUP", running.id())?;
        }
        let ended = running.end()?;
        if !ended.status.success() {
            return Err(trial.failed(format!("it stopped with {}", ended.status)));
        }
        trial.ends_undisturbed()?;
        if met {
            return Ok(Verdict { times: 1, message: "goes on".to_owned() });
        }
    }
    Err(Trouble::Failed("it always ended before the terminal went away".to_owned()))
}

fn send(signal: &str, process: u32) -> io::Result<()> {
    // That it has ended since is no error.
    Command::new("kill")
        .args(["-s", signal, &process.to_string()])
        .stderr(Stdio::null())
        .status()
        .map(drop)
}
