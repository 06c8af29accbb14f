//! The nonparametric bootstrap.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    error::{StatsError, check_count},
    quantile::quantile_of_sorted,
};

/// Share of replicates that may be undefined before an interval is refused.
const MOST_UNDEFINED: f64 = 0.1;

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

/// The bootstrap distribution of a statistic.
#[derive(Debug, Clone, PartialEq)]
pub struct Replicates {
    /// The statistic on the full sample.
    pub estimate: f64,
    /// The statistic on each resample where it is defined, in the order of the replicates.
    pub values: Vec<f64>,
    /// Resamples on which it is not defined (NaN or infinite).
    pub undefined: usize,
}

impl Bootstrap {
    /// Writes replicate `replicate` of an n-sample to `indices`, whose length is n: each index is
    /// uniform in `0..n`, with replacement.
    pub fn draw(&self, replicate: usize, indices: &mut [usize]) {
        let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
        generator.set_stream(replicate as u64);
        let count = indices.len();
        indices.fill_with(|| generator.random_range(0..count));
    }

    /// Evaluates `statistic` on the indices `0..count` and on every resample, in parallel.
    ///
    /// A statistic says that it is undefined on a resample (a correlation whose column came out
    /// constant) by returning NaN or an infinity. Such replicates are counted and left out, so an
    /// interval is then conditional on the statistic being defined.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] for `count < 2`, [`StatsError::NoResamples`],
    /// [`StatsError::NotAProbability`] for a level outside (0, 1), [`StatsError::Undefined`] when
    /// the full sample has no value, [`StatsError::UndefinedReplicates`] when more than a tenth of
    /// the replicates have none.
    pub fn replicates(
        &self,
        count: usize,
        statistic: impl Fn(&[usize]) -> f64 + Sync,
    ) -> Result<Replicates, StatsError> {
        check_count("a bootstrap", 2, count)?;
        if self.resamples == 0 {
            return Err(StatsError::NoResamples);
        }
        if !(self.level > 0.0 && self.level < 1.0) {
            return Err(StatsError::NotAProbability { what: "level", actual: self.level });
        }
        let everything: Vec<usize> = (0..count).collect();
        let estimate = statistic(&everything);
        if !estimate.is_finite() {
            return Err(StatsError::Undefined { values: count });
        }
        let mut values: Vec<f64> = (0..self.resamples)
            .into_par_iter()
            .map_init(
                || vec![0; count],
                |indices, replicate| {
                    self.draw(replicate, indices);
                    statistic(indices)
                },
            )
            .collect();
        values.retain(|value| value.is_finite());
        let undefined = self.resamples - values.len();
        if undefined as f64 > MOST_UNDEFINED * self.resamples as f64 {
            return Err(StatsError::UndefinedReplicates { undefined, resamples: self.resamples });
        }
        Ok(Replicates { estimate, values, undefined })
    }

    /// The percentile interval of replicates made with these settings.
    #[must_use]
    pub fn percentile_interval(&self, replicates: &Replicates) -> Interval {
        let mut sorted = replicates.values.clone();
        sorted.sort_by(f64::total_cmp);
        let tail = (1.0 - self.level) / 2.0;
        Interval {
            estimate: replicates.estimate,
            low: quantile_of_sorted(&sorted, tail),
            high: quantile_of_sorted(&sorted, 1.0 - tail),
        }
    }
}

/// Percentile bootstrap interval of any statistic of the rows `0..count`.
///
/// `statistic` is given row indices and returns a number, or NaN where it is undefined. The ends
/// are quantiles ([`quantile`](super::quantile)) of its values over resamples of the rows; Efron &
/// Tibshirani (1993), ch. 13. A statistic that a resample's repeated rows bias (coverage, the
/// Fréchet distance) has an interval shifted by that bias: compare such figures by
/// [`paired_bootstrap`](super::paired_bootstrap).
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
    count: usize,
    settings: &Bootstrap,
    statistic: impl Fn(&[usize]) -> f64 + Sync,
) -> Result<Interval, StatsError> {
    Ok(settings.percentile_interval(&settings.replicates(count, statistic)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_of(values: &[f64]) -> impl Fn(&[usize]) -> f64 + Sync + '_ {
        |rows| rows.iter().map(|&row| values[row]).sum::<f64>() / rows.len() as f64
    }

    #[test]
    fn interval_of_a_mean_matches_the_normal_approximation() {
        let values: Vec<f64> = (0..400).map(|i| f64::from(i % 20)).collect();
        let settings = Bootstrap { resamples: 4000, seed: 7, level: 0.95 };
        let interval = bootstrap(values.len(), &settings, mean_of(&values)).unwrap();
        // Uniform on 0..20: variance (20² − 1) / 12.
        let half = 1.96 * (399.0f64 / 12.0 / 400.0).sqrt();
        assert!((interval.estimate - 9.5).abs() < 1.0e-12);
        assert!((interval.low - (9.5 - half)).abs() < 0.05 * half);
        assert!((interval.high - (9.5 + half)).abs() < 0.05 * half);
    }

    #[test]
    fn same_seed_same_interval_on_any_thread_count() {
        let values: Vec<f64> = (0..50).map(|i| f64::from(i).sin()).collect();
        let run = |threads, seed| {
            let settings = Bootstrap { seed, ..Bootstrap::default() };
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| bootstrap(50, &settings, mean_of(&values)).unwrap())
        };
        assert_eq!(run(1, 3), run(4, 3));
        assert_ne!(run(1, 3), run(1, 4));
    }

    #[test]
    fn every_index_is_drawn_equally_often() {
        let settings = Bootstrap::default();
        let mut counts = [0u32; 10];
        let mut indices = [0; 10];
        for replicate in 0..2000 {
            settings.draw(replicate, &mut indices);
            indices.iter().for_each(|&index| counts[index] += 1);
        }
        // Binomial(20000, 0.1): five standard deviations are 212.
        assert!(counts.iter().all(|&count| count.abs_diff(2000) < 212), "{counts:?}");
    }

    #[test]
    fn undefined_replicates_are_counted_and_refused_when_many() {
        let settings = Bootstrap { resamples: 500, ..Bootstrap::default() };
        let missing = |absent: usize| {
            move |rows: &[usize]| if rows.iter().any(|&row| row < absent) { 1.0 } else { f64::NAN }
        };
        let few = settings.replicates(20, missing(4)).unwrap();
        assert!(few.undefined > 0 && few.values.len() + few.undefined == 500);
        let error = settings.replicates(20, missing(1)).unwrap_err();
        assert!(matches!(error, StatsError::UndefinedReplicates { resamples: 500, .. }));
        let error = settings.replicates(20, |_| f64::NAN).unwrap_err();
        assert_eq!(error, StatsError::Undefined { values: 20 });
    }

    #[test]
    fn refuses_bad_settings() {
        let run = |settings: Bootstrap, count| settings.replicates(count, |_| 0.0).unwrap_err();
        let settings = Bootstrap::default();
        assert_eq!(
            run(settings, 1),
            StatsError::TooFew { what: "a bootstrap", needed: 2, actual: 1 }
        );
        assert_eq!(run(Bootstrap { resamples: 0, ..settings }, 5), StatsError::NoResamples);
        assert_eq!(
            run(Bootstrap { level: 1.0, ..settings }, 5),
            StatsError::NotAProbability { what: "level", actual: 1.0 }
        );
    }

    #[test]
    fn interval_survives_json() {
        let interval = Interval { estimate: 0.1 + 0.2, low: -1.0e-300, high: 7.0 };
        let text = serde_json::to_string(&interval).unwrap();
        assert_eq!(serde_json::from_str::<Interval>(&text).unwrap(), interval);
    }
}
