//! What a run is conditioned on, as `run.toml` says it.

use serde::{Deserialize, Serialize};

/// Class labels and further inputs of a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConditionSettings {
    /// The class labels, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<LabelSettings>,
    /// The file of further inputs, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<FileSettings>,
}

/// Class labels, which the table has in full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelSettings {
    /// How they were asked for: a number, a list, `cycle:K` or a file; `given` where they are
    /// numbers from elsewhere.
    pub asked: String,
    /// SHA-256 of the labels as i64, little-endian, in hexadecimal.
    pub sha256: String,
}

/// A file taken as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSettings {
    /// The file.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// Classifier-free guidance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuidanceSettings {
    /// The scale w.
    pub scale: f64,
    /// The first and the last time at which it applies; the whole path if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// How the two evaluations are made: `doubled` or `calls`.
    pub style: String,
    /// The label that stands for no class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub null_label: Option<i64>,
    /// The file of the inputs that stand for no condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub null_inputs: Option<FileSettings>,
}
