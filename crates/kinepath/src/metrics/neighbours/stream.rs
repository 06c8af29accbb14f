//! Exact nearest neighbours among points that arrive block after block.

use ndarray::{Array2, ArrayView2, CowArray, Ix2};

use super::{NeighbourIndex, Neighbours};
use crate::metrics::error::{MetricsError, check_dimension, check_points};

/// The nearest of the points seen so far, of queries that are given first: for more points than fit
/// in memory.
///
/// What it finds does not depend on the blocks: it equals [`NeighbourIndex::search`] over
/// all rows at once, to the bit. It holds the queries and `[Q, k]` neighbours, and while a block
/// of n points is searched about as much again as the block and `[Q, min(n, k)]` neighbours.
///
/// # Example
/// ```
/// use kinepath::metrics::NeighbourStream;
/// use ndarray::array;
///
/// let mut stream = NeighbourStream::new(array![[0.0f32]], 2)?;
/// stream.push(array![[3.0f32], [-1.0]].view())?;
/// stream.push(array![[1.0f32]].view())?;
/// let found = stream.finish()?;
/// assert_eq!(found.indices, array![[1, 2]]);
/// assert_eq!(found.distances, array![[1.0, 1.0]]);
/// # Ok::<(), kinepath::metrics::MetricsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct NeighbourStream<'q> {
    queries: CowArray<'q, f32, Ix2>,
    k: usize,
    seen: usize,
    /// Squared distances; as many of the k as points were seen.
    found: Neighbours,
}

impl<'q> NeighbourStream<'q> {
    /// Will seek the `k` nearest points of each row of `queries`, shape `[Q, D]`, an array or a
    /// view.
    ///
    /// # Errors
    /// [`MetricsError::ZeroNeighbours`] for `k = 0`, [`MetricsError::Empty`],
    /// [`MetricsError::NotFinite`].
    pub fn new(queries: impl Into<CowArray<'q, f32, Ix2>>, k: usize) -> Result<Self, MetricsError> {
        let queries = queries.into();
        check_points("queries", &queries.view())?;
        if k == 0 {
            return Err(MetricsError::ZeroNeighbours);
        }
        let none = (queries.nrows(), 0);
        let found = Neighbours { indices: Array2::zeros(none), distances: Array2::zeros(none) };
        Ok(Self { queries, k, seen: 0, found })
    }

    /// Looks at the next points, shape `[n, D]`, which are rows `seen..seen + n` of all.
    ///
    /// # Errors
    /// [`MetricsError::Empty`], [`MetricsError::NotFinite`] with the row in this block,
    /// [`MetricsError::DimensionMismatch`]; nothing has been looked at then.
    pub fn push(&mut self, points: ArrayView2<'_, f32>) -> Result<(), MetricsError> {
        let index = NeighbourIndex::over_rows(points)?;
        check_dimension("points", self.queries.ncols(), &points)?;
        let nearest = index.search_squares(self.queries.view(), self.k)?;
        self.found = merged(&self.found, &nearest, self.seen, self.k);
        self.seen += points.nrows();
        Ok(())
    }

    /// Number of points looked at.
    #[must_use]
    pub fn seen(&self) -> usize {
        self.seen
    }

    /// The nearest of all points.
    ///
    /// # Errors
    /// [`MetricsError::TooFewPoints`] when fewer than k were pushed.
    pub fn finish(self) -> Result<Neighbours, MetricsError> {
        if self.seen < self.k {
            let what = "nearest neighbours";
            return Err(MetricsError::TooFewPoints { what, needed: self.k, actual: self.seen });
        }
        Ok(self.found.rooted())
    }
}

/// The `k` nearest, or all, of two sets of neighbours, the second in rows from `offset` on, above
/// all rows of the first.
fn merged(first: &Neighbours, second: &Neighbours, offset: usize, k: usize) -> Neighbours {
    let (count, held) = first.indices.dim();
    let width = k.min(held + second.indices.ncols());
    let mut all = Neighbours {
        indices: Array2::zeros((count, width)),
        distances: Array2::zeros((count, width)),
    };
    for query in 0..count {
        let (mut a, mut b) = (0, 0);
        for rank in 0..width {
            let from_first = a < held
                && (b == second.indices.ncols()
                    || first.distances[[query, a]] <= second.distances[[query, b]]);
            let (index, squared) = if from_first {
                a += 1;
                (first.indices[[query, a - 1]], first.distances[[query, a - 1]])
            } else {
                b += 1;
                (offset + second.indices[[query, b - 1]], second.distances[[query, b - 1]])
            };
            all.indices[[query, rank]] = index;
            all.distances[[query, rank]] = squared;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Axis, array};
    use proptest::prelude::*;

    #[test]
    fn refuses_bad_input_and_keeps_what_it_has() {
        assert_eq!(
            NeighbourStream::new(array![[0.0f32]], 0).unwrap_err(),
            MetricsError::ZeroNeighbours
        );
        let mut stream = NeighbourStream::new(array![[0.0f32, 0.0]], 2).unwrap();
        stream.push(array![[1.0f32, 0.0]].view()).unwrap();
        assert_eq!(
            stream.push(array![[1.0f32]].view()).unwrap_err(),
            MetricsError::DimensionMismatch { what: "points", expected: 2, actual: 1 }
        );
        assert_eq!(
            stream.push(array![[1.0f32, f32::NAN]].view()).unwrap_err(),
            MetricsError::NotFinite { what: "points", row: 0, column: 1 }
        );
        assert_eq!(stream.seen(), 1);
        let what = "nearest neighbours";
        assert_eq!(
            stream.clone().finish().unwrap_err(),
            MetricsError::TooFewPoints { what, needed: 2, actual: 1 }
        );
        stream.push(array![[0.0f32, 0.5]].view()).unwrap();
        assert_eq!(stream.finish().unwrap().indices, array![[1, 0]]);
    }

    proptest! {
        /// Small integers: ties and duplicates, also across the borders of blocks.
        #[test]
        fn blocks_change_nothing(
            values in proptest::collection::vec(-2i8..3, 12..300),
            dimension in 1usize..4,
            blocks in proptest::collection::vec(1usize..40, 1..20),
            share in 0.0f64..=1.0,
        ) {
            let count = values.len() / dimension;
            let points = Array2::from_shape_fn((count, dimension), |(i, j)| {
                f32::from(values[i * dimension + j])
            });
            let queries = points.slice(ndarray::s![..count.min(9), ..]).mapv(|v| v + 0.5);
            let k = 1 + ((count - 1) as f64 * share) as usize;
            let mut stream = NeighbourStream::new(queries.view(), k).unwrap();
            let (mut rest, mut blocks) = (points.view(), blocks.into_iter().cycle());
            while rest.nrows() > 0 {
                let rows = blocks.next().unwrap().min(rest.nrows());
                let (block, after) = rest.split_at(Axis(0), rows);
                stream.push(block).unwrap();
                rest = after;
            }
            let whole = NeighbourIndex::over_rows(points.view()).unwrap();
            prop_assert_eq!(stream.finish().unwrap(), whole.search(queries.view(), k).unwrap());
        }
    }
}
