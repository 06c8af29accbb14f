//! The standard normal distribution.

use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

use statrs::function::erf::{erfc, erfc_inv};

/// Φ(x), the probability of a standard normal value below `x`, to a relative 1e-10. Agrees with
/// `scipy.special.ndtr`.
///
/// # Example
/// ```
/// let p = kinepath::stats::normal_cdf(1.959963984540054);
/// assert!((p - 0.975).abs() < 1e-10);
/// ```
#[must_use]
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * erfc(-x * FRAC_1_SQRT_2)
}

/// Φ⁻¹(p), the value below which a standard normal variable is with probability `p`: infinite at
/// `p = 0` and `p = 1`, to rounding between, NaN outside. Agrees with `scipy.special.ndtri`.
///
/// # Example
/// ```
/// let x = kinepath::stats::normal_quantile(0.975);
/// assert!((x - 1.959963984540054).abs() < 1e-14);
/// ```
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    -SQRT_2 * erfc_inv(2.0 * p)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_scipy() {
        // scipy.special.ndtri(p) and the p it was given, scipy 1.17.1.
        for (p, x) in [
            (1.0e-10, -6.361340902404056),
            (0.001, -3.090232306167813),
            (0.025, -1.9599639845400545),
            (0.3, -0.5244005127080409),
            (0.8, 0.8416212335729143),
            (0.9995, 3.2905267314919255),
        ] {
            assert!((normal_quantile(p) - x).abs() < 1.0e-13 * x.abs(), "{p}");
            assert!((normal_cdf(x) - p).abs() < 1.0e-10 * p, "{x}");
        }
        assert_eq!((normal_quantile(0.5), normal_cdf(0.0)), (0.0, 0.5));
        assert_eq!(
            (normal_quantile(0.0), normal_quantile(1.0)),
            (f64::NEG_INFINITY, f64::INFINITY)
        );
    }
}
