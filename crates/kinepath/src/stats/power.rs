//! What a comparison could have seen.

use super::{
    error::{StatsError, check_between_0_and_1, check_count, check_finite},
    normal::normal_quantile,
};

/// The power that is customary where none is prescribed: an effect counts as detectable when it
/// is found in four of five repetitions.
pub const DEFAULT_POWER: f64 = 0.8;

/// The smallest effect, in the unit of `standard_error`, that a two-sided test at the confidence
/// level `level` (significance `α = 1 − level`) finds with probability `power`:
///
/// ```text
/// (z_{1 − α/2} + z_{power}) · standard error
/// ```
///
/// The standard error may be that of bootstrap replicates
/// ([`Replicates::standard_error`](super::Replicates::standard_error)) of a figure or of a
/// difference. Assumes that the estimate is normal with this standard error whatever the effect,
/// and ignores findings of the wrong sign, as `statsmodels.stats.power.normal_sample_size_one_tail`
/// does at `α/2`. A power of no more than `α/2` needs no effect: 0.
///
/// # Errors
/// [`StatsError::NotAnAmount`] for a standard error that is negative or not finite,
/// [`StatsError::NotAProbability`] for a level or a power outside (0, 1).
///
/// # Example
/// ```
/// use kinepath::stats::{DEFAULT_POWER, minimum_detectable_effect};
///
/// // A share of 40 % among 500 samples.
/// let standard_error = (0.4f64 * 0.6 / 500.0).sqrt();
/// let effect = minimum_detectable_effect(standard_error, 0.95, DEFAULT_POWER)?;
/// assert!((effect - 0.0614).abs() < 1e-4);
/// # Ok::<(), kinepath::stats::StatsError>(())
/// ```
pub fn minimum_detectable_effect(
    standard_error: f64,
    level: f64,
    power: f64,
) -> Result<f64, StatsError> {
    check_between_0_and_1("level", level)?;
    check_between_0_and_1("power", power)?;
    if !(standard_error >= 0.0 && standard_error.is_finite()) {
        return Err(StatsError::NotAnAmount { what: "a standard error", actual: standard_error });
    }
    let distance = -normal_quantile((1.0 - level) / 2.0) + normal_quantile(power);
    Ok((distance * standard_error).max(0.0))
}

/// How many samples a comparison needs to detect `effect` (of either sign, in the unit of
/// `standard_error`), from the standard error that `count` samples gave:
/// `⌈count · (minimum detectable effect / effect)²⌉`, at least 1.
///
/// Assumes, beside what [`minimum_detectable_effect`] does, that the standard error falls as
/// `1/√n`: so it does for means and smooth figures of independent samples, not for a mean over few
/// seeds.
///
/// `None` when no number of samples suffices: an effect of 0 with a standard error above it, or a
/// number beyond what `usize` holds.
///
/// # Errors
/// [`StatsError::TooFew`] for a `count` of 0, [`StatsError::NotANumber`] for an effect that is not
/// finite, else those of [`minimum_detectable_effect`].
///
/// # Example
/// ```
/// use kinepath::stats::{DEFAULT_POWER, samples_needed};
///
/// // 500 samples gave a standard error of 0.03: to detect a difference of 0.02 takes many more.
/// assert_eq!(samples_needed(500, 0.03, 0.02, 0.95, DEFAULT_POWER)?, Some(8830));
/// assert_eq!(samples_needed(500, 0.03, 0.0, 0.95, DEFAULT_POWER)?, None);
/// # Ok::<(), kinepath::stats::StatsError>(())
/// ```
pub fn samples_needed(
    count: usize,
    standard_error: f64,
    effect: f64,
    level: f64,
    power: f64,
) -> Result<Option<usize>, StatsError> {
    check_count("a standard error", 1, count)?;
    check_finite("the effect", &[effect])?;
    let detectable = minimum_detectable_effect(standard_error, level, power)?;
    if effect == 0.0 {
        return Ok(None);
    }
    let needed = (count as f64 * (detectable / effect).powi(2)).ceil().max(1.0);
    // `usize::MAX` as a float is one more than `usize` holds.
    Ok((needed < usize::MAX as f64).then_some(needed as usize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::normal::normal_cdf;

    #[test]
    fn the_effect_is_found_with_the_power_asked_for() {
        for (level, power) in [(0.95, 0.8), (0.9, 0.5), (0.99, 0.95)] {
            let effect = minimum_detectable_effect(2.0, level, power).unwrap();
            let critical = -normal_quantile((1.0 - level) / 2.0);
            assert!((normal_cdf(effect / 2.0 - critical) - power).abs() < 1.0e-9);
        }
        assert_eq!(minimum_detectable_effect(2.0, 0.9, 0.04), Ok(0.0));
    }

    #[test]
    fn samples_at_the_edges() {
        let needed = |error, effect| samples_needed(100, error, effect, 0.95, 0.8).unwrap();
        let effect = minimum_detectable_effect(0.3, 0.95, 0.8).unwrap();
        assert_eq!((needed(0.3, effect), needed(0.3, -effect)), (Some(100), Some(100)));
        assert_eq!((needed(0.3, 0.0), needed(0.3, 1.0e-12)), (None, None));
        assert_eq!(
            (needed(0.0, 0.5), needed(0.3, 1.0e9), needed(0.0, 0.0)),
            (Some(1), Some(1), None)
        );
    }

    #[test]
    fn refuses_bad_input() {
        let effect =
            |error, level, power| minimum_detectable_effect(error, level, power).unwrap_err();
        assert_eq!(
            effect(-1.0, 0.95, 0.8),
            StatsError::NotAnAmount { what: "a standard error", actual: -1.0 }
        );
        assert!(matches!(effect(f64::NAN, 0.95, 0.8), StatsError::NotAnAmount { .. }));
        assert_eq!(
            effect(1.0, 1.0, 0.8),
            StatsError::NotAProbability { what: "level", actual: 1.0 }
        );
        assert_eq!(
            effect(1.0, 0.95, 0.0),
            StatsError::NotAProbability { what: "power", actual: 0.0 }
        );
        let needed = |count, effect| samples_needed(count, 1.0, effect, 0.95, 0.8).unwrap_err();
        assert_eq!(
            needed(0, 1.0),
            StatsError::TooFew { what: "a standard error", needed: 1, actual: 0 }
        );
        let column = "the effect".to_owned();
        assert_eq!(needed(5, f64::NAN), StatsError::NotANumber { column, row: 0 });
    }
}
