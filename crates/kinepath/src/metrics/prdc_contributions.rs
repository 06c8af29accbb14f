//! What each generated point adds to precision, recall, density and coverage.

use std::collections::BTreeSet;

use ndarray::s;

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
    /// the pseudo-values of the jackknife, moved onto `R`. Leaving out a point takes its own ball
    /// from recall, and lets the ball of every point that had it among its k nearest grow to the next
    /// neighbour. A bootstrap misses the second: repeated rows would shrink balls to nothing, so it
    /// has to keep radii fixed.
    ///
    /// Their spread is too large (Efron & Stein 1981, "The jackknife estimate of variance"): points
    /// that replace each other are effects of second and higher order, which it counts twice and
    /// more. [`CoverageGroups`](super::CoverageGroups) and [`RecallSplits`](super::RecallSplits) know
    /// the variance better.
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
        let each = |of: fn(u32) -> f64| self.balls.iter().map(|&balls| of(balls)).collect();
        let density: Vec<f64> = each(f64::from);
        let scores = self.scores();
        PrdcColumns {
            precision: each(|balls| f64::from(balls.min(1))),
            recall: self.pseudo_values(scores.recall, self.recall_changes()),
            density: density.iter().map(|balls| balls / self.k as f64).collect(),
            coverage: self.pseudo_values(scores.coverage, self.coverage_changes()),
        }
    }

    /// The pseudo-values of a share of real points, from the changes of their number.
    fn pseudo_values(&self, share: f64, changes: Vec<i64>) -> Vec<f64> {
        let (others, real) = ((changes.len() - 1) as f64, self.near.len() as f64);
        let mean = changes.iter().sum::<i64>() as f64 / changes.len() as f64;
        changes.iter().map(|&change| share + others * (mean - change as f64) / real).collect()
    }

    /// By how many the covered real points change without each generated point: those that it
    /// alone covers.
    fn coverage_changes(&self) -> Vec<i64> {
        let mut changes = vec![0; self.balls.len()];
        for covering in &self.covering {
            if let [alone] = covering[..] {
                changes[alone as usize] -= 1;
            }
        }
        changes
    }

    /// By how many the recalled real points change without each generated point.
    fn recall_changes(&self) -> Vec<i64> {
        let mut changes = vec![0; self.balls.len()];
        for (real, near) in self.near.iter().enumerate() {
            let mut holders = self.holders(real);
            let (first, more) = (holders.next(), holders.next().is_some());
            if more {
                continue;
            }
            // A ball that just misses the real point reaches it without one of its k nearest.
            let growing = near.iter().filter(|near| near.rank as usize == self.k);
            let freeing: BTreeSet<u32> = growing
                .flat_map(|near| self.nearest.slice(s![near.point as usize, ..self.k]))
                .copied()
                .collect();
            match first {
                None => freeing.iter().for_each(|&point| changes[point as usize] += 1),
                Some(alone) if !freeing.contains(&alone) => changes[alone as usize] -= 1,
                Some(_) => {}
            }
        }
        changes
    }
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
        let comparison = reference.compare(generated.view()).unwrap();
        for (count, growing) in [(0, true), (1, true), (2, false)] {
            assert!((0..150).any(|real| {
                comparison.holders(real).count() == count
                    && (!growing || comparison.near[real].iter().any(|near| near.rank == 2))
            }));
        }
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
