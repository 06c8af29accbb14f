//! What fresh samples say of the gains that a search picked.

use kinepath::stats::Interval;
use serde::{Deserialize, Serialize};

use super::Measure;

/// The finalists of a search on samples that it has not seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Confirmation {
    /// Seed of its noise.
    pub seed: u64,
    /// Samples per gain.
    pub samples: usize,
    /// Confidence level of the intervals that decide on the second objective: the error of 5 % is
    /// shared among the finalists (Bonferroni), so that one of several that do nothing does not
    /// pass more often than a single one would.
    pub level: f64,
    /// Every metric of the unit gain.
    pub baseline: Vec<Measure>,
    /// The finalists, in the order in which they were picked.
    pub finalists: Vec<Finalist>,
    /// Other gains on the same samples, for comparison: the published default and the best
    /// governed gain of the search, unless they are finalists.
    pub others: Vec<OtherGain>,
}

/// A gain that the search picked, on fresh samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finalist {
    /// The candidate number.
    pub candidate: usize,
    /// The gain as an expression.
    pub gain: String,
    /// Why it was picked.
    pub basis: Basis,
    /// Every metric of it, with 95 % intervals.
    pub measures: Vec<Measure>,
    /// The objectives with the intervals that decide: the first at 95 %, since a wider interval
    /// would make it easier to cost nothing, the second at [`Confirmation::level`].
    pub decisive: [Measure; 2],
    /// What the search promised beside what came, for each objective.
    pub promises: Vec<Promise>,
    /// What they add up to.
    pub outcome: Outcome,
}

/// Why a gain was picked to be confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// It is better in the second objective by its estimate and not detectably worse in the first;
    /// the number is the chance of being confirmed that the search gives it.
    Chance(f64),
    /// There is none of those, and it is the knee of the front.
    Knee,
}

/// What fresh samples say of a finalist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Detectably better in the second objective and not detectably worse in the first.
    Confirmed,
    /// Detectably better in the second objective and detectably worse in the first.
    Trades,
    /// Not detectably better in the second objective.
    NotConfirmed,
}

impl Outcome {
    /// The outcome of a finalist with these objectives.
    pub(in crate::tune) fn of([kept, improved]: &[Measure; 2]) -> Self {
        match (improved.is_better(), kept.is_worse()) {
            (true, false) => Self::Confirmed,
            (true, true) => Self::Trades,
            (false, _) => Self::NotConfirmed,
        }
    }

    /// Its name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Trades => "trades",
            Self::NotConfirmed => "not confirmed",
        }
    }
}

/// Another gain, for comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OtherGain {
    /// What it is.
    pub name: String,
    /// The candidate number.
    pub candidate: usize,
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

impl Promise {
    /// The difference of one metric in the search beside the one on fresh samples, where both have
    /// one.
    pub(in crate::tune) fn of(search: &Measure, confirmed: &Measure) -> Option<Self> {
        let (before, after) = (search.difference?, confirmed.difference?);
        Some(Self {
            metric: search.metric.clone(),
            name: search.name.clone(),
            search: before,
            confirmed: after,
            shrinkage: (before.estimate != 0.0).then(|| 1.0 - after.estimate / before.estimate),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::tests::objectives;

    #[test]
    fn shrinkage_is_the_share_that_did_not_come() {
        let shrinkage = |search: f64, confirmed: f64| {
            let [before, _] = objectives(search, 0.0, 0.1);
            let [after, _] = objectives(confirmed, 0.0, 0.1);
            Promise::of(&before, &after).unwrap().shrinkage
        };
        assert_eq!(shrinkage(-0.08, -0.06), Some(1.0 - 0.75));
        assert_eq!(shrinkage(-0.08, -0.16), Some(-1.0));
        assert_eq!(shrinkage(-0.08, 0.08), Some(2.0));
        assert_eq!(shrinkage(0.0, -0.1), None);
    }

    #[test]
    fn the_three_outcomes() {
        let outcome = |cost, change| Outcome::of(&objectives(cost, change, 0.05));
        assert_eq!(outcome(0.02, -0.1), Outcome::Confirmed);
        assert_eq!(outcome(-0.1, -0.1), Outcome::Confirmed);
        assert_eq!(outcome(0.1, -0.1), Outcome::Trades);
        assert_eq!(outcome(-0.1, -0.02), Outcome::NotConfirmed);
    }
}
