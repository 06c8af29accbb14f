//! How often a point that cannot be a copy would pass for one.

use super::error::{MetricsError, check_column};

/// Gap ratios of held-out points, which were not trained on, as a yardstick for those of samples.
///
/// The guarantees hold for a new point that is exchangeable with the held-out ones (drawn like
/// them and measured against the same training set), at any number of them: its rank among them is
/// uniform up to ties. Vovk, Gammerman & Shafer (2005), "Algorithmic Learning in a Random World";
/// Bates et al. (2023), "Testing for outliers with conformal p-values", arXiv 2104.08279.
///
/// The share of held-out points below any threshold is their
/// [`memorization_curve`](super::memorization_curve).
///
/// # Example
/// ```
/// use kinepath::metrics::HeldOutRatios;
///
/// let held_out = HeldOutRatios::new(&[0.9, 0.5, 0.8, 0.7])?;
/// assert_eq!(held_out.p_values(&[0.1, 0.7, 1.0])?, [0.2, 0.6, 1.0]);
/// // At most one new point in five has a ratio below the smallest of four.
/// assert_eq!(held_out.threshold(0.2)?, 0.5);
/// assert_eq!(held_out.threshold(0.1)?, 0.0);
/// # Ok::<(), kinepath::metrics::MetricsError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct HeldOutRatios {
    ascending: Vec<f64>,
}

impl HeldOutRatios {
    /// Takes the gap ratios of at least one held-out point.
    ///
    /// # Errors
    /// [`MetricsError::TooFewPoints`] for none, [`MetricsError::NotFinite`] for a NaN or infinity.
    pub fn new(ratios: &[f64]) -> Result<Self, MetricsError> {
        if ratios.is_empty() {
            return Err(MetricsError::TooFewPoints { what: "a calibration", needed: 1, actual: 0 });
        }
        check_column("held-out gap ratios", ratios)?;
        let mut ascending = ratios.to_vec();
        ascending.sort_by(f64::total_cmp);
        Ok(Self { ascending })
    }

    /// For each ratio r of a sample the conformal p-value `(1 + #{held-out ratios ≤ r}) / (m + 1)`
    /// against "it is as far from the training set as a held-out point", in (0, 1].
    ///
    /// A new held-out point has a p-value of at most `p` with probability at most `p`.
    ///
    /// # Errors
    /// [`MetricsError::NotFinite`] for a NaN or infinity.
    pub fn p_values(&self, ratios: &[f64]) -> Result<Vec<f64>, MetricsError> {
        check_column("gap ratios", ratios)?;
        let p_value = |&ratio: &f64| {
            let at_most = self.ascending.partition_point(|&held_out| held_out <= ratio);
            self.rank_share(1 + at_most)
        };
        Ok(ratios.iter().map(p_value).collect())
    }

    /// The largest threshold whose false-alarm rate is at most `level ∈ (0, 1)`: a new held-out
    /// point has a gap ratio below it with probability at most `level`.
    ///
    /// It is the k-th smallest held-out ratio, with k the largest integer of at most
    /// `level (m + 1)`, or 0 (nothing counts as memorized) where k = 0. A ratio is below it exactly
    /// when its [p-value](Self::p_values) is at most `level`.
    ///
    /// # Errors
    /// [`MetricsError::Level`] for a level outside (0, 1).
    pub fn threshold(&self, level: f64) -> Result<f64, MetricsError> {
        if !(level > 0.0 && level < 1.0) {
            return Err(MetricsError::Level { actual: level });
        }
        // Compared as the p-values are, so that rounding cannot make the two disagree.
        let allowed = (1..=self.ascending.len()).take_while(|&k| self.rank_share(k) <= level);
        Ok(allowed.last().map_or(0.0, |k| self.ascending[k - 1]))
    }

    fn rank_share(&self, rank: usize) -> f64 {
        rank as f64 / (self.ascending.len() + 1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_bad_input() {
        assert_eq!(
            HeldOutRatios::new(&[]).unwrap_err(),
            MetricsError::TooFewPoints { what: "a calibration", needed: 1, actual: 0 }
        );
        assert_eq!(
            HeldOutRatios::new(&[0.5, f64::NAN]).unwrap_err(),
            MetricsError::NotFinite { what: "held-out gap ratios", row: 1, column: 0 }
        );
        let held_out = HeldOutRatios::new(&[0.5]).unwrap();
        for actual in [0.0, 1.0, -0.1] {
            assert_eq!(held_out.threshold(actual).unwrap_err(), MetricsError::Level { actual });
        }
        assert!(held_out.threshold(f64::NAN).is_err());
        assert_eq!(
            held_out.p_values(&[f64::INFINITY]).unwrap_err(),
            MetricsError::NotFinite { what: "gap ratios", row: 0, column: 0 }
        );
    }

    proptest! {
        /// Leave each point out in turn: the guarantee is exact over the m + 1 exchangeable ranks.
        #[test]
        fn false_alarms_stay_at_the_level_with_and_without_ties(
            ratios in proptest::collection::vec(0u8..20, 2..40), level in 0.01f64..0.99,
        ) {
            let ratios: Vec<f64> = ratios.into_iter().map(|ratio| f64::from(ratio) / 20.0).collect();
            let alarms = (0..ratios.len()).filter(|&new| {
                let mut others = ratios.clone();
                let new = others.remove(new);
                let held_out = HeldOutRatios::new(&others).unwrap();
                let alarm = new < held_out.threshold(level).unwrap();
                assert_eq!(alarm, held_out.p_values(&[new]).unwrap()[0] <= level);
                alarm
            });
            prop_assert!(alarms.count() as f64 <= level * ratios.len() as f64 + 1.0e-9);
        }
    }
}
