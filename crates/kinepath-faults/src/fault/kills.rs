//! Kills at random moments.

use rand::RngExt;

use super::{Tried, Verdict};
use crate::{Chance, Subject};

/// Kills the command `times` times. Each kill is at a moment uniform over the undisturbed duration,
/// and every second one, by chance, is met by the folder of the one before.
pub(super) fn kill(subject: &Subject, chance: &mut Chance, times: usize) -> Tried {
    let mut kills = 0;
    while kills < times {
        let trial = subject.trial("kill")?;
        loop {
            let mut running = trial.start()?;
            let moment = subject.duration().mul_f64(chance.random());
            if !running.wait_until(moment)? {
                let ended = running.end()?;
                if !ended.status.success() {
                    return Err(trial.failed(format!("it fails by itself: {}", ended.told())));
                }
                break;
            }
            running.kill()?;
            kills += 1;
            trial.stays_sound(true)?;
            if kills == times || chance.random() {
                break;
            }
        }
        trial.recovers()?;
    }
    Ok(Verdict { times: kills, message: String::new() })
}
