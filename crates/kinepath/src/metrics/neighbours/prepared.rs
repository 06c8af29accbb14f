//! Points packed for the kernels, all at once.

use std::ops::Range;

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::key_space::{KeySpace, SERIAL};
use crate::kernel::{KEY_LANES, lanes_of};

/// Points in panels.
#[derive(Debug, Clone)]
pub(in crate::metrics) struct Prepared {
    space: KeySpace,
    /// Shape `[panels, D + 1, KEY_LANES]`, the first rows being what keys start with.
    panels: Vec<f32>,
    count: usize,
}

impl Prepared {
    /// Prepares `count` rows of `source`, numbered `row(0)` and so on, all finite.
    pub(super) fn new(
        source: &ArrayView2<'_, f32>,
        count: usize,
        row: impl Fn(usize) -> usize + Sync,
    ) -> Self {
        let space = KeySpace::new(source, count, &row);
        let panel = space.panel();
        let mut panels = vec![0.0; count.div_ceil(KEY_LANES) * panel];
        let pack = |(number, out): (usize, &mut [f32])| {
            let first = number * KEY_LANES;
            space.pack(source, first..(first + KEY_LANES).min(count), &row, out);
        };
        if count * source.ncols() < SERIAL {
            panels.chunks_mut(panel).enumerate().for_each(pack);
        } else {
            panels.par_chunks_mut(panel).enumerate().with_min_len(4).for_each(pack);
        }
        Self { space, panels, count }
    }

    /// What keys of the points say.
    pub(super) fn space(&self) -> &KeySpace {
        &self.space
    }

    /// The panels of the points, shape `[panels, D + 1, KEY_LANES]`.
    pub(super) fn panels(&self) -> &[f32] {
        &self.panels
    }

    /// The panels of one block, as [`KeySpace::blocks`] gives them.
    pub(super) fn panels_of(&self, block: &Range<usize>) -> &[f32] {
        let panel = self.space.panel();
        &self.panels[block.start / KEY_LANES * panel..block.end.div_ceil(KEY_LANES) * panel]
    }

    /// Calls `visit(query, point, low, high)` for every pair, with bounds on its squared distance
    /// in data units.
    pub(super) fn scan(
        &self,
        queries: ArrayView2<'_, f32>,
        mut visit: impl FnMut(usize, usize, f64, f64),
    ) {
        let queries = self.space.queries(queries);
        let mut limits = queries.limits(f32::MAX);
        for block in self.space.blocks(0..self.count) {
            let panels = (block.start, self.panels_of(&block));
            self.space.below(&queries, panels, &mut limits, |query, first, mask, keys, _| {
                let bounds = &queries.keys[query];
                let starts = &self.panels[first / KEY_LANES * self.space.panel()..][..KEY_LANES];
                for lane in lanes_of(mask) {
                    let (low, high) =
                        bounds.squared(f64::from(keys[lane]), f64::from(starts[lane]));
                    visit(query, first + lane, low, high);
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::neighbours::squared_distance;
    use ndarray::Array2;

    /// Bounds hold, and are tight, for clusters far from the origin and of very unequal size.
    #[test]
    fn bounds_enclose_the_exact_squared_distance() {
        for (dimension, offset, spread) in [
            (1, 0.0, 1.0),
            (7, 1.0e4, 1.0e-2),
            (17, 1.0e4, 1.0e-2),
            (700, 3.0, 1.0e30),
            (1300, 0.0, 1.0e-30),
        ] {
            let value = |i: usize, j: usize, salt: f64| {
                let noise = ((i * 31 + j * 17) as f64 * 0.731 + salt).sin();
                (offset + spread * noise * if i == 3 { 50.0 } else { 1.0 }) as f32
            };
            let points = Array2::from_shape_fn((40, dimension), |(i, j)| value(i, j, 0.3));
            let queries = Array2::from_shape_fn((15, dimension), |(i, j)| value(i, j, 0.9));
            let prepared = Prepared::new(&points.view(), 40, |row| row);
            let mut seen = 0;
            let centre = points.mapv(f64::from).mean_axis(ndarray::Axis(0)).unwrap();
            let norm = |row: ndarray::ArrayView1<'_, f32>| {
                row.iter().zip(&centre).map(|(&v, c)| (f64::from(v) - c).powi(2)).sum::<f64>()
            };
            prepared.scan(queries.view(), |query, point, low, high| {
                let (query, point) = (queries.row(query), points.row(point));
                let exact = squared_distance(query, point);
                assert!(low <= exact && exact <= high, "{low} ≤ {exact} ≤ {high}");
                assert!(high - low < 1.0e-2 * norm(query).max(norm(point)));
                seen += 1;
            });
            assert_eq!(seen, 15 * 40);
        }
    }
}
