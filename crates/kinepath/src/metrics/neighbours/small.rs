//! So few points of so few coordinates that all are judged.

use super::{NeighbourIndex, candidates::Candidates};
use crate::kernel::{SUMS, vectorised};

/// Points that are judged at a time.
const LANES: usize = 8;

/// The points in f64, [`LANES`] at a time.
#[derive(Debug, Clone)]
pub(super) struct Small {
    /// Shape `[panels, D, LANES]`.
    panels: Vec<[f64; LANES]>,
    count: usize,
}

impl Small {
    /// Largest dimension: each partial sum of so few coordinates is one term.
    pub(super) const MOST_DIMENSION: usize = SUMS;

    pub(super) fn new(index: &NeighbourIndex<'_>) -> Self {
        let (count, dimension) = (index.len(), index.dimension());
        let mut panels = vec![[0.0; LANES]; count.div_ceil(LANES) * dimension];
        for point in 0..count {
            let panel = &mut panels[point / LANES * dimension..][..dimension];
            let values = index.source.row(index.row(point));
            for (out, &value) in panel.iter_mut().zip(values) {
                out[point % LANES] = value.into();
            }
        }
        Self { panels, count }
    }

    /// Finds the nearest points of one query.
    pub(super) fn search(&self, query: &[f32], own: Option<usize>, candidates: &mut Candidates) {
        for (number, panel) in self.panels.chunks_exact(query.len()).enumerate() {
            let first = number * LANES;
            let squared = vectorised(
                #[inline(always)]
                || squared_distances(query, panel),
            );
            candidates.offer_all(&squared[..LANES.min(self.count - first)], first, own);
        }
        candidates.sort();
    }
}

/// Exact squared distances to the points of one panel, shape `[D, LANES]`.
#[inline(always)]
fn squared_distances(query: &[f32], panel: &[[f64; LANES]]) -> [f64; LANES] {
    let mut sums = [0.0; LANES];
    for (&q, values) in query.iter().zip(panel) {
        for (sum, &x) in sums.iter_mut().zip(values) {
            let difference = f64::from(q) - x;
            *sum += difference * difference;
        }
    }
    sums
}
