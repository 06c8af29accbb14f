//! Made-up results for the tests of this module.

use super::finalists::shared_level;
use super::results::{Basis, Confirmation, Finalist, Measure, Outcome, Rung, Trial};
use super::*;
use crate::study::results::Direction;
use kinepath::stats::Interval;

fn measure(metric: &str, name: &str, value: f64, difference: Option<Interval>) -> Measure {
    Measure {
        metric: metric.to_owned(),
        name: name.to_owned(),
        better: Direction::Lower,
        value: Interval { estimate: value, low: value, high: value },
        difference,
    }
}

/// The objectives of a baseline.
pub(super) fn baseline() -> [Measure; 2] {
    [
        measure("frechet_distance", "Fréchet distance", 1.0, None),
        measure("f_mem", "F_mem", 0.5, None),
    ]
}

/// The objectives of a gain that differ so much from the baseline's, known to ± `half`.
pub(super) fn objectives(first: f64, second: f64, half: f64) -> [Measure; 2] {
    let around = |estimate: f64| Interval { estimate, low: estimate - half, high: estimate + half };
    let [mut a, mut b] = baseline();
    a.difference = Some(around(first));
    b.difference = Some(around(second));
    [a, b]
}

/// A rung of gains `(candidate, cost, change)`, each known to ± 0.05.
pub(super) fn rung(samples: usize, gains: &[(usize, f64, f64)]) -> Rung {
    let gains = gains.iter().map(|&(candidate, cost, change)| Trial {
        candidate,
        gain: format!("g{candidate}"),
        front: 0,
        kept: true,
        objectives: objectives(cost, change, 0.05),
    });
    Rung { samples, baseline: baseline(), gains: gains.collect() }
}

/// A confirmation of finalists `(candidate, cost, change)`, each known to ± 0.05.
pub(super) fn confirmation(finalists: &[(usize, f64, f64)]) -> Confirmation {
    let finalist = |&(candidate, cost, change): &(usize, f64, f64)| {
        let decisive = objectives(cost, change, 0.05);
        Finalist {
            candidate,
            gain: format!("g{candidate}"),
            basis: Basis::Chance(0.5),
            measures: decisive.to_vec(),
            outcome: Outcome::of(&decisive),
            decisive,
            promises: Vec::new(),
        }
    };
    Confirmation {
        seed: 1,
        samples: 512,
        level: shared_level(finalists.len()),
        baseline: baseline().to_vec(),
        finalists: finalists.iter().map(finalist).collect(),
        others: Vec::new(),
    }
}

#[test]
fn the_confirmation_has_a_seed_of_its_own_that_a_file_can_hold() {
    assert_eq!(confirmation_seed(0), 1);
    assert_eq!(confirmation_seed(i64::MAX as u64), 0);
}
