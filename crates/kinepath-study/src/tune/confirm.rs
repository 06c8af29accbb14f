//! The finalists on samples that the search has not seen.

use super::finalists::{Pick, shared_level};
use super::halving::folder;
use super::objective::{Scored, Scorer, Which};
use super::results::{Confirmation, Finalist, OtherGain, Outcome, Promise, Rung, Trial};
use super::runs::Runs;
use super::space::{GOVERNED, PUBLISHED};
use super::{BASELINE, UNIT};
use crate::StudyError;
use crate::study::Observer;

/// Gains that are confirmed for comparison, where they are no finalists: see [`rivals`].
pub(super) const RIVALS: usize = 2;

/// Samples the baseline, the finalists, the published default and the best governed gain of the
/// search from the noise of `seed` and compares them.
///
/// # Errors
/// What sampling and judging bring; [`StudyError::Interrupted`] after a break.
pub(super) fn confirm(
    runs: &mut Runs<'_>,
    scorer: &Scorer,
    rungs: &[Rung],
    picks: &[Pick],
    (seed, samples): (u64, usize),
    observe: &mut Observer<'_>,
) -> Result<Confirmation, StudyError> {
    let last = rungs.last().map_or(&[][..], |rung| &rung.gains);
    let picked: Vec<(&Trial, Pick)> = picks.iter().map(|&pick| (&last[pick.place], pick)).collect();
    let mut rivals = rivals(rungs);
    rivals.retain(|(_, rival)| picked.iter().all(|(trial, _)| trial.candidate != rival.candidate));
    let gains = 1 + picked.len() + rivals.len();
    let mut done = 0;
    let mut score = |name: &str, gain: &str| -> Result<Scored, StudyError> {
        done += 1;
        let stage = format!("confirming {done}/{gains} on {samples} fresh samples: {gain}");
        let name = format!("confirmation/{name}");
        let drawn =
            runs.samples(&name, gain, seed, &[0, samples], &mut |part| observe(&stage, part))?;
        let scored = scorer.score(&drawn)?;
        match observe(&stage, 1.0).is_break() {
            true => Err(StudyError::Interrupted),
            false => Ok(scored),
        }
    };
    let unit = score(BASELINE, UNIT)?;
    let baseline = scorer.figures(&unit, Which::All)?;
    let mut all = |trial: &Trial| {
        let scored = score(&folder(trial.candidate), &trial.gain)?;
        let figures = scorer.figures(&scored, Which::All)?;
        let measures = scorer.measures(&figures, Some(&baseline))?;
        drop(figures);
        Ok::<_, StudyError>((scored, measures))
    };
    let level = shared_level(picks.len());
    let mut finalists = Vec::with_capacity(picked.len());
    for (trial, pick) in picked {
        let (scored, measures) = all(trial)?;
        let objectives = scorer.objectives(&measures)?;
        let promises = trial.objectives.iter().zip(&objectives);
        let promises = promises.filter_map(|(search, fresh)| Promise::of(search, fresh)).collect();
        let [kept, mut improved] = objectives;
        improved.difference = Some(scorer.target_difference(&scored, &unit, picks.len())?);
        let decisive = [kept, improved];
        finalists.push(Finalist {
            candidate: trial.candidate,
            gain: trial.gain.clone(),
            basis: pick.basis,
            measures,
            outcome: Outcome::of(&decisive),
            decisive,
            promises,
        });
    }
    let others = rivals
        .into_iter()
        .map(|(name, trial)| {
            let (name, gain) = (name.to_owned(), trial.gain.clone());
            Ok(OtherGain { name, candidate: trial.candidate, gain, measures: all(trial)?.1 })
        })
        .collect::<Result<_, StudyError>>()?;
    let baseline = scorer.measures(&baseline, None)?;
    Ok(Confirmation { seed, samples, level, baseline, finalists, others })
}

/// The gains that finalists are compared with: the published default, and the governed gain that
/// came furthest and there stood best.
fn rivals(rungs: &[Rung]) -> Vec<(&'static str, &Trial)> {
    let published =
        rungs.first().and_then(|rung| rung.gains.iter().find(|trial| trial.gain == PUBLISHED[0]));
    let governed = rungs.iter().rev().find_map(|rung| {
        let governed = rung.gains.iter().filter(|trial| trial.gain.starts_with(GOVERNED));
        governed.min_by_key(|trial| trial.front)
    });
    let named = [("published default", published), ("best governed", governed)];
    named.into_iter().filter_map(|(name, trial)| Some((name, trial?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::tests::rung;

    #[test]
    fn rivals_are_the_default_and_the_governed_gain_that_came_furthest() {
        let mut first = rung(32, &[(0, 0.0, 0.0), (1, 0.0, -0.1), (2, 0.0, -0.3)]);
        first.gains[0].gain = PUBLISHED[0].to_owned();
        first.gains[1].gain = "governed:quantile=0.5".to_owned();
        first.gains[2].gain = "governed:quantile=0.9".to_owned();
        first.gains[1].front = 1;
        let mut last = rung(64, &[(1, 0.0, -0.1)]);
        last.gains[0].gain.clone_from(&first.gains[1].gain);
        let named = |rungs: &[Rung]| {
            rivals(rungs).into_iter().map(|(name, t)| (name, t.candidate)).collect::<Vec<_>>()
        };
        assert_eq!(named(&[first.clone()]), [("published default", 0), ("best governed", 2)]);
        assert_eq!(named(&[first, last]), [("published default", 0), ("best governed", 1)]);
        assert_eq!(named(&[rung(32, &[(0, 0.0, 0.0)])]), []);
    }
}
