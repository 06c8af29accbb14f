//! Runs of samples that were made elsewhere: by a program of the user's own, or long ago.

use std::path::Path;

use kinepath::field::{Certificate, PosteriorPaths};
use kinepath::paths::Paths;
use ndarray::Array2;

use super::part::{bare_table, measured_part};
use crate::StudyError;
use crate::run::{
    Existing, FieldSettings, NoiseSettings, Opened, Part, RecordSettings, RunReader, RunSettings,
    RunWriter, SamplerSettings,
};

/// Samples from elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// Samples whose paths were measured.
    Paths(Box<Paths>),
    /// Samples alone, `[N, D]`: their energies are not known.
    Samples(Array2<f32>),
}

/// Samples from elsewhere and what their owner tells of them; enough for a run folder.
///
/// What is not told is not made up: `run.toml` says `unknown`, and a table without energies has no
/// columns for them.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenRun {
    /// Shape of one sample.
    pub shape: Vec<usize>,
    /// The samples; at least one.
    pub samples: Given,
    /// One class per sample, if any.
    pub labels: Option<Vec<i64>>,
    /// What made them, usually [`FieldSettings::external`].
    pub field: FieldSettings,
    /// How they were sampled, where that is known.
    pub sampler: Option<SamplerSettings>,
    /// Where they started.
    pub noise: NoiseSettings,
    /// The times of a recorded trajectory.
    pub trajectory: Vec<f64>,
}

impl Given {
    /// The samples, `[N, D]`.
    #[must_use]
    pub fn endpoints(&self) -> &Array2<f32> {
        match self {
            Self::Paths(paths) => &paths.endpoints,
            Self::Samples(samples) => samples,
        }
    }
}

impl GivenRun {
    /// Writes the run folder `dir` and opens it.
    ///
    /// # Errors
    /// [`StudyError::Mismatch`] without samples, for a NaN or infinity among samples or energies,
    /// for arrays or labels of other lengths, and when `dir` holds a whole run and `existing` is
    /// [`Existing::Resume`]; [`StudyError::Run`] when it holds another one, or cannot be written.
    pub fn write(self, dir: &Path, existing: Existing) -> Result<RunReader, StudyError> {
        self.check()?;
        let settings = self.settings();
        let count = settings.count;
        let Self { shape, samples, labels, .. } = self;
        // Equal settings do not make equal samples here: a whole run is never taken for this one.
        let Opened::Incomplete(mut writer) = RunWriter::open(dir, settings, existing)? else {
            return Err(StudyError::Mismatch(format!(
                "{} holds a run already; choose another folder, or ask to overwrite",
                dir.display()
            )));
        };
        let part = match samples {
            Given::Paths(paths) => measured_part(0, 0, &shape, *paths, labels.as_deref())?,
            Given::Samples(samples) => Part {
                start: 0,
                samples,
                table: bare_table(0, count, labels.as_deref())?,
                tensors: Vec::new(),
                certificate: None,
            },
        };
        writer.write(&part)?;
        writer.finish()?;
        Ok(RunReader::open(dir)?)
    }

    fn settings(&self) -> RunSettings {
        let count = self.samples.endpoints().nrows();
        let (profile, energy_map, parts) = match &self.samples {
            Given::Paths(paths) => {
                (paths.profile.is_some(), paths.energy_map.is_some(), paths.parts.is_some())
            }
            Given::Samples(_) => (false, false, false),
        };
        RunSettings {
            kinepath: env!("CARGO_PKG_VERSION").to_owned(),
            first: 0,
            count,
            total: None,
            batch: count,
            shape: self.shape.clone(),
            field: self.field.clone(),
            conditions: None,
            sampler: self.sampler.clone(),
            noise: self.noise.clone(),
            record: RecordSettings {
                profile,
                energy_map,
                parts,
                trajectory: self.trajectory.clone(),
            },
            certificate: None,
            content: None,
        }
    }

    /// What can be refused before a folder is touched.
    fn check(&self) -> Result<(), StudyError> {
        let mismatch = |text: String| Err(StudyError::Mismatch(text));
        let (count, dim) = self.samples.endpoints().dim();
        if count == 0 || dim == 0 {
            return mismatch(format!("there are no samples: {count} of {dim} values each"));
        }
        let product: usize = self.shape.iter().product();
        if dim != product {
            return mismatch(format!(
                "samples of {dim} values do not have the shape {:?}",
                self.shape
            ));
        }
        finite("a value", dim, self.samples.endpoints().iter().map(|&value| f64::from(value)))?;
        if let Some(labels) = self.labels.as_ref().filter(|labels| labels.len() != count) {
            return mismatch(format!("there are {} labels for {count} samples", labels.len()));
        }
        let Given::Paths(paths) = &self.samples else { return Ok(()) };
        for (name, column) in [
            ("kpe", &paths.kpe),
            ("launch", &paths.launch),
            ("landing", &paths.landing),
            ("terminal", &paths.terminal),
            ("displacement", &paths.displacement),
            ("mean_gain", &paths.mean_gain),
        ] {
            length(name, column.len(), count)?;
            finite(name, 1, column.iter().copied())?;
        }
        length("nfe", paths.nfe.len(), count)?;
        if let Some(parts) = &paths.parts {
            length("parts.conditional", parts.conditional.len(), count)?;
            length("parts.unconditional", parts.unconditional.len(), count)?;
            finite("parts.conditional", 1, parts.conditional.iter().copied())?;
        }
        if let Some(left) = &paths.noise_left {
            length("noise_left", left.len(), count)?;
            finite("noise_left", 1, left.iter().copied())?;
        }
        per_step("profile", paths.profile.as_ref(), count, self.sampler.as_ref())?;
        let of_states = |name: &str, shape: &[usize]| match (shape.first(), shape.last()) {
            (Some(&rows), Some(&width)) if (rows, width) == (count, dim) => Ok(()),
            _ => mismatch(format!("{name} is {shape:?} for {count} samples of {dim} values")),
        };
        if let Some(map) = &paths.energy_map {
            of_states("energy_map", map.shape())?;
        }
        if let Some(posterior) = &paths.posterior {
            check_posterior(posterior, count, self.sampler.as_ref())?;
        }
        if let Some(states) = &paths.trajectory {
            of_states("trajectory", states.shape())?;
        }
        let nodes = paths.trajectory.as_ref().map_or(0, |states| states.shape()[1]);
        if nodes != self.trajectory.len() {
            return mismatch(format!(
                "the trajectory has {nodes} states per sample, but {} times are told",
                self.trajectory.len()
            ));
        }
        Ok(())
    }
}

/// Refuses posteriors of other samples or steps than the run's.
fn check_posterior(
    posterior: &PosteriorPaths,
    count: usize,
    sampler: Option<&SamplerSettings>,
) -> Result<(), StudyError> {
    let Certificate { tau, velocity_error, dropped_mass, .. } = posterior.certificate;
    if [tau, velocity_error, dropped_mass].iter().any(|value| !value.is_finite()) {
        return Err(StudyError::Mismatch(format!(
            "a certificate that bounds nothing: gap {tau}, velocity error {velocity_error}, dropped \
             mass {dropped_mass}; a run holds finite ones only"
        )));
    }
    length("top", posterior.top.len(), count)?;
    length("collapse", posterior.collapse.len(), count)?;
    per_step("entropy", posterior.entropy.as_ref(), count, sampler)?;
    per_step("effective_count", posterior.effective_count.as_ref(), count, sampler)
}

/// Refuses an array of a number for each sample and step that has others.
fn per_step(
    name: &str,
    array: Option<&Array2<f64>>,
    count: usize,
    sampler: Option<&SamplerSettings>,
) -> Result<(), StudyError> {
    let Some(array) = array else { return Ok(()) };
    length(name, array.nrows(), count)?;
    match sampler {
        Some(sampler) if array.ncols() != sampler.steps => Err(StudyError::Mismatch(format!(
            "{name} has {} steps, but the plan has {}",
            array.ncols(),
            sampler.steps
        ))),
        _ => Ok(()),
    }
}

/// Refuses a column of another length than the samples.
fn length(name: &str, actual: usize, count: usize) -> Result<(), StudyError> {
    match actual == count {
        true => Ok(()),
        false => {
            Err(StudyError::Mismatch(format!("{name} has {actual} values for {count} samples")))
        }
    }
}

/// Refuses NaN and infinity; `width` values belong to a sample.
fn finite(
    name: &str,
    width: usize,
    mut values: impl Iterator<Item = f64>,
) -> Result<(), StudyError> {
    match values.position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(place) => Err(StudyError::Mismatch(format!(
            "{name} of sample {} is NaN or infinite; a run holds finite ones only",
            place / width
        ))),
    }
}
