//! The study's table of metrics, and their joint bootstrap.

use kinepath::metrics::Prdc;
use kinepath::stats::{Bootstrap, Interval, Replicates, StatsError, median, two_sided_p_value};
use rayon::prelude::*;

use super::judge::{Judge, Judged};
use super::results::{Direction, MetricResult};
use crate::StudyError;

/// One row of the table.
pub struct Metric {
    /// Its key in files.
    pub key: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// Which way is better.
    pub better: Direction,
    /// The least and the largest value it can take, to which shifted intervals are cut.
    bounds: (f64, f64),
    /// The figure.
    figure: Figure,
}

/// How a figure comes from samples.
enum Figure {
    /// The mean of a column.
    Mean(fn(&Judged) -> &[f64]),
    /// Fréchet distance of the features to the reference's.
    Frechet,
    /// One of precision, recall, density and coverage, which are computed together.
    Prdc(fn(&Prdc) -> f64),
}

/// Every metric of a study, in the order of its tables.
pub const METRICS: [Metric; 8] = [
    Metric {
        key: "f_mem",
        name: "F_mem",
        better: Direction::Lower,
        bounds: (0.0, 1.0),
        figure: Figure::Mean(|judged| &judged.memorized),
    },
    Metric {
        key: "frechet_distance",
        name: "Fréchet distance",
        better: Direction::Lower,
        bounds: (0.0, f64::INFINITY),
        figure: Figure::Frechet,
    },
    Metric {
        key: "precision",
        name: "precision",
        better: Direction::Higher,
        bounds: (0.0, 1.0),
        figure: Figure::Prdc(|prdc| prdc.precision),
    },
    Metric {
        key: "recall",
        name: "recall",
        better: Direction::Higher,
        bounds: (0.0, 1.0),
        figure: Figure::Prdc(|prdc| prdc.recall),
    },
    Metric {
        key: "density",
        name: "density",
        better: Direction::Higher,
        bounds: (0.0, f64::INFINITY),
        figure: Figure::Prdc(|prdc| prdc.density),
    },
    Metric {
        key: "coverage",
        name: "coverage",
        better: Direction::Higher,
        bounds: (0.0, 1.0),
        figure: Figure::Prdc(|prdc| prdc.coverage),
    },
    Metric {
        key: "confidence",
        name: "classifier confidence",
        better: Direction::Higher,
        bounds: (0.0, 1.0),
        figure: Figure::Mean(|judged| &judged.fidelity.confidence),
    },
    Metric {
        key: "margin",
        name: "classifier margin",
        better: Direction::Higher,
        bounds: (0.0, 1.0),
        figure: Figure::Mean(|judged| &judged.fidelity.margin),
    },
];

/// All metrics of one run, on the sample and on every resample of its indices.
///
/// The resamples depend on the bootstrap's seed alone, so two runs of equal length see the same
/// ones, and differences of their replicates are paired.
pub(super) struct Figures {
    estimates: Vec<f64>,
    /// `[resamples][metrics]`
    replicates: Vec<Vec<f64>>,
}

impl Figures {
    /// Computes every metric on the sample and on every resample.
    pub(super) fn of(judge: &Judge, judged: &Judged, bootstrap: &Bootstrap) -> Self {
        let count = judged.memorized.len();
        let everything: Vec<usize> = (0..count).collect();
        let replicates = (0..bootstrap.resamples)
            .into_par_iter()
            .map_init(
                || vec![0; count],
                |rows, replicate| {
                    bootstrap.draw(replicate, rows);
                    evaluate(judge, judged, rows)
                },
            )
            .collect();
        Self { estimates: evaluate(judge, judged, &everything), replicates }
    }

    /// The figures with their percentile intervals, in the order of [`METRICS`].
    ///
    /// # Errors
    /// [`StudyError::Stats`] if a figure is undefined on most resamples.
    pub(super) fn results(&self, bootstrap: &Bootstrap) -> Result<Vec<MetricResult>, StudyError> {
        let result = |(m, metric): (usize, &Metric)| {
            let replicates = self.replicates.iter().map(|figures| figures[m]);
            let (value, _) = interval(metric, self.estimates[m], replicates, bootstrap)?;
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
        METRICS.iter().enumerate().map(result).collect()
    }

    /// Paired differences `self − baseline` and their p-values, in the order of [`METRICS`].
    ///
    /// # Errors
    /// [`StudyError::Stats`] if a difference is undefined on most resamples.
    pub(super) fn differences(
        &self,
        baseline: &Self,
        bootstrap: &Bootstrap,
    ) -> Result<Vec<(Interval, f64)>, StudyError> {
        let difference = |(m, metric): (usize, &Metric)| {
            let pairs = self.replicates.iter().zip(&baseline.replicates);
            let replicates = pairs.map(|(own, base)| own[m] - base[m]);
            let estimate = self.estimates[m] - baseline.estimates[m];
            interval(metric, estimate, replicates, bootstrap)
        };
        METRICS.iter().enumerate().map(difference).collect()
    }
}

/// The percentile interval of replicates and the p-value of zero.
///
/// A resample repeats rows, so it is less diverse than the sample: figures of a whole set are off
/// on it by about as much as doubling the noise would make them (a larger Fréchet distance, a
/// smaller recall). Their replicates are therefore shifted until their median is the estimate;
/// means are unbiased on resamples and stay as they are.
fn interval(
    metric: &Metric,
    estimate: f64,
    replicates: impl Iterator<Item = f64>,
    bootstrap: &Bootstrap,
) -> Result<(Interval, f64), StudyError> {
    let mut values: Vec<f64> = replicates.filter(|value| value.is_finite()).collect();
    let (resamples, undefined) = (bootstrap.resamples, bootstrap.resamples - values.len());
    if undefined > resamples / 10 {
        return Err(StatsError::UndefinedReplicates { undefined, resamples }.into());
    }
    if !matches!(metric.figure, Figure::Mean(_)) {
        let bias = median(&values)? - estimate;
        values.iter_mut().for_each(|value| *value -= bias);
    }
    let p_value = two_sided_p_value(&values);
    Ok((bootstrap.percentile_interval(&Replicates { estimate, values, undefined }), p_value))
}

fn evaluate(judge: &Judge, judged: &Judged, rows: &[usize]) -> Vec<f64> {
    let prdc = judged.prdc(rows);
    METRICS
        .iter()
        .map(|metric| match metric.figure {
            Figure::Mean(column) => {
                let column = column(judged);
                rows.iter().map(|&row| column[row]).sum::<f64>() / rows.len() as f64
            }
            Figure::Frechet => judge.frechet(judged, rows),
            Figure::Prdc(figure) => prdc.as_ref().map_or(f64::NAN, figure),
        })
        .collect()
}

/// The bootstrap of a study.
///
/// # Errors
/// [`StudyError::Mismatch`] without resamples.
pub(super) fn bootstrap(resamples: usize, seed: u64) -> Result<Bootstrap, StudyError> {
    if resamples == 0 {
        return Err(StudyError::Mismatch("there must be at least one bootstrap resample".into()));
    }
    Ok(Bootstrap { resamples, seed, ..Bootstrap::default() })
}
