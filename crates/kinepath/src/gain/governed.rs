//! The closed-loop gain: only a sample that leaves the band of a reference is damped.

use ndarray::{ArrayView2, Axis};

use super::{GainError, finite, interpolate, unusable_point};
use crate::stats::quantile;

/// A gain that damps a sample only while its own running speed is above a ceiling.
///
/// With `s = ‖v(x, t)‖²`, the squared speed of the field at the sample, and the ceiling `c(t)`:
///
/// ```text
/// η = 1                      for t < τ, or s ≤ c(t)
/// η = (c(t)/s)^{strength/2}  for t ≥ τ and s > c(t)
/// ```
///
/// The squared speed travelled is then `η² s = c^{strength} s^{1 − strength}`: strength 1 holds it
/// at the ceiling, 0 changes nothing, and more than 1 pushes it below. η depends on the sample
/// alone, never on its batch. The ceiling is meant to be a quantile of what a baseline run of the
/// same field does ([`GovernedSpec::resolve`]), so that ordinary samples are left as they are; this
/// closed loop is kinepath's own counterpart to the soft landing of [`Kts`](super::Kts), which
/// damps every sample alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Governed {
    /// The quantile of the reference's squared speeds that the ceiling is, in [0, 1].
    pub quantile: f64,
    /// How hard an excess of speed is damped, at least 0.
    pub strength: f64,
    /// The time τ in (0, 1) from which samples are governed.
    pub split: f64,
    /// The ceiling c as `(t, c)` points: piecewise linear, constant beyond the first and the last;
    /// in squared data units per squared unit of time.
    pub ceiling: Vec<(f64, f64)>,
}

impl Governed {
    /// What governs a sample at time `t`: nothing before τ.
    pub(super) fn governor(&self, t: f64) -> Option<Governor> {
        (t >= self.split).then(|| Governor {
            ceiling: interpolate(&self.ceiling, t),
            exponent: 0.5 * self.strength,
        })
    }

    pub(super) fn check(&self) -> Result<(), GainError> {
        finite("strength", self.strength)?;
        let parameter = |name, value, expected| Err(GainError::Parameter { name, value, expected });
        if self.strength < 0.0 {
            return parameter("strength", self.strength, "a number ≥ 0");
        }
        if !(0.0..=1.0).contains(&self.quantile) {
            return parameter("quantile", self.quantile, "a number between 0 and 1");
        }
        if !(self.split > 0.0 && self.split < 1.0) {
            return parameter("split", self.split, "a time strictly between 0 and 1");
        }
        if let Some((index, reason)) = unusable_point(&self.ceiling) {
            return Err(GainError::Ceiling { index, reason });
        }
        match self.ceiling.iter().position(|&(_, ceiling)| ceiling <= 0.0) {
            Some(index) => Err(GainError::Ceiling { index, reason: "it is not above 0" }),
            None => Ok(()),
        }
    }
}

/// A closed-loop gain resolved at one time: all that an executor needs to know.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Governor {
    /// The largest `‖v‖²` that is left as it is.
    pub ceiling: f64,
    /// The power of `ceiling/‖v‖²` that an excess is damped by.
    pub exponent: f64,
}

impl Governor {
    /// η of a sample whose `‖v‖²` is `squared_speed`; 1 up to the ceiling.
    pub fn eta(&self, squared_speed: f64) -> f64 {
        if squared_speed <= self.ceiling {
            1.0
        } else {
            (self.ceiling / squared_speed).powf(self.exponent)
        }
    }
}

/// A [`Governed`] gain as text has it: its ceiling may still have to come from a reference run.
///
/// `governed:quantile=Q,strength=K,split=T` with either `ceiling=T:SPEED;T:SPEED;…`,
/// `reference=RUN`, or neither; what `RUN` names is for the caller to know. Every key but these two
/// has a default: quantile 0.9, strength 1, split 0.6.
///
/// ```
/// use kinepath::gain::{Gain, GovernedSpec};
/// use ndarray::array;
///
/// let spec: GovernedSpec = "governed:quantile=0.5,split=0.25".parse()?;
/// // Squared speeds of three samples at the starts of two steps.
/// let profile = array![[4.0, 1.0], [5.0, 3.0], [6.0, 9.0]];
/// let gain = Gain::Governed(spec.resolve(&[0.0, 0.5, 1.0], profile.view())?);
/// assert_eq!(gain.governor(0.0), None);
/// let governor = gain.governor(0.5).ok_or("governed from 0.25 on")?;
/// assert_eq!((governor.eta(1.0), governor.eta(12.0)), (1.0, 0.5));
/// assert_eq!(gain.to_string().parse(), Ok(gain));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct GovernedSpec {
    /// As [`Governed::quantile`].
    pub quantile: f64,
    /// As [`Governed::strength`].
    pub strength: f64,
    /// As [`Governed::split`].
    pub split: f64,
    /// The name of the run that gives the ceiling, where one is given.
    pub reference: Option<String>,
    /// The ceiling, where it is given.
    pub ceiling: Option<Vec<(f64, f64)>>,
}

impl GovernedSpec {
    /// The gain whose ceiling at each step's start is the quantile
    /// ([`quantile`]) over the samples of a reference: `profile` is its `‖k_1‖²` `[N, steps]`, as
    /// [`Paths::profile`](crate::paths::Paths::profile), on the grid nodes `nodes`, one more than
    /// there are steps. It ran without a gain.
    ///
    /// # Errors
    /// [`GainError::Profile`] for another number of nodes than the profile needs, or for a profile
    /// without samples or with a NaN; [`GainError::Parameter`] and [`GainError::Ceiling`] for what
    /// cannot govern, such as a reference that does not move.
    pub fn resolve(
        &self,
        nodes: &[f64],
        profile: ArrayView2<'_, f64>,
    ) -> Result<Governed, GainError> {
        let steps = profile.ncols();
        if nodes.len() != steps + 1 {
            let reason = format!("it has {steps} steps, but {} grid nodes", nodes.len());
            return Err(GainError::Profile { reason });
        }
        let ceiling = nodes
            .iter()
            .zip(profile.axis_iter(Axis(1)))
            .map(|(&t, speeds)| Ok((t, quantile(&speeds.to_vec(), self.quantile)?)))
            .collect::<Result<_, crate::stats::StatsError>>()
            .map_err(|error| GainError::Profile { reason: error.to_string() })?;
        let Self { quantile, strength, split, .. } = *self;
        let governed = Governed { quantile, strength, split, ceiling };
        governed.check()?;
        Ok(governed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gain::Gain;
    use ndarray::{Array2, array};
    use proptest::prelude::*;

    fn governed() -> Governed {
        Governed {
            quantile: 0.9,
            strength: 1.0,
            split: 0.5,
            ceiling: vec![(0.0, 4.0), (0.5, 2.0), (0.9, 6.0)],
        }
    }

    #[test]
    fn the_ceiling_is_linear_between_its_points_and_counts_from_the_split() {
        let gain = Gain::Governed(governed());
        assert_eq!((gain.eta(0.7), gain.split()), (1.0, 0.5));
        assert_eq!(gain.governor(0.49), None);
        for (t, ceiling) in [(0.5, 2.0), (0.7, 4.0), (0.9, 6.0), (1.0, 6.0)] {
            let governor = gain.governor(t).unwrap();
            assert!((governor.ceiling - ceiling).abs() < 1e-12, "t = {t}: {governor:?}");
        }
        assert_eq!(Gain::Unit.governor(0.7), None);
    }

    #[test]
    fn what_cannot_govern_is_named() {
        let parameter = |change: fn(&mut Governed), bad: &str| {
            let mut gain = governed();
            change(&mut gain);
            let error = Gain::Governed(gain).validate(&[0.0]).unwrap_err();
            assert!(matches!(error, GainError::Parameter { name, .. } if name == bad), "{error}");
        };
        parameter(|g| g.strength = -1.0, "strength");
        parameter(|g| g.strength = f64::INFINITY, "strength");
        parameter(|g| g.quantile = f64::NAN, "quantile");
        parameter(|g| g.split = 0.0, "split");
        let ceiling = |points: &[(f64, f64)], bad: usize| {
            let gain = Governed { ceiling: points.to_vec(), ..governed() };
            let error = gain.check().unwrap_err();
            assert!(matches!(error, GainError::Ceiling { index, .. } if index == bad), "{error}");
        };
        ceiling(&[], 0);
        ceiling(&[(0.0, 1.0), (0.5, 0.0)], 1);
        ceiling(&[(0.5, 1.0), (0.5, 1.0)], 1);
        ceiling(&[(0.0, f64::NAN)], 0);
    }

    #[test]
    fn a_reference_that_does_not_fit_is_refused() {
        let spec: GovernedSpec = "governed:quantile=0.5".parse().unwrap();
        let refused = |nodes: &[f64], profile: Array2<f64>| {
            spec.resolve(nodes, profile.view()).unwrap_err().to_string()
        };
        assert!(refused(&[0.0, 0.5], array![[1.0, 1.0]]).contains("2 steps, but 2 grid nodes"));
        assert!(refused(&[0.0, 1.0], Array2::zeros((0, 1))).contains("at least 1"));
        assert!(refused(&[0.0, 1.0], array![[f64::NAN]]).contains("NaN"));
        assert!(refused(&[0.0, 1.0], array![[0.0]]).contains("not above 0"));
        let outside = GovernedSpec { quantile: 1.5, ..spec.clone() };
        assert!(outside.resolve(&[0.0, 1.0], array![[1.0]].view()).is_err());
    }

    proptest! {
        #[test]
        fn the_speed_travelled_follows_its_power_law(
            ceiling in 1e-3f64..1e3, excess in 1.0f64..1e6, strength in 0.0f64..3.0,
        ) {
            let governor = Governor { ceiling, exponent: 0.5 * strength };
            prop_assert_eq!(governor.eta(ceiling), 1.0);
            prop_assert_eq!(governor.eta(ceiling / excess), 1.0);
            let speed = ceiling * excess;
            let travelled = governor.eta(speed).powi(2) * speed;
            let expected = ceiling.powf(strength) * speed.powf(1.0 - strength);
            prop_assert!((travelled - expected).abs() <= 1e-12 * expected);
        }
    }
}
