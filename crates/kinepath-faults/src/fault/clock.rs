//! A clock that jumps.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Duration;

use rand::RngExt;

use super::{Tried, Verdict};
use crate::{Chance, Subject};

/// The times that files get: a century from 1970 on.
const SECONDS: u64 = 100 * 365 * 24 * 3600;

/// Kills the command, and gives its files times from the past and the future in any order, as a clock
/// that jumps would.
pub(super) fn jumps(subject: &Subject, chance: &mut Chance, times: usize) -> Tried {
    for _ in 0..times {
        let trial = subject.trial("clock")?;
        let mut running = trial.start()?;
        running.wait_until(subject.duration().mul_f64(chance.random()))?;
        running.kill()?;
        if trial.out().exists() {
            scramble(&trial.out(), chance)?;
        }
        trial.recovers()?;
    }
    Ok(Verdict { times, message: String::new() })
}

#[expect(clippy::disallowed_types, reason = "the date is what is scrambled")]
fn scramble(folder: &Path, chance: &mut Chance) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            scramble(&path, chance)?;
        }
        let seconds = Duration::from_secs(chance.random_range(0..SECONDS));
        File::open(&path)?.set_modified(std::time::SystemTime::UNIX_EPOCH + seconds)?;
    }
    Ok(())
}
