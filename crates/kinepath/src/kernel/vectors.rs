//! Loops compiled for the vector units of the processor they run on.

use pulp::Arch;

/// Runs `loops`, which should be `#[inline(always)]`, compiled for AVX-512 or AVX2 where the
/// processor has them.
///
/// The same operations in the same order: Rust neither fuses nor reorders them, so results do not
/// depend on the processor.
#[inline]
pub(crate) fn vectorised<R>(loops: impl FnOnce() -> R) -> R {
    Arch::new().dispatch(loops)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_no_bit() {
        let values: Vec<f32> = (0..103).map(|i| (i as f32 * 0.71).sin()).collect();
        #[inline(always)]
        fn sum(values: &[f32]) -> f64 {
            values.iter().map(|&value| f64::from(value) * 0.3 + 0.1).sum()
        }
        assert_eq!(vectorised(|| sum(&values)).to_bits(), sum(&values).to_bits());
    }
}
