//! What each sample adds to a Vendi score, to first order.

use faer::Side;
use ndarray::Array2;

use super::{error::MetricsError, scatter::weighted_scatter, vendi::VendiFeatures};
use crate::kernel::matmul;

impl VendiFeatures<'_> {
    /// A column, one value per row, whose mean is the score of all rows and whose mean over a
    /// resample follows the score of the resample to first order.
    ///
    /// With `ρ = Σ x̂ x̂ᵀ / n` and the entropy `H = −tr ρ ln ρ`, it is the influence function of
    /// `exp H`, shifted to the score itself:
    ///
    /// ```text
    /// c(x) = exp(H) (1 − x̂ᵀ (ln ρ) x̂ − H)
    /// ```
    ///
    /// A resample of [`VendiFeatures::resampled`] costs the eigenvalues of an `[F, F]` matrix, which
    /// is out of reach for thousands of features; a mean of this column costs n additions.
    ///
    /// # Errors
    /// [`MetricsError::Eigendecomposition`] when the eigenvalues do not converge.
    ///
    /// # Example
    /// ```
    /// use kinepath::metrics::VendiFeatures;
    /// use ndarray::array;
    ///
    /// let features = VendiFeatures::new(array![[1.0f32, 0.0], [1.0, 0.0], [0.0, 5.0]])?;
    /// let column = features.contributions()?;
    /// assert!((column.iter().sum::<f64>() / 3.0 - features.score()?).abs() < 1e-12);
    /// assert!(column[2] > column[0], "the rarer direction adds more");
    /// # Ok::<(), kinepath::metrics::MetricsError>(())
    /// ```
    pub fn contributions(&self) -> Result<Vec<f64>, MetricsError> {
        let (rows, dimension) = self.features.dim();
        let weights: Vec<(usize, f64)> = self.inverse_squares.iter().copied().enumerate().collect();
        let centre = ndarray::Array1::zeros(dimension);
        let dual = weighted_scatter(self.features.view(), &weights, &centre);
        let dual = faer::Mat::from_fn(dimension, dimension, |i, j| dual[[i, j]] / rows as f64);
        let eigen = dual
            .self_adjoint_eigen(Side::Lower)
            .map_err(|_| MetricsError::Eigendecomposition { dimension })?;
        let values = eigen.S().column_vector();
        let largest = (0..dimension).map(|j| values[j]).fold(0.0, f64::max);
        let negligible = dimension as f64 * f64::EPSILON * largest;
        let kept: Vec<usize> = (0..dimension).filter(|&j| values[j] > negligible).collect();
        let entropy: f64 = kept.iter().map(|&j| -values[j] * values[j].ln()).sum();
        let vectors =
            Array2::from_shape_fn((dimension, kept.len()), |(i, j)| eigen.U()[(i, kept[j])]);
        let mut projected = Array2::zeros((rows, kept.len()));
        let features = self.features.mapv(f64::from);
        matmul(0.0, projected.view_mut(), 1.0, features.view(), vectors.view());
        let score = entropy.exp();
        Ok(projected
            .outer_iter()
            .zip(&self.inverse_squares)
            .map(|(row, inverse)| {
                let surprise: f64 =
                    row.iter().zip(&kept).map(|(p, &j)| -p * p * values[j].ln()).sum();
                score * (1.0 + inverse * surprise - entropy)
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_derivative_of_the_score_after_the_weight_of_a_row() {
        let features = Array2::from_shape_fn((3000, 6), |(i, j)| {
            (((i * i) as f64 * 0.618 * (j + 1) as f64).sin() + 0.4 * j as f64) as f32
        });
        let features = VendiFeatures::new(features).unwrap();
        let (column, score) = (features.contributions().unwrap(), features.score().unwrap());
        let mean = column.iter().sum::<f64>() / 3000.0;
        assert!((mean - score).abs() < 1e-10, "{mean} {score}");
        let twice: Vec<usize> = (0..3000).chain(0..3000).collect();
        for row in [0, 5, 1234] {
            // The weight of one row a little up and a little down: a central difference.
            let more: Vec<usize> = twice.iter().copied().chain([row]).collect();
            let less = [&twice[..row], &twice[row + 1..]].concat();
            let change = features.resampled(&more).unwrap() - features.resampled(&less).unwrap();
            let slope = change / (1.0 / 6001.0 + 1.0 / 5999.0);
            let expected = column[row] - score;
            assert!(
                (slope - expected).abs() < 0.01 * expected.abs().max(0.1),
                "{slope} {expected}"
            );
        }
    }
}
