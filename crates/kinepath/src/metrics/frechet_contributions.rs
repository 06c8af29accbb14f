//! What each sample adds to a Fréchet distance, to first order.

use faer::{Mat, Side};
use ndarray::{Array2, Axis, s};
use rayon::prelude::*;

use super::{
    error::{MetricsError, check_length},
    frechet::{FrechetReference, at_unit_trace, trace},
    moments::FeatureMoments,
};
use crate::kernel::matmul;

/// Rows that are projected at a time: fixed, so that results do not depend on the thread count.
const BLOCK_ROWS: usize = 256;

impl FrechetReference {
    /// A column, one value per row of `generated`, whose mean is the distance of all rows and whose
    /// mean over a resample follows the distance of the resample to first order.
    ///
    /// It is the influence function of the distance at `(μ₂, S₂)`, shifted to the distance itself:
    ///
    /// ```text
    /// c(x) = d² + 2 ⟨μ₂ − μ₁, x − μ₂⟩ + n/(n − 1) (x − μ₂)ᵀ D (x − μ₂) − tr (D S₂)
    /// D = I − S₁^{1/2} (S₁^{1/2} S₂ S₁^{1/2})^{−1/2} S₁^{1/2}
    /// ```
    ///
    /// with the derivative D of the distance after S₂. Exact resampling costs eigenvalues of an
    /// `[F, F]` matrix each time, which is out of reach for thousands of features; a mean of this
    /// column costs n additions. What it leaves out is of second order in the resample's departure
    /// from the sample: the bias that the distance of a resample has, and which cancels in
    /// differences between sets of equal size.
    ///
    /// # Errors
    /// Those of [`FrechetReference::distance`].
    ///
    /// # Example
    /// ```
    /// use kinepath::metrics::{FeatureMoments, FrechetReference};
    /// use ndarray::array;
    ///
    /// let real = array![[0.0f32], [2.0], [4.0]];
    /// let generated = array![[1.0f32], [2.0], [3.0]];
    /// let reference = FrechetReference::new(FeatureMoments::new(real.view())?.gaussian())?;
    /// let column = reference.contributions(&FeatureMoments::new(generated.view())?)?;
    /// // d² = (2 − 1)² = 1, and D = 1 − 2/1: a sample far from the middle widens the set.
    /// assert!((column.iter().sum::<f64>() / 3.0 - 1.0).abs() < 1e-12);
    /// assert!(column[0] < column[1]);
    /// # Ok::<(), kinepath::metrics::MetricsError>(())
    /// ```
    pub fn contributions(&self, generated: &FeatureMoments<'_>) -> Result<Vec<f64>, MetricsError> {
        let stats = generated.gaussian();
        let distance = self.distance(&stats)?;
        let dimension = stats.mean.len();
        let (own, others) = (trace(&self.stats.covariance), trace(&stats.covariance));
        let product = self.factor.transpose() * at_unit_trace(&stats.covariance) * &self.factor;
        let eigen = product
            .self_adjoint_eigen(Side::Lower)
            .map_err(|_| MetricsError::Eigendecomposition { dimension })?;
        let values = eigen.S().column_vector();
        let largest = (0..product.nrows()).map(|j| values[j]).fold(0.0, f64::max);
        let negligible = dimension as f64 * f64::EPSILON * largest;
        // Directions that no sample has any spread in take no part in any resample either.
        let kept: Vec<usize> = (0..product.nrows()).filter(|&j| values[j] > negligible).collect();
        let scale = if others > 0.0 { (own / others).sqrt() } else { 0.0 };
        let roots = Mat::from_fn(product.nrows(), kept.len(), |i, j| {
            eigen.U()[(i, kept[j])] * scale.sqrt() / values[kept[j]].sqrt().sqrt()
        });
        let projection = &self.factor * roots;
        let projection =
            Array2::from_shape_fn((dimension, kept.len()), |(i, j)| projection[(i, j)]);

        let shift = &stats.mean - &self.stats.mean;
        let correction = stats.count as f64 / (stats.count as f64 - 1.0);
        let features = generated.features();
        let blocks: Vec<_> = features.axis_chunks_iter(Axis(0), BLOCK_ROWS).collect();
        let raw: Vec<(f64, f64)> = blocks
            .into_par_iter()
            .flat_map_iter(|block| {
                let mut centred = block.mapv(f64::from);
                centred -= &stats.mean;
                let mut projected = Array2::zeros((block.nrows(), projection.ncols()));
                matmul(0.0, projected.view_mut(), 1.0, centred.view(), projection.view());
                let square = |row: ndarray::ArrayView1<'_, f64>| row.dot(&row);
                (0..block.nrows())
                    .map(|row| {
                        let centred = centred.slice(s![row, ..]);
                        let quadratic = square(centred) - square(projected.slice(s![row, ..]));
                        (2.0 * shift.dot(&centred), correction * quadratic)
                    })
                    .collect::<Vec<_>>()
            })
            .collect();
        // tr (D S₂) is the mean of the quadratic part.
        let mean = raw.iter().map(|(_, quadratic)| quadratic).sum::<f64>() / raw.len() as f64;
        Ok(raw
            .into_iter()
            .map(|(linear, quadratic)| distance + linear + quadratic - mean)
            .collect())
    }

    /// The term of second order of the distance when the weight `1/n` of row i of `generated` changes
    /// by `direction[i]`, none of them beyond ±1/n: half the second difference of the distance.
    ///
    /// It is for intervals: see [`Tilt`](crate::stats::Tilt).
    ///
    /// # Errors
    /// Those of [`FrechetReference::distance`]; [`MetricsError::LengthMismatch`] for another number
    /// of changes than rows.
    pub fn second_order(
        &self,
        generated: &FeatureMoments<'_>,
        direction: &[f64],
    ) -> Result<f64, MetricsError> {
        check_length("changes of weight", generated.dim().0, direction.len())?;
        let moved = |sign: f64| {
            self.distance(&generated.reweighted(direction.iter().map(|change| sign * change)))
        };
        Ok((moved(1.0)? + moved(-1.0)?) / 2.0 - self.distance(&generated.gaussian())?)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn features(rows: usize, columns: usize, salt: f64) -> Array2<f32> {
        Array2::from_shape_fn((rows, columns), |(i, j)| {
            let phase = (i * i) as f64 * 0.618 * (j + 1) as f64 + salt * (i % 7 + j) as f64;
            (phase.sin() * (1.0 + 0.3 * j as f64)) as f32
        })
    }

    fn reference(columns: usize) -> FrechetReference {
        let real = FeatureMoments::new(features(300, columns, 0.4)).unwrap();
        FrechetReference::new(real.gaussian()).unwrap()
    }

    #[test]
    fn it_is_the_derivative_of_the_distance_after_the_weight_of_a_row() {
        let reference = reference(5);
        let moments = FeatureMoments::new(features(4000, 5, 1.3)).unwrap();
        let column = reference.contributions(&moments).unwrap();
        let distance = reference.distance(&moments.gaussian()).unwrap();
        let at = |rows: &[usize]| reference.distance(&moments.resampled(rows).unwrap()).unwrap();
        let twice: Vec<usize> = (0..4000).chain(0..4000).collect();
        for row in [0, 17, 150] {
            // The weight of one row a little up and a little down: a central difference.
            let more: Vec<usize> = twice.iter().copied().chain([row]).collect();
            let slope = (at(&more) - at(&[&twice[..row], &twice[row + 1..]].concat()))
                / (1.0 / 8001.0 + 1.0 / 7999.0);
            let expected = column[row] - distance;
            assert!(
                (slope - expected).abs() < 0.01 * expected.abs().max(0.1),
                "{slope} {expected}"
            );
        }
    }

    #[test]
    fn its_second_order_by_hand() {
        let real = FeatureMoments::new(array![[-1.0f32], [1.0]]).unwrap();
        let reference = FrechetReference::new(real.gaussian()).unwrap();
        let generated = FeatureMoments::new(array![[2.0f32], [4.0], [2.0], [4.0]]).unwrap();
        let direction = [-0.01, 0.01, -0.01, 0.01];
        // The mean moves by 4 · 0.01 · 1 = 0.04 and the variance, (4/3) (1 − 0.04²), by its square.
        let (shift, moved): (f64, f64) = (0.04, 4.0 / 3.0 * (1.0 - 0.04 * 0.04));
        let roots = |variance: f64| (variance.sqrt() - 2.0f64.sqrt()).powi(2);
        let expected = shift * shift + roots(moved) - roots(4.0 / 3.0);
        let second = reference.second_order(&generated, &direction).unwrap();
        assert!((second - expected).abs() < 1e-12, "{second} {expected}");
        let what = "changes of weight";
        assert_eq!(
            reference.second_order(&generated, &[0.1]).unwrap_err(),
            MetricsError::LengthMismatch { what, expected: 4, actual: 1 }
        );
    }

    #[test]
    fn its_mean_is_the_distance_even_where_covariances_are_singular() {
        for (rows, columns) in [(200, 6), (12, 20)] {
            let moments = FeatureMoments::new(features(rows, columns, 0.9)).unwrap();
            let reference = reference(columns);
            let column = reference.contributions(&moments).unwrap();
            let distance = reference.distance(&moments.gaussian()).unwrap();
            let mean = column.iter().sum::<f64>() / rows as f64;
            assert!((mean - distance).abs() < 1e-9 * (1.0 + distance), "{mean} {distance}");
        }
    }
}
