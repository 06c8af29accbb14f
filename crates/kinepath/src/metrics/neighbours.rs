//! Exact nearest neighbours.

use std::{ops::Range, sync::OnceLock};

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut2, Axis, CowArray, Ix2, s};
use rayon::prelude::*;

use super::{
    distance::squared_distance,
    distinct::DistinctPoints,
    error::{MetricsError, check_dimension, check_points},
    prepared::{Prepared, QUERY_ROWS, SERIAL, mean_of_some},
    projection::Projection,
};
use crate::kernel::{LANES, prefetch};

mod candidates;
mod chunk;
mod images;

use candidates::Candidates;
use chunk::{Chunk, Method, Workspace};

/// Dimension from which products of images are enough shorter than products of points.
const LEAST_DIMENSION: usize = 96;
/// Rows whose products with the components are what finding these costs.
const PREPARATION: usize = 12_288;
/// How many times the cost of a projection a search must cost to risk one.
const EARNINGS: usize = 10;
/// Queries from which preparing the points costs less than judging all pairs.
const FEW_QUERIES: usize = 6;

/// Points that are searched at a time at most: their numbers fit 32 bits.
const PART: usize = 1 << 31;

/// Where neighbours of some queries are written.
type Rows<'o> = (ArrayViewMut2<'o, usize>, ArrayViewMut2<'o, f64>);

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
    /// Made by the first search that it pays for, as is the projection.
    prepared: OnceLock<Prepared>,
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
        Self {
            source,
            rows: first_rows,
            multiplicities,
            prepared: OnceLock::new(),
            projection: OnceLock::new(),
        }
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
        Ok(Self {
            multiplicities: vec![1; rows.len()],
            source,
            rows,
            prepared: OnceLock::new(),
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
        let queries = queries.as_standard_layout();
        Ok(self.nearest(count, k, self.method(count, k), |rows| {
            (queries.slice(s![rows, ..]).into(), None)
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
        Ok(self.nearest(count, k, self.method(count, k), |rows| {
            let first = rows.start;
            (self.points(rows).into(), Some(first))
        }))
    }

    /// Searches in parallel; `chunk(rows)` gives some of the queries, contiguous, and, when they
    /// are points of the index, the number of the first, so that each skips itself.
    ///
    /// Many queries are shared among the threads; of few, each thread searches all in its part of
    /// the points. What the k nearest are does not depend on how they were found.
    fn nearest<'q>(
        &self,
        count: usize,
        k: usize,
        method: Method<'_>,
        chunk: impl Fn(Range<usize>) -> (CowArray<'q, f32, Ix2>, Option<usize>) + Sync,
    ) -> Neighbours {
        let mut found =
            Neighbours { indices: Array2::zeros((count, k)), distances: Array2::zeros((count, k)) };
        let Neighbours { indices, distances } = &mut found;
        let threads = rayon::current_num_threads();
        let serial = count * self.len() * (self.dimension() + k) < SERIAL;
        let search = |first: usize, points: &Range<usize>, workspace: &mut Workspace| {
            let (queries, own) = chunk(first..(first + QUERY_ROWS).min(count));
            let chunk = Chunk { index: self, queries: queries.view(), own, k, points };
            chunk.nearest(method, workspace);
        };
        let write = |found: &[Candidates], mut rows: Rows<'_>| {
            for (candidates, (mut indices, mut distances)) in
                found.iter().zip(rows.0.rows_mut().into_iter().zip(rows.1.rows_mut()))
            {
                let out = indices.iter_mut().zip(&mut distances);
                for (&(squared, point), (index, distance)) in candidates.nearest().iter().zip(out) {
                    *index = self.rows[point];
                    *distance = squared.sqrt();
                }
            }
        };
        if !serial && (count < 2 * threads * QUERY_ROWS || self.len() > PART) {
            let parts = self.parts(threads);
            let merge = |task: usize| {
                let (first, part) = (task / parts.len() * QUERY_ROWS, &parts[task % parts.len()]);
                let mut workspace = Workspace::default();
                search(first, part, &mut workspace);
                workspace.found()
            };
            let tasks = count.div_ceil(QUERY_ROWS) * parts.len();
            let mut all: Vec<Vec<Candidates>> = (0..tasks).into_par_iter().map(merge).collect();
            let rows = indices
                .axis_chunks_iter_mut(Axis(0), QUERY_ROWS)
                .zip(distances.axis_chunks_iter_mut(Axis(0), QUERY_ROWS));
            for (parts, rows) in all.chunks_mut(parts.len()).zip(rows) {
                let Some((merged, others)) = parts.split_first_mut() else { continue };
                for other in others {
                    merged.iter_mut().zip(other).for_each(|(all, other)| all.merge(other.nearest()));
                }
                write(merged, rows);
            }
            return found;
        }
        let all = 0..self.len();
        let one = |workspace: &mut Workspace, (number, rows): (usize, Rows<'_>)| {
            search(number * QUERY_ROWS, &all, workspace);
            write(workspace.candidates(), rows);
        };
        let indices = indices.axis_chunks_iter_mut(Axis(0), QUERY_ROWS);
        let distances = distances.axis_chunks_iter_mut(Axis(0), QUERY_ROWS);
        if serial {
            let mut workspace = Workspace::default();
            indices.zip(distances).enumerate().for_each(|rows| one(&mut workspace, rows));
        } else {
            let rows = indices.into_par_iter().zip(distances.into_par_iter()).enumerate();
            rows.for_each_init(Workspace::default, one);
        }
        found
    }

    /// The points in about `count` parts, none too long.
    fn parts(&self, count: usize) -> Vec<Range<usize>> {
        let length = self.len().div_ceil(count).next_multiple_of(LANES).min(PART);
        let end = |first: usize| (first + length).min(self.len());
        (0..self.len()).step_by(length).map(|first| first..end(first)).collect()
    }

    /// How to search.
    fn method(&self, queries: usize, k: usize) -> Method<'_> {
        let unprepared = self.prepared.get().is_none();
        if (unprepared && queries < FEW_QUERIES) || self.len() <= 2 * k {
            return Method::Direct;
        }
        Method::Keys(self.prepared(), self.projection(queries))
    }

    fn prepared(&self) -> &Prepared {
        self.prepared.get_or_init(|| Prepared::new(&self.source.view(), &self.rows))
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
        self.projection.get_or_init(|| Projection::new(self.prepared(), components)).as_ref()
    }

    /// Calls `visit(query, point, low, high)` for every pair, with certified bounds on its squared
    /// distance in data units.
    pub(super) fn scan(
        &self,
        queries: ArrayView2<'_, f32>,
        visit: impl FnMut(usize, usize, f64, f64),
    ) {
        self.prepared().scan(queries, visit);
    }

    /// Exact squared distance of `query` to point number `point`.
    pub(super) fn squared_distance<'q>(
        &self,
        query: impl Into<ArrayView1<'q, f32>>,
        point: usize,
    ) -> f64 {
        squared_distance(query.into(), self.source.row(self.rows[point]))
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

    /// About the mean of the points.
    pub(super) fn centre(&self) -> Vec<f64> {
        mean_of_some(&self.source.view(), &self.rows)
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
