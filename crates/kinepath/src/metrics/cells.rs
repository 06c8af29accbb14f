//! A partition of space into cells around centres.

use ndarray::{Array2, ArrayView2, Axis};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{
    error::{MetricsError, check_points},
    neighbours::{NeighbourIndex, squared_distance},
};

/// Lloyd steps after which the partition is taken as it is.
const MOST_STEPS: usize = 300;

/// A partition by k-means: a point belongs to the cell whose centre is nearest, of equally near
/// ones to the first.
///
/// # Example
/// ```
/// use kinepath::metrics::Cells;
/// use ndarray::array;
///
/// let cells = Cells::k_means(array![[0.0f32], [10.0], [1.0], [11.0]].view(), 2, 0)?;
/// let assigned = cells.assign(array![[-3.0f32], [0.2], [20.0]].view())?;
/// assert_eq!(assigned[0], assigned[1]);
/// assert_ne!(assigned[0], assigned[2]);
/// # Ok::<(), kinepath::metrics::MetricsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Cells {
    /// Over the centres.
    index: NeighbourIndex<'static>,
}

impl Cells {
    /// Splits `points`, shape `[N, D]`, into `count` cells: centres drawn by k-means++ (Arthur &
    /// Vassilvitskii 2007) from a ChaCha8 generator seeded with `seed`, then moved to the means of
    /// their cells until no point changes its cell (Lloyd 1982), at most 300 times. A centre that
    /// loses all its points stays where it is.
    ///
    /// # Errors
    /// [`MetricsError::TooFewPoints`] for no cell or with fewer different points than cells,
    /// [`MetricsError::Empty`], [`MetricsError::NotFinite`].
    pub fn k_means(
        points: ArrayView2<'_, f32>,
        count: usize,
        seed: u64,
    ) -> Result<Self, MetricsError> {
        check_points("points", &points)?;
        if count == 0 {
            return Err(MetricsError::TooFewPoints { what: "cells", needed: 1, actual: 0 });
        }
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        let mut cells = Self::around(plus_plus(points, count, &mut generator)?)?;
        let mut assigned = cells.assign(points)?;
        for _ in 0..MOST_STEPS {
            cells = Self::around(means(points, &assigned, cells.centres()))?;
            let moved = cells.assign(points)?;
            if moved == assigned {
                break;
            }
            assigned = moved;
        }
        Ok(cells)
    }

    /// The cell of each row of `points`, shape `[Q, D]`: a row of [`centres`](Self::centres).
    ///
    /// # Errors
    /// [`MetricsError::Empty`], [`MetricsError::NotFinite`], [`MetricsError::DimensionMismatch`].
    pub fn assign(&self, points: ArrayView2<'_, f32>) -> Result<Vec<usize>, MetricsError> {
        Ok(self.index.search(points, 1)?.indices.column(0).to_vec())
    }

    /// The centres, shape `[cells, D]`, in the unit of the points.
    #[must_use]
    pub fn centres(&self) -> ArrayView2<'_, f32> {
        self.index.source()
    }

    fn around(centres: Array2<f32>) -> Result<Self, MetricsError> {
        Ok(Self { index: NeighbourIndex::over_rows(centres)? })
    }
}

/// Draws centres among the points, each with a probability proportional to its squared distance to
/// the centres before it.
fn plus_plus(
    points: ArrayView2<'_, f32>,
    count: usize,
    generator: &mut impl Rng,
) -> Result<Array2<f32>, MetricsError> {
    let mut rows = vec![generator.random_range(0..points.nrows())];
    let mut squared = vec![f64::INFINITY; points.nrows()];
    while rows.len() < count {
        let centre = points.row(rows[rows.len() - 1]);
        squared.par_iter_mut().enumerate().for_each(|(row, squared)| {
            *squared = squared.min(squared_distance(points.row(row), centre));
        });
        // Relative to the largest: a sum of squares near the top of f64 would overflow.
        let largest = squared.iter().copied().fold(0.0, f64::max);
        if largest == 0.0 {
            let what = "cells";
            return Err(MetricsError::TooFewPoints { what, needed: count, actual: rows.len() });
        }
        let total: f64 = squared.iter().map(|squared| squared / largest).sum();
        let mut left = generator.random::<f64>() * total;
        let drawn = squared.iter().position(|squared| {
            left -= squared / largest;
            left < 0.0
        });
        // Rounding can leave a rest above the last point: the farthest then is a fair choice.
        let farthest = || squared.iter().position(|&squared| squared == largest).unwrap_or(0);
        rows.push(drawn.unwrap_or_else(farthest));
    }
    Ok(points.select(Axis(0), &rows))
}

/// The mean of the points of each cell; the old centre where there are none.
fn means(
    points: ArrayView2<'_, f32>,
    assigned: &[usize],
    centres: ArrayView2<'_, f32>,
) -> Array2<f32> {
    let mut sums = Array2::<f64>::zeros(centres.dim());
    let mut counts = vec![0usize; centres.nrows()];
    for (point, &cell) in points.rows().into_iter().zip(assigned) {
        counts[cell] += 1;
        sums.row_mut(cell).zip_mut_with(&point, |sum, &value| *sum += f64::from(value));
    }
    Array2::from_shape_fn(centres.dim(), |(cell, column)| match counts[cell] {
        0 => centres[[cell, column]],
        count => (sums[[cell, column]] / count as f64) as f32,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::noise;
    use ndarray::{ArrayView1, array};
    use proptest::prelude::*;

    /// Sum of squared distances to the centre of the own cell.
    fn scatter(points: &Array2<f32>, cells: &Cells) -> f64 {
        let assigned = cells.assign(points.view()).unwrap();
        let of = |(point, &cell): (ArrayView1<'_, f32>, &usize)| {
            squared_distance(point, cells.centres().row(cell))
        };
        points.rows().into_iter().zip(&assigned).map(of).sum()
    }

    #[test]
    fn same_seed_same_cells_on_any_thread_count() {
        let points = noise(1, 0..500, 4);
        let run = |threads, seed| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| Cells::k_means(points.view(), 7, seed).unwrap().centres().to_owned())
        };
        assert_eq!(run(1, 2), run(4, 2));
        assert_ne!(run(1, 2), run(1, 3));
    }

    #[test]
    fn as_many_cells_as_points_leave_no_scatter() {
        let points = array![[0.0f32], [1.0], [5.0], [1.0]];
        for seed in 0..20 {
            let cells = Cells::k_means(points.view(), 3, seed).unwrap();
            assert_eq!(scatter(&points, &cells), 0.0);
        }
        assert_eq!(
            Cells::k_means(points.view(), 4, 0).unwrap_err(),
            MetricsError::TooFewPoints { what: "cells", needed: 4, actual: 3 }
        );
    }

    #[test]
    fn extreme_scales_do_not_overflow() {
        let points = array![[-3.0e38f32, 3.0e38], [3.0e38, -3.0e38], [3.0e38, -2.9e38]];
        let cells = Cells::k_means(points.view(), 2, 0).unwrap();
        let assigned = cells.assign(points.view()).unwrap();
        assert_eq!(assigned[1], assigned[2]);
        assert_ne!(assigned[0], assigned[1]);
    }

    #[test]
    fn refuses_bad_input() {
        let points = array![[0.0f32, f32::NAN]];
        assert_eq!(
            Cells::k_means(points.view(), 1, 0).unwrap_err(),
            MetricsError::NotFinite { what: "points", row: 0, column: 1 }
        );
        assert_eq!(
            Cells::k_means(array![[1.0f32]].view(), 0, 0).unwrap_err(),
            MetricsError::TooFewPoints { what: "cells", needed: 1, actual: 0 }
        );
        let cells = Cells::k_means(array![[1.0f32]].view(), 1, 0).unwrap();
        assert_eq!(
            cells.assign(array![[1.0f32, 2.0]].view()).unwrap_err(),
            MetricsError::DimensionMismatch { what: "queries", expected: 1, actual: 2 }
        );
    }

    proptest! {
        /// Lloyd's fixed point: every centre is the mean of its cell, to the rounding of f32.
        #[test]
        fn centres_are_means(seed in 0u64..500, count in 1usize..6) {
            let points = noise(seed, 0..60, 2);
            let cells = Cells::k_means(points.view(), count, seed).unwrap();
            let assigned = cells.assign(points.view()).unwrap();
            prop_assert_eq!(means(points.view(), &assigned, cells.centres()), cells.centres());
            let one = Cells::k_means(points.view(), 1, seed).unwrap();
            prop_assert!(scatter(&points, &cells) <= scatter(&points, &one) * (1.0 + 1.0e-6));
        }
    }
}
