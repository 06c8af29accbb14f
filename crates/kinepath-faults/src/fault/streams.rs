//! An output that takes nothing.

use std::process::Command;

use super::{Tried, Trouble, Verdict};
use crate::trial::full_device;
use crate::{Chance, Subject};

/// Has the program print to `/dev/full`; its files must not suffer.
pub(super) fn full(subject: &Subject, _: &mut Chance, _: usize) -> Tried {
    let Ok(device) = full_device() else {
        return Err(Trouble::Skipped("there is no /dev/full".to_owned()));
    };
    let trial = subject.trial("full-output")?;
    let mut command: Command = subject.command(trial.folder());
    command.stdout(device);
    let ended = trial.start_as(command)?.end()?;
    let message = trial.refuses(&ended, &["standard output", "No space left"])?;
    if let Some(difference) = subject.difference(&trial.out())? {
        return Err(trial.failed(format!("its files are others: {difference}")));
    }
    trial.recovers()?;
    Ok(Verdict { times: 1, message })
}
