//! From what a network predicts to the straight path's velocity.

use super::{ConditionalPath, Conventions, Prediction, TimeInput};

/// How a network is asked for the velocity at one time, and what its answer means: for a state x of
/// the straight path and the network N,
///
/// ```text
/// v = state · x + output · N(input · x, time) + mirrored · N(−input · x, time)
/// ```
///
/// Every convention is of this form, with weights that do not depend on the condition, so
/// classifier-free guidance of predictions and of velocities is the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conversion {
    /// What the state is multiplied by before the network is given it.
    pub input: f64,
    /// The network's time input, before an integer input rounds it.
    pub time: f64,
    /// The state's part in the velocity.
    pub state: f64,
    /// The prediction's part in the velocity.
    pub output: f64,
    /// The part of the prediction for the state with its sign turned; 0 unless the network is asked
    /// about more noise than it knows.
    pub mirrored: f64,
}

/// An estimate `state · y + output · o` from the state y and the prediction o.
#[derive(Debug, Clone, Copy)]
struct Estimate {
    state: f64,
    output: f64,
}

impl Conventions {
    /// How to ask for the velocity at time `t` of the straight path.
    ///
    /// Beyond the noise levels σ/α that its path knows, the network is asked at the nearest one,
    /// `κ`, on a state scaled so that what prevails there, noise or data, has the size it expects.
    /// Its answer is carried on to first order in what has nearly vanished:
    ///
    /// - near `t = 0` the data that a state tells of are `m + O(α/σ)` with their mean m, so the part
    ///   of `x̂1` that turns its sign with the state shrinks with α/σ, and the other part stays;
    /// - near `t = 1` the noise is `−(σ/α)` times the score, which has a limit for data with a
    ///   density, so `x̂0` shrinks with σ/α.
    #[must_use]
    pub fn at(&self, t: f64) -> Conversion {
        let (first, last) = self.path.times();
        let asked = t.clamp(first, last);
        let time = self.time_input(asked);
        let scale = self.path.input_scale(asked);
        let Some((data, noise)) = self.estimates(asked) else {
            let output = if self.time.reversed { -1.0 } else { 1.0 };
            return Conversion { input: scale, time, state: 0.0, output, mirrored: 0.0 };
        };
        let ratio = |t: f64| (1.0 - t) / t;
        if t < first {
            let seen = (1.0 - asked) / (1.0 - t);
            let left = ratio(asked) * t / (1.0 - t);
            let output = 0.5 * data.output / (1.0 - t);
            Conversion {
                input: scale * seen,
                time,
                state: (data.state * seen * left - 1.0) / (1.0 - t),
                output: output * (1.0 + left),
                mirrored: output * (1.0 - left),
            }
        } else if t > last {
            let seen = asked / t;
            let left = ratio(t) / ratio(asked);
            Conversion {
                input: scale * seen,
                time,
                state: (1.0 - noise.state * seen * left) / t,
                output: -noise.output * left / t,
                mirrored: 0.0,
            }
        } else {
            let (state, output) = (data.state - noise.state, data.output - noise.output);
            Conversion { input: scale, time, state, output, mirrored: 0.0 }
        }
    }

    fn time_input(&self, t: f64) -> f64 {
        let own = self.time.own(t);
        let level = (1.0 - t) / t;
        match self.time.input {
            TimeInput::Unit => own,
            TimeInput::Scaled(factor) => own * factor,
            // A node that is an index but for rounding (1/3 of 999) is that index.
            TimeInput::Discrete(steps) => (own * (f64::from(steps) - 1.0) + 1e-9).floor(),
            TimeInput::Sigma => level,
            TimeInput::CNoise => 0.25 * level.ln(),
            TimeInput::Step => match &self.path {
                ConditionalPath::VariancePreserving { levels, .. } => levels.step(level),
                _ => f64::NAN,
            },
        }
    }

    /// The estimates of the data `x1` and of the noise `x0` from the straight path's state at `t`;
    /// none where the network predicts their difference itself.
    fn estimates(&self, t: f64) -> Option<(Estimate, Estimate)> {
        let estimate = |state, output| Estimate { state, output };
        let scale = self.path.input_scale(t);
        Some(match self.prediction {
            Prediction::Velocity => return None,
            Prediction::Data => (estimate(0.0, 1.0), estimate(1.0 / (1.0 - t), -t / (1.0 - t))),
            Prediction::Noise => (estimate(1.0 / t, -(1.0 - t) / t), estimate(0.0, 1.0)),
            // c_skip x̃ ± c_out o for the data, with c_in · x̃ = scale · x. On a variance-preserving
            // path, as with σ_data = 1, that is α x̃ − σ v, and σ x̃ + α v is the noise.
            Prediction::V | Prediction::Residual => {
                let sigma_data = self.path.sigma_data();
                let sign = if self.prediction == Prediction::V { -1.0 } else { 1.0 };
                let output = sign * sigma_data * scale;
                (
                    estimate(t * (sigma_data * scale).powi(2), (1.0 - t) * output),
                    estimate((1.0 - t) * scale * scale, -t * output),
                )
            }
        })
    }
}
