//! Path, prediction and time together.

use super::time::TimeConvention;
use super::{ConditionalPath, ConventionError, Prediction, TimeInput};
use crate::field::TimeDomain;

/// What a network was trained on, what it predicts and how it is told the time: all that tells its
/// raw output from the straight path's velocity.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Conventions {
    pub(super) path: ConditionalPath,
    pub(super) prediction: Prediction,
    pub(super) time: TimeConvention,
}

/// What a path's networks predict and take as their time.
struct Customs {
    predictions: &'static [Prediction],
    /// What they predict unless told; none where training differs.
    usual: Option<Prediction>,
    known_predictions: &'static str,
    time: TimeInput,
    times: fn(&TimeConvention) -> bool,
    known_times: &'static str,
}

impl ConditionalPath {
    fn customs(&self) -> Customs {
        use Prediction::{Data, Noise, Residual, V, Velocity};
        match self {
            Self::Straight => Customs {
                predictions: &[Velocity, Data, Noise],
                usual: Some(Velocity),
                known_predictions: "velocity, data or noise; v and residual belong to the paths vp \
                                    and edm",
                time: TimeInput::Unit,
                times: |time| !time.is_level(),
                known_times: "unit, reversed, discrete:T or scaled:S",
            },
            Self::VariancePreserving { .. } => Customs {
                predictions: &[Noise, V, Data],
                usual: None,
                known_predictions: "noise (DDPM, Stable Diffusion 1), v (Stable Diffusion 2) or data",
                time: TimeInput::Step,
                times: TimeConvention::is_level,
                known_times: "step (the number of its training step), sigma or c-noise",
            },
            Self::VarianceExploding { .. } => Customs {
                predictions: &[Noise, Data],
                usual: None,
                known_predictions: "data (a denoiser D(x; σ)) or noise",
                time: TimeInput::Sigma,
                times: |time| time.is_level() && time.input != TimeInput::Step,
                known_times: "sigma or c-noise",
            },
            Self::Edm { .. } => Customs {
                predictions: &[Residual, V],
                usual: Some(Residual),
                known_predictions: "residual (Karras et al.'s F) or v (diffusers' v_prediction, its \
                                    negative); a network that denoises by itself belongs to the \
                                    path ve, with data",
                time: TimeInput::CNoise,
                times: |time| time.is_level() && time.input != TimeInput::Step,
                known_times: "c-noise or sigma",
            },
        }
    }
}

impl Conventions {
    /// The conventions of a network trained on `path`; what is not told is what networks of that
    /// path usually do.
    ///
    /// # Errors
    /// [`ConventionError::Untold`] for a path on which there is no usual prediction,
    /// [`ConventionError::Prediction`] and [`ConventionError::Time`] for combinations that do not
    /// exist, [`ConventionError::DiscreteTimes`] and [`ConventionError::TimeScale`].
    pub fn new(
        path: ConditionalPath,
        prediction: Option<Prediction>,
        time: Option<TimeConvention>,
    ) -> Result<Self, ConventionError> {
        let customs = path.customs();
        let known = customs.known_predictions;
        let Some(prediction) = prediction.or(customs.usual) else {
            return Err(ConventionError::Untold { path: path.family(), known });
        };
        if !customs.predictions.contains(&prediction) {
            return Err(ConventionError::Prediction { path: path.family(), prediction, known });
        }
        let time = time.unwrap_or(TimeConvention::of(customs.time));
        if !(customs.times)(&time) {
            return Err(ConventionError::Time {
                path: path.family(),
                time: time.to_string(),
                known: customs.known_times,
            });
        }
        match time.input {
            TimeInput::Discrete(steps) if steps < 2 => Err(ConventionError::DiscreteTimes(steps)),
            TimeInput::Scaled(factor) if !(factor.is_finite() && factor > 0.0) => {
                Err(ConventionError::TimeScale(factor))
            }
            _ => Ok(Self { path, prediction, time }),
        }
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &ConditionalPath {
        &self.path
    }

    /// What the network predicts.
    #[must_use]
    pub fn prediction(&self) -> Prediction {
        self.prediction
    }

    /// What it takes as its time.
    #[must_use]
    pub fn time(&self) -> TimeConvention {
        self.time
    }

    /// The times at which a velocity follows from them: all of `[0, 1]`, but for data prediction on
    /// the straight path at its end and for noise prediction at its start. Other paths have no such
    /// times, because their networks are asked about levels that are neither all noise nor none.
    #[must_use]
    pub fn domain(&self) -> TimeDomain {
        match (&self.path, self.prediction) {
            (ConditionalPath::Straight, Prediction::Data) => TimeDomain::OPEN_END,
            (ConditionalPath::Straight, Prediction::Noise) => TimeDomain::OPEN_START,
            _ => TimeDomain::CLOSED,
        }
    }
}
