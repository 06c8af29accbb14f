//! Reading a finished run.

use std::path::{Path, PathBuf};

use ndarray::{Array2, ArrayD, IxDyn};

use super::error::RunError;
use super::part::{PartFile, SAMPLES, parts_in};
use super::settings::RunSettings;
use super::table::Table;
use super::{
    EFFECTIVE_COUNT, FIRST_DRAWS, PARTS_FOLDER, POSTERIOR_ENTROPY, SAMPLES_FILE, SETTINGS_FILE,
    TABLE_FILE, table_file,
};
use crate::data::tensors::TensorFile;

/// A finished run folder. Settings and table are in memory, arrays are read when asked for.
#[derive(Debug)]
pub struct RunReader {
    dir: PathBuf,
    settings: RunSettings,
    table: Table,
}

impl RunReader {
    /// Opens the run folder `dir`.
    ///
    /// # Errors
    /// [`RunError::NotARun`] or [`RunError::Unfinished`] when there is no finished run;
    /// [`RunError`] when a file is missing, damaged, or does not fit the others.
    pub fn open(dir: &Path) -> Result<Self, RunError> {
        let settings = Self::settings_of(dir)?;
        let table_path = dir.join(TABLE_FILE);
        let table = table_file::read(&table_path)?;
        if table.rows() != settings.count {
            let detail = format!("{} rows for {} samples", table.rows(), settings.count);
            return Err(RunError::damaged(&table_path, detail));
        }
        Ok(Self { dir: dir.to_owned(), settings, table })
    }

    /// The settings of the finished run in folder `dir`, whose other files are not looked at.
    ///
    /// # Errors
    /// [`RunError::NotARun`] or [`RunError::Unfinished`] when there is no finished run;
    /// [`RunError`] when the settings cannot be read.
    pub fn settings_of(dir: &Path) -> Result<RunSettings, RunError> {
        match Self::is_whole(dir) {
            true => RunSettings::read(&dir.join(SETTINGS_FILE)),
            false => Err(unfinished(dir).unwrap_or_else(|| not_a_run(dir))),
        }
    }

    /// Whether folder `dir` holds a finished run; its files are not looked at.
    pub(crate) fn is_whole(dir: &Path) -> bool {
        dir.join(SETTINGS_FILE).exists()
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The settings of the run.
    #[must_use]
    pub fn settings(&self) -> &RunSettings {
        &self.settings
    }

    /// One row a sample; the columns of [`columns`](super::columns) and what evaluation added.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The endpoints, `[N, D]`; the shape of one is in the settings.
    ///
    /// # Errors
    /// [`RunError`] when `samples.safetensors` is missing, damaged, or of another shape than the
    /// settings say.
    pub fn samples(&self) -> Result<Array2<f32>, RunError> {
        self.states(SAMPLES)
    }

    /// The endpoints of every sample's first draw, kept or not, `[N, D]`, in a run with a
    /// selection.
    ///
    /// # Errors
    /// As [`samples`](Self::samples).
    pub fn first_draws(&self) -> Result<Array2<f32>, RunError> {
        self.states(FIRST_DRAWS)
    }

    /// The energy profile, `[N, steps]`, where it was recorded.
    ///
    /// # Errors
    /// As [`samples`](Self::samples).
    pub fn profile(&self) -> Result<Option<Array2<f32>>, RunError> {
        self.steps("profile")
    }

    /// The entropy of the posterior over training points at the start of every step, in nats,
    /// `[N, steps]`, where profiles of followed paths were recorded.
    ///
    /// # Errors
    /// As [`samples`](Self::samples).
    pub fn posterior_entropy(&self) -> Result<Option<Array2<f32>>, RunError> {
        self.steps(POSTERIOR_ENTROPY)
    }

    /// The effective count of training points, `1/Σ λ²` of the posterior λ, at the start of every
    /// step, `[N, steps]`, where profiles of followed paths were recorded.
    ///
    /// # Errors
    /// As [`samples`](Self::samples).
    pub fn effective_count(&self) -> Result<Option<Array2<f32>>, RunError> {
        self.steps(EFFECTIVE_COUNT)
    }

    /// The energy map, `[N, *shape]`, where it was recorded.
    ///
    /// # Errors
    /// As [`samples`](Self::samples).
    pub fn energy_map(&self) -> Result<Option<ArrayD<f32>>, RunError> {
        self.recorded("energy_map", &self.settings.shape)
    }

    /// The trajectory, `[N, K, *shape]`, where it was recorded; the times are in the settings.
    ///
    /// # Errors
    /// As [`samples`](Self::samples).
    pub fn trajectory(&self) -> Result<Option<ArrayD<f32>>, RunError> {
        let times = self.settings.record.trajectory.len();
        self.recorded("trajectory", &[&[times], &*self.settings.shape].concat())
    }

    /// Replaces the table, in memory and, atomically, on the disk.
    ///
    /// # Errors
    /// [`RunError`] when it has another number of rows than the run has samples, or cannot be
    /// written; the old table then stays.
    pub fn replace_table(&mut self, table: Table) -> Result<(), RunError> {
        let path = self.dir.join(TABLE_FILE);
        if table.rows() != self.settings.count {
            let detail = format!("{} rows for {} samples", table.rows(), self.settings.count);
            return Err(RunError::damaged(&path, detail));
        }
        table_file::pending(table.clone(), &self.dir, &path)?.publish(&path)?;
        self.table = table;
        Ok(())
    }

    /// A state for each sample, flattened.
    fn states(&self, name: &str) -> Result<Array2<f32>, RunError> {
        let (shape, values) = self.file()?.read_f32(name)?;
        let (count, dim) = (self.settings.count, self.settings.dim());
        if shape.first() != Some(&count) || shape[1..] != self.settings.shape {
            return Err(self.misfit(name, &shape));
        }
        Array2::from_shape_vec((count, dim), values).map_err(|_| self.misfit(name, &shape))
    }

    /// A number for each sample and step.
    fn steps(&self, name: &str) -> Result<Option<Array2<f32>>, RunError> {
        let Some(array) = self.tensor(name)? else { return Ok(None) };
        let shape = array.shape().to_vec();
        let fits = |steps: usize| self.settings.sampler.as_ref().is_none_or(|s| s.steps == steps);
        match array.into_dimensionality::<ndarray::Ix2>() {
            Ok(array) if fits(array.ncols()) => Ok(Some(array)),
            _ => Err(self.misfit(name, &shape)),
        }
    }

    /// An array with these axes after that of the samples.
    fn recorded(&self, name: &str, axes: &[usize]) -> Result<Option<ArrayD<f32>>, RunError> {
        match self.tensor(name)? {
            Some(array) if array.shape()[1..] != *axes => Err(self.misfit(name, array.shape())),
            array => Ok(array),
        }
    }

    fn tensor(&self, name: &str) -> Result<Option<ArrayD<f32>>, RunError> {
        let mut file = self.file()?;
        if !file.names().iter().any(|other| other == name) {
            return Ok(None);
        }
        let (shape, values) = file.read_f32(name)?;
        if shape.first() != Some(&self.settings.count) {
            return Err(self.misfit(name, &shape));
        }
        let array = ArrayD::from_shape_vec(IxDyn(&shape), values);
        array.map(Some).map_err(|_| self.misfit(name, &shape))
    }

    fn file(&self) -> Result<TensorFile, RunError> {
        Ok(TensorFile::open(&self.dir.join(SAMPLES_FILE))?)
    }

    fn misfit(&self, name: &str, shape: &[usize]) -> RunError {
        let RunSettings { count, shape: sample, .. } = &self.settings;
        let detail = format!("'{name}' is {shape:?} for {count} samples of shape {sample:?}");
        RunError::damaged(&self.dir.join(SAMPLES_FILE), detail)
    }
}

/// How far a run without final files has come, if there is one.
fn unfinished(dir: &Path) -> Option<RunError> {
    let parts = dir.join(PARTS_FOLDER);
    let settings = RunSettings::read(&parts.join(SETTINGS_FILE)).ok()?;
    let done = parts_in(&parts, &settings)
        .ok()?
        .map(|(_, batch)| batch)
        .filter(|batch| PartFile::open(&parts, batch).is_ok())
        .map(|batch| batch.len())
        .sum();
    Some(RunError::Unfinished { path: dir.display().to_string(), done, total: settings.count })
}

fn not_a_run(dir: &Path) -> RunError {
    RunError::NotARun { path: dir.display().to_string() }
}
