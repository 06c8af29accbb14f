//! The judgement of a search, in words.

use super::results::{Account, Basis, Confirmation, Finalist, Measure, Outcome, Rung, TuneVerdict};
use super::words::{Verb, difference};
use crate::format::{Style, Unit, fixed, list};

/// The place of the finalist worth using: of those that are confirmed, the best in the second
/// objective. Where none is, of those that trade, the one that costs least: it comes closest to
/// what was asked for.
pub(super) fn choose(finalists: &[Finalist]) -> Option<usize> {
    let best = |outcome: Outcome, harm: fn(&Finalist) -> f64| {
        let places = (0..finalists.len()).filter(|&place| finalists[place].outcome == outcome);
        places.min_by(|&a, &b| harm(&finalists[a]).total_cmp(&harm(&finalists[b])))
    };
    best(Outcome::Confirmed, |finalist| finalist.decisive[1].harm())
        .or_else(|| best(Outcome::Trades, |finalist| finalist.decisive[0].harm()))
}

/// Judges a search by the finalist that was chosen on fresh samples. Where none is confirmed, the
/// account says how sure it is that there is none.
pub(super) fn judge(
    rungs: &[Rung],
    confirmation: Option<&Confirmation>,
    chosen: Option<usize>,
    account: &Account,
) -> (TuneVerdict, String) {
    let Some(confirmation) = confirmation else {
        return (TuneVerdict::NothingFound, nothing_found(rungs, account));
    };
    let samples = confirmation.samples;
    match chosen.and_then(|place| confirmation.finalists.get(place)) {
        Some(finalist) => {
            let what = |measure: &Measure| {
                let found = measure.difference.as_ref();
                let told = found.map_or(String::new(), |found| difference(&measure.metric, found));
                format!("{} {told}", measure.name)
            };
            let [cost, changed] = finalist.decisive.each_ref().map(what);
            let changed = format!("{changed}{}", shared(confirmation));
            match finalist.outcome {
                Outcome::Trades => {
                    let why = match finalist.basis {
                        Basis::Chance(_) => "a cost that the search did not show",
                        Basis::Knee => "the knee of the front",
                    };
                    let account = &account.sentence;
                    (
                        TuneVerdict::Trades,
                        format!(
                            "trades, on {samples} fresh samples: {changed} for {cost} ({why}){}; \
                             {account}",
                            beside(finalist)
                        ),
                    )
                }
                _ => (
                    TuneVerdict::Confirmed,
                    format!(
                        "confirmed on {samples} fresh samples: {changed} at no detectable cost, \
                         {cost}{}{}",
                        not_excluded(confirmation, &finalist.decisive[0]),
                        beside(finalist)
                    ),
                ),
            }
        }
        None => {
            (TuneVerdict::NotConfirmed, format!("not confirmed, use no gain: {}", account.sentence))
        }
    }
}

/// The largest cost that the samples leave possible: no detectable cost of few samples can be a large one.
fn not_excluded(confirmation: &Confirmation, cost: &Measure) -> String {
    let Some((most, difference)) = cost.possible_harm().zip(cost.difference.as_ref()) else {
        return String::new();
    };
    let amount = Style::lone(Unit::of(&cost.metric), difference).amount(most);
    let unit = confirmation.baseline.iter().find(|measure| measure.metric == cost.metric);
    let share = unit.map(|unit| most / unit.value.estimate.abs()).filter(|share| share.is_finite());
    let share = share.map(|share| format!(" ({} % of the baseline's)", fixed(100.0 * share, 0)));
    format!(", though {amount} worse{} is not excluded", share.unwrap_or_default())
}

/// What else is worse, which no objective asks about.
fn beside(finalist: &Finalist) -> String {
    let asked = finalist.decisive.each_ref().map(|measure| measure.metric.as_str());
    let worse: Vec<&str> = finalist
        .measures
        .iter()
        .filter(|measure| !asked.contains(&measure.metric.as_str()) && measure.is_worse())
        .map(|measure| measure.name.as_str())
        .collect();
    match worse.len() {
        0 => String::new(),
        1 => format!("; not asked for, and worse by its 95 % interval: {}", worse[0]),
        _ => format!("; not asked for, and worse by their 95 % intervals: {}", list(&worse)),
    }
}

/// What to say of an interval whose error several finalists share.
fn shared(confirmation: &Confirmation) -> String {
    match confirmation.finalists.len() {
        0 | 1 => String::new(),
        finalists => format!(
            " (a {:.1} % interval: {finalists} finalists share the error)",
            100.0 * confirmation.level
        ),
    }
}

fn nothing_found(rungs: &[Rung], account: &Account) -> String {
    let Some([kept, improved]) = rungs.last().map(|rung| &rung.baseline) else {
        return String::new();
    };
    format!(
        "no gain {} {} at no worse {} on this budget: {}",
        Verb::of(improved.better).singular(),
        improved.name,
        kept.name,
        account.sentence
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::tests::{confirmation, objectives, rung};

    /// The verdict and the candidate chosen of finalists that cost and change so much.
    fn judged(finalists: &[(usize, f64, f64)]) -> (TuneVerdict, Option<usize>, String) {
        let rungs = [rung(64, &[(0, 0.0, -0.1), (1, 0.0, -0.1), (2, 0.0, -0.1)])];
        let confirmation = confirmation(finalists);
        let chosen = choose(&confirmation.finalists);
        let account = Account::of(&rungs, Some(&confirmation));
        let (verdict, sentence) = judge(&rungs, Some(&confirmation), chosen, &account);
        (verdict, chosen.map(|place| confirmation.finalists[place].candidate), sentence)
    }

    #[test]
    fn the_best_confirmed_finalist_is_chosen() {
        let (verdict, chosen, sentence) =
            judged(&[(0, 0.2, -0.4), (1, 0.02, -0.1), (2, 0.0, -0.2)]);
        assert_eq!((verdict, chosen), (TuneVerdict::Confirmed, Some(2)));
        assert!(
            sentence.contains(
                "F_mem −20.0 pp [−25.0, −15.0] (a 98.3 % interval: 3 finalists share the error) at \
                 no detectable cost, Fréchet distance 0.00 [−0.05, +0.05], though 0.05 worse (5 % of \
                 the baseline's) is not excluded"
            ),
            "{sentence}"
        );
        // Better, but not told from chance.
        assert_eq!(judged(&[(0, -0.3, -0.04), (1, 0.0, -0.06)]).1, Some(1));
        assert!(!judged(&[(1, 0.0, -0.06)]).2.contains("share"));
    }

    #[test]
    fn what_else_is_worse_is_named() {
        let mut confirmation = confirmation(&[(0, -0.1, -0.4)]);
        let finalist = &mut confirmation.finalists[0];
        assert_eq!(beside(finalist), "");
        let [mut recall, _] = objectives(0.3, 0.0, 0.1);
        (recall.metric, recall.name) = ("recall".to_owned(), "recall".to_owned());
        finalist.measures.push(recall.clone());
        let rungs = [rung(64, &[(0, 0.0, -0.1)])];
        let account = Account::of(&rungs, Some(&confirmation));
        let (_, sentence) = judge(&rungs, Some(&confirmation), Some(0), &account);
        assert!(sentence.ends_with("worse by its 95 % interval: recall"), "{sentence}");
        assert!(!sentence.contains("not excluded"), "{sentence}");
        recall.name = "density".to_owned();
        confirmation.finalists[0].measures.push(recall);
        assert!(beside(&confirmation.finalists[0]).ends_with("intervals: recall and density"));
    }

    #[test]
    fn of_trades_the_cheapest_is_chosen_and_the_account_given() {
        let (verdict, chosen, sentence) = judged(&[(0, 0.2, -0.4), (1, 0.1, -0.1), (2, 0.0, 0.1)]);
        assert_eq!((verdict, chosen), (TuneVerdict::Trades, Some(1)));
        for part in [
            "for Fréchet distance +0.10 [+0.05, +0.15] (a cost that the search did not show)",
            "of 3 met on 512 fresh samples, 1 does not lower F_mem detectably, 2 lower it at a \
             detectable cost in Fréchet distance",
        ] {
            assert!(sentence.contains(part), "{sentence}");
        }
    }

    #[test]
    fn without_a_better_finalist_no_gain_is_used() {
        let (verdict, chosen, sentence) = judged(&[(0, 0.0, -0.02), (1, 0.3, 0.0)]);
        assert_eq!((verdict, chosen), (TuneVerdict::NotConfirmed, None));
        assert!(sentence.contains("of 2 met on 512 fresh samples, 2 do not lower"), "{sentence}");
        let rungs = [rung(64, &[(0, 0.3, -0.3), (1, 0.0, 0.0)])];
        let account = Account::of(&rungs, None);
        let (verdict, sentence) = judge(&rungs, None, None, &account);
        assert_eq!(verdict, TuneVerdict::NothingFound);
        assert_eq!(
            sentence,
            format!(
                "no gain lowers F_mem at no worse Fréchet distance on this budget: {}",
                account.sentence
            )
        );
    }
}
