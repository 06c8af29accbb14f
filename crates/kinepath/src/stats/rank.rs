//! Ranks with ties shared.

/// A column reduced to its order: what rank statistics of any resample need.
///
/// Ranking a resample from here is counting, without a sort.
#[derive(Debug, Clone)]
pub(super) struct Ordered {
    /// For each row the number of different values below its own.
    level_of_rows: Vec<usize>,
    levels: usize,
}

impl Ordered {
    /// Orders a column without NaN.
    pub(super) fn new(values: &[f64]) -> Self {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
        let mut level_of_rows = vec![0; values.len()];
        let mut level = 0;
        for pair in order.windows(2) {
            // Compared as numbers, so that −0.0 ties with 0.0.
            if values[pair[0]] != values[pair[1]] {
                level += 1;
            }
            level_of_rows[pair[1]] = level;
        }
        Self { level_of_rows, levels: level + 1 }
    }

    /// Whether all rows hold the same value.
    pub(super) fn is_constant(&self) -> bool {
        self.levels == 1
    }

    /// The average ranks of the given rows among themselves, less their mean `(n + 1) / 2`.
    pub(super) fn centred_ranks(&self, rows: &[usize]) -> Vec<f64> {
        let mut counts = vec![0usize; self.levels];
        for &row in rows {
            counts[self.level_of_rows[row]] += 1;
        }
        let mut below = 0;
        let middle = rows.len() as f64 / 2.0;
        let rank_of_levels: Vec<f64> = counts
            .into_iter()
            .map(|count| {
                let rank = below as f64 + count as f64 / 2.0 - middle;
                below += count;
                rank
            })
            .collect();
        rows.iter().map(|&row| rank_of_levels[self.level_of_rows[row]]).collect()
    }
}

/// The correlation of two centred rank columns, `None` when one of them is constant.
pub(super) fn rank_correlation(x: &[f64], y: &[f64]) -> Option<f64> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (xx, yy) = (dot(x, x), dot(y, y));
    // Ranks are multiples of ½, so a constant column gives exact zeros.
    (xx > 0.0 && yy > 0.0).then(|| (dot(x, y) / (xx * yy).sqrt()).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The ranks from 1 to n of some rows of a column among themselves.
    fn ranks(values: &[f64], rows: &[usize]) -> Vec<f64> {
        let middle = (rows.len() + 1) as f64 / 2.0;
        Ordered::new(values).centred_ranks(rows).iter().map(|rank| rank + middle).collect()
    }

    #[test]
    fn signed_zeros_tie_and_infinities_are_extremes() {
        let values = [f64::INFINITY, 0.0, -0.0, f64::NEG_INFINITY];
        assert_eq!(ranks(&values, &[0, 1, 2, 3]), [4.0, 2.5, 2.5, 1.0]);
    }

    proptest! {
        /// The ranks of `scipy.stats.rankdata(method="average")`: as many as are smaller, and half of
        /// those that are equal.
        #[test]
        fn equal_values_share_the_mean_of_their_ranks(
            values in proptest::collection::vec(-4i8..5, 1..40), rows in proptest::collection::vec(0usize..1000, 1..60),
        ) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let rows: Vec<usize> = rows.into_iter().map(|row| row % values.len()).collect();
            let count = |is: &dyn Fn(f64) -> bool| rows.iter().filter(|&&row| is(values[row])).count();
            let counted: Vec<f64> = rows
                .iter()
                .map(|&row| {
                    let (below, equal) = (count(&|v| v < values[row]), count(&|v| v == values[row]));
                    below as f64 + (equal + 1) as f64 / 2.0
                })
                .collect();
            prop_assert_eq!(ranks(&values, &rows), counted);
        }
    }
}
