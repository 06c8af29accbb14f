//! What a network predicts.

use std::fmt;
use std::str::FromStr;

use super::ConventionParseError;

/// What a network predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Prediction {
    /// The velocity along the network's own time.
    #[default]
    Velocity,
    /// The data `x̂1`: on the straight path `v = (x̂1 − x)/(1 − t)`, undefined at t = 1.
    Data,
    /// The noise `x̂0`: on the straight path `v = (x − x̂0)/t`, undefined at t = 0.
    Noise,
    /// `α x0 − σ x1` on a variance-preserving path (Salimans & Ho, arXiv 2202.00512).
    V,
    /// What EDM's preconditioning leaves to the network, `F` in `x̂1 = c_skip x̃ + c_out F`
    /// (Karras et al., arXiv 2206.00364, eq. 7).
    Residual,
}

impl FromStr for Prediction {
    type Err = ConventionParseError;

    /// `velocity`, `data`, `noise`, `v` or `residual`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "velocity" => Ok(Self::Velocity),
            "data" => Ok(Self::Data),
            "noise" => Ok(Self::Noise),
            "v" => Ok(Self::V),
            "residual" => Ok(Self::Residual),
            _ => Err(ConventionParseError {
                what: "prediction",
                text: text.to_owned(),
                known: "velocity, data, noise, v or residual",
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
            Self::V => "v",
            Self::Residual => "residual",
        })
    }
}
