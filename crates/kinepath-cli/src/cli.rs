//! The command line: what can be asked for, and the help that teaches it.

use bytesize::ByteSize;
use clap::{ArgAction, Args, Parser, Subcommand};

use crate::commands::{
    compare, completions, evaluate, inspect, man, merge, report, sample, study, tune,
};
use crate::console::Console;

const EXAMPLES: &str = "\
Examples:
  kinepath
      The study of the embedded model and data, into kinepath-study/
  kinepath sample --field onnx:model.onnx --count 256 --out runs/baseline
  kinepath sample --field onnx:model.onnx --count 256 --gain kts:alpha=0.01,beta=0.01 --out runs/kts
      Two runs of a model on the same noise, without and with a gain
  kinepath merge shares/* --out runs/baseline
      One run of the shares that several machines have sampled with --shard
  kinepath evaluate runs/baseline --train builtin:fashion-mnist
  kinepath compare runs/baseline runs/kts --train builtin:fashion-mnist
      What the samples are worth, and whether the gain helped
  kinepath tune
      The gain worth using on the embedded model, confirmed on fresh samples
  kinepath inspect model.onnx
      What a network takes and gives, and how it would be used

Exit codes: 0 success, 1 a failed run, 2 a usage error, 130 interrupted by Ctrl-C, 143 by SIGTERM.
After both, as after a kill or a failure that has been seen to, the same command goes on or begins
again, and ends with the same bytes as if nothing had happened.";

/// Measures and shapes the kinetic energy of flow-matching sampling.
///
/// Every sample of a flow model travels a path from noise to data, and the path has a kinetic
/// energy. kinepath measures it, says what it goes with (quality, rarity, copied training data),
/// and tells, with confidence intervals, whether shaping it helps your model.
///
/// Without a command it runs the study of the embedded model: a table, verdicts, and
/// kinepath-study/report.html.
#[derive(Debug, Parser)]
#[command(name = "kinepath", version, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Messages")]
struct OutputArgs {
    /// Print results as JSON on standard output, and nothing else there
    #[arg(long, global = true)]
    json: bool,
    /// Print results and errors only: no progress, no remarks
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say what is being done, and print more tables
    #[arg(long, short, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// Threads that compute [default: one per core]; results do not depend on it
    #[arg(long, global = true, value_name = "N", value_parser = at_least_one)]
    #[arg(help_heading = "Machine")]
    threads: Option<usize>,
    /// The most memory to take, such as 8GiB [default: what is free]; data, runs and batches that
    /// need more are refused before they are read
    #[arg(long, global = true, value_name = "SIZE", help_heading = "Machine")]
    memory: Option<ByteSize>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Study(study::StudyArgs),
    Sample(Box<sample::SampleArgs>),
    Merge(merge::MergeArgs),
    Evaluate(evaluate::EvaluateArgs),
    Compare(compare::CompareArgs),
    Tune(tune::TuneArgs),
    Report(report::ReportArgs),
    Inspect(inspect::InspectArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

impl Cli {
    /// How many threads compute, if the user says so.
    pub(crate) fn threads(&self) -> Option<usize> {
        self.output.threads
    }

    /// How much memory may be taken, in bytes, if the user says so.
    pub(crate) fn memory(&self) -> Option<u64> {
        self.output.memory.map(|size| size.as_u64())
    }

    /// How the user wants to be talked to.
    pub(crate) fn console(&self) -> Console {
        let OutputArgs { json, quiet, verbose, .. } = self.output;
        Console { json, quiet, verbose: verbose > 0 }
    }
}

/// Reads a number that counts something.
pub(crate) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("there must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("it is not a whole number".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
