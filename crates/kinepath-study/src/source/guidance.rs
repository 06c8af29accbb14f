//! Classifier-free guidance in words.

use kinepath::field::{FieldError, GuidanceStyleError, Guided, Null, VelocityField};
use serde::{Deserialize, Serialize};

use crate::StudyError;
use crate::conditions::{FieldInputs, InputsFile, Wanted};
use crate::run::GuidanceSettings;

/// Classifier-free guidance, as settings files and command lines say it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuidanceSpec {
    /// The scale w of `v = v_∅ + w (v_c − v_∅)`.
    pub scale: f64,
    /// The first and the last time at which it applies, noise at 0 and data at 1; the whole path
    /// if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// How the two evaluations are made: `doubled`, in one batch, or `calls`, one after the other.
    #[serde(default = "doubled")]
    pub style: String,
    /// The label that stands for no class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub null_label: Option<i64>,
    /// A safetensors file of the inputs that stand for no condition, such as the embedding of the
    /// empty prompt: one row of each input that differs from the samples'.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub null_inputs: Option<String>,
}

fn doubled() -> String {
    "doubled".to_owned()
}

impl GuidanceSpec {
    /// The same by this label where no null condition is named.
    pub(super) fn or_null_label(mut self, label: Option<i64>) -> Self {
        if self.null_inputs.is_none() {
            self.null_label = self.null_label.or(label);
        }
        self
    }

    /// Guides `field`, which is `spec` and takes a label or `inputs`.
    ///
    /// # Errors
    /// [`StudyError::Spec`] for a null condition that is missing or does not fit the field, an
    /// unknown style, or a scale or interval out of range; [`StudyError::Data`] for a file that
    /// cannot be read.
    pub(super) fn guide<F: VelocityField>(
        &self,
        field: F,
        spec: &str,
        labelled: bool,
        inputs: &FieldInputs,
    ) -> Result<(Guided<F>, GuidanceSettings), StudyError> {
        let refuse =
            |text: String, reason: String| StudyError::Spec { what: "guidance", text, reason };
        let of_scale = |reason: String| refuse(format!("scale {}", self.scale), reason);
        if self.null_label.is_none() && self.null_inputs.is_none() {
            let reason = "it needs a null condition, a label or inputs that stand for none: name \
                          it (--null-label, --null-inputs), or keep null_label in \
                          NAME.kinepath.toml beside the network";
            return Err(of_scale(reason.to_owned()));
        }
        if let Some(null) = self.null_label.filter(|_| !labelled) {
            return Err(refuse(format!("null label {null}"), format!("{spec} has no classes")));
        }
        let style = self.style.parse().map_err(|error: GuidanceStyleError| {
            refuse(format!("style {}", self.style), error.to_string())
        })?;
        let file =
            self.null_inputs.as_ref().map(|path| InputsFile::open(path, inputs, Wanted::Null));
        let file = file.transpose()?;
        let nulls = file.as_ref().map_or(Ok(Vec::new()), |file| file.rows(&[0]))?;
        let null = Null { label: self.null_label, inputs: nulls };
        let unusable = |error: FieldError| of_scale(error.to_string());
        let mut guided = Guided::new(field, null, self.scale).map_err(unusable)?.style(style);
        if let Some([from, to]) = self.interval {
            guided = guided.interval(from, to).map_err(unusable)?;
        }
        let settings = GuidanceSettings {
            scale: self.scale,
            interval: self.interval,
            style: self.style.clone(),
            null_label: self.null_label,
            null_inputs: file.map(|file| file.settings().clone()),
        };
        Ok((guided, settings))
    }
}

impl From<&GuidanceSettings> for GuidanceSpec {
    fn from(settings: &GuidanceSettings) -> Self {
        Self {
            scale: settings.scale,
            interval: settings.interval,
            style: settings.style.clone(),
            null_label: settings.null_label,
            null_inputs: settings.null_inputs.as_ref().map(|file| file.path.clone()),
        }
    }
}
