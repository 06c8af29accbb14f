//! Is a sample a copy of a training point?

use ndarray::ArrayView2;

use super::{
    error::{MetricsError, check_column},
    neighbours::NeighbourIndex,
};
use crate::stats::{Interval, StatsError, wilson_interval};

/// A sample is memorized when its gap ratio is below this.
pub const GAP_THRESHOLD: f64 = 1.0 / 3.0;

/// How much closer each sample is to its nearest training point than to the next.
#[derive(Debug, Clone, PartialEq)]
pub struct GapRatios {
    /// Row of the nearest training point, one per sample.
    pub nearest: Vec<usize>,
    /// Distance `d₁` to it, in data units.
    pub d1: Vec<f64>,
    /// Distance `d₂ ≥ d₁` to the second nearest.
    pub d2: Vec<f64>,
    /// `d₁ / d₂ ∈ [0, 1]`, without unit; 0 where `d₁ = 0`, so that 0/0 counts as memorized.
    pub ratio: Vec<f64>,
}

impl GapRatios {
    /// For each sample whether its ratio is below `threshold`, usually [`GAP_THRESHOLD`].
    #[must_use]
    pub fn memorized(&self, threshold: f64) -> Vec<bool> {
        self.ratio.iter().map(|&ratio| ratio < threshold).collect()
    }

    /// For each sample its copy score `1 − d₁/d₂ ∈ [0, 1]`: 1 on a training point, 0 half-way
    /// between two.
    #[must_use]
    pub fn copy_scores(&self) -> Vec<f64> {
        self.ratio.iter().map(|ratio| 1.0 - ratio).collect()
    }
}

/// The gap ratio `d₁/d₂` of each sample, shape `[Q, D]`, from its two nearest training points.
///
/// `training` should be an index over [distinct points](NeighbourIndex::new): with an exact
/// duplicate, `d₁ = d₂` hides every copy of it. Definition and threshold: Yoon et al. (2023),
/// "Diffusion probabilistic models generalize when they fail to memorize", as used by Li et al.,
/// arXiv 2602.07928.
///
/// # Errors
/// [`MetricsError::TooFewPoints`] with fewer than 2 (distinct) training points, else those of
/// [`NeighbourIndex::search`].
///
/// # Example
/// ```
/// use kinepath::metrics::{DistinctPoints, GAP_THRESHOLD, NeighbourIndex, f_mem, gap_ratios};
/// use ndarray::array;
///
/// let training = array![[0.0f32], [10.0], [0.0]];
/// let index = NeighbourIndex::new(DistinctPoints::new(training.view())?);
/// let gaps = gap_ratios(&index, array![[0.0f32], [1.0], [5.0]].view())?;
/// assert_eq!(gaps.ratio, [0.0, 1.0 / 9.0, 1.0]);
/// let memorized = gaps.memorized(GAP_THRESHOLD);
/// assert_eq!(memorized, [true, true, false]);
/// assert_eq!(f_mem(&memorized, 0.95)?.estimate, 2.0 / 3.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn gap_ratios(
    training: &NeighbourIndex<'_>,
    samples: ArrayView2<'_, f32>,
) -> Result<GapRatios, MetricsError> {
    if training.len() < 2 {
        let what = "gap ratios";
        return Err(MetricsError::TooFewPoints { what, needed: 2, actual: training.len() });
    }
    let found = training.search(samples, 2)?;
    let d1 = found.distances.column(0).to_vec();
    let d2 = found.distances.column(1).to_vec();
    let ratio =
        d1.iter().zip(&d2).map(|(&d1, &d2)| if d1 == 0.0 { 0.0 } else { d1 / d2 }).collect();
    Ok(GapRatios { nearest: found.indices.column(0).to_vec(), d1, d2, ratio })
}

/// The share of memorized samples, `F_mem ∈ [0, 1]`, with its [`wilson_interval`] at a confidence level.
///
/// # Errors
/// [`StatsError::TooFew`] without samples, [`StatsError::NotAProbability`] for a level outside (0, 1).
pub fn f_mem(memorized: &[bool], level: f64) -> Result<Interval, StatsError> {
    let hits = memorized.iter().filter(|&&memorized| memorized).count();
    wilson_interval(hits, memorized.len(), level)
}

/// F_mem as a function of the threshold: for each of `thresholds` the share of `ratios` below it.
///
/// Exact, and it never falls as the threshold rises. For held-out points it is the false-alarm
/// rate; choose a threshold from them by [`HeldOutRatios`](super::HeldOutRatios).
///
/// # Errors
/// [`MetricsError::TooFewPoints`] without ratios, [`MetricsError::NotFinite`] for a NaN or infinity
/// in either column.
///
/// # Example
/// ```
/// use kinepath::metrics::memorization_curve;
/// assert_eq!(memorization_curve(&[0.1, 0.5, 0.5, 1.0], &[0.1, 0.2, 0.6])?, [0.0, 0.25, 0.75]);
/// # Ok::<(), kinepath::metrics::MetricsError>(())
/// ```
pub fn memorization_curve(ratios: &[f64], thresholds: &[f64]) -> Result<Vec<f64>, MetricsError> {
    if ratios.is_empty() {
        let what = "a memorization curve";
        return Err(MetricsError::TooFewPoints { what, needed: 1, actual: 0 });
    }
    check_column("gap ratios", ratios)?;
    check_column("thresholds", thresholds)?;
    let mut ascending = ratios.to_vec();
    ascending.sort_by(f64::total_cmp);
    let share_below = |&threshold: &f64| {
        ascending.partition_point(|&ratio| ratio < threshold) as f64 / ratios.len() as f64
    };
    Ok(thresholds.iter().map(share_below).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::DistinctPoints;
    use ndarray::{Array2, array};
    use proptest::prelude::*;

    fn distinct(points: Array2<f32>) -> NeighbourIndex<'static> {
        NeighbourIndex::new(DistinctPoints::new(points).unwrap())
    }

    #[test]
    fn a_copy_of_a_duplicated_point_is_found() {
        let training = array![[1.0f32, 1.0], [1.0, 1.0], [4.0, 5.0]];
        let gaps =
            gap_ratios(&distinct(training), array![[1.0f32, 1.0], [1.0, 2.0]].view()).unwrap();
        assert_eq!(gaps.nearest, [0, 0]);
        assert_eq!(gaps.d1, [0.0, 1.0]);
        assert_eq!(gaps.d2, [5.0, 18.0f64.sqrt()]);
        assert_eq!(gaps.memorized(GAP_THRESHOLD), [true, true]);
    }

    #[test]
    fn the_threshold_is_strict() {
        let gaps = gap_ratios(&distinct(array![[0.0f32], [4.0]]), array![[1.0f32]].view()).unwrap();
        assert_eq!(gaps.ratio, [1.0 / 3.0]);
        assert_eq!(gaps.memorized(GAP_THRESHOLD), [false]);
        assert_eq!(gaps.copy_scores(), [1.0 - 1.0 / 3.0]);
    }

    #[test]
    fn a_curve_needs_numbers() {
        let what = "a memorization curve";
        assert_eq!(
            memorization_curve(&[], &[0.5]).unwrap_err(),
            MetricsError::TooFewPoints { what, needed: 1, actual: 0 }
        );
        assert_eq!(
            memorization_curve(&[0.5], &[0.1, f64::NAN]).unwrap_err(),
            MetricsError::NotFinite { what: "thresholds", row: 1, column: 0 }
        );
    }

    #[test]
    fn one_distinct_point_is_not_enough() {
        let error =
            gap_ratios(&distinct(array![[2.0f32], [2.0]]), array![[1.0f32]].view()).unwrap_err();
        assert_eq!(error, MetricsError::TooFewPoints { what: "gap ratios", needed: 2, actual: 1 });
    }

    #[test]
    fn no_samples_have_no_share() {
        let error = StatsError::TooFew { what: "the interval of a share", needed: 1, actual: 0 };
        assert_eq!(f_mem(&[], 0.95).unwrap_err(), error);
    }

    proptest! {
        #[test]
        fn duplicating_training_points_changes_nothing(
            values in proptest::collection::vec(-9i8..10, 8..40), queries in proptest::collection::vec(-9i8..10, 4..20),
        ) {
            let rows = |values: &[i8]| {
                Array2::from_shape_fn((values.len() / 2, 2), |(i, j)| f32::from(values[2 * i + j]))
            };
            let training = rows(&values);
            let doubled = ndarray::concatenate![ndarray::Axis(0), training, training];
            let once = gap_ratios(&distinct(training), rows(&queries).view());
            prop_assert_eq!(once, gap_ratios(&distinct(doubled), rows(&queries).view()));
        }

        #[test]
        fn the_curve_is_f_mem_at_every_threshold(
            ratios in proptest::collection::vec(0u8..20, 1..40), mut thresholds in proptest::collection::vec(0u8..24, 1..9),
        ) {
            thresholds.sort_unstable();
            let scaled = |values: &[u8]| -> Vec<f64> {
                values.iter().map(|&value| f64::from(value) / 20.0).collect()
            };
            let (ratio, thresholds) = (scaled(&ratios), scaled(&thresholds));
            let curve = memorization_curve(&ratio, &thresholds).unwrap();
            prop_assert!(curve.is_sorted());
            let gaps = GapRatios { nearest: vec![], d1: vec![], d2: vec![], ratio };
            for (share, threshold) in curve.into_iter().zip(thresholds) {
                let memorized = gaps.memorized(threshold);
                let count = memorized.iter().filter(|&&memorized| memorized).count();
                prop_assert_eq!(share, count as f64 / memorized.len() as f64);
            }
        }
    }
}
