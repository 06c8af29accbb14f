//! Tests that swap the two settings within pairs.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{
    error::{StatsError, check_count, check_finite},
    replicates::{ROUNDING, Replicates, check_defined, stream},
    summary::mean_of,
};

/// How to permute: everything that a p-value depends on beside the data.
///
/// Replicate `r` draws its swaps from stream `r` of a ChaCha8 generator seeded with `seed`: it is
/// the same whatever the number of replicates or threads, and two statistics tested with the same
/// settings see the same swaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairedPermutation {
    /// Number of random permutations R, at least 1. No p-value is below `1 / (R + 1)`.
    pub permutations: usize,
    /// Seed of the generator.
    pub seed: u64,
}

impl Default for PairedPermutation {
    /// 9999 permutations, seed 0: p-values are multiples of 0.0001.
    fn default() -> Self {
        Self { permutations: 9999, seed: 0 }
    }
}

/// What a permutation test found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PermutationTest {
    /// The difference on the data as they are.
    pub observed: f64,
    /// Two-sided p-value of no difference, in (0, 1].
    pub p_value: f64,
    /// Permutations on which the difference is not defined (NaN or infinite).
    pub undefined: usize,
}

impl PairedPermutation {
    /// Writes replicate `replicate` to `swapped`, one entry a pair: whether its two settings
    /// change places, with probability ½ each.
    pub fn draw(&self, replicate: usize, swapped: &mut [bool]) {
        let mut generator = stream(self.seed, replicate);
        swapped.fill_with(|| generator.random());
    }
}

/// Paired permutation test of a difference between two settings measured on `count` pairs.
///
/// Pair `i` is one sample (one noise) under a baseline and a variant. `difference` is given which
/// pairs swap their two settings and returns the difference of a statistic between the two columns
/// so obtained: a mean, or a figure of the whole set. Without a swap it is the observed difference.
/// It says that it is undefined by returning NaN or an infinity; such permutations are counted and
/// left out.
///
/// The null hypothesis is that the setting makes no difference to a pair: its two members could
/// as well have been measured the other way round. The test then keeps its level for any statistic
/// and any number of pairs, and unlike a bootstrap it is not upset by a statistic that repeated
/// rows bias, for no row is repeated. It presumes that pairs are independent. Where they come in
/// groups (seeds) the swaps stay within pairs, and the test asks about these groups, not
/// about others.
///
/// # Errors
/// [`StatsError::TooFew`] below 2 pairs, [`StatsError::NoResamples`], [`StatsError::Undefined`]
/// when the data have no difference, [`StatsError::UndefinedReplicates`] when more than a tenth
/// of the permutations have none.
///
/// # Example
/// ```
/// use kinepath::stats::{PairedPermutation, median, paired_permutation};
///
/// let baseline: Vec<f64> = (0..40).map(|i| f64::from(i * i % 17)).collect();
/// let variant: Vec<f64> = baseline.iter().map(|value| value + 8.0).collect();
/// let difference = |swapped: &[bool]| {
///     let column = |first: &[f64], second: &[f64]| -> Vec<f64> {
///         (0..40).map(|i| if swapped[i] { second[i] } else { first[i] }).collect()
///     };
///     let medians = (median(&column(&variant, &baseline)), median(&column(&baseline, &variant)));
///     if let (Ok(variant), Ok(baseline)) = medians { variant - baseline } else { f64::NAN }
/// };
/// let test = paired_permutation(40, &PairedPermutation::default(), difference)?;
/// assert_eq!(test.observed, 8.0);
/// assert!(test.p_value < 0.01);
/// # Ok::<(), kinepath::stats::StatsError>(())
/// ```
pub fn paired_permutation(
    count: usize,
    settings: &PairedPermutation,
    difference: impl Fn(&[bool]) -> f64 + Sync,
) -> Result<PermutationTest, StatsError> {
    check_count("a permutation test", 2, count)?;
    let observed = check_defined(difference(&vec![false; count]), count)?;
    let swaps = || vec![false; count];
    let null =
        Replicates::evaluate(observed, settings.permutations, swaps, |swapped, replicate| {
            settings.draw(replicate, swapped);
            difference(swapped)
        })?;
    Ok(PermutationTest {
        observed,
        p_value: permutation_p_value(observed, &null.values),
        undefined: null.undefined,
    })
}

/// [`paired_permutation`] of the mean of a column of paired differences `variant − baseline`:
/// swapping a pair flips the sign of its difference.
///
/// # Errors
/// [`StatsError::NotANumber`] for a NaN or infinity, else those of [`paired_permutation`].
///
/// # Example
/// ```
/// use kinepath::stats::{PairedPermutation, sign_flip_test};
///
/// let test = sign_flip_test(&[0.5, 0.1, -0.2, 0.4], &PairedPermutation::default())?;
/// assert!((test.observed - 0.2).abs() < 1e-15);
/// // 6 of the 16 sign patterns have a mean as far from 0.
/// assert!((test.p_value - 6.0 / 16.0).abs() < 0.03);
/// # Ok::<(), kinepath::stats::StatsError>(())
/// ```
pub fn sign_flip_test(
    differences: &[f64],
    settings: &PairedPermutation,
) -> Result<PermutationTest, StatsError> {
    check_finite("the differences", differences)?;
    paired_permutation(differences.len(), settings, |swapped| {
        let flipped = differences.iter().zip(swapped);
        mean_of(flipped.map(|(&value, &swap)| if swap { -value } else { value }))
    })
}

/// The two-sided p-value of an observed difference among differences `Δ*` from R permutations,
///
/// ```text
/// p = (1 + #{|Δ*| ≥ |Δ|}) / (R + 1)
/// ```
///
/// which counts the data themselves as one permutation and so is valid at any R; Phipson & Smyth
/// (2010). Values of `|Δ*|` that fall short of `|Δ|` by rounding (1e-12 of it) count as equal.
#[must_use]
pub fn permutation_p_value(observed: f64, differences: &[f64]) -> f64 {
    let least = observed.abs() * (1.0 - ROUNDING);
    let as_far = differences.iter().filter(|difference| difference.abs() >= least).count();
    (1 + as_far) as f64 / (differences.len() + 1) as f64
}

#[cfg(test)]
mod tests;
