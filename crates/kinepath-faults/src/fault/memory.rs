//! Memory that is not enough.

use super::{Tried, Verdict};
use crate::{Chance, Subject};

/// Allows the command less memory than the program itself takes: it must refuse before it begins.
pub(super) fn refused(subject: &Subject, _: &mut Chance, _: usize) -> Tried {
    let trial = subject.trial("memory")?;
    let mut command = subject.command(trial.folder());
    command.args(["--memory", "1kB"]).stdout(std::process::Stdio::null());
    let ended = trial.start_as(command)?.end()?;
    let message = trial.refuses(&ended, &["of memory, but", "free", "--memory"])?;
    if let Some(what) = subject.is_touched(&trial.out())? {
        return Err(trial.failed(format!("it was begun all the same: {what}")));
    }
    trial.recovers()?;
    Ok(Verdict { times: 1, message })
}
