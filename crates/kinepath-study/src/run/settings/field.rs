//! What is sampled, as `run.toml` says it.

use serde::{Deserialize, Serialize};

use super::{GuidanceSettings, UNKNOWN};
use crate::data::Scaling;

/// The form of a field that this program has not opened.
const EXTERNAL: &str = "external";

/// The velocity field and its conventions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldSettings {
    /// `onnx:FILE`, `empirical:DATA` or `mixture:FILE`; `external:NAME` where samples come from a
    /// model that this program did not open, or are data somebody had.
    pub spec: String,
    /// SHA-256 of the model file, followed by the files beside it that hold its weights, or of the
    /// data set's content, in hexadecimal; [`UNKNOWN`] for `external:`.
    pub sha256: String,
    /// What ran the network, with the version of a library that is not part of this program: `rten`,
    /// `ort 1.32.0`, `ort:cuda 1.32.0`. Engines agree to rounding alone, so another one makes
    /// another run. Absent where there is no network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// What the network predicts: `velocity`, `data`, `noise`, `v` or `residual`; [`UNKNOWN`] for
    /// `external:`.
    pub predicts: String,
    /// The network's time: `unit`, `reversed`, `discrete:T`, `scaled:S`, `step`, `sigma` or
    /// `c-noise`; [`UNKNOWN`] for `external:`.
    pub time: String,
    /// The path the network was trained on, where it is not the straight one: `vp:SCHEDULE`, `ve`
    /// or `edm:SIGMA_DATA`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// SHA-256 of the file that the path's schedule was read from, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_sha256: Option<String>,
    /// For data that became points or samples, what was done to the stored values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling: Option<Scaling>,
    /// Classifier-free guidance, where there is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guidance: Option<GuidanceSettings>,
}

impl FieldSettings {
    /// A source of samples that this program has not opened, by the name its owner gives it.
    #[must_use]
    pub fn external(name: &str) -> Self {
        Self {
            spec: format!("{EXTERNAL}:{name}"),
            sha256: UNKNOWN.to_owned(),
            engine: None,
            predicts: UNKNOWN.to_owned(),
            time: UNKNOWN.to_owned(),
            path: None,
            schedule_sha256: None,
            scaling: None,
            guidance: None,
        }
    }

    /// Whether this is a source that this program has not opened.
    #[must_use]
    pub fn is_external(&self) -> bool {
        self.spec.strip_prefix(EXTERNAL).is_some_and(|rest| rest.starts_with(':'))
    }

    /// Whether it is the same field as `other`, wherever their files lie, whatever runs them, and
    /// however guidance evaluates them.
    pub(crate) fn is_model_of(&self, other: &Self) -> bool {
        let model = |field: &Self| {
            let mut model = Self { engine: None, ..field.anywhere() };
            if let Some(guidance) = &mut model.guidance {
                guidance.style.clear();
            }
            model
        };
        model(self) == model(other)
    }

    /// The same without where its files lie, which their hashes tell: a field is the same on every
    /// machine. One that this program has not opened has its name only.
    #[must_use]
    pub(crate) fn anywhere(&self) -> Self {
        let mut field = self.clone();
        if self.is_external() {
            return field;
        }
        field.spec.clear();
        if field.schedule_sha256.is_some() {
            // `vp:FILE,OPTION,...`
            field.path = field.path.map(|path| {
                path.split_once(',').map_or(String::new(), |(_, options)| options.to_owned())
            });
        }
        if let Some(file) = field.guidance.as_mut().and_then(|g| g.null_inputs.as_mut()) {
            file.path.clear();
        }
        field
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::FileSettings;

    #[test]
    fn a_field_is_the_same_wherever_its_files_lie() {
        let field = |folder: &str, style: &str| FieldSettings {
            spec: format!("onnx:{folder}/net.onnx"),
            path: Some(format!("vp:{folder}/levels.txt,max=2")),
            schedule_sha256: Some("0a".to_owned()),
            guidance: Some(GuidanceSettings {
                scale: 2.0,
                interval: None,
                style: style.to_owned(),
                null_label: None,
                null_inputs: Some(FileSettings {
                    path: format!("{folder}/null.safetensors"),
                    sha256: "0b".to_owned(),
                }),
            }),
            ..FieldSettings::external("")
        };
        let here = field("here", "doubled");
        assert!(here.is_model_of(&field("there", "calls")));
        let mut other = here.clone();
        other.path = Some("vp:here/levels.txt,max=3".to_owned());
        assert!(!here.is_model_of(&other));
        let mut other = here.clone();
        other.guidance.as_mut().unwrap().scale = 3.0;
        assert!(!here.is_model_of(&other));
        let named = FieldSettings::external;
        assert!(!named("one").is_model_of(&named("another")));
    }
}
