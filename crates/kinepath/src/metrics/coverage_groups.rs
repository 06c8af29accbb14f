//! How far chance moves coverage.

use std::collections::BTreeMap;

use super::{
    error::{MetricsError, check_length},
    prdc::PrdcComparison,
};

/// The damping s of the alternating sum: at 1 it has no bias and much noise, at 0 it is the
/// jackknife. An effect of order j counts `(1 − (1 − s)ʲ) / s` times, here 1, 1.5, 1.75 and at most
/// 2: as in half-sampling, but with all points.
const DAMPING: f64 = 0.5;

/// Real points grouped by which generated points cover them: what the variance of coverage over
/// draws of the generated points depends on.
///
/// Real balls are fixed, so that coverage is a sum over real points of whether any of the points
/// that cover it is there. With `m_A` the number of real points covered by exactly the set `A` of
/// generated points, N real and n generated points, its variance is estimated by
///
/// ```text
/// N⁻² ( Σ_A (−s)^{|A| − 1} m_A²  −  (Σ_{|A| = 1} m_A)² / n ),   s = 1/2
/// ```
///
/// The terms with `|A| = 1` are the jackknife's. Those above take away what it counts too often:
/// `m_A²` is the square of the interaction of the points in `A`, and for a function of a Poisson
/// process the sum at `s = 1` has the variance as its mean (the Mecke formula applied to the chaos
/// expansion of Last & Penrose 2011, "Poisson process Fock space representation, chaos expansion and
/// covariance inequalities", eq. 1.8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverageGroups {
    real: usize,
    generated: usize,
    /// For each set of generated points the number of real points that exactly it covers.
    sizes: BTreeMap<Vec<u32>, i64>,
}

impl PrdcComparison {
    /// The groups of real points that the variance of coverage depends on.
    #[must_use]
    pub fn coverage_groups(&self) -> CoverageGroups {
        let mut sizes = BTreeMap::new();
        for covering in self.covering.iter().filter(|covering| !covering.is_empty()) {
            *sizes.entry(covering.clone()).or_default() += 1;
        }
        CoverageGroups { real: self.covering.len(), generated: self.balls.len(), sizes }
    }
}

impl CoverageGroups {
    /// The estimated variance of coverage. With few points it can come out negative.
    #[must_use]
    pub fn variance(&self) -> f64 {
        let term = |(covering, &size): (&Vec<u32>, &i64)| {
            (-DAMPING).powi(covering.len() as i32 - 1) * (size * size) as f64
        };
        let single = |(covering, size): (&Vec<u32>, &i64)| (covering.len() == 1).then_some(*size);
        let alone = self.sizes.iter().filter_map(single).sum::<i64>() as f64;
        let total = self.sizes.iter().map(term).sum::<f64>();
        (total - alone * alone / self.generated as f64) / (self.real as f64).powi(2)
    }

    /// What the variance of the difference of two coverages depends on: point i of both sets of
    /// generated points comes from the same noise and is drawn together.
    ///
    /// # Errors
    /// [`MetricsError::LengthMismatch`] for sets of other sizes.
    pub fn minus(&self, other: &Self) -> Result<Self, MetricsError> {
        for (what, expected, actual) in [
            ("real points", self.real, other.real),
            ("generated points", self.generated, other.generated),
        ] {
            check_length(what, expected, actual)?;
        }
        let mut sizes = self.sizes.clone();
        for (covering, size) in &other.sizes {
            *sizes.entry(covering.clone()).or_default() -= size;
        }
        Ok(Self { sizes, ..*self })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use proptest::prelude::*;

    use super::*;
    use crate::metrics::PrdcReference;

    /// The variance by its definition: the squared interaction of every set of generated points in
    /// the number of covered real points, from that number without each subset of it.
    fn direct(sets: &[&[Vec<u32>]], generated: u32, real: usize) -> f64 {
        let covered = |removed: u32| -> i64 {
            let stays = |covering: &Vec<u32>| covering.iter().any(|&p| removed >> p & 1 == 0);
            let count = |sets: &[Vec<u32>]| sets.iter().filter(|set| stays(set)).count() as i64;
            count(sets[0]) - sets.get(1).map_or(0, |sets| count(sets))
        };
        let (mut total, mut alone) = (0.0, 0);
        for set in 1..1_u32 << generated {
            let mut interaction = 0;
            for removed in (0..=set).filter(|removed| removed & !set == 0) {
                interaction +=
                    if removed.count_ones() % 2 == 0 { 1 } else { -1 } * covered(removed);
            }
            let order = set.count_ones() as i32;
            total += (-DAMPING).powi(order - 1) * (interaction * interaction) as f64;
            alone += if order == 1 { interaction } else { 0 };
        }
        (total - (alone * alone) as f64 / f64::from(generated)) / (real as f64).powi(2)
    }

    proptest! {
        #[test]
        fn it_is_the_alternating_sum_of_squared_interactions(
            real in proptest::collection::vec(-4i8..5, 12..40),
            a in proptest::collection::vec(-4i8..5, 7),
            b in proptest::collection::vec(-4i8..5, 7),
        ) {
            let points = |values: &[i8]| {
                Array2::from_shape_fn((values.len(), 1), |(i, _)| f32::from(values[i]))
            };
            let reference = PrdcReference::new(points(&real), 2).unwrap();
            let [a, b] = [a, b].map(|set| reference.compare(points(&set).view()).unwrap());
            let [single, other] = [&a, &b].map(PrdcComparison::coverage_groups);
            let close = |x: f64, y: f64| (x - y).abs() < 1e-12;
            let expected = direct(&[&a.covering], 7, real.len());
            prop_assert!(close(single.variance(), expected), "{} {expected}", single.variance());
            let difference = single.minus(&other).unwrap().variance();
            let expected = direct(&[&a.covering, &b.covering], 7, real.len());
            prop_assert!(close(difference, expected), "{difference} {expected}");
        }
    }

    #[test]
    fn sets_of_other_sizes_have_no_paired_difference() {
        let line = |rows: usize| Array2::from_shape_fn((rows, 1), |(i, _)| i as f32);
        let groups = |real: usize, generated: usize| {
            let reference = PrdcReference::new(line(real), 2).unwrap();
            reference.compare(line(generated).view()).unwrap().coverage_groups()
        };
        let error =
            |what, expected, actual| MetricsError::LengthMismatch { what, expected, actual };
        assert_eq!(groups(9, 8).minus(&groups(9, 7)).unwrap_err(), error("generated points", 8, 7));
        assert_eq!(groups(9, 8).minus(&groups(6, 8)).unwrap_err(), error("real points", 9, 6));
    }
}
