//! `kinepath merge`: one run of its shares.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use kinepath_study::StudyError;
use kinepath_study::run::{Existing, MergedRun, merge_shares};
use serde_json::json;

use crate::console::Console;
use crate::exit::begins_again;
use crate::progress::Progress;

const EXAMPLES: &str = "\
Examples:
  kinepath merge shares/* --out runs/baseline
      The run of which shares/0, shares/1, ... are shares
  kinepath sample --field onnx:model.onnx --count 50000 --range 18688..24960 --out shares/3
      The share that a message of this command says is missing

The shares may be given in any order. Overlaps, missing samples and settings that differ are refused,
and every value is checked against the digests that sampling left in run.toml. The folder then holds
what a single process would have written; the shares stay as they are. Columns of an evaluation are
left out, because they may depend on the other samples: evaluate the whole run.";

/// Join runs that were sampled with --shard or --range into the whole run
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct MergeArgs {
    /// The run folders of all shares
    #[arg(value_name = "RUN", required = true)]
    shares: Vec<PathBuf>,
    /// The run folder of the whole
    #[arg(long, value_name = "DIR", default_value = "kinepath-run", help_heading = "Output")]
    out: PathBuf,
    /// Start over if the folder holds a run
    #[arg(long, help_heading = "Output")]
    overwrite: bool,
}

pub(crate) fn run(args: &MergeArgs, console: &Console) -> Result<()> {
    let existing = if args.overwrite { Existing::Overwrite } else { Existing::Resume };
    let mut progress = Progress::start(console, "merging")?;
    let observe = &mut |fraction| progress.advance(fraction);
    let merged = merge_shares(&args.shares, &args.out, existing, observe)
        .map_err(|error| begins_again(StudyError::from(error)))?;
    drop(progress);
    let summary = Summary { run: &args.out, merged: &merged };
    if console.json { console.print_json(&summary.json()) } else { console.print(summary) }
}

/// What was merged and where it is.
struct Summary<'a> {
    run: &'a PathBuf,
    merged: &'a MergedRun,
}

impl Summary<'_> {
    fn json(&self) -> serde_json::Value {
        let share = |(run, range): &(PathBuf, Range<usize>)| json!({ "run": run, "first": range.start, "count": range.len() });
        json!({
            "run": self.run,
            "was_complete": self.merged.was_complete,
            "shares": self.merged.shares.iter().map(share).collect::<Vec<_>>(),
            "settings": self.merged.settings,
        })
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MergedRun { settings, shares, was_complete } = self.merged;
        let plural = if shares.len() == 1 { "share" } else { "shares" };
        writeln!(
            f,
            "{} samples of {:?}, {}, from {} {plural}\n",
            settings.count,
            settings.shape,
            settings.field.spec,
            shares.len()
        )?;
        let state = match was_complete {
            true => "was complete already; nothing was written",
            false => "complete",
        };
        writeln!(f, "run     {} ({state})", self.run.display())?;
        write!(f, "files   run.toml, samples.safetensors, samples.parquet")
    }
}
