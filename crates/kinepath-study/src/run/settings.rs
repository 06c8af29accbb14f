//! `run.toml`: everything needed to repeat a run.

mod batches;
mod certify;
mod conditions;
mod difference;
mod field;
mod sampler;

use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::Table;

pub(crate) use batches::Batches;
pub use certify::{Certify, CertifyError};
pub use conditions::{ConditionSettings, FileSettings, GuidanceSettings, LabelSettings};
pub(crate) use difference::Difference;
pub use field::FieldSettings;
pub use sampler::SamplerSettings;

use super::error::RunError;
use super::{RunCertificate, RunContent};

/// The keys of what finishing a run adds to its settings.
const RESULTS: [&str; 2] = ["certificate", "content"];
/// What stands for a fact about samples from elsewhere that nobody told.
pub const UNKNOWN: &str = "unknown";

/// The resolved settings of a run.
///
/// Types that live elsewhere appear as the text the command line takes, so that a run can be
/// repeated by hand; what such a text resolved to stands beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSettings {
    /// The version of kinepath that samples.
    pub kinepath: String,
    /// Index of the first sample; written where it is not 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub first: usize,
    /// N, the number of samples (at least 1).
    pub count: usize,
    /// The number of samples of the whole that this run is a share of; absent for a run by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<usize>,
    /// Samples of a batch (at least 1). It is part of the settings because another batch size
    /// gives other last digits.
    pub batch: usize,
    /// The shape of one sample, such as `[1, 28, 28]`.
    pub shape: Vec<usize>,
    /// What is sampled.
    pub field: FieldSettings,
    /// What it is conditioned on, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditions: Option<ConditionSettings>,
    /// How it is sampled; absent where samples come from elsewhere and nobody told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampler: Option<SamplerSettings>,
    /// Where the samples start.
    pub noise: NoiseSettings,
    /// What is kept beside the endpoints.
    pub record: RecordSettings,
    /// What following the paths of an empirical field guarantees: a result, which is known when the
    /// run is finished and makes no other run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<RunCertificate>,
    /// What tells whether the files are as sampling left them: a result as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<RunContent>,
}

/// Where the samples start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "kebab-case", deny_unknown_fields)]
pub enum NoiseSettings {
    /// Standard normal noise, one stream a sample index.
    Seed {
        /// The seed, at most 2⁶³ − 1 (TOML has no larger integers).
        seed: u64,
    },
    /// Such noise, drawn again until the sample is one to keep: sample j of N tries the streams
    /// j, j + N, j + 2N, …
    Selected {
        /// The seed, at most 2⁶³ − 1.
        seed: u64,
        /// What a kept sample meets: `COLUMN=LO..HI`, all of them.
        bands: Vec<String>,
    },
    /// Given starting points.
    File {
        /// The file.
        path: String,
        /// SHA-256 of its content, as [`NoiseFile::sha256`](crate::data::NoiseFile::sha256).
        sha256: String,
    },
    /// Starting points given in memory.
    Array {
        /// SHA-256 of their content, as [`NoiseFile::sha256`](crate::data::NoiseFile::sha256).
        sha256: String,
    },
    /// Starting points that only their owner has seen, under a name: runs with the same name
    /// started from the same points, row by row, as their owner says.
    Declared {
        /// The name.
        name: String,
    },
    /// Nobody told. Such a run has no pairs.
    Unknown,
}

/// What is kept beside the endpoints and the energies.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordSettings {
    /// `profile` `[N, steps]`: ‖k₁‖² at each step, in squared data units; along followed paths also
    /// `posterior_entropy` and `effective_count`.
    pub profile: bool,
    /// `energy_map` `[N, *shape]`: the energy of each element of a sample.
    pub energy_map: bool,
    /// The columns `kpe_conditional` and `kpe_unconditional` of a guided field; written where they
    /// are kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub parts: bool,
    /// The times of `trajectory` `[N, K, *shape]`; empty when it is not kept.
    pub trajectory: Vec<f64>,
}

impl RunSettings {
    /// The same without where its files lie, see [`FieldSettings::anywhere`].
    pub(crate) fn anywhere(&self) -> Self {
        let mut settings = Self { field: self.field.anywhere(), ..self.clone() };
        if let Some(conditions) = &mut settings.conditions {
            if let Some(labels) = &mut conditions.labels {
                labels.asked.clear();
            }
            if let Some(file) = &mut conditions.inputs {
                file.path.clear();
            }
        }
        if let NoiseSettings::File { path, .. } = &mut settings.noise {
            path.clear();
        }
        settings
    }

    /// D, the number of values of a sample.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.shape.iter().product()
    }

    /// The batches of the run.
    pub(crate) fn batches(&self) -> Batches {
        Batches::new(self.first, self.count, self.batch)
    }

    /// Reads a settings file.
    pub(crate) fn read(path: &Path) -> Result<Self, RunError> {
        let text = read_text(path)?;
        let settings: Self =
            toml::from_str(&text).map_err(|error| unusable(path, error.to_string()))?;
        settings.check(path)?;
        Ok(settings)
    }

    /// Refuses numbers that no run has: those of nothing, and those beyond any memory.
    fn check(&self, path: &Path) -> Result<(), RunError> {
        let Self { first, count, batch, shape, .. } = self;
        let bytes = shape
            .iter()
            .chain([count])
            .try_fold(size_of::<f32>(), |bytes, &axis| bytes.checked_mul(axis));
        match first.checked_add(*count).and(bytes) {
            Some(bytes) if bytes > 0 && *batch > 0 => Ok(()),
            Some(_) => Err(unusable(
                path,
                format!(
                    "count {count}, batch {batch} and the axes of shape {shape:?} must all be at \
                     least 1"
                ),
            )),
            None => Err(unusable(
                path,
                format!("{count} samples of shape {shape:?} from {first} on fit in no memory"),
            )),
        }
    }

    /// The text of the settings file.
    pub(crate) fn to_toml(&self, path: &Path) -> Result<String, RunError> {
        self.check(path)?;
        toml::to_string(self).map_err(|error| unusable(path, error.to_string()))
    }

    /// Refuses a settings file that says anything else than these settings, results aside. Both are
    /// compared as text, so that a file of another version is told by its first difference.
    pub(crate) fn compare(&self, path: &Path) -> Result<(), RunError> {
        let settings = |text: &str| {
            let mut table = table_of(text, path)?;
            table.retain(|key, _| !RESULTS.contains(&key));
            Ok::<_, RunError>(table)
        };
        let found = settings(&read_text(path)?)?;
        let wanted = settings(&self.to_toml(path)?)?;
        match Difference::first(&found, &wanted) {
            None => Ok(()),
            Some(Difference { key, found, wanted }) => Err(RunError::OtherSettings {
                path: path.display().to_string(),
                key,
                found,
                wanted,
            }),
        }
    }
}

/// The signature is what serde asks for.
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// The text of a settings file as a table.
fn table_of(text: &str, path: &Path) -> Result<Table, RunError> {
    text.parse().map_err(|error: toml::de::Error| unusable(path, error.to_string()))
}

fn read_text(path: &Path) -> Result<String, RunError> {
    std::fs::read_to_string(path).map_err(|error| RunError::io(path, "read", &error))
}

fn unusable(path: &Path, detail: String) -> RunError {
    RunError::Settings { path: path.display().to_string(), detail }
}
