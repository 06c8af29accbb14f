//! What a search finds: the content of `tune.json`.

mod account;
mod confirmation;
mod measure;

pub use account::{Account, Fate, Reckoned};
pub use confirmation::{Basis, Confirmation, Finalist, OtherGain, Outcome, Promise};
pub use measure::Measure;

use serde::{Deserialize, Serialize};

use super::{Budget, TuneSettings};
use crate::run::FieldSettings;
use crate::study::results::DataResults;

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
    /// What fresh samples say of the finalists; absent where no gain was worth confirming.
    pub confirmation: Option<Confirmation>,
    /// What became of every gain.
    pub account: Account,
    /// The place of the recommended gain among the finalists; absent where `unit` is.
    pub recommended: Option<usize>,
    /// The gain worth using, as `tune.toml` has it: the recommended one with all that it takes to
    /// repeat it, or `unit` where fresh samples bear none out.
    pub gain: String,
    /// The judgement.
    pub verdict: TuneVerdict,
    /// The judgement in words.
    pub sentence: String,
}

impl TuneResults {
    /// The recommended finalist, if any.
    #[must_use]
    pub fn recommendation(&self) -> Option<&Finalist> {
        self.confirmation.as_ref()?.finalists.get(self.recommended?)
    }
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

/// The judgement of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TuneVerdict {
    /// A finalist is better in the second objective and not detectably worse in the first, on
    /// fresh samples.
    Confirmed,
    /// No finalist is, but some are better in the second objective and detectably worse in the
    /// first.
    Trades,
    /// No finalist is detectably better in the second objective on fresh samples.
    NotConfirmed,
    /// No gain was worth confirming.
    NothingFound,
}
