//! What samples are judged by.

use serde::{Deserialize, Serialize};

use super::StudySettings;
use super::field::is_auto;
use crate::StudyError;
use crate::source::Engine;
use crate::study::CopySpace;

/// What samples are judged by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSettings {
    /// The training set of the model.
    pub train: String,
    /// Real records held out from it: the reference of distances between distributions, precision
    /// and recall, and of the copying test. Without them those figures are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The decoder of a latent model: samples are latents, and everything but their energies is of the
    /// pictures that it makes of them. Without one samples are what the training set holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decoder: Option<DecoderSettings>,
    /// ONNX network whose `features` are the feature space; without one it is the samples' own
    /// space, pixels. `FILE:preprocess=inception` or `clip` prepares samples as those networks were
    /// trained on them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder: Option<String>,
    /// The space in which copies of training records are sought: `pixels`, or `features`, which
    /// needs an encoder.
    #[serde(default)]
    pub copies_in: CopySpace,
    /// ONNX network whose `logits` give confidence and margin. Without it those are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classifier: Option<String>,
    /// Image and text encoders whose features share a space, and prompts. Without them CLIP scores
    /// are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<ClipSettings>,
    /// What runs these networks.
    #[serde(default, skip_serializing_if = "is_auto")]
    pub engine: Engine,
}

/// How latents become pictures: `network(z / scale + shift)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecoderSettings {
    /// ONNX network from latents to pictures.
    pub network: String,
    /// What latents were multiplied by for training: diffusers' `scaling_factor`.
    #[serde(default = "one")]
    pub scale: f64,
    /// What was subtracted from them before that: diffusers' `shift_factor`.
    #[serde(default)]
    pub shift: f64,
}

/// How the fit of samples to prompts is scored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClipSettings {
    /// ONNX network for pictures, usually with `:preprocess=clip`.
    pub image: String,
    /// The prompts: a text file with one a line, or without `text` an array of embeddings `[P, F]`.
    /// The sample of class c should show prompt c; without classes, the prompt that fits best
    /// counts as its own.
    pub prompts: String,
    /// ONNX network for prompts in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Its `tokenizer.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokenizer: Option<String>,
}

impl DataSettings {
    /// The same with what the embedded training set implies, where nothing else is named: held-out
    /// records, and the network beside it as encoder and classifier.
    pub fn with_implied(mut self) -> Self {
        let embedded = StudySettings::default().data;
        if self.train == embedded.train {
            self.reference = self.reference.or(embedded.reference);
            self.encoder = self.encoder.or(embedded.encoder);
            self.classifier = self.classifier.or(embedded.classifier);
        }
        self
    }

    /// Refuses settings by which nothing can be judged.
    ///
    /// # Errors
    /// [`StudyError::Spec`] for copies sought in features that no encoder gives.
    pub fn check(&self) -> Result<(), StudyError> {
        match (self.copies_in, &self.encoder) {
            (CopySpace::Features, None) => Err(StudyError::Spec {
                what: "the space of copies",
                text: CopySpace::Features.to_string(),
                reason: "there is no encoder whose features they would be; name one (--encoder), \
                         or seek copies in pixels"
                    .to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// What samples are where they are decoded first, in words.
    pub fn decoded_in_words(&self) -> Option<String> {
        let DecoderSettings { network, .. } = self.decoder.as_ref()?;
        Some(format!(
            "latents, decoded by {network}: energies are those of latents, all else is of pictures"
        ))
    }

    /// Where copies are sought, in words.
    pub fn copies_in_words(&self) -> String {
        match (self.copies_in, &self.encoder, &self.decoder) {
            (CopySpace::Features, Some(encoder), _) => format!("the features of {encoder}"),
            (space, _, Some(decoder)) => format!("{space} decoded by {}", decoder.network),
            (space, _, None) => space.to_string(),
        }
    }
}

fn one() -> f64 {
    1.0
}
