//! Certified lower bounds on distances from a few principal components.
//!
//! With any matrix P, shape `[d, D]`, let `f(x) = (P x, ‖x − Pᵀ P x‖)`. For `v = q − x`,
//!
//! ```text
//! ‖f(q) − f(x)‖² ≤ ‖P v‖² + ‖v − Pᵀ P v‖² = ‖v‖² + ⟨P v, (P Pᵀ − I) P v⟩ ≤ (1 + η + η²) ‖v‖²
//! ```
//!
//! where `η ≥ ‖P Pᵀ − I‖`, the first step by the triangle inequality, the last because
//! `‖P‖² ≤ 1 + η`. So images under f, which have d + 1 coordinates instead of D, are no further
//! apart than the points, up to a factor near 1: a pair whose images are too far apart need not be
//! looked at. When P holds the leading principal components, images are hardly nearer than points.

use std::ops::Range;

use ndarray::{Array2, ArrayView1, s};
use rayon::prelude::*;

use super::{
    key_bounds::round_up,
    key_space::{Queries, UNIT, blocks, each_group},
};
use crate::kernel::{Form, GROUP, KEY_LANES, inner_product, keys, matmul};

/// Points that are projected at a time, whole panels.
const ROWS: usize = 4 * KEY_LANES;
/// Above what underflow takes from coordinates and products near 1, below anything that f32 can
/// tell from 0 beside them.
const LOST_TO_UNDERFLOW: f64 = 1.0e-38;

/// Images of prepared points.
#[derive(Debug, Clone)]
pub(super) struct Projection {
    basis: Array2<f64>,
    /// `(1 + η + η²)^½`.
    stretch: f64,
    /// Distance of a computed image from the true one, relative to the norm of the point.
    error: f64,
    /// The largest such distance over all points.
    slack: f64,
    scale: f64,
    /// Shape `[panels, d + 2, KEY_LANES]`: first `‖z‖² / 2` of the images z less what products can be
    /// wrong by, then their coordinates.
    panels: Vec<f32>,
    /// The coordinates once more, shape `[N, d + 1]`, for pairs one by one.
    rows: Vec<f32>,
}

/// Images of queries.
#[derive(Debug)]
pub(super) struct ProjectedQueries {
    /// Images w, shape `[groups, d + 1, GROUP]`.
    groups: Vec<f32>,
    /// The same, shape `[queries, d + 1]`.
    rows: Vec<f32>,
    /// `‖w‖²` less what products can be wrong by.
    squares: Vec<f64>,
    /// How far the images of a query and of a point can be wrong together.
    slacks: Vec<f64>,
}

impl Projection {
    /// Projects `count` points by any matrix, shape `[d, D]`; `rows` gives some of them in the
    /// space whose scale is `scale`.
    pub(super) fn on(
        basis: Array2<f64>,
        (count, scale): (usize, f64),
        rows: impl Fn(Range<usize>) -> Array2<f64> + Sync,
    ) -> Self {
        let components = basis.nrows();
        let mut gram = Array2::eye(components);
        matmul(-1.0, gram.view_mut(), 1.0, basis.view(), basis.t());
        let defect = gram.iter().map(|value| value * value).sum::<f64>().sqrt() + f64::EPSILON;
        let mut projection = Self {
            stretch: (1.0 + defect + defect * defect).sqrt(),
            error: relative_error(basis.dim(), defect),
            slack: 0.0,
            scale,
            panels: Vec::new(),
            rows: Vec::new(),
            basis,
        };
        let width = components + 1;
        let panel = (width + 1) * KEY_LANES;
        let mut panels = vec![0.0; count.div_ceil(KEY_LANES) * panel];
        let mut images = vec![0.0; count * width];
        let longest = panels
            .par_chunks_mut(ROWS / KEY_LANES * panel)
            .zip(images.par_chunks_mut(ROWS * width))
            .enumerate()
            .map(|(part, (panels, images))| {
                let first = part * ROWS;
                projection.pack(rows(first..first + images.len() / width), panels, images)
            })
            .reduce(|| 0.0, f64::max);
        projection.slack = projection.error * longest + LOST_TO_UNDERFLOW;
        projection.panels = panels;
        projection.rows = images;
        projection
    }

    /// Writes images of some points and returns the largest norm of the points.
    fn pack(&self, points: Array2<f64>, panels: &mut [f32], rows: &mut [f32]) -> f64 {
        let width = self.basis.nrows() + 1;
        let count = points.nrows();
        let (images, norms) = self.images(points);
        let panel = (width + 1) * KEY_LANES;
        for (number, image) in images.rows().into_iter().enumerate() {
            let (panel, lane) =
                (&mut panels[number / KEY_LANES * panel..][..panel], number % KEY_LANES);
            let row = &mut rows[number * width..(number + 1) * width];
            let mut square = 0.0;
            for (coordinate, (&value, out)) in image.iter().zip(row).enumerate() {
                let value = value as f32;
                *out = value;
                panel[(coordinate + 1) * KEY_LANES + lane] = value;
                square += f64::from(value) * f64::from(value);
            }
            panel[lane] = (square * (0.5 - self.product_error())) as f32;
        }
        for number in count..count.next_multiple_of(KEY_LANES) {
            panels[number / KEY_LANES * panel + number % KEY_LANES] = f32::INFINITY;
        }
        norms.into_iter().fold(0.0, f64::max)
    }

    /// Images of centred rows, shape `[rows, d + 1]`, and the norms of the rows.
    fn images(&self, rows: Array2<f64>) -> (Array2<f64>, Vec<f64>) {
        let components = self.basis.nrows();
        let mut images = Array2::zeros((rows.nrows(), components + 1));
        matmul(0.0, images.slice_mut(s![.., ..components]), 1.0, rows.view(), self.basis.t());
        let mut norms = Vec::with_capacity(rows.nrows());
        for (row, mut image) in rows.rows().into_iter().zip(images.rows_mut()) {
            let square = row.dot(&row);
            let within = image.dot(&image);
            image[components] = (square - within).max(0.0).sqrt();
            norms.push(square.sqrt());
        }
        (images, norms)
    }

    /// What a key of images w and z can be wrong by, as a multiple of `‖w‖² / 2 + ‖z‖²`: the
    /// operations on the longest path to it, and some for the rounding of `‖z‖² / 2` and of limits.
    fn product_error(&self) -> f64 {
        (self.basis.nrows() + 12) as f64 * UNIT
    }

    /// Projects queries that were prepared for the same points; `None` when one is too far away.
    pub(super) fn queries(&self, queries: &Queries) -> Option<ProjectedQueries> {
        if queries.some_far() {
            return None;
        }
        let dimension = self.basis.ncols();
        let mut rows = Array2::zeros((queries.len(), dimension));
        for (query, mut row) in rows.rows_mut().into_iter().enumerate() {
            row.iter_mut().zip(queries.row(query)).for_each(|(out, value)| *out = value.into());
        }
        let (images, norms) = self.images(rows);
        let (count, width) = images.dim();
        let mut groups = vec![0.0; count.div_ceil(GROUP) * width * GROUP];
        let mut flat = Vec::with_capacity(count * width);
        let (mut squares, mut slacks) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for (query, image) in images.rows().into_iter().enumerate() {
            let row = image.mapv(|value| value as f32);
            let first = query / GROUP * width * GROUP + query % GROUP;
            for (coordinate, &value) in row.iter().enumerate() {
                groups[first + coordinate * GROUP] = value;
            }
            flat.extend(&row);
            squares.push(square(row.view()) * (1.0 - self.product_error()));
            slacks.push(self.slack + self.error * norms[query]);
        }
        Some(ProjectedQueries { groups, rows: flat, squares, slacks })
    }

    /// Calls `visit(query, first, mask, keys, limit)` where keys of images of some points, whole
    /// panels, are at most the limit of their query: such a pair may be as near as
    /// [`limit`](Self::limit) was made for.
    pub(super) fn below(
        &self,
        queries: &ProjectedQueries,
        block: &Range<usize>,
        limits: &mut [f32],
        mut visit: impl FnMut(usize, usize, u32, &[f32; KEY_LANES], &mut f32),
    ) {
        let panel = (self.basis.nrows() + 2) * KEY_LANES;
        let panels =
            &self.panels[block.start / KEY_LANES * panel..block.end.div_ceil(KEY_LANES) * panel];
        let count = queries.squares.len();
        each_group(&queries.groups, count, limits, |first, group, count, limits| {
            keys(Form::Products, (group, count), panels, limits, |hit, limit| {
                let point = block.start + hit.panel * KEY_LANES;
                visit(first + hit.query, point, hit.mask, hit.keys, limit);
            });
        });
    }

    /// The ranges of points to look at one after the other, whole panels.
    pub(super) fn blocks(&self, points: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        blocks(points, self.basis.nrows() + 2)
    }

    /// The key of the images of one pair.
    pub(super) fn key(&self, queries: &ProjectedQueries, query: usize, point: usize) -> f32 {
        let width = self.basis.nrows() + 1;
        let w = &queries.rows[query * width..(query + 1) * width];
        let z = &self.rows[point * width..(point + 1) * width];
        let start = self.panels[point / KEY_LANES * (width + 1) * KEY_LANES + point % KEY_LANES];
        start - inner_product(w, z)
    }

    /// The largest key of a point whose squared distance to the query, in data units, may be at
    /// most `squared`.
    ///
    /// Images of such a pair are at most `r = stretch · distance + slack` apart, and
    /// `r² ≥ ‖w − z‖² = ‖w‖² + 2 (‖z‖² / 2 − ⟨w, z⟩)`.
    pub(super) fn limit(&self, queries: &ProjectedQueries, query: usize, squared: f64) -> f32 {
        let reach = self.stretch * squared.sqrt() / self.scale + queries.slacks[query];
        round_up(0.5 * (reach * reach - queries.squares[query]) + LOST_TO_UNDERFLOW)
    }
}

/// How far a computed image is from that of the point in data units, relative to the norm of the
/// prepared point, for a basis of shape `[d, D]`.
///
/// Preparing a point and rounding its image to f32 moves each by one unit. The residual is
/// computed as `(‖x‖² − ‖P x‖²)^½`, whose radicand is off by η relative to `‖x‖²`, by
/// `(D + 2) u` from the first norm, `(d + 2) u` from the second and `2 √d D u` from the products,
/// with u the roundoff of f64; and a root is off by at most the root of that.
fn relative_error((components, dimension): (usize, usize), defect: f64) -> f64 {
    let (components, dimension) = (components as f64, dimension as f64);
    let operations = dimension + components + 2.0 * components.sqrt() * dimension + 8.0;
    4.0 * UNIT + (2.0 * defect + operations * f64::EPSILON).sqrt()
}

fn square(row: ArrayView1<'_, f32>) -> f64 {
    row.iter().map(|&value| f64::from(value) * f64::from(value)).sum()
}

#[cfg(test)]
mod tests;
