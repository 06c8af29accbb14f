//! The arguments of `kinepath sample`.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Result;
use bytesize::ByteSize;
use clap::{Args, value_parser};
use kinepath::grid::GridFamily;
use kinepath::tableau::Tableau;
use kinepath_study::run::Certify;
use kinepath_study::sampling::{BATCH_MEMORY, Band, Selection};
use kinepath_study::schedule::ScheduleSpec;
use kinepath_study::source::{Engine, FieldSpec};

use crate::cli::at_least_one;
use crate::commands::LARGEST_SEED;
use crate::commands::conventions::{CONVENTIONS, ConventionArgs};
use crate::commands::share::ShareArgs;
use crate::exit::Usage;

use super::condition::ConditionArgs;
use super::help::AFTER;

/// Samples drawn where neither --count nor a noise file says how many.
pub(super) const DEFAULT_COUNT: usize = 128;
/// Draws a sample may take to fall into the bands of --select.
const DEFAULT_ATTEMPTS: usize = 1000;

/// Sample a flow model and measure the energy of every path, into a run folder
///
/// The folder gets run.toml (all settings), samples.safetensors (endpoints and what --record asks
/// for) and samples.parquet (a row of energies for each sample).
#[derive(Debug, Args)]
#[command(after_help = format!("{AFTER}\n\n{CONVENTIONS}"))]
pub(crate) struct SampleArgs {
    /// The velocity field: onnx:FILE, onnx:FOLDER (a diffusers pipeline exported by Optimum),
    /// onnx:builtin:velocity, empirical:DATA or mixture:FILE.toml
    #[arg(long, value_name = "FIELD", help_heading = "Model")]
    field: String,
    #[command(flatten)]
    conventions: ConventionArgs,
    /// What runs a network: rten, ort (ONNX Runtime on the processor), ort:cuda, ort:tensorrt, or auto:
    /// rten for every file that it can run, ort for others
    #[arg(long, value_name = "ENGINE", default_value_t, help_heading = "Model")]
    engine: Engine,
    #[command(flatten)]
    pub(super) condition: ConditionArgs,

    /// euler, midpoint, heun, rk4 or dopri5 (which chooses its own steps)
    #[arg(long, value_name = "NAME", default_value = "euler", help_heading = "Path")]
    solver: String,
    /// Steps of the grid; for dopri5 the least number [default: 50; for dopri5 1]
    #[arg(long, value_name = "N", value_parser = at_least_one, help_heading = "Path")]
    steps: Option<usize>,
    /// uniform, cosine, shift:S, a schedule of diffusers, see below, or a file with one time a line
    #[arg(long, value_name = "GRID", default_value = "uniform", help_heading = "Path")]
    grid: String,
    /// Time at which paths start [default: 0]
    #[arg(long, value_name = "T", help_heading = "Path")]
    t_start: Option<f64>,
    /// Time at which paths end [default: 1]
    #[arg(long, value_name = "T", help_heading = "Path")]
    t_end: Option<f64>,
    /// The gain on the velocity, see below
    #[arg(long, value_name = "GAIN", default_value = "unit", help_heading = "Path")]
    gain: String,
    /// How the energy is integrated: solver (its own weights) or left
    #[arg(long, value_name = "RULE", default_value = "solver", help_heading = "Path")]
    quadrature: String,
    /// Relative tolerance of dopri5 [default: 1e-5]
    #[arg(long, value_name = "X", help_heading = "Path")]
    rtol: Option<f64>,
    /// Absolute tolerance of dopri5, in data units [default: 1e-5]
    #[arg(long, value_name = "X", help_heading = "Path")]
    atol: Option<f64>,
    /// The gap, in nats, at which Euler paths through an empirical: field drop training points: those
    /// of a posterior weight below e^-TAU, where they are certain to stay so; or off, for the whole
    /// field at every step [default: 20]
    #[arg(long, value_name = "TAU|off", help_heading = "Path", allow_negative_numbers = true)]
    certify: Option<Certify>,

    /// Number of samples, of all shares together where there are several [default: the rows of --noise,
    /// --labels or --inputs, or 128]
    #[arg(long, value_name = "N", value_parser = at_least_one, help_heading = "Samples")]
    pub(super) count: Option<usize>,
    #[command(flatten)]
    pub(super) share: ShareArgs,
    /// Seed of the noise; sample 17 of seed 3 is always the same
    #[arg(long, value_name = "S", default_value = "0", help_heading = "Samples")]
    #[arg(value_parser = value_parser!(u64).range(..=LARGEST_SEED), conflicts_with = "noise")]
    pub(super) seed: u64,
    /// Starting points from an NPY or safetensors file instead of a seed
    #[arg(long, value_name = "FILE", help_heading = "Samples")]
    pub(super) noise: Option<PathBuf>,
    /// Keep only samples whose COLUMN lies in LO..HI (LO.. and ..HI are open): each is drawn again,
    /// from further noise of the seed, until it lies in every band. kpe, kpe_launch, kpe_landing,
    /// displacement, efficiency or terminal_spike; repeatable
    #[arg(long, value_name = "COLUMN=LO..HI", conflicts_with = "noise", help_heading = "Samples")]
    select: Vec<Band>,
    /// Draws that a sample may take to lie in the bands of --select; the first sample that uses them
    /// up ends the run. Where fewer than one draw in 256 is kept, samples are drawn for one after
    /// another, so that a band out of reach shows after about M draws in all [default: 1000]
    #[arg(long, value_name = "M", value_parser = at_least_one, requires = "select")]
    #[arg(help_heading = "Samples")]
    max_attempts: Option<usize>,
    /// Samples integrated together, which are also what a run that is killed loses [default: as many
    /// as fit into --batch-memory, at most 128 of a network and 4096 of an exact field]
    #[arg(long, value_name = "B", value_parser = at_least_one, help_heading = "Samples")]
    pub(super) batch: Option<usize>,
    /// Memory for the samples of a batch, such as 500MB or 4GiB; networks take their own besides
    /// [default: 1GiB]
    #[arg(long, value_name = "SIZE", conflicts_with = "batch", help_heading = "Samples")]
    batch_memory: Option<ByteSize>,

    /// What to keep beside endpoints and energies: profile, map, trajectory:K, parts (of guidance)
    #[arg(long, value_name = "WHAT,...", value_delimiter = ',', help_heading = "Output")]
    pub(super) record: Vec<RecordItem>,
    /// The run folder
    #[arg(long, value_name = "DIR", default_value = "kinepath-run", help_heading = "Output")]
    pub(super) out: PathBuf,
    /// Start over if the folder holds a run
    #[arg(long, help_heading = "Output")]
    pub(super) overwrite: bool,
}

/// One word of `--record`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecordItem {
    /// The energy profile.
    Profile,
    /// The energy map.
    Map,
    /// The energies of the parts of a guided field.
    Parts,
    /// That many states along the path.
    Trajectory(usize),
}

impl FromStr for RecordItem {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.split_once(':')) {
            ("profile", _) => Ok(Self::Profile),
            ("map", _) => Ok(Self::Map),
            ("parts", _) => Ok(Self::Parts),
            (_, Some(("trajectory", states))) => at_least_one(states).map(Self::Trajectory),
            _ => {
                Err("use profile, map, parts and trajectory:K with K states, such as trajectory:6"
                    .to_owned())
            }
        }
    }
}

impl SampleArgs {
    /// Refuses arguments that would have no effect.
    pub(super) fn check(&self) -> Result<(), Usage> {
        let from_file = !GridFamily::is_named_in(&self.grid);
        let idle: &[(&str, bool, &str)] = &[
            ("--steps", from_file && self.steps.is_some(), "a grid from a file has its own"),
            ("--t-start", from_file && self.t_start.is_some(), "a grid from a file has its own"),
            ("--t-end", from_file && self.t_end.is_some(), "a grid from a file has its own"),
            ("--rtol", !self.adaptive() && self.rtol.is_some(), "only dopri5 has a tolerance"),
            ("--atol", !self.adaptive() && self.atol.is_some(), "only dopri5 has a tolerance"),
        ];
        match idle.iter().find(|(_, idle, _)| *idle) {
            None => Ok(()),
            Some((name, _, reason)) => {
                Err(Usage(format!("{name} would have no effect: {reason}; leave it out")))
            }
        }
    }

    /// The words for solver, grid and gain.
    pub(super) fn schedule(&self) -> ScheduleSpec {
        let defaults = ScheduleSpec::default();
        ScheduleSpec {
            solver: self.solver.clone(),
            steps: self.steps.unwrap_or(if self.adaptive() { 1 } else { defaults.steps }),
            grid: self.grid.clone(),
            interval: (
                self.t_start.unwrap_or(defaults.interval.0),
                self.t_end.unwrap_or(defaults.interval.1),
            ),
            gain: self.gain.clone(),
            quadrature: self.quadrature.clone(),
            rtol: self.rtol.unwrap_or(defaults.rtol),
            atol: self.atol.unwrap_or(defaults.atol),
            certify: self.certify,
        }
    }

    /// The words for the field.
    pub(super) fn field(&self) -> FieldSpec {
        FieldSpec {
            spec: self.field.clone(),
            conventions: self.conventions.words(),
            engine: self.engine,
            guidance: self.condition.guidance(),
            in_full: None,
        }
    }

    /// What the samples of a batch may take in memory, in bytes.
    pub(super) fn batch_memory(&self) -> u64 {
        self.batch_memory.map_or(BATCH_MEMORY, |size| size.as_u64())
    }

    /// Which samples are kept, if not all.
    pub(super) fn selection(&self) -> Option<Selection> {
        (!self.select.is_empty()).then(|| Selection {
            bands: self.select.clone(),
            max_attempts: self.max_attempts.unwrap_or(DEFAULT_ATTEMPTS),
        })
    }

    fn adaptive(&self) -> bool {
        Tableau::by_name(&self.solver).is_some_and(|tableau| tableau.error.is_some())
    }
}
