//! The second order of a figure that is not the mean of a column.

use std::cmp::Ordering;

use super::{
    error::{StatsError, check_count, check_finite},
    summary::mean_of,
};

/// Weights for the samples that move a figure the most for the least departure from equal weights:
/// the least favourable direction.
///
/// With the figure's first-order contributions `c_i` of n samples, and `σ² = n⁻² Σ (c_i − c̄)²` their
/// standard error squared, the weight of sample i changes by `d_i = (c_i − c̄) / (n² σ)`: the weights
/// keep their sum, none of `1/n ± d_i` is negative, and to first order the figure moves by σ.
/// DiCiccio & Efron (1992), "More accurate confidence intervals in exponential families", §2.
///
/// # Example
/// ```
/// use kinepath::stats::Tilt;
///
/// // The square of a mean: contributions 2 x̄ (x_i − x̄), second order (Σ d_i x_i)².
/// let values = [0.0f64, 1.0, 2.0, 5.0];
/// let contributions: Vec<f64> = values.iter().map(|x| 4.0 + 4.0 * (x - 2.0)).collect();
/// let tilt = Tilt::of(&contributions)?;
/// let shift: f64 = tilt.direction().iter().zip(&values).map(|(d, x)| d * x).sum();
/// // (x̄ + s)² = x̄² + 4 s + s²: of a move to first order of x = 4 s, the second is x² / 16.
/// assert!((tilt.curvature(shift * shift).value() - 1.0 / 16.0).abs() < 1e-12);
/// # Ok::<(), kinepath::stats::StatsError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Tilt {
    direction: Vec<f64>,
    standard_error: f64,
}

/// By how much a figure bends: where its first order moves by x, the figure moves by `x + κ x²`
/// along the least favourable direction; in units of one over the figure.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Curvature(f64);

impl Tilt {
    /// Of a figure with these first-order contributions, one per sample. Where they are all equal,
    /// no direction moves the figure, and the weights stay.
    ///
    /// # Errors
    /// [`StatsError::TooFew`] for none, [`StatsError::NotANumber`] for a NaN or infinity.
    pub fn of(contributions: &[f64]) -> Result<Self, StatsError> {
        check_count("a direction", 1, contributions.len())?;
        check_finite("the contributions", contributions)?;
        let count = contributions.len() as f64;
        let mean = mean_of(contributions.iter().copied());
        let squares: f64 = contributions.iter().map(|value| (value - mean).powi(2)).sum();
        let standard_error = squares.sqrt() / count;
        let scale = if standard_error > 0.0 { 1.0 / (count * count * standard_error) } else { 0.0 };
        let direction = contributions.iter().map(|value| scale * (value - mean)).collect();
        Ok(Self { direction, standard_error })
    }

    /// The change of each sample's weight `1/n`; their sum is 0.
    #[must_use]
    pub fn direction(&self) -> &[f64] {
        &self.direction
    }

    /// The curvature of a figure whose term of second order in the weights is `second_order` along
    /// this direction.
    #[must_use]
    pub fn curvature(&self, second_order: f64) -> Curvature {
        let squared = self.standard_error * self.standard_error;
        Curvature(if squared > 0.0 { second_order / squared } else { 0.0 })
    }
}

impl Curvature {
    /// κ itself.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0
    }

    /// Where the figure goes when its first order moves by `x`; past the turning point of the
    /// parabola it stays there.
    pub(super) fn bend(self, x: f64) -> f64 {
        let kappa = self.0;
        let turning = -0.5 / kappa;
        let x = match kappa.partial_cmp(&0.0) {
            Some(Ordering::Greater) => x.max(turning),
            Some(Ordering::Less) => x.min(turning),
            _ => x,
        };
        x + kappa * x * x
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_figure_that_does_not_bend_moves_as_its_first_order() {
        let none = Curvature::default();
        assert_eq!([-3.0, 0.0, 2.5].map(|x| none.bend(x)), [-3.0, 0.0, 2.5]);
        let tilt = Tilt::of(&[2.0; 5]).unwrap();
        assert_eq!((tilt.direction(), tilt.curvature(1.0)), (&[0.0; 5][..], none));
    }

    #[test]
    fn refuses_bad_input() {
        let what = "a direction";
        assert_eq!(Tilt::of(&[]).unwrap_err(), StatsError::TooFew { what, needed: 1, actual: 0 });
        let column = "the contributions".to_owned();
        assert_eq!(
            Tilt::of(&[1.0, f64::NAN]).unwrap_err(),
            StatsError::NotANumber { column, row: 1 }
        );
    }

    proptest! {
        #[test]
        fn weights_keep_their_sum_and_sign_and_move_the_mean_by_one_standard_error(
            column in proptest::collection::vec(-1e3..1e3f64, 2..40),
        ) {
            let tilt = Tilt::of(&column).unwrap();
            let weight = 1.0 / column.len() as f64;
            let sum: f64 = tilt.direction().iter().sum();
            prop_assert!(sum.abs() < 1e-12);
            prop_assert!(tilt.direction().iter().all(|d| d.abs() <= weight * (1.0 + 1e-12)));
            let moved: f64 = tilt.direction().iter().zip(&column).map(|(d, c)| d * c).sum();
            prop_assert!((moved - tilt.standard_error).abs() < 1e-9 * (1.0 + tilt.standard_error));
        }

        #[test]
        fn bending_keeps_the_order(kappa in -2.0..2.0f64, a in -3.0..3.0f64, b in -3.0..3.0f64) {
            let curvature = Curvature(kappa);
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(curvature.bend(low) <= curvature.bend(high) + 1e-12);
        }
    }
}
