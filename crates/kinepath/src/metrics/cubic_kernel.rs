//! Row means of the kernel `k(x, y) = (⟨x, y⟩ / F + 1)³`, without the matrix.

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut2, Axis, s};
use rayon::prelude::*;

use crate::kernel::matmul;

/// Rows of a task and of a tile: fixed, so that results do not depend on the thread count. 256 × 256
/// values in f64 stay in the second-level cache.
const BLOCK_ROWS: usize = 256;

/// For each row the mean of `k` with all other rows; of each pair only one half is computed.
pub(super) fn mean_with_others(rows: ArrayView2<'_, f32>) -> Vec<f64> {
    let count = rows.nrows();
    let tasks: Vec<usize> = (0..count).step_by(BLOCK_ROWS).collect();
    let pairs: Vec<(Vec<f64>, Vec<f64>)> = tasks
        .into_par_iter()
        .map(|first| {
            let last = (first + BLOCK_ROWS).min(count);
            let block = rows.slice(s![first..last, ..]);
            let mut own = vec![0.0; block.nrows()];
            // A block with itself is one tile, whose diagonal pairs each row with itself.
            each_tile(block, block, |_, mut kernel| {
                kernel.diag_mut().fill(0.0);
                add_rows(&mut own, kernel);
            });
            let later = rows.slice(s![last.., ..]);
            let mut others = vec![0.0; later.nrows()];
            each_tile(block, later, |column, kernel| {
                for row in kernel.rows() {
                    let sums = &mut others[column..column + row.len()];
                    sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
                }
                add_rows(&mut own, kernel);
            });
            (own, others)
        })
        .collect();
    let mut sums = vec![0.0; count];
    for (task, (own, others)) in pairs.into_iter().enumerate() {
        let added = own.into_iter().chain(others);
        sums[task * BLOCK_ROWS..].iter_mut().zip(added).for_each(|(sum, value)| *sum += value);
    }
    sums.into_iter().map(|sum| sum / (count - 1) as f64).collect()
}

/// `Σ_{i≠j} w_i w_j k(x_i, x_j)` over the rows and their weights; of each pair only one half is
/// computed.
pub(super) fn weighted_sum_of_others(rows: ArrayView2<'_, f32>, weights: &[f64]) -> f64 {
    let tasks: Vec<usize> = (0..rows.nrows()).step_by(BLOCK_ROWS).collect();
    let sums: Vec<f64> = tasks
        .into_par_iter()
        .map(|first| {
            let last = (first + BLOCK_ROWS).min(rows.nrows());
            let block = rows.slice(s![first..last, ..]);
            let own = ArrayView1::from(&weights[first..last]);
            let mut sum = 0.0;
            each_tile(block, block, |_, mut kernel| {
                kernel.diag_mut().fill(0.0);
                sum += own.dot(&kernel.dot(&own));
            });
            each_tile(block, rows.slice(s![last.., ..]), |column, kernel| {
                let others = &weights[last + column..][..kernel.ncols()];
                sum += 2.0 * own.dot(&kernel.dot(&ArrayView1::from(others)));
            });
            sum
        })
        .collect();
    sums.into_iter().sum()
}

/// For each row of `a` the mean of `k` with all rows of `b`.
pub(super) fn mean_with(a: ArrayView2<'_, f32>, b: ArrayView2<'_, f32>) -> Vec<f64> {
    let blocks: Vec<ArrayView2<'_, f32>> = a.axis_chunks_iter(Axis(0), BLOCK_ROWS).collect();
    let sums: Vec<Vec<f64>> = blocks
        .into_par_iter()
        .map(|block| {
            let mut sums = vec![0.0; block.nrows()];
            each_tile(block, b, |_, kernel| add_rows(&mut sums, kernel));
            sums
        })
        .collect();
    sums.into_iter().flatten().map(|sum| sum / b.nrows() as f64).collect()
}

/// Calls `visit(column, kernel)` with the kernel of the rows of `block` and of the rows of `b` from
/// `column` on, tile by tile.
fn each_tile(
    block: ArrayView2<'_, f32>,
    b: ArrayView2<'_, f32>,
    mut visit: impl FnMut(usize, ArrayViewMut2<'_, f64>),
) {
    let scale = 1.0 / block.ncols() as f64;
    let block = block.mapv(f64::from);
    let mut buffer = Array2::zeros((block.nrows(), BLOCK_ROWS.min(b.nrows())));
    for (tile, rows) in b.axis_chunks_iter(Axis(0), BLOCK_ROWS).enumerate() {
        let rows = rows.mapv(f64::from);
        let mut kernel = buffer.slice_mut(s![.., ..rows.nrows()]);
        matmul(0.0, kernel.view_mut(), scale, block.view(), rows.t());
        kernel.mapv_inplace(|product| (product + 1.0) * (product + 1.0) * (product + 1.0));
        visit(tile * BLOCK_ROWS, kernel);
    }
}

fn add_rows(sums: &mut [f64], kernel: ArrayViewMut2<'_, f64>) {
    for (sum, row) in sums.iter_mut().zip(kernel.rows()) {
        *sum += row.sum();
    }
}
