//! From the last rung to the front and its knee.

use super::UNIT;
use super::front;
use super::halving::point;
use super::results::{FrontPoint, Knee, Rung};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::tests::rung;

    #[test]
    fn the_unit_gain_is_a_choice_of_the_front() {
        let (front, knee) = front_of(&rung(64, &[(0, 0.1, 0.1), (1, 0.2, -0.1), (2, -0.1, 0.4)]));
        let names: Vec<_> = front.iter().map(|choice| choice.gain.as_str()).collect();
        assert_eq!(names, ["g2", "unit", "g1"]);
        assert_eq!((front[1].candidate, knee.place), (None, 1));
    }
}
