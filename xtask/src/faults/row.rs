//! The rows of the campaign's table.

use std::fmt;
use std::time::Duration;

use kinepath_faults::{Fault, Tried, Trouble, Workload};

/// Characters of a message that the table has room for.
const WIDTH: usize = 110;

/// What came of a fault that was tried on a command.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) fault: String,
    pub(super) command: String,
    pub(super) outcome: Outcome,
}

/// Whether the command survived.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It ended with the same bytes as if nothing had happened.
    Survived {
        /// How often the fault happened.
        times: usize,
        /// What was shown, if anything could be.
        message: String,
    },
    /// It cannot be tried here, and why.
    Skipped(String),
    /// What went wrong, and where it can be looked at.
    Failed(String),
}

impl Row {
    pub(super) fn new(fault: &Fault, workload: Workload, tried: Tried) -> Self {
        let outcome = match tried {
            Ok(verdict) => Outcome::Survived { times: verdict.times, message: verdict.message },
            Err(Trouble::Skipped(why)) => Outcome::Skipped(why),
            Err(Trouble::Failed(what)) => Outcome::Failed(what),
        };
        let command = workload.name().to_owned();
        Self { fault: fault.what.to_owned(), command, outcome }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Survived { times, .. } => write!(f, "survived {times} times"),
            Self::Skipped(why) => write!(f, "skipped: {why}"),
            Self::Failed(what) => write!(f, "FAILED: {what}"),
        }
    }
}

/// The table, as Markdown.
pub(super) fn table(rows: &[Row]) -> String {
    let head = ["fault", "command", "times", "same bytes", "message"].map(str::to_owned);
    let mut cells = vec![head];
    cells.extend(rows.iter().map(cells_of));
    let width = |column: usize| {
        cells.iter().map(|row: &[String; 5]| row[column].chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..5).map(width).collect();
    let mut lines: Vec<String> = cells
        .iter()
        .map(|row| {
            let padded = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            format!("| {} |", padded.collect::<Vec<_>>().join(" | "))
        })
        .collect();
    let rule = widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>().join(" | ");
    lines.insert(1, format!("| {rule} |"));
    lines.join("\n")
}

fn cells_of(row: &Row) -> [String; 5] {
    let (times, same, message) = match &row.outcome {
        Outcome::Survived { times, message } => (times.to_string(), "yes", message.clone()),
        Outcome::Skipped(why) => ("0".to_owned(), "skipped", why.clone()),
        // Where to look comes last, so it is not cut.
        Outcome::Failed(what) => (String::new(), "**NO**", what.clone()),
    };
    let cut = !matches!(row.outcome, Outcome::Failed(_)) && message.chars().count() > WIDTH;
    let message = match cut {
        true => format!("{}…", message.chars().take(WIDTH).collect::<String>()),
        false => message,
    };
    let cell = message.replace('|', "\\|").replace('\n', " ");
    [row.fault.clone(), row.command.clone(), times, same.to_owned(), cell]
}

/// How many faults there were and how many were survived.
pub(super) fn summary(rows: &[Row], elapsed: Duration) -> String {
    let survived = rows.iter().filter_map(|row| match row.outcome {
        Outcome::Survived { times, .. } => Some(times),
        Outcome::Skipped(_) | Outcome::Failed(_) => None,
    });
    let count = |wanted: fn(&Outcome) -> bool| rows.iter().filter(|r| wanted(&r.outcome)).count();
    format!(
        "{} faults survived, {} rows failed, {} skipped, in {:.0} minutes",
        survived.sum::<usize>(),
        count(|outcome| matches!(outcome, Outcome::Failed(_))),
        count(|outcome| matches!(outcome, Outcome::Skipped(_))),
        elapsed.as_secs_f64() / 60.0
    )
}
