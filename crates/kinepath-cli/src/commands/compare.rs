//! `kinepath compare`: runs against a baseline, sample by sample.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use kinepath_study::StudyError;
use kinepath_study::run::FolderLock;
use kinepath_study::study::evaluate_runs;

use super::data::DataArgs;
use super::report::write_report;
use crate::console::Console;
use crate::exit::begins_again;
use crate::progress::Progress;
use crate::tables;

/// Name of the results file of a comparison.
pub(super) const COMPARISON_FILE: &str = "comparison.json";

const EXAMPLES: &str = "\
Examples:
  kinepath compare runs/baseline runs/kts runs/ssc --train builtin:fashion-mnist
  kinepath compare runs/baseline runs/kts --train builtin:fashion-mnist --json --quiet

All runs must start from the same noise and the same model, so that samples are pairs. Differences
come with paired intervals; q-values are adjusted over all runs and metrics.";

/// Compare runs with a baseline on the same noise: paired differences and verdicts
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompareArgs {
    /// The run folder to compare with
    #[arg(value_name = "BASELINE")]
    baseline: PathBuf,
    /// The run folders to compare
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    /// Folder for comparison.json and report.html
    #[arg(
        long,
        value_name = "DIR",
        default_value = "kinepath-comparison",
        help_heading = "Output"
    )]
    out: PathBuf,
}

pub(crate) fn run(args: &CompareArgs, console: &Console) -> Result<()> {
    let data = args.data.settings();
    let folders: Vec<&Path> =
        std::iter::once(&args.baseline).chain(&args.runs).map(PathBuf::as_path).collect();
    let _locks = FolderLock::take_runs(folders.iter().copied(), Some(&args.out))
        .map_err(StudyError::from)?;
    let mut progress = Progress::start(console, "judging")?;
    let results = evaluate_runs(&folders, &data, args.data.resamples, &mut |stage, fraction| {
        progress.observe(stage, fraction)
    })
    .map_err(begins_again)?;
    let file = args.out.join(COMPARISON_FILE);
    results.write(&file)?;
    let report = write_report(&results, &args.out)?;
    drop(progress);
    if console.json {
        return console.print_json(&results);
    }
    console.print(tables::study(&results, true))?;
    console.print(tables::files(&[("results", &file), ("report", &report)]))
}
