//! So few points of so few coordinates that all are judged.

use super::{NeighbourIndex, candidates::Candidates};
use crate::kernel::{SUMS, vectorised};

/// Points that are judged at a time.
const KEY_LANES: usize = 8;

/// The points in f64, [`KEY_LANES`] at a time.
#[derive(Debug, Clone)]
pub(super) struct Small {
    /// Shape `[panels, D, KEY_LANES]`.
    panels: Vec<[f64; KEY_LANES]>,
    count: usize,
}

impl Small {
    /// Largest dimension: each partial sum of so few coordinates is one term.
    pub(super) const MOST_DIMENSION: usize = SUMS;

    pub(super) fn new(index: &NeighbourIndex<'_>) -> Self {
        let (count, dimension) = (index.len(), index.dimension());
        let mut panels = vec![[0.0; KEY_LANES]; count.div_ceil(KEY_LANES) * dimension];
        for point in 0..count {
            let panel = &mut panels[point / KEY_LANES * dimension..][..dimension];
            let values = index.source.row(index.row(point));
            for (out, &value) in panel.iter_mut().zip(values) {
                out[point % KEY_LANES] = value.into();
            }
        }
        Self { panels, count }
    }

    /// Finds the nearest points of one query.
    pub(super) fn search(&self, query: &[f32], own: Option<usize>, candidates: &mut Candidates) {
        for (number, panel) in self.panels.chunks_exact(query.len()).enumerate() {
            let first = number * KEY_LANES;
            let squared = vectorised(
                #[inline(always)]
                || squared_distances(query, panel),
            );
            candidates.offer_all(&squared[..KEY_LANES.min(self.count - first)], first, own);
        }
        candidates.sort();
    }
}

/// Exact squared distances to the points of one panel, shape `[D, KEY_LANES]`.
#[inline(always)]
fn squared_distances(query: &[f32], panel: &[[f64; KEY_LANES]]) -> [f64; KEY_LANES] {
    let mut sums = [0.0; KEY_LANES];
    for (&q, values) in query.iter().zip(panel) {
        for (sum, &x) in sums.iter_mut().zip(values) {
            let difference = f64::from(q) - x;
            *sum += difference * difference;
        }
    }
    sums
}
