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
use crate::StudyError;
use crate::run::{Existing, RunError, RunReader, merge_as};
use crate::sampling::{SampleJob, Start};
use crate::schedule::{ScheduleSpec, read_gain};
use crate::source::FieldSource;

/// Most paths of which the closed form is asked.
const THEORY_PATHS: usize = 256;

/// One model of a study and where its runs go.
pub(super) struct ModelRuns<'a> {
    pub(super) settings: &'a StudySettings,
    /// The model as the study names it.
    pub(super) choice: &'a FieldChoice,
    pub(super) source: &'a FieldSource,
    /// The study folder.
    dir: &'a Path,
    existing: Existing,
    samples: Samples<'a>,
    /// The baseline and the gains.
    gains: Vec<Planned>,
}

/// Which samples the runs have, and where they come from.
#[derive(Debug, Clone)]
pub(super) enum Samples<'a> {
    /// All, of which the study folders of these shares hold some where there are any.
    All(&'a [PathBuf]),
    /// Those of a range.
    Share(Range<usize>),
}

/// A gain of a study.
struct Planned {
    choice: GainChoice,
    /// Whether its ceiling is a quantile over all of the baseline, which no share has.
    needs_baseline: bool,
}

impl<'a> ModelRuns<'a> {
    /// Plans the runs of a model. A governed gain without a reference has the baseline for one, and is
    /// refused later if that cannot govern.
    ///
    /// # Errors
    /// Those of [`ScheduleSpec::compile`] and [`ScheduleSpec::check_field`]; [`StudyError::Mismatch`]
    /// for a folder that lacks its share of a run that is not whole yet.
    pub(super) fn new(
        settings: &'a StudySettings,
        (choice, source): (&'a FieldChoice, &'a FieldSource),
        samples: Samples<'a>,
        dir: &'a Path,
        existing: Existing,
    ) -> Result<Self, StudyError> {
        let baseline = GainChoice { name: BASELINE.to_owned(), gain: "unit".to_owned() };
        let mut runs = Self { settings, choice, source, dir, existing, samples, gains: Vec::new() };
        for choice in std::iter::once(&baseline).chain(&settings.gains) {
            let schedule = runs.schedule(&choice.gain);
            let needs_baseline = match schedule.compile() {
                Err(StudyError::Gain(GainParseError::NoCeiling)) => true,
                compiled => compiled.map(|_| false)?,
            };
            schedule.check_field(&source.settings)?;
            runs.gains.push(Planned { choice: choice.clone(), needs_baseline });
        }
        runs.check_shares()?;
        Ok(runs)
    }

    /// Refuses shares that lack a run which is to be merged.
    fn check_shares(&self) -> Result<(), StudyError> {
        let Samples::All(shares) = &self.samples else { return Ok(()) };
        for Planned { choice, .. } in self.gains.iter().filter(|gain| !gain.needs_baseline) {
            for &seed in &self.settings.seeds {
                let folder = self.of_seed(&self.folder("runs", &choice.name), seed);
                let lacks = |share: &&PathBuf| !share.join(&folder).is_dir();
                let lacking = shares.iter().find(lacks).filter(|_| !self.is_done(&folder));
                if let Some(share) = lacking {
                    return Err(StudyError::Mismatch(format!(
                        "{} holds no share of {}; sample it again with `kinepath study` on the same \
                         settings, which goes on where it stopped",
                        share.display(),
                        folder.display()
                    )));
                }
            }
        }
        Ok(())
    }

    /// The gains that a share leaves out.
    pub(super) fn left_out(&self) -> impl Iterator<Item = &str> {
        let gains = self.gains.iter().filter(|gain| gain.needs_baseline);
        gains.map(|gain| gain.choice.name.as_str())
    }

    /// Samples the baseline and every gain, or reads what an earlier call has sampled. Of a share,
    /// gains that need the baseline are left out.
    ///
    /// # Errors
    /// Those of [`ScheduleSpec::compile`], [`SampleJob::run`] and
    /// [`merge_shares`](crate::run::merge_shares).
    pub(super) fn sample(&self, observe: &mut Observer<'_>) -> Result<Vec<RunInput>, StudyError> {
        let mut runs: Vec<RunInput> = Vec::with_capacity(self.gains.len());
        for Planned { choice, needs_baseline } in &self.gains {
            let shares: &[PathBuf] = match &self.samples {
                Samples::Share(_) if *needs_baseline => continue,
                Samples::All(shares) if !needs_baseline => shares,
                Samples::Share(_) | Samples::All(_) => &[],
            };
            let folder = self.folder("runs", &choice.name);
            let run = self.sample_gain(choice, &folder, shares, runs.first(), observe)?;
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
            gain: Gain::table(vec![(0.0, mean)]).map_err(GainParseError::from)?.to_string(),
        };
        let folder = self.folder("controls", gain);
        self.sample_gain(&choice, &folder, &[], None, observe)?.samples()
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

    /// Whether `folder` holds a whole run that is to stay.
    fn is_done(&self, folder: &Path) -> bool {
        self.existing == Existing::Resume && RunReader::is_whole(&self.dir.join(folder))
    }

    /// The folder of one seed of a run, which is the run's own where there is no other.
    fn of_seed(&self, folder: &Path, seed: u64) -> PathBuf {
        match self.settings.seeds.len() {
            0 | 1 => folder.to_owned(),
            _ => folder.join(format!("seed-{seed}")),
        }
    }

    /// Samples one gain with every seed into `folder`, relative to the study's, or merges what `shares`
    /// hold of it.
    fn sample_gain(
        &self,
        choice: &GainChoice,
        folder: &Path,
        shares: &[PathBuf],
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
            let folder = self.of_seed(folder, seed);
            let dir = self.dir.join(&folder);
            let mut told = |stage: &str, done: f64| {
                observe(stage, (number as f64 + done) / seeds.len() as f64)
            };
            let mut existing = self.existing;
            if !shares.is_empty() && !self.is_done(&folder) {
                let shares: Vec<PathBuf> = shares.iter().map(|share| share.join(&folder)).collect();
                merge_as(&shares, &job.settings(), &dir, existing, &mut |done| {
                    told(&merging, done)
                })
                .map_err(|error| in_words(error, &folder))?;
                existing = Existing::Resume;
            }
            readers.push(job.run(&dir, existing, &mut |done| told(&stage, done))?);
        }
        Ok(RunInput {
            name: choice.name.clone(),
            // Results name folders alike on every system.
            folder: folder.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/"),
            seeds: readers,
        })
    }

    fn schedule(&self, gain: &str) -> ScheduleSpec {
        self.settings.sampler.schedule(gain, self.source)
    }
}

/// Why the shares of the run in `folder` make none.
fn in_words(error: RunError, folder: &Path) -> StudyError {
    match StudyError::from(error) {
        StudyError::Run(error) => StudyError::Mismatch(format!("{}: {error}", folder.display())),
        error => error,
    }
}

/// The nodes whose states an early stop may start from.
fn tail(grid: &Grid) -> Vec<usize> {
    (0..=grid.steps()).filter(|&node| grid.nodes()[node] >= TAIL_START).collect()
}
