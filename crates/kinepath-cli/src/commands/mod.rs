//! One file a command.

pub(crate) mod compare;
pub(crate) mod completions;
mod conventions;
mod data;
pub(crate) mod evaluate;
pub(crate) mod inspect;
pub(crate) mod man;
pub(crate) mod merge;
pub(crate) mod report;
pub(crate) mod sample;
mod settings;
mod share;
pub(crate) mod study;
pub(crate) mod tune;

use anyhow::Result;

use crate::cli::{Cli, Command};
use crate::console::Console;

/// The largest seed: settings files have no larger integers.
const LARGEST_SEED: u64 = i64::MAX as u64;

/// Runs the command; none means the study of the embedded model.
pub(crate) fn run(cli: Cli, console: &Console) -> Result<()> {
    if let Some(threads) = cli.threads() {
        // Networks have as many threads as rayon.
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    }
    if let Some(bytes) = cli.memory() {
        kinepath_study::memory::limit(bytes);
    }
    match cli.command {
        None => study::run(&study::StudyArgs::default(), console),
        Some(Command::Study(args)) => study::run(&args, console),
        Some(Command::Sample(args)) => sample::run(&args, console),
        Some(Command::Merge(args)) => merge::run(&args, console),
        Some(Command::Evaluate(args)) => evaluate::run(&args, console),
        Some(Command::Compare(args)) => compare::run(&args, console),
        Some(Command::Tune(args)) => tune::run(&args, console),
        Some(Command::Report(args)) => report::run(&args, console),
        Some(Command::Inspect(args)) => inspect::run(&args, console),
        Some(Command::Completions(args)) => completions::run(&args, console),
        Some(Command::Man(args)) => man::run(&args, console),
    }
}
