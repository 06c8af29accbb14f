//! What a run is conditioned on, as `run.toml` says it.

use std::fmt;

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

impl fmt::Display for GuidanceSettings {
    /// `guidance 1.5 from t = 0.3 to 0.8, against label 10`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "guidance {}", self.scale)?;
        if let Some([from, to]) = self.interval {
            write!(f, " from t = {from} to {to}")?;
        }
        let label = self.null_label.map(|label| format!("label {label}"));
        let inputs = self.null_inputs.as_ref().map(|file| file.path.clone());
        let null: Vec<String> = label.into_iter().chain(inputs).collect();
        if null.is_empty() { Ok(()) } else { write!(f, ", against {}", null.join(" and ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guidance_reads_like_a_sentence() {
        let mut guidance = GuidanceSettings {
            scale: 1.5,
            interval: None,
            style: "doubled".to_owned(),
            null_label: Some(10),
            null_inputs: None,
        };
        assert_eq!(guidance.to_string(), "guidance 1.5, against label 10");
        guidance.interval = Some([0.3, 0.8]);
        let (path, sha256) = ("empty.safetensors".to_owned(), String::new());
        guidance.null_inputs = Some(FileSettings { path, sha256 });
        let expected = "guidance 1.5 from t = 0.3 to 0.8, against label 10 and empty.safetensors";
        assert_eq!(guidance.to_string(), expected);
    }
}
