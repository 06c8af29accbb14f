//! A figure of a gain beside the baseline's.

use kinepath::stats::Interval;
use serde::{Deserialize, Serialize};

use crate::study::results::Direction;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::tests::{baseline, objectives};

    #[test]
    fn harm_and_sides_follow_the_direction() {
        let [mut cost, _] = objectives(0.1, 0.0, 0.05);
        assert!(cost.is_worse() && !cost.is_better());
        assert_eq!(cost.harm(), 0.1);
        cost.better = Direction::Higher;
        assert!(cost.is_better() && !cost.is_worse());
        assert_eq!(cost.harm(), -0.1);
        let [unclear, unit] = [&objectives(0.01, 0.0, 0.05)[0], &baseline()[0]];
        assert!(!unclear.is_better() && !unclear.is_worse());
        assert!(!unit.is_better() && !unit.is_worse() && unit.harm() == 0.0);
    }
}
