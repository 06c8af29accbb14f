//! From paired differences to a judgement in words.

use super::controls::NO_NOISE_LEFT;
use super::figures::{PairedFigure, PairedInterval};
use super::results::{Comparison, Control, ControlKind, Difference, Effect, Verdict};
use crate::format::list;

/// Judges one difference: significant if its adjusted p-value is at most `significance`.
pub(super) fn effect(figure: &PairedFigure, q_value: f64, significance: f64) -> Effect {
    let PairedInterval { metric, value, difference, .. } = figure.interval;
    let harm = metric.better.harm(value, difference.estimate);
    match harm < 0.0 {
        _ if q_value > significance || harm == 0.0 => Effect::Undetected,
        true => Effect::Better,
        false => Effect::Worse,
    }
}

/// Judges a gain from all its differences and the controls; `count` is the number of samples.
pub(super) fn judge(
    differences: Vec<Difference>,
    controls: Vec<Control>,
    count: usize,
) -> Comparison {
    let named = |effect: Effect| -> Vec<&str> {
        differences
            .iter()
            .filter(|difference| difference.effect == effect)
            .map(|difference| difference.name.as_str())
            .collect()
    };
    let (better, worse) = (named(Effect::Better), named(Effect::Worse));
    let (mut verdict, mut sentence) = match (better.is_empty(), worse.is_empty()) {
        (false, true) => (Verdict::Improves, format!("improves {}", list(&better))),
        (false, false) => {
            (Verdict::Trades, format!("trades {} for better {}", list(&worse), list(&better)))
        }
        (true, false) => (Verdict::Harms, format!("harms {}", list(&worse))),
        (true, true) => {
            (Verdict::NoDetectableEffect, format!("no detectable effect at n = {count}"))
        }
    };
    if !better.is_empty() {
        let explained = explain(&better_keys(&differences), &controls);
        if explained.only_noise {
            verdict = Verdict::LeavesNoise;
        }
        sentence += &explained.words;
    }
    Comparison { differences, verdict, sentence, controls }
}

fn better_keys(differences: &[Difference]) -> Vec<&str> {
    differences
        .iter()
        .filter(|difference| difference.effect == Effect::Better)
        .map(|difference| difference.metric.as_str())
        .collect()
}

/// What the controls say of a gain's advantages.
struct Explanation {
    /// Whether noise left in the samples is all there is to every advantage.
    only_noise: bool,
    /// The controls that explain it, to follow the verdict.
    words: String,
}

fn explain(advantages: &[&str], controls: &[Control]) -> Explanation {
    let reproducing: Vec<ControlKind> = controls
        .iter()
        .filter(|control| control.kind != ControlKind::Denoised)
        .filter(|control| !control.figures.is_empty() && reproduces(control, advantages))
        .map(|control| control.kind)
        .collect();
    let denoised = controls
        .iter()
        .find(|control| control.kind == ControlKind::Denoised && !control.figures.is_empty());
    let vanishes = denoised
        .is_some_and(|control| advantages.iter().all(|key| !is_better_than_baseline(control, key)));
    let noise = [ControlKind::NoiseMatched, ControlKind::EarlyStop];
    let of_noise = controls.iter().filter(|control| control.kind != ControlKind::Constant);
    let told = |control: &Control| !control.figures.is_empty() || control.sentence == NO_NOISE_LEFT;
    let known = of_noise.into_iter().any(told);
    let only_noise = vanishes && reproducing.iter().any(|kind| noise.contains(kind));
    let does: Vec<&str> = reproducing.iter().map(|&kind| trivial(kind)).collect();
    let mut words = String::new();
    if !does.is_empty() {
        words += &format!("; no better than {}", list(&does));
    }
    if only_noise {
        words += "; after one denoising step no advantage is detected: it only leaves noise in the \
                  samples";
    } else if vanishes {
        words += "; after one denoising step no advantage is detected";
    } else if denoised.is_some() && !does.is_empty() {
        words += "; yet after one denoising step an advantage remains";
    }
    if !known {
        words += "; no control for noise could be made, so it may only leave noise in the samples";
    }
    Explanation { only_noise, words }
}

/// Whether a control has every advantage of the gain: better than the baseline, and not worse than
/// the gain.
pub(super) fn reproduces(control: &Control, advantages: &[&str]) -> bool {
    advantages.iter().all(|key| {
        control.figures.iter().any(|figure| {
            figure.metric == *key
                && figure.to_baseline_effect == Effect::Better
                && figure.to_gain_effect != Effect::Worse
        })
    })
}

pub(super) fn is_better_than_baseline(control: &Control, key: &str) -> bool {
    control
        .figures
        .iter()
        .any(|figure| figure.metric == key && figure.to_baseline_effect == Effect::Better)
}

/// The trivial thing that a control does, as an object of a sentence.
fn trivial(kind: ControlKind) -> &'static str {
    match kind {
        ControlKind::NoiseMatched => "adding noise of the same size to the baseline",
        ControlKind::EarlyStop => "stopping the baseline early",
        ControlKind::Constant => "a constant gain of the same mean",
        ControlKind::Denoised => "one denoising step",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::metrics::metric;
    use crate::study::results::ControlFigure;
    use kinepath::stats::Interval;

    const AROUND: Interval = Interval { estimate: 0.1, low: 0.0, high: 0.2 };

    fn difference(name: &str, effect: Effect) -> Difference {
        Difference {
            metric: name.to_owned(),
            name: name.to_owned(),
            difference: AROUND,
            p_value: 0.01,
            q_value: 0.02,
            effect,
            detectable: 0.05,
            samples_needed: Some(10),
        }
    }

    fn control(kind: ControlKind, to_baseline_effect: Effect, to_gain_effect: Effect) -> Control {
        let figures = vec![ControlFigure {
            metric: "m0".to_owned(),
            name: "m0".to_owned(),
            value: 0.3,
            to_baseline: AROUND,
            to_baseline_effect,
            to_gain: AROUND,
            to_gain_effect,
        }];
        Control { kind, figures, sentence: String::new() }
    }

    fn not_made(reason: &str) -> Control {
        let kind = ControlKind::Denoised;
        Control { kind, figures: Vec::new(), sentence: reason.to_owned() }
    }

    #[test]
    fn the_four_plain_verdicts() {
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
            let comparison = judge(differences, vec![not_made(NO_NOISE_LEFT)], 64);
            assert_eq!(comparison.verdict, verdict);
            assert_eq!(comparison.sentence, words);
        }
    }

    #[test]
    fn controls_take_the_credit_they_deserve() {
        use ControlKind::{Constant, Denoised, NoiseMatched};
        use Effect::{Better, Undetected, Worse};
        let judged = |controls: Vec<Control>| judge(vec![difference("m0", Better)], controls, 64);

        let noise = judged(vec![
            control(NoiseMatched, Better, Undetected),
            control(Denoised, Undetected, Worse),
        ]);
        assert_eq!(noise.verdict, Verdict::LeavesNoise);
        assert!(noise.sentence.contains("only leaves noise"), "{}", noise.sentence);

        let real = judged(vec![
            control(NoiseMatched, Better, Worse),
            control(Denoised, Better, Undetected),
        ]);
        assert_eq!((real.verdict, real.sentence.as_str()), (Verdict::Improves, "improves m0"));

        let constant = judged(vec![control(Constant, Better, Better)]);
        assert_eq!(constant.verdict, Verdict::Improves);
        assert!(constant.sentence.contains("no better than a constant gain"));

        let both = judged(vec![
            control(NoiseMatched, Better, Undetected),
            control(Denoised, Better, Undetected),
        ]);
        assert_eq!(both.verdict, Verdict::Improves);
        assert!(both.sentence.contains("an advantage remains"), "{}", both.sentence);

        let unknown = judged(vec![not_made("The model cannot be evaluated again.")]);
        assert_eq!(unknown.verdict, Verdict::Improves);
        assert!(unknown.sentence.contains("may only leave noise"), "{}", unknown.sentence);
    }

    #[test]
    fn direction_and_significance_decide_an_effect() {
        let judged = |key: &str, value: f64, change: f64, q| {
            let difference = Interval { estimate: change, low: change, high: change };
            let metric = metric(key).unwrap();
            let interval = PairedInterval { metric, value, difference, standard_error: 0.1 };
            let figure = PairedFigure { interval, p_value: q };
            effect(&figure, q, 0.05)
        };
        assert_eq!(judged("f_mem", 0.2, -0.1, 0.04), Effect::Better);
        assert_eq!(judged("margin", 0.2, -0.1, 0.04), Effect::Worse);
        assert_eq!(judged("margin", 0.2, 0.1, 0.06), Effect::Undetected);
        assert_eq!(judged("copying_test", -1.0, 2.0, 0.04), Effect::Better, "from −3 to −1");
        assert_eq!(judged("copying_test", 4.0, 6.0, 0.04), Effect::Worse, "from −2 to 4");
    }
}
