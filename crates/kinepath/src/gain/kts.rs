//! Kinetic trajectory shaping.

use super::{DEFAULT_SPLIT, GainError, finite};

/// Kinetic trajectory shaping (arXiv 2602.07928): boost the launch, damp the landing.
///
/// `η(t) = 1 + α(t)` for `t < τ` and `1 − β(t)` for `t ≥ τ`. With `u = 1 − t/τ`,
/// `s = (t − τ)/(1 − τ)` and rate k:
///
/// | shape | launch α(t) | landing β(t) |
/// |---|---|---|
/// | linear | α₀ u | β₀ s |
/// | constant | α₀ | β₀ |
/// | exponential | α₀ (e^{ku} − 1)/(e^k − 1) | β₀ (e^{ks} − 1) |
///
/// The exponential landing is not normalised: it reaches `β₀ (e^k − 1)` at `t = 1`, 19.1 β₀ for
/// the default rate, and refuses `β₀ > 1/(e^k − 1)` when the grid has a stage there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kts {
    /// Launch strength α₀.
    pub alpha: f64,
    /// Landing strength β₀.
    pub beta: f64,
    /// The split τ in (0, 1).
    pub split: f64,
    /// Shape of the launch.
    pub launch: Shape,
    /// Shape of the landing.
    pub landing: Shape,
    /// Rate k > 0 of the exponential shapes.
    pub rate: f64,
}

/// How a phase of [`Kts`] varies in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Proportional to the distance from the split.
    Linear,
    /// The same over the phase.
    Constant,
    /// Exponential in the distance from the split.
    Exponential,
}

impl Default for Kts {
    /// The paper's defaults: α₀ = β₀ = 0.01, τ = 0.6, linear launch, exponential landing, rate 3.
    fn default() -> Self {
        Self {
            alpha: 0.01,
            beta: 0.01,
            split: DEFAULT_SPLIT,
            launch: Shape::Linear,
            landing: Shape::Exponential,
            rate: 3.0,
        }
    }
}

impl Kts {
    pub(super) fn eta(&self, t: f64) -> f64 {
        if t < self.split {
            1.0 + self.alpha * self.launch_profile(t)
        } else {
            1.0 - self.beta * self.landing_profile(t)
        }
    }

    /// The largest β₀ that keeps η ≥ 0 on the given times.
    pub(super) fn largest_beta(&self, times: &[f64]) -> f64 {
        let steepest = times
            .iter()
            .filter(|&&t| t >= self.split)
            .map(|&t| self.landing_profile(t))
            .fold(0.0, f64::max);
        1.0 / steepest
    }

    pub(super) fn check(&self) -> Result<(), GainError> {
        finite("alpha", self.alpha)?;
        finite("beta", self.beta)?;
        let parameter = |name, value, expected| Err(GainError::Parameter { name, value, expected });
        if !(self.split > 0.0 && self.split < 1.0) {
            return parameter("split", self.split, "a time strictly between 0 and 1");
        }
        if !(self.rate.is_finite() && self.rate > 0.0) {
            return parameter("rate", self.rate, "a number > 0");
        }
        Ok(())
    }

    /// α(t)/α₀.
    fn launch_profile(&self, t: f64) -> f64 {
        let u = 1.0 - t / self.split;
        match self.launch {
            Shape::Linear => u,
            Shape::Constant => 1.0,
            Shape::Exponential => (self.rate * u).exp_m1() / self.rate.exp_m1(),
        }
    }

    /// β(t)/β₀.
    fn landing_profile(&self, t: f64) -> f64 {
        let s = (t - self.split) / (1.0 - self.split);
        match self.landing {
            Shape::Linear => s,
            Shape::Constant => 1.0,
            Shape::Exponential => (self.rate * s).exp_m1(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nine_shape_pairs_follow_the_table() {
        let (tau, rate, alpha, beta) = (0.5, 2.0, 0.2, 0.03);
        let expected = |shape, x: f64, normalised: bool| match shape {
            Shape::Linear => x,
            Shape::Constant => 1.0,
            Shape::Exponential if normalised => ((rate * x).exp() - 1.0) / (f64::exp(rate) - 1.0),
            Shape::Exponential => (rate * x).exp() - 1.0,
        };
        let shapes = [Shape::Linear, Shape::Constant, Shape::Exponential];
        for launch in shapes {
            for landing in shapes {
                let kts = Kts { alpha, beta, split: tau, launch, landing, rate };
                for i in 0..=20 {
                    let t = f64::from(i) / 20.0;
                    let eta = if t < tau {
                        1.0 + alpha * expected(launch, 1.0 - t / tau, true)
                    } else {
                        1.0 - beta * expected(landing, (t - tau) / (1.0 - tau), false)
                    };
                    assert!((kts.eta(t) - eta).abs() < 1e-14, "{kts:?} at {t}");
                }
            }
        }
    }

    #[test]
    fn bad_parameters_are_named() {
        for (kts, bad) in [
            (Kts { alpha: f64::NAN, ..Kts::default() }, "alpha"),
            (Kts { beta: f64::INFINITY, ..Kts::default() }, "beta"),
            (Kts { split: 1.0, ..Kts::default() }, "split"),
            (Kts { rate: 0.0, ..Kts::default() }, "rate"),
        ] {
            assert!(matches!(kts.check(), Err(GainError::Parameter { name, .. }) if name == bad));
        }
    }
}
