//! How far chance moves recall.

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{
    error::{MetricsError, check_length},
    prdc::PrdcComparison,
};
use crate::stats::sd_of;

/// Parts of a split, and how many such splits are drawn. Halves are as large as two parts without a
/// common point can be; eighths show how the variance goes with size. Halves tell less each.
const SPLITS: [(usize, usize); 2] = [(2, 100), (8, 25)];
/// Points of the smallest part, in units of k + 1, below which its balls are too few.
const LEAST_POINTS: usize = 2;
/// The squared ratio of Student's quantile with 15 degrees of freedom to the normal one at 97.5 %:
/// from 500 points in 3 to 10 dimensions, the standard error itself is known to 15–20 % (30 % where
/// recall is nearly 1), as if from 15 numbers.
const DOUBT: f64 = 1.1826;

/// Recall of parts of the generated points: what its variance over draws of them is estimated from.
///
/// Two parts without a common point are independent draws, so that the spread of their recalls, each
/// with the radii that it has on its own, is the variance of recall at their size without bias,
/// whatever recall depends on. With `V(m)` the mean variance between the parts of m points over
/// random splits, it is extrapolated along a power of m from an eighth and a half of the n points:
///
/// ```text
/// V(n) = V(n/2) · min(1, (V(n/2) / V(n/8))^{1/2})
/// ```
///
/// Neither standard way works: the jackknife counts effects of second and higher order more than
/// once, which recall mostly consists of, and a bootstrap's repeated points change every radius. The
/// parts find their k nearest among the 20 k nearest of all points.
#[derive(Debug, Clone, PartialEq)]
pub struct RecallSplits {
    generated: usize,
    /// For each kind of split the recalls of the parts, split by split.
    recalls: [Vec<f64>; 2],
}

impl PrdcComparison {
    /// Recall of halves and eighths of the generated points, split at random with `seed`: the same
    /// way for every set of this size. Absent where an eighth is less than 2 (k + 1) points.
    #[must_use]
    pub fn recall_splits(&self, seed: u64) -> Option<RecallSplits> {
        let least = SPLITS.iter().map(|(parts, _)| parts).max()? * LEAST_POINTS * (self.k + 1);
        let generated = self.balls.len();
        (generated >= least).then(|| RecallSplits {
            generated,
            recalls: SPLITS.map(|(parts, splits)| {
                let split = |number| self.recalls_of(&Parts::draw(generated, parts, seed, number));
                (0..splits).into_par_iter().flat_map_iter(split).collect()
            }),
        })
    }

    /// The recall of each part.
    fn recalls_of(&self, Parts { parts, of_point }: &Parts) -> Vec<f64> {
        // For each point how many of its neighbours in order come before the k-th in its part.
        let before: Vec<u32> = self
            .nearest
            .outer_iter()
            .zip(of_point)
            .map(|(nearest, own)| {
                let same = |&(_, &other): &(usize, &u32)| of_point[other as usize] == *own;
                let kth = nearest.iter().enumerate().filter(same).nth(self.k - 1);
                kth.map_or(u32::MAX, |(place, _)| place as u32)
            })
            .collect();
        let mut recalled = vec![0_u64; *parts];
        for near in &self.near {
            let mut held = 0_u64;
            for near in near.iter().filter(|near| near.rank <= before[near.point as usize]) {
                held |= 1 << of_point[near.point as usize];
            }
            for (part, recalled) in recalled.iter_mut().enumerate() {
                *recalled += held >> part & 1;
            }
        }
        recalled.into_iter().map(|count| count as f64 / self.near.len() as f64).collect()
    }
}

/// A split of generated points.
struct Parts {
    parts: usize,
    /// For each point its part.
    of_point: Vec<u8>,
}

impl Parts {
    /// Split number `number` of so many points into parts whose sizes differ by at most one.
    fn draw(points: usize, parts: usize, seed: u64, number: usize) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(((parts as u64) << 32) + number as u64);
        let mut of_point: Vec<u8> =
            (0..points).map(|place| (place * parts / points) as u8).collect();
        of_point.shuffle(&mut generator);
        Self { parts, of_point }
    }
}

impl RecallSplits {
    /// The estimated variance of recall, with an allowance for how uncertain it is itself.
    #[must_use]
    pub fn variance(&self) -> f64 {
        let [half, eighth] = [0, 1].map(|kind| {
            let parts = SPLITS[kind].0;
            let splits = self.recalls[kind].chunks_exact(parts);
            splits.map(|recalls| sd_of(recalls).powi(2)).sum::<f64>() / SPLITS[kind].1 as f64
        });
        let slope = if half < eighth { (half / eighth).sqrt() } else { 1.0 };
        DOUBT * half * slope
    }

    /// The splits of the difference of two recalls; point i of both sets of generated points comes
    /// from the same noise, and both were split with the same seed.
    ///
    /// # Errors
    /// [`MetricsError::LengthMismatch`] for sets of other sizes.
    pub fn minus(&self, other: &Self) -> Result<Self, MetricsError> {
        check_length("generated points", self.generated, other.generated)?;
        let pairs = |kind: usize| self.recalls[kind].iter().zip(&other.recalls[kind]);
        let recalls =
            [0, 1].map(|kind| pairs(kind).map(|(own, other)| own - other).collect::<Vec<_>>());
        Ok(Self { recalls, ..*self })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Axis};

    use super::*;
    use crate::metrics::PrdcReference;

    fn wave(rows: usize, salt: f64) -> Array2<f32> {
        Array2::from_shape_fn((rows, 2), |(i, j)| {
            (((i * i * 29 + j * 13) as f64 * 0.377 + salt).sin() * (1.0 + j as f64)) as f32
        })
    }

    /// With 20 k neighbours of each point, the parts miss none of theirs here.
    #[test]
    fn the_recall_of_a_part_is_that_of_its_points_alone() {
        let (real, generated) = (wave(60, 0.3), wave(41, 0.9) * 0.7f32);
        let reference = PrdcReference::new(real.view(), 3).unwrap();
        let comparison = reference.compare(generated.view()).unwrap();
        for parts in [2, 8] {
            let split = Parts::draw(41, parts, 5, 3);
            let recalls = comparison.recalls_of(&split);
            for (part, &recall) in recalls.iter().enumerate() {
                let rows: Vec<usize> =
                    (0..41).filter(|&row| usize::from(split.of_point[row]) == part).collect();
                assert!(rows.len() == 41 / parts || rows.len() == 41 / parts + 1);
                let alone = generated.select(Axis(0), &rows);
                let expected = reference.compare(alone.view()).unwrap().scores().recall;
                assert_eq!(recall, expected, "part {part} of {parts}");
            }
        }
    }

    #[test]
    fn equal_sets_do_not_differ_and_few_points_have_no_splits() {
        let reference = PrdcReference::new(wave(60, 0.3), 1).unwrap();
        let splits = |rows: usize, salt: f64| {
            reference.compare(wave(rows, salt).view()).unwrap().recall_splits(2)
        };
        let (own, other) = (splits(50, 0.9).unwrap(), splits(50, 1.4).unwrap());
        assert_eq!(splits(50, 0.9).as_ref(), Some(&own));
        assert_eq!(own.minus(&own).unwrap().variance(), 0.0);
        assert!(own.variance() > 0.0 && own.minus(&other).unwrap().variance() > 0.0);
        assert_eq!(splits(31, 0.9), None);
        assert_eq!(
            own.minus(&splits(40, 0.9).unwrap()).unwrap_err(),
            MetricsError::LengthMismatch { what: "generated points", expected: 50, actual: 40 }
        );
    }

    /// Parts of n / p points of a mean of independent values with variance 1 / n have p / n.
    #[test]
    fn the_variance_of_a_mean_falls_with_the_number_of_points() {
        let splits = RecallSplits {
            generated: 0,
            recalls: SPLITS.map(|(parts, splits)| {
                // As many values ± s, of which the variance with divisor p − 1 is p s² / (p − 1).
                let spread = ((parts - 1) as f64).sqrt();
                [spread, -spread].repeat(splits * parts / 2)
            }),
        };
        assert!((splits.variance() - DOUBT).abs() < 1e-12);
    }
}
