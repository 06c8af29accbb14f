//! What exact integration guarantees of a run.

use std::fmt;

use kinepath::field::Certificate;
use serde::{Deserialize, Serialize};

/// How far the velocities along the paths of a run can be from those of the whole training set: the
/// [`Certificate`] of all its batches. Rounding comes on top.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunCertificate {
    /// The gap τ, in nats: points of a posterior weight below `e^−τ` were dropped. Above the gap
    /// asked for where the training set is so large that this would drop likely points.
    pub tau: f64,
    /// Bound on `‖v − v*‖` over all samples and steps, in data units per unit of time.
    pub velocity_error: f64,
    /// Bound on the posterior weight of all dropped points, relative to those that stay.
    pub dropped_mass: f64,
    /// The largest gap that a step needed to be sure that dropped points stay negligible; absent
    /// where no gap would have been enough for one of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need: Option<f64>,
    /// How many times the points of a sample were looked at again, because its guarantee fell.
    pub rescans: u64,
}

impl RunCertificate {
    /// The certificate of all together; `None` if one is missing, or there is none.
    #[must_use]
    pub fn of_all(certificates: impl IntoIterator<Item = Option<Self>>) -> Option<Self> {
        let both = |one: Self, other: Self| Certificate::from(one).and(other.into()).into();
        certificates.into_iter().reduce(|one, other| Some(both(one?, other?))).flatten()
    }
}

impl From<Certificate> for RunCertificate {
    fn from(certificate: Certificate) -> Self {
        let Certificate { tau, velocity_error, dropped_mass, need, rescans } = certificate;
        let need = need.is_finite().then_some(need);
        Self { tau, velocity_error, dropped_mass, need, rescans }
    }
}

impl From<RunCertificate> for Certificate {
    fn from(certificate: RunCertificate) -> Self {
        let RunCertificate { tau, velocity_error, dropped_mass, need, rescans } = certificate;
        let need = need.unwrap_or(f64::INFINITY);
        Self { tau, velocity_error, dropped_mass, need, rescans }
    }
}

impl fmt::Display for RunCertificate {
    /// In words: `exact up to a velocity error of 2.1e-4 and rounding (τ = 20, largest need 15.1, no
    /// rescans)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.velocity_error;
        if error > 0.0 {
            write!(f, "exact up to a velocity error of {error:.1e} and rounding")?;
        } else {
            f.write_str("exact up to rounding")?;
        }
        write!(f, " (τ = {}, largest need ", (self.tau * 100.0).round() / 100.0)?;
        match self.need {
            Some(need) => write!(f, "{need:.1}")?,
            None => f.write_str("beyond any gap")?,
        }
        match self.rescans {
            0 => f.write_str(", no rescans)"),
            1 => f.write_str(", 1 rescan)"),
            rescans => write!(f, ", {rescans} rescans)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(need: Option<f64>, rescans: u64) -> RunCertificate {
        RunCertificate { tau: 20.0, velocity_error: 2.14e-4, dropped_mass: 3e-7, need, rescans }
    }

    #[test]
    fn it_is_told_in_words() {
        assert_eq!(
            certificate(Some(15.07), 0).to_string(),
            "exact up to a velocity error of 2.1e-4 and rounding (τ = 20, largest need 15.1, no rescans)"
        );
        let words = certificate(None, 3).to_string();
        assert!(words.ends_with("largest need beyond any gap, 3 rescans)"), "{words}");
        let nothing = RunCertificate { velocity_error: 0.0, ..certificate(Some(0.0), 1) };
        let words = "exact up to rounding (τ = 20, largest need 0.0, 1 rescan)";
        assert_eq!(nothing.to_string(), words);
    }

    #[test]
    fn a_need_beyond_any_gap_survives_files_and_folding() {
        let all = [certificate(Some(15.0), 1), certificate(None, 2)].map(Some);
        let both = RunCertificate::of_all(all).unwrap();
        assert_eq!((both.need, both.rescans), (None, 3));
        assert_eq!(RunCertificate::of_all([all[0], None, all[1]]), None);
        assert_eq!(RunCertificate::of_all([]), None);
        for one in [both, certificate(Some(0.1 + 0.2), 0)] {
            let json = serde_json::to_string(&one).unwrap();
            assert_eq!(serde_json::from_str::<RunCertificate>(&json).unwrap(), one);
            let text = toml::to_string(&one).unwrap();
            assert_eq!(toml::from_str::<RunCertificate>(&text).unwrap(), one);
        }
    }
}
