//! The exact distance that every neighbour is finally judged by.

use ndarray::ArrayView1;

use crate::kernel::vectorised;

/// Independent partial sums: enough to fill the vector units, few enough to stay in registers.
const LANES: usize = 8;

/// `‖a − b‖²` in f64, the difference taken in f64 too: exact to a few ulp, symmetric in its
/// arguments, zero only for equal points, and the same for every memory layout.
pub(super) fn squared_distance(a: ArrayView1<'_, f32>, b: ArrayView1<'_, f32>) -> f64 {
    debug_assert_eq!(a.len(), b.len());
    match (a.to_slice(), b.to_slice()) {
        (Some(a), Some(b)) => vectorised(
            #[inline(always)]
            || contiguous(a, b),
        ),
        _ => accumulate([0.0; LANES], a.iter().zip(b)),
    }
}

#[inline(always)]
fn contiguous(a: &[f32], b: &[f32]) -> f64 {
    let (a_lanes, a_rest) = a.as_chunks::<LANES>();
    let (b_lanes, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0f64; LANES];
    for (a, b) in a_lanes.iter().zip(b_lanes) {
        for lane in 0..LANES {
            let difference = f64::from(a[lane]) - f64::from(b[lane]);
            sums[lane] += difference * difference;
        }
    }
    accumulate(sums, a_rest.iter().zip(b_rest))
}

/// Adds one pair after the other, each to the lane that [`contiguous`] would use.
#[inline(always)]
fn accumulate<'v>(mut sums: [f64; LANES], pairs: impl Iterator<Item = (&'v f32, &'v f32)>) -> f64 {
    for (index, (&a, &b)) in pairs.enumerate() {
        let difference = f64::from(a) - f64::from(b);
        sums[index % LANES] += difference * difference;
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    fn of(a: &[f32], b: &[f32]) -> f64 {
        squared_distance(a.into(), b.into())
    }

    #[test]
    fn pythagoras_across_the_lane_boundary() {
        let mut a = vec![1.0f32; 11];
        let b = vec![1.0f32; 11];
        assert_eq!(of(&a, &b), 0.0);
        a[0] = 4.0;
        a[10] = 5.0;
        assert_eq!(of(&a, &b), 25.0);
        assert_eq!(of(&b, &a), 25.0);
    }

    #[test]
    fn keeps_extreme_scales_apart() {
        assert_eq!(of(&[f32::MAX], &[-f32::MAX]).sqrt(), 2.0 * f64::from(f32::MAX));
        assert!(of(&[f32::from_bits(1)], &[0.0]) > 0.0);
    }

    #[test]
    fn layout_changes_no_bit() {
        let rows = Array2::from_shape_fn((2, 37), |(i, j)| ((i * 37 + j) as f32 * 0.71).sin());
        let columns = rows.t().as_standard_layout().into_owned();
        assert_eq!(
            squared_distance(rows.row(0), rows.row(1)),
            squared_distance(columns.column(0), columns.column(1))
        );
    }
}
