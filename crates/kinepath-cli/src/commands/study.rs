//! `kinepath study`: the main job.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use kinepath_study::StudyError;
use kinepath_study::run::{Existing, FolderLock};
use kinepath_study::source::Engine;
use kinepath_study::study::{RESULTS_FILE, StudySettings, run_study};

use super::report::write_report;
use super::settings;
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

A study that was stopped goes on where it was when the same command is repeated.";

const PREAMBLE: &str = "\
# A study: each [[field]] is sampled with each [[gain]] on the same noise, judged by [data], and
# compared with its baseline, the unit gain. Run it with `kinepath study FILE.toml`.
#   field spec: onnx:FILE, empirical:DATA or mixture:FILE
#   engine in a [[field]]: what runs a network: auto (the default), rten, ort, ort:cuda or ort:tensorrt
#   gain: kts:alpha=A,beta=B[,split=T,launch=SHAPE,landing=SHAPE,rate=K], ssc:alpha=A,power=P,
#         table:T=ETA,..., governed:quantile=Q[,strength=K,split=T] (damps only samples that are
#         faster than that quantile of the field's baseline), or a file
#   certify in [sampler]: the gap at which Euler paths through empirical fields drop training points
#         (20 unless told otherwise), or \"off\", as for kinepath sample --certify
#   decoder in [data], for latent models: { network = \"V.onnx\", scale = S, shift = B }; samples are
#         latents z, pictures V(z / S + B), and everything but energies is of pictures
#   copies_in: pixels, or features, those of the encoder: where copies of training records are sought
";

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
    /// What runs the networks among the fields, instead of what the file says: auto, rten, ort, ort:cuda
    /// or ort:tensorrt; see `kinepath sample --help`
    #[arg(long, value_name = "ENGINE")]
    engine: Option<Engine>,
    /// Folder for study.json, report.html and the runs
    #[arg(long, value_name = "DIR", default_value = FOLDER)]
    out: PathBuf,
    /// Start over where the folder holds runs, whatever their settings
    #[arg(long)]
    overwrite: bool,
    /// Print the settings of the embedded study as a file to edit, and do nothing else
    #[arg(long, conflicts_with_all = ["file", "engine", "out", "overwrite"])]
    print_default: bool,
}

impl Default for StudyArgs {
    fn default() -> Self {
        Self {
            file: None,
            engine: None,
            out: FOLDER.into(),
            overwrite: false,
            print_default: false,
        }
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
    }
    let _lock = FolderLock::take(&args.out).map_err(StudyError::from)?;
    console.detail(format_args!("{}: into {}", settings.title, args.out.display()));
    let existing = if args.overwrite { Existing::Overwrite } else { Existing::Resume };
    let mut progress = Progress::start(console, "loading models and data")?;
    let results = run_study(&settings, &args.out, existing, &mut |stage, fraction| {
        progress.observe(stage, fraction)
    })?;
    let report = write_report(&results, &args.out)?;
    drop(progress);
    if console.json {
        return console.print_json(&results);
    }
    console.print(tables::study(&results, console.verbose))?;
    console.print(tables::files(&[("results", &args.out.join(RESULTS_FILE)), ("report", &report)]))
}
