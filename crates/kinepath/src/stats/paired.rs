//! Differences between two settings measured on the same samples.

use serde::{Deserialize, Serialize};

use super::{
    error::StatsError,
    groups::Resampling,
    resample::{Bootstrap, Interval},
};

/// How a variant differs from its baseline.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairedDifference {
    /// The statistic of the baseline on the full sample.
    pub baseline: f64,
    /// The statistic of the variant on the full sample.
    pub variant: f64,
    /// Variant minus baseline, with its percentile interval.
    pub difference: Interval,
    /// Two-sided bootstrap p-value of no difference, in (0, 1].
    pub p_value: f64,
}

/// Bootstrap of the difference `variant(rows) − baseline(rows)`, the same rows in both. `sample` is
/// as in [`bootstrap`](super::bootstrap).
///
/// Row `i` must be the same sample (the same noise) in both settings: the variation that they
/// share then cancels. The statistics are arbitrary; NaN means undefined, as in
/// [`Bootstrap::replicates`].
///
/// The p-value inverts the percentile interval: with R defined replicates `Δ*` of the difference,
///
/// ```text
/// p = min(1, 2 (1 + min(#{Δ* ≤ 0}, #{Δ* ≥ 0})) / (R + 1))
/// ```
///
/// Counting one more keeps it above 0 (Davison & Hinkley 1997, §4.2.5). It cannot be below
/// `2 / (R + 1)`, so that a Benjamini–Hochberg correction over m hypotheses needs R well above
/// `2m / level` before a single finding can stand alone.
///
/// # Errors
/// Those of [`Bootstrap::replicates`], for the difference.
///
/// # Example
/// ```
/// use kinepath::stats::{Bootstrap, paired_bootstrap};
///
/// let baseline: Vec<f64> = (0..60).map(|i| f64::from(i).sin()).collect();
/// let variant: Vec<f64> = baseline.iter().map(|value| value - 0.5).collect();
/// let mean = |column: &[f64], rows: &[usize]| {
///     rows.iter().map(|&row| column[row]).sum::<f64>() / rows.len() as f64
/// };
/// let settings = Bootstrap::default();
/// let outcome =
///     paired_bootstrap(60, &settings, |rows| mean(&baseline, rows), |rows| mean(&variant, rows))?;
/// assert!((outcome.difference.estimate + 0.5).abs() < 1e-12);
/// assert!((outcome.difference.high + 0.5).abs() < 1e-12);
/// assert!(outcome.p_value < 0.01);
/// # Ok::<(), kinepath::stats::StatsError>(())
/// ```
pub fn paired_bootstrap(
    sample: impl Into<Resampling>,
    settings: &Bootstrap,
    baseline: impl Fn(&[usize]) -> f64 + Sync,
    variant: impl Fn(&[usize]) -> f64 + Sync,
) -> Result<PairedDifference, StatsError> {
    let sample = sample.into();
    let everything: Vec<usize> = (0..sample.count()).collect();
    let replicates = settings.replicates(sample, |rows| variant(rows) - baseline(rows))?;
    Ok(PairedDifference {
        baseline: baseline(&everything),
        variant: variant(&everything),
        difference: settings.percentile_interval(&replicates),
        p_value: two_sided_p_value(&replicates.values),
    })
}

/// The p-value of [`paired_bootstrap`], from the bootstrap replicates `Δ*` of a difference.
#[must_use]
pub fn two_sided_p_value(differences: &[f64]) -> f64 {
    let not_above = differences.iter().filter(|&&difference| difference <= 0.0).count();
    let not_below = differences.iter().filter(|&&difference| difference >= 0.0).count();
    let smaller_tail = (1 + not_above.min(not_below)) as f64;
    (2.0 * smaller_tail / (differences.len() + 1) as f64).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::summary::mean_of;

    fn noise(index: usize, salt: f64) -> f64 {
        // Sines of an irrational multiple of the square: spread over [−1, 1], no trend.
        ((index * index) as f64 * 0.618 + salt).sin()
    }

    #[test]
    fn p_value_by_hand() {
        assert_eq!(two_sided_p_value(&[1.0; 99]), 2.0 / 100.0);
        assert_eq!(two_sided_p_value(&[-1.0; 99]), 2.0 / 100.0);
        assert_eq!(two_sided_p_value(&[0.0; 99]), 1.0);
        let mut mixed = [1.0; 99];
        mixed[..9].fill(-1.0);
        assert_eq!(two_sided_p_value(&mixed), 20.0 / 100.0);
    }

    #[test]
    fn no_effect_is_rejected_about_as_often_as_the_level_says() {
        let settings = Bootstrap { resamples: 200, ..Bootstrap::default() };
        let rejected = (0..200)
            .filter(|&trial| {
                let shift = |index: usize| noise(index + 37 * trial, 0.3 + trial as f64);
                let outcome = paired_bootstrap(
                    80,
                    &settings,
                    |_| 0.0,
                    |rows| mean_of(rows.iter().map(|&row| shift(row))),
                );
                outcome.unwrap().p_value < 0.1
            })
            .count();
        assert!((5..=40).contains(&rejected), "{rejected} of 200 at level 0.1");
    }

    #[test]
    fn pairing_cancels_what_both_share() {
        let common = |row: usize| 100.0 * noise(row, 0.1);
        let own = |row: usize| 0.5 + 0.1 * noise(row, 0.9);
        let baseline = |rows: &[usize]| mean_of(rows.iter().map(|&row| common(row)));
        let variant = |rows: &[usize]| mean_of(rows.iter().map(|&row| common(row) + own(row)));
        let outcome = paired_bootstrap(100, &Bootstrap::default(), baseline, variant).unwrap();
        assert!(outcome.difference.low > 0.45 && outcome.difference.high < 0.55);
        assert!((outcome.variant - outcome.baseline - outcome.difference.estimate).abs() < 1.0e-9);
    }

    #[test]
    fn identical_settings_have_p_one() {
        let same = |rows: &[usize]| mean_of(rows.iter().map(|&row| noise(row, 0.2)));
        let outcome = paired_bootstrap(30, &Bootstrap::default(), same, same).unwrap();
        assert_eq!(outcome.p_value, 1.0);
        assert_eq!(outcome.difference, Interval { estimate: 0.0, low: 0.0, high: 0.0 });
    }
}
