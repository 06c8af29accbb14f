//! The memorization audit, and figures as other tools quote them.

use kinepath::metrics::{
    ClassMemorization, FeatureMoments, GAP_THRESHOLD, HeldOutRatios, KidSubsets, MetricsError,
    f_mem, f_mem_by_class, frechet_infinity, mean_by_class, memorization_curve, most_copied,
};

use super::figures::Inference;
use super::judge::{Judge, Judged};
use super::judged_run::JudgedRun;
use super::results::{Calibration, ClassShare, CurvePoint, Memorization, Quoted};
use crate::StudyError;
use crate::run::columns;

/// Thresholds of the curve: twentieths of the range of the gap ratio, and the criterion's own.
const CURVE_STEPS: usize = 20;
/// What classes go by where samples have labels.
pub const CLASSES_ASKED_FOR: &str = "label asked for";
/// Number of training records named as copied most.
const NAMED: usize = 10;
/// Share of unseen records that a calibrated threshold may call memorized.
const LEVEL: f64 = 0.01;

/// How often the criterion calls held-out records memorized, with its interval at a confidence level;
/// `None` without any.
///
/// # Errors
/// [`StudyError::Stats`] for a confidence level outside (0, 1).
pub(super) fn calibration(judge: &Judge, level: f64) -> Result<Option<Calibration>, StudyError> {
    let Some(gaps) = judge.held_out_gaps() else { return Ok(None) };
    let threshold = HeldOutRatios::new(&gaps.ratio)?.threshold(LEVEL)?;
    Ok(Some(Calibration {
        false_alarm: f_mem(&gaps.memorized(GAP_THRESHOLD), level)?,
        threshold: (threshold > 0.0).then_some(threshold),
        level: LEVEL,
    }))
}

/// Who is copied in a run, and how the share depends on the threshold.
///
/// Classes are those that samples were asked for, or else those that the classifier sees.
///
/// # Errors
/// [`StudyError::Metrics`], [`StudyError::Stats`] if something is undefined.
pub(super) fn memorization(
    judge: &Judge,
    run: &JudgedRun,
    inference: &Inference,
) -> Result<Memorization, StudyError> {
    let judged = &run.judged;
    let thresholds = thresholds();
    let own = memorization_curve(&judged.gaps.ratio, &thresholds)?;
    let held_out = match judge.held_out_gaps() {
        None => None,
        Some(gaps) => Some(memorization_curve(&gaps.ratio, &thresholds)?),
    };
    let curve = thresholds
        .iter()
        .zip(own)
        .enumerate()
        .map(|(i, (&threshold, f_mem))| CurvePoint {
            threshold,
            f_mem,
            false_alarm: held_out.as_ref().map(|held_out| held_out[i]),
        })
        .collect();
    let copied = most_copied(judge.copy_index(), &judged.gaps, GAP_THRESHOLD)?;
    let (classes_by, classes) = match (run.input.labels(), &judged.fidelity) {
        (Some(labels), _) => (CLASSES_ASKED_FOR, labels),
        (None, Some(fidelity)) => {
            ("predicted class", fidelity.predicted.iter().map(|&class| class as i64).collect())
        }
        (None, None) => ("", Vec::new()),
    };
    let classes = match classes.is_empty() {
        true => Vec::new(),
        false => shares(run, &classes, inference)?,
    };
    Ok(Memorization {
        curve,
        records_copied: copied.len(),
        copied_most: copied.into_iter().take(NAMED).collect(),
        classes_by: classes_by.to_owned(),
        classes,
    })
}

/// F_mem and, where paths were measured, mean energy of every class.
fn shares(
    run: &JudgedRun,
    classes: &[i64],
    inference: &Inference,
) -> Result<Vec<ClassShare>, StudyError> {
    let Inference { rows, bootstrap, .. } = inference;
    let energies = match run.input.has_energies() {
        false => Vec::new(),
        true => mean_by_class(&run.input.column(columns::KPE)?, classes, rows, bootstrap)?,
    };
    let shares = f_mem_by_class(&run.judged.memorized, classes, rows, bootstrap)?;
    let share = |(place, class): (usize, ClassMemorization)| ClassShare {
        class: class.class,
        count: class.samples,
        memorized: class.memorized,
        f_mem: class.f_mem,
        // Both go through the classes in increasing order.
        kpe: energies.get(place).and_then(|class| class.mean),
    };
    Ok(shares.into_iter().enumerate().map(share).collect())
}

/// 0.05, 0.10, … 1 and 1/3, ascending.
fn thresholds() -> Vec<f64> {
    let mut thresholds: Vec<f64> =
        (1..=CURVE_STEPS).map(|step| step as f64 / CURVE_STEPS as f64).collect();
    thresholds.push(GAP_THRESHOLD);
    thresholds.sort_by(f64::total_cmp);
    thresholds
}

/// Fréchet distance at infinitely many samples and the kernel distance over subsets; absent where
/// there are too few samples for them.
///
/// # Errors
/// [`StudyError::Metrics`] for anything but too few samples.
pub(super) fn quoted(judge: &Judge, judged: &Judged, seed: u64) -> Result<Quoted, StudyError> {
    let Some((frechet, kernel)) = judge.references() else { return Ok(Quoted::default()) };
    let frechet_infinity = match frechet {
        None => None,
        Some(reference) => {
            let moments = FeatureMoments::new(judged.features.view())?;
            enough(frechet_infinity(reference, &moments, seed))?
                .map(|line| (line.distance, line.standard_error))
        }
    };
    let subsets = KidSubsets { seed, ..KidSubsets::default() };
    let kernel_subsets = enough(kernel.over_subsets(judged.features.view(), &subsets))?
        .map(|subsets| (subsets.mean, subsets.sd));
    Ok(Quoted { frechet_infinity, kernel_subsets })
}

/// A figure that needs more samples than there are is absent, not an error.
fn enough<T>(result: Result<T, MetricsError>) -> Result<Option<T>, StudyError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(MetricsError::TooFewPoints { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
