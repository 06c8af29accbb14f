//! Gains and controls against the baseline: paired differences, adjusted together.

use kinepath::stats::{
    DEFAULT_POWER, benjamini_hochberg, minimum_detectable_effect, samples_needed,
};
use ndarray::Array2;

use super::figures::{Figures, Inference, PairedFigure, PairedInterval};
use super::judge::Judge;
use super::results::{Comparison, Control, ControlFigure, ControlKind, Difference, Effect};
use super::verdict::{effect, is_better_than_baseline, judge, reproduces};
use crate::StudyError;
use crate::format::list;

/// Figures of the runs of one model, the baseline first.
pub(super) struct Runs<'a> {
    pub(super) figures: &'a [Figures<'a>],
    /// The classes that their samples were asked for, if any.
    pub(super) labels: Option<&'a [i64]>,
    /// Level of the false discovery rate.
    pub(super) significance: f64,
    pub(super) inference: &'a Inference,
}

/// What a control made, or why it was not run.
pub(super) type ControlSamples = Result<Array2<f32>, String>;

/// Paired differences of every set of figures to the first, p-values adjusted over all sets and
/// metrics after Benjamini and Hochberg; one list per set but the first.
///
/// `significance` is the level of the false discovery rate at which a difference counts, and that
/// of the tests that `detectable` and `samples_needed` speak of.
///
/// # Errors
/// [`StudyError::Mismatch`] without figures, [`StudyError::Stats`] if a difference is undefined on
/// many resamples.
pub fn differences(
    figures: &[Figures<'_>],
    significance: f64,
    inference: &Inference,
) -> Result<Vec<Vec<Difference>>, StudyError> {
    let Some((baseline, variants)) = figures.split_first() else {
        return Err(StudyError::Mismatch("there are no figures to compare".to_owned()));
    };
    let figures: Vec<Vec<PairedFigure>> = variants
        .iter()
        .map(|variant| variant.differences(baseline, inference))
        .collect::<Result<_, _>>()?;
    let p_values: Vec<f64> = figures.iter().flatten().map(|figure| figure.p_value).collect();
    let mut q_values = benjamini_hochberg(&p_values)?.into_iter();
    let (count, level) = (inference.rows.count(), 1.0 - significance);
    let difference = |figure: &PairedFigure| {
        let PairedInterval { metric, difference, standard_error: error, .. } = figure.interval;
        let q_value = q_values.next().unwrap_or(1.0);
        Ok(Difference {
            metric: metric.key.to_owned(),
            name: metric.name.to_owned(),
            difference,
            p_value: figure.p_value,
            q_value,
            effect: effect(figure, q_value, significance),
            detectable: minimum_detectable_effect(error, level, DEFAULT_POWER)?,
            samples_needed: samples_needed(
                count,
                error,
                difference.estimate,
                level,
                DEFAULT_POWER,
            )?,
        })
    };
    let mut flat = figures
        .iter()
        .flatten()
        .map(difference)
        .collect::<Result<Vec<_>, StudyError>>()?
        .into_iter();
    Ok(figures.iter().map(|variant| flat.by_ref().take(variant.len()).collect()).collect())
}

impl Runs<'_> {
    /// The verdicts on every gain, given what its controls made; the p-values of all controls are
    /// adjusted together, apart from those of the gains.
    ///
    /// A control is judged on F_mem and the metrics in which the gain is better than the baseline:
    /// it is there to explain an advantage.
    pub(super) fn verdicts(
        &self,
        judge_of: &Judge,
        differences: Vec<Vec<Difference>>,
        controls: Vec<Vec<(ControlKind, ControlSamples)>>,
    ) -> Result<Vec<Comparison>, StudyError> {
        let mut tried = Vec::new();
        for (gain, (differences, controls)) in differences.iter().zip(controls).enumerate() {
            let keys = advantages(differences);
            let mut of_gain = Vec::new();
            for (kind, samples) in controls {
                let pairs = match samples {
                    Err(reason) => Err(reason),
                    Ok(samples) => {
                        Ok(self.against_both(judge_of, &samples, &self.figures[gain + 1], &keys)?)
                    }
                };
                of_gain.push((kind, pairs));
            }
            tried.push(of_gain);
        }
        let p_values: Vec<f64> = tried
            .iter()
            .flatten()
            .filter_map(|(_, pairs)| pairs.as_ref().ok())
            .flatten()
            .flat_map(|[to_baseline, to_gain]| [to_baseline.p_value, to_gain.p_value])
            .collect();
        let mut q_values = benjamini_hochberg(&p_values)?.into_iter();
        let mut next_effect = |figure: &PairedFigure| {
            effect(figure, q_values.next().unwrap_or(1.0), self.significance)
        };
        let mut verdicts = Vec::new();
        for (differences, tried) in differences.into_iter().zip(tried) {
            let controls = tried
                .into_iter()
                .map(|(kind, pairs)| match pairs {
                    Err(reason) => Control { kind, figures: Vec::new(), sentence: reason },
                    Ok(pairs) => {
                        let figures = pairs
                            .iter()
                            .map(|[to_baseline, to_gain]| ControlFigure {
                                metric: to_baseline.interval.metric.key.to_owned(),
                                name: to_baseline.interval.metric.name.to_owned(),
                                value: to_baseline.interval.value,
                                to_baseline: to_baseline.interval.difference,
                                to_baseline_effect: next_effect(to_baseline),
                                to_gain: to_gain.interval.difference,
                                to_gain_effect: next_effect(to_gain),
                            })
                            .collect();
                        let control = Control { kind, figures, sentence: String::new() };
                        Control { sentence: describe(&control, &differences), ..control }
                    }
                })
                .collect();
            verdicts.push(judge(differences, controls, self.inference.rows.count()));
        }
        Ok(verdicts)
    }

    /// Differences of a control to the baseline and to the gain, metric by metric.
    fn against_both(
        &self,
        judge: &Judge,
        samples: &Array2<f32>,
        gain: &Figures<'_>,
        keys: &[&str],
    ) -> Result<Vec<[PairedFigure; 2]>, StudyError> {
        let judged = judge.judge(samples.view(), self.labels)?;
        let figures = Figures::of(&judged.evidence, Some(keys), self.inference);
        let to_baseline = figures.differences(&self.figures[0], self.inference)?;
        let to_gain = figures.differences(gain, self.inference)?;
        Ok(to_baseline.into_iter().zip(to_gain).map(|(a, b)| [a, b]).collect())
    }
}

/// F_mem and the metrics that the gain improves.
fn advantages(differences: &[Difference]) -> Vec<&str> {
    differences
        .iter()
        .filter(|difference| difference.effect == Effect::Better || difference.metric == "f_mem")
        .map(|difference| difference.metric.as_str())
        .collect()
}

fn describe(control: &Control, differences: &[Difference]) -> String {
    let better: Vec<&Difference> =
        differences.iter().filter(|difference| difference.effect == Effect::Better).collect();
    if better.is_empty() {
        return "There is no advantage to explain.".to_owned();
    }
    let names = |has: &dyn Fn(&str) -> bool| -> Vec<&str> {
        better
            .iter()
            .filter(|difference| has(&difference.metric))
            .map(|difference| difference.name.as_str())
            .collect()
    };
    if control.kind == ControlKind::Denoised {
        return match names(&|key| is_better_than_baseline(control, key))[..] {
            [] => "No advantage is detected after one denoising step.".to_owned(),
            ref kept => format!("Still better than the baseline in {}.", list(kept)),
        };
    }
    match names(&|key| reproduces(control, &[key]))[..] {
        [] => "Reproduces none of the gain's advantages.".to_owned(),
        ref reproduced => format!("Reproduces the gain's advantage in {}.", list(reproduced)),
    }
}
