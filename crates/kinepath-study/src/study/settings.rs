//! The settings of a study: a TOML file.

use serde::{Deserialize, Serialize};

use super::copy_space::CopySpace;
use crate::StudyError;
use crate::conditions::{LabelSpec, RunConditions};
use crate::conventions::ConventionWords;
use crate::run::Certify;
use crate::source::{Engine, FieldSource, FieldSpec, GuidanceSpec};

/// What a study runs, on what, and how closely it looks.
///
/// [`StudySettings::default`] is the study of the embedded model; `kinepath study --print-default`
/// shows it as a file to edit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudySettings {
    /// Heading of the report.
    pub title: String,
    /// Number of samples per run and seed; every gain gets the same noise.
    pub count: usize,
    /// Samples integrated together.
    pub batch: usize,
    /// Seeds of the noise, each sampled `count` times. With several, intervals are over seeds and
    /// samples within them. The first is also the seed of every bootstrap and permutation.
    pub seeds: Vec<u64>,
    /// Bootstrap resamples.
    pub resamples: usize,
    /// Number of KPE quantile bins of the Goldilocks curve.
    pub bins: usize,
    /// Neighbours k of the support estimates.
    pub support_neighbours: usize,
    /// Level of the false discovery rate below which a difference counts.
    pub significance: f64,
    /// The images and networks that samples are judged by.
    pub data: DataSettings,
    /// Solver and time grid, the same for every gain.
    pub sampler: SamplerChoice,
    /// The velocity fields to study.
    #[serde(rename = "field")]
    pub fields: Vec<FieldChoice>,
    /// The gains to compare with the baseline η = 1.
    #[serde(rename = "gain")]
    pub gains: Vec<GainChoice>,
}

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

/// Solver and time grid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplerChoice {
    /// `euler`, `midpoint`, `heun`, `rk4` or `dopri5`.
    pub solver: String,
    /// Number of steps.
    pub steps: usize,
    /// `uniform`, `cosine`, `shift:S` and so on, as `--grid` of `sample`, or a file of times.
    pub grid: String,
    /// `solver` or `left`.
    pub quadrature: String,
    /// The gap at which Euler paths through empirical fields drop training points, or `off`; the
    /// usual one if absent. Other fields have no use for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certify: Option<Certify>,
}

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
    /// A field by this name that is not conditioned on anything.
    #[must_use]
    pub fn unconditional(name: &str, spec: &str) -> Self {
        Self {
            name: name.to_owned(),
            spec: spec.to_owned(),
            predicts: Some("velocity".to_owned()),
            time: Some("unit".to_owned()),
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
        })
    }

    /// Refuses conditions that do not fit `source` or a run of `count` samples.
    ///
    /// # Errors
    /// Those of [`conditions`](Self::conditions), and [`StudyError::Spec`] for conditions that the
    /// field does not take or lacks.
    pub(crate) fn check(&self, source: &FieldSource, count: usize) -> Result<(), StudyError> {
        self.conditions(source, 0, count)?.check(source, count)
    }

    /// The conditions of `count` samples of `source` from sample `first` on.
    ///
    /// # Errors
    /// [`StudyError::Spec`] for labels that cannot be read, and those of [`RunConditions::open`].
    pub(crate) fn conditions(
        &self,
        source: &FieldSource,
        first: usize,
        count: usize,
    ) -> Result<RunConditions, StudyError> {
        let labels = self.labels.as_ref().map(|text| {
            text.parse::<LabelSpec>().map_err(|reason| StudyError::Spec {
                what: "labels",
                text: text.clone(),
                reason,
            })
        });
        let labels = labels.transpose()?;
        RunConditions::open(labels.as_ref(), self.inputs.as_deref(), source, first, count)
    }
}

/// A gain to compare with the baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GainChoice {
    /// Its name in the report.
    pub name: String,
    /// The gain as an expression or a file.
    pub gain: String,
}

impl StudySettings {
    /// The first seed, 0 if there is none.
    pub fn first_seed(&self) -> u64 {
        self.seeds.first().copied().unwrap_or(0)
    }
}

impl FieldChoice {
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

impl SamplerChoice {
    /// Refuses a gap that would change nothing on any of `fields`.
    ///
    /// # Errors
    /// [`StudyError::Spec`] for a gap without Euler paths through an empirical field.
    pub fn check(&self, fields: &[FieldChoice]) -> Result<(), StudyError> {
        let followed = fields.iter().any(|field| field.spec.starts_with("empirical:"));
        match self.certify {
            Some(certify) if !followed || self.solver != "euler" => Err(StudyError::Spec {
                what: "certify",
                text: certify.to_string(),
                reason: "only Euler paths through an empirical: field are followed, and there are \
                         none; leave it out"
                    .to_owned(),
            }),
            _ => Ok(()),
        }
    }
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

/// The signature is what serde asks for.
fn is_auto(engine: &Engine) -> bool {
    *engine == Engine::Auto
}

impl Default for StudySettings {
    /// The embedded model and data: the gains of arXiv 2602.07928's Table 1 scale, SSC and a governed
    /// gain.
    fn default() -> Self {
        let gain =
            |name: &str, gain: &str| GainChoice { name: name.to_owned(), gain: gain.to_owned() };
        Self {
            title: "Fashion-MNIST: the embedded model at the edge of memorization".to_owned(),
            count: 320,
            batch: 128,
            seeds: vec![0],
            // The smallest p-value, 1/2001, must survive the adjustment over all differences.
            resamples: 2000,
            bins: 8,
            support_neighbours: 10,
            significance: 0.05,
            data: DataSettings {
                train: "builtin:fashion-mnist".to_owned(),
                reference: Some("builtin:fashion-mnist-reference".to_owned()),
                decoder: None,
                encoder: Some("builtin:classifier".to_owned()),
                copies_in: CopySpace::Pixels,
                classifier: Some("builtin:classifier".to_owned()),
                clip: None,
            },
            sampler: SamplerChoice {
                solver: "euler".to_owned(),
                steps: 50,
                grid: "uniform".to_owned(),
                quadrature: "solver".to_owned(),
                certify: None,
            },
            fields: vec![
                FieldChoice::unconditional("trained U-Net", "onnx:builtin:velocity"),
                FieldChoice::unconditional("empirical field", "empirical:builtin:fashion-mnist"),
            ],
            gains: vec![
                gain("KTS", "kts:alpha=0.01,beta=0.01"),
                gain("launch only", "kts:alpha=0.02,beta=0"),
                gain("landing only", "kts:alpha=0,beta=0.02"),
                gain("SSC", "ssc:alpha=0.02,power=1"),
                gain("governed", "governed:quantile=0.5,strength=1"),
            ],
        }
    }
}
