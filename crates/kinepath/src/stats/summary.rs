//! What a column looks like in a few numbers.

use serde::{Deserialize, Serialize};

use super::{
    error::{StatsError, check_count, check_finite, check_length},
    groups::Resampling,
    quantile::quantile_of_sorted,
    resample::{Bootstrap, Interval, bootstrap},
};

/// Location and spread of a column, in its unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Number of values.
    pub count: usize,
    /// Arithmetic mean.
    pub mean: f64,
    /// Standard deviation with divisor `n − 1`; 0 for a single value.
    pub sd: f64,
    /// Smallest value.
    pub min: f64,
    /// 25 % quantile.
    pub lower_quartile: f64,
    /// 50 % quantile.
    pub median: f64,
    /// 75 % quantile.
    pub upper_quartile: f64,
    /// Largest value.
    pub max: f64,
}

/// The arithmetic mean of `values`.
///
/// # Errors
/// [`StatsError::TooFew`] for an empty column, [`StatsError::NotANumber`] for a NaN or infinity.
pub fn mean(values: &[f64]) -> Result<f64, StatsError> {
    check_count("a mean", 1, values.len())?;
    check_finite("the column", values)?;
    Ok(mean_of(values.iter().copied()))
}

/// The mean of `values` with its percentile bootstrap interval.
///
/// # Errors
/// [`StatsError::NotANumber`] for a NaN or infinity, else those of [`Bootstrap::replicates`].
pub fn mean_interval(values: &[f64], settings: &Bootstrap) -> Result<Interval, StatsError> {
    check_finite("the column", values)?;
    bootstrap(values.len(), settings, |rows| mean_of_rows(values, rows))
}

/// The mean of a column over some of its rows, such as those of a bin, with its percentile bootstrap
/// interval; they are resampled as they came about in `sample` ([`Resampling::subset`]).
///
/// # Errors
/// [`StatsError::LengthMismatch`] unless the column has a value for every row of the sample, those
/// of [`Resampling::subset`], else those of [`mean_interval`].
///
/// # Example
/// ```
/// use kinepath::stats::{Bootstrap, Resampling, mean_interval_of_rows};
///
/// // Two seeds that differ: over their even rows, the mean is as uncertain as the seeds make it.
/// let values: Vec<f64> = (0..40).map(|row| f64::from(row / 20) + 0.01 * f64::from(row % 7)).collect();
/// let rows: Vec<usize> = (0..40).step_by(2).collect();
/// let mean = |sample| mean_interval_of_rows(&values, &rows, &sample, &Bootstrap::default());
/// let (flat, nested) = (mean(Resampling::flat(40))?, mean(Resampling::nested(&[20, 20])?)?);
/// assert_eq!(flat.estimate, nested.estimate);
/// assert!(nested.high - nested.low > 2.0 * (flat.high - flat.low));
/// # Ok::<(), kinepath::stats::StatsError>(())
/// ```
pub fn mean_interval_of_rows(
    values: &[f64],
    rows: &[usize],
    sample: &Resampling,
    settings: &Bootstrap,
) -> Result<Interval, StatsError> {
    check_length("the column", sample.count(), values.len())?;
    let (sample, rows) = sample.subset(rows)?;
    let values: Vec<f64> = rows.iter().map(|&row| values[row]).collect();
    check_finite("the column", &values)?;
    bootstrap(sample, settings, |rows| mean_of_rows(&values, rows))
}

/// Mean, standard deviation and quartiles of `values`.
///
/// # Errors
/// [`StatsError::TooFew`] for an empty column, [`StatsError::NotANumber`] for a NaN or infinity.
///
/// # Example
/// ```
/// let summary = kinepath::stats::summarize(&[1.0, 2.0, 3.0, 6.0])?;
/// assert_eq!((summary.mean, summary.median, summary.max), (3.0, 2.5, 6.0));
/// # Ok::<(), kinepath::stats::StatsError>(())
/// ```
pub fn summarize(values: &[f64]) -> Result<Summary, StatsError> {
    let mean = mean(values)?;
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = values.len();
    Ok(Summary {
        count,
        mean,
        sd: sd_of(values),
        min: sorted[0],
        lower_quartile: quantile_of_sorted(&sorted, 0.25),
        median: quantile_of_sorted(&sorted, 0.5),
        upper_quartile: quantile_of_sorted(&sorted, 0.75),
        max: sorted[count - 1],
    })
}

/// The mean of at least one number.
pub(super) fn mean_of(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len();
    values.sum::<f64>() / count as f64
}

/// The mean of a column on `rows`, which may repeat; NaN without rows.
///
/// # Panics
/// For a row that the column does not have.
pub fn mean_of_rows(values: &[f64], rows: &[usize]) -> f64 {
    mean_of(rows.iter().map(|&row| values[row]))
}

/// The standard deviation of a column, with divisor `n − 1`; 0 below two values.
pub(crate) fn sd_of(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = mean_of(values.iter().copied());
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_offset_does_not_hide_the_spread() {
        let values: Vec<f64> = [1.0, 2.0, 3.0, 4.0].map(|value| value + 1.0e12).to_vec();
        let summary = summarize(&values).unwrap();
        assert_eq!(summary.sd, (5.0f64 / 3.0).sqrt());
        assert_eq!((summary.min, summary.max, summary.count), (1.0e12 + 1.0, 1.0e12 + 4.0, 4));
    }

    #[test]
    fn one_value_has_no_spread_and_none_is_an_error() {
        assert_eq!(summarize(&[2.0]).unwrap().sd, 0.0);
        assert_eq!(
            summarize(&[]).unwrap_err(),
            StatsError::TooFew { what: "a mean", needed: 1, actual: 0 }
        );
        let column = "the column".to_owned();
        assert_eq!(
            mean_interval(&[0.0, f64::INFINITY], &Bootstrap::default()).unwrap_err(),
            StatsError::NotANumber { column, row: 1 }
        );
    }

    #[test]
    fn interval_of_a_constant_is_a_point() {
        let interval = mean_interval(&[3.0; 9], &Bootstrap::default()).unwrap();
        assert_eq!(interval, Interval { estimate: 3.0, low: 3.0, high: 3.0 });
    }
}
