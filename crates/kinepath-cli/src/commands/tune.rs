//! `kinepath tune`: the gain worth using on a model.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, value_parser};
use kinepath_study::StudyError;
use kinepath_study::run::{Existing, FolderLock};
use kinepath_study::source::Engine;
use kinepath_study::tune::{GAIN_FILE, RESULTS_FILE, TuneSettings, run_tune};

use super::report::write_tune_report;
use super::{LARGEST_SEED, settings};
use crate::cli::at_least_one;
use crate::console::Console;
use crate::progress::Progress;
use crate::tables;

const EXAMPLES: &str = "\
Examples:
  kinepath tune
      The embedded model: the gain that lowers F_mem most at no worse Fréchet distance, in about
      ten minutes on two cores
  kinepath sample --field onnx:builtin:velocity --gain kinepath-tune/tune.toml --out tuned
      Sample with what was found
  kinepath tune --print-default > mine.toml
  kinepath tune mine.toml --minutes 30 --out mine
      A model of your own: edit the field, data, sampler and families of gains in mine.toml
  kinepath tune --objectives f_mem,recall
      Raise recall at no worse F_mem; the keys are those of a study's metrics

Options stand above the settings in FILE.toml; --print-default shows what both default to.

How it searches: gains are drawn from a scrambled Sobol sequence, beside the published ones. All
gains and the baseline start from the same noise. In each rung, the better half by Pareto rank of
their differences to the baseline goes on to twice the samples (successive halving). Of the last
rung, a few finalists are sampled again on fresh noise, because the winner of a search looks better
than it is. Finalists are better in the second objective by estimate and not detectably worse in the
first; they are picked one by one, each the gain that adds most to the improvement that the best
confirmed one is expected to bring. Without such gains, the knee of the Pareto front is confirmed.

What counts: of the finalists that fresh samples show to be better in the second objective, with the
error shared among them (Bonferroni), and not detectably worse in the first (95 %), the best in the
second. If all of these have a cost, the one that costs least, and the verdict is `trades`. If there
are none, tune.toml says unit, and an account of all gains says what that rests on.

A search that was stopped goes on where it was when the same command is repeated, and ends with the
same bytes.";

const PREAMBLE: &str = "\
# A search for the gain worth using: run it with `kinepath tune FILE.toml`.
#   objectives: two metrics of a study, the one that must not get worse and the one to improve
#   candidates, count, rungs, keep: that many gains meet `count` samples; in each of the `rungs`,
#     one gain in `keep` goes on to twice the samples
#   finalists, confirm: at most that many gains of the last rung are judged by `confirm` fresh
#     samples each
#   minutes = M instead chooses candidates and confirm to fit
#   certify in [sampler]: as for kinepath sample --certify, where the field is empirical:DATA
#   engine in [field] and in [data]: what runs its networks: auto (the default), rten, ort, ort:cuda
#         or ort:tensorrt
#   [[family]]: kind = \"kts\", \"ssc\" or \"governed\", with the bounds of its parameters
";

/// Find the gain worth using: search, Pareto front, and a check on fresh samples
///
/// Draws gains, keeps the better ones on more and more samples, and confirms a few finalists on
/// samples that the search has not seen. The folder gets tune.json (every figure), report.html, and
/// tune.toml (the gain, for `kinepath sample --gain`).
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TuneArgs {
    /// Settings of the search, as --print-default shows them [default: the embedded model's]
    #[arg(value_name = "FILE.toml")]
    file: Option<PathBuf>,
    /// Two metrics: the one that must not get worse, and the one to improve
    #[arg(long, value_name = "A,B", value_delimiter = ',', help_heading = "Search")]
    objectives: Option<Vec<String>>,
    /// Gains in the first rung, three published ones among them
    #[arg(long, value_name = "N", value_parser = at_least_one, help_heading = "Search")]
    candidates: Option<usize>,
    /// Samples per gain in the first rung; each rung doubles them
    #[arg(long, value_name = "N", value_parser = at_least_one, help_heading = "Search")]
    count: Option<usize>,
    /// Number of rungs
    #[arg(long, value_name = "N", value_parser = at_least_one, help_heading = "Search")]
    rungs: Option<usize>,
    /// The most gains of the last rung that fresh samples judge
    #[arg(long, value_name = "N", value_parser = at_least_one, help_heading = "Search")]
    finalists: Option<usize>,
    /// Fresh samples per gain of the confirmation
    #[arg(long, value_name = "N", value_parser = at_least_one, help_heading = "Search")]
    confirm: Option<usize>,
    /// Choose candidates and confirmation so that the whole takes about M minutes here
    #[arg(long, value_name = "M", conflicts_with_all = ["candidates", "confirm"])]
    #[arg(help_heading = "Search")]
    minutes: Option<f64>,
    /// Seed of draws and noise; the confirmation's noise has the next one
    #[arg(long, value_name = "S", value_parser = value_parser!(u64).range(..=LARGEST_SEED))]
    #[arg(help_heading = "Search")]
    seed: Option<u64>,
    /// What runs the networks, those that judge too, instead of what the file says: auto, rten, ort,
    /// ort:cuda or ort:tensorrt; see `kinepath sample --help`
    #[arg(long, value_name = "ENGINE")]
    engine: Option<Engine>,
    /// Folder for tune.json, tune.toml, report.html and the runs
    #[arg(long, value_name = "DIR", default_value = "kinepath-tune", help_heading = "Output")]
    out: PathBuf,
    /// Start over where the folder holds runs, whatever their settings
    #[arg(long, help_heading = "Output")]
    overwrite: bool,
    /// Print the settings, the embedded model's where no file is named, and do nothing else
    #[arg(long, conflicts_with_all = ["file", "out", "overwrite"], help_heading = "Output")]
    print_default: bool,
}

impl TuneArgs {
    /// The settings of the file, or the default ones, under what the command line says.
    fn settings(&self) -> Result<TuneSettings> {
        let mut settings = match &self.file {
            Some(file) => settings::read(file, "tune")?,
            None => TuneSettings::default(),
        };
        if let Some(objectives) = &self.objectives {
            settings.objectives.clone_from(objectives);
        }
        for (given, setting) in [
            (self.candidates, &mut settings.candidates),
            (self.count, &mut settings.count),
            (self.rungs, &mut settings.rungs),
            (self.finalists, &mut settings.finalists),
            (self.confirm, &mut settings.confirm),
        ] {
            *setting = given.unwrap_or(*setting);
        }
        settings.seed = self.seed.unwrap_or(settings.seed);
        if let Some(engine) = self.engine {
            settings.field.set_engine(engine);
            settings.data.engine = engine;
        }
        // Numbers on the command line stand above a time in the file.
        let given = self.candidates.or(self.confirm).is_some();
        settings.minutes = self.minutes.or(settings.minutes.filter(|_| !given));
        Ok(settings)
    }
}

pub(crate) fn run(args: &TuneArgs, console: &Console) -> Result<()> {
    let settings = args.settings()?;
    if args.print_default {
        if console.json {
            return console.print_json(&settings);
        }
        return console.write(format!("{PREAMBLE}\n{}", toml::to_string(&settings)?).as_bytes());
    }
    let _lock = FolderLock::take(&args.out).map_err(StudyError::from)?;
    console.detail(format_args!("tuning {} into {}", settings.field.spec, args.out.display()));
    let existing = if args.overwrite { Existing::Overwrite } else { Existing::Resume };
    let mut progress = Progress::start(console, "loading models and data")?;
    let results = run_tune(&settings, &args.out, existing, &mut |stage, fraction| {
        progress.observe(stage, fraction)
    })?;
    let report = write_tune_report(&results, &args.out)?;
    drop(progress);
    if console.json {
        return console.print_json(&results);
    }
    console.print(tables::tune(&results, console.verbose))?;
    let [file, gain] = [RESULTS_FILE, GAIN_FILE].map(|name| args.out.join(name));
    console.print(tables::files(&[("results", &file), ("report", &report), ("gain", &gain)]))
}
