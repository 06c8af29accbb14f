//! Studies: does shaping help this model on this data, and what does its energy go with?

mod analysis;
mod associations;
mod goldilocks;
mod judge;
mod metrics;
mod pictures;
pub mod results;
mod settings;
mod verdict;

use std::ops::ControlFlow;
use std::path::Path;

use kinepath::record::Record;

pub use analysis::{RunInput, analyse, evaluate_runs};
pub use judge::{Judge, Judged};
pub use metrics::{METRICS, Metric};
pub use results::StudyResults;
pub use settings::{DataSettings, FieldChoice, GainChoice, SamplerChoice, StudySettings};

use crate::StudyError;
use crate::run::{Existing, RunReader};
use crate::sampling::{SampleJob, Start};
use crate::schedule::ScheduleSpec;
use crate::source::{FieldSource, FieldSpec};

/// Name of the results file in a study folder.
pub const RESULTS_FILE: &str = "study.json";
/// Name of the report in a study folder.
pub const REPORT_FILE: &str = "report.html";
/// Name of the baseline among the runs of a study.
const BASELINE: &str = "baseline";

/// Told what is being done and the fraction in `[0, 1]` of it that is behind; a break stops.
pub type Observer<'a> = dyn FnMut(&str, f64) -> ControlFlow<()> + 'a;

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
    check(settings)?;
    let mut sources = Vec::with_capacity(settings.fields.len());
    for choice in &settings.fields {
        sources.push((choice, open_field(choice)?));
    }
    let judge = Judge::open(&settings.data, settings.support_neighbours)?;
    for (choice, source) in &sources {
        if source.shape != judge.training().shape {
            return Err(StudyError::Mismatch(format!(
                "{} makes samples of shape {:?}, but {} has records of shape {:?}",
                choice.name,
                source.shape,
                judge.training().name,
                judge.training().shape
            )));
        }
    }

    let gains: Vec<GainChoice> =
        std::iter::once(GainChoice { name: BASELINE.to_owned(), gain: "unit".to_owned() })
            .chain(settings.gains.iter().cloned())
            .collect();
    let schedules = gains
        .iter()
        .map(|gain| schedule(settings, &gain.gain).compile())
        .collect::<Result<Vec<_>, _>>()?;

    let mut models = Vec::new();
    for (choice, source) in &sources {
        let mut runs = Vec::new();
        for (gain, (plan, sampler)) in gains.iter().zip(&schedules) {
            let folder = format!("runs/{}/{}", slug(&choice.name), slug(&gain.name));
            let stage = format!("sampling {}, {}", choice.name, gain.name);
            let job = SampleJob {
                source,
                plan,
                sampler: sampler.clone(),
                start: Start::Seed(settings.seed),
                count: settings.count,
                batch: settings.batch,
                record: Record { profile: true, energy_map: true, trajectory: Vec::new() },
                labels: None,
            };
            let reader =
                job.run(&dir.join(&folder), existing, &mut |done| observe(&stage, done))?;
            runs.push(RunInput { name: gain.name.clone(), folder, reader });
        }
        let stage = format!("judging {}", choice.name);
        models.push(analyse(&judge, settings, &choice.name, runs, &mut |done| {
            observe(&stage, done)
        })?);
    }
    let results = StudyResults {
        kinepath: env!("CARGO_PKG_VERSION").to_owned(),
        settings: settings.clone(),
        training: judge.training_results(),
        reference: judge.reference_results(),
        false_alarm: judge.false_alarm(&metrics::bootstrap(settings.resamples, settings.seed)?)?,
        models,
    };
    results.write(&dir.join(RESULTS_FILE))?;
    Ok(results)
}

fn check(settings: &StudySettings) -> Result<(), StudyError> {
    let mismatch = |text: &str| Err(StudyError::Mismatch(text.to_owned()));
    if settings.fields.is_empty() {
        return mismatch("a study needs at least one [[field]]");
    }
    let names = settings.fields.iter().map(|field| &field.name);
    let gains = settings.gains.iter().map(|gain| &gain.name);
    for (what, names) in [("field", names.collect::<Vec<_>>()), ("gain", gains.collect::<Vec<_>>())]
    {
        let mut slugs: Vec<String> = names.iter().map(|name| slug(name)).collect();
        if what == "gain" {
            slugs.push(BASELINE.to_owned());
        }
        slugs.sort();
        if let Some(pair) = slugs.windows(2).find(|pair| pair[0] == pair[1]) {
            return mismatch(&format!(
                "two {what}s are named `{}`; every {what} needs a name of its own",
                pair[0]
            ));
        }
        if slugs.iter().any(String::is_empty) {
            return mismatch(&format!("every {what} needs a name with a letter or digit in it"));
        }
    }
    if !(settings.significance > 0.0 && settings.significance < 1.0) {
        return mismatch(&format!(
            "significance must be between 0 and 1, got {}",
            settings.significance
        ));
    }
    if settings.bins == 0 || settings.resamples == 0 || settings.support_neighbours < 2 {
        return mismatch("bins and resamples must be at least 1, support_neighbours at least 2");
    }
    if settings.count < settings.bins.saturating_mul(8) {
        return mismatch(&format!(
            "{} samples are too few for {} bins: at least 8 a bin are needed; raise count or \
             lower bins",
            settings.count, settings.bins
        ));
    }
    Ok(())
}

fn open_field(choice: &FieldChoice) -> Result<FieldSource, StudyError> {
    FieldSource::open(&FieldSpec {
        spec: choice.spec.clone(),
        predicts: choice.predicts.clone(),
        time: choice.time.clone(),
        guidance: None,
    })
}

fn schedule(settings: &StudySettings, gain: &str) -> ScheduleSpec {
    ScheduleSpec {
        solver: settings.sampler.solver.clone(),
        steps: settings.sampler.steps,
        grid: settings.sampler.grid.clone(),
        quadrature: settings.sampler.quadrature.clone(),
        gain: gain.to_owned(),
        ..ScheduleSpec::default()
    }
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
        let text = std::fs::read_to_string(path)
            .map_err(|error| StudyError::file("read", path, &error))?;
        serde_json::from_str(&text).map_err(|error| StudyError::file("understand", path, &error))
    }

    /// Writes the results file, whole or not at all.
    ///
    /// # Errors
    /// [`StudyError::File`] if it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), StudyError> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| StudyError::file("write", path, &error))?;
        write_whole(path, text.as_bytes())
    }
}

/// Writes `bytes` under a temporary name and renames the file when it is whole.
///
/// # Errors
/// [`StudyError::File`] if the folder cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StudyError> {
    crate::run::write_bytes(path, bytes).map_err(StudyError::from)
}

/// A column of floats of a run's table, one value per sample.
pub(crate) fn column(reader: &RunReader, name: &str) -> Result<Vec<f64>, StudyError> {
    Ok(reader.table().f64(name)?.to_vec())
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

    #[test]
    fn impossible_settings_are_refused_before_any_work() {
        let refused = |change: fn(&mut StudySettings), part: &str| {
            let mut settings = StudySettings::default();
            change(&mut settings);
            let error = check(&settings).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        refused(|s| s.fields.clear(), "at least one [[field]]");
        refused(|s| s.gains[1].name = "kts".into(), "two gains are named `kts`");
        refused(|s| s.gains[0].name = "Baseline".into(), "two gains are named `baseline`");
        refused(|s| s.fields[0].name = "?".into(), "needs a name");
        refused(|s| s.count = 63, "too few for 8 bins");
        refused(|s| s.bins = usize::MAX, "too few");
        refused(|s| s.bins = 0, "bins and resamples must be at least 1");
        refused(|s| s.significance = f64::NAN, "between 0 and 1");
        assert!(check(&StudySettings::default()).is_ok());
    }
}
