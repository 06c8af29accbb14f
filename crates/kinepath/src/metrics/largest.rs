//! The largest magnitude of many numbers, which also tells whether all are finite.

use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::kernel::vectorised;

/// Bits of an f32 that are not its sign.
const MAGNITUDE: u32 = 0x7fff_ffff;
/// Numbers a task looks at.
const TASK: usize = 1 << 20;

/// The largest `|value|`, at least 0; not finite where some value is not.
pub(super) fn largest_magnitude(values: &ArrayView2<'_, f32>) -> f64 {
    // Bits of magnitudes are ordered as magnitudes are, and infinities and NaN are above all.
    let bits = match values.to_slice() {
        Some(values) if values.len() <= TASK => largest_bits(values),
        Some(values) => values.par_chunks(TASK).map(largest_bits).max().unwrap_or(0),
        None => values.iter().fold(0, |most, value| most.max(value.to_bits() & MAGNITUDE)),
    };
    f64::from(f32::from_bits(bits))
}

fn largest_bits(values: &[f32]) -> u32 {
    vectorised(
        #[inline(always)]
        || values.iter().fold(0, |most, value| most.max(value.to_bits() & MAGNITUDE)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn finds_the_largest_and_what_is_not_finite_in_every_layout() {
        for (rows, columns) in [(3, 5), (700, 800)] {
            let mut values = Array2::from_shape_fn((rows, columns), |(i, j)| {
                -((i * columns + j) as f32 * 0.1).sin().abs()
            });
            values[[rows - 1, 2]] = -7.5;
            assert_eq!(largest_magnitude(&values.view()), 7.5);
            assert_eq!(largest_magnitude(&values.t()), 7.5);
            for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                values[[rows / 2, 1]] = bad;
                assert!(!largest_magnitude(&values.view()).is_finite());
                assert!(!largest_magnitude(&values.t()).is_finite());
            }
        }
        assert_eq!(largest_magnitude(&Array2::zeros((2, 2)).view()), 0.0);
    }
}
