//! Certified lower bounds on squared distances, a block of them at a time, from f32 products.
//!
//! `‖q − x‖² = ‖q‖² + ‖x‖² − 2⟨q, x⟩` turns a search into one matrix product, at the price of
//! cancellation. Points are centred and scaled to keep that price small, and the rest of it is
//! bounded, so that a caller can discard a pair on its bound and judge what is left exactly.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, s};

use crate::kernel::matmul;

/// Queries a task handles: fixed, so that results do not depend on the thread count.
pub(super) const QUERY_ROWS: usize = 64;
/// Points a tile covers: 64 × 1024 products stay in the second-level cache.
pub(super) const POINT_ROWS: usize = 1024;
/// Longest sum inside one product. Shorter sums have smaller error bounds, whatever D.
const INNER: usize = 512;
/// Unit roundoff of f32.
pub(super) const UNIT: f64 = 1.0 / (1u64 << 24) as f64;
/// Far below any rounding of values near 1, far above what underflow can take away.
const UNDERFLOW: f64 = 1.0e-42;

/// Points centred on their mean and scaled by a power of two to at most 1, with what the error
/// bound needs of each.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    centre: Vec<f64>,
    scale: f64,
    rows: Array2<f32>,
    /// `‖x‖` in data units.
    norms: Vec<f64>,
    /// `‖x‖² (1 − 3u)`.
    squares: Vec<f64>,
}

/// Queries centred and scaled as the points are, each by its own power of two, with the working
/// memory of one block.
#[derive(Debug)]
pub(super) struct Queries {
    pub(super) rows: Array2<f32>,
    pub(super) scales: Vec<f64>,
    margins: Vec<Margin>,
    tile: Array2<f32>,
    bounds: Vec<f64>,
}

/// What the error of one query's row of bounds is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Margin {
    norm: f64,
    slope: f64,
    constant: f64,
}

impl Prepared {
    /// Prepares the rows `rows` of `source`.
    pub(super) fn new(source: &ArrayView2<'_, f32>, rows: &[usize]) -> Self {
        let dimension = source.ncols();
        let mut centre = vec![0.0; dimension];
        for &row in rows {
            for (sum, &value) in centre.iter_mut().zip(source.row(row)) {
                *sum += f64::from(value);
            }
        }
        centre.iter_mut().for_each(|sum| *sum /= rows.len() as f64);
        let largest = rows
            .iter()
            .flat_map(|&row| source.row(row).into_iter().zip(&centre))
            .fold(0.0f64, |largest, (&value, centre)| {
                largest.max((f64::from(value) - centre).abs())
            });
        let scale = power_of_two(largest);
        let mut prepared = Array2::zeros((rows.len(), dimension));
        let mut norms = Vec::with_capacity(rows.len());
        for (mut out, &row) in prepared.rows_mut().into_iter().zip(rows) {
            let values = source.row(row);
            norms.push(scale * centre_row(values.iter(), &centre, scale, out.iter_mut()));
        }
        let squares = norms.iter().map(|norm| norm * norm * (1.0 - 3.0 * UNIT)).collect();
        Self { centre, scale, rows: prepared, norms, squares }
    }

    /// The points, centred and divided by [`scale`](Self::scale).
    pub(super) fn rows(&self) -> ArrayView2<'_, f32> {
        self.rows.view()
    }

    /// The power of two that points were divided by.
    pub(super) fn scale(&self) -> f64 {
        self.scale
    }

    /// The mean that points were centred on.
    pub(super) fn centre(&self) -> &[f64] {
        &self.centre
    }

    /// Number of blocks that [`bounds`](Self::bounds) takes the points in.
    pub(super) fn blocks(&self) -> usize {
        self.rows.nrows().div_ceil(POINT_ROWS)
    }

    /// The points of block number `block`.
    pub(super) fn block(&self, block: usize) -> Range<usize> {
        block * POINT_ROWS..((block + 1) * POINT_ROWS).min(self.rows.nrows())
    }

    /// Centres and scales `queries`, at most [`QUERY_ROWS`] rows.
    pub(super) fn queries(&self, queries: ArrayView2<'_, f32>) -> Queries {
        let (count, dimension) = queries.dim();
        let mut rows = Array2::<f32>::zeros((count, dimension));
        let mut scales = Vec::with_capacity(count);
        let mut margins = Vec::with_capacity(count);
        for (query, mut out) in queries.rows().into_iter().zip(rows.rows_mut()) {
            let largest = query
                .iter()
                .zip(&self.centre)
                .fold(0.0f64, |most, (&value, centre)| most.max((f64::from(value) - centre).abs()));
            let scale = power_of_two(largest);
            let norm = scale * centre_row(query.iter(), &self.centre, scale, out.iter_mut());
            scales.push(scale);
            margins.push(self.margin(norm, scale));
        }
        let tile = Array2::zeros((count, POINT_ROWS.min(self.rows.nrows())));
        let bounds = vec![0.0; tile.ncols()];
        Queries { rows, scales, margins, tile, bounds }
    }

    /// Calls `visit(query, first, bounds, margin)` for every query and block of points, blocks in
    /// increasing order: `bounds[j] ≤ ‖q − x_{first + j}‖² ≤ bounds[j] + 2·margin.of(first + j)`.
    ///
    /// `queries` has at most [`QUERY_ROWS`] rows.
    pub(super) fn scan(
        &self,
        queries: ArrayView2<'_, f32>,
        mut visit: impl FnMut(usize, usize, &[f64], Margin),
    ) {
        let mut queries = self.queries(queries);
        for block in 0..self.blocks() {
            let first = self.block(block).start;
            self.bounds(&mut queries, block, |query, bounds, margin| {
                visit(query, first, bounds, margin);
            });
        }
    }

    /// Calls `visit(query, bounds, margin)` for every query with the bounds of one block, see
    /// [`scan`](Self::scan).
    pub(super) fn bounds(
        &self,
        queries: &mut Queries,
        block: usize,
        mut visit: impl FnMut(usize, &[f64], Margin),
    ) {
        let Queries { rows, scales, margins, tile, bounds } = queries;
        let dimension = rows.ncols();
        let points = self.block(block);
        let mut tile = tile.slice_mut(s![.., ..points.len()]);
        for start in (0..dimension).step_by(INNER) {
            let inner = start..(start + INNER).min(dimension);
            let keep = if start == 0 { 0.0 } else { 1.0 };
            let (a, b) =
                (rows.slice(s![.., inner.clone()]), self.rows.slice(s![points.clone(), inner]));
            matmul(keep, tile.view_mut(), 1.0, a, b.t());
        }
        let bounds = &mut bounds[..points.len()];
        let (norms, squares) = (&self.norms[points.clone()], &self.squares[points]);
        for (query, products) in tile.rows().into_iter().enumerate() {
            let margin = margins[query];
            let constant = margin.norm * margin.norm - margin.constant;
            let slope = margin.norm * margin.slope;
            let factor = -2.0 * scales[query] * self.scale;
            let bound = |product: f32, norm: f64, square: f64| {
                constant + square + factor * f64::from(product) - slope * norm
            };
            // A slice, as every row of the tile is, lets the compiler use vectors.
            match products.as_slice() {
                Some(products) => fill(bounds, products.iter(), norms, squares, bound),
                None => fill(bounds, products.iter(), norms, squares, bound),
            }
            visit(query, bounds, margin);
        }
    }

    /// Largest error of `bound + margin` as a squared distance, with `u` the unit roundoff.
    ///
    /// The product of rows of norms `a`, `b` is off by at most `κ u a b`, where κ counts the
    /// operations on the longest path to a result; rounding the centred rows to f32 moves each by
    /// `u` times its norm, and so a squared distance by `2u (a + b)²`. Twice the first plus the
    /// second, rounded up, is `u ((2κ + 6) a b + 3a² + 3b²)`.
    fn margin(&self, norm: f64, query_scale: f64) -> Margin {
        let dimension = self.rows.ncols();
        let operations = INNER.min(dimension) + 2 * dimension.div_ceil(INNER) + 2;
        let largest = query_scale + self.scale;
        Margin {
            norm,
            slope: (2.0 * operations as f64 + 6.0) * UNIT,
            constant: 3.0 * UNIT * norm * norm + UNDERFLOW * dimension as f64 * largest * largest,
        }
    }

    /// Twice the error bound: from the lower bound on a squared distance to an upper one.
    pub(super) fn width(&self, margin: Margin, point: usize) -> f64 {
        let norm = self.norms[point];
        2.0 * (margin.norm * margin.slope * norm + 3.0 * UNIT * norm * norm + margin.constant)
    }
}

/// Writes `bound` of every column.
fn fill<'p>(
    bounds: &mut [f64],
    products: impl Iterator<Item = &'p f32>,
    norms: &[f64],
    squares: &[f64],
    bound: impl Fn(f32, f64, f64) -> f64,
) {
    for (((out, &product), &norm), &square) in
        bounds.iter_mut().zip(products).zip(norms).zip(squares)
    {
        *out = bound(product, norm, square);
    }
}

/// The least power of two that is at least `largest`; 1 for 0. Scaling by it is exact.
fn power_of_two(largest: f64) -> f64 {
    if largest > 0.0 { largest.log2().ceil().exp2() } else { 1.0 }
}

/// Writes `(value − centre) / scale` rounded to f32 and returns the norm of what was written.
fn centre_row<'v>(
    values: impl Iterator<Item = &'v f32>,
    centre: &[f64],
    scale: f64,
    out: impl Iterator<Item = &'v mut f32>,
) -> f64 {
    let mut square = 0.0;
    for ((&value, centre), out) in values.zip(centre).zip(out) {
        *out = ((f64::from(value) - centre) / scale) as f32;
        square += f64::from(*out) * f64::from(*out);
    }
    square.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::distance::squared_distance;

    /// Bounds hold, and are tight, for clusters far from the origin and of very unequal size.
    #[test]
    fn bounds_enclose_the_exact_squared_distance() {
        for (dimension, offset, spread) in
            [(1, 0.0, 1.0), (7, 1.0e4, 1.0e-2), (700, 3.0, 1.0e30), (1300, 0.0, 1.0e-30)]
        {
            let value = |i: usize, j: usize, salt: f64| {
                let noise = ((i * 31 + j * 17) as f64 * 0.731 + salt).sin();
                (offset + spread * noise * if i == 3 { 50.0 } else { 1.0 }) as f32
            };
            let points = Array2::from_shape_fn((40, dimension), |(i, j)| value(i, j, 0.3));
            let queries = Array2::from_shape_fn((9, dimension), |(i, j)| value(i, j, 0.9));
            let rows: Vec<usize> = (0..40).collect();
            let prepared = Prepared::new(&points.view(), &rows);
            let mut seen = 0;
            prepared.scan(queries.view(), |query, first, bounds, margin| {
                for (j, &low) in bounds.iter().enumerate() {
                    let (query, point) = (queries.row(query), points.row(first + j));
                    let exact = squared_distance(query, point);
                    let high = low + prepared.width(margin, first + j);
                    assert!(low <= exact && exact <= high, "{low} ≤ {exact} ≤ {high}");
                    assert!(
                        high - low < 1.0e-2 * margin.norm.max(prepared.norms[first + j]).powi(2)
                    );
                    seen += 1;
                }
            });
            assert_eq!(seen, 9 * 40);
        }
    }
}
