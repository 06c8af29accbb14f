//! The settings of a study: a TOML file.

use serde::{Deserialize, Serialize};

/// What a study runs, on what, and how closely it looks.
///
/// [`StudySettings::default`] is the study of the embedded model; `kinepath study --print-default`
/// shows it as a file to edit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudySettings {
    /// Heading of the report.
    pub title: String,
    /// Number of samples per run; every gain gets the same noise.
    pub count: usize,
    /// Samples integrated together.
    pub batch: usize,
    /// Seed of the noise and of every bootstrap.
    pub seed: u64,
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
    /// Real images held out from it: the reference of Fréchet distance and precision/recall.
    pub reference: String,
    /// ONNX network whose `features` are the feature space.
    pub encoder: String,
    /// ONNX network whose `logits` give confidence and margin.
    pub classifier: String,
}

/// Solver and time grid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplerChoice {
    /// `euler`, `midpoint`, `heun`, `rk4` or `dopri5`.
    pub solver: String,
    /// Number of steps.
    pub steps: usize,
    /// `uniform`, `cosine`, `shift:S` or a file of times.
    pub grid: String,
    /// `solver` or `left`.
    pub quadrature: String,
}

/// A velocity field to study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldChoice {
    /// Its name in the report.
    pub name: String,
    /// `onnx:FILE`, `empirical:DATA` or `mixture:FILE`.
    pub spec: String,
    /// What a network predicts: `velocity`, `data` or `noise`.
    #[serde(default = "velocity")]
    pub predicts: String,
    /// A network's time: `unit`, `reversed`, `discrete:T` or `scaled:S`.
    #[serde(default = "unit")]
    pub time: String,
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

fn velocity() -> String {
    "velocity".to_owned()
}

fn unit() -> String {
    "unit".to_owned()
}

impl Default for StudySettings {
    /// The embedded model and data: the four gains of arXiv 2602.07928's Table 1 scale and SSC.
    fn default() -> Self {
        let field = |name: &str, spec: &str| FieldChoice {
            name: name.to_owned(),
            spec: spec.to_owned(),
            predicts: velocity(),
            time: unit(),
        };
        let gain =
            |name: &str, gain: &str| GainChoice { name: name.to_owned(), gain: gain.to_owned() };
        Self {
            title: "Fashion-MNIST: the embedded model at the edge of memorization".to_owned(),
            count: 384,
            batch: 128,
            seed: 0,
            // The smallest p-value, 2/2001, must survive the adjustment over 32 differences.
            resamples: 2000,
            bins: 8,
            support_neighbours: 10,
            significance: 0.05,
            data: DataSettings {
                train: "builtin:fashion-mnist".to_owned(),
                reference: "builtin:fashion-mnist-reference".to_owned(),
                encoder: "builtin:classifier".to_owned(),
                classifier: "builtin:classifier".to_owned(),
            },
            sampler: SamplerChoice {
                solver: "euler".to_owned(),
                steps: 50,
                grid: "uniform".to_owned(),
                quadrature: "solver".to_owned(),
            },
            fields: vec![
                field("trained U-Net", "onnx:builtin:velocity"),
                field("empirical field", "empirical:builtin:fashion-mnist"),
            ],
            gains: vec![
                gain("KTS", "kts:alpha=0.01,beta=0.01"),
                gain("launch only", "kts:alpha=0.02,beta=0"),
                gain("landing only", "kts:alpha=0,beta=0.02"),
                gain("SSC", "ssc:alpha=0.02,power=1"),
            ],
        }
    }
}
