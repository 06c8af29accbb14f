//! A Gaussian mixture as data: velocity and density in closed form.

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, Zip};

use super::{Condition, FieldError, VelocityField, check_shapes, check_states, refuse_conditions};

/// The exact velocity field of data drawn from a Gaussian mixture with diagonal covariances.
///
/// With data `Σ_k w_k N(μ_k, diag σ_k²)` and noise `N(0, I)`, the marginal of component k at time t
/// is `N(t μ_k, diag ν_k)`, `ν_k = (1 − t)² + t² σ_k²`, and
///
/// ```text
/// v(x, t) = Σ_k γ_k(x, t) [ μ_k + (t σ_k² − (1 − t))/ν_k · (x − t μ_k) ]
/// ```
///
/// with posterior component weights γ. It is the analytic oracle of the tests, and a model for
/// experiments whose answer is known. Defined on `[0, 1]` when every σ² is positive.
#[derive(Debug, Clone, PartialEq)]
pub struct MixtureField {
    log_weights: Vec<f64>,
    means: Array2<f64>,
    variances: Array2<f64>,
}

impl MixtureField {
    /// A mixture with one variance per component: `weights` and `variances` of length K, `means`
    /// `[K, D]`. Weights are normalised.
    ///
    /// # Errors
    /// As [`diagonal`](Self::diagonal).
    pub fn isotropic(
        weights: &[f64],
        means: Array2<f64>,
        variances: &[f64],
    ) -> Result<Self, FieldError> {
        let column = ArrayView2::from_shape((variances.len(), 1), variances)
            .map_err(|error| FieldError::Invalid(error.to_string()))?;
        let spread = column.broadcast((variances.len(), means.ncols())).map(|v| v.to_owned());
        Self::diagonal(weights, means, spread.unwrap_or_default())
    }

    /// A mixture with a variance per component and dimension: `means` and `variances` `[K, D]`.
    ///
    /// # Errors
    /// [`FieldError::Shape`] if the shapes disagree, [`FieldError::Invalid`] if there is no
    /// component, a weight is negative or none is positive, a variance is not positive, or a value
    /// is not finite.
    pub fn diagonal(
        weights: &[f64],
        means: Array2<f64>,
        variances: Array2<f64>,
    ) -> Result<Self, FieldError> {
        let shape = |what, actual: &[usize]| FieldError::Shape {
            what,
            actual: actual.to_vec(),
            expected: means.shape().to_vec(),
        };
        if weights.len() != means.nrows() {
            return Err(shape("mixture weights", &[weights.len()]));
        }
        if variances.dim() != means.dim() {
            return Err(shape("mixture variances", variances.shape()));
        }
        let invalid = |text: &str| Err(FieldError::Invalid(text.to_owned()));
        if means.is_empty() {
            return invalid("a mixture needs at least one component and one dimension");
        }
        if !means.iter().chain(&variances).chain(weights).all(|value| value.is_finite()) {
            return invalid("a mixture's weights, means and variances must be finite");
        }
        let total: f64 = weights.iter().sum();
        if weights.iter().any(|&w| w < 0.0) || total <= 0.0 {
            return invalid("mixture weights must be at least 0 and not all 0");
        }
        if variances.iter().any(|&variance| variance <= 0.0) {
            return invalid("mixture variances must be positive");
        }
        let log_weights = weights.iter().map(|w| (w / total).ln()).collect();
        Ok(Self { log_weights, means, variances })
    }

    /// `log p_t(x)` of every row of `x`, `[B, D]`, in nats.
    ///
    /// # Errors
    /// [`FieldError::Shape`] if `x` or `t` does not fit.
    pub fn log_density(&self, x: ArrayView2<'_, f32>, t: &[f64]) -> Result<Vec<f64>, FieldError> {
        check_states(self.dim(), &x, t)?;
        let constant = 0.5 * self.dim() as f64 * (2.0 * std::f64::consts::PI).ln();
        let densities = x.outer_iter().zip(t).map(|(x, &t)| {
            let x: Vec<f64> = x.iter().map(|&v| f64::from(v)).collect();
            log_sum_exp(&self.joint_log_densities(&x, t)) - constant
        });
        Ok(densities.collect())
    }

    /// `log w_k N(x; tμ_k, ν_k)` of every component, less the constant `−(D/2) log 2π`.
    fn joint_log_densities(&self, x: &[f64], t: f64) -> Vec<f64> {
        self.log_weights
            .iter()
            .zip(self.means.outer_iter().zip(self.variances.outer_iter()))
            .map(|(log_weight, (mean, variance))| {
                let terms = x.iter().zip(mean.iter().zip(variance)).map(|(x, (mean, variance))| {
                    let spread = marginal_variance(t, *variance);
                    (x - t * mean).powi(2) / spread + spread.ln()
                });
                log_weight - 0.5 * terms.sum::<f64>()
            })
            .collect()
    }
}

impl VelocityField for MixtureField {
    fn dim(&self) -> usize {
        self.means.ncols()
    }

    fn check_condition(&self, condition: Condition<'_>, rows: usize) -> Result<(), FieldError> {
        condition.check(rows)?;
        refuse_conditions(condition)
    }

    fn velocity(
        &self,
        x: ArrayView2<'_, f32>,
        t: &[f64],
        condition: Condition<'_>,
        mut out: ArrayViewMut2<'_, f32>,
    ) -> Result<(), FieldError> {
        check_shapes(self.dim(), &x, t, &out)?;
        self.check_condition(condition, x.nrows())?;
        Zip::indexed(out.axis_iter_mut(Axis(0))).and(x.axis_iter(Axis(0))).par_for_each(
            |row, mut out, x| {
                let t = t[row];
                let x: Vec<f64> = x.iter().map(|&v| f64::from(v)).collect();
                let joint = self.joint_log_densities(&x, t);
                let total = log_sum_exp(&joint);
                let mut v = vec![0.0; x.len()];
                for (k, log_density) in joint.iter().enumerate() {
                    let posterior = (log_density - total).exp();
                    for (d, v) in v.iter_mut().enumerate() {
                        let (mean, variance) = (self.means[[k, d]], self.variances[[k, d]]);
                        let slope = (t * variance - (1.0 - t)) / marginal_variance(t, variance);
                        *v += posterior * (mean + slope * (x[d] - t * mean));
                    }
                }
                out.iter_mut().zip(v).for_each(|(out, v)| *out = v as f32);
            },
        );
        Ok(())
    }
}

/// `(1 − t)² + t² σ²`.
fn marginal_variance(t: f64, variance: f64) -> f64 {
    (1.0 - t).powi(2) + t * t * variance
}

fn log_sum_exp(values: &[f64]) -> f64 {
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + values.iter().map(|value| (value - largest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn density_of_one_gaussian_is_the_textbook_formula() {
        let field = MixtureField::isotropic(&[2.0], array![[1.0, -1.0]], &[0.25]).unwrap();
        let (t, variance) = (0.5, 0.25 + 0.25 * 0.25);
        let x = array![[0.3f32, 0.4]];
        let square = (f64::from(0.3f32) - 0.5).powi(2) + (f64::from(0.4f32) + 0.5).powi(2);
        let expected = -0.5 * square / variance - (2.0 * std::f64::consts::PI * variance).ln();
        let actual = field.log_density(x.view(), &[t]).unwrap()[0];
        assert!((actual - expected).abs() < 1e-12);
    }

    /// The continuity equation `∂p/∂t + ∂(p v)/∂x = 0`, by central differences in one dimension:
    /// independent of how the velocity was derived.
    #[test]
    fn velocity_satisfies_the_continuity_equation() {
        let field =
            MixtureField::isotropic(&[0.3, 0.7], array![[-1.0], [2.0]], &[0.2, 0.5]).unwrap();
        let density =
            |x: f32, t: f64| field.log_density(array![[x]].view(), &[t]).unwrap()[0].exp();
        let velocity = |x: f32, t: f64| {
            let mut out = Array2::zeros((1, 1));
            field.velocity(array![[x]].view(), &[t], Condition::None, out.view_mut()).unwrap();
            f64::from(out[[0, 0]])
        };
        let (dx, dt) = (0.015625f32, 1e-4);
        for x in [-1.5f32, -0.25, 0.5, 1.25] {
            for t in [0.2, 0.5, 0.8] {
                let change = (density(x, t + dt) - density(x, t - dt)) / (2.0 * dt);
                let flux = |x: f32| density(x, t) * velocity(x, t);
                let divergence = (flux(x + dx) - flux(x - dx)) / (2.0 * f64::from(dx));
                assert!((change + divergence).abs() < 2e-3, "x = {x}, t = {t}");
            }
        }
    }

    #[test]
    fn bad_mixtures_are_refused() {
        let means = || array![[0.0, 0.0]];
        assert!(MixtureField::isotropic(&[1.0, 1.0], means(), &[1.0]).is_err());
        assert!(MixtureField::isotropic(&[1.0], means(), &[0.0]).is_err());
        assert!(MixtureField::isotropic(&[-1.0], means(), &[1.0]).is_err());
        assert!(MixtureField::isotropic(&[f64::NAN], means(), &[1.0]).is_err());
        assert!(MixtureField::isotropic(&[], Array2::zeros((0, 2)), &[]).is_err());
    }
}
