//! A figure of a gain beside the baseline's.

use kinepath::stats::Interval;
use serde::{Deserialize, Serialize};

use crate::study::results::{Direction, Effect};

/// One metric of a gain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// The key of the metric, such as `f_mem`.
    pub metric: String,
    /// Its name for people.
    pub name: String,
    /// Which way is better.
    pub better: Direction,
    /// The figure and its 95 % interval.
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
        let change = self.difference.map_or(0.0, |difference| difference.estimate);
        self.better.harm(self.value.estimate, change)
    }

    /// How much worse than the baseline it may be, by the end of its interval, in the unit of the metric;
    /// none where all of the interval is for the better.
    #[must_use]
    pub fn possible_harm(&self) -> Option<f64> {
        let Interval { low, high, .. } = self.difference?;
        let most = match self.better {
            Direction::Lower => high,
            Direction::Higher => -low,
            Direction::Zero => return None,
        };
        (most > 0.0).then_some(most)
    }

    /// What the difference means: better or worse where its whole interval is on that side, each a
    /// one-sided test at 2.5 %; nothing is detected of the baseline itself.
    #[must_use]
    pub fn effect(&self) -> Effect {
        let Some(Interval { low, high, .. }) = self.difference else { return Effect::Undetected };
        let harm = self.harm();
        match harm < 0.0 {
            _ if low <= 0.0 && high >= 0.0 || harm == 0.0 => Effect::Undetected,
            true => Effect::Better,
            false => Effect::Worse,
        }
    }

    /// Whether the difference is detectably for the worse.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        self.effect() == Effect::Worse
    }

    /// Whether the difference is detectably for the better.
    #[must_use]
    pub fn is_better(&self) -> bool {
        self.effect() == Effect::Better
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
        assert!((cost.possible_harm().unwrap() - 0.15).abs() < 1e-12);
        cost.better = Direction::Higher;
        assert!(cost.is_better() && !cost.is_worse());
        assert_eq!((cost.harm(), cost.possible_harm()), (-0.1, None));
        let [unclear, unit] = [&objectives(0.01, 0.0, 0.05)[0], &baseline()[0]];
        assert!(!unclear.is_better() && !unclear.is_worse());
        assert!(!unit.is_better() && !unit.is_worse() && unit.harm() == 0.0);
    }
}
