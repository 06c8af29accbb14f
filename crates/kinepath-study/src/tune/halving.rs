//! The search: successive halving on nested samples.

use super::budget::Rungs;
use super::front::{self, Point};
use super::objective::{Scorer, Which};
use super::results::{Measure, Rung, Trial};
use super::runs::Runs;
use super::{BASELINE, UNIT};
use crate::StudyError;
use crate::study::Observer;

/// Runs every rung: each gain that is left meets more samples, and the best of them go on.
///
/// All gains and the baseline get the same noise, so differences are paired (common random
/// numbers), and the first samples of a rung are those of the rung before. Gains are ordered by the
/// estimates of their differences to the baseline in both objectives: see [`front::best`].
///
/// # Errors
/// What sampling and judging bring; [`StudyError::Interrupted`] after a break.
pub(super) fn search(
    runs: &mut Runs<'_>,
    scorer: &Scorer,
    gains: &[String],
    rungs: Rungs,
    seed: u64,
    observe: &mut Observer<'_>,
) -> Result<Vec<Rung>, StudyError> {
    let mut alive: Vec<usize> = (0..gains.len()).collect();
    let mut results = Vec::with_capacity(rungs.rungs);
    for rung in 0..rungs.rungs {
        let cuts = rungs.cuts(rung);
        let samples = rungs.samples(rung);
        let stage =
            format!("rung {}/{}: {} gains × {samples} samples", rung + 1, rungs.rungs, alive.len());
        let share = 1.0 / (alive.len() + 1) as f64;
        let mut observe = |done: usize, part: f64| observe(&stage, (done as f64 + part) * share);

        let drawn = runs.samples(BASELINE, UNIT, seed, &cuts, &mut |part| observe(0, part))?;
        let baseline = scorer.score(&drawn)?;
        let baseline = scorer.figures(&baseline, Which::Objectives)?;
        let mut trials = Vec::with_capacity(alive.len());
        for (before, &candidate) in alive.iter().enumerate() {
            let gain = &gains[candidate];
            let mut observe = |part| observe(before + 1, part);
            let drawn = runs.samples(&folder(candidate), gain, seed, &cuts, &mut observe)?;
            let scored = scorer.score(&drawn)?;
            let figures = scorer.figures(&scored, Which::Objectives)?;
            let measures = scorer.measures(&figures, Some(&baseline))?;
            trials.push(Trial {
                candidate,
                gain: gain.clone(),
                front: 0,
                kept: false,
                objectives: scorer.objectives(&measures)?,
            });
            if observe(1.0).is_break() {
                return Err(StudyError::Interrupted);
            }
        }
        let room =
            if rung + 1 == rungs.rungs { alive.len() } else { rungs.gains(gains.len(), rung + 1) };
        select(&mut trials, room);
        alive = trials.iter().filter(|trial| trial.kept).map(|trial| trial.candidate).collect();
        results.push(Rung {
            samples,
            baseline: scorer.objectives(&scorer.measures(&baseline, None)?)?,
            gains: trials,
        });
    }
    Ok(results)
}

/// The folder of a candidate's runs.
pub(super) fn folder(candidate: usize) -> String {
    format!("{candidate:03}")
}

/// Ranks the gains of a rung and marks the `room` best.
fn select(trials: &mut [Trial], room: usize) {
    let points: Vec<Point> = trials.iter().map(|trial| point(&trial.objectives)).collect();
    for (rank, members) in front::fronts(&points).into_iter().enumerate() {
        members.into_iter().for_each(|index| trials[index].front = rank);
    }
    front::best(&points, room).into_iter().for_each(|index| trials[index].kept = true);
}

/// Two objectives as a point to be minimised, the baseline at the origin.
pub(super) fn point(objectives: &[Measure; 2]) -> Point {
    objectives.each_ref().map(Measure::harm)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::tests::objectives;

    #[test]
    fn the_better_fronts_survive() {
        let mut trials: Vec<Trial> = [(0.2, -0.1), (-0.1, -0.1), (0.3, 0.1), (0.0, -0.2)]
            .into_iter()
            .enumerate()
            .map(|(candidate, (cost, gained))| Trial {
                candidate,
                gain: String::new(),
                front: 9,
                kept: false,
                objectives: objectives(cost, gained, 0.05),
            })
            .collect();
        select(&mut trials, 3);
        let ranks: Vec<_> = trials.iter().map(|trial| (trial.front, trial.kept)).collect();
        assert_eq!(ranks, [(1, true), (0, true), (2, false), (0, true)]);
    }
}
