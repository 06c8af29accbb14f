//! Shares of flags, with intervals that have a width where no resample differs.

use super::{
    error::{StatsError, check_length},
    groups::Resampling,
    resample::{Bootstrap, Interval, bootstrap},
    wilson::settled_share,
};

/// The share of `flags` that are set, with its percentile bootstrap interval over `sample`.
///
/// Where none is set, or all are, the interval is [Wilson's](super::wilson_interval), as of independent
/// flags: see [`settled_share`].
///
/// # Errors
/// [`StatsError::LengthMismatch`] unless the sample has a row for every flag, else those of
/// [`Bootstrap::replicates`].
///
/// # Example
/// ```
/// use kinepath::stats::{Bootstrap, share_interval};
///
/// let none = share_interval(&[false; 500], 500, &Bootstrap::default())?;
/// assert_eq!((none.estimate, none.low), (0.0, 0.0));
/// assert!((none.high - 0.0076).abs() < 1e-4);
/// # Ok::<(), kinepath::stats::StatsError>(())
/// ```
pub fn share_interval(
    flags: &[bool],
    sample: impl Into<Resampling>,
    settings: &Bootstrap,
) -> Result<Interval, StatsError> {
    let sample = sample.into();
    check_length("the column of flags", sample.count(), flags.len())?;
    let set = |rows: &[usize]| rows.iter().filter(|&&row| flags[row]).count();
    let interval = bootstrap(sample, settings, |rows| set(rows) as f64 / rows.len() as f64)?;
    let settled = settled_share(flags.iter().map(|&flag| f64::from(flag)), settings.level)?;
    Ok(settled.unwrap_or(interval))
}

/// [`share_interval`] over some rows of a sample, such as those of a bin, which are resampled as they
/// came about in it ([`Resampling::subset`]).
///
/// # Errors
/// Those of [`share_interval`] and of [`Resampling::subset`].
pub fn share_interval_of_rows(
    flags: &[bool],
    rows: &[usize],
    sample: &Resampling,
    settings: &Bootstrap,
) -> Result<Interval, StatsError> {
    check_length("the column of flags", sample.count(), flags.len())?;
    let (sample, rows) = sample.subset(rows)?;
    let flags: Vec<bool> = rows.iter().map(|&row| flags[row]).collect();
    share_interval(&flags, sample, settings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::wilson_interval;

    #[test]
    fn a_share_is_the_mean_of_its_flags_where_they_vary() {
        let flags: Vec<bool> = (0..60).map(|i| i % 3 == 0).collect();
        let column: Vec<f64> = flags.iter().map(|&flag| f64::from(flag)).collect();
        let settings = Bootstrap::default();
        let mean = crate::stats::mean_interval(&column, &settings).unwrap();
        assert_eq!(share_interval(&flags, 60, &settings).unwrap(), mean);
    }

    #[test]
    fn a_share_that_does_not_vary_is_uncertain_all_the_same() {
        let settings = Bootstrap::default();
        let flags: Vec<bool> = (0..40).map(|i| i >= 20).collect();
        let sample = Resampling::nested(&[20, 20]).unwrap();
        for (start, hits) in [(0, 0), (20, 20)] {
            let rows: Vec<usize> = (start..start + 20).collect();
            let share = share_interval_of_rows(&flags, &rows, &sample, &settings).unwrap();
            assert_eq!(share, wilson_interval(hits, 20, 0.95).unwrap());
        }
        assert!(matches!(
            share_interval(&flags, 39, &settings),
            Err(StatsError::LengthMismatch { .. })
        ));
    }
}
