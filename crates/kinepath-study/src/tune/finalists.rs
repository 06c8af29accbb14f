//! From the last rung to the gains that are worth confirming.

use kinepath::stats::{normal_cdf, normal_quantile};

use super::results::{Basis, FrontPoint, Knee, Measure, Rung, Trial};

/// How finalists are picked and confirmed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Final {
    /// The most gains to confirm.
    pub(super) most: usize,
    /// Fresh samples per gain.
    pub(super) samples: usize,
}

/// A gain to confirm, by its place in the last rung.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pick {
    pub(super) place: usize,
    pub(super) basis: Basis,
}

/// The level of the intervals that decide on the second objective of so many finalists: the 5 % of
/// error are shared among them (Bonferroni).
pub(super) fn shared_level(finalists: usize) -> f64 {
    1.0 - 0.05 / finalists.max(1) as f64
}

/// The gains to confirm, the most promising first.
///
/// Eligible are the gains of the last rung that are better in the second objective by their
/// estimate and not detectably worse in the first. Each has a chance of being confirmed, see
/// [`chance`], and is worth its estimated improvement if it is. One after the other, the gain is
/// picked that raises most what the best confirmed finalist is expected to be worth. So a large
/// improvement with a doubtful cost stands beside a small one that is nearly certain, and gains
/// that are nearly no gain at all are not picked for being safe.
///
/// Where no gain is eligible, the knee of the front is confirmed alone, if it is a gain that is
/// detectably better in the second objective: what improvement costs is then the answer.
pub(super) fn pick(rung: &Rung, front: &[FrontPoint], knee: Knee, last: Final) -> Vec<Pick> {
    let eligible: Vec<(usize, &Trial)> = rung
        .gains
        .iter()
        .enumerate()
        .filter(|(_, Trial { objectives: [kept, improved], .. })| {
            !kept.is_worse() && improved.harm() < 0.0
        })
        .collect();
    let count = last.most.min(eligible.len());
    let prospects: Vec<Prospect> = eligible
        .iter()
        .map(|&(_, trial)| Prospect {
            chance: chance(&trial.objectives, rung.samples, last.samples, count),
            worth: -trial.objectives[1].harm(),
        })
        .collect();
    if count > 0 {
        let picked = best_together(&prospects, count).into_iter();
        return picked
            .map(|p| Pick { place: eligible[p].0, basis: Basis::Chance(prospects[p].chance) })
            .collect();
    }
    let knee = front.get(knee.place).filter(|choice| choice.objectives[1].is_better());
    let place = knee.and_then(|knee| {
        rung.gains.iter().position(|trial| Some(trial.candidate) == knee.candidate)
    });
    place.map(|place| Pick { place, basis: Basis::Knee }).into_iter().collect()
}

/// The chance that fresh samples confirm a gain, as far as the search can tell: its predictive
/// power, also called assurance (Spiegelhalter & Freedman 1986, "A predictive approach to selecting
/// the size of a clinical trial"; O'Hagan, Stevens & Campbell 2005).
///
/// With d ± s the difference that the search saw on n samples, that of m fresh samples is taken as
/// N(d, s² + s²n/m): the search is unsure of the true difference, and fresh samples scatter around
/// it by s√(n/m). The gain is confirmed if the second objective then is better by z of the latter,
/// z for the level shared among the finalists, and the first is not worse by 1.96 of them. The two
/// are taken as independent.
fn chance(objectives: &[Measure; 2], seen: usize, fresh: usize, finalists: usize) -> f64 {
    let two_sided = |level: f64| normal_quantile((1.0 + level) / 2.0);
    let below = |measure: &Measure, limit: f64| {
        let seen_error = measure
            .difference
            .map_or(0.0, |difference| (difference.high - difference.low) / (2.0 * two_sided(0.95)));
        let fresh_error = seen_error * (seen as f64 / fresh as f64).sqrt();
        let room = limit * fresh_error - measure.harm();
        match seen_error.hypot(fresh_error) {
            0.0 => f64::from(u8::from(room >= 0.0)),
            error => normal_cdf(room / error),
        }
    };
    let [kept, improved] = objectives;
    below(kept, two_sided(0.95)) * below(improved, -two_sided(shared_level(finalists)))
}

/// A gain that might be confirmed.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Prospect {
    chance: f64,
    /// The improvement that it then is.
    worth: f64,
}

/// `count` prospects, picked one after the other so that each adds most to what the best confirmed
/// one is expected to be worth; the first of those that add as much.
///
/// The expected best of a set is submodular, so picking greedily misses at most a share of 1/e of
/// what the best set is worth (Nemhauser, Wolsey & Fisher 1978).
fn best_together(prospects: &[Prospect], count: usize) -> Vec<usize> {
    let mut picked: Vec<usize> = Vec::with_capacity(count);
    while picked.len() < count {
        let with = |extra: usize| {
            expected_best(picked.iter().chain([&extra]).map(|&place| prospects[place]).collect())
        };
        let left = (0..prospects.len()).filter(|place| !picked.contains(place));
        let best = left
            .map(|place| (place, with(place)))
            .reduce(|best, next| if next.1 > best.1 { next } else { best });
        let Some((place, _)) = best else { break };
        picked.push(place);
    }
    picked
}

/// What the best confirmed one of independent prospects is expected to be worth, 0 if none is.
fn expected_best(mut prospects: Vec<Prospect>) -> f64 {
    prospects.sort_by(|a, b| b.worth.total_cmp(&a.worth));
    let mut none_better = 1.0;
    let mut expected = 0.0;
    for Prospect { chance, worth } in prospects {
        expected += none_better * chance * worth;
        none_better *= 1.0 - chance;
    }
    expected
}

#[cfg(test)]
mod tests;
