//! Sums over the coordinates of one pair in f32, in an order that fills vector units.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m512};

use super::level::{Instructions, Level};
use super::registers::Vector;

/// Vectors that are summed side by side.
const SIDE: usize = 4;
/// Widest vector.
const WIDEST: usize = 16;

/// About `⟨a, b⟩`: no term goes through more roundings than there are coordinates, plus 8.
///
/// # Panics
/// If the lengths differ.
pub(crate) fn inner_product(a: &[f32], b: &[f32]) -> f32 {
    sum::<false>(a, b)
}

/// About `‖a − b‖²`: no term goes through more roundings than there are coordinates, plus 8.
///
/// # Panics
/// If the lengths differ.
pub(crate) fn squared_difference(a: &[f32], b: &[f32]) -> f32 {
    sum::<true>(a, b)
}

fn sum<const DIFFERENCES: bool>(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "lengths of a pair");
    // SAFETY: the processor has the instructions, as a level is proof of.
    unsafe {
        match Level::detect().instructions() {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => with_avx512::<DIFFERENCES>(a, b),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => with_avx2::<DIFFERENCES>(a, b),
            Instructions::Portable => sum_with::<[f32; 8], DIFFERENCES>(a, b),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn with_avx512<const DIFFERENCES: bool>(a: &[f32], b: &[f32]) -> f32 {
    // SAFETY: compiled for what the vectors need.
    unsafe { sum_with::<__m512, DIFFERENCES>(a, b) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn with_avx2<const DIFFERENCES: bool>(a: &[f32], b: &[f32]) -> f32 {
    // SAFETY: compiled for what the vectors need.
    unsafe { sum_with::<__m256, DIFFERENCES>(a, b) }
}

/// # Safety
/// The processor must have what `V` needs, and the slices one length.
#[inline(always)]
unsafe fn sum_with<V: Vector, const DIFFERENCES: bool>(a: &[f32], b: &[f32]) -> f32 {
    let step = SIDE * V::WIDTH;
    let whole = a.len() / step * step;
    // SAFETY: reads end at `whole`, or inside arrays as long as a vector.
    let mut lanes = unsafe {
        let mut sums = [V::splat(0.0); SIDE];
        for first in (0..whole).step_by(step) {
            for (side, sum) in sums.iter_mut().enumerate() {
                let place = first + side * V::WIDTH;
                let (a, b) = (V::load(a.as_ptr().add(place)), V::load(b.as_ptr().add(place)));
                *sum = if DIFFERENCES {
                    let difference = a.sub(b);
                    sum.add_product(difference, difference)
                } else {
                    sum.add_product(a, b)
                };
            }
        }
        let [first, second, third, fourth] = sums;
        let mut lanes = [0.0f32; WIDEST];
        first.add(second).add(third.add(fourth)).store(lanes.as_mut_ptr());
        lanes
    };
    for (index, (a, b)) in a[whole..].iter().zip(&b[whole..]).enumerate() {
        let (a, b) = if DIFFERENCES { (a - b, a - b) } else { (*a, *b) };
        lanes[index % WIDEST] += a * b;
    }
    lanes.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Sum = fn(&[f32], &[f32]) -> f32;

    #[test]
    fn agree_with_plain_sums() {
        let wave = |i: usize| (i as f32 * 0.731).sin();
        for length in [0, 1, 7, 32, 63, 64, 65, 300] {
            let a: Vec<f32> = (0..length).map(wave).collect();
            let b: Vec<f32> = (0..length).map(|i| wave(i * 5 + 3)).collect();
            let pairs = || a.iter().zip(&b).map(|(&a, &b)| (f64::from(a), f64::from(b)));
            let product: f64 = pairs().map(|(a, b)| a * b).sum();
            let squared: f64 = pairs().map(|(a, b)| (a - b).powi(2)).sum();
            let portable: [Sum; 2] = [
                // SAFETY: needs no instructions beyond those of every processor.
                |a, b| unsafe { sum_with::<[f32; 8], false>(a, b) },
                // SAFETY: as above.
                |a, b| unsafe { sum_with::<[f32; 8], true>(a, b) },
            ];
            let room = 1.0e-6 * (length + 1) as f64;
            for (sums, exact) in [
                ([inner_product, portable[0]], product),
                ([squared_difference, portable[1]], squared),
            ] {
                for sum in sums {
                    assert!((f64::from(sum(&a, &b)) - exact).abs() < room);
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "lengths of a pair")]
    fn lengths_are_checked() {
        inner_product(&[1.0], &[]);
    }
}
