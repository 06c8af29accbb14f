//! Sums in f64 over points in f32.

use super::vectorised;

/// Sums that grow side by side, so that they fill vectors.
const SIDE: usize = 16;

/// `‖scale · point − state‖²`, in f64.
pub(crate) fn squared_deviation(state: &[f64], scale: f64, point: &[f32]) -> f64 {
    vectorised(
        #[inline(always)]
        || {
            let (states, state_tail) = state.as_chunks::<SIDE>();
            let (points, point_tail) = point.as_chunks::<SIDE>();
            let mut sums = [0.0; SIDE];
            for (state, point) in states.iter().zip(points) {
                for ((sum, &x), &p) in sums.iter_mut().zip(state).zip(point) {
                    let difference = scale * f64::from(p) - x;
                    *sum += difference * difference;
                }
            }
            for ((sum, &x), &p) in sums.iter_mut().zip(state_tail).zip(point_tail) {
                let difference = scale * f64::from(p) - x;
                *sum += difference * difference;
            }
            sums.iter().sum()
        },
    )
}

/// `sum += weight · point`, in f64.
pub(crate) fn add_point(sum: &mut [f64], weight: f64, point: &[f32]) {
    vectorised(
        #[inline(always)]
        || {
            for (sum, &p) in sum.iter_mut().zip(point) {
                *sum += weight * f64::from(p);
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_definition() {
        for dim in [1, 15, 16, 17, 40] {
            let point: Vec<f32> = (0..dim).map(|i| (i as f32 * 0.7).sin()).collect();
            let state: Vec<f64> = (0..dim).map(|i| (f64::from(i) * 0.3).cos()).collect();
            let expected: f64 =
                point.iter().zip(&state).map(|(&p, x)| (0.3 * f64::from(p) - x).powi(2)).sum();
            assert!((squared_deviation(&state, 0.3, &point) - expected).abs() < 1e-14 * expected);
            let mut sum = state.clone();
            add_point(&mut sum, -2.0, &point);
            for ((sum, &p), x) in sum.iter().zip(&point).zip(&state) {
                assert_eq!(*sum, x + -2.0 * f64::from(p));
            }
        }
    }
}
