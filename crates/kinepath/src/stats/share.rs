//! Shares of flags.

use super::{
    error::{StatsError, check_length},
    groups::Resampling,
    resample::{Bootstrap, Interval, bootstrap},
    wilson::wilson_interval,
};

/// The share of `flags` that are set, with its interval over `sample`.
///
/// Where rows are independent the interval is [Wilson's](wilson_interval), which unlike a bootstrap's has
/// a width where no flag is set, or all are, and does not reach 0 where a few are. Where seeds are
/// resampled as well, it covers both Wilson's and that of percentiles, which alone knows how much seeds
/// differ.
///
/// # Errors
/// [`StatsError::LengthMismatch`] unless the sample has a row for every flag, else those of
/// [`wilson_interval`] and [`Bootstrap::replicates`].
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
    let set = flags.iter().filter(|&&flag| flag).count();
    let share = wilson_interval(set, flags.len(), settings.level)?;
    if sample.is_flat() {
        return Ok(share);
    }
    let set = |rows: &[usize]| rows.iter().filter(|&&row| flags[row]).count();
    let seeds = bootstrap(sample, settings, |rows| set(rows) as f64 / rows.len() as f64)?;
    Ok(Interval { low: share.low.min(seeds.low), high: share.high.max(seeds.high), ..share })
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

/// The flags that a column of 0 and 1 stands for: its mean is then a share. `None` for other values.
#[must_use]
pub fn flags(column: &[f64]) -> Option<Vec<bool>> {
    let flag = |value: &f64| match value {
        0.0 => Some(false),
        1.0 => Some(true),
        _ => None,
    };
    column.iter().map(flag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_hits_are_not_none() {
        let some: Vec<bool> = (0..128).map(|i| i < 2).collect();
        let share = share_interval(&some, 128, &Bootstrap::default()).unwrap();
        assert_eq!(share, wilson_interval(2, 128, 0.95).unwrap());
        assert!(share.low > 0.0);
    }

    #[test]
    fn seeds_that_differ_widen_the_interval() {
        // None of the first seed's samples, and all of the second's.
        let divided: Vec<bool> = (0..40).map(|i| i >= 20).collect();
        let seeds = Resampling::nested(&[20, 20]).unwrap();
        let settings = Bootstrap::default();
        let share = share_interval(&divided, seeds.clone(), &settings).unwrap();
        assert_eq!((share.estimate, share.low, share.high), (0.5, 0.0, 1.0));
        // Seeds that agree leave what samples allow.
        let alike: Vec<bool> = (0..40).map(|i| i % 2 == 0).collect();
        let wilson = wilson_interval(20, 40, 0.95).unwrap();
        let share = share_interval(&alike, seeds, &settings).unwrap();
        assert!(share.low <= wilson.low && share.high >= wilson.high, "{share:?}");
        assert!(share.high - share.low < 1.3 * (wilson.high - wilson.low), "{share:?}");
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
        assert!(matches!(share_interval(&[], 0, &settings), Err(StatsError::TooFew { .. })));
    }

    #[test]
    fn only_zeros_and_ones_are_flags() {
        assert_eq!(flags(&[0.0, 1.0, -0.0]), Some(vec![false, true, false]));
        assert_eq!(flags(&[0.0, 0.5]), None);
        assert_eq!(flags(&[f64::NAN]), None);
    }
}
