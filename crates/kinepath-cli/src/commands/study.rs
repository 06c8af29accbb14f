//! `kinepath study`: the main job.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use kinepath_study::StudyError;
use kinepath_study::run::{Existing, FolderLock};
use kinepath_study::sampling::Share;
use kinepath_study::source::Engine;
use kinepath_study::study::{
    RESULTS_FILE, SampledShare, StudySettings, run_study_of_shares, sample_share,
};
use serde_json::json;

use super::report::write_report;
use super::settings;
use super::share::ShareArgs;
use crate::console::Console;
use crate::progress::Progress;
use crate::tables;

/// Where a study goes unless told otherwise.
const FOLDER: &str = "kinepath-study";

const EXAMPLES: &str = "\
Examples:
  kinepath study
      The study of the embedded model, the same as `kinepath` alone
  kinepath study --print-default > mine.toml
  kinepath study mine.toml --out mine
      A study of your own: edit the fields, gains and data in mine.toml
  kinepath study mine.toml --shard 3/8 --out shares/3
      One of eight shares of its samples, each on a machine of its own
  kinepath study mine.toml --shares shares/* --out mine
      The study of the eight shares, the same as in one process

A study that was stopped goes on where it was when the same command is repeated.";

const PREAMBLE: &str = "\
# A study: each [[field]] is sampled with each [[gain]] on the same noise, judged by [data], and
# compared with its baseline, the unit gain. Run it with `kinepath study FILE.toml`.
#   field spec: onnx:FILE, empirical:DATA or mixture:FILE
#   engine in a [[field]] and in [data]: what runs its networks: auto (the default), rten, ort, ort:cuda
#         or ort:tensorrt
#   gain: kts:alpha=A,beta=B[,split=T,launch=SHAPE,landing=SHAPE,rate=K], ssc:alpha=A,power=P,
#         table:T=ETA,..., governed:quantile=Q[,strength=K,split=T] (damps only samples that are
#         faster than that quantile of the field's baseline), or a file
#   certify in [sampler]: the gap at which Euler paths through empirical fields drop training points
#         (20 unless told otherwise), or \"off\", as for kinepath sample --certify
#   decoder in [data], for latent models: { network = \"V.onnx\", scale = S, shift = B }; samples are
#         latents z, pictures V(z / S + B), and everything but energies is of pictures
#   copies_in: pixels, or features, those of the encoder: where copies of training records are sought
";

/// What says nothing to --print-default.
const PRINTS_ALONE: [&str; 7] = ["file", "engine", "out", "range", "shard", "shares", "overwrite"];

/// Run a study: energies, what they go with, and whether shaping them helps
///
/// Every field is sampled with every gain on the same noise. The samples are judged against the
/// training set and held-out data; every figure has a confidence interval, every gain a verdict.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct StudyArgs {
    /// Settings of the study, as --print-default shows them [default: the embedded model's]
    #[arg(value_name = "FILE.toml")]
    file: Option<PathBuf>,
    /// What runs the networks, those that judge too, instead of what the file says: auto, rten, ort,
    /// ort:cuda or ort:tensorrt; see `kinepath sample --help`
    #[arg(long, value_name = "ENGINE")]
    engine: Option<Engine>,
    /// Folder for study.json, report.html and the runs
    #[arg(long, value_name = "DIR", default_value = FOLDER)]
    out: PathBuf,
    #[command(flatten)]
    share: ShareArgs,
    /// Take the samples from these folders, the --out of all shares
    #[arg(long, value_name = "DIR", num_args = 1.., conflicts_with_all = ["range", "shard"])]
    #[arg(help_heading = "Samples")]
    shares: Vec<PathBuf>,
    /// Start over where the folder holds runs, whatever their settings
    #[arg(long)]
    overwrite: bool,
    /// Print the settings of the embedded study as a file to edit, and do nothing else
    #[arg(long, conflicts_with_all = PRINTS_ALONE)]
    print_default: bool,
}

impl Default for StudyArgs {
    fn default() -> Self {
        Self {
            file: None,
            engine: None,
            out: FOLDER.into(),
            share: ShareArgs::default(),
            shares: Vec::new(),
            overwrite: false,
            print_default: false,
        }
    }
}

impl StudyArgs {
    fn existing(&self) -> Existing {
        if self.overwrite { Existing::Overwrite } else { Existing::Resume }
    }
}

pub(crate) fn run(args: &StudyArgs, console: &Console) -> Result<()> {
    if args.print_default {
        let settings = StudySettings::default();
        if console.json {
            return console.print_json(&settings);
        }
        return console.write(format!("{PREAMBLE}\n{}", toml::to_string(&settings)?).as_bytes());
    }
    let mut settings = match &args.file {
        Some(file) => settings::read(file, "study")?,
        None => StudySettings::default(),
    };
    if let Some(engine) = args.engine {
        settings.fields.iter_mut().for_each(|field| field.set_engine(engine));
        settings.data.engine = engine;
    }
    let _lock = FolderLock::take(&args.out).map_err(StudyError::from)?;
    console.detail(format_args!("{}: into {}", settings.title, args.out.display()));
    if let Some(share) = args.share.share() {
        return run_share(args, &settings, share, console);
    }
    let mut progress = Progress::start(console, "loading models and data")?;
    let observe = &mut |stage: &str, fraction| progress.observe(stage, fraction);
    let (shares, out) = (&args.shares, &args.out);
    let results = run_study_of_shares(&settings, shares, out, args.existing(), observe)?;
    let report = write_report(&results, &args.out)?;
    drop(progress);
    if console.json {
        return console.print_json(&results);
    }
    console.print(tables::study(&results, console.verbose))?;
    console.print(tables::files(&[("results", &args.out.join(RESULTS_FILE)), ("report", &report)]))
}

/// Samples a share and leaves the judgement to the study of all shares.
fn run_share(
    args: &StudyArgs,
    settings: &StudySettings,
    share: Share,
    console: &Console,
) -> Result<()> {
    let mut progress = Progress::start(console, "loading models")?;
    let observe = &mut |stage: &str, fraction| progress.observe(stage, fraction);
    let sampled = sample_share(settings, share, &args.out, args.existing(), observe)?;
    drop(progress);
    let summary = ShareSummary { sampled: &sampled, out: &args.out, total: settings.count };
    if console.json { console.print_json(&summary.json()) } else { console.print(summary) }
}

/// What was sampled of a share.
struct ShareSummary<'a> {
    sampled: &'a SampledShare,
    out: &'a Path,
    total: usize,
}

impl ShareSummary<'_> {
    fn json(&self) -> serde_json::Value {
        let SampledShare { range, runs, left_out } = self.sampled;
        json!({
            "out": self.out,
            "first": range.start,
            "count": range.len(),
            "total": self.total,
            "runs": runs,
            "left_out": left_out,
        })
    }
}

impl fmt::Display for ShareSummary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SampledShare { range, runs, left_out } = self.sampled;
        let (out, total) = (self.out.display(), self.total);
        let plural = if runs.len() == 1 { "run" } else { "runs" };
        write!(
            f,
            "samples {}..{} of {total}, in {} {plural}\n\n",
            range.start,
            range.end,
            runs.len()
        )?;
        writeln!(f, "share   {out} (complete)")?;
        if !left_out.is_empty() {
            writeln!(f, "left    {}: governed by all of the baseline", left_out.join(", "))?;
        }
        write!(
            f,
            "next    when all shares are there, kinepath study with --shares and their folders"
        )
    }
}
