//! The settings of a search: a TOML file.

use serde::{Deserialize, Serialize};

use super::space::{Family, PUBLISHED};
use crate::StudyError;
use crate::study::{
    DataSettings, FieldChoice, SamplerChoice, StudySettings, check_resamples, usual_values,
};

/// Rungs beyond which the samples of the last one would be beyond any budget: 2¹⁶ times the first.
const MOST_RUNGS: usize = 16;
/// The largest number of candidates: the length of a Sobol sequence of `sobol_burley`.
pub(super) const MOST_CANDIDATES: usize = 1 << 16;

/// What is tuned, for what, and how much may be spent on it.
///
/// [`TuneSettings::default`] tunes the embedded model; `kinepath tune --print-default` shows it as
/// a file to edit. A file must name the data and the field; what else it leaves out is as there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TuneSettings {
    /// Keys of two metrics: the one that must not get worse, and the one to improve.
    #[serde(default = "usual::objectives")]
    pub objectives: Vec<String>,
    /// Number of gains in the first rung, the published ones among them.
    #[serde(default = "usual::candidates")]
    pub candidates: usize,
    /// Samples per gain in the first rung; each rung doubles them.
    #[serde(default = "usual::count")]
    pub count: usize,
    /// Number of rungs.
    #[serde(default = "usual::rungs")]
    pub rungs: usize,
    /// One gain in this many goes on to the next rung.
    #[serde(default = "usual::keep")]
    pub keep: usize,
    /// The most gains of the last rung that are confirmed.
    #[serde(default = "usual::finalists")]
    pub finalists: usize,
    /// Fresh samples per gain of the confirmation.
    #[serde(default = "usual::confirm")]
    pub confirm: usize,
    /// Minutes the whole may take; candidates and confirmation are then chosen to fit, and
    /// `candidates` and `confirm` are not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
    /// Seed of the draws, of the search's noise and of every bootstrap; the confirmation's noise
    /// has the next one.
    #[serde(default = "usual::seed")]
    pub seed: u64,
    /// Samples integrated together.
    #[serde(default = "usual::batch")]
    pub batch: usize,
    /// Bootstrap resamples.
    #[serde(default = "usual::resamples")]
    pub resamples: usize,
    /// The images and networks that samples are judged by.
    pub data: DataSettings,
    /// Solver and time grid, the same for every gain.
    #[serde(default)]
    pub sampler: SamplerChoice,
    /// The velocity field to tune.
    pub field: FieldChoice,
    /// Where gains are drawn from.
    #[serde(rename = "family", default = "usual::families")]
    pub families: Vec<Family>,
}

usual_values!(TuneSettings:
    objectives: Vec<String>, candidates: usize, count: usize, rungs: usize, keep: usize,
    finalists: usize, confirm: usize, seed: u64, batch: usize, resamples: usize,
    families: Vec<Family>,
);

impl Default for TuneSettings {
    /// The embedded U-Net, KTS, SSC and governed gains, within ten minutes on two cores.
    fn default() -> Self {
        let StudySettings { data, sampler, fields, .. } = StudySettings::default();
        let shapes = || ["linear", "constant", "exponential"].map(str::to_owned).to_vec();
        Self {
            objectives: vec!["frechet_distance".to_owned(), "f_mem".to_owned()],
            candidates: 28,
            count: 96,
            rungs: 3,
            keep: 2,
            finalists: 3,
            confirm: 1152,
            minutes: None,
            seed: 0,
            batch: 96,
            resamples: 500,
            data,
            sampler,
            field: fields[0].clone(),
            families: vec![
                Family::Kts {
                    alpha: [0.0, 0.06],
                    beta: [0.0, 0.045],
                    split: [0.3, 0.85],
                    launch: shapes(),
                    landing: shapes(),
                },
                Family::Ssc { alpha: [0.0, 0.06], power: [0.5, 3.0] },
                Family::Governed {
                    quantile: [0.5, 0.95],
                    strength: [0.25, 1.5],
                    split: [0.3, 0.9],
                },
            ],
        }
    }
}

impl TuneSettings {
    /// Refuses what cannot be searched, before any work.
    pub(super) fn check(&self) -> Result<(), StudyError> {
        let mismatch = |text: String| Err(StudyError::Mismatch(text));
        if self.families.is_empty() {
            return mismatch("a search needs at least one [[family]] of gains".to_owned());
        }
        self.data.check()?;
        self.sampler.check(std::slice::from_ref(&self.field))?;
        self.families.iter().try_for_each(Family::check)?;
        let least = PUBLISHED.len() + 1;
        if !(least..=MOST_CANDIDATES).contains(&self.candidates) {
            return mismatch(format!(
                "candidates must be from {least} ({} published gains and one drawn) to \
                 {MOST_CANDIDATES}, got {}",
                PUBLISHED.len(),
                self.candidates
            ));
        }
        if !(1..=MOST_RUNGS).contains(&self.rungs) {
            return mismatch(format!("rungs must be from 1 to {MOST_RUNGS}, got {}", self.rungs));
        }
        if self.keep < 2 {
            return mismatch(format!("keep must be at least 2, got {}", self.keep));
        }
        for (name, value) in [
            ("count", self.count),
            ("finalists", self.finalists),
            ("confirm", self.confirm),
            ("batch", self.batch),
        ] {
            if value == 0 {
                return mismatch(format!("{name} must be at least 1"));
            }
        }
        check_resamples(self.resamples)?;
        match self.minutes {
            Some(minutes) if !(minutes.is_finite() && minutes > 0.0) => {
                mismatch(format!("minutes must be a positive number, got {minutes}"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Certify;

    #[test]
    fn a_file_names_data_and_field_and_leaves_out_the_rest() {
        let least =
            "[data]\ntrain = \"mine.npy\"\n[field]\nname = \"mine\"\nspec = \"onnx:mine.onnx\"\n";
        let settings: TuneSettings = toml::from_str(least).unwrap();
        let TuneSettings { data, field, .. } = settings.clone();
        assert_eq!(settings, TuneSettings { data, field, ..TuneSettings::default() });
        assert!(toml::from_str::<TuneSettings>(&least[25..]).is_err());
    }

    #[test]
    fn impossible_settings_are_refused_with_the_offending_value() {
        let refused = |change: fn(&mut TuneSettings), part: &str| {
            let mut settings = TuneSettings::default();
            change(&mut settings);
            let error = settings.check().unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        refused(|s| s.families.clear(), "at least one [[family]]");
        refused(|s| s.candidates = 3, "from 4 (3 published gains and one drawn) to 65536, got 3");
        refused(|s| s.candidates = 70_000, "got 70000");
        refused(|s| s.rungs = 17, "from 1 to 16, got 17");
        refused(|s| s.keep = 1, "keep must be at least 2, got 1");
        refused(|s| s.finalists = 0, "finalists must be at least 1");
        refused(|s| s.confirm = 0, "confirm must be at least 1");
        refused(|s| s.minutes = Some(f64::NAN), "minutes must be a positive number, got NaN");
        refused(|s| s.families[1] = Family::Ssc { alpha: [0.2, 0.1], power: [1.0, 1.0] }, "alpha");
        refused(|s| s.sampler.certify = Some(Certify::OFF), "certify `off` cannot be used");
        assert!(TuneSettings::default().check().is_ok());
    }

    #[test]
    fn a_settings_file_survives_reading_and_names_what_it_does_not_know() {
        let settings = TuneSettings { minutes: Some(2.5), ..TuneSettings::default() };
        let text = toml::to_string(&settings).unwrap();
        assert_eq!(toml::from_str::<TuneSettings>(&text).unwrap(), settings);
        let misspelt = text.replacen("power", "powre", 1);
        let error = toml::from_str::<TuneSettings>(&misspelt).unwrap_err().to_string();
        assert!(error.contains("powre"), "{error}");
    }
}
