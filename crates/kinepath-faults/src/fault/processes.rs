//! Several processes on one folder.

use rand::RngExt;

use super::{Tried, Trouble, Verdict};
use crate::{Chance, Subject};

/// Starts the command twice, the second time at a random moment of the first.
pub(super) fn two(subject: &Subject, chance: &mut Chance, times: usize) -> Tried {
    let (mut refused, mut message) = (0, String::new());
    for time in 0..times {
        let trial = subject.trial("two-at-once")?;
        let mut first = trial.start()?;
        // The very beginning is where both find nothing.
        let share = if time == 0 { 0.0 } else { chance.random() };
        first.wait_until(subject.duration().mul_f64(share))?;
        let second = trial.start()?;
        let ended = [first.end()?, second.end()?];
        if !ended.iter().any(|ended| ended.status.success()) {
            return Err(trial.failed(format!("neither ends well: {}", ended[0].told())));
        }
        for ended in &ended {
            if !ended.status.success() {
                message =
                    trial.refuses(ended, &["out", "another process", "wait for it to end"])?;
                refused += 1;
            }
        }
        trial.ends_undisturbed()?;
    }
    if refused == 0 {
        return Err(Trouble::Failed("neither of two was ever refused".to_owned()));
    }
    Ok(Verdict { times: refused, message })
}
