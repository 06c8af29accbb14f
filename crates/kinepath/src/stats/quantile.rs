//! Quantiles of a column.

use super::error::{StatsError, check_count, check_no_nan};

/// The `q`-quantile of `values`, `q ∈ [0, 1]`: linear interpolation between order statistics at
/// position `q (n − 1)`, type 7 of Hyndman & Fan (1996), the default of `numpy.quantile`.
///
/// # Errors
/// [`StatsError::TooFew`] for an empty column, [`StatsError::NotANumber`] for a NaN,
/// [`StatsError::NotAProbability`] for `q` outside [0, 1].
///
/// # Example
/// ```
/// use kinepath::stats::quantile;
/// assert_eq!(quantile(&[4.0, 1.0, 3.0, 2.0], 0.25)?, 1.75);
/// # Ok::<(), kinepath::stats::StatsError>(())
/// ```
pub fn quantile(values: &[f64], q: f64) -> Result<f64, StatsError> {
    check_count("a quantile", 1, values.len())?;
    check_no_nan("the column", values)?;
    if !(0.0..=1.0).contains(&q) {
        return Err(StatsError::NotAProbability { what: "a quantile's position", actual: q });
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    Ok(quantile_of_sorted(&sorted, q))
}

/// The median of `values`: the 0.5-[`quantile`].
///
/// # Errors
/// [`StatsError::TooFew`] for an empty column, [`StatsError::NotANumber`] for a NaN.
pub fn median(values: &[f64]) -> Result<f64, StatsError> {
    quantile(values, 0.5)
}

/// The `q`-quantile of a column that is ascending and not empty.
pub(super) fn quantile_of_sorted(sorted: &[f64], q: f64) -> f64 {
    let position = q * (sorted.len() - 1) as f64;
    let below = sorted[position.floor() as usize];
    let above = sorted[position.ceil() as usize];
    // Equal neighbours are returned as they are: ∞ − ∞ would be NaN.
    if below == above { below } else { below + (above - below) * position.fract() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_values() {
        assert_eq!(quantile(&[5.0], 0.3).unwrap(), 5.0);
        assert_eq!(median(&[3.0, 1.0, 2.0]).unwrap(), 2.0);
        assert_eq!(median(&[4.0, 1.0]).unwrap(), 2.5);
        let infinite = [f64::INFINITY, 0.0, f64::INFINITY];
        assert_eq!(median(&infinite).unwrap(), f64::INFINITY);
    }

    #[test]
    fn refuses_bad_input() {
        assert_eq!(
            median(&[]).unwrap_err(),
            StatsError::TooFew { what: "a quantile", needed: 1, actual: 0 }
        );
        assert_eq!(
            median(&[1.0, f64::NAN]).unwrap_err(),
            StatsError::NotANumber { column: "the column".into(), row: 1 }
        );
        assert_eq!(
            quantile(&[1.0], 1.5).unwrap_err(),
            StatsError::NotAProbability { what: "a quantile's position", actual: 1.5 }
        );
    }

    proptest! {
        #[test]
        fn grows_with_q_between_the_extremes(
            values in proptest::collection::vec(-1.0e6f64..1.0e6, 1..40), a in 0.0f64..1.0, b in 0.0f64..1.0,
        ) {
            let (low, high) = (a.min(b), a.max(b));
            let (low, high) = (quantile(&values, low).unwrap(), quantile(&values, high).unwrap());
            prop_assert!(low <= high + 1.0e-9);
            prop_assert!(quantile(&values, 0.0).unwrap() <= low + 1.0e-9);
            prop_assert!(high <= quantile(&values, 1.0).unwrap() + 1.0e-9);
        }
    }
}
