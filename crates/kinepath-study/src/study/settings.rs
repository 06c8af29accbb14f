//! The settings of a study: a TOML file.

mod data;
mod field;

use serde::{Deserialize, Serialize};

pub use data::{ClipSettings, DataSettings, DecoderSettings};
pub use field::FieldChoice;

use super::copy_space::CopySpace;
use crate::StudyError;
use crate::run::Certify;
use crate::schedule::ScheduleSpec;
use crate::source::{Engine, FieldSource};

/// What a study runs, on what, and how closely it looks.
///
/// [`StudySettings::default`] is the study of the embedded model; `kinepath study --print-default`
/// shows it as a file to edit. A file must name the data and the fields; what else it leaves out is as
/// there, but for title and gains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudySettings {
    /// Heading of the report.
    #[serde(default = "untitled")]
    pub title: String,
    /// Number of samples per run and seed; every gain gets the same noise.
    #[serde(default = "usual::count")]
    pub count: usize,
    /// Samples integrated together.
    #[serde(default = "usual::batch")]
    pub batch: usize,
    /// Seeds of the noise, each sampled `count` times. With several, intervals are over seeds and
    /// samples within them. The first is also the seed of every bootstrap and permutation.
    #[serde(default = "usual::seeds")]
    pub seeds: Vec<u64>,
    /// Bootstrap resamples.
    #[serde(default = "usual::resamples")]
    pub resamples: usize,
    /// Number of KPE quantile bins of the Goldilocks curve.
    #[serde(default = "usual::bins")]
    pub bins: usize,
    /// Neighbours k of the support estimates.
    #[serde(default = "usual::support_neighbours")]
    pub support_neighbours: usize,
    /// Level of the false discovery rate below which a difference counts.
    #[serde(default = "usual::significance")]
    pub significance: f64,
    /// The images and networks that samples are judged by.
    pub data: DataSettings,
    /// Solver and time grid, the same for every gain.
    #[serde(default)]
    pub sampler: SamplerChoice,
    /// The velocity fields to study.
    #[serde(rename = "field")]
    pub fields: Vec<FieldChoice>,
    /// The gains to compare with the baseline η = 1; without any, the baseline is studied alone.
    #[serde(rename = "gain", default)]
    pub gains: Vec<GainChoice>,
}

/// Solver and time grid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certify: Option<Certify>,
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

    /// The schedule of `gain` for paths through the field of `source`.
    pub(crate) fn schedule(&self, gain: &str, source: &FieldSource) -> ScheduleSpec {
        let Self { solver, steps, grid, quadrature, certify } = self.clone();
        // A study may have other fields beside the empirical one that the gap is meant for.
        let certify = certify.filter(|_| source.empirical.is_some());
        let gain = gain.to_owned();
        ScheduleSpec { solver, steps, grid, quadrature, gain, certify, ..ScheduleSpec::default() }
    }
}

impl Default for SamplerChoice {
    /// As of `sample`.
    fn default() -> Self {
        let ScheduleSpec { solver, steps, grid, quadrature, certify, .. } = ScheduleSpec::default();
        Self { solver, steps, grid, quadrature, certify }
    }
}

/// The title of a study that has none.
fn untitled() -> String {
    "A study of kinetic path energy".to_owned()
}

/// Defines a function for each key that a file may leave out: the value that it then has.
macro_rules! usual_values {
    ($settings:ty: $($key:ident: $kind:ty),* $(,)?) => {
        mod usual {
            use super::*;

            $(pub(super) fn $key() -> $kind {
                <$settings>::default().$key
            })*
        }
    };
}
pub(crate) use usual_values;

usual_values!(StudySettings:
    count: usize, batch: usize, seeds: Vec<u64>, resamples: usize, bins: usize,
    support_neighbours: usize, significance: f64,
);

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
                engine: Engine::Auto,
            },
            sampler: SamplerChoice::default(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_data_and_fields_and_leaves_out_the_rest() {
        let least = "\
[data]
train = \"mine.npy\"

[sampler]
steps = 20

[[field]]
name = \"mine\"
spec = \"onnx:mine.onnx\"
";
        let settings: StudySettings = toml::from_str(least).unwrap();
        let usual = StudySettings::default();
        assert_eq!((settings.count, settings.resamples), (usual.count, usual.resamples));
        assert_eq!((settings.sampler.steps, settings.sampler.solver.as_str()), (20, "euler"));
        assert_eq!((settings.gains.len(), settings.data.reference), (0, None));
        let at = |header: &str| least.find(header).unwrap();
        for (lacking, name) in
            [(&least[at("[sampler]")..], "data"), (&least[..at("[[field]]")], "field")]
        {
            let error = toml::from_str::<StudySettings>(lacking).unwrap_err().to_string();
            assert!(error.contains(&format!("missing field `{name}`")), "{error}");
        }
    }
}
