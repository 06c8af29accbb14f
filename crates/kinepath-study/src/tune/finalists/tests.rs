use super::*;
use crate::tune::choice::front_of;
use crate::tune::tests::{objectives, rung};
use kinepath::noise::noise;
use proptest::prelude::*;

const LAST: Final = Final { most: 3, samples: 192 };

/// The candidates picked of gains with these costs and changes, each known to ± `half` on 64
/// samples.
fn picked(gains: &[(f64, f64)], half: f64, last: Final) -> Vec<(usize, Basis)> {
    let mut rung = rung(64, &[]);
    for (candidate, &(cost, change)) in gains.iter().enumerate() {
        rung.gains.push(Trial {
            candidate,
            gain: format!("g{candidate}"),
            front: 0,
            kept: true,
            objectives: objectives(cost, change, half),
        });
    }
    let (front, knee) = front_of(&rung);
    pick(&rung, &front, knee, last)
        .into_iter()
        .map(|Pick { place, basis }| (rung.gains[place].candidate, basis))
        .collect()
}

#[test]
fn the_chance_is_that_of_simulated_confirmations() {
    const ERROR: f64 = 0.05;
    let half = ERROR * normal_quantile(0.975);
    // Three times the samples of the search.
    let fresh_error = ERROR / 3f64.sqrt();
    // Two-sided normal quantiles of 95 % and 98.33 %, from a table.
    let (plain, shared) = (1.960, 2.394);
    for (cost, change) in [(0.0, -0.1), (0.05, -0.1), (0.1, -0.04), (-0.05, -0.2), (0.02, 0.01)] {
        let draws = noise(7, 0..40_000, 4);
        let confirmed = draws.outer_iter().filter(|draw| {
            let fresh = |estimate: f64, truth: usize, scatter: usize| {
                estimate + ERROR * f64::from(draw[truth]) + fresh_error * f64::from(draw[scatter])
            };
            fresh(cost, 0, 1) - plain * fresh_error <= 0.0
                && fresh(change, 2, 3) + shared * fresh_error < 0.0
        });
        let simulated = confirmed.count() as f64 / 40_000.0;
        let found = chance(&objectives(cost, change, half), 64, 192, 3);
        // Three standard errors of the simulation.
        assert!((found - simulated).abs() < 0.0075, "{cost} {change}: {found}, not {simulated}");
    }
}

#[test]
fn differences_without_an_error_are_certain() {
    let certain = |cost, change| chance(&objectives(cost, change, 0.0), 64, 192, 3);
    assert_eq!(certain(0.0, -0.1), 1.0);
    assert_eq!(certain(-0.1, -0.1), 1.0);
    assert_eq!(certain(0.1, -0.1), 0.0);
    assert_eq!(certain(0.0, 0.1), 0.0);
}

#[test]
fn the_expected_best_by_hand() {
    let prospect = |chance, worth| Prospect { chance, worth };
    // 0.2·4 + 0.8·0.5·2
    let both = vec![prospect(0.5, 2.0), prospect(0.2, 4.0)];
    assert!((expected_best(both) - 1.6).abs() < 1e-12);
    assert_eq!(expected_best(Vec::new()), 0.0);
}

#[test]
fn a_bold_gain_stands_beside_a_safe_one() {
    let all = [
        Prospect { chance: 0.3, worth: 6.0 },
        // Nearly no gain, four times.
        Prospect { chance: 0.9, worth: 1.0 },
        Prospect { chance: 0.9, worth: 1.0 },
        Prospect { chance: 0.9, worth: 0.9 },
        Prospect { chance: 0.6, worth: 2.0 },
    ];
    assert_eq!(best_together(&all, 3), [0, 4, 1]);
    assert_eq!(best_together(&all, 9).len(), 5);
}

#[test]
fn only_gains_that_might_be_what_is_sought_are_picked() {
    // Detectably costly, worse in the second objective, and three that qualify.
    let gains = [(0.3, -0.5), (0.0, 0.1), (0.05, -0.3), (-0.1, -0.05), (0.0, -0.2)];
    let found = picked(&gains, 0.1, LAST);
    let mut candidates: Vec<usize> = found.iter().map(|&(candidate, _)| candidate).collect();
    candidates.sort_unstable();
    assert_eq!(candidates, [2, 3, 4]);
    assert!(found.iter().all(|(_, basis)| matches!(basis, Basis::Chance(c) if *c > 0.0)));
    assert_eq!(picked(&gains, 0.1, Final { most: 1, ..LAST }).len(), 1);
    assert_eq!(picked(&gains[..3], 0.1, LAST).len(), 1);
}

#[test]
fn the_knee_is_taken_where_everything_costs() {
    let costly = [(0.1, -0.3), (0.2, -0.35), (0.5, -0.4)];
    assert_eq!(picked(&costly, 0.05, LAST), [(0, Basis::Knee)]);
    // Nothing better.
    assert_eq!(picked(&[(-0.1, 0.2), (0.1, 0.1)], 0.05, LAST), []);
}

proptest! {
    #[test]
    fn a_set_is_worth_no_less_than_its_parts(
        pairs in proptest::collection::vec((0.0f64..1.0, 0.0f64..5.0), 1..8),
    ) {
        let all: Vec<Prospect> =
            pairs.into_iter().map(|(chance, worth)| Prospect { chance, worth }).collect();
        let whole = expected_best(all.clone());
        let largest = all.iter().map(|prospect| prospect.worth).fold(0.0, f64::max);
        prop_assert!(whole <= largest + 1e-12);
        for prospect in &all {
            prop_assert!(whole >= expected_best(vec![*prospect]) - 1e-12);
        }
        // The order of the first pick is that of the values alone.
        let first = best_together(&all, 1)[0];
        prop_assert!(all.iter().all(|p| p.chance * p.worth <= all[first].chance * all[first].worth));
    }
}
