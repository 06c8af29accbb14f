//! The arguments of `kinepath sample`.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Result;
use bytesize::ByteSize;
use clap::{Args, value_parser};
use kinepath::grid::GridFamily;
use kinepath_study::run::Certify;
use kinepath_study::sampling::{BATCH_MEMORY, Band, Selection};
use kinepath_study::schedule::ScheduleSpec;
use kinepath_study::source::{Engine, FieldSpec};

use crate::cli::at_least_one;
use crate::commands::LARGEST_SEED;
use crate::commands::conventions::{CONVENTIONS, ConventionArgs};
use crate::exit::Usage;

use super::condition::ConditionArgs;

/// Samples drawn where neither --count nor a noise file says how many.
pub(super) const DEFAULT_COUNT: usize = 128;
const DEFAULT_STEPS: usize = 50;
/// Draws a sample may take to fall into the bands of --select.
const DEFAULT_ATTEMPTS: usize = 1000;

const EXAMPLES: &str = "\
Examples:
  kinepath sample --field onnx:builtin:velocity --count 256 --out runs/baseline
      The embedded model, 50 Euler steps
  kinepath sample --field onnx:model.onnx --solver heun --steps 25 --gain kts:alpha=0.01,beta=0.01
      A model of your own with kinetic trajectory shaping
  kinepath sample --field onnx:model.onnx --engine ort:cuda
      The same model on an NVIDIA GPU, with the ONNX Runtime that `pip install onnxruntime-gpu` brings
  kinepath sample --field onnx:unet.onnx --time discrete:1000 --noise x0.npy --steps 50
      A flow network trained on time indices 0...999, from given noise
  kinepath sample --field onnx:ddpm.onnx --path vp:linear --predicts noise
      A diffusion network, with the energy of the straight-path flow it stands for
  kinepath sample --field onnx:sit.onnx --labels cycle:1000 --guidance 1.5 --null-label 1000
      The classes in turn, with classifier-free guidance
  kinepath sample --field onnx:t2i.onnx --inputs prompts.safetensors --null-inputs empty.safetensors --guidance 4
      A model of prompts, from their embeddings and that of the empty prompt
  kinepath sample --field onnx:model.onnx --select kpe_landing=..200 --select efficiency=0.5..
      Only samples with little landing energy and a straight path, each drawn again until it is one
  kinepath sample --field empirical:train.npz --count 64 --record profile,map,trajectory:6
      The exact flow of a data set, with all that can be recorded
  kinepath sample --field empirical:train.npz --certify off
      The same flow, every step over all training points: slow, and what the fast way agrees with
  kinepath sample --field onnx:model.onnx --gain governed:reference=runs/baseline --out runs/governed
      Damp only what is faster than 90 % of runs/baseline, recorded with --record profile

Grids:
  uniform, cosine            t = i/n, and dense at both ends
  shift:S                    sigma = 1 - t shifted by S, as Stable Diffusion 3 does
  dynamic-shift:LENGTH       FLUX's, by the length of the image sequence, 4096 at 1024 x 1024; keys
                             base=0.5, max=1.15, base-length=256, max-length=4096, type=linear
  diffusers:S                what FlowMatchEulerDiscreteScheduler(shift=S) does by itself
  karras:SIGMA, exponential:SIGMA, beta:SIGMA
                             its spacings with use_..._sigmas, from 1 to SIGMA, then 0
  sigmas:FILE, sigmas:1,0.9,...
                             noise levels of your own; a last 0 is added where it is missing

Gains:
  unit                                          no shaping
  kts:alpha=A,beta=B[,split=T,launch=SHAPE,landing=SHAPE,rate=K]
      boost A at launch, damping B at landing; split 0.6, shapes linear (the launch's default),
      constant, exponential (the landing's default), rate 3
  ssc:alpha=A,power=P                           1 + A (1 - t)^P
  table:T=ETA,T=ETA,...                         piecewise linear
  governed:reference=RUN[,quantile=Q,strength=K,split=T]
      from T on, damp only samples faster than the Q-quantile of RUN, a run of the field without a
      gain and with --record profile; quantile 0.9, strength 1 (hold them at it), split 0.6
  FILE                                          a time and a gain on each line
  FILE.toml                                     its key `gain`: what `kinepath tune` found

Labels, prompts and guidance:
  A network with a label input (y, label, class_labels, ...) needs --labels; one with further inputs
  needs --inputs, a safetensors file with a tensor for each: [N, ...] has a row for each sample,
  [1, ...] or [...] is for all. `kinepath inspect FILE.onnx` lists what a network takes. Tensors of
  16 bits become what the network takes; rows are read when they are sampled, so the file may be
  larger than memory. Whatever does not fit is refused before the first step.
  --guidance W evaluates the network twice, with the condition c and with a null condition, and
  follows v = v_null + W (v_c - v_null): W = 1 is no guidance, and more than 1 goes beyond c. The
  null condition is --null-label, the label that the network was trained to take for no class
  (usually K where classes are 0 to K - 1; -1 is all zeros in a one-hot label), or --null-inputs, a
  file of one row of each input that differs, as with the embedding of the empty prompt.
  --guidance-interval A..B guides from t = A to t = B only, noise at 0 and data at 1, and pays for
  one evaluation elsewhere; each stage of a solver goes by its own time.
  --record parts adds kpe_conditional, the energy of v_c alone along the path travelled, and
  kpe_unconditional, that of v_null, which covers the stages inside the interval only.

Exact flows:
  Euler paths through an empirical: field are followed: a training point whose posterior weight is
  below e^-TAU, 2e-9 at the usual 20, is dropped where it is certain to stay negligible, and looked
  at again if that certainty is lost. A line of the results, and [certificate] in run.toml, bound
  what that can have changed in any velocity. A smaller TAU drops more, under a wider bound. The
  table tells which point each path ends on and from when on no other is left; with --record
  profile, entropies and effective counts of the posterior are kept too.

Engines:
  Without --engine, the file decides, never what is installed. ONNX Runtime is a library of its own:
  it is found in ORT_DYLIB_PATH, where the system keeps libraries, and in the onnxruntime package of
  the active Python environment. Each engine gives the same bytes every time, but two engines agree
  to rounding alone: run.toml says which it was, and a run goes on with that one only.

A run that was stopped goes on where it was when the same command is repeated, and ends with the
same bytes.";

/// Sample a flow model and measure the energy of every path, into a run folder
///
/// The folder gets run.toml (all settings), samples.safetensors (endpoints and what --record asks
/// for) and samples.parquet (a row of energies for each sample).
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{CONVENTIONS}"))]
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

    /// Number of samples [default: the rows of --noise, --labels or --inputs, or 128]
    #[arg(long, value_name = "N", value_parser = at_least_one, help_heading = "Samples")]
    pub(super) count: Option<usize>,
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
            steps: self.steps.unwrap_or(if self.adaptive() { 1 } else { DEFAULT_STEPS }),
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
        self.solver == "dopri5"
    }
}
