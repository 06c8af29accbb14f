//! Correction for asking many questions at once.

use super::error::StatsError;

/// Benjamini–Hochberg adjusted p-values, in the order given.
///
/// Calling those at most `q` significant keeps the expected share of false findings among them
/// below `q` when the tests are independent or positively dependent. For `m` values sorted
/// ascending, `p̃_(i) = min_{j ≥ i} min(1, m p_(j) / j)`; Benjamini & Hochberg (1995). Agrees with
/// `scipy.stats.false_discovery_control(method="bh")`. No values give none.
///
/// # Errors
/// [`StatsError::NotAProbability`] for a NaN or a value outside [0, 1].
///
/// # Example
/// ```
/// let adjusted = kinepath::stats::benjamini_hochberg(&[0.01, 0.5, 0.02])?;
/// assert_eq!(adjusted, [0.03, 0.5, 0.03]);
/// # Ok::<(), kinepath::stats::StatsError>(())
/// ```
pub fn benjamini_hochberg(p_values: &[f64]) -> Result<Vec<f64>, StatsError> {
    if let Some(&actual) = p_values.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return Err(StatsError::NotAProbability { what: "a p-value", actual });
    }
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut smallest = 1.0f64;
    for (rank, &index) in order.iter().enumerate().rev() {
        // The quotient is taken first: it is at least 1, so rounding cannot go below the raw value.
        let factor = p_values.len() as f64 / (rank + 1) as f64;
        smallest = smallest.min(p_values[index] * factor);
        adjusted[index] = smallest;
    }
    Ok(adjusted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn edges() {
        assert_eq!(benjamini_hochberg(&[]).unwrap(), [0.0; 0]);
        assert_eq!(benjamini_hochberg(&[0.2]).unwrap(), [0.2]);
        assert_eq!(benjamini_hochberg(&[0.0, 1.0]).unwrap(), [0.0, 1.0]);
        let error = benjamini_hochberg(&[0.5, 1.5]).unwrap_err();
        assert_eq!(error, StatsError::NotAProbability { what: "a p-value", actual: 1.5 });
        assert!(benjamini_hochberg(&[f64::NAN]).is_err());
    }

    proptest! {
        #[test]
        fn never_below_the_raw_value_and_keeps_the_order(
            p in proptest::collection::vec(0.0f64..=1.0, 1..30),
        ) {
            let adjusted = benjamini_hochberg(&p).unwrap();
            for i in 0..p.len() {
                prop_assert!(adjusted[i] >= p[i] && adjusted[i] <= 1.0);
                for j in 0..p.len() {
                    prop_assert!(p[i] > p[j] || adjusted[i] <= adjusted[j]);
                }
            }
        }
    }
}
