//! A search shared among threads.

use std::ops::Range;

use ndarray::{Array2, ArrayViewMut2, Axis, CowArray, Ix2};
use rayon::prelude::*;

use super::{
    NeighbourIndex, Neighbours,
    candidates::Candidates,
    chunk::{Chunk, Method, Workspace},
    key_space::QUERY_ROWS,
};
use crate::kernel::KEY_LANES;

/// Cost below which waking a thread costs more than it saves.
const CHEAP: usize = 1 << 16;
/// Points that are searched at a time at most: their numbers fit 32 bits.
pub(super) const PART: usize = 1 << 31;
/// Most queries that meet a block of images.
const MANY_QUERIES: usize = 4 * QUERY_ROWS;
/// Where neighbours of some queries are written.
type Rows<'o> = (ArrayViewMut2<'o, usize>, ArrayViewMut2<'o, f64>);

impl NeighbourIndex<'_> {
    /// Searches in parallel and gives squared distances; `chunk(rows)` gives some of the queries, contiguous, and, when they
    /// are points of the index, the number of the first, so that each skips itself.
    ///
    /// Many queries are shared among the threads; of few, each thread searches all in its part of
    /// the points. What the k nearest are does not depend on how they were found.
    pub(super) fn nearest<'q>(
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
        let serial = self.cost(method, count, k) < CHEAP;
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
        let whole = matches!(method, Method::Tree(_) | Method::Small(_) | Method::Groups(..));
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
    pub(super) fn parts(&self, count: usize) -> Vec<Range<usize>> {
        let length = self.len().div_ceil(count).next_multiple_of(KEY_LANES).min(PART);
        let end = |first: usize| (first + length).min(self.len());
        (0..self.len()).step_by(length).map(|first| first..end(first)).collect()
    }
}
