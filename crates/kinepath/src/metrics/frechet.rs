//! Fréchet distance between Gaussians fitted to features.

use faer::{Mat, Side};
use ndarray::Array2;

use super::{error::MetricsError, moments::GaussianStats};

/// The side of a Fréchet distance that stays the same: its covariance is factored once.
///
/// ```text
/// d² = ‖μ₁ − μ₂‖² + tr S₁ + tr S₂ − 2 tr (S₁^{1/2} S₂ S₁^{1/2})^{1/2}
/// ```
///
/// in squared feature units; Dowson & Landau (1982), the "FID" of Heusel et al. (2017) when the
/// features are Inception's. Both roots come from symmetric eigendecompositions, with eigenvalues
/// that are rounding left out, so singular covariances (fewer rows than features) need no
/// regularisation: they cost accuracy, to about 1e-7 of the traces. Agrees with
/// `scipy.linalg.sqrtm` on covariances of full rank.
///
/// Its value depends on the number of rows (fewer rows, larger distance): compare equal counts.
///
/// # Example
/// ```
/// use kinepath::metrics::{FeatureMoments, FrechetReference};
/// use ndarray::array;
///
/// let real = array![[0.0f32], [2.0], [4.0]];
/// let generated = array![[1.0f32], [2.0], [3.0]];
/// let reference = FrechetReference::new(FeatureMoments::new(real.view())?.gaussian())?;
/// // Equal means; standard deviations 2 and 1: (2 − 1)² = 1.
/// let distance = reference.distance(&FeatureMoments::new(generated.view())?.gaussian())?;
/// assert!((distance - 1.0).abs() < 1e-12);
/// # Ok::<(), kinepath::metrics::MetricsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct FrechetReference {
    pub(super) stats: GaussianStats,
    /// `U Λ^{1/2}` over the eigenvalues of `S₁ / tr S₁` that are not rounding, shape `[F, rank]`.
    /// `(U Λ^{1/2})ᵀ S₂ (U Λ^{1/2})` has the eigenvalues of `S₁^{1/2} S₂ S₁^{1/2}` that are not 0.
    /// With both covariances at trace 1, no product can leave the range of f64.
    pub(super) factor: Mat<f64>,
}

impl FrechetReference {
    /// Factors the covariance of `stats`.
    ///
    /// # Errors
    /// [`MetricsError::Empty`] without features, [`MetricsError::DimensionMismatch`] when the
    /// covariance does not go with the mean, [`MetricsError::NotFinite`] for a NaN or infinity in
    /// either, [`MetricsError::Eigendecomposition`] when the eigenvalues do not converge.
    pub fn new(stats: GaussianStats) -> Result<Self, MetricsError> {
        check(&stats, stats.mean.len())?;
        let covariance = at_unit_trace(&stats.covariance);
        let dimension = covariance.nrows();
        let eigen = covariance
            .self_adjoint_eigen(Side::Lower)
            .map_err(|_| MetricsError::Eigendecomposition { dimension })?;
        let vectors = eigen.U();
        let values = eigen.S().column_vector();
        // Ascending. Below this an eigenvalue is what rounding left of 0, and its root would be
        // 1e8 times that.
        let negligible = dimension as f64 * f64::EPSILON * values[dimension - 1];
        let first = (0..dimension).take_while(|&j| values[j] <= negligible).count();
        let factor = Mat::from_fn(dimension, dimension - first, |i, j| {
            vectors[(i, first + j)] * values[first + j].sqrt()
        });
        Ok(Self { stats, factor })
    }

    /// The Gaussian it was made from.
    #[must_use]
    pub fn stats(&self) -> &GaussianStats {
        &self.stats
    }

    /// Squared Fréchet distance to `other`, at least 0.
    ///
    /// # Errors
    /// [`MetricsError::DimensionMismatch`] for another number of features,
    /// [`MetricsError::NotFinite`] for a NaN or infinity in `other`,
    /// [`MetricsError::Eigendecomposition`] when the eigenvalues do not converge.
    pub fn distance(&self, other: &GaussianStats) -> Result<f64, MetricsError> {
        let dimension = self.stats.mean.len();
        check(other, dimension)?;
        let product = self.factor.transpose() * at_unit_trace(&other.covariance) * &self.factor;
        let values = product
            .self_adjoint_eigenvalues(Side::Lower)
            .map_err(|_| MetricsError::Eigendecomposition { dimension })?;
        let cross: f64 = values.into_iter().map(|value| value.max(0.0).sqrt()).sum();
        let shift: f64 =
            self.stats.mean.iter().zip(&other.mean).map(|(a, b)| (a - b) * (a - b)).sum();
        let (own, others) = (trace(&self.stats.covariance), trace(&other.covariance));
        Ok((shift + own + others - 2.0 * cross * own.sqrt() * others.sqrt()).max(0.0))
    }
}

/// [`FrechetReference::distance`] between two Gaussians, for a single comparison.
///
/// # Errors
/// Those of [`FrechetReference::new`] and [`FrechetReference::distance`].
pub fn frechet_distance(a: &GaussianStats, b: &GaussianStats) -> Result<f64, MetricsError> {
    FrechetReference::new(a.clone())?.distance(b)
}

/// Refuses a Gaussian of another number of features, of none, or with values that are not finite
/// (the decomposition would hand on their NaN without a word).
fn check(stats: &GaussianStats, expected: usize) -> Result<(), MetricsError> {
    let (rows, columns) = stats.covariance.dim();
    if expected == 0 {
        return Err(MetricsError::Empty { what: "features", rows: stats.count, columns: 0 });
    }
    for (what, actual) in
        [("means", stats.mean.len()), ("covariances", rows), ("covariances", columns)]
    {
        if actual != expected {
            return Err(MetricsError::DimensionMismatch { what, expected, actual });
        }
    }
    if let Some((column, _)) = stats.mean.iter().enumerate().find(|(_, mean)| !mean.is_finite()) {
        return Err(MetricsError::NotFinite { what: "means", row: 0, column });
    }
    match stats.covariance.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((row, column), _)) => {
            Err(MetricsError::NotFinite { what: "covariances", row, column })
        }
        None => Ok(()),
    }
}

pub(super) fn trace(covariance: &Array2<f64>) -> f64 {
    covariance.diag().sum()
}

pub(super) fn at_unit_trace(covariance: &Array2<f64>) -> Mat<f64> {
    let trace = trace(covariance);
    let scale = if trace > 0.0 { trace } else { 1.0 };
    Mat::from_fn(covariance.nrows(), covariance.ncols(), |i, j| covariance[[i, j]] / scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::FeatureMoments;
    use ndarray::{Array1, array};
    use proptest::prelude::*;

    fn gaussian(mean: Array1<f64>, covariance: Array2<f64>) -> GaussianStats {
        GaussianStats { count: 10, mean, covariance }
    }

    fn fitted(rows: usize, columns: usize, salt: f64) -> GaussianStats {
        let features = Array2::from_shape_fn((rows, columns), |(i, j)| {
            // A frequency of its own for each column keeps the covariance at full rank.
            let phase = (i * i) as f64 * 0.618 * (j + 1) as f64 + salt * (i % 7 + j) as f64;
            (phase.sin() * (j + 1) as f64) as f32
        });
        FeatureMoments::new(features).unwrap().gaussian()
    }

    #[test]
    fn commuting_covariances_have_a_closed_form() {
        let a = gaussian(array![0.0, 0.0], array![[4.0, 0.0], [0.0, 9.0]]);
        let b = gaussian(array![3.0, 4.0], array![[1.0, 0.0], [0.0, 25.0]]);
        // 25 + (2 − 1)² + (3 − 5)².
        assert!((frechet_distance(&a, &b).unwrap() - 30.0).abs() < 1.0e-12);
        // A rotation of both covariances changes nothing.
        let (c, s) = (0.6, 0.8);
        let rotation = array![[c, -s], [s, c]];
        let rotate = |g: &GaussianStats| {
            gaussian(rotation.dot(&g.mean), rotation.dot(&g.covariance).dot(&rotation.t()))
        };
        assert!((frechet_distance(&rotate(&a), &rotate(&b)).unwrap() - 30.0).abs() < 1.0e-12);
    }

    #[test]
    fn singular_covariances_need_no_regularisation() {
        let few = fitted(5, 20, 0.3);
        let trace = few.covariance.diag().sum();
        assert!(frechet_distance(&few, &few).unwrap() < 1.0e-6 * trace);
        let zero = gaussian(Array1::zeros(20), Array2::zeros((20, 20)));
        let expected = trace + few.mean.dot(&few.mean);
        for distance in [frechet_distance(&few, &zero), frechet_distance(&zero, &few)] {
            assert!((distance.unwrap() - expected).abs() < 1.0e-9 * expected);
        }
    }

    #[test]
    fn scales_with_the_square_of_the_features() {
        let scaled = |factor: f64| {
            let scale =
                |g: GaussianStats| gaussian(g.mean * factor, g.covariance * factor * factor);
            frechet_distance(&scale(fitted(60, 6, 0.2)), &scale(fitted(60, 6, 0.9))).unwrap()
        };
        let one = scaled(1.0);
        for factor in [1.0e-60, 1.0e60] {
            assert!((scaled(factor) / (factor * factor) / one - 1.0).abs() < 1.0e-9);
        }
    }

    #[test]
    fn refuses_broken_gaussians() {
        assert_eq!(
            frechet_distance(&fitted(9, 2, 0.1), &fitted(9, 3, 0.1)).unwrap_err(),
            MetricsError::DimensionMismatch { what: "means", expected: 2, actual: 3 }
        );
        assert_eq!(
            FrechetReference::new(gaussian(Array1::zeros(2), Array2::eye(3))).unwrap_err(),
            MetricsError::DimensionMismatch { what: "covariances", expected: 2, actual: 3 }
        );
        assert_eq!(
            FrechetReference::new(gaussian(Array1::zeros(0), Array2::eye(0))).unwrap_err(),
            MetricsError::Empty { what: "features", rows: 10, columns: 0 }
        );
        let mut broken = fitted(9, 2, 0.1);
        broken.covariance[[0, 1]] = f64::NAN;
        assert_eq!(
            frechet_distance(&fitted(9, 2, 0.1), &broken).unwrap_err(),
            MetricsError::NotFinite { what: "covariances", row: 0, column: 1 }
        );
    }

    proptest! {
        #[test]
        fn symmetric_and_zero_on_itself(salt in 0.1f64..3.0, other in 0.1f64..3.0) {
            let (a, b) = (fitted(80, 5, salt), fitted(80, 5, other));
            let forward = frechet_distance(&a, &b).unwrap();
            let backward = frechet_distance(&b, &a).unwrap();
            prop_assert!((forward - backward).abs() < 1.0e-7 * (1.0 + forward));
            prop_assert!(frechet_distance(&a, &a).unwrap() < 1.0e-6);
        }
    }
}
