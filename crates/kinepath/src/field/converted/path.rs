//! The path between noise and data that a network was trained on.

use super::{ConventionError, NoiseLevels};
use crate::keys::KeyValues;

/// The noise levels σ/α between which EDM's networks are sampled (Karras et al., arXiv 2206.00364,
/// Table 1).
const EDM_RANGE: NoiseRange = NoiseRange { least: 0.002, most: 80.0 };

/// The path between noise and data that a network was trained on: its states are
/// `x̃ = α x1 + σ x0`.
///
/// Every such path passes the straight path's states on another scale: where `σ/α = (1 − t)/t`,
/// `x̃ = (α + σ) x_t`.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum ConditionalPath {
    /// `α = t`, `σ = 1 − t`: flow matching.
    #[default]
    Straight,
    /// `α² + σ² = 1`, with the noise levels of a schedule: DDPM and its kin.
    VariancePreserving {
        /// The levels of the training steps.
        levels: NoiseLevels,
        /// Those that the network is asked about.
        range: NoiseRange,
    },
    /// `α = 1`: the network is given `x1 + σ x0` and σ.
    VarianceExploding {
        /// The levels the network is asked about.
        range: NoiseRange,
    },
    /// The same with EDM's preconditioning outside the network.
    Edm {
        /// σ_data, the standard deviation of the data that the preconditioning assumes.
        sigma_data: f64,
        /// The levels the network is asked about.
        range: NoiseRange,
    },
}

/// The least and greatest noise level `σ/α` that a network is asked about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoiseRange {
    /// The least, above 0.
    pub least: f64,
    /// The greatest.
    pub most: f64,
}

impl ConditionalPath {
    /// Reads `straight`, `vp:linear`, `vp:scaled-linear`, `vp:cosine`, `vp:FILE`, `ve` or
    /// `edm:SIGMA_DATA`, each but the first followed by `,KEY=VALUE` as needed.
    ///
    /// Keys: `min` and `max` narrow the noise levels σ/α that the network is asked about (`ve` and
    /// `edm`: 0.002 and 80 unless told); `steps`, `start` and `end` are the schedule's T and its
    /// first and last β; `terminal=zero` rescales it to zero terminal SNR. `read` gives the
    /// `alphas_cumprod` of a file.
    ///
    /// # Errors
    /// [`ConventionError::Path`] and [`ConventionError::Levels`].
    pub fn parse(
        text: &str,
        read: impl FnOnce(&str) -> Result<Vec<f64>, String>,
    ) -> Result<Self, ConventionError> {
        let refuse = |reason: String| ConventionError::Path { text: text.to_owned(), reason };
        let mut parts = text.split(',');
        let kind = parts.next().unwrap_or_default();
        let mut keys = KeyValues::read(parts).map_err(refuse)?;
        let path = match kind.split_once(':').unwrap_or((kind, "")) {
            ("straight", "") => Self::Straight,
            ("ve", "") => Self::VarianceExploding { range: keys.range(EDM_RANGE).map_err(refuse)? },
            ("edm", sigma) => {
                let sigma_data = sigma.parse().ok().filter(|s: &f64| s.is_finite() && *s > 0.0);
                let sigma_data = sigma_data.ok_or_else(|| {
                    refuse("edm:S needs S, the σ_data of its training, such as edm:0.5".to_owned())
                })?;
                Self::Edm { sigma_data, range: keys.range(EDM_RANGE).map_err(refuse)? }
            }
            ("vp", schedule) if !schedule.is_empty() => {
                let levels = keys.levels(schedule, read).map_err(|error| match error {
                    LevelsError::Key(reason) => refuse(reason),
                    LevelsError::Levels(error) => error,
                })?;
                let (least, most) = levels.range();
                let range = keys.range(NoiseRange { least, most }).map_err(refuse)?;
                if range.least < least || range.most > most {
                    return Err(refuse(format!(
                        "min and max must lie within the schedule's noise levels, \
                         {least:.4} to {most:.4}"
                    )));
                }
                Self::VariancePreserving { levels, range }
            }
            _ => {
                return Err(refuse(
                    "use straight, vp:linear, vp:scaled-linear, vp:cosine, vp:FILE, ve or \
                     edm:SIGMA_DATA"
                        .to_owned(),
                ));
            }
        };
        keys.finish().map_err(refuse)?;
        Ok(path)
    }

    /// Its family, as messages name it.
    #[must_use]
    pub fn family(&self) -> &'static str {
        match self {
            Self::Straight => "straight",
            Self::VariancePreserving { .. } => "vp",
            Self::VarianceExploding { .. } => "ve",
            Self::Edm { .. } => "edm",
        }
    }

    /// The times of the straight path between which its network is asked about the state it is
    /// given: all of `[0, 1]` on the straight path itself, elsewhere `t = 1/(1 + σ/α)` of the
    /// greatest and the least noise level.
    #[must_use]
    pub fn times(&self) -> (f64, f64) {
        match self {
            Self::Straight => (0.0, 1.0),
            Self::VariancePreserving { range, .. }
            | Self::VarianceExploding { range }
            | Self::Edm { range, .. } => (1.0 / (1.0 + range.most), 1.0 / (1.0 + range.least)),
        }
    }

    /// EDM's σ_data; 1 on paths without it.
    pub(super) fn sigma_data(&self) -> f64 {
        match self {
            Self::Edm { sigma_data, .. } => *sigma_data,
            _ => 1.0,
        }
    }

    /// What the network's input is of the straight path's state at `t`: `α + σ`, times `c_in` under
    /// EDM's preconditioning.
    pub(super) fn input_scale(&self, t: f64) -> f64 {
        match self {
            Self::Straight => 1.0,
            Self::VariancePreserving { .. } => 1.0 / t.hypot(1.0 - t),
            Self::VarianceExploding { .. } => 1.0 / t,
            Self::Edm { sigma_data, .. } => 1.0 / (t * sigma_data).hypot(1.0 - t),
        }
    }
}

enum LevelsError {
    Key(String),
    Levels(ConventionError),
}

impl From<String> for LevelsError {
    fn from(reason: String) -> Self {
        Self::Key(reason)
    }
}

impl From<ConventionError> for LevelsError {
    fn from(error: ConventionError) -> Self {
        Self::Levels(error)
    }
}

/// What the keys of a path say of its noise levels.
impl KeyValues<'_> {
    fn range(&mut self, usual: NoiseRange) -> Result<NoiseRange, String> {
        let least: f64 = self.number("min", usual.least)?;
        let most: f64 = self.number("max", usual.most)?;
        if least > 0.0 && least < most && most.is_finite() {
            return Ok(NoiseRange { least, most });
        }
        Err(format!("noise levels need 0 < min < max, got min {least} and max {most}"))
    }

    fn levels(
        &mut self,
        schedule: &str,
        read: impl FnOnce(&str) -> Result<Vec<f64>, String>,
    ) -> Result<NoiseLevels, LevelsError> {
        let levels = match schedule {
            "linear" | "scaled-linear" => {
                let linear = schedule == "linear";
                let (start, end) = if linear { (1e-4, 0.02) } else { (0.00085, 0.012) };
                let steps = self.number("steps", 1000)?;
                let (start, end) = (self.number("start", start)?, self.number("end", end)?);
                if linear {
                    NoiseLevels::linear(steps, start, end)?
                } else {
                    NoiseLevels::scaled_linear(steps, start, end)?
                }
            }
            "cosine" => NoiseLevels::cosine(self.number("steps", 1000)?)?,
            file => NoiseLevels::from_alphas_cumprod(&read(file)?)?,
        };
        match self.take("terminal") {
            None => Ok(levels),
            Some("zero") => Ok(levels.with_zero_terminal_snr()?),
            Some(other) => Err(LevelsError::Key(format!("`terminal={other}`: use terminal=zero"))),
        }
    }
}

impl std::str::FromStr for ConditionalPath {
    type Err = ConventionError;

    /// As [`ConditionalPath::parse`], without files.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text, |name| {
            Err(format!("`{name}` is no schedule: use linear, scaled-linear or cosine"))
        })
    }
}
