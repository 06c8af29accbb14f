//! What a study finds: the content of `study.json`.
//!
//! Every number of the report is here, so a report can be drawn again without the runs.

use kinepath::stats::{Interval, Summary};
use serde::{Deserialize, Serialize};

use super::StudySettings;

/// The results of a study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StudyResults {
    /// The version of kinepath that made it.
    pub kinepath: String,
    /// The settings it was made with: enough to repeat it.
    pub settings: StudySettings,
    /// The training set whose copying is audited.
    pub training: DataResults,
    /// Real images that the model has not seen.
    pub reference: DataResults,
    /// Share of the reference images that the memorization criterion would call copies: how often
    /// it cries wolf on real data.
    pub false_alarm: Interval,
    /// One entry per field studied.
    pub models: Vec<ModelResults>,
}

/// A data set, as a study used it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataResults {
    /// Its specification.
    pub name: String,
    /// Number of records.
    pub count: usize,
    /// Number of different records.
    pub distinct: usize,
    /// Shape of a record.
    pub shape: Vec<usize>,
    /// What was done to the stored values.
    pub scaling: String,
    /// SHA-256 of its content.
    pub sha256: String,
}

/// What was found for one velocity field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelResults {
    /// Its name in the study.
    pub name: String,
    /// Its specification.
    pub spec: String,
    /// The findings in words, one sentence each, the most important first.
    pub findings: Vec<String>,
    /// One entry per gain; the first is the baseline, η = 1.
    pub runs: Vec<RunResults>,
    /// What the energy of the baseline's samples goes with.
    pub associations: Vec<Association>,
    /// Fidelity of the baseline's samples by KPE tercile, lowest energy first.
    pub terciles: Vec<Tercile>,
    /// Memorization and fidelity of the baseline's samples along KPE.
    pub goldilocks: Goldilocks,
    /// The baseline's samples one by one, for scatter plots.
    pub samples: SampleColumns,
    /// Some of the baseline's samples as pictures; empty if samples are no images.
    pub pictures: Vec<Picture>,
}

/// What was found for one gain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResults {
    /// Its name in the study.
    pub name: String,
    /// The gain as an expression.
    pub gain: String,
    /// The folder of the run, relative to the study's.
    pub folder: String,
    /// Its energies.
    pub energy: EnergyResults,
    /// Its figures, in the order of the study's table of metrics.
    pub metrics: Vec<MetricResult>,
    /// How it differs from the baseline; absent for the baseline itself.
    pub comparison: Option<Comparison>,
}

/// Energies of a run, in squared data units, over its samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EnergyResults {
    /// Kinetic path energy E.
    pub kpe: Summary,
    /// Mean of E/D, comparable between dimensions.
    pub kpe_per_dimension: f64,
    /// The part of E before the split.
    pub launch: Summary,
    /// The part of E from the split on.
    pub landing: Summary,
    /// Displacement energy `½‖x(1) − x(0)‖²`.
    pub displacement: Summary,
    /// Path efficiency, displacement energy over E; without unit.
    pub efficiency: Summary,
    /// Share of E from t ≥ 0.95; without unit.
    pub terminal_spike: Summary,
    /// Number of function evaluations per sample.
    pub nfe: Summary,
    /// E of every sample, in index order.
    pub values: Vec<f64>,
    /// The energy profile along time.
    pub profile: Vec<ProfilePoint>,
}

/// The energy profile at the start of one step, over samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ProfilePoint {
    /// Time t.
    pub t: f64,
    /// Gain η(t).
    pub eta: f64,
    /// Median of `‖dx/dt‖²`.
    pub median: f64,
    /// Its 10 % quantile.
    pub low: f64,
    /// Its 90 % quantile.
    pub high: f64,
}

/// One figure of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricResult {
    /// The key of the metric, such as `f_mem`.
    pub metric: String,
    /// Its name for people.
    pub name: String,
    /// Which way is better.
    pub better: Direction,
    /// The figure and its bootstrap interval.
    pub value: Interval,
}

/// Which way a metric improves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Smaller is better.
    Lower,
    /// Larger is better.
    Higher,
}

/// A gain against the baseline, on the same noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// One row per metric.
    pub differences: Vec<Difference>,
    /// The judgement.
    pub verdict: Verdict,
    /// The judgement in words.
    pub sentence: String,
}

/// The paired difference of one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The key of the metric.
    pub metric: String,
    /// Its name for people.
    pub name: String,
    /// Gain minus baseline, with its paired bootstrap interval.
    pub difference: Interval,
    /// Two-sided bootstrap p-value.
    pub p_value: f64,
    /// The p-value adjusted by Benjamini and Hochberg over all gains and metrics of the model.
    pub q_value: f64,
    /// What it means.
    pub effect: Effect,
}

/// What a paired difference means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Significantly better than the baseline.
    Better,
    /// Significantly worse than the baseline.
    Worse,
    /// Not distinguishable from the baseline at this sample size.
    Undetected,
}

/// The judgement on a gain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Better in something and worse in nothing.
    Improves,
    /// Better in something at the price of something else.
    Trades,
    /// Worse in something and better in nothing.
    Harms,
    /// No difference that this sample size can show.
    NoDetectableEffect,
}

/// A rank correlation of KPE with a property of the samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Association {
    /// The property's key, such as `margin`.
    pub with: String,
    /// Its name for people.
    pub name: String,
    /// Spearman's ρ; absent where it is undefined (a constant column).
    pub plain: Option<Interval>,
    /// Partial ρ controlling for `‖x(1)‖²` and displacement energy.
    pub partial: Option<Interval>,
    /// What the two say together.
    pub sentence: String,
}

/// Fidelity of the samples in one third of the KPE range.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tercile {
    /// Number of samples.
    pub count: usize,
    /// Mean KPE.
    pub kpe: f64,
    /// Classifier confidence: mean and sd.
    pub confidence: (f64, f64),
    /// Classifier margin: mean and sd.
    pub margin: (f64, f64),
    /// Share of memorized samples.
    pub f_mem: Interval,
}

/// Memorization and fidelity along KPE.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Goldilocks {
    /// Quantile bins of KPE, lowest energy first.
    pub bins: Vec<GoldilocksBin>,
    /// First and last bin of the band, if there is one.
    pub band: Option<(usize, usize)>,
    /// What the curve says.
    pub sentence: String,
}

/// The samples of one KPE quantile bin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GoldilocksBin {
    /// Number of samples.
    pub count: usize,
    /// Smallest KPE in the bin.
    pub kpe_low: f64,
    /// Largest KPE in the bin.
    pub kpe_high: f64,
    /// Share of memorized samples.
    pub f_mem: Interval,
    /// Mean classifier margin.
    pub fidelity: Interval,
}

/// Samples one by one: equally long columns in index order.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SampleColumns {
    /// Kinetic path energy.
    pub kpe: Vec<f64>,
    /// Classifier margin.
    pub margin: Vec<f64>,
    /// k-nearest-neighbour support in feature space.
    pub knn_support: Vec<f64>,
    /// Gap ratio d1/d2 to the training set.
    pub gap_ratio: Vec<f64>,
    /// Whether the gap ratio counts as memorized.
    pub memorized: Vec<bool>,
}

/// A sample beside its nearest training image, as PNG data URIs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// `low`, `middle` or `high` KPE.
    pub group: String,
    /// Sample index.
    pub index: usize,
    /// Its KPE.
    pub kpe: f64,
    /// Its gap ratio.
    pub gap_ratio: f64,
    /// Whether that counts as memorized.
    pub memorized: bool,
    /// Index of the nearest training image.
    pub nearest_index: usize,
    /// The sample.
    pub sample: String,
    /// The nearest training image.
    pub nearest: String,
    /// The energy map, brightest where most energy was spent.
    pub energy_map: String,
}
