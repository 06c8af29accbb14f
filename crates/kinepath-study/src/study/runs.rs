//! Sampling the runs of one model: every gain and every seed, on the same noise.

use std::ops::Range;
use std::path::{Path, PathBuf};

use kinepath::gain::{Gain, GainParseError};
use kinepath::grid::Grid;
use kinepath::noise::noise;
use kinepath::plan::Plan;
use kinepath::record::Record;
use ndarray::Array2;

use super::controls::TAIL_START;
use super::settings::{FieldChoice, GainChoice, StudySettings};
use super::{BASELINE, Observer, RunInput, slug};
use crate::run::{Existing, RunReader, merge_shares};
use crate::sampling::{SampleJob, Start};
use crate::schedule::{ScheduleSpec, read_gain};
use crate::source::FieldSource;
use crate::{Answer, StudyError};

/// Most paths of which the closed form is asked.
const THEORY_PATHS: usize = 256;

/// One model of a study and where its runs go.
pub(super) struct ModelRuns<'a> {
    pub(super) settings: &'a StudySettings,
    /// The model as the study names it.
    pub(super) choice: &'a FieldChoice,
    pub(super) source: &'a FieldSource,
    /// The study folder.
    pub(super) dir: &'a Path,
    pub(super) existing: Existing,
    pub(super) samples: Samples<'a>,
}

/// Which samples the runs have, and where they come from.
#[derive(Debug, Clone)]
pub(super) enum Samples<'a> {
    /// All, of which the study folders of these shares hold some where there are any.
    All(&'a [PathBuf]),
    /// Those of a range.
    Share(Range<usize>),
}

impl ModelRuns<'_> {
    /// Refuses gains and shares that cannot be used, before anything is sampled. A governed gain
    /// without a reference has the baseline for one, and is refused later if that cannot govern.
    ///
    /// # Errors
    /// Those of [`ScheduleSpec::compile`], and [`StudyError::Mismatch`] for a folder that holds no
    /// share of the baseline.
    pub(super) fn check(&self) -> Result<(), StudyError> {
        for choice in &self.settings.gains {
            self.is_governed_by_baseline(choice)?;
            self.schedule(&choice.gain).check_field(&self.source.settings)?;
        }
        self.schedule("unit").compile()?;
        let Samples::All(shares) = &self.samples else { return Ok(()) };
        let baseline = self.folder("runs", BASELINE);
        match shares.iter().find(|share| !share.join(&baseline).is_dir()) {
            None => Ok(()),
            Some(share) => Err(StudyError::Mismatch(format!(
                "{} holds no share of {}; give the folders that `kinepath study` with --shard or \
                 --range has written, with the same settings",
                share.display(),
                baseline.display()
            ))),
        }
    }

    /// Whether `choice` takes its ceiling from all of the baseline, which a share does not have.
    ///
    /// # Errors
    /// Those of [`ScheduleSpec::compile`].
    pub(super) fn is_governed_by_baseline(&self, choice: &GainChoice) -> Result<bool, StudyError> {
        match self.schedule(&choice.gain).compile() {
            Err(StudyError::Gain(GainParseError::NoCeiling)) => Ok(true),
            compiled => compiled.map(|_| false),
        }
    }

    /// Samples the baseline and every gain, or reads what an earlier call has sampled. Of a share,
    /// gains that are governed by the baseline are left out.
    ///
    /// # Errors
    /// Those of [`ScheduleSpec::compile`] and [`SampleJob::run`].
    pub(super) fn sample(&self, observe: &mut Observer<'_>) -> Result<Vec<RunInput>, StudyError> {
        let baseline = GainChoice { name: BASELINE.to_owned(), gain: "unit".to_owned() };
        let mut runs: Vec<RunInput> = Vec::with_capacity(self.settings.gains.len() + 1);
        for choice in std::iter::once(&baseline).chain(&self.settings.gains) {
            if matches!(self.samples, Samples::Share(_)) && self.is_governed_by_baseline(choice)? {
                continue;
            }
            let folder = self.folder("runs", &choice.name);
            let run = self.sample_gain(choice, &folder, runs.first(), observe)?;
            runs.push(run);
        }
        Ok(runs)
    }

    /// Samples the constant gain `mean`, a control of gain number `number`.
    ///
    /// # Errors
    /// As [`sample`](Self::sample).
    pub(super) fn sample_constant(
        &self,
        number: usize,
        mean: f64,
        observe: &mut Observer<'_>,
    ) -> Result<Array2<f32>, StudyError> {
        let gain = &self.settings.gains[number].name;
        let choice = GainChoice {
            name: format!("constant gain beside {gain}"),
            gain: Gain::table(vec![(0.0, mean)]).map_or_else(|_| String::new(), |g| g.to_string()),
        };
        let folder = self.folder("controls", gain);
        self.sample_gain(&choice, &folder, None, observe)?.samples()
    }

    /// The plan of the baseline.
    ///
    /// # Errors
    /// Those of [`ScheduleSpec::compile`].
    pub(super) fn baseline_plan(&self) -> Result<Plan, StudyError> {
        Ok(self.schedule("unit").compile()?.0)
    }

    /// The noise of the first seed's first samples.
    pub(super) fn some_noise(&self) -> Array2<f32> {
        let count = self.settings.count.min(THEORY_PATHS) as u64;
        noise(self.settings.first_seed(), 0..count, self.source.field.dim())
    }

    fn folder(&self, kind: &str, gain: &str) -> PathBuf {
        [kind, &slug(&self.choice.name), &slug(gain)].iter().collect()
    }

    /// Samples one gain with every seed into `folder`, relative to the study's.
    fn sample_gain(
        &self,
        choice: &GainChoice,
        folder: &Path,
        baseline: Option<&RunInput>,
        observe: &mut Observer<'_>,
    ) -> Result<RunInput, StudyError> {
        let stage = format!("sampling {}, {}", self.choice.name, choice.name);
        let merging = format!("merging {}, {}", self.choice.name, choice.name);
        let gain = read_gain(&choice.gain, baseline.map(|run| &run.seeds[0]))?.to_string();
        let StudySettings { seeds, count: total, batch, .. } = self.settings;
        let (range, is_share) = match &self.samples {
            Samples::All(_) => (0..*total, false),
            Samples::Share(range) => (range.clone(), true),
        };
        let mut readers: Vec<RunReader> = Vec::with_capacity(seeds.len());
        for (number, &seed) in seeds.iter().enumerate() {
            let (plan, sampler) = self.schedule(&gain).compile()?;
            // The theory and the pictures are of the baseline's paths.
            let shown = choice.name == BASELINE;
            let trajectory = if shown { tail(plan.grid()) } else { Vec::new() };
            let job = SampleJob {
                source: self.source,
                plan: &plan,
                sampler,
                start: Start::Seed(seed),
                first: range.start,
                count: range.len(),
                total: is_share.then_some(*total),
                batch: *batch,
                record: Record { profile: true, energy_map: shown, parts: false, trajectory },
                conditions: self.choice.conditions(self.source, range.clone(), *total)?,
            };
            let mut folder = folder.to_owned();
            if seeds.len() > 1 {
                folder.push(format!("seed-{seed}"));
            }
            let mut told = |stage: &str, done: f64| {
                observe(stage, (number as f64 + done) / seeds.len() as f64)
            };
            let existing = self.merge(&folder, &mut |done| told(&merging, done))?;
            let observe = &mut |done| told(&stage, done);
            readers.push(job.run(&self.dir.join(&folder), existing, observe)?);
        }
        Ok(RunInput {
            name: choice.name.clone(),
            // Results name folders alike on every system.
            folder: folder.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/"),
            seeds: readers,
        })
    }

    /// Merges the shares of the run in `folder`, if there are any, and says what sampling is to do
    /// with a run that is there.
    fn merge(
        &self,
        folder: &Path,
        observe: &mut dyn FnMut(f64) -> Answer,
    ) -> Result<Existing, StudyError> {
        let Samples::All(shares) = &self.samples else { return Ok(self.existing) };
        let shares = shares.iter().map(|share| share.join(folder));
        let shares: Vec<PathBuf> = shares.filter(|share| share.is_dir()).collect();
        if shares.is_empty() {
            return Ok(self.existing);
        }
        merge_shares(&shares, &self.dir.join(folder), self.existing, observe)?;
        Ok(Existing::Resume)
    }

    fn schedule(&self, gain: &str) -> ScheduleSpec {
        self.settings.sampler.schedule(gain, self.source)
    }
}

/// The nodes whose states an early stop may start from.
fn tail(grid: &Grid) -> Vec<usize> {
    (0..=grid.steps()).filter(|&node| grid.nodes()[node] >= TAIL_START).collect()
}
