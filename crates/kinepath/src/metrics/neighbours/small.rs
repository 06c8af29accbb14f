//! Points of so few coordinates that they are judged several at a time.

use super::{NeighbourIndex, candidates::Candidates};
use crate::kernel::{SUMS, TOGETHER, vectorised};

/// Queries that meet a point at a time, when only the nearest point is sought.
const ABREAST: usize = 8;

/// The points in f64, [`TOGETHER`] at a time.
#[derive(Debug, Clone)]
pub(super) struct Small {
    /// Shape `[panels, D, TOGETHER]`; lanes without a point are infinitely far away.
    panels: Vec<[f64; TOGETHER]>,
    count: usize,
}

impl Small {
    /// Largest dimension: each partial sum of so few coordinates is one term.
    pub(super) const MOST_DIMENSION: usize = SUMS;

    pub(super) fn new(index: &NeighbourIndex<'_>) -> Self {
        let (count, dimension) = (index.len(), index.dimension());
        let mut panels = vec![[f64::INFINITY; TOGETHER]; count.div_ceil(TOGETHER) * dimension];
        for point in 0..count {
            let panel = &mut panels[point / TOGETHER * dimension..][..dimension];
            let values = index.source.row(index.row(point));
            for (out, &value) in panel.iter_mut().zip(values) {
                out[point % TOGETHER] = value.into();
            }
        }
        Self { panels, count }
    }

    /// Finds the nearest points of one query.
    pub(super) fn search(&self, query: &[f32], own: Option<usize>, candidates: &mut Candidates) {
        for (number, panel) in self.panels.chunks_exact(query.len()).enumerate() {
            let first = number * TOGETHER;
            let squared = vectorised(
                #[inline(always)]
                || squared_distances(query, panel),
            );
            candidates.offer_all(&squared[..TOGETHER.min(self.count - first)], first, own);
        }
        candidates.sort();
    }

    /// The nearest point of one panel, the first of equally near ones, with its squared distance.
    #[inline(always)]
    pub(super) fn nearest_in(&self, query: &[f32], number: usize) -> (f64, usize) {
        let panel = &self.panels[number * query.len()..][..query.len()];
        let squared = squared_distances(query, panel);
        let lesser = |a: f64, b: f64| if b < a { b } else { a };
        let [a, b, c, d, e, f, g, h] = squared;
        let half = [lesser(a, e), lesser(b, f), lesser(c, g), lesser(d, h)];
        let least = lesser(lesser(half[0], half[2]), lesser(half[1], half[3]));
        // Branches on where it is would be guessed wrongly most often.
        let mut mask = 0u32;
        for (lane, &squared) in squared.iter().enumerate() {
            mask |= u32::from(squared <= least) << lane;
        }
        (least, number * TOGETHER + mask.trailing_zeros() as usize)
    }

    /// Finds the nearest point of each query, `queries` of shape `[Q, D]`.
    pub(super) fn nearest(&self, queries: &[f32], dimension: usize, candidates: &mut [Candidates]) {
        let most = ABREAST * dimension;
        vectorised(
            #[inline(always)]
            || {
                for (queries, candidates) in
                    queries.chunks(most).zip(candidates.chunks_mut(ABREAST))
                {
                    let (squared, points) = self.nearest_abreast(queries, dimension);
                    for ((candidates, squared), point) in
                        candidates.iter_mut().zip(squared).zip(points)
                    {
                        candidates.settle(squared, point as usize);
                    }
                }
            },
        );
    }

    /// The squared distances and the numbers of the nearest points of at most [`ABREAST`] queries.
    #[inline(always)]
    fn nearest_abreast(
        &self,
        queries: &[f32],
        dimension: usize,
    ) -> ([f64; ABREAST], [u64; ABREAST]) {
        let mut columns = [[0.0; ABREAST]; Self::MOST_DIMENSION];
        for (lane, query) in queries.chunks_exact(dimension).enumerate() {
            for (column, &value) in columns.iter_mut().zip(query) {
                column[lane] = f64::from(value);
            }
        }
        let mut least = [f64::INFINITY; ABREAST];
        let mut nearest = [0u64; ABREAST];
        for point in 0..self.count {
            let panel = &self.panels[point / TOGETHER * dimension..][..dimension];
            let mut sums = [0.0; ABREAST];
            for (column, values) in columns.iter().zip(panel) {
                let x = values[point % TOGETHER];
                for (sum, &q) in sums.iter_mut().zip(column) {
                    let difference = q - x;
                    *sum += difference * difference;
                }
            }
            for lane in 0..ABREAST {
                let nearer = sums[lane] < least[lane];
                least[lane] = if nearer { sums[lane] } else { least[lane] };
                nearest[lane] = if nearer { point as u64 } else { nearest[lane] };
            }
        }
        (least, nearest)
    }
}

/// Exact squared distances to the points of one panel, shape `[D, TOGETHER]`.
#[inline(always)]
fn squared_distances(query: &[f32], panel: &[[f64; TOGETHER]]) -> [f64; TOGETHER] {
    let mut sums = [0.0; TOGETHER];
    for (&q, values) in query.iter().zip(panel) {
        for (sum, &x) in sums.iter_mut().zip(values) {
            let difference = f64::from(q) - x;
            *sum += difference * difference;
        }
    }
    sums
}
