//! Vendi score: the effective number of different samples.

use faer::{Mat, Side};
use ndarray::{Array1, CowArray, Ix2};

use super::{
    error::{MetricsError, check_points, check_rows},
    scatter::{counted, weighted_scatter},
};

/// Features whose diversity can be scored on any resample of the rows.
///
/// The exponential of the entropy of the eigenvalues λ of `K/n`, where K holds the cosine
/// similarities of n rows: 1 for rows of one direction, n for orthogonal rows. The eigenvalues are
/// those of the `[F, F]` dual matrix `Σ x̂ x̂ᵀ / n`, so the score is at most `min(n, F)`.
///
/// ```text
/// VS = exp(−Σ λ ln λ)
/// ```
///
/// Friedman & Dieng (2023), "The Vendi Score", arXiv 2210.02410; agrees with the package
/// `vendi-score` on rows of unit norm. It needs no reference and says nothing of quality: noise is
/// diverse.
///
/// # Example
/// ```
/// use kinepath::metrics::VendiFeatures;
/// use ndarray::array;
///
/// let features = VendiFeatures::new(array![[1.0f32, 0.0], [0.0, 5.0]])?;
/// assert!((features.score()? - 2.0).abs() < 1e-12);
/// assert!((features.resampled(&[0, 0])? - 1.0).abs() < 1e-12);
/// # Ok::<(), kinepath::metrics::MetricsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct VendiFeatures<'a> {
    pub(super) features: CowArray<'a, f32, Ix2>,
    /// `1 / ‖x‖²` of each row.
    pub(super) inverse_squares: Vec<f64>,
}

impl<'a> VendiFeatures<'a> {
    /// Takes `features`, shape `[N, F]`, an array or a view.
    ///
    /// # Errors
    /// [`MetricsError::ZeroVector`] for a row of zeros, [`MetricsError::Empty`],
    /// [`MetricsError::NotFinite`].
    pub fn new(features: impl Into<CowArray<'a, f32, Ix2>>) -> Result<Self, MetricsError> {
        let features = features.into();
        check_points("features", &features.view())?;
        let square = |row: usize| -> f64 {
            features.row(row).iter().map(|&value| f64::from(value).powi(2)).sum()
        };
        let inverse_squares: Vec<f64> =
            (0..features.nrows()).map(|row| 1.0 / square(row)).collect();
        match inverse_squares.iter().position(|inverse| !inverse.is_finite()) {
            Some(row) => Err(MetricsError::ZeroVector { what: "features", row }),
            None => Ok(Self { features, inverse_squares }),
        }
    }

    /// The score of all rows.
    ///
    /// # Errors
    /// [`MetricsError::Eigendecomposition`] when the eigenvalues do not converge.
    pub fn score(&self) -> Result<f64, MetricsError> {
        let rows: Vec<usize> = (0..self.features.nrows()).collect();
        self.resampled(&rows)
    }

    /// The score of the rows `indices`, each as often as it is named, at the cost of one product of
    /// its distinct rows and the eigenvalues of an `[F, F]` matrix.
    ///
    /// A bootstrap resample holds only 63 % distinct rows and is therefore less diverse than the
    /// full set: use its replicates for paired differences, not for intervals of the figure.
    ///
    /// # Errors
    /// [`MetricsError::TooFewPoints`] for no indices, [`MetricsError::RowOutOfRange`],
    /// [`MetricsError::Eigendecomposition`] when the eigenvalues do not converge.
    pub fn resampled(&self, indices: &[usize]) -> Result<f64, MetricsError> {
        check_rows("a Vendi score", 1, self.features.nrows(), indices)?;
        let total = indices.len() as f64;
        let rows: Vec<(usize, f64)> = counted(self.features.nrows(), indices)
            .into_iter()
            .map(|(row, count)| (row, count / total * self.inverse_squares[row]))
            .collect();
        let dimension = self.features.ncols();
        let dual = weighted_scatter(self.features.view(), &rows, &Array1::zeros(dimension));
        let eigenvalues = Mat::from_fn(dimension, dimension, |i, j| dual[[i, j]])
            .self_adjoint_eigenvalues(Side::Lower)
            .map_err(|_| MetricsError::Eigendecomposition { dimension })?;
        let entropy: f64 = eigenvalues
            .into_iter()
            .filter(|&eigenvalue| eigenvalue > 0.0)
            .map(|eigenvalue| -eigenvalue * eigenvalue.ln())
            .sum();
        Ok(entropy.exp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::noise;
    use ndarray::{Array2, Axis, array};
    use proptest::prelude::*;

    #[test]
    fn counts_directions_whatever_their_length() {
        let identity = Array2::<f32>::eye(7) * 3.0e-30f32;
        let score = VendiFeatures::new(identity).unwrap().score().unwrap();
        assert!((score - 7.0).abs() < 1.0e-12);
        let parallel = array![[1.0f32, 2.0], [1.0e30, 2.0e30], [-3.0, -6.0]];
        let score = VendiFeatures::new(parallel).unwrap().score().unwrap();
        assert!((score - 1.0).abs() < 1.0e-12);
    }

    /// Two unit vectors at cosine c: eigenvalues (1 ± c) / 2 of K/n.
    #[test]
    fn two_rows_have_a_closed_form() {
        let score = VendiFeatures::new(array![[1.0f32, 0.0], [3.0, 4.0]]).unwrap().score().unwrap();
        let expected: f64 = [0.8f64, 0.2].iter().map(|p| -p * p.ln()).sum();
        assert!((score - expected.exp()).abs() < 1.0e-12);
    }

    #[test]
    fn refuses_bad_input() {
        assert_eq!(
            VendiFeatures::new(array![[1.0f32, 0.0], [0.0, -0.0]]).unwrap_err(),
            MetricsError::ZeroVector { what: "features", row: 1 }
        );
        assert_eq!(
            VendiFeatures::new(array![[f32::NAN]]).unwrap_err(),
            MetricsError::NotFinite { what: "features", row: 0, column: 0 }
        );
        let features = VendiFeatures::new(array![[1.0f32], [2.0]]).unwrap();
        assert_eq!(
            features.resampled(&[]).unwrap_err(),
            MetricsError::TooFewPoints { what: "a Vendi score", needed: 1, actual: 0 }
        );
        assert_eq!(
            features.resampled(&[2]).unwrap_err(),
            MetricsError::RowOutOfRange { actual: 2, rows: 2 }
        );
    }

    proptest! {
        #[test]
        fn a_resample_equals_its_rows_written_out(seed in 0u64..1000, count in 1usize..12, step in 1usize..9) {
            let features = noise(seed, 0..12, 5);
            let indices: Vec<usize> = (0..count).map(|i| i * step % 12).collect();
            let written = VendiFeatures::new(features.select(Axis(0), &indices)).unwrap();
            let resampled = VendiFeatures::new(features).unwrap().resampled(&indices).unwrap();
            prop_assert!((written.score().unwrap() - resampled).abs() < 1.0e-9);
            prop_assert!((1.0 - 1.0e-9..=count.min(5) as f64 + 1.0e-9).contains(&resampled));
        }
    }
}
