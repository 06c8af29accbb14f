//! From paired differences to a judgement in words.

use super::results::{Comparison, Difference, Direction, Effect, Verdict};

/// Judges one difference: significant if its adjusted p-value is at most `significance`.
pub(super) fn effect(estimate: f64, q_value: f64, better: Direction, significance: f64) -> Effect {
    if q_value > significance || estimate == 0.0 {
        return Effect::Undetected;
    }
    match (better, estimate < 0.0) {
        (Direction::Lower, true) | (Direction::Higher, false) => Effect::Better,
        _ => Effect::Worse,
    }
}

/// Judges a gain from all its differences; `count` is the number of samples.
pub(super) fn judge(differences: Vec<Difference>, count: usize) -> Comparison {
    let named = |effect: Effect| -> Vec<String> {
        differences
            .iter()
            .filter(|difference| difference.effect == effect)
            .map(|difference| difference.name.clone())
            .collect()
    };
    let (better, worse) = (named(Effect::Better), named(Effect::Worse));
    let (verdict, sentence) = match (better.is_empty(), worse.is_empty()) {
        (false, true) => (Verdict::Improves, format!("improves {}", list(&better))),
        (false, false) => {
            (Verdict::Trades, format!("trades {} for better {}", list(&worse), list(&better)))
        }
        (true, false) => (Verdict::Harms, format!("harms {}", list(&worse))),
        (true, true) => {
            (Verdict::NoDetectableEffect, format!("no detectable effect at n = {count}"))
        }
    };
    Comparison { differences, verdict, sentence }
}

/// `a`, `a and b`, `a, b and c`.
fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinepath::stats::Interval;

    fn difference(name: &str, effect: Effect) -> Difference {
        Difference {
            metric: name.to_owned(),
            name: name.to_owned(),
            difference: Interval { estimate: 0.1, low: 0.0, high: 0.2 },
            p_value: 0.01,
            q_value: 0.02,
            effect,
        }
    }

    #[test]
    fn the_four_verdicts() {
        use Effect::{Better, Undetected, Worse};
        for (effects, verdict, words) in [
            (vec![Better, Undetected, Better], Verdict::Improves, "improves m0 and m2"),
            (vec![Better, Worse], Verdict::Trades, "trades m1 for better m0"),
            (vec![Worse, Worse, Worse], Verdict::Harms, "harms m0, m1 and m2"),
            (vec![Undetected], Verdict::NoDetectableEffect, "no detectable effect at n = 64"),
        ] {
            let differences = effects
                .into_iter()
                .enumerate()
                .map(|(i, effect)| difference(&format!("m{i}"), effect))
                .collect();
            let comparison = judge(differences, 64);
            assert_eq!(comparison.verdict, verdict);
            assert!(comparison.sentence.contains(words), "{}", comparison.sentence);
        }
    }

    #[test]
    fn direction_and_significance_decide_an_effect() {
        assert_eq!(effect(-0.1, 0.04, Direction::Lower, 0.05), Effect::Better);
        assert_eq!(effect(-0.1, 0.04, Direction::Higher, 0.05), Effect::Worse);
        assert_eq!(effect(0.1, 0.04, Direction::Higher, 0.05), Effect::Better);
        assert_eq!(effect(0.1, 0.06, Direction::Higher, 0.05), Effect::Undetected);
    }
}
