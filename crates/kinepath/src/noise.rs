//! Source noise with one random stream per sample index.

use std::ops::Range;

use ndarray::{Array2, Axis};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

use crate::rows::values_mut;

/// Standard normal noise for the samples of a global index range: `[range.len(), dim]`.
///
/// Sample i draws from ChaCha8 with the seed's key and stream number i, so it is the same
/// whatever the batch, the shard or the thread count.
///
/// ```
/// use kinepath::noise::noise;
///
/// let all = noise(3, 0..20, 5);
/// assert_eq!(noise(3, 17..18, 5).row(0), all.row(17));
/// ```
pub fn noise(seed: u64, range: Range<u64>, dim: usize) -> Array2<f32> {
    noise_at(seed, &range.collect::<Vec<_>>(), dim)
}

/// As [`noise`], for samples whose global indices are given: `[indices.len(), dim]`.
///
/// ```
/// use kinepath::noise::{noise, noise_at};
///
/// assert_eq!(noise_at(3, &[17, 2], 5).row(1), noise(3, 0..20, 5).row(2));
/// ```
pub fn noise_at(seed: u64, indices: &[u64], dim: usize) -> Array2<f32> {
    let mut out = Array2::zeros((indices.len(), dim));
    out.axis_iter_mut(Axis(0)).into_par_iter().zip(indices).for_each(|(row, &index)| {
        let mut stream = ChaCha8Rng::seed_from_u64(seed);
        stream.set_stream(index);
        values_mut(row).fill_with(|| StandardNormal.sample(&mut stream));
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_a_standard_normal() {
        let x = noise(0, 0..500, 400);
        let n = x.len() as f64;
        let moment = |p| x.iter().map(|&v| f64::from(v).powi(p)).sum::<f64>() / n;
        // Five standard errors of each moment.
        for (power, expected, sd) in [(1, 0.0, 1.0), (2, 1.0, 2f64.sqrt()), (4, 3.0, 96f64.sqrt())]
        {
            assert!((moment(power) - expected).abs() < 5.0 * sd / n.sqrt(), "moment {power}");
        }
    }

    #[test]
    fn streams_do_not_depend_on_the_range() {
        let whole = noise(7, 0..10, 33);
        let part = noise(7, 4..6, 33);
        assert_eq!(part.row(1), whole.row(5));
        assert_ne!(whole.row(0), whole.row(1));
        assert_ne!(noise(8, 0..1, 33).row(0), whole.row(0));
        assert_eq!(noise(7, 3..3, 33).nrows(), 0);
    }
}
