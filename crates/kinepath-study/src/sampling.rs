//! Sampling into a run folder, batch by batch.

mod batch;
mod effect;
mod following;
mod given;
mod part;
mod search;
mod select;
mod share;

use std::ops::{ControlFlow, Range};
use std::path::Path;

use kinepath::field::Conditions;
use kinepath::noise::{noise, noise_at};
use kinepath::paths::Paths;
use kinepath::plan::Plan;
use kinepath::record::Record;
use kinepath::sampler::{SampleError, Sampler};
use ndarray::{Array2, s};

use batch::check_batch;
pub use batch::{BATCH_MEMORY, fitting_batch};
pub use effect::{Change, SelectionEffect, selection_effect};
pub use given::{Given, GivenRun};
pub use select::{Band, BandParseError, Selection, SelectionError};
pub use share::{IndexRange, Shard, Share, ShareError};

use crate::conditions::RunConditions;
use crate::data::NoiseFile;
use crate::run::{
    Existing, NoiseSettings, Opened, RecordSettings, RunReader, RunSettings, RunWriter,
    SamplerSettings,
};
use crate::source::FieldSource;
use crate::{Answer, Stop, StudyError};
use search::{Draw, Filled, Search};

/// Where samples start.
pub enum Start {
    /// Standard normal noise, one stream per sample index.
    Seed(u64),
    /// Such noise, drawn again for every sample until its path is one to keep.
    Selected {
        /// The seed.
        seed: u64,
        /// Which paths are.
        selection: Selection,
    },
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
    /// The plan's settings, for `run.toml`; a gap that nobody asked for is filled in where paths
    /// are followed.
    pub sampler: SamplerSettings,
    /// Where samples start.
    pub start: Start,
    /// Index of the first sample, 0 unless the run goes on from another or is a share of a larger
    /// one: sample i of the run is sample `first + i` of the seed or row of the file.
    pub first: usize,
    /// Number of samples.
    pub count: usize,
    /// The number of samples of the whole that this run is a share of, if it is one.
    pub total: Option<usize>,
    /// Samples integrated together.
    pub batch: usize,
    /// What is kept beside endpoints and energies.
    pub record: Record,
    /// What samples are conditioned on.
    pub conditions: RunConditions,
}

impl SampleJob<'_> {
    /// Runs what is missing of the job in folder `dir` and opens the whole run.
    ///
    /// `observe` is told the fraction in `[0, 1]` of the samples that is done, where there is a
    /// selection that of the samples found; a break stops the run when it says, and the same job goes
    /// on from the last whole batch.
    ///
    /// # Errors
    /// [`StudyError::Mismatch`] if shapes or counts disagree; [`StudyError::Spec`] for a gap where
    /// paths cannot be followed, or conditions that the field does not take; [`StudyError::Memory`] if a
    /// batch does not fit into memory; [`StudyError::Selection`] if a sample is not found; [`StudyError::Interrupted`] after a break; and whatever sampling or writing
    /// brings.
    pub fn run(
        &self,
        dir: &Path,
        existing: Existing,
        observe: &mut dyn FnMut(f64) -> Answer,
    ) -> Result<RunReader, StudyError> {
        self.check()?;
        // A run that is there takes no more memory than its table.
        if existing == Existing::Overwrite || !RunReader::is_whole(dir) {
            let (inputs, batch) = (self.conditions.inputs.as_ref(), self.batch.min(self.count));
            check_batch(self.source, self.plan, &self.record, inputs, batch)?;
        }
        if existing == Existing::Overwrite && RunReader::is_whole(dir) {
            self.try_field()?;
        }
        if let Opened::Incomplete(mut writer) = RunWriter::open(dir, self.settings(), existing)? {
            let mut search = match &self.start {
                Start::Selected { seed, selection } => {
                    let mut search = Search::new(selection);
                    writer
                        .tables()
                        .try_for_each(|table| table.map(|table| search.knows(&table)))?;
                    Some((*seed, search))
                }
                Start::Seed(_) | Start::Given { .. } => None,
            };
            for range in writer.missing() {
                let done = writer.samples_done() as f64;
                let mut told = |further: f64| observe((done + further) / self.count as f64);
                if told(0.0).is_break() {
                    return Err(StudyError::Interrupted);
                }
                let mut observe = |further: f64| match told(further) {
                    ControlFlow::Break(Stop::AtOnce) => ControlFlow::Break(()),
                    ControlFlow::Break(Stop::AfterBatch) | ControlFlow::Continue(()) => {
                        ControlFlow::Continue(())
                    }
                };
                let start = range.start;
                let labels = self.conditions.labels.as_ref();
                let labels = labels.map(|labels| &labels.values[range.clone()]);
                let part = match &mut search {
                    None => {
                        let paths = self.integrate(range, &mut observe)?;
                        self.part(start, paths, labels, None)?
                    }
                    Some((seed, search)) => {
                        let found = self.find(search, *seed, range, &mut observe)?;
                        self.part(start, found.paths, labels, Some(found.draws))?
                    }
                };
                writer.write(&part)?;
            }
            writer.finish()?;
        }
        Ok(RunReader::open(dir)?)
    }

    /// Asks the field once: one that fails should do so before a run is deleted for its sake.
    fn try_field(&self) -> Result<(), StudyError> {
        let rows: Vec<usize> = (0..self.count.min(2)).collect();
        let conditions = self.conditions.of(self.first, &rows)?;
        let x = self.noise(0..rows.len());
        // That of the first stage, at which it is defined.
        let first = self.plan.stage_times().first().copied();
        let t = vec![first.unwrap_or(self.plan.grid().start()); rows.len()];
        let mut out = x.clone();
        self.source.field.velocity(x.view(), &t, conditions.as_condition(), out.view_mut())?;
        Ok(())
    }

    /// Integrates the samples of a range. `observe` is told how many are done.
    fn integrate(
        &self,
        range: Range<usize>,
        observe: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Result<Paths, StudyError> {
        let size = range.len() as f64;
        let rows: Vec<usize> = range.clone().collect();
        let conditions = self.conditions.of(self.first, &rows)?;
        let sampler = self.sampler(&conditions)?.first_index((self.first + range.start) as u64);
        let start = self.noise(range);
        Ok(sampler.run_observed(start.view(), &mut |fraction| observe(fraction * size))?)
    }

    /// Finds a sample to keep for every index of a range. `observe` is told how many are found.
    fn find(
        &self,
        search: &mut Search<'_>,
        seed: u64,
        range: Range<usize>,
        observe: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Result<Filled, StudyError> {
        let dim = self.source.shape.iter().product();
        search.fill(
            self.first + range.start,
            range.len(),
            self.batch,
            &mut |draws: &[Draw], found| {
                let indices: Vec<u64> = draws
                    .iter()
                    .map(|draw| self.noise_index(range.start + draw.slot, draw.attempt))
                    .collect();
                let rows: Vec<usize> = draws.iter().map(|draw| range.start + draw.slot).collect();
                let conditions = self.conditions.of(self.first, &rows)?;
                let sampler = self.sampler(&conditions)?.indices(&indices);
                let start = noise_at(seed, &indices, dim);
                Ok(sampler.run_observed(start.view(), &mut |_| observe(found as f64))?)
            },
        )
    }

    fn sampler<'s>(&'s self, conditions: &'s Conditions) -> Result<Sampler<'s>, StudyError> {
        Ok(Sampler::new(self.source.field.as_ref(), self.plan)?
            .record(self.record.clone())
            .condition(conditions.as_condition())
            .certify(self.tau())?)
    }

    /// The index of the noise that sample `sample` of the run starts from at its `attempt`-th further
    /// draw.
    fn noise_index(&self, sample: usize, attempt: usize) -> u64 {
        (self.first + sample + attempt * self.whole()) as u64
    }

    /// Number of samples of the whole run, of which this one may be a share.
    fn whole(&self) -> usize {
        self.total.unwrap_or(self.count)
    }

    /// What can be refused before a folder is touched.
    fn check(&self) -> Result<(), StudyError> {
        Sampler::new(self.source.field.as_ref(), self.plan)?;
        self.check_certify()?;
        let mismatch = |text: String| Err(StudyError::Mismatch(text));
        if self.count == 0 || self.batch == 0 {
            return mismatch(format!(
                "there must be at least one sample and one per batch, got count {} and batch {}",
                self.count, self.batch
            ));
        }
        let Some(end) = self.first.checked_add(self.count) else {
            return mismatch(format!("{} samples from {} on are too many", self.count, self.first));
        };
        if let Some(total) = self.total.filter(|&total| total < end) {
            return mismatch(format!("samples {}..{end} are no share of {total}", self.first));
        }
        if let Start::Given { path, noise } = &self.start {
            let dim: usize = self.source.shape.iter().product();
            if noise.values.ncols() != dim {
                return mismatch(format!(
                    "the noise in {path} has shape {:?} per sample, but the field has {:?}",
                    noise.shape, self.source.shape
                ));
            }
            if noise.values.nrows() < end {
                return mismatch(format!(
                    "{path} holds noise for {} samples, but {end} are asked for",
                    noise.values.nrows()
                ));
            }
        }
        if let Start::Selected { selection, .. } = &self.start {
            if self.first > 0 && self.total.is_none() {
                return mismatch("a selection begins at sample 0".to_owned());
            }
            if selection.bands.is_empty() || selection.max_attempts == 0 {
                return mismatch("a selection needs a band and at least one attempt".to_owned());
            }
            // The table keeps indices as i64; draws made ahead go a little beyond the last allowed.
            let most = (self.whole() as u64).checked_mul(selection.max_attempts as u64);
            if most.is_none_or(|most| most > i64::MAX as u64 / 2) {
                return mismatch(format!(
                    "{} samples of up to {} attempts each are more than there are noise indices; \
                     allow fewer attempts",
                    self.whole(),
                    selection.max_attempts
                ));
            }
        }
        if self.record.parts && self.source.field.in_parts().is_none() {
            return Err(SampleError::Parts.into());
        }
        self.conditions.check(self.source, self.first, self.count)
    }

    /// What `run.toml` is to say of the job.
    pub(crate) fn settings(&self) -> RunSettings {
        let nodes = self.plan.grid().nodes();
        RunSettings {
            kinepath: env!("CARGO_PKG_VERSION").to_owned(),
            first: self.first,
            count: self.count,
            total: self.total,
            batch: self.batch,
            shape: self.source.shape.clone(),
            field: self.source.settings.clone(),
            conditions: self.conditions.settings(),
            sampler: Some(self.resolved()),
            noise: match &self.start {
                Start::Seed(seed) => NoiseSettings::Seed { seed: *seed },
                Start::Selected { seed, selection } => NoiseSettings::Selected {
                    seed: *seed,
                    bands: selection.bands.iter().map(ToString::to_string).collect(),
                },
                Start::Given { path, noise } => {
                    NoiseSettings::File { path: path.clone(), sha256: noise.sha256.clone() }
                }
            },
            record: RecordSettings {
                profile: self.record.profile,
                energy_map: self.record.energy_map,
                parts: self.record.parts,
                trajectory: self.record.trajectory.iter().map(|&node| nodes[node]).collect(),
            },
            certificate: None,
            content: None,
        }
    }

    fn noise(&self, range: Range<usize>) -> Array2<f32> {
        let range = self.first + range.start..self.first + range.end;
        match &self.start {
            Start::Seed(seed) | Start::Selected { seed, .. } => {
                let dim = self.source.shape.iter().product();
                noise(*seed, range.start as u64..range.end as u64, dim)
            }
            Start::Given { noise, .. } => {
                noise.values.slice(s![range.start..range.end, ..]).to_owned()
            }
        }
    }
}
