//! The conventions of a network: from words to what converts its predictions, and the file beside
//! the network that keeps them.

mod sidecar;

use std::path::Path;

use kinepath::field::{ConditionalPath, Conventions, Prediction, TimeConvention};
use serde::Serialize;

pub use sidecar::Sidecar;

use crate::StudyError;
use crate::data::sha256_hex;
use crate::schedule::read_column;

/// The word for the path that is recorded by saying nothing.
pub const STRAIGHT: &str = "straight";

/// A network's conventions as a person writes them; what is not told is what networks of the path
/// usually do. `docs/conventions.md` says which published models use which.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ConventionWords {
    /// What it predicts: `velocity`, `data`, `noise`, `v` or `residual`.
    pub predicts: Option<String>,
    /// Its time: `unit`, `reversed`, `discrete:T`, `scaled:S`, `step`, `sigma` or `c-noise`.
    pub time: Option<String>,
    /// The path it was trained on: `straight`, `vp:SCHEDULE`, `ve` or `edm:SIGMA_DATA`.
    pub path: Option<String>,
}

/// Conventions understood, and the words that say them in full.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Resolved {
    pub(crate) conventions: Conventions,
    pub(crate) predicts: String,
    pub(crate) time: String,
    /// Absent on the straight path.
    pub(crate) path: Option<String>,
    /// SHA-256 of the file that a path's schedule was read from.
    pub(crate) schedule_sha256: Option<String>,
}

impl ConventionWords {
    /// These words, and those of `other` where these are silent. A path of their own is as good as
    /// a prediction and a time of their own: those of another path would not fit it.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match &self.path {
            Some(path) if form(other.path.as_deref().unwrap_or(STRAIGHT)) != form(path) => self,
            _ => Self {
                predicts: self.predicts.or(other.predicts),
                time: self.time.or(other.time),
                path: self.path.or(other.path),
            },
        }
    }

    /// Whether nothing is told.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Understands the words.
    ///
    /// # Errors
    /// [`StudyError::Convention`] for words that are unknown or do not go together,
    /// [`StudyError::Data`] and [`StudyError::File`] for a schedule's file.
    pub(crate) fn resolve(&self) -> Result<Resolved, StudyError> {
        let text = self.path.as_deref().unwrap_or(STRAIGHT);
        let (path, schedule_sha256) = read_path(text)?;
        let prediction = self.predicts.as_deref().map(str::parse::<Prediction>).transpose();
        let time = self.time.as_deref().map(str::parse::<TimeConvention>).transpose();
        let unknown = kinepath::field::ConventionError::from;
        let conventions =
            Conventions::new(path, prediction.map_err(unknown)?, time.map_err(unknown)?)?;
        Ok(Resolved {
            predicts: conventions.prediction().to_string(),
            time: conventions.time().to_string(),
            path: (text != STRAIGHT).then(|| text.to_owned()),
            conventions,
            schedule_sha256,
        })
    }
}

/// A path without its keys.
fn form(path: &str) -> &str {
    path.split(',').next().unwrap_or(path)
}

/// The file and the keys of a path whose schedule is a file.
fn schedule_file(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix("vp:")?;
    let (file, keys) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
    Path::new(file).extension().map(|_| (file, keys))
}

/// Reads a path, whose schedule may be a file of `alphas_cumprod`.
fn read_path(text: &str) -> Result<(ConditionalPath, Option<String>), StudyError> {
    let Some((file, _)) = schedule_file(text) else {
        return Ok((text.parse::<ConditionalPath>()?, None));
    };
    let file = Path::new(file);
    let bytes = std::fs::read(file).map_err(|error| StudyError::file("read", file, &error))?;
    let forms =
        "a schedule's file has one of its alphas_cumprod a line, or is an .npy file of them";
    let shares = read_column("path", &file.display().to_string(), forms)?;
    let path = ConditionalPath::parse(text, |_| Ok(shares))?;
    Ok((path, Some(sha256_hex(&bytes))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(path: Option<&str>, predicts: Option<&str>, time: Option<&str>) -> ConventionWords {
        let own = |text: Option<&str>| text.map(str::to_owned);
        ConventionWords { predicts: own(predicts), time: own(time), path: own(path) }
    }

    #[test]
    fn what_is_told_last_holds_and_another_path_brings_its_own() {
        let file = words(Some("vp:linear"), Some("noise"), Some("sigma"));
        let merged = |told: ConventionWords| told.or(file.clone());
        assert_eq!(merged(words(None, None, None)), file);
        let told = words(None, Some("v"), None);
        assert_eq!(merged(told), words(Some("vp:linear"), Some("v"), Some("sigma")));
        let told = words(Some("edm:0.5"), None, None);
        assert_eq!(merged(told.clone()), told);
        // The same path of a narrower range keeps what its network predicts.
        let told = words(Some("vp:linear,max=80"), None, None);
        assert_eq!(merged(told.clone()).predicts.as_deref(), Some("noise"));
        assert_eq!(merged(told.clone()).path, told.path);
        let straight = words(None, Some("noise"), Some("reversed"));
        let told = words(Some("straight"), None, Some("unit"));
        assert_eq!(told.or(straight), words(Some("straight"), Some("noise"), Some("unit")));
    }

    #[test]
    fn the_words_are_said_in_full() {
        let resolved = words(Some("edm:0.5"), None, None).resolve().unwrap();
        assert_eq!((resolved.predicts.as_str(), resolved.time.as_str()), ("residual", "c-noise"));
        assert_eq!(resolved.path.as_deref(), Some("edm:0.5"));
        assert_eq!(words(Some("straight"), None, None).resolve().unwrap().path, None);
    }

    #[test]
    fn a_schedule_comes_from_a_file_too() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("levels.txt");
        let path = format!("vp:{},max=2", file.display());
        let resolve = || words(Some(&path), Some("noise"), None).resolve();
        assert!(resolve().unwrap_err().to_string().contains("levels.txt"));
        std::fs::write(&file, "# shares\n0.9\n0.5\n0.1\n").unwrap();
        let resolved = resolve().unwrap();
        assert_eq!(resolved.schedule_sha256.unwrap().len(), 64);
        assert!((resolved.conventions.path().times().0 - 1.0 / 3.0).abs() < 1e-12);
        std::fs::write(&file, "0.9\n0.95\n").unwrap();
        assert!(resolve().unwrap_err().to_string().contains("falling alphas_cumprod"));
        std::fs::write(&file, "0.9 0.5\n").unwrap();
        assert!(resolve().unwrap_err().to_string().contains("line 1"));
    }
}
