//! A share of the samples of a study, for one of several machines.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::runs::{ModelRuns, Samples};
use super::settings::StudySettings;
use super::{Observer, open_fields};
use crate::StudyError;
use crate::run::{Existing, RunReader};
use crate::sampling::Share;

/// What [`sample_share`] has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampledShare {
    /// The samples of every run.
    pub range: Range<usize>,
    /// The folders of the runs.
    pub runs: Vec<PathBuf>,
    /// Gains that were left out, for the study to sample: their ceilings are quantiles of all samples
    /// of the baseline.
    pub left_out: Vec<String>,
}

/// Samples a share of every run of a study into folder `dir`, and judges nothing.
/// [`run_study_of_shares`](super::run_study_of_shares) puts the shares together.
///
/// # Errors
/// [`StudyError::Share`] for a share without samples, and those of sampling in
/// [`run_study`](super::run_study).
pub fn sample_share(
    settings: &StudySettings,
    share: Share,
    dir: &Path,
    existing: Existing,
    observe: &mut Observer<'_>,
) -> Result<SampledShare, StudyError> {
    let sources = open_fields(settings)?;
    let range = share.range(settings.count, settings.batch.max(1))?;
    let models: Vec<ModelRuns<'_>> = sources
        .iter()
        .map(|(choice, source)| {
            let samples = Samples::Share(range.clone());
            ModelRuns { settings, choice, source, dir, existing, samples }
        })
        .collect();
    let mut left_out = Vec::new();
    for model in &models {
        model.check()?;
        for gain in &settings.gains {
            if model.is_governed_by_baseline(gain)? && !left_out.contains(&gain.name) {
                left_out.push(gain.name.clone());
            }
        }
    }
    let mut runs = Vec::new();
    for model in &models {
        let sampled = model.sample(observe)?;
        let readers = sampled.iter().flat_map(|run| &run.seeds);
        runs.extend(readers.map(RunReader::dir).map(Path::to_owned));
    }
    Ok(SampledShare { range, runs, left_out })
}
