//! Differences of shares between two settings measured on the same samples.

use super::{
    error::{StatsError, check_between_0_and_1, check_count},
    normal::normal_quantile,
    resample::Interval,
    share::flags,
};

/// The difference of two shares of the same `pairs` samples: `gained` have a flag in the variant alone,
/// `lost` in the baseline alone. Also its standard error.
///
/// The estimate is `(gained − lost) / pairs`. The interval is the adjusted one of Bonett & Price
/// (2012): with one pair more on each side, `p = (gained + 1)/(n + 2)` and `q = (lost + 1)/(n + 2)`,
///
/// ```text
/// p − q ± z √((p + q − (p − q)²) / (n + 2))
/// ```
///
/// and the root is the standard error. Where few pairs change, a bootstrap repeats the same few, and
/// its interval is too short, or a point where none does. Pairs must be independent.
///
/// # Errors
/// [`StatsError::TooFew`] without pairs, [`StatsError::NotAProbability`] for more changes than pairs
/// or a level outside (0, 1).
///
/// # Example
/// ```
/// use kinepath::stats::paired_share_interval;
///
/// // Five of 64 samples are no longer memorized: not yet an effect at this level.
/// let (difference, _) = paired_share_interval(0, 5, 64, 0.95)?;
/// assert!(difference.estimate == -5.0 / 64.0 && difference.high > 0.0);
/// # Ok::<(), kinepath::stats::StatsError>(())
/// ```
pub fn paired_share_interval(
    gained: usize,
    lost: usize,
    pairs: usize,
    level: f64,
) -> Result<(Interval, f64), StatsError> {
    check_count("a difference of shares", 1, pairs)?;
    check_between_0_and_1("level", level)?;
    let count = pairs as f64;
    let changed = gained.saturating_add(lost);
    if changed > pairs {
        let actual = changed as f64 / count;
        return Err(StatsError::NotAProbability { what: "a share of changes", actual });
    }
    let share = |changes: usize| (changes as f64 + 1.0) / (count + 2.0);
    let (up, down) = (share(gained), share(lost));
    let standard_error = ((up + down - (up - down).powi(2)) / (count + 2.0)).sqrt();
    let half = -normal_quantile((1.0 - level) / 2.0) * standard_error;
    let estimate = (gained as f64 - lost as f64) / count;
    let interval = Interval {
        estimate,
        low: (up - down - half).clamp(-1.0, estimate),
        high: (up - down + half).clamp(estimate, 1.0),
    };
    Ok((interval, standard_error))
}

/// How many samples have a flag in `variant` alone, and how many in `baseline` alone, if both columns are
/// of flags, 0 and 1: their means are then shares, whose difference [`paired_share_interval`] is about.
///
/// Row i of both is the same sample; what one column has more of is not looked at.
#[must_use]
pub fn changed_flags(baseline: &[f64], variant: &[f64]) -> Option<(usize, usize)> {
    let length = baseline.len().min(variant.len());
    let (baseline, variant) = (flags(&baseline[..length])?, flags(&variant[..length])?);
    let pairs = || baseline.iter().zip(&variant);
    let gained = pairs().filter(|(base, own)| !**base && **own).count();
    let lost = pairs().filter(|(base, own)| **base && !**own).count();
    Some((gained, lost))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_flags_change() {
        let baseline = [0.0, 1.0, 1.0, 0.0, -0.0];
        assert_eq!(changed_flags(&baseline, &[1.0, 0.0, 0.0, 0.0, 0.0]), Some((1, 2)));
        assert_eq!(changed_flags(&baseline, &[1.0, 0.5, 0.0, 0.0, 0.0]), None);
        assert_eq!(changed_flags(&[f64::NAN], &[1.0]), None);
        assert_eq!(changed_flags(&[1.0, f64::NAN], &[0.0]), Some((0, 1)));
    }

    #[test]
    fn refuses_bad_input() {
        assert_eq!(
            paired_share_interval(0, 0, 0, 0.95).unwrap_err(),
            StatsError::TooFew { what: "a difference of shares", needed: 1, actual: 0 }
        );
        assert_eq!(
            paired_share_interval(3, 3, 5, 0.95).unwrap_err(),
            StatsError::NotAProbability { what: "a share of changes", actual: 1.2 }
        );
        assert!(paired_share_interval(1, 1, 5, 1.0).is_err());
    }

    /// The probability of holding the truth, summed over all outcomes: at least about the level, also
    /// where few pairs change.
    #[test]
    fn intervals_hold_the_truth_as_often_as_they_say() {
        for (pairs, gains, losses) in
            [(64, 0.04, 0.04), (64, 0.01, 0.10), (40, 0.0, 0.05), (200, 0.1, 0.2), (30, 0.3, 0.3)]
        {
            let ln = |count: usize| -> f64 { (1..=count).map(|i| (i as f64).ln()).sum() };
            let power = |p: f64, count: usize| if count == 0 { 0.0 } else { count as f64 * p.ln() };
            let mut covered = 0.0;
            for gained in 0..=pairs {
                for lost in 0..=pairs - gained {
                    let same = pairs - gained - lost;
                    let chance = ln(pairs) - ln(gained) - ln(lost) - ln(same)
                        + power(gains, gained)
                        + power(losses, lost)
                        + power(1.0 - gains - losses, same);
                    let (interval, _) = paired_share_interval(gained, lost, pairs, 0.95).unwrap();
                    if interval.low <= gains - losses && gains - losses <= interval.high {
                        covered += chance.exp();
                    }
                }
            }
            assert!((0.94..1.0).contains(&covered), "{pairs} {gains} {losses}: {covered}");
        }
    }

    proptest! {
        #[test]
        fn swapping_the_sides_mirrors(pairs in 1usize..500, gained in 0.0f64..1.0, lost in 0.0f64..1.0) {
            let gained = (gained * pairs as f64) as usize;
            let lost = (lost * (pairs - gained) as f64) as usize;
            let (interval, error) = paired_share_interval(gained, lost, pairs, 0.9).unwrap();
            let (mirrored, same) = paired_share_interval(lost, gained, pairs, 0.9).unwrap();
            prop_assert!((interval.low + mirrored.high).abs() < 1e-12 && error == same);
            prop_assert!(interval.low <= interval.estimate && interval.estimate <= interval.high);
            prop_assert!(interval.low < interval.high && error > 0.0);
        }
    }
}
