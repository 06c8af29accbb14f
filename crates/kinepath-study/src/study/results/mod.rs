//! What a study finds: the content of `study.json`.
//!
//! Every number of the report is here, so a report can be drawn again without the runs.

mod association;
mod audit;
mod comparison;
mod energy;
mod theory;

pub use association::{Association, BandConfirmation, Goldilocks, GoldilocksBin, Tercile};
pub use audit::{Calibration, ClassShare, CurvePoint, FlagScore, Memorization, Risk};
pub use comparison::{
    Comparison, Control, ControlFigure, ControlKind, Difference, Direction, Effect, MetricResult,
    Quoted, Verdict,
};
pub use energy::{EnergyResults, ProfilePoint};
pub use theory::{Theory, TheoryNode};

use serde::{Deserialize, Serialize};

use super::StudySettings;
use crate::run::RunCertificate;

/// The results of a study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StudyResults {
    /// The version of kinepath that made it.
    pub kinepath: String,
    /// The settings it was made with: enough to repeat it.
    pub settings: StudySettings,
    /// The training set whose copying is audited.
    pub training: DataResults,
    /// Real records that the model has not seen, where some were given.
    pub reference: Option<DataResults>,
    /// How often the memorization criterion cries wolf on them.
    pub calibration: Option<Calibration>,
    /// One entry per field studied.
    pub models: Vec<ModelResults>,
}

/// A data set, as a study used it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataResults {
    /// Its specification.
    pub name: String,
    /// Number of records.
    pub count: usize,
    /// Number of different records.
    pub distinct: usize,
    /// Shape of a record.
    pub shape: Vec<usize>,
    /// What was done to the stored values.
    pub scaling: String,
    /// SHA-256 of its content.
    pub sha256: String,
    /// Where its values lie.
    pub values: ValueScale,
}

/// Where the values of a set lie, all elements of all its records or samples together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ValueScale {
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation.
    pub sd: f64,
}

/// What was found for one velocity field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelResults {
    /// Its name in the study.
    pub name: String,
    /// Its specification.
    pub spec: String,
    /// The findings in words, one sentence each, the most important first.
    pub findings: Vec<String>,
    /// One entry per gain; the first is the baseline, η = 1.
    pub runs: Vec<RunResults>,
    /// What following the paths of all runs guarantees; absent where paths of one of them were not
    /// followed, as they are for an empirical field only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<RunCertificate>,
    /// What the energy of the baseline's samples goes with; empty without energies, as is whatever
    /// else goes along the energy.
    pub associations: Vec<Association>,
    /// Fidelity of the baseline's samples by KPE tercile, lowest energy first.
    pub terciles: Vec<Tercile>,
    /// Memorization and fidelity of the baseline's samples along KPE; absent without a classifier.
    pub goldilocks: Option<Goldilocks>,
    /// Flags for copied samples, and how well they find them; absent where nothing is memorized,
    /// or everything.
    pub risk: Option<Risk>,
    /// What the closed form says of the baseline's paths; absent for anything but empirical fields.
    pub theory: Option<Theory>,
    /// The baseline's samples one by one, for scatter plots.
    pub samples: SampleColumns,
    /// Some of the baseline's samples as pictures; empty if samples are no images.
    pub pictures: Vec<Picture>,
}

impl ModelResults {
    /// Whether the paths of any run were measured.
    #[must_use]
    pub fn has_energies(&self) -> bool {
        self.runs.iter().any(|run| run.energy.is_some())
    }
}

/// What was found for one gain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResults {
    /// Its name in the study.
    pub name: String,
    /// The gain as an expression; `unknown` for samples from elsewhere.
    pub gain: String,
    /// The folder of the run, relative to the study's.
    pub folder: String,
    /// Number of samples.
    pub count: usize,
    /// Where the samples' values lie, decoded where they are latents.
    pub values: ValueScale,
    /// Its energies; absent where nobody measured the paths.
    pub energy: Option<EnergyResults>,
    /// Its figures, in the order of the study's table of metrics.
    pub metrics: Vec<MetricResult>,
    /// Figures as other tools quote them, which are not compared between gains.
    pub quoted: Quoted,
    /// Who is copied, and how the share depends on the threshold.
    pub memorization: Memorization,
    /// How it differs from the baseline; absent for the baseline itself.
    pub comparison: Option<Comparison>,
}

impl RunResults {
    /// Its figure of the metric `key`.
    #[must_use]
    pub fn figure(&self, key: &str) -> Option<&MetricResult> {
        self.metrics.iter().find(|result| result.metric == key)
    }

    /// How it differs from the baseline in the metric `key`.
    #[must_use]
    pub fn difference(&self, key: &str) -> Option<&Difference> {
        self.comparison.as_ref()?.differences.iter().find(|row| row.metric == key)
    }
}

/// Every metric that some of `runs` has, in the order of first appearance.
#[must_use]
pub fn metrics_of<'a>(runs: impl IntoIterator<Item = &'a RunResults>) -> Vec<&'a MetricResult> {
    let mut metrics: Vec<&MetricResult> = Vec::new();
    for result in runs.into_iter().flat_map(|run| &run.metrics) {
        if metrics.iter().all(|known| known.metric != result.metric) {
            metrics.push(result);
        }
    }
    metrics
}

/// Samples one by one: equally long columns in index order.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SampleColumns {
    /// Kinetic path energy; empty where nobody measured the paths.
    pub kpe: Vec<f64>,
    /// Classifier margin; empty without a classifier.
    pub margin: Vec<f64>,
    /// k-nearest-neighbour support in feature space.
    pub knn_support: Vec<f64>,
    /// Gap ratio d1/d2 to the training set, where `settings.data.copies_in` says.
    pub gap_ratio: Vec<f64>,
    /// Whether the gap ratio counts as memorized.
    pub memorized: Vec<bool>,
}

/// A sample beside its nearest training image, as PNG data URIs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// `low`, `middle` or `high` KPE; `any` where it is not known.
    pub group: String,
    /// Sample index.
    pub index: usize,
    /// Its KPE, where it is known.
    pub kpe: Option<f64>,
    /// Its gap ratio.
    pub gap_ratio: f64,
    /// Whether that counts as memorized.
    pub memorized: bool,
    /// Index of the nearest training image, in the space where copies are sought.
    pub nearest_index: usize,
    /// The sample.
    pub sample: String,
    /// The nearest training image.
    pub nearest: String,
    /// The energy map, brightest where most energy was spent.
    pub energy_map: String,
}
