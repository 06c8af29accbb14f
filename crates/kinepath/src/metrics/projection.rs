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

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut2, s};
use rayon::prelude::*;

use super::{
    prepared::{Prepared, Queries, UNIT},
    principal::principal_directions,
};
use crate::kernel::matmul;

/// Share of the variance below which a projection is not worth making.
const LEAST_SHARE: f64 = 0.5;
/// Longest image of a query, in units of the points' scale. Products with longer ones could
/// overflow; so far from all points, images tell little.
const FARTHEST: f64 = 1.0e15;
/// Above what underflow takes from coordinates and products near 1, below anything that f32 can
/// tell from 0 beside them.
const UNDERFLOW: f64 = 1.0e-38;

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
    /// For each block of points the coordinates of their images z, and last `−‖z‖² / 2` less what
    /// products can be wrong by: shape `[d + 2, points]`, as products read them fastest.
    blocks: Vec<Array2<f32>>,
}

/// Images of queries.
#[derive(Debug)]
pub(super) struct ProjectedQueries {
    /// Images w and last 1, shape `[queries, d + 2]`.
    rows: Array2<f32>,
    /// `‖w‖²` less what products can be wrong by.
    squares: Vec<f64>,
    /// How far the images of a query and of a point can be wrong together.
    slacks: Vec<f64>,
}

impl Projection {
    /// Projects points on about their `components` leading principal components, at most D; `None`
    /// when these hold too little of the variance to tell points apart.
    pub(super) fn new(points: &Prepared, components: usize) -> Option<Self> {
        let (basis, share) = principal_directions(points.rows(), components);
        (share >= LEAST_SHARE).then(|| Self::on(basis, points))
    }

    /// Projects points by any matrix, shape `[d, D]`.
    pub(super) fn on(basis: Array2<f64>, points: &Prepared) -> Self {
        let components = basis.nrows();
        let mut gram = Array2::eye(components);
        matmul(-1.0, gram.view_mut(), 1.0, basis.view(), basis.t());
        let defect = gram.iter().map(|value| value * value).sum::<f64>().sqrt() + f64::EPSILON;
        let mut projection = Self {
            stretch: (1.0 + defect + defect * defect).sqrt(),
            error: relative_error(basis.dim(), defect),
            slack: 0.0,
            scale: points.scale(),
            blocks: Vec::new(),
            basis,
        };
        let blocks: Vec<(Array2<f32>, f64)> = (0..points.blocks())
            .into_par_iter()
            .map(|block| projection.block(points, points.block(block)))
            .collect();
        let longest = blocks.iter().fold(0.0f64, |longest, &(_, norm)| longest.max(norm));
        projection.slack = projection.error * longest + UNDERFLOW;
        projection.blocks = blocks.into_iter().map(|(block, _)| block).collect();
        projection
    }

    /// One of [`blocks`](Self::blocks), and the largest norm of its points.
    fn block(&self, points: &Prepared, range: Range<usize>) -> (Array2<f32>, f64) {
        let (images, norms) = self.images(points.rows().slice(s![range, ..]));
        let width = images.ncols();
        let mut block = Array2::zeros((width + 1, images.nrows()));
        for (image, mut out) in images.rows().into_iter().zip(block.columns_mut()) {
            for (out, &value) in out.iter_mut().zip(image) {
                *out = value as f32;
            }
            let square = square(out.slice(s![..width]));
            out[width] = (-square * (0.5 - self.product_error())) as f32;
        }
        (block, norms.into_iter().fold(0.0, f64::max))
    }

    /// Images of centred rows, shape `[rows, d + 1]`, and the norms of the rows.
    fn images(&self, rows: ArrayView2<'_, f32>) -> (Array2<f64>, Vec<f64>) {
        let components = self.basis.nrows();
        let rows = rows.mapv(f64::from);
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

    /// What a product of an image w, 1 with an image z, `−‖z‖² / 2` can be wrong by, as a multiple
    /// of `‖w‖² / 2 + ‖z‖²`: the operations on the longest path to it, and some for the rounding
    /// of `‖z‖² / 2` and of limits.
    fn product_error(&self) -> f64 {
        (self.basis.nrows() + 12) as f64 * UNIT
    }

    /// Projects queries that were prepared for the same points; `None` when one is too far away.
    pub(super) fn queries(&self, queries: &Queries) -> Option<ProjectedQueries> {
        let (images, norms) = self.images(queries.rows.view());
        let (count, width) = images.dim();
        let mut rows = Array2::ones((count, width + 1));
        let (mut squares, mut slacks) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for (query, image) in images.rows().into_iter().enumerate() {
            let factor = queries.scales[query] / self.scale;
            if norms[query] * factor > FARTHEST {
                return None;
            }
            let mut row = rows.row_mut(query);
            for (out, value) in row.iter_mut().zip(image) {
                *out = (factor * value) as f32;
            }
            squares.push(square(row.slice(s![..width])) * (1.0 - self.product_error()));
            slacks.push(self.slack + self.error * norms[query] * factor);
        }
        Some(ProjectedQueries { rows, squares, slacks })
    }

    /// Products of all queries with the points of one block, into `out`, shape
    /// `[queries, points]`: a pair whose product is below [`limit`](Self::limit) is further apart
    /// than that is for.
    pub(super) fn products(
        &self,
        queries: &ProjectedQueries,
        block: usize,
        out: ArrayViewMut2<'_, f32>,
    ) {
        matmul(0.0, out, 1.0, queries.rows.view(), self.blocks[block].view());
    }

    /// The least product of a point whose squared distance to the query, in data units, may be at
    /// most `squared`.
    ///
    /// Images of such a pair are at most `r = stretch · distance + slack` apart, and
    /// `r² ≥ ‖w − z‖² = ‖w‖² − 2 (⟨w, z⟩ − ‖z‖² / 2)`.
    pub(super) fn limit(&self, queries: &ProjectedQueries, query: usize, squared: f64) -> f32 {
        let reach = self.stretch * squared.sqrt() / self.scale + queries.slacks[query];
        let limit = 0.5 * (queries.squares[query] - reach * reach);
        (limit - 2.0 * UNIT * limit.abs() - UNDERFLOW) as f32
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
