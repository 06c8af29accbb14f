//! From the last rung to the front, its knee and the gain to confirm.

use super::UNIT;
use super::front;
use super::halving::point;
use super::results::{Basis, FrontPoint, Knee, Measure, Recommendation, Rung, Trial};

/// The Pareto front of a rung's gains and the unit gain, in the order of the first objective, and
/// its knee.
pub(super) fn front_of(rung: &Rung) -> (Vec<FrontPoint>, Knee) {
    let unit =
        FrontPoint { candidate: None, gain: UNIT.to_owned(), objectives: rung.baseline.clone() };
    let gains = rung.gains.iter().map(|trial| FrontPoint {
        candidate: Some(trial.candidate),
        gain: trial.gain.clone(),
        objectives: trial.objectives.clone(),
    });
    let choices: Vec<FrontPoint> = std::iter::once(unit).chain(gains).collect();
    let points: Vec<_> = choices.iter().map(|choice| point(&choice.objectives)).collect();
    let best = front::fronts(&points).into_iter().next().unwrap_or_default();
    let mut front: Vec<FrontPoint> = best.into_iter().map(|i| choices[i].clone()).collect();
    front.sort_by(|a, b| a.objectives[0].harm().total_cmp(&b.objectives[0].harm()));
    let points: Vec<_> = front.iter().map(|choice| point(&choice.objectives)).collect();
    let knee = front::knee(&points).unwrap_or(Knee { place: 0, distance: 0.0 });
    (front, knee)
}

/// The gain to confirm: of the gains that are detectably better in the second objective and whose
/// estimate of the first is no worse than the baseline's, the best in the second. A gain that is
/// merely not detectably worse in the first was often picked because its cost just escaped
/// detection, so such gains come second: the best of them in the second objective, if it is better
/// than the baseline at all. Where every better gain has a detectable cost, the knee of the front, if it is a gain that
/// is detectably better in the second objective. Otherwise none.
pub(super) fn recommend(rung: &Rung, front: &[FrontPoint], knee: Knee) -> Option<Recommendation> {
    let improvement = |trial: &&Trial| trial.objectives[1].harm();
    let best = |admit: fn(&[Measure; 2]) -> bool| {
        rung.gains
            .iter()
            .filter(|trial| admit(&trial.objectives))
            .min_by(|a, b| improvement(a).total_cmp(&improvement(b)))
    };
    let free = best(|[kept, improved]| kept.harm() <= 0.0 && improved.is_better());
    let hidden = best(|[kept, improved]| !kept.is_worse() && improved.harm() < 0.0);
    let choices = [(free, Basis::NoCost), (hidden, Basis::NoDetectableCost)];
    if let Some((trial, basis)) = choices.into_iter().find_map(|(t, basis)| Some((t?, basis))) {
        return Some(Recommendation {
            candidate: trial.candidate,
            gain: trial.gain.clone(),
            basis,
        });
    }
    let knee = front.get(knee.place).filter(|choice| choice.objectives[1].is_better())?;
    Some(Recommendation { candidate: knee.candidate?, gain: knee.gain.clone(), basis: Basis::Knee })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::tests::{baseline, objectives};

    /// A rung of gains with these costs and gains, each known to ± `half`.
    fn rung(gains: &[(f64, f64)], half: f64) -> Rung {
        let gains = gains.iter().enumerate().map(|(candidate, &(cost, change))| Trial {
            candidate,
            gain: format!("g{candidate}"),
            front: 0,
            kept: true,
            objectives: objectives(cost, change, half),
        });
        Rung { samples: 64, baseline: baseline(), gains: gains.collect() }
    }

    fn chosen(gains: &[(f64, f64)], half: f64) -> Option<(String, Basis)> {
        let rung = rung(gains, half);
        let (front, knee) = front_of(&rung);
        recommend(&rung, &front, knee).map(|choice| (choice.gain, choice.basis))
    }

    #[test]
    fn the_best_gain_without_a_detectable_cost_is_recommended() {
        let gains = [(0.0, -0.05), (0.08, -0.12), (0.3, -0.5)];
        let choice = |half| chosen(&gains, half).unwrap();
        // The first is no worse by its estimate, but not known to be better either.
        assert_eq!(choice(0.1), ("g1".to_owned(), Basis::NoDetectableCost));
        // Better known, it is.
        assert_eq!(choice(0.01), ("g0".to_owned(), Basis::NoCost));
        assert_eq!(choice(0.4), ("g2".to_owned(), Basis::NoDetectableCost));
    }

    #[test]
    fn the_knee_is_taken_where_everything_costs() {
        let costly = [(0.1, -0.3), (0.2, -0.35), (0.5, -0.4)];
        assert_eq!(chosen(&costly, 0.05), Some(("g0".to_owned(), Basis::Knee)));
        // Nothing better, or nothing that can be told to be better.
        assert_eq!(chosen(&[(-0.1, 0.2), (0.1, 0.1)], 0.05), None);
        assert_eq!(chosen(&[(0.3, -0.1)], 0.2), None);
    }

    #[test]
    fn the_unit_gain_is_a_choice_of_the_front() {
        let (front, knee) = front_of(&rung(&[(0.1, 0.1), (0.2, -0.1), (-0.1, 0.4)], 0.05));
        let names: Vec<_> = front.iter().map(|choice| choice.gain.as_str()).collect();
        assert_eq!(names, ["g2", "unit", "g1"]);
        assert_eq!((front[1].candidate, knee.place), (None, 1));
    }
}
