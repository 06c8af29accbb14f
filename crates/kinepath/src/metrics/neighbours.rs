//! Exact nearest neighbours.

use std::{
    ops::Range,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use ndarray::{Array2, ArrayView2, Axis, CowArray, Ix2, s};

use super::{
    error::{MetricsError, check_dimension, check_finite, check_points, check_some},
    largest::largest_magnitude,
};

mod candidates;
mod chunk;
mod distance;
mod distinct;
mod exact;
mod images;
mod key_bounds;
mod key_space;
mod method;
mod packing;
mod parallel;
mod prepared;
mod principal;
mod projection;
mod small;
mod stream;
mod tree;

pub(super) use distance::squared_distance;
pub use distinct::DistinctPoints;
pub(super) use key_space::QUERY_ROWS;
pub use stream::NeighbourStream;

use images::Projections;
use key_space::{KeySpace, SERIAL, mean_of_some};
use prepared::Prepared;
use small::Small;
use tree::Tree;

/// Queries for each point from which looking for copies costs little beside the search.
const MANY_QUERIES: usize = 16;

/// Points prepared for exact nearest-neighbour search in L2.
///
/// A search compares blocks of queries with blocks of points in f32, discards the pairs whose
/// certified lower bound is above an upper bound of the k-th distance, and computes the distances of
/// the others in f64 from the points themselves. Neither rounding nor the thread count can therefore
/// change a result. Agrees with `sklearn.neighbors.NearestNeighbors(algorithm="brute")`.
///
/// Memory: the array itself, `[Q, k]` results and no `[Q, N]` matrix. Few queries among many points
/// need only blocks of a quarter of a megabyte for each thread beside that. A long search in many
/// dimensions keeps about 330 numbers for each point, its images on principal components; where
/// that does not pay, and in few dimensions, the index keeps one packed copy of the points. Points
/// that do not fit in memory are for [`NeighbourStream`](super::NeighbourStream).
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
    /// Rows searched and how many each stands for; without, all rows.
    distinct: Option<(Vec<usize>, Vec<usize>)>,
    /// The same for all rows, for who asks.
    all: OnceLock<(Vec<usize>, Vec<usize>)>,
    /// Made by the first search that it pays for, as are the tree and the projection.
    prepared: OnceLock<Prepared>,
    space: OnceLock<KeySpace>,
    small: OnceLock<Small>,
    tree: OnceLock<Tree>,
    projections: OnceLock<Option<Projections>>,
}

/// The k nearest points of each query, nearest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbours {
    /// Rows of the array the index was made from, shape `[queries, k]`. Points at equal distance
    /// come in increasing order of row.
    pub indices: Array2<usize>,
    /// Euclidean distances in data units, shape `[queries, k]`, each row ascending; their squares
    /// from [`search_squares`](NeighbourIndex::search_squares).
    pub distances: Array2<f64>,
}

impl Neighbours {
    /// Distances from squared ones.
    pub(super) fn rooted(mut self) -> Self {
        if self.distances.len() < SERIAL {
            self.distances.mapv_inplace(f64::sqrt);
        } else {
            self.distances.par_mapv_inplace(f64::sqrt);
        }
        self
    }
}

impl<'a> NeighbourIndex<'a> {
    /// An index over distinct points: a duplicated row is one neighbour, reported as its first row.
    #[must_use]
    pub fn new(points: DistinctPoints<'a>) -> Self {
        let DistinctPoints { source, first_rows, multiplicities, .. } = points;
        Self::unprepared(source, Some((first_rows, multiplicities)))
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
        Ok(Self::unprepared(source, None))
    }

    fn unprepared(
        source: CowArray<'a, f32, Ix2>,
        distinct: Option<(Vec<usize>, Vec<usize>)>,
    ) -> Self {
        Self {
            source,
            distinct,
            all: OnceLock::new(),
            prepared: OnceLock::new(),
            space: OnceLock::new(),
            small: OnceLock::new(),
            tree: OnceLock::new(),
            projections: OnceLock::new(),
        }
    }

    /// Number of points searched, at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "an index without points cannot be made")]
    pub fn len(&self) -> usize {
        self.distinct.as_ref().map_or(self.source.nrows(), |(rows, _)| rows.len())
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
        &self.points_searched().0
    }

    /// For each point searched the number of rows it stands for.
    #[must_use]
    pub fn multiplicities(&self) -> &[usize] {
        &self.points_searched().1
    }

    fn points_searched(&self) -> &(Vec<usize>, Vec<usize>) {
        let all = || ((0..self.len()).collect(), vec![1; self.len()]);
        self.distinct.as_ref().unwrap_or_else(|| self.all.get_or_init(all))
    }

    /// The row of a point in the array.
    fn row(&self, point: usize) -> usize {
        self.distinct.as_ref().map_or(point, |(rows, _)| rows[point])
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
        self.check_k(k, k)?;
        Ok(self.search_squared(queries, k)?.rooted())
    }

    /// As [`search`](Self::search), but with squared distances, and with all points where there are
    /// fewer than `most`.
    ///
    /// For putting together what was found in several sets of points: two squares may differ by so
    /// little that they have the same root, and would become a tie.
    ///
    /// # Errors
    /// Those of [`search`](Self::search), but for too few points.
    ///
    /// # Example
    /// ```
    /// use kinepath::metrics::NeighbourIndex;
    /// use ndarray::array;
    ///
    /// let index = NeighbourIndex::over_rows(array![[0.0f32], [3.0]])?;
    /// let found = index.search_squares(array![[1.0f32]].view(), 5)?;
    /// assert_eq!(found.distances, array![[1.0, 4.0]]);
    /// # Ok::<(), kinepath::metrics::MetricsError>(())
    /// ```
    pub fn search_squares(
        &self,
        queries: ArrayView2<'_, f32>,
        most: usize,
    ) -> Result<Neighbours, MetricsError> {
        let k = most.min(self.len());
        self.check_k(k, k)?;
        self.search_squared(queries, k)
    }

    /// [`search`](Self::search) without the roots: squared distances, for a k that was checked.
    ///
    /// Queries are checked chunk by chunk, as the search takes them into its caches: of few points,
    /// reading the queries is what takes the time.
    fn search_squared(
        &self,
        queries: ArrayView2<'_, f32>,
        k: usize,
    ) -> Result<Neighbours, MetricsError> {
        check_some("queries", &queries)?;
        check_dimension("queries", self.dimension(), &queries)?;
        if let Some(fewer) = self.without_copies(queries.nrows(), k) {
            return fewer.search_squared(queries, k);
        }
        let (count, queries) = (queries.nrows(), queries.as_standard_layout());
        let refused = AtomicBool::new(false);
        let chunk = |rows| {
            let mut chunk = queries.slice(s![rows, ..]);
            if refused.load(Ordering::Relaxed) || !largest_magnitude(&chunk).is_finite() {
                refused.store(true, Ordering::Relaxed);
                chunk = queries.slice(s![..0, ..]);
            }
            (chunk.into(), None)
        };
        let found = self.nearest(count, k, self.method(count, k, false), chunk);
        if refused.into_inner() {
            check_finite("queries", &queries.view())?;
        }
        Ok(found)
    }

    /// The distinct points, if only the nearest is sought, there are copies, and so many queries that
    /// looking for these is nothing: of equal points the first is found.
    fn without_copies(&self, queries: usize, k: usize) -> Option<NeighbourIndex<'_>> {
        if k > 1 || self.distinct.is_some() || queries < MANY_QUERIES * self.len() {
            return None;
        }
        let points = DistinctPoints::new(self.source.view()).ok()?;
        (points.len() < self.len()).then(|| NeighbourIndex::new(points))
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
        let chunk = |rows: Range<usize>| {
            let first = rows.start;
            (self.points(rows).into(), Some(first))
        };
        Ok(self.nearest(count, k, self.method(count, k, true), chunk).rooted())
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

    /// The values of some points, copied.
    pub(super) fn points(&self, numbers: Range<usize>) -> Array2<f32> {
        self.source.select(Axis(0), &self.rows()[numbers])
    }

    /// About the mean of the points.
    pub(super) fn centre(&self) -> Vec<f64> {
        mean_of_some(&self.source.view(), self.len(), |point| self.row(point))
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
