//! From the words for a gain to the gain, with files and reference runs read.

use std::path::Path;

use kinepath::gain::{Gain, GainParseError, Governed, GovernedSpec};

use serde::Deserialize;

use super::read_numbers;
use crate::StudyError;
use crate::run::{FieldSettings, RunReader};

/// Reads a gain: an expression, a file with a time and a gain on each line, or a `.toml` file whose
/// key `gain` is an expression, such as the one that tuning writes.
///
/// A governed gain without a ceiling takes it from a finished run without a gain: the one its
/// `reference=` names, or `baseline`. The ceiling is a function of time, linear between that run's
/// grid nodes, so the grid and solver it is used with may be others. The gain's text form
/// ([`ToString`]) holds the ceiling and reads back without the run.
///
/// # Errors
/// [`StudyError::Gain`] for an expression that cannot be read, or for a governed gain without
/// ceiling, reference and baseline ([`GainParseError::NoCeiling`]); [`StudyError::Run`] for a
/// reference that cannot be opened; [`StudyError::Spec`] for one that ran with a gain or recorded no
/// profile; [`StudyError::File`] for a file that cannot be used.
pub fn read_gain(text: &str, baseline: Option<&RunReader>) -> Result<Gain, StudyError> {
    // An expression is one, even where a file of that name exists.
    match text.parse() {
        Err(GainParseError::Family(_)) if Path::new(text).exists() => {
            match Path::new(text).extension() {
                Some(extension) if extension == "toml" => from_toml(Path::new(text)),
                _ => table(text),
            }
        }
        Err(error @ GainParseError::Family(_)) if text.contains(['.', '/', '\\']) => {
            Err(StudyError::Spec {
                what: "gain",
                text: text.to_owned(),
                reason: format!("there is no such file, nor an expression: {error}"),
            })
        }
        Err(GainParseError::NoCeiling) => governed(text, baseline).map(Gain::Governed),
        parsed => Ok(parsed?),
    }
}

fn table(path: &str) -> Result<Gain, StudyError> {
    let points = read_numbers("gain", path, 2, "a gain file has a time and a gain on each line")?;
    let points = points.into_iter().map(|line| (line[0], line[1])).collect();
    Gain::table(points)
        .map_err(|error| StudyError::file("use the gain of", Path::new(path), &error))
}

/// A file with a gain expression under the key `gain`; other keys are for people.
#[derive(Deserialize)]
struct GainFile {
    gain: String,
}

fn from_toml(path: &Path) -> Result<Gain, StudyError> {
    let unusable = |error: &dyn std::fmt::Display| StudyError::file("use the gain of", path, error);
    let text = std::fs::read_to_string(path).map_err(|error| unusable(&error))?;
    let file: GainFile = toml::from_str(&text).map_err(|error| unusable(&error))?;
    file.gain.parse().map_err(|error: GainParseError| unusable(&error))
}

/// See [`ScheduleSpec::check_field`](super::ScheduleSpec::check_field).
pub(super) fn check_reference(text: &str, field: &FieldSettings) -> Result<(), StudyError> {
    let Ok(GovernedSpec { reference: Some(dir), .. }) = text.parse() else { return Ok(()) };
    let reference = RunReader::settings_of(Path::new(&dir))?.field;
    if reference.is_model_of(field) {
        return Ok(());
    }
    let files = reference.sha256 == field.sha256;
    let differs = if files { ", with other conventions or guidance" } else { "" };
    Err(StudyError::Spec {
        what: "gain",
        text: text.to_owned(),
        reason: format!(
            "its reference {dir} is a run of {}{differs}, whose speeds are no measure for {}; sample \
             a reference of this one",
            reference.spec, field.spec
        ),
    })
}

fn governed(text: &str, baseline: Option<&RunReader>) -> Result<Governed, StudyError> {
    let spec: GovernedSpec = text.parse()?;
    let named = spec.reference.as_ref().map(|dir| RunReader::open(Path::new(dir))).transpose()?;
    let reader = named.as_ref().or(baseline).ok_or(GainParseError::NoCeiling)?;
    let refuse = |reason: String| StudyError::Spec { what: "gain", text: text.to_owned(), reason };
    let dir = reader.dir().display();
    let sampler = reader.settings().sampler.as_ref().ok_or_else(|| {
        refuse(format!(
            "its reference {dir} does not tell how it was sampled; take a run that does"
        ))
    })?;
    if sampler.gain != Gain::Unit.to_string() {
        let gain = sampler.gain.parse::<Gain>()?;
        return Err(refuse(format!(
            "its reference {dir} ran with the gain {gain:#}; take a run without one"
        )));
    }
    let profile = reader.profile()?.ok_or_else(|| {
        refuse(format!(
            "its reference {dir} has no energy profile; sample it again with `--record profile`"
        ))
    })?;
    spec.resolve(&sampler.nodes, profile.mapv(f64::from).view())
        .map_err(|error| refuse(format!("{error} ({dir})")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conditions::RunConditions;
    use crate::run::Existing;
    use crate::sampling::{SampleJob, Start};
    use crate::schedule::ScheduleSpec;
    use crate::source::{FieldSource, FieldSpec};
    use kinepath::record::Record;
    use kinepath::stats::quantile;
    use std::ops::ControlFlow;

    /// Samples a mixture of two Gaussians into a folder.
    fn sample(folder: &Path, name: &str, gain: &str, profile: bool) -> RunReader {
        let mixture = folder.join("mixture.toml");
        let text = "weights = [1, 2]\nmeans = [[-2, 1], [1, 0]]\nvariances = [0.1, 0.3]";
        std::fs::write(&mixture, text).unwrap();
        let source = FieldSource::open(&FieldSpec {
            spec: format!("mixture:{}", mixture.display()),
            ..FieldSpec::default()
        });
        let spec = ScheduleSpec { steps: 8, gain: gain.to_owned(), ..ScheduleSpec::default() };
        let (plan, sampler) = spec.compile().unwrap();
        let job = SampleJob {
            source: &source.unwrap(),
            plan: &plan,
            sampler,
            start: Start::Seed(1),
            first: 0,
            count: 21,
            total: None,
            batch: 8,
            record: Record { profile, ..Record::default() },
            conditions: RunConditions::default(),
        };
        let mut go_on = |_| ControlFlow::Continue(());
        job.run(&folder.join(name), Existing::Resume, &mut go_on).unwrap()
    }

    #[test]
    fn a_reference_run_gives_the_ceiling_and_is_needed_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let base = sample(folder.path(), "base", "unit", true);
        let words = format!("governed:reference={},quantile=0.75", base.dir().display());
        let gain = read_gain(&words, None).unwrap();
        let Gain::Governed(governed) = &gain else { panic!("{gain}") };
        let profile = base.profile().unwrap().unwrap();
        assert_eq!(governed.ceiling.len(), 8);
        for (step, &(t, ceiling)) in governed.ceiling.iter().enumerate() {
            let speeds: Vec<f64> = profile.column(step).iter().map(|&s| f64::from(s)).collect();
            assert_eq!(t, step as f64 / 8.0);
            assert_eq!(ceiling, quantile(&speeds, 0.75).unwrap());
        }
        assert_eq!(read_gain("governed:quantile=0.75", Some(&base)).unwrap(), gain);
        drop(folder);
        assert_eq!(read_gain(&gain.to_string(), None).unwrap(), gain);
    }

    #[test]
    fn a_reference_is_a_run_of_the_same_field() {
        let folder = tempfile::tempdir().unwrap();
        let base = sample(folder.path(), "base", "unit", true);
        let gain = format!("governed:reference={}", base.dir().display());
        let spec = ScheduleSpec { gain, ..ScheduleSpec::default() };
        let own = &base.settings().field;
        let moved = FieldSettings { spec: "mixture:elsewhere.toml".to_owned(), ..own.clone() };
        assert!(spec.check_field(&moved).is_ok());
        let other = FieldSettings { sha256: "0".repeat(64), ..moved.clone() };
        let error = spec.check_field(&other).unwrap_err().to_string();
        assert!(error.contains("no measure for mixture:elsewhere.toml"), "{error}");
        let converted = FieldSettings { predicts: "noise".to_owned(), ..moved };
        let error = spec.check_field(&converted).unwrap_err().to_string();
        assert!(error.contains("other conventions"), "{error}");
        assert!(ScheduleSpec::default().check_field(&other).is_ok());
    }

    #[test]
    fn a_reference_that_cannot_be_one_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |words: &str, baseline: Option<&RunReader>| {
            read_gain(words, baseline).unwrap_err().to_string()
        };
        assert!(refused("governed:quantile=0.9", None).contains("reference=RUN"));
        assert!(refused("governed:reference=no-such-run", None).contains("not a run folder"));
        let silent = sample(folder.path(), "silent", "unit", false);
        assert!(refused("governed", Some(&silent)).contains("--record profile"));
        let shaped = sample(folder.path(), "shaped", "table:0=1,1=0.5", true);
        let error = refused("governed", Some(&shaped));
        assert!(error.contains("ran with the gain table of 2 points"), "{error}");
        let base = sample(folder.path(), "base", "unit", true);
        assert!(refused("governed:quantile=2", Some(&base)).contains("between 0 and 1"));
    }
}
