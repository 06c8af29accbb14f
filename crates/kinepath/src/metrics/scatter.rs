//! Weighted sums of outer products of feature rows.

use ndarray::{Array1, Array2, ArrayView2, s};
use rayon::prelude::*;

use crate::kernel::matmul;

/// Rows that are centred and multiplied at a time.
const BLOCK_ROWS: usize = 256;
/// Columns of the scatter matrix that a task computes: fixed, so that results do not depend on the
/// thread count.
const PANEL: usize = 128;

/// `Σ w (x − c)(x − c)ᵀ` over `rows`, pairs of a row of `features` and its weight w ≥ 0: symmetric,
/// shape `[F, F]`.
pub(super) fn weighted_scatter(
    features: ArrayView2<'_, f32>,
    rows: &[(usize, f64)],
    centre: &Array1<f64>,
) -> Array2<f64> {
    let size = features.ncols();
    let panels: Vec<Array2<f64>> = (0..size.div_ceil(PANEL))
        .into_par_iter()
        .map(|panel| {
            let columns = panel * PANEL..((panel + 1) * PANEL).min(size);
            scatter_columns(features, rows, centre, columns.start, columns.end)
        })
        .collect();
    let mut scatter = Array2::zeros((size, size));
    for (panel, products) in panels.into_iter().enumerate() {
        for ((i, j), product) in products.indexed_iter() {
            let j = panel * PANEL + j;
            scatter[[i, j]] = *product;
            scatter[[j, i]] = *product;
        }
    }
    scatter
}

/// Columns `first..last` of the scatter matrix, rows `0..last`: the rest follows by symmetry.
fn scatter_columns(
    features: ArrayView2<'_, f32>,
    rows: &[(usize, f64)],
    centre: &Array1<f64>,
    first: usize,
    last: usize,
) -> Array2<f64> {
    let mut scatter = Array2::zeros((last, last - first));
    let mut centred = Array2::zeros((BLOCK_ROWS.min(rows.len()), last));
    for block in rows.chunks(BLOCK_ROWS) {
        let mut centred = centred.slice_mut(s![..block.len(), ..]);
        for (mut out, &(row, weight)) in centred.rows_mut().into_iter().zip(block) {
            let root = weight.sqrt();
            for ((out, &value), centre) in out.iter_mut().zip(features.row(row)).zip(centre) {
                *out = root * (f64::from(value) - centre);
            }
        }
        let columns = centred.slice(s![.., first..]);
        matmul(1.0, scatter.view_mut(), 1.0, centred.t(), columns);
    }
    scatter
}

/// How often each row is named in `indices`, which must lie in `0..rows`: the rows named at least
/// once with their counts, in increasing order.
pub(super) fn counted(rows: usize, indices: &[usize]) -> Vec<(usize, f64)> {
    let mut counts = vec![0u32; rows];
    indices.iter().for_each(|&index| counts[index] += 1);
    let named = counts.into_iter().enumerate().filter(|&(_, count)| count > 0);
    named.map(|(row, count)| (row, f64::from(count))).collect()
}
