//! Exact nearest neighbours.

use std::{ops::Range, sync::OnceLock};

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut2, Axis, CowArray, Ix2, s};
use rayon::prelude::*;

use super::{
    distance::squared_distance,
    distinct::DistinctPoints,
    error::{MetricsError, check_dimension, check_points},
    key_space::{KeySpace, QUERY_ROWS, SERIAL, UNIT, mean_of_some},
    prepared::Prepared,
};
use crate::kernel::{LANES, MANY, prefetch, squared_difference, squared_distances};

mod candidates;
mod chunk;
mod images;
mod small;
mod tree;

use candidates::Candidates;
use chunk::{Chunk, Method, Workspace};
use images::Projections;
use small::Small;
use tree::Tree;

/// Dimension from which products of images are enough shorter than products of points.
const LEAST_DIMENSION: usize = 96;
/// Rows whose products with the components are what finding these costs.
const PREPARATION: usize = 12_288;
/// How many times the cost of a projection a search must cost to risk one.
const EARNINGS: usize = 10;
/// Queries from which preparing the points costs less than judging all pairs.
const FEW_QUERIES: usize = 6;

/// Most queries that meet a block of images.
const MANY_QUERIES: usize = 4 * QUERY_ROWS;
/// Most queries for which points are packed without being kept.
const PASSING: usize = 2048;
/// Points that are sooner judged than compared by keys.
const FEW_POINTS: usize = 16;
/// Above what the rounding of one product of f32 can add where it nearly underflows.
const LOST: f64 = 1.0e-44;
/// How many times each side of a box must have been cut for boxes to keep points apart.
const CUTS: usize = 2;
/// Largest dimension of points in boxes.
const MOST_BOXED: usize = 8;
/// Points that are as soon looked at as boxes around them.
const LEAST_BOXED: usize = 8 * LANES;
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
    /// Euclidean distances in data units, shape `[queries, k]`, each row ascending.
    pub distances: Array2<f64>,
}

impl Neighbours {
    /// Distances from squared ones.
    pub(super) fn rooted(mut self) -> Self {
        self.distances.par_mapv_inplace(f64::sqrt);
        self
    }
}

impl<'a> NeighbourIndex<'a> {
    /// An index over distinct points: a duplicated row is one neighbour, reported as its first row.
    #[must_use]
    pub fn new(points: DistinctPoints<'a>) -> Self {
        let DistinctPoints { source, first_rows, multiplicities, .. } = points;
        Self {
            source,
            distinct: Some((first_rows, multiplicities)),
            all: OnceLock::new(),
            prepared: OnceLock::new(),
            space: OnceLock::new(),
            small: OnceLock::new(),
            tree: OnceLock::new(),
            projections: OnceLock::new(),
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
        Ok(Self {
            source,
            distinct: None,
            all: OnceLock::new(),
            prepared: OnceLock::new(),
            space: OnceLock::new(),
            small: OnceLock::new(),
            tree: OnceLock::new(),
            projections: OnceLock::new(),
        })
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
        self.check_queries(&queries)?;
        self.check_k(k, k)?;
        Ok(self.search_squared(queries, k).rooted())
    }

    /// [`search`](Self::search) without the roots: squared distances, for queries and a k that
    /// were checked.
    pub(super) fn search_squared(&self, queries: ArrayView2<'_, f32>, k: usize) -> Neighbours {
        let (count, queries) = (queries.nrows(), queries.as_standard_layout());
        let chunk = |rows| (queries.slice(s![rows, ..]).into(), None);
        self.nearest(count, k, self.method(count, k), chunk)
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
        Ok(self.nearest(count, k, self.method(count, k), chunk).rooted())
    }

    /// Searches in parallel and gives squared distances; `chunk(rows)` gives some of the queries, contiguous, and, when they
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
        let serial = self.cost(method, count, k) < SERIAL;
        let together = match method {
            // Points that are packed in passing meet all queries then.
            Method::Passing(_) => count.max(QUERY_ROWS),
            // Or many, and images of a block stay in the cache meanwhile.
            Method::Images(..) => (count / (4 * threads)).clamp(QUERY_ROWS, MANY_QUERIES),
            _ => QUERY_ROWS,
        };
        let search = |first: usize, points: &Range<usize>, workspace: &mut Workspace| {
            let (queries, own) = chunk(first..(first + together).min(count));
            let chunk = Chunk { index: self, queries: queries.view(), own, k, points };
            chunk.nearest(method, workspace);
        };
        let write = |found: &[Candidates], mut rows: Rows<'_>| {
            for (candidates, (mut indices, mut distances)) in
                found.iter().zip(rows.0.rows_mut().into_iter().zip(rows.1.rows_mut()))
            {
                let out = indices.iter_mut().zip(&mut distances);
                for (&(squared, point), (index, distance)) in candidates.nearest().iter().zip(out) {
                    *index = self.row(point);
                    *distance = squared;
                }
            }
        };
        let whole = matches!(method, Method::Tree(_) | Method::Small(_));
        let shared = count < 2 * threads * QUERY_ROWS || matches!(method, Method::Passing(_));
        if !serial && !whole && (shared || self.len() > PART) {
            let parts = self.parts(threads);
            let merge = |task: usize| {
                let (first, part) = (task / parts.len() * together, &parts[task % parts.len()]);
                let mut workspace = Workspace::default();
                search(first, part, &mut workspace);
                workspace.found()
            };
            let tasks = count.div_ceil(together) * parts.len();
            let mut all: Vec<Vec<Candidates>> = (0..tasks).into_par_iter().map(merge).collect();
            let rows = indices
                .axis_chunks_iter_mut(Axis(0), together)
                .zip(distances.axis_chunks_iter_mut(Axis(0), together));
            for (parts, rows) in all.chunks_mut(parts.len()).zip(rows) {
                let Some((merged, others)) = parts.split_first_mut() else { continue };
                for other in others {
                    merged
                        .iter_mut()
                        .zip(other)
                        .for_each(|(all, other)| all.merge(other.nearest()));
                }
                write(merged, rows);
            }
            return found;
        }
        let all = 0..self.len();
        let one = |workspace: &mut Workspace, (number, rows): (usize, Rows<'_>)| {
            search(number * together, &all, workspace);
            write(workspace.candidates(), rows);
        };
        let indices = indices.axis_chunks_iter_mut(Axis(0), together);
        let distances = distances.axis_chunks_iter_mut(Axis(0), together);
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

    /// About how many numbers a search looks at, of which the processor takes a few in a
    /// nanosecond.
    fn cost(&self, method: Method<'_>, queries: usize, k: usize) -> usize {
        let (points, dimension) = (self.len(), self.dimension());
        let (each, once) = match method {
            Method::Direct | Method::Small(_) => (points * (dimension + 4) + 40, 0),
            Method::Tree(_) => (1000, 0),
            Method::Passing(_) => {
                (points * (dimension + 4) / 8 + k * dimension + 100, 2 * points * dimension)
            }
            Method::Keys(_) | Method::Images(..) => {
                (points * (dimension + 4) / 8 + k * dimension + 100, 0)
            }
        };
        (queries * each + once) / 4
    }

    /// How to search.
    fn method(&self, queries: usize, k: usize) -> Method<'_> {
        let (dimension, count) = (self.dimension(), self.len());
        if queries < FEW_QUERIES && self.prepared.get().is_none() {
            return Method::Direct;
        }
        if count <= FEW_POINTS || count <= 2 * k {
            if dimension <= Small::MOST_DIMENSION {
                return Method::Small(made(&self.small, || Small::new(self)));
            }
            return Method::Direct;
        }
        if count > LEAST_BOXED
            && dimension <= ((count / LANES).ilog2() as usize / CUTS).min(MOST_BOXED)
            && count < PART
            && queries * (dimension + 3) > 300 * count.ilog2() as usize
        {
            return Method::Tree(made(&self.tree, || Tree::new(self)));
        }
        if let Some(projections) = self.projections(queries) {
            return Method::Images(self.space(), projections);
        }
        // A second search will not pack the points again.
        if queries <= PASSING && self.space.get().is_none() && self.prepared.get().is_none() {
            return Method::Passing(self.space());
        }
        Method::Keys(self.prepared())
    }

    /// Packs some points in place of what is in `panels`.
    fn pack(&self, space: &KeySpace, points: &Range<usize>, panels: &mut Vec<f32>) {
        panels.resize(points.len().div_ceil(LANES) * space.panel(), 0.0);
        space.pack(&self.source.view(), points.clone(), |point| self.row(point), panels);
    }

    /// Some points in a space.
    fn centred(
        &self,
        space: &KeySpace,
        points: impl ExactSizeIterator<Item = usize>,
    ) -> Array2<f64> {
        space.rows(&self.source.view(), points.map(|point| self.row(point)))
    }

    fn space(&self) -> &KeySpace {
        let row = |point| self.row(point);
        made(&self.space, || KeySpace::new(&self.source.view(), self.len(), row))
    }

    /// The points, packed.
    pub(super) fn prepared(&self) -> &Prepared {
        let row = |point| self.row(point);
        made(&self.prepared, || Prepared::new(&self.source.view(), self.len(), row))
    }

    /// The projections, for a search that is long enough to pay for them.
    fn projections(&self, queries: usize) -> Option<&Projections> {
        if self.dimension() < LEAST_DIMENSION {
            return None;
        }
        let components = (self.dimension() / 6).clamp(32, 128);
        // Rows multiplied with the components, each as expensive as two products in f32.
        let making = 2 * components * (PREPARATION + self.len() + queries);
        if queries * self.len() < EARNINGS * making {
            return None;
        }
        made(&self.projections, || Projections::new(self, self.space(), components)).as_ref()
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
        squared_distance(query.into(), self.source.row(self.row(point)))
    }

    /// Whether a squared distance may be at most `squared`, by a quick look.
    fn may_be_within(&self, query: &[f32], point: usize, squared: f64) -> bool {
        let row = self.source.row(self.row(point));
        row.to_slice().is_none_or(|row| {
            let about = f64::from(squared_difference(query, row));
            // An overflow tells nothing. What underflows only makes distances smaller, but for
            // the rounding of what is nearly lost.
            let dimension = row.len() as f64;
            let least = about * (1.0 - (dimension + 12.0) * UNIT) - LOST * dimension;
            !about.is_finite() || least <= squared
        })
    }

    /// Calls `visit(first, squared)` with the exact squared distances of a few points at a time.
    fn distances(&self, query: &[f32], points: Range<usize>, mut visit: impl FnMut(usize, &[f64])) {
        let last = points.end.saturating_sub(1);
        for first in points.clone().step_by(MANY) {
            let four: [usize; MANY] = std::array::from_fn(|place| (first + place).min(last));
            let squared = self.squared_distances(query, four);
            visit(first, &squared[..MANY.min(points.end - first)]);
        }
    }

    /// Exact squared distances of some points.
    fn squared_distances(&self, query: &[f32], points: [usize; MANY]) -> [f64; MANY] {
        let rows = points.map(|point| self.source.row(self.row(point)));
        match rows.map(|row| row.to_slice()) {
            [Some(a), Some(b), Some(c), Some(d)] => squared_distances(query, [a, b, c, d]),
            _ => rows.map(|row| squared_distance(query.into(), row)),
        }
    }

    /// Asks for a point that will be judged soon.
    fn prefetch(&self, point: usize) {
        if let Some(values) = self.source.row(self.row(point)).to_slice() {
            prefetch(values);
        }
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

/// What is in `cell`, made where nothing is.
///
/// Not by `get_or_init`: a thread that waits for parallel work in there may be given other work
/// that asks for the same, and would wait for itself.
fn made<T>(cell: &OnceLock<T>, make: impl Fn() -> T) -> &T {
    match cell.get() {
        Some(value) => value,
        None => {
            let value = make();
            cell.get_or_init(|| value)
        }
    }
}

#[cfg(test)]
mod tests;
