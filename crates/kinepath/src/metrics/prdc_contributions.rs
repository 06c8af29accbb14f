//! What each generated point adds to precision, recall, density and coverage.

use ndarray::{ArrayView2, Axis};

use super::prdc::PrdcComparison;

/// Four columns, one value per generated point, whose means are the four figures.
#[derive(Debug, Clone, PartialEq)]
pub struct PrdcColumns {
    /// 1 for a point in some real ball, else 0.
    pub precision: Vec<f64>,
    /// Jackknife pseudo-values of recall; any real number.
    pub recall: Vec<f64>,
    /// Number of real balls the point lies in, divided by k.
    pub density: Vec<f64>,
    /// Jackknife pseudo-values of coverage; any real number.
    pub coverage: Vec<f64>,
}

impl PrdcComparison {
    /// The four figures as means of columns, whose spread tells how far chance moves them.
    ///
    /// Precision and density are means as they stand. Recall and coverage ask for *some* generated
    /// point, so that the share of one is what leaving it out would change. With `R₋ᵢ` the figure of
    /// the other `n − 1` points and `R̄` the mean of all `R₋ᵢ`, it is
    ///
    /// ```text
    /// cᵢ = R + (n − 1) (R̄ − R₋ᵢ)
    /// ```
    ///
    /// the pseudo-values of the jackknife, moved onto `R`. Their spread is too large rather than too
    /// small (Efron & Stein 1981, "The jackknife estimate of variance"): points that replace each
    /// other are effects of second and higher order, which it counts twice and more. Leaving out a point takes its own ball from recall, and lets the
    /// ball of every point that had it among its k nearest grow to the next neighbour. A bootstrap
    /// misses the second: repeated rows would shrink balls to nothing, so it has to keep radii
    /// fixed.
    ///
    /// # Example
    /// ```
    /// use kinepath::metrics::PrdcReference;
    /// use ndarray::array;
    ///
    /// let real = array![[0.0f32], [1.0], [2.0]];
    /// let reference = PrdcReference::new(real.view(), 1)?;
    /// let columns = reference.compare(array![[0.5f32], [0.75], [9.0]].view())?.contributions();
    /// assert_eq!(columns.precision, [1.0, 1.0, 0.0]);
    /// // Both 0.5 and 0.75 lie in the balls of 0 and 1: either can be spared.
    /// assert_eq!(columns.coverage, [2.0 / 3.0; 3]);
    /// // Only the ball of 9 holds real points, 1 and 2. Without 0.5 that of 0.75 grows over 0, and
    /// // the other way round.
    /// assert_eq!(columns.recall, [0.0, 0.0, 2.0]);
    /// # Ok::<(), kinepath::metrics::MetricsError>(())
    /// ```
    #[must_use]
    pub fn contributions(&self) -> PrdcColumns {
        let placed = &self.placed;
        let each = |of: fn(u32) -> f64| placed.balls.iter().map(|&balls| of(balls)).collect();
        let density: Vec<f64> = each(f64::from);
        PrdcColumns {
            precision: each(|balls| f64::from(balls.min(1))),
            recall: pseudo_values(&placed.recalled, self.nearest.view()),
            density: density.iter().map(|balls| balls / self.k as f64).collect(),
            coverage: pseudo_values(&placed.covered, self.nearest.view()),
        }
    }
}

/// The generated points that a real one owes its place to, as far as leaving out one can tell.
#[derive(Debug, Clone, Default)]
pub(super) struct Holders {
    /// Number of generated points that hold it.
    count: u32,
    /// The last of them: the only one where there is one.
    last: usize,
    /// Generated points that would hold it once one of their k nearest was gone. Kept while at most
    /// one holds it; beyond, leaving out one changes nothing.
    near: Vec<usize>,
}

impl Holders {
    /// The generated point `holder` holds it.
    pub(super) fn enter(&mut self, holder: usize) {
        self.extend(Self { count: 1, last: holder, near: Vec::new() });
    }

    /// The generated point `holder` does not hold it, but would with one neighbour fewer.
    pub(super) fn approach(&mut self, holder: usize) {
        if self.count < 2 {
            self.near.push(holder);
        }
    }

    /// Adds the holders of later generated points.
    pub(super) fn extend(&mut self, later: Self) {
        self.count += later.count;
        if later.count > 0 {
            self.last = later.last;
        }
        if self.count < 2 {
            self.near.extend(later.near);
        } else {
            self.near = Vec::new();
        }
    }
}

/// The share of real points that some generated point holds.
pub(super) fn share_held(real: &[Holders]) -> f64 {
    real.iter().filter(|holders| holders.count > 0).count() as f64 / real.len() as f64
}

/// The pseudo-values of the share of real points held; `nearest` has the k nearest others of each
/// generated point, shape `[n, k]`.
fn pseudo_values(real: &[Holders], nearest: ArrayView2<'_, usize>) -> Vec<f64> {
    let changes = changes(real, nearest);
    let others = (changes.len() - 1) as f64;
    let mean = changes.iter().sum::<i64>() as f64 / changes.len() as f64;
    let share = share_held(real);
    changes
        .iter()
        .map(|&change| share + others * (mean - change as f64) / real.len() as f64)
        .collect()
}

/// By how many real points the number of those held changes without each generated point.
fn changes(real: &[Holders], nearest: ArrayView2<'_, usize>) -> Vec<i64> {
    let mut changes = vec![0; nearest.nrows()];
    let mut freed = Vec::new();
    for holders in real {
        // Without any of these, some point near reaches the real one.
        freed.clear();
        freed.extend(holders.near.iter().flat_map(|&near| nearest.index_axis(Axis(0), near)));
        match holders.count {
            0 => {
                freed.sort_unstable();
                freed.dedup();
                freed.iter().for_each(|&point| changes[point] += 1);
            }
            1 if !freed.contains(&holders.last) => changes[holders.last] -= 1,
            _ => {}
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Axis};
    use proptest::prelude::*;

    use crate::metrics::{Prdc, PrdcReference};

    fn points(values: &[i8], columns: usize) -> Array2<f32> {
        Array2::from_shape_fn((values.len() / columns, columns), |(i, j)| {
            f32::from(values[columns * i + j])
        })
    }

    /// The pseudo-values from the figures of every set without one row.
    fn left_out(reference: &PrdcReference<'_>, set: &Array2<f32>, of: fn(Prdc) -> f64) -> Vec<f64> {
        let score = |set: &Array2<f32>| of(reference.compare(set.view()).unwrap().scores());
        let count = set.nrows();
        let without: Vec<f64> = (0..count)
            .map(|row| {
                let others: Vec<usize> = (0..count).filter(|&other| other != row).collect();
                score(&set.select(Axis(0), &others))
            })
            .collect();
        let mean = without.iter().sum::<f64>() / count as f64;
        let all = score(set);
        without.iter().map(|other| all + (count - 1) as f64 * (mean - other)).collect()
    }

    fn assert_close(actual: &[f64], expected: &[f64]) {
        assert_eq!(actual.len(), expected.len());
        for (a, b) in actual.iter().zip(expected) {
            assert!((a - b).abs() < 1e-9, "{actual:?} {expected:?}");
        }
    }

    fn agrees(real: &Array2<f32>, generated: &Array2<f32>, k: usize) {
        let reference = PrdcReference::new(real.view(), k).unwrap();
        let comparison = reference.compare(generated.view()).unwrap();
        let columns = comparison.contributions();
        let check = |column: &[f64], of: fn(Prdc) -> f64| {
            // Of a mean, pseudo-values are the values: all four must agree.
            assert_close(column, &left_out(&reference, generated, of));
            let mean = column.iter().sum::<f64>() / column.len() as f64;
            assert_close(&[mean], &[of(comparison.scores())]);
        };
        check(&columns.precision, |scores| scores.precision);
        check(&columns.recall, |scores| scores.recall);
        check(&columns.density, |scores| scores.density);
        check(&columns.coverage, |scores| scores.coverage);
    }

    /// More than two chunks of generated points, with reals that are held by none, one and several.
    #[test]
    fn they_are_the_figures_without_each_point_across_chunks() {
        let wave = |rows: usize, salt: f64| {
            Array2::from_shape_fn((rows, 3), |(i, j)| {
                (((i * i * 29 + j * 13) as f64 * 0.377 + salt).sin()
                    * ((i * 7 + j) as f64 * 0.61 + salt).cos()) as f32
            })
        };
        let (real, generated) = (wave(150, 0.1), wave(140, 0.4) * 0.8f32);
        agrees(&real, &generated, 2);
        let reference = PrdcReference::new(real.view(), 2).unwrap();
        let recalled = reference.compare(generated.view()).unwrap().placed.recalled;
        for count in 0..2 {
            assert!(recalled.iter().any(|real| real.count == count && !real.near.is_empty()));
        }
        assert!(recalled.iter().any(|real| real.count > 1));
    }

    proptest! {
        /// Small integers: duplicates, and distances exactly equal to radii.
        #[test]
        fn they_are_the_figures_without_each_point(
            real in proptest::collection::vec(-4i8..5, 10..50),
            generated in proptest::collection::vec(-4i8..5, 12..50),
            columns in 1usize..3,
            k in 1usize..4,
        ) {
            agrees(&points(&real, columns), &points(&generated, columns), k);
        }
    }
}
