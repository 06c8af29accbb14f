//! What a network takes as its time input.

use std::fmt;
use std::str::FromStr;

use super::ConventionParseError;

/// What a network takes as its time input.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TimeConvention {
    /// Whether its time runs from data to noise, `σ = 1 − t` (diffusers, SD3, FLUX); a velocity is
    /// then `x0 − x1` and changes sign. Only [`TimeInput`]s that are times can be reversed.
    pub reversed: bool,
    /// How the time, or σ, becomes the number that the network is given.
    pub input: TimeInput,
}

/// What number a network is given for the time of a state.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum TimeInput {
    /// The time as it is.
    #[default]
    Unit,
    /// The time times a factor, usually 1000.
    Scaled(f64),
    /// The integer index `floor(t·(T − 1))`, with T usually 1000.
    Discrete(u32),
    /// The number of the training step with the state's noise level, from 0, between steps a
    /// fraction; networks with an integer input get the nearest.
    Step,
    /// The noise level σ/α itself.
    Sigma,
    /// EDM's `c_noise = ¼ ln(σ/α)`.
    CNoise,
}

impl TimeConvention {
    /// A convention that is not reversed.
    pub(super) const fn of(input: TimeInput) -> Self {
        Self { reversed: false, input }
    }

    /// Whether the input is a noise level, which networks of the straight path do not take.
    pub(super) fn is_level(&self) -> bool {
        matches!(self.input, TimeInput::Step | TimeInput::Sigma | TimeInput::CNoise)
    }

    /// The network's own time at time `t` of the straight path.
    pub(super) fn own(&self, t: f64) -> f64 {
        if self.reversed { 1.0 - t } else { t }
    }
}

impl FromStr for TimeConvention {
    type Err = ConventionParseError;

    /// `unit`, `reversed`, `discrete:T`, `scaled:S`, `reversed+` one of the last two, `step`,
    /// `sigma` or `c-noise`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || ConventionParseError {
            what: "time convention",
            text: text.to_owned(),
            known: "unit, reversed, discrete:T, scaled:S, reversed+discrete:T, reversed+scaled:S, \
                    or on a diffusion path step, sigma, c-noise",
        };
        let (reversed, input) = match text.strip_prefix("reversed") {
            Some("") => return Ok(Self { reversed: true, input: TimeInput::Unit }),
            Some(rest) => (true, rest.strip_prefix('+').ok_or_else(refuse)?),
            None => (false, text),
        };
        let input = match input.split_once(':') {
            None if input == "unit" => TimeInput::Unit,
            None if input == "step" => TimeInput::Step,
            None if input == "sigma" => TimeInput::Sigma,
            None if input == "c-noise" => TimeInput::CNoise,
            Some(("discrete", steps)) => TimeInput::Discrete(steps.parse().map_err(|_| refuse())?),
            Some(("scaled", factor)) => TimeInput::Scaled(factor.parse().map_err(|_| refuse())?),
            _ => return Err(refuse()),
        };
        let time = Self { reversed, input };
        if reversed && time.is_level() { Err(refuse()) } else { Ok(time) }
    }
}

impl fmt::Display for TimeConvention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.reversed {
            f.write_str("reversed")?;
            if self.input == TimeInput::Unit {
                return Ok(());
            }
            f.write_str("+")?;
        }
        match self.input {
            TimeInput::Unit => f.write_str("unit"),
            TimeInput::Discrete(steps) => write!(f, "discrete:{steps}"),
            TimeInput::Scaled(factor) => write!(f, "scaled:{factor}"),
            TimeInput::Step => f.write_str("step"),
            TimeInput::Sigma => f.write_str("sigma"),
            TimeInput::CNoise => f.write_str("c-noise"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_round_trip_and_misspellings_are_refused() {
        for text in [
            "unit",
            "reversed",
            "discrete:1000",
            "scaled:250.5",
            "reversed+scaled:1000",
            "step",
            "sigma",
            "c-noise",
        ] {
            assert_eq!(text.parse::<TimeConvention>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "discrete",
            "scaled:x",
            "reversed:3",
            "reversed+unit3",
            "discrete:-1",
            "reversed+step",
            "step:1000",
        ] {
            assert!(text.parse::<TimeConvention>().is_err(), "{text}");
        }
    }
}
