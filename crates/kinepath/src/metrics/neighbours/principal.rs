//! The directions in which points vary most.

use faer::{Mat, Side};
use ndarray::Array2;

use crate::kernel::matmul;

/// Rows that the directions are found from, spread evenly over all.
const SAMPLE_ROWS: usize = 2048;
/// Iterations: the directions need only be good, not exact, for what they are used for.
const ITERATIONS: usize = 3;

/// Nearly orthonormal rows, shape `[count, D]`: about the leading `count` principal components of
/// `number` centred points in D dimensions, `count ≤ D`, in decreasing order, and about the share
/// of the variance in their span. `rows` gives points by their numbers.
///
/// Subspace iteration on a sample, `V ← orth(Sᵀ S V)` from points as the first V: Halko,
/// Martinsson & Tropp (2011), "Finding structure with randomness", algorithm 4.4, without its
/// random numbers.
pub(super) fn principal_directions(
    number: usize,
    rows: impl Fn(&[usize]) -> Array2<f64>,
    count: usize,
) -> (Array2<f64>, f64) {
    let sample = rows(&spread(number, SAMPLE_ROWS));
    let dimension = sample.ncols();
    let mut basis = orthonormal(&rows(&spread(number, count)).reversed_axes(), count);
    let mut scores = Array2::zeros((sample.nrows(), count));
    let mut images = Array2::zeros((dimension, count));
    for _ in 0..ITERATIONS {
        matmul(0.0, scores.view_mut(), 1.0, sample.view(), basis.t());
        matmul(0.0, images.view_mut(), 1.0, sample.t(), scores.view());
        basis = orthonormal(&images, count);
    }
    matmul(0.0, scores.view_mut(), 1.0, sample.view(), basis.t());
    let basis = ordered(&scores, basis);
    let variance = |values: &Array2<f64>| values.iter().map(|value| value * value).sum::<f64>();
    (basis, variance(&scores) / variance(&sample))
}

/// `basis`, turned so that `scores` on its rows are uncorrelated and of decreasing variance; as it
/// is should that fail.
fn ordered(scores: &Array2<f64>, basis: Array2<f64>) -> Array2<f64> {
    let count = basis.nrows();
    let mut covariance = Array2::zeros((count, count));
    matmul(0.0, covariance.view_mut(), 1.0, scores.t(), scores.view());
    let matrix = Mat::from_fn(count, count, |i, j| covariance[[i, j]]);
    let Ok(eigen) = matrix.self_adjoint_eigen(Side::Lower) else { return basis };
    // Ascending, as they come.
    let turn = Array2::from_shape_fn((count, count), |(i, j)| eigen.U()[(j, count - 1 - i)]);
    turn.dot(&basis)
}

/// At most `most` of `number` points at equal distances.
fn spread(number: usize, most: usize) -> Vec<usize> {
    let count = most.min(number);
    (0..count).map(|place| place * number / count).collect()
}

/// The transpose of `count` orthonormal columns whose span holds those of `columns`.
fn orthonormal(columns: &Array2<f64>, count: usize) -> Array2<f64> {
    let (dimension, given) = columns.dim();
    let padded =
        Mat::from_fn(dimension, count, |i, j| if j < given { columns[[i, j]] } else { 0.0 });
    let thin = padded.qr().compute_thin_Q();
    Array2::from_shape_fn((count, dimension), |(i, j)| thin[(j, i)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Axis;

    /// Directions of points less their mean.
    fn directions(points: &Array2<f32>, count: usize) -> (Array2<f64>, f64) {
        let points = points.mapv(f64::from);
        let centred = &points - &points.mean_axis(Axis(0)).unwrap();
        principal_directions(points.nrows(), |rows| centred.select(Axis(0), rows), count)
    }

    /// Points in the span of two directions and a little noise: the two are found.
    #[test]
    fn finds_the_span_that_holds_the_variance() {
        let wave = |seed: f64, j: usize| (seed * (j + 1) as f64).sin();
        let points = Array2::from_shape_fn((300, 40), |(i, j)| {
            let (a, b) = (wave(0.71, i), wave(1.93, i));
            (a * wave(0.37, j) + b * wave(2.1, j) + 1.0e-4 * wave(0.013, i * 40 + j)) as f32
        });
        let (basis, found) = directions(&points, 2);
        let gram = basis.dot(&basis.t());
        assert!((&gram - &Array2::<f64>::eye(2)).iter().all(|error| error.abs() < 1.0e-13));
        let points = points.mapv(f64::from);
        let left = &points - &points.dot(&basis.t()).dot(&basis);
        let share = left.mapv(|v| v * v).sum() / points.mapv(|v| v * v).sum();
        assert!(share < 1.0e-7, "{share}");
        assert!((found - 1.0).abs() < 1.0e-7, "{found}");
    }

    #[test]
    fn stays_orthonormal_where_points_do_not_span_enough() {
        for points in [Array2::zeros((9, 20)), Array2::ones((9, 20)), Array2::ones((2, 20))] {
            let (basis, _) = directions(&points, 5);
            let gram = basis.dot(&basis.t());
            assert!((&gram - &Array2::<f64>::eye(5)).iter().all(|error| error.abs() < 1.0e-13));
        }
    }
}
