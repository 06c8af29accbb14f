//! Networks that speak another convention, as velocity fields of the straight path.

use std::fmt;
use std::str::FromStr;

use ndarray::{ArrayView2, ArrayViewMut2, Axis};

use super::{Condition, FieldError, TimeDomain, VelocityField, check_shapes};

/// What a network predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Prediction {
    /// The velocity along the network's own time.
    #[default]
    Velocity,
    /// The data `x̂1`: `v = (x̂1 − x)/(1 − t)`, undefined at t = 1.
    Data,
    /// The noise `x̂0`: `v = (x − x̂0)/t`, undefined at t = 0.
    Noise,
}

/// What a network takes as its time input.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TimeConvention {
    /// Whether its time runs from data to noise, `σ = 1 − t` (diffusers, SD3, FLUX); a velocity is
    /// then `x0 − x1` and changes sign.
    pub reversed: bool,
    /// How the time, or σ, becomes the number that the network is given.
    pub input: TimeInput,
}

/// How a time in `[0, 1]` becomes a network's input.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum TimeInput {
    /// As it is.
    #[default]
    Unit,
    /// Times a factor, usually 1000.
    Scaled(f64),
    /// The integer index `floor(t·(T − 1))`, with T usually 1000.
    Discrete(u32),
}

impl TimeConvention {
    /// The network's input at time `t` of the straight path.
    pub fn input(&self, t: f64) -> f64 {
        let own = if self.reversed { 1.0 - t } else { t };
        match self.input {
            TimeInput::Unit => own,
            TimeInput::Scaled(factor) => own * factor,
            // A node that is an index but for rounding (1/3 of 999) is that index.
            TimeInput::Discrete(steps) => (own * (f64::from(steps) - 1.0) + 1e-9).floor(),
        }
    }
}

/// A network's raw output converted to the straight-path velocity.
///
/// The inner field receives the network's own time input and returns its raw prediction; it is
/// never asked for a conversion itself. Conversions are those of arXiv 2602.07928's notation:
/// noise at t = 0, data at t = 1, `x_t = (1 − t) x0 + t x1`.
///
/// ```
/// use kinepath::field::{Converted, FnField, Prediction, TimeConvention};
///
/// // A denoiser that always answers 0 drives every sample straight to 0.
/// let denoiser = FnField::new(1, |_x, _t, mut out| out.fill(0.0));
/// let field = Converted::new(denoiser, Prediction::Data, TimeConvention::default())?;
/// # Ok::<(), kinepath::field::FieldError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Converted<F> {
    network: F,
    prediction: Prediction,
    time: TimeConvention,
}

impl<F: VelocityField> Converted<F> {
    /// Converts `network`, which predicts `prediction` from times in the convention `time`.
    ///
    /// # Errors
    /// [`FieldError::Invalid`] for fewer than two discrete times or a scale that is not positive.
    pub fn new(
        network: F,
        prediction: Prediction,
        time: TimeConvention,
    ) -> Result<Self, FieldError> {
        match time.input {
            TimeInput::Discrete(steps) if steps < 2 => {
                Err(FieldError::Invalid(format!("discrete time needs T ≥ 2, got {steps}")))
            }
            TimeInput::Scaled(factor) if !(factor.is_finite() && factor > 0.0) => {
                Err(FieldError::Invalid(format!("the time scale must be positive, got {factor}")))
            }
            _ => Ok(Self { network, prediction, time }),
        }
    }
}

impl<F: VelocityField> VelocityField for Converted<F> {
    fn dim(&self) -> usize {
        self.network.dim()
    }

    fn velocity(
        &self,
        x: ArrayView2<'_, f32>,
        t: &[f64],
        condition: Condition<'_>,
        mut out: ArrayViewMut2<'_, f32>,
    ) -> Result<(), FieldError> {
        check_shapes(self.dim(), &x, t, &out)?;
        if let Some(&t) = t.iter().find(|&&t| !self.domain().contains(t)) {
            return Err(FieldError::Undefined { t });
        }
        let inputs: Vec<f64> = t.iter().map(|&t| self.time.input(t)).collect();
        self.network.velocity(x, &inputs, condition, out.view_mut())?;
        for ((mut out, x), &t) in out.axis_iter_mut(Axis(0)).zip(x.axis_iter(Axis(0))).zip(t) {
            match self.prediction {
                Prediction::Velocity if self.time.reversed => out.mapv_inplace(|v| -v),
                Prediction::Velocity => {}
                Prediction::Data => out.zip_mut_with(&x, |out, &x| {
                    *out = ((f64::from(*out) - f64::from(x)) / (1.0 - t)) as f32;
                }),
                Prediction::Noise => out.zip_mut_with(&x, |out, &x| {
                    *out = ((f64::from(x) - f64::from(*out)) / t) as f32;
                }),
            }
        }
        Ok(())
    }

    fn evaluations(&self, t: f64) -> u32 {
        self.network.evaluations(self.time.input(t))
    }

    fn domain(&self) -> TimeDomain {
        match self.prediction {
            Prediction::Velocity => TimeDomain::CLOSED,
            Prediction::Data => TimeDomain::OPEN_END,
            Prediction::Noise => TimeDomain::OPEN_START,
        }
    }
}

/// A prediction or time convention that is none of those known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} `{text}`; use {known}")]
pub struct ConventionParseError {
    what: &'static str,
    text: String,
    known: &'static str,
}

impl FromStr for Prediction {
    type Err = ConventionParseError;

    /// `velocity`, `data` or `noise`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "velocity" => Ok(Self::Velocity),
            "data" => Ok(Self::Data),
            "noise" => Ok(Self::Noise),
            _ => Err(ConventionParseError {
                what: "prediction",
                text: text.to_owned(),
                known: "velocity, data or noise",
            }),
        }
    }
}

impl fmt::Display for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Velocity => "velocity",
            Self::Data => "data",
            Self::Noise => "noise",
        })
    }
}

impl FromStr for TimeConvention {
    type Err = ConventionParseError;

    /// `unit`, `reversed`, `discrete:T`, `scaled:S`, or `reversed+` one of the last two.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || ConventionParseError {
            what: "time convention",
            text: text.to_owned(),
            known: "unit, reversed, discrete:T, scaled:S or reversed+discrete:T, reversed+scaled:S",
        };
        let (reversed, input) = match text.strip_prefix("reversed") {
            Some("") => return Ok(Self { reversed: true, input: TimeInput::Unit }),
            Some(rest) => (true, rest.strip_prefix('+').ok_or_else(refuse)?),
            None => (false, text),
        };
        let input = match input.split_once(':') {
            None if input == "unit" => TimeInput::Unit,
            Some(("discrete", steps)) => TimeInput::Discrete(steps.parse().map_err(|_| refuse())?),
            Some(("scaled", factor)) => TimeInput::Scaled(factor.parse().map_err(|_| refuse())?),
            _ => return Err(refuse()),
        };
        Ok(Self { reversed, input })
    }
}

impl fmt::Display for TimeConvention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.reversed, self.input) {
            (true, TimeInput::Unit) => f.write_str("reversed"),
            (false, TimeInput::Unit) => f.write_str("unit"),
            (reversed, input) => {
                f.write_str(if reversed { "reversed+" } else { "" })?;
                match input {
                    TimeInput::Discrete(steps) => write!(f, "discrete:{steps}"),
                    TimeInput::Scaled(factor) => write!(f, "scaled:{factor}"),
                    TimeInput::Unit => Ok(()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::{FnField, MixtureField};
    use crate::noise::noise;
    use ndarray::{Array2, array};

    /// Every convention of the same analytic model must give the same velocity.
    #[test]
    fn conventions_agree_on_an_analytic_model() {
        let exact =
            MixtureField::isotropic(&[0.4, 0.6], array![[1.0, -2.0], [0.5, 1.5]], &[0.3, 0.1])
                .unwrap();
        let x = noise(1, 0..6, 2);
        let times = [0.1, 0.3, 0.5, 0.7, 0.9, 0.99];
        let mut expected = Array2::zeros((6, 2));
        exact.velocity(x.view(), &times, Condition::None, expected.view_mut()).unwrap();

        let predict = |prediction: Prediction, time: TimeConvention| {
            let exact = &exact;
            let network = FnField::new(2, move |x, inputs, mut out| {
                let t: Vec<f64> = inputs
                    .iter()
                    .map(|&input| {
                        let own = match time.input {
                            TimeInput::Scaled(factor) => input / factor,
                            _ => input,
                        };
                        if time.reversed { 1.0 - own } else { own }
                    })
                    .collect();
                exact.velocity(x, &t, Condition::None, out.view_mut()).unwrap();
                for (row, &t) in t.iter().enumerate() {
                    let mut out = out.row_mut(row);
                    match prediction {
                        Prediction::Velocity if time.reversed => out.mapv_inplace(|v| -v),
                        Prediction::Velocity => {}
                        Prediction::Data => {
                            out.zip_mut_with(&x.row(row), |v, &x| *v = x + (1.0 - t as f32) * *v)
                        }
                        Prediction::Noise => {
                            out.zip_mut_with(&x.row(row), |v, &x| *v = x - t as f32 * *v);
                        }
                    }
                }
            });
            let field = Converted::new(network, prediction, time).unwrap();
            let mut out = Array2::zeros((6, 2));
            field.velocity(x.view(), &times, Condition::None, out.view_mut()).unwrap();
            out
        };
        for prediction in [Prediction::Velocity, Prediction::Data, Prediction::Noise] {
            for reversed in [false, true] {
                for input in [TimeInput::Unit, TimeInput::Scaled(1000.0)] {
                    let out = predict(prediction, TimeConvention { reversed, input });
                    let worst = (&out - &expected).iter().fold(0f32, |m, d| m.max(d.abs()));
                    assert!(worst < 3e-5, "{prediction} reversed {reversed} {input:?}: {worst}");
                }
            }
        }
    }

    #[test]
    fn discrete_times_are_those_of_the_published_sampler() {
        let time: TimeConvention = "discrete:1000".parse().unwrap();
        assert_eq!(time.input(0.0), 0.0);
        assert_eq!(time.input(0.5), 499.0);
        assert_eq!(time.input(1.0 / 3.0), 333.0);
        assert_eq!(time.input(1.0), 999.0);
        assert_eq!("reversed+discrete:1000".parse::<TimeConvention>().unwrap().input(0.25), 749.0);
    }

    #[test]
    fn undefined_times_are_errors() {
        let network = || FnField::new(1, |_, _, mut out: ArrayViewMut2<'_, f32>| out.fill(0.0));
        for (prediction, t) in [(Prediction::Data, 1.0), (Prediction::Noise, 0.0)] {
            let field = Converted::new(network(), prediction, TimeConvention::default()).unwrap();
            let mut out = Array2::zeros((1, 1));
            let error = field.velocity(array![[0.0]].view(), &[t], Condition::None, out.view_mut());
            assert_eq!(error, Err(FieldError::Undefined { t }));
        }
    }

    #[test]
    fn text_forms_round_trip_and_misspellings_are_refused() {
        for text in ["unit", "reversed", "discrete:1000", "scaled:250.5", "reversed+scaled:1000"] {
            assert_eq!(text.parse::<TimeConvention>().unwrap().to_string(), text);
        }
        for text in ["", "discrete", "scaled:x", "reversed:3", "reversed+unit3", "discrete:-1"] {
            assert!(text.parse::<TimeConvention>().is_err(), "{text}");
        }
        assert!("eps".parse::<Prediction>().is_err());
        let one = TimeConvention { reversed: false, input: TimeInput::Discrete(1) };
        let network = FnField::new(1, |_, _, _| {});
        assert!(Converted::new(network, Prediction::Velocity, one).is_err());
    }
}
