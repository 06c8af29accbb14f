//! The exact distance that every neighbour is finally judged by.

use ndarray::ArrayView1;

use crate::kernel::{SUMS, squared_distances};

/// `‖a − b‖²` in f64, the difference taken in f64 too: exact to a few ulp, symmetric in its
/// arguments, zero only for equal points, and the same for every memory layout.
pub(in crate::metrics) fn squared_distance(a: ArrayView1<'_, f32>, b: ArrayView1<'_, f32>) -> f64 {
    debug_assert_eq!(a.len(), b.len());
    match (a.to_slice(), b.to_slice()) {
        (Some(a), Some(b)) => squared_distances([a], [b])[0][0],
        _ => {
            let mut sums = [0.0f64; SUMS];
            for (index, (&a, &b)) in a.iter().zip(b).enumerate() {
                let difference = f64::from(a) - f64::from(b);
                let sum = &mut sums[index % SUMS];
                *sum = difference.mul_add(difference, *sum);
            }
            sums.iter().sum()
        }
    }
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
