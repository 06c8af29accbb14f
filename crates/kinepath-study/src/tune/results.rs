//! What a search finds: the content of `tune.json`.

use kinepath::stats::Interval;
use serde::{Deserialize, Serialize};

use super::{Budget, TuneSettings};
use crate::run::FieldSettings;
use crate::study::results::{DataResults, Direction};

/// The results of a search for a gain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TuneResults {
    /// The version of kinepath that made it.
    pub kinepath: String,
    /// The settings it was made with.
    pub settings: TuneSettings,
    /// The model, with its hash.
    pub field: FieldSettings,
    /// The training set whose copying is audited.
    pub training: DataResults,
    /// Real images that the model has not seen.
    pub reference: Option<DataResults>,
    /// The numbers of gains and samples, chosen or given.
    pub budget: Budget,
    /// The rungs of the search, the first the widest.
    pub rungs: Vec<Rung>,
    /// The choices of the last rung that no other one beats in both objectives, in the order of
    /// the metric that must not get worse; the unit gain is one of the choices.
    pub front: Vec<FrontPoint>,
    /// The knee of the front.
    pub knee: Knee,
    /// The gain that the search recommends to confirm, if any.
    pub recommendation: Option<Recommendation>,
    /// What fresh samples say of it; absent without a recommendation.
    pub confirmation: Option<Confirmation>,
    /// The gain worth using, as `tune.toml` has it: the recommended one with all that it takes to
    /// repeat it, or `unit` where none was confirmed.
    pub gain: String,
    /// The judgement.
    pub verdict: TuneVerdict,
    /// The judgement in words.
    pub sentence: String,
}

/// One rung of successive halving.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rung {
    /// Samples per gain: indices 0 to this.
    pub samples: usize,
    /// The objectives of the unit gain on the same samples.
    pub baseline: [Measure; 2],
    /// The gains of this rung, by candidate number.
    pub gains: Vec<Trial>,
}

/// A gain in a rung.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its number, from 0 in the order of drawing; its runs are in `runs/NUMBER`.
    pub candidate: usize,
    /// The gain as an expression.
    pub gain: String,
    /// Its Pareto front among the gains of the rung, 0 the best.
    pub front: usize,
    /// Whether it went on to the next rung; true in the last one.
    pub kept: bool,
    /// The objectives, in the order of the settings.
    pub objectives: [Measure; 2],
}

/// One metric of a gain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// The key of the metric, such as `f_mem`.
    pub metric: String,
    /// Its name for people.
    pub name: String,
    /// Which way is better.
    pub better: Direction,
    /// The figure and its 95 % bootstrap interval.
    pub value: Interval,
    /// Gain minus baseline on the same noise, with its paired 95 % interval; absent for the
    /// baseline itself.
    pub difference: Option<Interval>,
}

impl Measure {
    /// How much worse than the baseline, in the unit of the metric: better is negative, and the
    /// baseline itself is at 0.
    #[must_use]
    pub fn harm(&self) -> f64 {
        let difference = self.difference.map_or(0.0, |difference| difference.estimate);
        match self.better {
            Direction::Lower => difference,
            Direction::Higher => -difference,
            Direction::Zero => self.value.estimate.abs() - (self.value.estimate - difference).abs(),
        }
    }

    /// Whether the whole interval of the difference is on the worse side: a one-sided test at
    /// 2.5 %.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        self.sides().is_some_and(|(worse, _)| worse)
    }

    /// Whether the whole interval of the difference is on the better side.
    #[must_use]
    pub fn is_better(&self) -> bool {
        self.sides().is_some_and(|(_, better)| better)
    }

    fn sides(&self) -> Option<(bool, bool)> {
        let Interval { low, high, .. } = self.difference?;
        let (above, below) = (low > 0.0, high < 0.0);
        Some(match self.better {
            Direction::Lower => (above, below),
            Direction::Higher => (below, above),
            Direction::Zero => {
                let (told, worse) = (above || below, self.harm() > 0.0);
                (told && worse, told && !worse)
            }
        })
    }
}

/// A choice on the Pareto front.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrontPoint {
    /// The candidate number; absent for the unit gain.
    pub candidate: Option<usize>,
    /// The gain as an expression.
    pub gain: String,
    /// The objectives on the samples of the last rung, in the order of the settings.
    pub objectives: [Measure; 2],
}

/// The point of a front where the most is gained for the least.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Knee {
    /// Its place in the front.
    pub place: usize,
    /// Its distance from the chord between the ends, both objectives scaled to [0, 1] over the
    /// front: 0 where the front does not bulge, at most 1/√2.
    pub distance: f64,
}

/// The gain to confirm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recommendation {
    /// The candidate number.
    pub candidate: usize,
    /// The gain as an expression.
    pub gain: String,
    /// Why it and no other.
    pub basis: Basis,
}

/// Why a gain is recommended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// Of the gains that are detectably better in the second objective and by their estimate no
    /// worse in the first, it is the best in the second.
    NoCost,
    /// There is none of those. Of the gains that are not detectably worse in the first objective,
    /// it is the best in the second.
    NoDetectableCost,
    /// Every gain that is better in the second objective is detectably worse in the first; this
    /// one is the knee of the front.
    Knee,
}

/// The recommended gain on samples that the search has not seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Confirmation {
    /// Seed of its noise.
    pub seed: u64,
    /// Samples per gain.
    pub samples: usize,
    /// Every metric of the unit gain.
    pub baseline: Vec<Measure>,
    /// Every metric of the recommended gain.
    pub recommended: Vec<Measure>,
    /// Other gains on the same samples: the published default and the best governed gain of the
    /// search, unless one of them is the recommended gain.
    pub others: Vec<OtherGain>,
    /// What the search promised beside what came, for each objective.
    pub promises: Vec<Promise>,
}

/// Another gain, for comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OtherGain {
    /// What it is.
    pub name: String,
    /// The gain as an expression.
    pub gain: String,
    /// Every metric of it.
    pub measures: Vec<Measure>,
}

/// A difference to the baseline as the search estimated it, and as fresh samples show it.
///
/// The search picked the gain because its estimate was good, so the estimate is partly luck: the
/// winner's curse.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Promise {
    /// The key of the metric.
    pub metric: String,
    /// Its name for people.
    pub name: String,
    /// The difference in the last rung.
    pub search: Interval,
    /// The difference on the fresh samples.
    pub confirmed: Interval,
    /// The share of the promise that did not come, `1 − confirmed / search`: negative if more
    /// came, above 1 if the sign turned, absent if nothing was promised.
    pub shrinkage: Option<f64>,
}

/// The judgement of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TuneVerdict {
    /// Better in the second objective and not detectably worse in the first, on fresh samples.
    Confirmed,
    /// Better in the second objective and detectably worse in the first, on fresh samples.
    Trades,
    /// What the search promised is not seen on fresh samples.
    NotConfirmed,
    /// No gain was worth confirming.
    NothingFound,
}
