//! The recommended gain on samples that the search has not seen.

use super::halving::folder;
use super::objective::{Scorer, Which};
use super::results::{Confirmation, Measure, OtherGain, Promise, Recommendation, Rung};
use super::runs::Runs;
use super::space::{GOVERNED, PUBLISHED};
use super::{BASELINE, UNIT};
use crate::StudyError;
use crate::study::Observer;

/// Samples the baseline, the recommended gain, the published default and the best governed gain of
/// the search from the noise of `seed` and compares them.
///
/// # Errors
/// What sampling and judging bring; [`StudyError::Interrupted`] after a break.
pub(super) fn confirm(
    runs: &mut Runs<'_>,
    scorer: &Scorer,
    recommendation: &Recommendation,
    rungs: &[Rung],
    (seed, count): (u64, usize),
    observe: &mut Observer<'_>,
) -> Result<Confirmation, StudyError> {
    let mut score = |name: &str, gain: &str| {
        let stage = format!("confirming on {count} fresh samples: {gain}");
        let name = format!("confirmation/{name}");
        let endpoints =
            runs.samples(&name, gain, seed, &[0, count], &mut |done| observe(&stage, done))?;
        let scored = scorer.score(endpoints.view())?;
        match observe(&stage, 1.0).is_break() {
            true => Err(StudyError::Interrupted),
            false => Ok(scored),
        }
    };
    let baseline = score(BASELINE, UNIT)?;
    let gain = score(&folder(recommendation.candidate), &recommendation.gain)?;
    let mut others = Vec::new();
    for (name, candidate, gain) in rivals(rungs) {
        if candidate != recommendation.candidate {
            others.push((name, gain, score(&folder(candidate), gain)?));
        }
    }
    let baseline = scorer.figures(&baseline, Which::All)?;
    let recommended = scorer.measures(&scorer.figures(&gain, Which::All)?, Some(&baseline))?;
    let confirmed = scorer.objectives(&recommended)?;
    let last = rungs.last().map_or(&[][..], |rung| &rung.gains);
    let search = last.iter().find(|trial| trial.candidate == recommendation.candidate);
    let promises = search.map_or(Vec::new(), |trial| {
        trial.objectives.iter().zip(&confirmed).filter_map(|(a, b)| promise(a, b)).collect()
    });
    Ok(Confirmation {
        seed,
        samples: count,
        baseline: scorer.measures(&baseline, None)?,
        recommended,
        others: others
            .into_iter()
            .map(|(name, gain, scored)| {
                let figures = scorer.figures(&scored, Which::All)?;
                let measures = scorer.measures(&figures, Some(&baseline))?;
                Ok(OtherGain { name: name.to_owned(), gain: gain.to_owned(), measures })
            })
            .collect::<Result<_, StudyError>>()?,
        promises,
    })
}

/// The gains that a recommendation is compared with: name, candidate and expression of the
/// published default, and of the governed gain that came furthest and there stood best.
fn rivals(rungs: &[Rung]) -> Vec<(&'static str, usize, &str)> {
    let governed = rungs.iter().rev().find_map(|rung| {
        rung.gains
            .iter()
            .filter(|trial| trial.gain.starts_with(GOVERNED))
            .min_by_key(|trial| trial.front)
    });
    let mut rivals = vec![("published default", 0, PUBLISHED[0])];
    rivals.extend(governed.map(|trial| ("best governed", trial.candidate, trial.gain.as_str())));
    rivals
}

/// The difference of one metric in the search beside the one on fresh samples.
fn promise(search: &Measure, confirmed: &Measure) -> Option<Promise> {
    let (before, after) = (search.difference?, confirmed.difference?);
    Some(Promise {
        metric: search.metric.clone(),
        name: search.name.clone(),
        search: before,
        confirmed: after,
        shrinkage: (before.estimate != 0.0).then(|| 1.0 - after.estimate / before.estimate),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::tests::objectives;

    #[test]
    fn shrinkage_is_the_share_that_did_not_come() {
        let shrinkage = |search: f64, confirmed: f64| {
            let [before, _] = objectives(search, 0.0, 0.1);
            let [after, _] = objectives(confirmed, 0.0, 0.1);
            promise(&before, &after).unwrap().shrinkage
        };
        assert_eq!(shrinkage(-0.08, -0.06), Some(1.0 - 0.75));
        assert_eq!(shrinkage(-0.08, -0.16), Some(-1.0));
        assert_eq!(shrinkage(-0.08, 0.08), Some(2.0));
        assert_eq!(shrinkage(0.0, -0.1), None);
    }
}
