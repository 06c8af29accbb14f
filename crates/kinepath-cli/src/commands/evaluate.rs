//! `kinepath evaluate`: what the samples of one run are worth.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use kinepath_study::StudyError;
use kinepath_study::run::{EVALUATION_FILE, FolderLock};
use kinepath_study::study::evaluate_runs;

use super::data::DataArgs;
use super::report::write_report;
use crate::console::Console;
use crate::exit::begins_again;
use crate::progress::Progress;
use crate::tables;

const EXAMPLES: &str = "\
Examples:
  kinepath evaluate runs/baseline --train builtin:fashion-mnist
  kinepath evaluate runs/mine --train train.npz --reference held-out.npz \\
      --encoder inception.onnx --classifier classifier.onnx
  kinepath evaluate runs/latents --train pictures/ --decode vae_decoder.onnx --latent-scale 0.18215
      A latent model: pictures are decoded, energies stay those of latents

Writes evaluation.json and report.html into the run folder or --out, and adds the columns of the judgement
(gap ratio, nearest training point, confidence, margin, support) to its samples.parquet.";

/// Judge the samples of a run: memorization, fidelity, support, and what their energy goes with
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EvaluateArgs {
    /// A run folder that `kinepath sample` wrote
    #[arg(value_name = "RUN")]
    run: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// Folder for evaluation.json and report.html, such as one for each training set; the columns in
    /// the run's table are those of the latest evaluation [default: the run's]
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: &EvaluateArgs, console: &Console) -> Result<()> {
    let data = args.data.settings();
    let out = args.out.as_ref().unwrap_or(&args.run);
    let _lock =
        FolderLock::take_runs([&*args.run], args.out.as_deref()).map_err(StudyError::from)?;
    let mut progress = Progress::start(console, "judging")?;
    let results =
        evaluate_runs(&[&args.run], &data, args.data.resamples, &mut |stage, fraction| {
            progress.observe(stage, fraction)
        })
        .map_err(begins_again)?;
    let file = out.join(EVALUATION_FILE);
    results.write(&file)?;
    let report = write_report(&results, out)?;
    drop(progress);
    if console.json {
        return console.print_json(&results);
    }
    console.print(tables::study(&results, console.verbose))?;
    console.print(tables::files(&[("results", &file), ("report", &report)]))
}
