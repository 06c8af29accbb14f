//! Cutting a batch into slices that run side by side.

use std::ops::Range;

use crate::Batch;

/// Cuts `rows` rows into slices of at most `most`, in order, for `workers` threads.
///
/// A slice never spans rows of which `together(i, i + 1)` is false, nor more rows than a fixed
/// `batch` has. Slices of a single row are avoided: matrix–vector products round differently from
/// matrix products, and the cut must not show in the result.
pub(crate) fn cut(
    rows: usize,
    batch: Batch,
    (workers, most): (usize, usize),
    together: impl Fn(usize, usize) -> bool,
) -> Vec<Range<usize>> {
    let mut slices = Vec::new();
    let mut start = 0;
    for end in 1..=rows {
        if end == rows || !together(end - 1, end) {
            cut_run(start..end, batch, (workers, most), &mut slices);
            start = end;
        }
    }
    slices
}

fn cut_run(
    run: Range<usize>,
    batch: Batch,
    (workers, most): (usize, usize),
    slices: &mut Vec<Range<usize>>,
) {
    let rows = run.len();
    match batch {
        Batch::Fixed(size) => {
            let starts = run.clone().step_by(size);
            slices.extend(starts.map(|start| start..run.end.min(start + size)));
        }
        Batch::Any => {
            let count = rows.div_ceil(most).max(workers).min(rows / 2).max(1);
            let edge = |i: usize| run.start + rows * i / count;
            slices.extend((0..count).map(|i| edge(i)..edge(i + 1)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: usize = 16;

    fn lengths(rows: usize, batch: Batch, workers: usize) -> Vec<usize> {
        cut(rows, batch, (workers, ROWS), |_, _| true)
            .into_iter()
            .map(|slice| slice.len())
            .collect()
    }

    #[test]
    fn slices_cover_the_batch_without_single_rows() {
        for rows in 0..200 {
            for workers in [1, 2, 3, 16] {
                let slices = cut(rows, Batch::Any, (workers, ROWS), |_, _| true);
                assert_eq!(slices.iter().flat_map(Clone::clone).collect::<Vec<_>>().len(), rows);
                assert!(slices.windows(2).all(|pair| pair[0].end == pair[1].start));
                assert!(rows < 2 || slices.iter().all(|slice| (2..=ROWS).contains(&slice.len())));
            }
        }
    }

    #[test]
    fn every_worker_gets_a_share() {
        assert_eq!(lengths(8, Batch::Any, 2), [4, 4]);
        assert_eq!(lengths(128, Batch::Any, 2), [16; 8]);
        assert_eq!(lengths(3, Batch::Any, 8), [3]);
        let whole = cut(128, Batch::Any, (1, usize::MAX), |_, _| true);
        assert_eq!(whole.first(), Some(&(0..128)));
    }

    #[test]
    fn a_fixed_batch_and_a_shared_value_cut_too() {
        assert_eq!(lengths(5, Batch::Fixed(2), 4), [2, 2, 1]);
        let times = [0.0, 0.0, 0.5, 0.5, 1.0];
        let slices = cut(5, Batch::Any, (1, ROWS), |i, j| times[i] == times[j]);
        assert_eq!(slices, [0..2, 2..4, 4..5]);
    }
}
