//! Sums in f64.

use super::vectorised;

/// Sums that grow side by side, so that they fill vectors.
const SIDE: usize = 16;

/// `Σ term(a[i], b[i])`, in an order that does not depend on the processor.
#[inline(always)]
fn sum_of<A: Copy, B: Copy>(a: &[A], b: &[B], term: impl Fn(A, B) -> f64) -> f64 {
    vectorised(
        #[inline(always)]
        || {
            let (a, a_tail) = a.as_chunks::<SIDE>();
            let (b, b_tail) = b.as_chunks::<SIDE>();
            let mut sums = [0.0; SIDE];
            for (a, b) in a.iter().zip(b) {
                for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
                    *sum += term(a, b);
                }
            }
            for ((sum, &a), &b) in sums.iter_mut().zip(a_tail).zip(b_tail) {
                *sum += term(a, b);
            }
            sums.iter().sum()
        },
    )
}

/// `‖scale · point − state‖²`, in f64.
pub(crate) fn squared_deviation(state: &[f64], scale: f64, point: &[f32]) -> f64 {
    sum_of(
        state,
        point,
        #[inline(always)]
        |x, p| {
            let difference = scale * f64::from(p) - x;
            difference * difference
        },
    )
}

/// `‖values‖²`, in f64.
pub(crate) fn squared_length(values: &[f32]) -> f64 {
    sum_of(
        values,
        values,
        #[inline(always)]
        |a, b| f64::from(a) * f64::from(b),
    )
}

/// `‖a − scale · b‖²`
pub(crate) fn squared_distance(a: &[f64], scale: f64, b: &[f64]) -> f64 {
    sum_of(
        a,
        b,
        #[inline(always)]
        |a, b| (a - scale * b) * (a - scale * b),
    )
}

/// `⟨a, b⟩`
pub(crate) fn wide_product(a: &[f64], b: &[f64]) -> f64 {
    sum_of(
        a,
        b,
        #[inline(always)]
        |a, b| a * b,
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
            let wide: Vec<f64> = point.iter().map(|&p| f64::from(p)).collect();
            assert_eq!(
                squared_distance(&state, 0.3, &wide),
                squared_deviation(&state, 0.3, &point)
            );
            let length = wide_product(&wide, &wide);
            assert_eq!(squared_length(&point), length);
            let product: f64 = wide.iter().zip(&state).map(|(p, x)| p * x).sum();
            assert!((wide_product(&wide, &state) - product).abs() < 1e-14 * dim as f64);
            let mut sum = state.clone();
            add_point(&mut sum, -2.0, &point);
            for ((sum, &p), x) in sum.iter().zip(&point).zip(&state) {
                assert_eq!(*sum, x + -2.0 * f64::from(p));
            }
        }
    }
}
