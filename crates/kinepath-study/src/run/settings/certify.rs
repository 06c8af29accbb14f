//! How far exact paths are followed, as settings say it.

use std::fmt;
use std::str::FromStr;

use kinepath::sampler::DEFAULT_GAP;
use serde::{Deserialize, Serialize};

/// What stands for the whole field at every step.
const OFF: &str = "off";

/// The posterior gap τ at which Euler paths through an empirical field drop training points, see
/// [`Sampler::certify`](kinepath::sampler::Sampler::certify); as text and in settings files a number
/// of nats or `off`. [`DEFAULT_GAP`] unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct Certify(Option<f64>);

/// A setting as it is written.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Form {
    Gap(f64),
    Word(String),
}

/// A gap that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("certify is a gap above 0 nats, such as {DEFAULT_GAP}, or {OFF}; got {0}")]
pub struct CertifyError(String);

impl Certify {
    /// Every step evaluates the whole field.
    pub const OFF: Self = Self(None);

    /// Points of a posterior weight below `e^−tau` are dropped where they are certain to stay so.
    ///
    /// # Errors
    /// [`CertifyError`] unless `tau` is above 0 and finite.
    pub fn gap(tau: f64) -> Result<Self, CertifyError> {
        match tau.is_finite() && tau > 0.0 {
            true => Ok(Self(Some(tau))),
            false => Err(CertifyError(tau.to_string())),
        }
    }

    /// The gap; `None` where nothing is dropped.
    #[must_use]
    pub fn tau(self) -> Option<f64> {
        self.0
    }
}

impl Default for Certify {
    fn default() -> Self {
        Self(Some(DEFAULT_GAP))
    }
}

impl fmt::Display for Certify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(tau) => write!(f, "{tau}"),
            None => f.write_str(OFF),
        }
    }
}

impl FromStr for Certify {
    type Err = CertifyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(tau) => Self::gap(tau),
            Err(_) if text == OFF => Ok(Self::OFF),
            Err(_) => Err(CertifyError(text.to_owned())),
        }
    }
}

impl TryFrom<Form> for Certify {
    type Error = CertifyError;

    fn try_from(form: Form) -> Result<Self, Self::Error> {
        match form {
            Form::Gap(tau) => Self::gap(tau),
            Form::Word(text) if text == OFF => Ok(Self::OFF),
            Form::Word(text) => Err(CertifyError(text)),
        }
    }
}

impl From<Certify> for Form {
    fn from(certify: Certify) -> Self {
        certify.tau().map_or(Self::Word(OFF.to_owned()), Self::Gap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Settings {
        certify: Certify,
    }

    #[test]
    fn numbers_and_off_are_read_and_written_alike() {
        for (text, certify) in [
            ("certify = 20.0\n", Certify::default()),
            ("certify = 15.5\n", "15.5".parse().unwrap()),
            ("certify = \"off\"\n", Certify::OFF),
        ] {
            let settings = Settings { certify };
            assert_eq!(toml::to_string(&settings).unwrap(), text);
            assert_eq!(toml::from_str::<Settings>(text).unwrap(), settings);
            assert_eq!(certify.to_string().parse::<Certify>().unwrap(), certify);
        }
        let whole = toml::from_str::<Settings>("certify = 20").unwrap();
        assert_eq!(whole.certify, Certify::default());
    }

    #[test]
    fn what_is_no_gap_is_named() {
        for text in ["0", "-3", "nan", "inf", "on", ""] {
            let error = text.parse::<Certify>().unwrap_err().to_string();
            assert!(error.contains("above 0 nats, such as 20, or off"), "{error}");
        }
        for text in ["certify = 0.0", "certify = inf", "certify = \"20\""] {
            let error = toml::from_str::<Settings>(text).unwrap_err().to_string();
            assert!(error.contains("above 0 nats"), "{text}: {error}");
        }
    }
}
