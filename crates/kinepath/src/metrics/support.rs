//! How densely the training set surrounds a point.

use ndarray::{Array2, ArrayView2, Axis, s};
use rayon::prelude::*;

use super::{
    error::MetricsError,
    neighbours::{NeighbourIndex, QUERY_ROWS},
};
use crate::{kernel::matmul, stats::median};

/// Training points a tile covers: 64 × 512 products in f64 stay in the second-level cache.
const POINT_ROWS: usize = 512;
/// Terms `e⁻⁴⁶ ≈ 1e-20` below the largest cannot show in the f64 sum of any training set that
/// fits in memory.
const NEGLIGIBLE: f64 = 46.0;

/// kNN support `−log r_k` of each query, shape `[Q, D]`: `r_k` is its distance to the k-th nearest
/// training point, in data units. Larger is denser. `+∞` where `r_k = 0`, which over distinct
/// points needs `k = 1`.
///
/// The study uses `k = 10` in a feature space; Li et al., arXiv 2602.07928.
///
/// # Errors
/// Those of [`NeighbourIndex::search`].
///
/// # Example
/// ```
/// use kinepath::metrics::{DistinctPoints, NeighbourIndex, knn_support};
/// use ndarray::array;
///
/// let training = array![[0.0f32], [1.0], [4.0]];
/// let index = NeighbourIndex::new(DistinctPoints::new(training.view())?);
/// assert_eq!(knn_support(&index, array![[0.0f32]].view(), 3)?, [-4.0f64.ln()]);
/// # Ok::<(), kinepath::metrics::MetricsError>(())
/// ```
pub fn knn_support(
    training: &NeighbourIndex<'_>,
    queries: ArrayView2<'_, f32>,
    k: usize,
) -> Result<Vec<f64>, MetricsError> {
    let found = training.search(queries, k)?;
    Ok(found.distances.column(k - 1).iter().map(|radius| -radius.ln()).collect())
}

/// The median over training points of the distance to the k-th nearest other training point, in
/// data units: the bandwidth of [`kde_support`]. Over distinct points it is positive.
///
/// # Errors
/// Those of [`NeighbourIndex::search_self`].
pub fn median_bandwidth(training: &NeighbourIndex<'_>, k: usize) -> Result<f64, MetricsError> {
    let found = training.search_self(k)?;
    let radii = found.distances.column(k - 1).to_vec();
    // Distances are never NaN and the index is never empty, so the median exists.
    median(&radii).map_err(|_| MetricsError::Bandwidth { actual: f64::NAN })
}

/// KDE support of each query, shape `[Q, D]`: the log density, up to a constant, of a Gaussian
/// kernel estimate with bandwidth `h` in data units,
///
/// ```text
/// log (1/N) Σ_i exp(−‖f − f_i‖² / (2h²))
/// ```
///
/// The sum runs over all N training rows: a distinct point counts with its multiplicity. Products
/// and the log-sum-exp are in f64; far queries underflow neither to −∞ nor to 0.
///
/// # Errors
/// [`MetricsError::Bandwidth`] unless `h` is positive and finite; [`MetricsError::Empty`],
/// [`MetricsError::NotFinite`] and [`MetricsError::DimensionMismatch`] for bad queries.
///
/// # Example
/// ```
/// use kinepath::metrics::{DistinctPoints, NeighbourIndex, kde_support};
/// use ndarray::array;
///
/// let training = array![[0.0f32], [0.0], [100.0]];
/// let index = NeighbourIndex::new(DistinctPoints::new(training.view())?);
/// let support = kde_support(&index, array![[2.0f32]].view(), 1.0)?;
/// assert!((support[0] - ((2.0f64 / 3.0).ln() - 2.0)).abs() < 1e-12);
/// # Ok::<(), kinepath::metrics::MetricsError>(())
/// ```
pub fn kde_support(
    training: &NeighbourIndex<'_>,
    queries: ArrayView2<'_, f32>,
    h: f64,
) -> Result<Vec<f64>, MetricsError> {
    if !(h > 0.0 && h.is_finite()) {
        return Err(MetricsError::Bandwidth { actual: h });
    }
    training.check_queries(&queries)?;
    let centre = training.centre();
    let total: usize = training.multiplicities().iter().sum();
    let chunks: Vec<ArrayView2<'_, f32>> = queries.axis_chunks_iter(Axis(0), QUERY_ROWS).collect();
    let sums: Vec<Vec<LogSum>> =
        chunks.into_par_iter().map(|chunk| log_sums(training, &centre, chunk, h)).collect();
    Ok(sums.into_iter().flatten().map(|sum| sum.value() - (total as f64).ln()).collect())
}

/// `log Σ_i m_i exp(−‖f − f_i‖² / (2h²))` of a few queries.
fn log_sums(
    training: &NeighbourIndex<'_>,
    centre: &[f64],
    queries: ArrayView2<'_, f32>,
    h: f64,
) -> Vec<LogSum> {
    let (queries, query_squares) = centred(queries, centre);
    let mut sums = vec![LogSum::default(); queries.nrows()];
    let mut products = Array2::zeros((queries.nrows(), POINT_ROWS));
    for first in (0..training.len()).step_by(POINT_ROWS) {
        let block = first..(first + POINT_ROWS).min(training.len());
        let (points, point_squares) = centred(training.points(block.clone()).view(), centre);
        let mut products = products.slice_mut(s![.., ..block.len()]);
        matmul(0.0, products.view_mut(), 1.0, queries.view(), points.t());
        let multiplicities = &training.multiplicities()[block];
        for ((sum, row), query_square) in sums.iter_mut().zip(products.rows()).zip(&query_squares) {
            let columns = row.into_iter().zip(&point_squares).zip(multiplicities);
            for ((&product, &point_square), &multiplicity) in columns {
                let squared = (query_square + point_square - 2.0 * product).max(0.0);
                // Divided twice: h² of an extreme bandwidth leaves the range of f64.
                sum.add(-0.5 * squared / h / h, multiplicity as f64);
            }
        }
    }
    sums
}

/// Rows less the training mean, in f64, and their squared norms.
fn centred(rows: ArrayView2<'_, f32>, centre: &[f64]) -> (Array2<f64>, Vec<f64>) {
    let centred = Array2::from_shape_fn(rows.dim(), |(i, j)| f64::from(rows[[i, j]]) - centre[j]);
    let squares =
        centred.rows().into_iter().map(|row| row.iter().map(|value| value * value).sum()).collect();
    (centred, squares)
}

/// A sum of exponentials, relative to the largest so far.
#[derive(Debug, Clone, Copy)]
struct LogSum {
    largest: f64,
    sum: f64,
}

impl Default for LogSum {
    fn default() -> Self {
        Self { largest: f64::NEG_INFINITY, sum: 0.0 }
    }
}

impl LogSum {
    /// Adds `weight · exp(exponent)`.
    fn add(&mut self, exponent: f64, weight: f64) {
        if exponent > self.largest {
            self.sum = self.sum * (self.largest - exponent).exp() + weight;
            self.largest = exponent;
        } else if exponent > self.largest - NEGLIGIBLE {
            self.sum += weight * (exponent - self.largest).exp();
        }
    }

    fn value(self) -> f64 {
        self.largest + self.sum.ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{DistinctPoints, neighbours::squared_distance};
    use ndarray::array;

    fn ramp(rows: usize, columns: usize, salt: f64) -> Array2<f32> {
        Array2::from_shape_fn((rows, columns), |(i, j)| {
            (5.0 + ((i * 29 + j * 13) as f64 * 0.377 + salt).sin()) as f32
        })
    }

    fn distinct(points: Array2<f32>) -> NeighbourIndex<'static> {
        NeighbourIndex::new(DistinctPoints::new(points).unwrap())
    }

    #[test]
    fn kde_agrees_with_the_plain_sum_across_blocks() {
        let (training, queries) = (ramp(1100, 9, 0.2), ramp(70, 9, 0.8));
        let h = 0.7;
        let support = kde_support(&distinct(training.clone()), queries.view(), h).unwrap();
        for (query, support) in queries.rows().into_iter().zip(support) {
            let sum: f64 = training
                .rows()
                .into_iter()
                .map(|row| (-squared_distance(query, row) / (2.0 * h * h)).exp())
                .sum();
            assert!((support - (sum / 1100.0).ln()).abs() < 1.0e-10);
        }
    }

    #[test]
    fn kde_counts_duplicates_and_survives_extreme_bandwidths() {
        let once = distinct(array![[0.0f32], [1.0]]);
        let weighted = distinct(array![[0.0f32], [1.0], [1.0], [1.0]]);
        let query = array![[1.0f32]];
        let difference = kde_support(&weighted, query.view(), 1.0e-3).unwrap()[0]
            - kde_support(&once, query.view(), 1.0e-3).unwrap()[0];
        assert!((difference - 1.5f64.ln()).abs() < 1.0e-12);
        let far = array![[1.0e6f32]];
        assert!(kde_support(&once, far.view(), 1.0e-3).unwrap()[0] < -1.0e17);
        assert!(kde_support(&once, far.view(), 1.0e200).unwrap()[0].abs() < 1.0e-12);
        // A bandwidth so small that its square is no longer a number above 0.
        assert!(kde_support(&once, query.view(), 1.0e-170).unwrap()[0].is_finite());
    }

    #[test]
    fn bandwidth_is_the_median_radius() {
        let training = distinct(array![[0.0f32], [1.0], [3.0], [3.0], [10.0]]);
        assert_eq!(median_bandwidth(&training, 1).unwrap(), 1.5);
        assert_eq!(
            median_bandwidth(&training, 4).unwrap_err(),
            MetricsError::TooFewPoints { what: "nearest neighbours", needed: 5, actual: 4 }
        );
    }

    #[test]
    fn refuses_bad_bandwidths_and_queries() {
        let training = distinct(array![[0.0f32], [1.0]]);
        for actual in [0.0, -1.0, f64::INFINITY] {
            let error = kde_support(&training, array![[0.0f32]].view(), actual).unwrap_err();
            assert_eq!(error, MetricsError::Bandwidth { actual });
        }
        let error = kde_support(&training, array![[0.0f32, 1.0]].view(), 1.0).unwrap_err();
        assert_eq!(
            error,
            MetricsError::DimensionMismatch { what: "queries", expected: 1, actual: 2 }
        );
        assert_eq!(
            knn_support(&training, array![[0.0f32]].view(), 0).unwrap_err(),
            MetricsError::ZeroNeighbours
        );
    }

    #[test]
    fn knn_support_of_a_hit_is_infinite() {
        let training = distinct(array![[0.0f32], [1.0]]);
        let support = knn_support(&training, array![[0.0f32], [0.5]].view(), 1).unwrap();
        assert_eq!(support, [f64::INFINITY, 2.0f64.ln()]);
    }
}
