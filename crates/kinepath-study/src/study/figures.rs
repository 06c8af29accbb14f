//! The figures of samples with their intervals, and paired comparisons of two sets of samples.

use kinepath::stats::{
    Acceleration, Bootstrap, Interval, PairedPermutation, Replicates, Resampling, flags,
    mean_of_rows, paired_permutation, paired_share_interval, share_interval, sign_flip_test,
};
use rayon::prelude::*;

use super::evidence::{Column, Evidence};
use super::metrics::{METRICS, Metric};
use super::results::MetricResult;
use super::set_figures::Influence;
use crate::StudyError;

/// Fewest resamples that have an interval of 95 %: one of them lies beyond either end.
const LEAST_RESAMPLES: usize = 40;

/// Refuses numbers of resamples whose intervals would not hold what they say.
///
/// # Errors
/// [`StudyError::Mismatch`] for fewer than 40.
pub fn check_resamples(resamples: usize) -> Result<(), StudyError> {
    if resamples < LEAST_RESAMPLES {
        return Err(StudyError::Mismatch(format!(
            "resamples must be at least {LEAST_RESAMPLES}, got {resamples}: an interval of 95 % leaves \
             out the outermost 2.5 % of them on either side, and 2000 are usual"
        )));
    }
    Ok(())
}

/// How figures are resampled and compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Inference {
    /// What a repetition of the study would draw: samples, or seeds and then samples.
    pub rows: Resampling,
    /// The bootstrap of every interval.
    pub bootstrap: Bootstrap,
    /// The permutations of every paired test.
    pub permutation: PairedPermutation,
}

impl Inference {
    /// As many permutations as bootstrap resamples, both from `seed`; `counts` is the number of
    /// samples of every seed of the study.
    ///
    /// # Errors
    /// [`StudyError::Mismatch`] for too few resamples, [`StudyError::Stats`] without samples.
    pub fn new(resamples: usize, seed: u64, counts: &[usize]) -> Result<Self, StudyError> {
        check_resamples(resamples)?;
        Ok(Self {
            rows: Resampling::nested(counts)?,
            bootstrap: Bootstrap { resamples, seed, ..Bootstrap::default() },
            permutation: PairedPermutation { permutations: resamples, seed },
        })
    }
}

/// The figures of one set of samples, and those of whole sets on every bootstrap resample.
///
/// The resamples depend on the bootstrap's seed alone, so two sets of equal size see the same
/// ones, and differences of their replicates are paired. Means of columns need no replicates here:
/// their intervals and tests come from the columns.
pub struct Figures<'e> {
    evidence: &'e Evidence,
    metrics: Vec<&'static Metric>,
    estimates: Vec<f64>,
    /// `[metrics][resamples]`; empty for means of columns.
    replicates: Vec<Vec<f64>>,
}

/// The difference of one metric between two sets of samples on the same noise.
#[derive(Debug, Clone, Copy)]
pub struct PairedInterval {
    /// The metric.
    pub metric: &'static Metric,
    /// Its value for the variant.
    pub value: f64,
    /// Variant minus baseline, with its bootstrap interval.
    pub difference: Interval,
    /// Standard error of the difference.
    pub standard_error: f64,
}

/// A difference and whether it could be chance.
#[derive(Debug, Clone, Copy)]
pub struct PairedFigure {
    /// The difference.
    pub interval: PairedInterval,
    /// Two-sided p-value of the paired permutation test of no difference.
    pub p_value: f64,
}

impl<'e> Figures<'e> {
    /// Every metric that the evidence holds, or those of them in `keys`.
    pub fn of(evidence: &'e Evidence, keys: Option<&[&str]>, inference: &Inference) -> Self {
        let metrics: Vec<&'static Metric> = METRICS
            .iter()
            .filter(|metric| evidence.holds(metric))
            .filter(|metric| keys.is_none_or(|keys| keys.contains(&metric.key)))
            .collect();
        let everything: Vec<usize> = (0..evidence.count()).collect();
        let estimates = evidence.evaluate(&metrics, &everything);
        let sets = sets(&metrics, evidence);
        let resamples = if sets.is_empty() { 0 } else { inference.bootstrap.resamples };
        let rows: Vec<Vec<f64>> = (0..resamples)
            .into_par_iter()
            .map_init(Vec::new, |rows, replicate| {
                inference.rows.draw(&inference.bootstrap, replicate, rows);
                evidence.evaluate(&sets, rows)
            })
            .collect();
        let mut set_columns =
            (0..sets.len()).map(|s| rows.iter().map(|figures| figures[s]).collect());
        let replicates = metrics
            .iter()
            .map(|metric| match evidence.column(metric.key) {
                Some(_) => Vec::new(),
                None => set_columns.next().unwrap_or_default(),
            })
            .collect();
        Self { evidence, metrics, estimates, replicates }
    }

    /// The figures with their intervals, in the order of [`METRICS`]: [`share_interval`] for shares,
    /// BCa for other means, percentiles for whole sets.
    ///
    /// # Errors
    /// [`StudyError::Stats`] if a figure is undefined, or undefined on many resamples.
    pub fn results(&self, inference: &Inference) -> Result<Vec<MetricResult>, StudyError> {
        let result = |(m, metric): (usize, &&'static Metric)| {
            let value = match self.evidence.column(metric.key) {
                Some(column) => column_interval(column, inference)?,
                None => {
                    let replicates = self.replicates[m].iter().copied();
                    set_interval(self.estimates[m], replicates, &inference.bootstrap)?.0
                }
            };
            let (least, most) = metric.bounds;
            Ok(MetricResult {
                metric: metric.key.to_owned(),
                name: metric.name.to_owned(),
                better: metric.better,
                value: Interval {
                    low: value.low.clamp(least, most),
                    high: value.high.clamp(least, most),
                    ..value
                },
            })
        };
        self.metrics.iter().enumerate().map(result).collect()
    }

    /// The difference `self − baseline` of a metric as contributions of samples, if it has them.
    fn paired(
        &self,
        baseline: &Figures<'e>,
        key: &str,
    ) -> Result<Option<Influence<'e>>, StudyError> {
        let columns = self.evidence.column(key).zip(baseline.evidence.column(key));
        columns.map(|(own, base)| Influence::of_difference(own, base)).transpose()
    }

    /// Paired differences `self − baseline` of the metrics that both have, in the order of
    /// [`METRICS`], without a test. Row i of both must have started from the same noise.
    ///
    /// # Errors
    /// [`StudyError::Stats`] if a difference is undefined, or undefined on many resamples.
    pub fn intervals(
        &self,
        baseline: &Figures<'_>,
        inference: &Inference,
    ) -> Result<Vec<PairedInterval>, StudyError> {
        let bootstrap = &inference.bootstrap;
        let interval = |(own, other): (usize, usize)| {
            let metric = self.metrics[own];
            let (difference, standard_error) = match self.paired(baseline, metric.key)? {
                Some(influence) => difference_interval(&influence, inference)?,
                None => {
                    let pairs = self.replicates[own].iter().zip(&baseline.replicates[other]);
                    let estimate = self.estimates[own] - baseline.estimates[other];
                    set_interval(estimate, pairs.map(|(own, base)| own - base), bootstrap)?
                }
            };
            let value = self.estimates[own];
            Ok(PairedInterval { metric, value, difference, standard_error })
        };
        let place = |key: &str| baseline.metrics.iter().position(|metric| metric.key == key);
        let shared = self.metrics.iter().enumerate();
        shared.filter_map(|(own, metric)| Some((own, place(metric.key)?))).map(interval).collect()
    }

    /// [`intervals`](Self::intervals) with the p-value of each difference by paired permutation.
    ///
    /// # Errors
    /// As [`intervals`](Self::intervals), and [`StudyError::Stats`] if a difference is undefined on
    /// many permutations.
    pub fn differences(
        &self,
        baseline: &Figures<'_>,
        inference: &Inference,
    ) -> Result<Vec<PairedFigure>, StudyError> {
        let intervals = self.intervals(baseline, inference)?;
        let metrics: Vec<&'static Metric> = intervals.iter().map(|row| row.metric).collect();
        let sets = sets(&metrics, self.evidence);
        let mut of_sets =
            permute(baseline.evidence, self.evidence, &sets, &inference.permutation)?.into_iter();
        intervals
            .into_iter()
            .map(|interval| {
                let p_value = match self.paired(baseline, interval.metric.key)? {
                    Some(influence) => {
                        sign_flip_test(&influence.values, &inference.permutation)?.p_value
                    }
                    None => of_sets.next().unwrap_or(1.0),
                };
                Ok(PairedFigure { interval, p_value })
            })
            .collect()
    }
}

/// The metrics among `metrics` that are no means of columns.
fn sets(metrics: &[&'static Metric], evidence: &Evidence) -> Vec<&'static Metric> {
    metrics.iter().copied().filter(|metric| evidence.column(metric.key).is_none()).collect()
}

/// The interval of the mean of a column. Where it is recall or coverage, whose samples are not
/// independent, it is one of a share of flags only while all samples are alike.
fn column_interval(column: &Column, inference: &Inference) -> Result<Interval, StudyError> {
    let values = &column.values;
    let independent = column.second_order.is_none() || values.iter().all(|v| *v == values[0]);
    Ok(match flags(values).filter(|_| independent) {
        Some(flags) => share_interval(&flags, inference.rows.clone(), &inference.bootstrap)?,
        None => influence_interval(&Influence::of(column)?, inference)?.0,
    })
}

/// The interval of a paired difference and its standard error. That of shares is Bonett and Price's,
/// which knows what a bootstrap of a few changed pairs, or of none, does not; where seeds are
/// resampled, it is the least that the interval may be.
fn difference_interval(
    influence: &Influence<'_>,
    inference: &Inference,
) -> Result<(Interval, f64), StudyError> {
    let Some((gained, lost)) = influence.changes else {
        return influence_interval(influence, inference);
    };
    let (pairs, level) = (influence.values.len(), inference.bootstrap.level);
    let (share, error) = paired_share_interval(gained, lost, pairs, level)?;
    if inference.rows.is_flat() {
        return Ok((share, error));
    }
    let (over_seeds, error_over_seeds) = influence_interval(influence, inference)?;
    let low = share.low.min(over_seeds.low);
    let high = share.high.max(over_seeds.high);
    Ok((Interval { low, high, ..share }, error.max(error_over_seeds)))
}

/// The BCa interval of a figure and its standard error, over samples or over seeds and samples.
fn influence_interval(
    influence: &Influence<'_>,
    inference: &Inference,
) -> Result<(Interval, f64), StudyError> {
    let values = &influence.values;
    let mean = |rows: &[usize]| mean_of_rows(values, rows);
    let replicates = inference.bootstrap.replicates(inference.rows.clone(), mean)?;
    let acceleration = Acceleration::of_mean(values)?;
    let curvature = influence.curvature()?;
    let interval = inference.bootstrap.curved_bca_interval(&replicates, acceleration, curvature)?;
    Ok((interval, replicates.standard_error()))
}

/// The percentile interval of the figure of a whole set, and its standard error, from replicates that
/// lie around the estimate.
fn set_interval(
    estimate: f64,
    replicates: impl Iterator<Item = f64>,
    bootstrap: &Bootstrap,
) -> Result<(Interval, f64), StudyError> {
    let replicates = Replicates::of(estimate, replicates.collect())?.centred()?;
    Ok((bootstrap.percentile_interval(&replicates), replicates.standard_error()))
}

/// The p-values of whole-set metrics by paired permutation: each pair keeps or swaps its labels,
/// and both sets are evaluated anew.
fn permute(
    baseline: &Evidence,
    variant: &Evidence,
    metrics: &[&'static Metric],
    permutation: &PairedPermutation,
) -> Result<Vec<f64>, StudyError> {
    let count = baseline.count();
    let pool = baseline.joined(variant)?;
    let p_value = |metric: &&'static Metric| {
        let difference = |swapped: &[bool]| {
            let side = |own: bool| -> f64 {
                let row = |(i, &swap): (usize, &bool)| if swap == own { count + i } else { i };
                let rows: Vec<usize> = swapped.iter().enumerate().map(row).collect();
                pool.evaluate(&[*metric], &rows)[0]
            };
            side(false) - side(true)
        };
        Ok(paired_permutation(count, permutation, difference)?.p_value)
    };
    metrics.iter().map(p_value).collect()
}
