//! From results to exit codes and error messages, in one place.

use std::process::ExitCode;

use kinepath::field::FieldError;
use kinepath::sampler::SampleError;
use kinepath_study::StudyError;
use kinepath_study::data::DataError;
use kinepath_study::run::RunError;

use crate::console::{ClosedPipe, to_stderr};
use crate::signal;

/// A run that failed.
const FAILED: u8 = 1;
/// A command line or a study file that cannot be meant.
const USAGE: u8 = 2;

/// A use of the program that cannot be meant, beyond what the argument parser knows.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Stopped when asked to, by a command that keeps no half of its work.
#[derive(Debug)]
struct Stopped;

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("interrupted; nothing is left half-written, and the same command begins again")
    }
}

impl std::error::Error for Stopped {}

/// The error of a command that begins again rather than going on.
pub(crate) fn begins_again(error: StudyError) -> anyhow::Error {
    match error {
        StudyError::Interrupted => Stopped.into(),
        error => error.into(),
    }
}

/// A failure that has been told already.
#[derive(Debug)]
pub(crate) struct Told;

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failed")
    }
}

impl std::error::Error for Told {}

/// Tells what went wrong, if anything did, and picks the exit code.
pub(crate) fn code(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    if error.is::<ClosedPipe>() {
        return ExitCode::SUCCESS;
    }
    if !error.is::<Told>() {
        tell(&error);
    }
    ExitCode::from(code_of(&error))
}

/// Prints an error, its causes and what to do about it.
pub(crate) fn tell(error: &anyhow::Error) {
    let first = error.to_string();
    to_stderr(format_args!("error: {}", first.trim_end()));
    let mut before = first;
    for cause in error.chain().skip(1) {
        let text = cause.to_string();
        // A transparent error repeats what it wraps.
        if !before.contains(&text) {
            to_stderr(format_args!("  cause: {}", text.trim_end()));
            before = text;
        }
    }
    if let Some(hint) = hint(error) {
        to_stderr(format_args!("  hint: {hint}"));
    }
}

fn code_of(error: &anyhow::Error) -> u8 {
    if error.downcast_ref::<Usage>().is_some() {
        return USAGE;
    }
    if error.is::<Stopped>() {
        return signal::code();
    }
    match error.downcast_ref::<StudyError>() {
        Some(StudyError::Interrupted) => signal::code(),
        Some(
            StudyError::Spec { .. }
            | StudyError::Convention(_)
            | StudyError::Grid(_)
            | StudyError::Gain(_)
            | StudyError::Plan(_)
            | StudyError::Share(_)
            | StudyError::Field(FieldError::Condition(_))
            | StudyError::Sample(SampleError::Domain { .. } | SampleError::Parts),
        ) => USAGE,
        _ => FAILED,
    }
}

/// What to do about an error whose own words do not say it.
fn hint(error: &anyhow::Error) -> Option<&'static str> {
    match error.downcast_ref::<StudyError>()? {
        StudyError::Run(RunError::OtherSettings { .. } | RunError::Foreign { .. }) => {
            Some("--overwrite starts over; --out DIR chooses another folder")
        }
        StudyError::Memory(_) => Some(
            "--memory SIZE says how much may be taken in all; where it is a batch that is too large, `kinepath \
             sample --batch-memory SIZE` or `batch` in settings files bounds it",
        ),
        StudyError::Data(DataError::Memory(_))
        | StudyError::Run(RunError::Data(DataError::Memory(_))) => {
            Some("--memory SIZE says how much may be taken in all")
        }
        StudyError::Sample(SampleError::Velocity { .. }) => Some(
            "check what the network predicts and which time it takes (--predicts, --time, --path); \
             `kinepath inspect` shows its inputs",
        ),
        StudyError::Sample(SampleError::Noise { .. }) => {
            Some("every starting point must be finite: look at how the noise file was made")
        }
        StudyError::Selection(_) => {
            Some("--select sets the bands, --max-attempts how often a sample may be drawn")
        }
        StudyError::Field(_) | StudyError::Sample(SampleError::Field(_)) => Some(
            "`kinepath inspect` shows the inputs and shapes of a network, and which engine it runs on \
                 (--engine)",
        ),
        _ => None,
    }
}
