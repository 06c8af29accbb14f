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
    let models = sources
        .iter()
        .map(|(choice, source)| {
            ModelRuns::new(settings, (choice, source), Samples::Share(range.clone()), dir, existing)
        })
        .collect::<Result<Vec<_>, _>>()?;
    // The same of every model.
    let left_out = models.first().map(|model| model.left_out().map(str::to_owned).collect());
    let mut runs = Vec::new();
    for model in &models {
        let sampled = model.sample(observe)?;
        let readers = sampled.iter().flat_map(|run| &run.seeds);
        runs.extend(readers.map(RunReader::dir).map(Path::to_owned));
    }
    Ok(SampledShare { range, runs, left_out: left_out.unwrap_or_default() })
}
