//! A statistic on the draws of a resampling scheme.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{error::StatsError, quantile::median, summary::sd_of};

/// Share of replicates that may be undefined before a result is refused.
const MOST_UNDEFINED: f64 = 0.1;

/// Relative distance within which two values of one statistic count as equal: the same numbers
/// summed in another order differ by less.
pub(super) const ROUNDING: f64 = 1.0e-12;

/// The bootstrap distribution of a statistic.
#[derive(Debug, Clone, PartialEq)]
pub struct Replicates {
    /// The statistic on the full sample.
    pub(super) estimate: f64,
    /// The statistic on each resample where it is defined, in the order of the replicates.
    pub(super) values: Vec<f64>,
    /// Resamples on which it is not defined (NaN or infinite).
    pub(super) undefined: usize,
}

impl Replicates {
    /// Of a statistic that is `estimate` on the full sample and has these values on resamples. Those
    /// on which it is undefined, NaN or infinite, are left out.
    ///
    /// # Errors
    /// [`StatsError::NoResamples`] without a value, [`StatsError::UndefinedReplicates`] when more
    /// than a tenth are undefined.
    pub fn of(estimate: f64, mut values: Vec<f64>) -> Result<Self, StatsError> {
        if values.is_empty() {
            return Err(StatsError::NoResamples);
        }
        let undefined = keep_defined(&mut values)?;
        Ok(Self { estimate, values, undefined })
    }

    /// Evaluates replicates `0..count` in parallel, each with a buffer to draw into, and keeps the
    /// defined ones.
    pub(super) fn evaluate<B>(
        estimate: f64,
        count: usize,
        buffer: impl Fn() -> B + Sync + Send,
        value: impl Fn(&mut B, usize) -> f64 + Sync + Send,
    ) -> Result<Self, StatsError> {
        Self::of(estimate, (0..count).into_par_iter().map_init(buffer, value).collect())
    }

    /// The values, shifted until their median is the estimate.
    ///
    /// A resample repeats rows, so it is less diverse than the sample, and figures of a whole set can
    /// be off on it to one side.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] without a value.
    pub fn centred(mut self) -> Result<Self, StatsError> {
        let bias = median(&self.values)? - self.estimate;
        self.values.iter_mut().for_each(|value| *value -= bias);
        Ok(self)
    }

    /// The bootstrap standard error, in the statistic's unit: the standard deviation of the
    /// values with divisor `R − 1`; 0 for a single one.
    #[must_use]
    pub fn standard_error(&self) -> f64 {
        sd_of(&self.values)
    }
}

/// Drops the values that are NaN or infinite and counts them, or refuses when they are more than a
/// tenth.
pub(super) fn keep_defined(values: &mut Vec<f64>) -> Result<usize, StatsError> {
    let resamples = values.len();
    values.retain(|value| value.is_finite());
    let undefined = resamples - values.len();
    if undefined as f64 > MOST_UNDEFINED * resamples as f64 {
        return Err(StatsError::UndefinedReplicates { undefined, resamples });
    }
    Ok(undefined)
}

/// The value of a statistic on all `rows` of a sample, refused where it is undefined.
pub(super) fn check_defined(value: f64, rows: usize) -> Result<f64, StatsError> {
    if value.is_finite() { Ok(value) } else { Err(StatsError::Undefined { values: rows }) }
}

/// Whether a value of a statistic is `reference` but for rounding.
pub(super) fn equal_within_rounding(value: f64, reference: f64) -> bool {
    (value - reference).abs() <= ROUNDING * reference.abs()
}

/// The generator of one replicate: stream `replicate` of ChaCha8 under `seed`.
pub(super) fn stream(seed: u64, replicate: usize) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(replicate as u64);
    generator
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_error_by_hand() {
        let error = |values: &[f64]| Replicates::of(0.0, values.to_vec()).unwrap().standard_error();
        assert_eq!(error(&[1.0, 2.0, 3.0, 4.0]), (5.0f64 / 3.0).sqrt());
        assert_eq!(error(&[7.0]), 0.0);
    }

    #[test]
    fn a_tenth_may_be_undefined() {
        let mut values = vec![1.0; 10];
        values[3] = f64::NAN;
        let replicates = Replicates::of(1.0, values.clone()).unwrap();
        assert_eq!((replicates.values, replicates.undefined), (vec![1.0; 9], 1));
        values[7] = f64::INFINITY;
        assert_eq!(
            Replicates::of(1.0, values),
            Err(StatsError::UndefinedReplicates { undefined: 2, resamples: 10 })
        );
        assert_eq!(Replicates::of(1.0, Vec::new()), Err(StatsError::NoResamples));
    }

    #[test]
    fn centred_replicates_lie_around_the_estimate() {
        let shifted = Replicates::of(5.0, vec![1.0, 2.0, 9.0]).unwrap().centred().unwrap();
        assert_eq!(shifted.values, [4.0, 5.0, 12.0]);
        assert_eq!(shifted.estimate, 5.0);
    }
}
