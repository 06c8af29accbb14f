//! The exact networks of a Gaussian mixture.

use kinepath::field::{FnField, MixtureField, Prediction, VelocityField};
use ndarray::{Array2, ArrayView2, ArrayViewMut2};

use crate::fixture;
use crate::support::{column, rows};

/// The mixture of the fixture, as data.
pub(crate) struct Mixture {
    weights: Vec<f64>,
    means: Array2<f64>,
    variances: Vec<f64>,
}

impl Mixture {
    pub(crate) fn read() -> Self {
        let fixture = fixture();
        Self {
            weights: column(&fixture["weights"]),
            means: rows(&fixture["means"]),
            variances: column(&fixture["variances"]),
        }
    }

    /// One isotropic Gaussian.
    pub(crate) fn gaussian(mean: &[f64], variance: f64) -> Self {
        let means = Array2::from_shape_fn((1, mean.len()), |(_, d)| mean[d]);
        Self { weights: vec![1.0], means, variances: vec![variance] }
    }

    pub(crate) fn field(&self) -> MixtureField {
        MixtureField::isotropic(&self.weights, self.means.clone(), &self.variances).unwrap()
    }

    /// E[x1 | x] and E[x0 | x] for `x = signal · x1 + noise · x0`, by Bayes' rule in the network's
    /// own coordinates.
    fn estimates(&self, x: &[f64], signal: f64, noise: f64) -> (Vec<f64>, Vec<f64>) {
        let spread = |k: usize| (signal * signal).mul_add(self.variances[k], noise * noise);
        let offset = |k: usize, d: usize| x[d] - signal * self.means[[k, d]];
        let log_joint: Vec<f64> = (0..self.weights.len())
            .map(|k| {
                let squares: f64 = (0..x.len()).map(|d| offset(k, d).powi(2)).sum();
                self.weights[k].ln() - 0.5 * (squares / spread(k) + x.len() as f64 * spread(k).ln())
            })
            .collect();
        let largest = log_joint.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = log_joint.iter().map(|log| (log - largest).exp()).sum();
        let (mut data, mut eps) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        for (k, log) in log_joint.iter().enumerate() {
            let posterior = (log - largest).exp() / total;
            for d in 0..x.len() {
                let gain = offset(k, d) / spread(k);
                data[d] += posterior * (self.means[[k, d]] + signal * self.variances[k] * gain);
                eps[d] += posterior * noise * gain;
            }
        }
        (data, eps)
    }

    /// The exact network of a variance-preserving schedule, which knows its levels by their number.
    pub(crate) fn of_steps(
        &self,
        log_ratios: Vec<f64>,
        prediction: Prediction,
    ) -> impl VelocityField + '_ {
        self.network(prediction, move |step| {
            let below = (step as usize).min(log_ratios.len() - 2);
            let share = step - below as f64;
            let ratio = (log_ratios[below] * (1.0 - share) + log_ratios[below + 1] * share).exp();
            let signal = 1.0 / (1.0 + ratio * ratio).sqrt();
            (1.0, signal, ratio * signal)
        })
    }

    /// An exact network: `law` gives its input scale, signal and noise at its time input.
    pub(crate) fn network<'a>(
        &'a self,
        prediction: Prediction,
        law: impl Fn(f64) -> (f64, f64, f64) + Sync + 'a,
    ) -> impl VelocityField + 'a {
        let predict =
            move |x: ArrayView2<'_, f32>, times: &[f64], mut out: ArrayViewMut2<'_, f32>| {
                for (row, &time) in times.iter().enumerate() {
                    let (scale, signal, noise) = law(time);
                    let x: Vec<f64> = x.row(row).iter().map(|&x| f64::from(x) / scale).collect();
                    let (data, eps) = self.estimates(&x, signal, noise);
                    for d in 0..x.len() {
                        out[[row, d]] = match prediction {
                            Prediction::Data => data[d],
                            Prediction::Noise => eps[d],
                            Prediction::V => signal * eps[d] - noise * data[d],
                            // σ_data = 0.5 of the tests, c_skip and c_out of the paper's Table 1.
                            Prediction::Residual => {
                                let square = noise * noise + 0.25;
                                (data[d] - 0.25 / square * x[d]) * square.sqrt() / (0.5 * noise)
                            }
                            Prediction::Velocity => panic!("no network of this test"),
                        } as f32;
                    }
                }
            };
        FnField::new(self.means.ncols(), predict)
    }
}

/// log σ/α of every step, from diffusers' formulas for the β.
pub(crate) fn log_ratios(beta: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut share = 1.0;
    (0..1000)
        .map(|n| {
            share *= 1.0 - beta(n);
            0.5 * ((1.0 - share) / share).ln()
        })
        .collect()
}

pub(crate) fn linear(n: usize) -> f64 {
    1e-4 + (0.02 - 1e-4) * n as f64 / 999.0
}

pub(crate) fn scaled_linear(n: usize) -> f64 {
    let (start, end) = (0.00085f64.sqrt(), 0.012f64.sqrt());
    (start + (end - start) * n as f64 / 999.0).powi(2)
}

pub(crate) fn cosine(n: usize) -> f64 {
    let share = |u: f64| ((u + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2).cos().powi(2);
    (1.0 - share((n + 1) as f64 / 1000.0) / share(n as f64 / 1000.0)).min(0.999)
}
