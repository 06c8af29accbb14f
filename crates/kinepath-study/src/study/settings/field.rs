//! The velocity fields of a study.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::StudyError;
use crate::conditions::{LabelSpec, RunConditions};
use crate::conventions::ConventionWords;
use crate::source::{Engine, FieldSource, FieldSpec, GuidanceSpec};

/// A velocity field to study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldChoice {
    /// Its name in the report.
    pub name: String,
    /// `onnx:FILE`, `empirical:DATA` or `mixture:FILE`.
    pub spec: String,
    /// What a network predicts: `velocity`, `data`, `noise`, `v` or `residual`; unless told, what
    /// the file beside the network says, or networks of its path usually do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicts: Option<String>,
    /// A network's time: `unit`, `reversed`, `discrete:T`, `scaled:S`, `step`, `sigma` or `c-noise`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The path a network was trained on: `straight`, `vp:SCHEDULE`, `ve` or `edm:SIGMA_DATA`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What runs a network: `auto`, `rten`, `ort`, `ort:cuda` or `ort:tensorrt`.
    #[serde(default, skip_serializing_if = "is_auto")]
    pub engine: Engine,
    /// The classes of the samples, for a network with a label: a number for all, a list,
    /// `cycle:K` for 0 to K − 1 in turn, or a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<String>,
    /// A safetensors file of the further inputs that a network takes, a tensor of the name of each,
    /// with a row for each sample or one for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<String>,
    /// Classifier-free guidance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guidance: Option<GuidanceSpec>,
}

impl FieldChoice {
    /// A field by this name that is not conditioned on anything, with the conventions that are kept
    /// beside its network.
    #[must_use]
    pub fn unconditional(name: &str, spec: &str) -> Self {
        Self {
            name: name.to_owned(),
            spec: spec.to_owned(),
            predicts: None,
            time: None,
            path: None,
            engine: Engine::Auto,
            labels: None,
            inputs: None,
            guidance: None,
        }
    }

    /// Opens the field.
    ///
    /// # Errors
    /// Those of [`FieldSource::open`].
    pub(crate) fn open(&self) -> Result<FieldSource, StudyError> {
        FieldSource::open(&FieldSpec {
            spec: self.spec.clone(),
            conventions: self.conventions(),
            engine: self.engine,
            guidance: self.guidance.clone(),
            in_full: None,
        })
    }

    /// Refuses conditions that do not fit `source` or a run of `count` samples.
    ///
    /// # Errors
    /// Those of [`conditions`](Self::conditions), and [`StudyError::Spec`] for conditions that the
    /// field does not take or lacks.
    pub(crate) fn check(&self, source: &FieldSource, count: usize) -> Result<(), StudyError> {
        self.conditions(source, 0..count, count)?.check(source, 0, count)
    }

    /// The conditions of the samples `range` of `source`, of `total` that there are.
    ///
    /// # Errors
    /// [`StudyError::Spec`] for labels that cannot be read, and those of [`RunConditions::open`].
    pub(crate) fn conditions(
        &self,
        source: &FieldSource,
        range: Range<usize>,
        total: usize,
    ) -> Result<RunConditions, StudyError> {
        let labels = self.labels.as_ref().map(|text| {
            text.parse::<LabelSpec>().map_err(|reason| StudyError::Spec {
                what: "labels",
                text: text.clone(),
                reason,
            })
        });
        let labels = labels.transpose()?;
        RunConditions::open(labels.as_ref(), self.inputs.as_deref(), source, range, total)
    }

    /// Runs the field on `engine` if it is a network.
    pub fn set_engine(&mut self, engine: Engine) {
        if self.spec.starts_with("onnx:") {
            self.engine = engine;
        }
    }

    /// What is told of its conventions.
    #[must_use]
    pub fn conventions(&self) -> ConventionWords {
        ConventionWords {
            predicts: self.predicts.clone(),
            time: self.time.clone(),
            path: self.path.clone(),
        }
    }
}

/// The signature is what serde asks for.
pub(super) fn is_auto(engine: &Engine) -> bool {
    *engine == Engine::Auto
}
