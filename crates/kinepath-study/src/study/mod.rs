//! Studies: does shaping help this model on this data, and what does its energy go with?

mod along_energy;
mod analysis;
mod associations;
mod audit;
mod check;
mod compare;
mod controls;
mod copy_space;
mod doubts;
mod energies;
mod evidence;
mod figures;
mod goldilocks;
mod held_out;
mod judge;
mod judged_run;
mod look;
mod metrics;
mod networks;
mod pairing;
pub(crate) mod pictures;
pub mod results;
mod risk;
mod run_input;
mod runs;
mod set_figures;
mod settings;
mod share;
mod theory;
mod verdict;

use std::path::{Path, PathBuf};

pub use analysis::{evaluate_named_runs, evaluate_runs};
pub use audit::CLASSES_ASKED_FOR;
pub use compare::differences;
pub use copy_space::CopySpace;
pub use evidence::Evidence;
pub use figures::{Figures, Inference, PairedFigure, PairedInterval, check_resamples};
pub use judge::{Judge, Judged};
pub use metrics::{METRICS, Metric, metric};
pub use results::StudyResults;
pub(crate) use settings::usual_values;
pub use settings::{
    ClipSettings, DataSettings, DecoderSettings, FieldChoice, GainChoice, SamplerChoice,
    StudySettings,
};
pub use share::{SampledShare, sample_share};

pub use crate::files::write_whole;
use crate::files::{read_json, write_json};
use crate::run::{Existing, FolderLock, RunReader};
use crate::source::FieldSource;
use crate::{Answer, StudyError};
use analysis::analyse;
use check::check;
use controls::Controls;
use run_input::{RunInput, check_samples};
use runs::{ModelRuns, Samples};
use theory::theory;

/// Name of the results file in a study folder.
pub const RESULTS_FILE: &str = "study.json";
/// Name of the baseline among the runs of a study.
const BASELINE: &str = "baseline";

/// Told what is being done and the fraction in `[0, 1]` of it that is behind; a break stops, and the same
/// call goes on from what is kept.
pub type Observer<'a> = dyn FnMut(&str, f64) -> Answer + 'a;

/// Runs a study in folder `dir`: every field with every gain on the same noise, judged, compared
/// and written to `study.json`.
///
/// Runs that the folder already holds with the same settings are not repeated, so a study that was
/// stopped goes on where it was.
///
/// # Errors
/// [`StudyError`]: whatever opening, sampling, judging or writing brings; and
/// [`StudyError::Interrupted`] after a break.
pub fn run_study(
    settings: &StudySettings,
    dir: &Path,
    existing: Existing,
    observe: &mut Observer<'_>,
) -> Result<StudyResults, StudyError> {
    run_study_of_shares(settings, &[], dir, existing, observe)
}

/// As [`run_study`], with the runs merged of `shares`, folders that [`sample_share`] has filled. What
/// no share holds is sampled: gains that are governed by the baseline, and controls.
///
/// # Errors
/// As there, and those of [`merge_shares`](crate::run::merge_shares).
pub fn run_study_of_shares(
    settings: &StudySettings,
    shares: &[PathBuf],
    dir: &Path,
    existing: Existing,
    observe: &mut Observer<'_>,
) -> Result<StudyResults, StudyError> {
    let sources = open_fields(settings)?;
    // A study has at least one field, as was checked.
    let shape = sources.first().map_or(&[][..], |(_, source)| &source.shape);
    let judge = Judge::open(&settings.data, settings.support_neighbours, shape)?;
    for (choice, source) in &sources {
        if source.shape != judge.sample_shape() {
            return Err(judge.cannot_judge(&choice.name, &source.shape));
        }
    }
    let all_runs = sources
        .iter()
        .map(|(choice, source)| {
            ModelRuns::new(settings, (choice, source), Samples::All(shares), dir, existing)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut models = Vec::new();
    for model in &all_runs {
        let source = model.source;
        let mut runs = model.sample(observe)?;
        // Judging adds columns to their tables.
        let folders = runs.iter().flat_map(|run| run.seeds.iter().map(RunReader::dir));
        let _locks = FolderLock::take_runs(folders, None)?;
        runs.iter_mut().try_for_each(RunInput::reopen)?;
        check_samples(&runs, observe)?;
        let mut constant = |gain: usize, mean: f64, observe: &mut Observer<'_>| {
            model.sample_constant(gain, mean, observe)
        };
        let mut controls = Controls {
            source: Ok(source),
            seed: settings.first_seed(),
            batch: settings.batch,
            constant: Some(&mut constant),
        };
        let mut results =
            analyse(&judge, settings, &model.choice.name, runs, &mut controls, observe)?;
        if let Some(field) = &source.empirical {
            let panel = theory(field, &model.baseline_plan()?, model.some_noise().view())?;
            results.findings.push(panel.sentence.clone());
            results.theory = Some(panel);
        }
        models.push(results);
    }
    let results = analysis::results(&judge, settings.clone(), models)?;
    results.write(&dir.join(RESULTS_FILE))?;
    Ok(results)
}

/// Opens the fields of a study whose settings make one.
fn open_fields(settings: &StudySettings) -> Result<Vec<(&FieldChoice, FieldSource)>, StudyError> {
    check(settings)?;
    let mut sources = Vec::with_capacity(settings.fields.len());
    for choice in &settings.fields {
        let source = choice.open()?;
        choice.check(&source, settings.count)?;
        sources.push((choice, source));
    }
    Ok(sources)
}

/// A name as a folder: letters and digits in lower case, everything else a hyphen.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for character in name.chars() {
        if character.is_alphanumeric() {
            slug.extend(character.to_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

impl StudyResults {
    /// Reads a results file.
    ///
    /// # Errors
    /// [`StudyError::File`] if it cannot be read or understood.
    pub fn read(path: &Path) -> Result<Self, StudyError> {
        read_json(path)
    }

    /// Writes the results file, whole or not at all.
    ///
    /// # Errors
    /// [`StudyError::Run`] if it cannot be written, [`StudyError::File`] if JSON cannot hold it.
    pub fn write(&self, path: &Path) -> Result<(), StudyError> {
        write_json(self, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_folders() {
        assert_eq!(slug("trained U-Net"), "trained-u-net");
        assert_eq!(slug(" ../KTS (0.01)! "), "kts-0-01");
        assert_eq!(slug("…"), "");
    }
}
