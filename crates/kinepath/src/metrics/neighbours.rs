//! Exact nearest neighbours.

use std::{ops::Range, sync::OnceLock};

use ndarray::{Array2, ArrayView2, Axis, CowArray, Ix2, s};
use rayon::prelude::*;

use super::{
    distance::squared_distance,
    distinct::DistinctPoints,
    error::{MetricsError, check_dimension, check_points},
    prepared::{Margin, Prepared, QUERY_ROWS},
    projection::Projection,
    top_k::TopK,
};
use crate::kernel::prefetch;

mod chunk;

use chunk::Chunk;

/// Dimension from which products of images are enough shorter than products of points.
const LEAST_DIMENSION: usize = 96;
/// Rows whose products with the components are what finding these costs.
const PREPARATION: usize = 12_288;
/// How many times the cost of a projection a search must cost to risk one.
const EARNINGS: usize = 10;

/// Points prepared for exact nearest-neighbour search in L2.
///
/// A search multiplies blocks of queries with blocks of points in f32, discards the pairs whose
/// certified lower bound is above the k-th distance held, and computes the distances of the others
/// in f64 from the points themselves. Neither rounding nor the thread count can therefore change a
/// result, and no `[queries, points]` matrix is stored. Agrees with
/// `sklearn.neighbors.NearestNeighbors(algorithm="brute")`.
///
/// # Example
/// ```
/// use kinepath::metrics::{DistinctPoints, NeighbourIndex};
/// use ndarray::array;
///
/// let training = array![[0.0f32, 0.0], [3.0, 4.0], [0.0, 0.0]];
/// let index = NeighbourIndex::new(DistinctPoints::new(training.view())?);
/// let found = index.search(array![[0.0f32, 0.0]].view(), 2)?;
/// assert_eq!(found.indices, array![[0, 1]]);
/// assert_eq!(found.distances, array![[0.0, 5.0]]);
/// # Ok::<(), kinepath::metrics::MetricsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct NeighbourIndex<'a> {
    source: CowArray<'a, f32, Ix2>,
    rows: Vec<usize>,
    multiplicities: Vec<usize>,
    prepared: Prepared,
    /// Made by the first search that it pays for.
    projection: OnceLock<Option<Projection>>,
}

/// The k nearest points of each query, nearest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbours {
    /// Rows of the array the index was made from, shape `[queries, k]`. Points at equal distance
    /// come in increasing order of row.
    pub indices: Array2<usize>,
    /// Euclidean distances in data units, shape `[queries, k]`, each row ascending.
    pub distances: Array2<f64>,
}

impl<'a> NeighbourIndex<'a> {
    /// An index over distinct points: a duplicated row is one neighbour, reported as its first row.
    #[must_use]
    pub fn new(points: DistinctPoints<'a>) -> Self {
        let DistinctPoints { source, first_rows, multiplicities, .. } = points;
        let prepared = Prepared::new(&source.view(), &first_rows);
        Self { source, rows: first_rows, multiplicities, prepared, projection: OnceLock::new() }
    }

    /// An index over all rows of `points`, shape `[N, D]`, where duplicates are neighbours of each
    /// other at distance 0.
    ///
    /// # Errors
    /// [`MetricsError::Empty`] without rows or columns, [`MetricsError::NotFinite`] for a NaN or
    /// an infinity.
    pub fn over_rows(points: impl Into<CowArray<'a, f32, Ix2>>) -> Result<Self, MetricsError> {
        let source = points.into();
        check_points("points", &source.view())?;
        let rows: Vec<usize> = (0..source.nrows()).collect();
        let prepared = Prepared::new(&source.view(), &rows);
        Ok(Self {
            multiplicities: vec![1; rows.len()],
            source,
            rows,
            prepared,
            projection: OnceLock::new(),
        })
    }

    /// Number of points searched, at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "an index without points cannot be made")]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The array the index was made from, shape `[N, D]`.
    #[must_use]
    pub fn source(&self) -> ArrayView2<'_, f32> {
        self.source.view()
    }

    /// Dimension D of the points.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.source.ncols()
    }

    /// For each point searched its row in the array the index was made from, increasing.
    #[must_use]
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// For each point searched the number of rows it stands for.
    #[must_use]
    pub fn multiplicities(&self) -> &[usize] {
        &self.multiplicities
    }

    /// The `k` nearest points of each row of `queries`, shape `[Q, D]`.
    ///
    /// # Errors
    /// [`MetricsError::ZeroNeighbours`] for `k = 0`, [`MetricsError::TooFewPoints`] when the index
    /// holds fewer than `k` points; [`MetricsError::Empty`], [`MetricsError::NotFinite`] and
    /// [`MetricsError::DimensionMismatch`] for bad queries.
    pub fn search(
        &self,
        queries: ArrayView2<'_, f32>,
        k: usize,
    ) -> Result<Neighbours, MetricsError> {
        self.check_queries(&queries)?;
        self.check_k(k, k)?;
        let count = queries.nrows();
        Ok(self.nearest(count, k, self.projection(count), |first, last| {
            (queries.slice(s![first..last, ..]).into(), None)
        }))
    }

    /// The `k` nearest other points of each point searched: row `i` of the result belongs to the
    /// original row [`rows()[i]`](Self::rows).
    ///
    /// Only the point itself is left out. Over distinct points all distances are therefore
    /// positive; over rows a duplicate stays, at distance 0.
    ///
    /// # Errors
    /// [`MetricsError::ZeroNeighbours`] for `k = 0`, [`MetricsError::TooFewPoints`] when the index
    /// holds fewer than `k + 1` points.
    pub fn search_self(&self, k: usize) -> Result<Neighbours, MetricsError> {
        self.check_k(k, k + 1)?;
        let count = self.len();
        Ok(self.nearest(count, k, self.projection(count), |first, last| {
            (self.points(first..last).into(), Some(first))
        }))
    }

    /// Searches in parallel over fixed chunks; `chunk(first, last)` gives the queries and, when
    /// they are points of the index, the position of the first, so that each skips itself.
    fn nearest<'q>(
        &self,
        count: usize,
        k: usize,
        projection: Option<&Projection>,
        chunk: impl Fn(usize, usize) -> (CowArray<'q, f32, Ix2>, Option<usize>) + Sync,
    ) -> Neighbours {
        let found: Vec<Vec<TopK>> = (0..count.div_ceil(QUERY_ROWS))
            .into_par_iter()
            .map(|task| {
                let first = task * QUERY_ROWS;
                let (queries, own) = chunk(first, (first + QUERY_ROWS).min(count));
                Chunk::new(self, queries.view(), own, k).nearest(projection)
            })
            .collect();
        let mut neighbours =
            Neighbours { indices: Array2::zeros((count, k)), distances: Array2::zeros((count, k)) };
        for (query, best) in found.into_iter().flatten().enumerate() {
            for (rank, (squared, point)) in best.into_ascending().into_iter().enumerate() {
                neighbours.indices[[query, rank]] = self.rows[point];
                neighbours.distances[[query, rank]] = squared.sqrt();
            }
        }
        neighbours
    }

    /// The projection, for a search that is long enough to pay for it.
    fn projection(&self, queries: usize) -> Option<&Projection> {
        if self.dimension() < LEAST_DIMENSION {
            return None;
        }
        let components = (self.dimension() / 6).clamp(32, 128);
        // Rows multiplied with the components, each as expensive as two products in f32.
        let making = 2 * components * (PREPARATION + self.len() + queries);
        if queries * self.len() < EARNINGS * making {
            return None;
        }
        self.projection.get_or_init(|| Projection::new(&self.prepared, components)).as_ref()
    }

    /// Certified lower bounds block by block, see [`Prepared::scan`].
    pub(super) fn scan(
        &self,
        queries: ArrayView2<'_, f32>,
        visit: impl FnMut(usize, usize, &[f64], Margin),
    ) {
        self.prepared.scan(queries, visit);
    }

    /// From a lower bound on the squared distance of a point to an upper one.
    pub(super) fn bound_width(&self, margin: Margin, point: usize) -> f64 {
        self.prepared.width(margin, point)
    }

    /// Exact squared distance of row `query` of `queries` to point number `point`.
    pub(super) fn squared_distance(
        &self,
        queries: ArrayView2<'_, f32>,
        query: usize,
        point: usize,
    ) -> f64 {
        squared_distance(queries.row(query), self.source.row(self.rows[point]))
    }

    /// Asks for a point that will be judged soon.
    fn prefetch(&self, point: usize) {
        if let Some(values) = self.source.row(self.rows[point]).to_slice() {
            prefetch(values);
        }
    }

    /// The values of some points, copied.
    pub(super) fn points(&self, numbers: Range<usize>) -> Array2<f32> {
        self.source.select(Axis(0), &self.rows[numbers])
    }

    /// The mean of the points.
    pub(super) fn centre(&self) -> &[f64] {
        self.prepared.centre()
    }

    /// Refuses queries that are empty, not finite or of another dimension.
    pub(super) fn check_queries(&self, queries: &ArrayView2<'_, f32>) -> Result<(), MetricsError> {
        check_points("queries", queries)?;
        check_dimension("queries", self.dimension(), queries)
    }

    fn check_k(&self, k: usize, needed: usize) -> Result<(), MetricsError> {
        if k == 0 {
            return Err(MetricsError::ZeroNeighbours);
        }
        if self.len() < needed {
            let what = "nearest neighbours";
            return Err(MetricsError::TooFewPoints { what, needed, actual: self.len() });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
