//! Gains η(t): how hard the velocity is pushed at each time.
//!
//! A shaped sampler integrates `dx/dt = η(t) v(x, t)`. Kinetic trajectory shaping (KTS) boosts the
//! launch and damps the landing; it costs no evaluation and no training. A *closed-loop* gain looks
//! at the sample too: its η is that of the time and of the sample's own speed there.

mod governed;
mod kts;
mod parse;

pub use governed::{Governed, GovernedSpec, Governor};
pub use kts::{Kts, Shape};
pub use parse::GainParseError;

/// The time that divides launch from landing where a gain names none.
pub const DEFAULT_SPLIT: f64 = 0.6;

/// A gain η, dimensionless.
///
/// It is resolved in two factors: [`eta`](Self::eta), the same for every sample, and, for a
/// closed-loop gain, that of its [`governor`](Self::governor), which each sample's speed decides.
///
/// ```
/// use kinepath::gain::Gain;
///
/// let gain: Gain = "kts:alpha=0.01,beta=0.01".parse()?;
/// assert_eq!(gain.eta(0.0), 1.01);
/// assert!((gain.eta(0.8) - (1.0 - 0.01 * (1.5f64.exp() - 1.0))).abs() < 1e-15);
/// # Ok::<(), kinepath::gain::GainParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Gain {
    /// η = 1: the baseline.
    #[default]
    Unit,
    /// Kinetic trajectory shaping: [`Kts`].
    Kts(Kts),
    /// `η = 1 + α (1 − t)^p` (Li et al., "The Velocity Deficit", arXiv 2605.14819).
    Ssc {
        /// Strength α at `t = 0`.
        alpha: f64,
        /// Power p ≥ 0 of the decay.
        power: f64,
    },
    /// Piecewise linear through `(t, η)` points, constant beyond the first and the last.
    Table(Vec<(f64, f64)>),
    /// Damps only samples that are faster than a reference: [`Governed`].
    Governed(Governed),
}

impl Gain {
    /// The times at which the gain bends and may be lowest, beside those of its split.
    pub(crate) fn corners(&self) -> impl Iterator<Item = f64> {
        let points = if let Self::Table(points) = self { points.as_slice() } else { &[] };
        points.iter().map(|&(t, _)| t)
    }

    /// A table gain through `(t, η)` points.
    ///
    /// # Errors
    /// [`GainError::Table`] unless the points are finite and their times increase.
    pub fn table(points: Vec<(f64, f64)>) -> Result<Self, GainError> {
        check_table(&points)?;
        Ok(Self::Table(points))
    }

    /// η at time `t`; for a closed-loop gain that of a sample within its band, which is 1.
    pub fn eta(&self, t: f64) -> f64 {
        match self {
            Self::Unit | Self::Governed(_) => 1.0,
            Self::Kts(kts) => kts.eta(t),
            Self::Ssc { alpha, power } => 1.0 + alpha * (1.0 - t).powf(*power),
            Self::Table(points) => interpolate(points, t),
        }
    }

    /// What a closed-loop gain multiplies [`eta`](Self::eta) by at time `t`, given a sample's speed;
    /// `None` where η is that of the time alone.
    pub fn governor(&self, t: f64) -> Option<Governor> {
        match self {
            Self::Governed(governed) => governed.governor(t),
            _ => None,
        }
    }

    /// The time τ that divides launch from landing: the split of a KTS or governed gain, 0.6
    /// elsewhere.
    pub fn split(&self) -> f64 {
        match self {
            Self::Kts(kts) => kts.split,
            Self::Governed(governed) => governed.split,
            _ => DEFAULT_SPLIT,
        }
    }

    /// Checks the parameters, and that η is nowhere negative on the given times: a negative gain
    /// would drive samples backwards.
    ///
    /// # Errors
    /// [`GainError::Parameter`] for a parameter out of range; [`GainError::Table`] for points that are no
    /// table, and [`GainError::Ceiling`] for a governed gain's that are no ceiling; [`GainError::Negative`]
    /// naming the first offending time and, for KTS, the largest admissible β₀.
    pub fn validate(&self, times: &[f64]) -> Result<(), GainError> {
        match self {
            Self::Unit => {}
            Self::Table(points) => check_table(points)?,
            Self::Kts(kts) => kts.check()?,
            Self::Governed(governed) => governed.check()?,
            Self::Ssc { alpha, power } => {
                finite("alpha", *alpha)?;
                if !(power.is_finite() && *power >= 0.0) {
                    return Err(GainError::Parameter {
                        name: "power",
                        value: *power,
                        expected: "a number ≥ 0",
                    });
                }
            }
        }
        let offending = |&&t: &&f64| !self.eta(t).is_finite() || self.eta(t) < 0.0;
        match times.iter().find(offending) {
            None => Ok(()),
            Some(&t) if !self.eta(t).is_finite() => Err(GainError::NotFinite { t }),
            Some(&t) => Err(GainError::Negative {
                t,
                eta: self.eta(t),
                remedy: match self {
                    Self::Kts(kts) if t >= kts.split => {
                        // Rounded down: what is advised must be accepted.
                        let largest = (kts.largest_beta(times) * 1e6).floor() / 1e6;
                        format!("the largest admissible beta on this time grid is {largest:.6}")
                    }
                    _ => "weaken the gain so that it stays at or above 0".to_owned(),
                },
            }),
        }
    }
}

fn check_table(points: &[(f64, f64)]) -> Result<(), GainError> {
    match unusable_point(points) {
        Some((index, reason)) => Err(GainError::Table { index, reason }),
        None => Ok(()),
    }
}

/// The first of the points that make no function of time, and why; none of them is one such.
fn unusable_point(points: &[(f64, f64)]) -> Option<(usize, &'static str)> {
    if points.is_empty() {
        return Some((0, "there is none"));
    }
    points.iter().enumerate().find_map(|(index, &(t, value))| {
        if !(t.is_finite() && value.is_finite()) {
            Some((index, "it is not finite"))
        } else if index > 0 && t <= points[index - 1].0 {
            Some((index, "its time is not above the one before"))
        } else {
            None
        }
    })
}

fn interpolate(points: &[(f64, f64)], t: f64) -> f64 {
    let after = points.partition_point(|&(time, _)| time <= t);
    match (after.checked_sub(1).map(|i| points[i]), points.get(after)) {
        (Some((t0, eta0)), Some(&(t1, eta1))) => eta0 + (eta1 - eta0) * (t - t0) / (t1 - t0),
        (Some((_, eta)), None) | (None, Some(&(_, eta))) => eta,
        (None, None) => 1.0,
    }
}

fn finite(name: &'static str, value: f64) -> Result<(), GainError> {
    if value.is_finite() {
        Ok(())
    } else {
        Err(GainError::Parameter { name, value, expected: "a finite number" })
    }
}

/// Why a gain was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GainError {
    /// The gain turns the motion backwards.
    #[error("the gain is negative at t = {t}: η = {eta:.4}; {remedy}")]
    Negative {
        /// The first time on the grid at which it is.
        t: f64,
        /// Its value there.
        eta: f64,
        /// What to change.
        remedy: String,
    },
    /// The gain overflows.
    #[error("the gain is not a finite number at t = {t}; use a smaller rate or power")]
    NotFinite {
        /// The first time on the grid at which it is none.
        t: f64,
    },
    /// A parameter out of its range.
    #[error("the gain's {name} is {value}, expected {expected}")]
    Parameter {
        /// Which parameter.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What it should be.
        expected: &'static str,
    },
    /// A table point that cannot be used.
    #[error("point {index} of the gain table cannot be used: {reason}")]
    Table {
        /// Which point, from 0.
        index: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A point of a governed gain's ceiling that cannot be used.
    #[error("point {index} of the governed gain's ceiling cannot be used: {reason}")]
    Ceiling {
        /// Which point, from 0.
        index: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A reference profile that gives a governed gain no ceiling.
    #[error("the reference's energy profile gives no ceiling: {reason}")]
    Profile {
        /// What is wrong with it.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_interpolates_and_holds_its_ends() {
        let gain = Gain::table(vec![(0.2, 2.0), (0.4, 1.0), (1.0, 0.5)]).unwrap();
        for (t, eta) in [(0.0, 2.0), (0.2, 2.0), (0.3, 1.5), (0.4, 1.0), (0.7, 0.75), (1.0, 0.5)] {
            assert!((gain.eta(t) - eta).abs() < 1e-15, "t = {t}");
        }
        assert!(Gain::table(vec![]).is_err());
        assert!(Gain::table(vec![(0.5, 1.0), (0.5, 2.0)]).is_err());
        let unsorted = Gain::Table(vec![(0.5, 1.0), (0.2, 2.0)]);
        assert!(matches!(unsorted.validate(&[0.0]), Err(GainError::Table { index: 1, .. })));
    }

    #[test]
    fn ssc_follows_its_formula() {
        let gain = Gain::Ssc { alpha: 0.3, power: 2.0 };
        assert_eq!(gain.eta(0.0), 1.3);
        assert_eq!(gain.eta(0.5), 1.075);
        assert_eq!(gain.eta(1.0), 1.0);
        assert!(Gain::Ssc { alpha: 0.1, power: -1.0 }.validate(&[0.0]).is_err());
        assert!(Gain::Ssc { alpha: f64::NAN, power: 1.0 }.validate(&[0.0]).is_err());
    }

    #[test]
    fn a_negative_gain_names_the_time_and_the_largest_beta() {
        let times: Vec<f64> = (0..50).map(|i| i as f64 / 50.0).collect();
        let gain = Gain::Kts(Kts { beta: 0.1, ..Kts::default() });
        let error = gain.validate(&times).unwrap_err();
        let GainError::Negative { t, .. } = &error else { panic!("{error}") };
        // 0.1 (e^{3s} − 1) > 1 first holds at s > ln(11)/3 = 0.7993, that is t > 0.9197.
        assert_eq!(*t, 0.92);
        assert!(error.to_string().contains("0.061395"), "{error}");
        assert_eq!(Gain::Kts(Kts { beta: 0.061395, ..Kts::default() }).validate(&times), Ok(()));
        let steep = Gain::Kts(Kts { launch: Shape::Exponential, rate: 1000.0, ..Kts::default() });
        assert_eq!(steep.validate(&times), Err(GainError::NotFinite { t: 0.0 }));
    }
}
