//! The runs of a search: one folder for each gain and range of samples.

use std::collections::BTreeSet;
use std::path::Path;

use kinepath::plan::Plan;
use kinepath::record::Record;
use ndarray::{Array2, Axis, concatenate};

use super::{TuneSettings, UNIT};
use crate::run::{Existing, RunReader, SamplerSettings};
use crate::sampling::{SampleJob, Start};
use crate::schedule::read_gain;
use crate::source::FieldSource;
use crate::{Answer, StudyError};

/// Samples gains into folders below `runs/`, and reads what is there.
pub(super) struct Runs<'a> {
    settings: &'a TuneSettings,
    source: &'a FieldSource,
    dir: &'a Path,
    existing: Existing,
    /// Folders of this search that are not to be overwritten again.
    written: BTreeSet<String>,
    /// The first run without a gain: the reference of governed gains.
    reference: Option<RunReader>,
}

/// What a gain made of the noise.
pub(super) struct Drawn {
    /// The endpoints, `[N, D]`.
    pub(super) endpoints: Array2<f32>,
    /// The class or the prompt that each was asked for, `[N]`, where the field takes any.
    pub(super) labels: Option<Vec<i64>>,
}

impl<'a> Runs<'a> {
    pub(super) fn new(
        settings: &'a TuneSettings,
        source: &'a FieldSource,
        dir: &'a Path,
        existing: Existing,
    ) -> Self {
        Self { settings, source, dir, existing, written: BTreeSet::new(), reference: None }
    }

    /// The plan of `gain` and its settings. A governed gain has the search's baseline for its
    /// reference, and no plan before that is sampled.
    ///
    /// # Errors
    /// As [`ScheduleSpec::compile`](crate::schedule::ScheduleSpec::compile); [`StudyError::Plan`] for a gain that the grid refuses,
    /// [`GainParseError::NoCeiling`](kinepath::gain::GainParseError::NoCeiling) for a governed one
    /// without a baseline.
    pub(super) fn plan(&self, gain: &str) -> Result<(Plan, SamplerSettings), StudyError> {
        let gain = read_gain(gain, self.reference.as_ref())?.to_string();
        self.settings.sampler.schedule(&gain, self.source).compile()
    }

    /// What `gain` makes of the noise, for the samples of `seed` from the first cut to the last.
    ///
    /// The samples between two cuts are a run of their own, in the folder `name/START-END`, so that
    /// a longer range computes only what a shorter one left out. `observe` is told the fraction of
    /// the samples that is there.
    ///
    /// # Errors
    /// As [`SampleJob::run`].
    pub(super) fn samples(
        &mut self,
        name: &str,
        gain: &str,
        seed: u64,
        cuts: &[usize],
        observe: &mut dyn FnMut(f64) -> Answer,
    ) -> Result<Drawn, StudyError> {
        let (plan, sampler) = self.plan(gain)?;
        let total = cuts.last().copied().unwrap_or(0) as f64;
        let (mut blocks, mut labels) = (Vec::new(), None);
        for pair in cuts.windows(2) {
            let (first, count) = (pair[0], pair[1] - pair[0]);
            let folder = format!("runs/{name}/{}-{}", pair[0], pair[1]);
            let range = first..first + count;
            let conditions = self.settings.field.conditions(self.source, range, first + count)?;
            if let Some(asked) = &conditions.labels {
                labels.get_or_insert_with(Vec::new).extend(&asked.values);
            }
            let job = SampleJob {
                source: self.source,
                plan: &plan,
                sampler: sampler.clone(),
                start: Start::Seed(seed),
                first,
                count,
                total: None,
                batch: self.settings.batch,
                record: Record { profile: gain == UNIT, ..Record::default() },
                conditions,
            };
            let existing = match self.written.contains(&folder) {
                true => Existing::Resume,
                false => self.existing,
            };
            let reader = job.run(&self.dir.join(&folder), existing, &mut |done| {
                observe((first as f64 + done * count as f64) / total)
            })?;
            self.written.insert(folder);
            blocks.push(reader.samples()?);
            if gain == UNIT && self.reference.is_none() {
                self.reference = Some(reader);
            }
        }
        let views: Vec<_> = blocks.iter().map(|block| block.view()).collect();
        let endpoints = concatenate(Axis(0), &views);
        let endpoints = endpoints.map_err(|error| StudyError::Mismatch(error.to_string()))?;
        Ok(Drawn { endpoints, labels })
    }
}
