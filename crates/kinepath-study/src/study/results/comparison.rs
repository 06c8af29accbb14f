//! Figures, differences, controls and verdicts.

use kinepath::stats::Interval;
use serde::{Deserialize, Serialize};

/// Figures for comparison with other publications.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Quoted {
    /// Fréchet distance extrapolated to infinitely many samples, with its standard error.
    pub frechet_infinity: Option<(f64, f64)>,
    /// Kernel distance over random subsets: mean and sd over subsets.
    pub kernel_subsets: Option<(f64, f64)>,
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
    /// The figure and its interval.
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
    /// Closer to zero is better.
    Zero,
}

impl Direction {
    /// How much worse a figure is for having become `value` by a `change`, in its unit: better is
    /// negative.
    #[must_use]
    pub(crate) fn harm(self, value: f64, change: f64) -> f64 {
        match self {
            Self::Lower => change,
            Self::Higher => -change,
            Self::Zero => value.abs() - (value - change).abs(),
        }
    }
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
    /// What simpler things than the gain achieve.
    pub controls: Vec<Control>,
}

/// A control: something trivial that might achieve what the gain does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// What was done.
    pub kind: ControlKind,
    /// Its figures, for the metrics that the gain improves and F_mem; empty where it was not run.
    pub figures: Vec<ControlFigure>,
    /// What it says of the gain, or why it was not run.
    pub sentence: String,
}

/// The controls of a study.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlKind {
    /// Baseline endpoints plus Gaussian noise of the size that the gain leaves behind.
    NoiseMatched,
    /// The gain's endpoints after one data-prediction step.
    Denoised,
    /// A constant gain of the same mean.
    Constant,
    /// The baseline's path, left where as much noise remains as under the gain.
    EarlyStop,
}

impl ControlKind {
    /// Its name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoiseMatched => "noise-matched",
            Self::Denoised => "denoised",
            Self::Constant => "constant gain",
            Self::EarlyStop => "early stop",
        }
    }
}

/// A control against the baseline and against the gain, on the same noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlFigure {
    /// The key of the metric.
    pub metric: String,
    /// Its name for people.
    pub name: String,
    /// The control's figure.
    pub value: f64,
    /// Control minus baseline, with its paired interval.
    pub to_baseline: Interval,
    /// What that means.
    pub to_baseline_effect: Effect,
    /// Control minus gain, with its paired interval.
    pub to_gain: Interval,
    /// What that means, a better control counting as better.
    pub to_gain_effect: Effect,
}

/// The paired difference of one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The key of the metric.
    pub metric: String,
    /// Its name for people.
    pub name: String,
    /// Gain minus baseline, with its paired interval.
    pub difference: Interval,
    /// Two-sided p-value of the paired permutation test.
    pub p_value: f64,
    /// The p-value adjusted by Benjamini and Hochberg over all gains and metrics of the model.
    pub q_value: f64,
    /// What it means.
    pub effect: Effect,
    /// The least difference that a study of this size detects four times in five, before adjustment
    /// for the number of comparisons.
    pub detectable: f64,
    /// Number of samples with which a difference as large as the one seen would be detected four
    /// times in five; absent where none was seen.
    pub samples_needed: Option<usize>,
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

impl Effect {
    /// Its name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Undetected => "undetected",
        }
    }
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
    /// Whatever it is better in comes from noise that it leaves in the samples.
    LeavesNoise,
    /// No difference that this sample size can show.
    NoDetectableEffect,
}

impl Verdict {
    /// Its name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Improves => "improves",
            Self::Trades => "trades",
            Self::Harms => "harms",
            Self::LeavesNoise => "leaves noise",
            Self::NoDetectableEffect => "no detectable effect",
        }
    }
}
