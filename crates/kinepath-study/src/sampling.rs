//! Sampling into a run folder, batch by batch.

use std::ops::{ControlFlow, Range};
use std::path::Path;

use kinepath::field::Condition;
use kinepath::noise::noise;
use kinepath::paths::Paths;
use kinepath::plan::Plan;
use kinepath::record::Record;
use kinepath::sampler::Sampler;
use ndarray::{Array2, ArrayD, IxDyn, s};

use crate::StudyError;
use crate::data::NoiseFile;
use crate::run::{
    Column, Existing, NoiseSettings, Opened, Part, RecordSettings, RunReader, RunSettings,
    RunWriter, SamplerSettings, Table, columns,
};
use crate::source::FieldSource;

/// Where samples start.
pub enum Start {
    /// Standard normal noise, one stream per sample index.
    Seed(u64),
    /// Given starting points, with the name of their file.
    Given {
        /// The file's name.
        path: String,
        /// Its content.
        noise: NoiseFile,
    },
}

/// Everything a sampling run needs.
pub struct SampleJob<'a> {
    /// What is sampled.
    pub source: &'a FieldSource,
    /// The compiled plan.
    pub plan: &'a Plan,
    /// The plan's settings, for `run.toml`.
    pub sampler: SamplerSettings,
    /// Where samples start.
    pub start: Start,
    /// Number of samples.
    pub count: usize,
    /// Samples integrated together.
    pub batch: usize,
    /// What is kept beside endpoints and energies.
    pub record: Record,
    /// One class label per sample, or none.
    pub labels: Option<Vec<i64>>,
}

impl SampleJob<'_> {
    /// Runs what is missing of the job in folder `dir` and opens the whole run.
    ///
    /// `observe` is told the fraction in `[0, 1]` of the samples that is done; a break stops the
    /// run at the next step, and the same job goes on from the last whole batch.
    ///
    /// # Errors
    /// [`StudyError::Mismatch`] if shapes or counts disagree; [`StudyError::Interrupted`] after a
    /// break; and whatever sampling or writing brings.
    pub fn run(
        &self,
        dir: &Path,
        existing: Existing,
        observe: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Result<RunReader, StudyError> {
        self.check()?;
        if let Opened::Incomplete(mut writer) = RunWriter::open(dir, self.settings(), existing)? {
            for range in writer.missing() {
                let (done, size) = (writer.samples_done() as f64, range.len() as f64);
                let labels = self.labels.as_ref().map(|labels| &labels[range.clone()]);
                let start = self.noise(range.clone());
                let paths = Sampler::new(self.source.field.as_ref(), self.plan)?
                    .record(self.record.clone())
                    .condition(labels.map_or(Condition::None, Condition::Labels))
                    .first_index(range.start as u64)
                    .run_observed(start.view(), &mut |fraction| {
                        observe((done + fraction * size) / self.count as f64)
                    })?;
                writer.write(&self.part(range.start, paths, labels)?)?;
            }
            writer.finish()?;
        }
        Ok(RunReader::open(dir)?)
    }

    /// What can be refused before a folder is touched.
    fn check(&self) -> Result<(), StudyError> {
        Sampler::new(self.source.field.as_ref(), self.plan)?;
        let mismatch = |text: String| Err(StudyError::Mismatch(text));
        if self.count == 0 || self.batch == 0 {
            return mismatch(format!(
                "there must be at least one sample and one per batch, got count {} and batch {}",
                self.count, self.batch
            ));
        }
        if let Start::Given { path, noise } = &self.start {
            let dim: usize = self.source.shape.iter().product();
            if noise.values.ncols() != dim {
                return mismatch(format!(
                    "the noise in {path} has shape {:?} per sample, but the field has {:?}",
                    noise.shape, self.source.shape
                ));
            }
            if noise.values.nrows() < self.count {
                return mismatch(format!(
                    "{path} holds noise for {} samples, but {} are asked for",
                    noise.values.nrows(),
                    self.count
                ));
            }
        }
        if self.labels.is_some() != self.source.labelled {
            return Err(StudyError::Spec {
                what: "field",
                text: self.source.settings.spec.clone(),
                reason: if self.source.labelled {
                    "it needs a class label for every sample".to_owned()
                } else {
                    "it has no classes; leave the labels out".to_owned()
                },
            });
        }
        match &self.labels {
            Some(labels) if labels.len() != self.count => {
                mismatch(format!("there are {} labels for {} samples", labels.len(), self.count))
            }
            _ => Ok(()),
        }
    }

    fn settings(&self) -> RunSettings {
        let nodes = self.plan.grid().nodes();
        RunSettings {
            kinepath: env!("CARGO_PKG_VERSION").to_owned(),
            count: self.count,
            batch: self.batch,
            shape: self.source.shape.clone(),
            field: self.source.settings.clone(),
            sampler: self.sampler.clone(),
            noise: match &self.start {
                Start::Seed(seed) => NoiseSettings::Seed { seed: *seed },
                Start::Given { path, noise } => {
                    NoiseSettings::File { path: path.clone(), sha256: noise.sha256.clone() }
                }
            },
            record: RecordSettings {
                profile: self.record.profile,
                energy_map: self.record.energy_map,
                trajectory: self.record.trajectory.iter().map(|&node| nodes[node]).collect(),
            },
        }
    }

    fn noise(&self, range: Range<usize>) -> Array2<f32> {
        match &self.start {
            Start::Seed(seed) => {
                let dim = self.source.shape.iter().product();
                noise(*seed, range.start as u64..range.end as u64, dim)
            }
            Start::Given { noise, .. } => {
                noise.values.slice(s![range.start..range.end, ..]).to_owned()
            }
        }
    }

    fn part(&self, start: usize, paths: Paths, labels: Option<&[i64]>) -> Result<Part, StudyError> {
        let rows = paths.len();
        let labels = match labels {
            None => vec![None; rows],
            Some(labels) => labels.iter().copied().map(Some).collect(),
        };
        let floats = |values: Vec<f64>| Column::F64(values);
        let (efficiency, spike) = (paths.efficiency().to_vec(), paths.terminal_spike().to_vec());
        let columns = vec![
            (columns::INDEX, Column::I64((start..start + rows).map(|i| i as i64).collect())),
            (columns::LABEL, Column::OptI64(labels)),
            (columns::KPE, floats(paths.kpe)),
            (columns::KPE_LAUNCH, floats(paths.launch)),
            (columns::KPE_LANDING, floats(paths.landing)),
            (columns::DISPLACEMENT, floats(paths.displacement)),
            (columns::EFFICIENCY, floats(efficiency)),
            (columns::TERMINAL_SPIKE, floats(spike)),
            (columns::NFE, Column::I64(paths.nfe.iter().map(|&nfe| i64::from(nfe)).collect())),
        ];
        let mut tensors = Vec::new();
        let mut keep = |name: &str, array: ArrayD<f32>| tensors.push((name.to_owned(), array));
        if let Some(profile) = paths.profile {
            keep("profile", profile.mapv(|v| v as f32).into_dyn());
        }
        if let Some(map) = paths.energy_map {
            keep("energy_map", self.unflatten(map.into_dyn()));
        }
        if let Some(trajectory) = paths.trajectory {
            keep("trajectory", self.unflatten(trajectory.into_dyn()));
        }
        let columns = columns.into_iter().map(|(name, column)| (name.to_owned(), column)).collect();
        Ok(Part { start, samples: paths.endpoints, table: Table::new(columns)?, tensors })
    }

    /// Gives the last axis, a flattened sample, the shape of a sample.
    fn unflatten(&self, array: ArrayD<f32>) -> ArrayD<f32> {
        let leading = &array.shape()[..array.ndim() - 1];
        let shape = [leading, &self.source.shape].concat();
        // D is the product of the sample's shape, and the sampler's arrays are contiguous.
        array.into_shape_with_order(IxDyn(&shape)).unwrap_or_default()
    }
}
