//! Folders that go away, and a file where one should be.

use std::fs;

use rand::RngExt;

use super::{TRIES, Tried, Trouble, Verdict};
use crate::subject::remove_all;
use crate::{Chance, Subject};

/// What says that a folder, or what should be in it, is gone.
const GONE: [&str; 2] = ["No such file or directory", "not a run folder"];

/// The folder is moved away in the middle, and put back.
pub(super) fn moved(subject: &Subject, chance: &mut Chance, times: usize) -> Tried {
    vanishes(subject, chance, times, true)
}

/// The folder is removed in the middle, with all that it held.
pub(super) fn removed(subject: &Subject, chance: &mut Chance, times: usize) -> Tried {
    vanishes(subject, chance, times, false)
}

fn vanishes(subject: &Subject, chance: &mut Chance, times: usize, back: bool) -> Tried {
    let mut met = 0;
    for _ in 0..TRIES * times {
        let trial = subject.trial("vanished")?;
        let away = trial.folder().join("away");
        let mut running = trial.start()?;
        let moment = subject.duration().mul_f64(chance.random());
        let out = trial.out();
        running.wait_until(moment)?;
        // It has no folder yet at the very beginning.
        if !running.wait_for(|| out.exists())? || fs::rename(&out, &away).is_err() {
            trial.clear()?;
            continue;
        }
        let ended = running.end()?;
        if ended.status.success() {
            // It had done everything, or had not yet begun to write.
            trial.clear()?;
            continue;
        }
        let message = trial.refuses(&ended, &["out"])?;
        if !GONE.iter().any(|words| ended.stderr.contains(words)) {
            return Err(trial.failed(format!("it does not say what is gone: {}", ended.stderr)));
        }
        trial.stays_sound(false)?;
        remove_all(&out)?;
        if back {
            fs::rename(&away, &out)?;
        } else {
            subject.write_before(&out)?;
        }
        trial.recovers()?;
        met += 1;
        if met == times {
            return Ok(Verdict { times, message });
        }
    }
    Err(Trouble::Failed(format!("the folder vanished in time {met} times of {times} only")))
}

/// A file has the name that the folder should have.
pub(super) fn in_the_way(subject: &Subject, _: &mut Chance, _: usize) -> Tried {
    let trial = subject.trial_without_out("in-the-way")?;
    let out = trial.out();
    fs::write(&out, "mine")?;
    let ended = trial.run()?;
    let message = trial.refuses(&ended, &["out", "folder"])?;
    if fs::read(&out)? != b"mine" {
        return Err(trial.failed("the file is another one".to_owned()));
    }
    fs::remove_file(&out)?;
    subject.write_before(&out)?;
    trial.recovers()?;
    Ok(Verdict { times: 1, message })
}
