//! The interval of a share of independent trials.

use super::{
    error::{StatsError, check_between_0_and_1, check_count},
    normal::normal_quantile,
    resample::Interval,
};

/// Wilson's score interval of the share `successes / trials` at a confidence level.
///
/// For a share of 0 or 1 it still has a width, where every resample repeats the same value and
/// each bootstrap interval is a point. With `z = Φ⁻¹((1 + level) / 2)` its ends are
///
/// ```text
/// (p + z²/(2n) ± z √(p (1 − p)/n + z²/(4n²))) / (1 + z²/n)
/// ```
///
/// Wilson (1927). Agrees with `statsmodels.stats.proportion.proportion_confint(method="wilson")`.
/// Trials must be independent.
///
/// # Errors
/// [`StatsError::TooFew`] without trials, [`StatsError::NotAProbability`] for more successes than
/// trials or a level outside (0, 1).
///
/// # Example
/// ```
/// let none = kinepath::stats::wilson_interval(0, 500, 0.95)?;
/// assert_eq!((none.estimate, none.low), (0.0, 0.0));
/// assert!((none.high - 0.0076).abs() < 1e-4);
/// # Ok::<(), kinepath::stats::StatsError>(())
/// ```
pub fn wilson_interval(
    successes: usize,
    trials: usize,
    level: f64,
) -> Result<Interval, StatsError> {
    check_count("the interval of a share", 1, trials)?;
    check_between_0_and_1("level", level)?;
    let count = trials as f64;
    let share = successes as f64 / count;
    if successes > trials {
        return Err(StatsError::NotAProbability { what: "a share", actual: share });
    }
    let z = normal_quantile((1.0 - level) / 2.0);
    let spread = z * z / count;
    let centre = share + spread / 2.0;
    let half = (spread * (share * (1.0 - share) + spread / 4.0)).sqrt();
    // These two ends are exact; rounding must not move them off the estimate.
    let low = if successes == 0 { 0.0 } else { (centre - half) / (1.0 + spread) };
    let high = if successes == trials { 1.0 } else { (centre + half) / (1.0 + spread) };
    Ok(Interval { estimate: share, low, high })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_bad_input() {
        assert_eq!(
            wilson_interval(0, 0, 0.95).unwrap_err(),
            StatsError::TooFew { what: "the interval of a share", needed: 1, actual: 0 }
        );
        assert_eq!(
            wilson_interval(6, 5, 0.95).unwrap_err(),
            StatsError::NotAProbability { what: "a share", actual: 1.2 }
        );
        assert_eq!(
            wilson_interval(3, 5, 0.0).unwrap_err(),
            StatsError::NotAProbability { what: "level", actual: 0.0 }
        );
    }

    proptest! {
        /// The ends are the shares from which the estimate is exactly z standard errors away.
        #[test]
        fn ends_solve_the_score_equation(trials in 1usize..2000, part in 0.0f64..=1.0) {
            let successes = (part * trials as f64).round() as usize;
            let interval = wilson_interval(successes, trials, 0.9).unwrap();
            let z = normal_quantile(0.95);
            for end in [interval.low, interval.high] {
                let distance = (interval.estimate - end).abs();
                let error = (end * (1.0 - end) / trials as f64).sqrt();
                prop_assert!((distance - z * error).abs() < 1.0e-9, "{:?}", interval);
            }
            let mirrored = wilson_interval(trials - successes, trials, 0.9).unwrap();
            prop_assert!((mirrored.low - (1.0 - interval.high)).abs() < 1.0e-12);
            prop_assert!(interval.low <= interval.estimate && interval.estimate <= interval.high);
        }
    }
}
