//! The nonparametric bootstrap.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{
    error::{StatsError, check_between_0_and_1, check_count},
    groups::Resampling,
    quantile::quantile_of_sorted,
    replicates::{Replicates, check_defined, stream},
};

/// How to bootstrap: everything that an interval depends on beside the data.
///
/// Replicate `r` draws its n indices from stream `r` of a ChaCha8 generator seeded with `seed`: it
/// is the same whatever the number of replicates or threads, and two statistics bootstrapped with
/// the same settings see the same resamples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// Number of resamples, at least 1.
    pub resamples: usize,
    /// Seed of the generator.
    pub seed: u64,
    /// Confidence level in (0, 1).
    pub level: f64,
}

impl Default for Bootstrap {
    /// 1000 resamples, seed 0, level 0.95: the 2.5 % and 97.5 % percentiles.
    fn default() -> Self {
        Self { resamples: 1000, seed: 0, level: 0.95 }
    }
}

/// A figure and how uncertain it is, both in the figure's unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The statistic on the full sample.
    pub estimate: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Bootstrap {
    /// Writes replicate `replicate` of an n-sample to `indices`, whose length is n: each index is
    /// uniform in `0..n`, with replacement.
    pub fn draw(&self, replicate: usize, indices: &mut [usize]) {
        let mut generator = stream(self.seed, replicate);
        let count = indices.len();
        indices.fill_with(|| generator.random_range(0..count));
    }

    /// Evaluates `statistic` on all rows of a sample and on every resample, in parallel. `sample` is
    /// a number of rows, or a [`Resampling`] where they come in groups.
    ///
    /// A statistic says that it is undefined on a resample (a correlation whose column came out
    /// constant) by returning NaN or an infinity. Such replicates are counted and left out, so an
    /// interval is then conditional on the statistic being defined.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] for fewer than 2 rows, [`StatsError::NoResamples`],
    /// [`StatsError::NotAProbability`] for a level outside (0, 1), [`StatsError::Undefined`] when
    /// the full sample has no value, [`StatsError::UndefinedReplicates`] when more than a tenth of
    /// the replicates have none.
    pub fn replicates(
        &self,
        sample: impl Into<Resampling>,
        statistic: impl Fn(&[usize]) -> f64 + Sync,
    ) -> Result<Replicates, StatsError> {
        let sample = sample.into();
        let count = sample.count();
        check_count("a bootstrap", 2, count)?;
        check_between_0_and_1("level", self.level)?;
        let everything: Vec<usize> = (0..count).collect();
        let estimate = check_defined(statistic(&everything), count)?;
        let draws = || Vec::with_capacity(count);
        Replicates::evaluate(estimate, self.resamples, draws, |indices, replicate| {
            sample.draw(self, replicate, indices);
            statistic(indices)
        })
    }

    /// The percentile interval of replicates made with these settings.
    #[must_use]
    pub fn percentile_interval(&self, replicates: &Replicates) -> Interval {
        let tail = (1.0 - self.level) / 2.0;
        Interval::between(replicates, tail, 1.0 - tail)
    }
}

impl Interval {
    /// The interval between two quantiles of replicates.
    pub(super) fn between(replicates: &Replicates, low: f64, high: f64) -> Self {
        let mut sorted = replicates.values.clone();
        sorted.sort_by(f64::total_cmp);
        Self {
            estimate: replicates.estimate,
            low: quantile_of_sorted(&sorted, low),
            high: quantile_of_sorted(&sorted, high),
        }
    }
}

/// Percentile bootstrap interval of any statistic of the rows of a sample: so many independent
/// rows, or a [`Resampling`] where they come in groups.
///
/// `statistic` is given row indices and returns a number, or NaN where it is undefined. The ends
/// are quantiles ([`quantile`](super::quantile)) of its values over resamples of the rows; Efron &
/// Tibshirani (1993), ch. 13. A statistic that a resample's repeated rows bias (coverage, the
/// Fréchet distance) has an interval shifted by that bias: see [`Replicates::centred`].
///
/// # Errors
/// Those of [`Bootstrap::replicates`].
///
/// # Example
/// ```
/// use kinepath::stats::{Bootstrap, bootstrap};
///
/// let values = [1.0, 2.0, 4.0, 9.0];
/// let largest = |rows: &[usize]| rows.iter().map(|&row| values[row]).fold(f64::MIN, f64::max);
/// let interval = bootstrap(values.len(), &Bootstrap::default(), largest)?;
/// assert_eq!((interval.estimate, interval.high), (9.0, 9.0));
/// # Ok::<(), kinepath::stats::StatsError>(())
/// ```
pub fn bootstrap(
    sample: impl Into<Resampling>,
    settings: &Bootstrap,
    statistic: impl Fn(&[usize]) -> f64 + Sync,
) -> Result<Interval, StatsError> {
    Ok(settings.percentile_interval(&settings.replicates(sample, statistic)?))
}

#[cfg(test)]
mod tests;
