//! The judgement of a search, in words.

use kinepath::stats::Interval;

use super::results::{Basis, Confirmation, Measure, Recommendation, Rung, TuneVerdict};
use crate::study::results::Direction;

/// Judges a search by its confirmation; `rungs` are its rungs.
pub(super) fn judge(
    rungs: &[Rung],
    recommendation: Option<&Recommendation>,
    confirmation: Option<(&Confirmation, &[Measure; 2])>,
) -> (TuneVerdict, String) {
    let (Some(recommendation), Some((confirmation, [kept, improved]))) =
        (recommendation, confirmation)
    else {
        return (TuneVerdict::NothingFound, nothing_found(rungs));
    };
    let what = |measure: &Measure| {
        format!("{} {}", measure.name, measure.difference.map_or(String::new(), signed))
    };
    let (changed, cost) = (what(improved), what(kept));
    let samples = confirmation.samples;
    match (improved.is_better(), kept.is_worse()) {
        (true, false) => (
            TuneVerdict::Confirmed,
            format!(
                "confirmed on {samples} fresh samples: {changed} at no detectable cost, {cost}"
            ),
        ),
        (true, true) => {
            let why = match recommendation.basis {
                Basis::NoCost | Basis::NoDetectableCost => "a cost that the search did not show",
                Basis::Knee => "the knee of the front",
            };
            (
                TuneVerdict::Trades,
                format!("trades, on {samples} fresh samples: {changed} for {cost} ({why})"),
            )
        }
        (false, _) => {
            let promised = confirmation
                .promises
                .iter()
                .find(|promise| promise.metric == improved.metric)
                .map_or(String::new(), |promise| signed(promise.search));
            (
                TuneVerdict::NotConfirmed,
                format!(
                    "not confirmed: the search promised {} {promised}, {samples} fresh samples \
                     show {changed}; use no gain",
                    improved.name
                ),
            )
        }
    }
}

fn nothing_found(rungs: &[Rung]) -> String {
    let (Some(first), Some(last)) = (rungs.first(), rungs.last()) else { return String::new() };
    let [kept, improved] = &last.baseline;
    let verb = match improved.better {
        Direction::Lower => "lowers",
        Direction::Higher => "raises",
        Direction::Zero => "brings to 0",
    };
    format!(
        "no gain {verb} {} at no worse {} on this budget: {} gains, the last {} on {} samples",
        improved.name,
        kept.name,
        first.gains.len(),
        last.gains.len(),
        last.samples
    )
}

/// A difference with its interval and signs, to three digits of its largest number.
pub(super) fn signed(Interval { estimate, low, high }: Interval) -> String {
    let largest = estimate.abs().max(low.abs()).max(high.abs());
    let places = if largest > 0.0 { 2 - largest.log10().floor() as i32 } else { 0 };
    let places = places.clamp(0, 9) as usize;
    format!("{estimate:+.places$} [{low:+.places$}, {high:+.places$}]")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::results::{Promise, Trial};
    use crate::tune::tests::{baseline, objectives};

    fn rung() -> Rung {
        let gain = Trial {
            candidate: 0,
            gain: "kts".to_owned(),
            front: 0,
            kept: true,
            objectives: objectives(0.0, -0.1, 0.05),
        };
        Rung { samples: 64, baseline: baseline(), gains: vec![gain] }
    }

    fn judged(cost: f64, change: f64) -> (TuneVerdict, String) {
        let objectives = objectives(cost, change, 0.05);
        let recommendation =
            Recommendation { candidate: 0, gain: "kts".to_owned(), basis: Basis::NoDetectableCost };
        let confirmation = Confirmation {
            seed: 1,
            samples: 512,
            baseline: baseline().to_vec(),
            recommended: objectives.to_vec(),
            others: Vec::new(),
            promises: vec![Promise {
                metric: objectives[1].metric.clone(),
                name: objectives[1].name.clone(),
                search: Interval { estimate: -0.1, low: -0.15, high: -0.05 },
                confirmed: objectives[1].difference.unwrap(),
                shrinkage: None,
            }],
        };
        judge(&[rung()], Some(&recommendation), Some((&confirmation, &objectives)))
    }

    #[test]
    fn the_four_verdicts() {
        use TuneVerdict::{Confirmed, NotConfirmed, NothingFound, Trades};
        for ((verdict, sentence), expected, words) in [
            (judged(0.02, -0.1), Confirmed, "F_mem -0.100 [-0.150, -0.050] at no detectable cost"),
            (judged(0.2, -0.1), Trades, "for Fréchet distance +0.200 [+0.150, +0.250] (a cost"),
            (judged(0.0, -0.02), NotConfirmed, "promised F_mem -0.100 [-0.150, -0.050], 512"),
            (
                judge(&[rung()], None, None),
                NothingFound,
                "no gain lowers F_mem at no worse Fréchet",
            ),
        ] {
            assert_eq!(verdict, expected);
            assert!(sentence.contains(words), "{sentence}");
        }
    }

    #[test]
    fn differences_have_three_digits() {
        let text = |estimate, low, high| signed(Interval { estimate, low, high });
        assert_eq!(text(-0.0412, -0.06, 0.01), "-0.0412 [-0.0600, +0.0100]");
        assert_eq!(text(12.0, 3.0, 123.0), "+12 [+3, +123]");
        assert_eq!(text(0.0, 0.0, 0.0), "+0 [+0, +0]");
    }
}
