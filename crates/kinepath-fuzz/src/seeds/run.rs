//! A small run: three samples of a mixture, two steps.

use std::error::Error;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use kinepath::record::Record;
use kinepath_study::conditions::RunConditions;
use kinepath_study::run::{Existing, Opened, Part, RunReader, RunSettings, RunWriter};
use kinepath_study::sampling::{SampleJob, Start};
use kinepath_study::schedule::ScheduleSpec;
use kinepath_study::source::{FieldSource, FieldSpec};
use tempfile::TempDir;

use crate::wrap;

/// The name of the file of the only batch.
pub(crate) const PART: &str = "part-000000000000-000000000003.safetensors";
/// The field.
pub(super) const MIXTURE: &str =
    "weights = [1, 2]\nmeans = [[-2, 1], [1, 0]]\nvariances = [0.1, 0.3]";

/// The files of the run, finished and not.
pub(crate) struct RunFiles {
    pub(crate) parsed: RunSettings,
    pub(crate) settings: Vec<u8>,
    pub(crate) samples: Vec<u8>,
    pub(crate) table: Vec<u8>,
    unfinished: Vec<u8>,
    part: Vec<u8>,
}

impl RunFiles {
    /// Samples it.
    ///
    /// # Panics
    /// If that fails.
    #[expect(clippy::expect_used, reason = "nothing can be checked without it")]
    pub(crate) fn sampled() -> Self {
        Self::try_sampled(&TempDir::new().expect("a temporary folder")).expect("a run")
    }

    fn try_sampled(folder: &TempDir) -> Result<Self, Box<dyn Error>> {
        let run = sample(folder.path(), &folder.path().join("sampled"))?;
        // The same wherever it is made: seeds that another process wrote are those of this run.
        let mut parsed = run.settings().clone();
        parsed.field.spec = "mixture:mixture.toml".to_owned();
        let dir = folder.path().join("run");
        let opened = RunWriter::open(&dir, parsed.clone(), Existing::Overwrite)?;
        let Opened::Incomplete(mut writer) = opened else { return Err("the run exists".into()) };
        writer.write(&part_of(&run)?)?;
        let unfinished = fs::read(dir.join("parts/run.toml"))?;
        let part = fs::read(dir.join("parts").join(PART))?;
        writer.finish()?;
        Ok(Self {
            parsed,
            settings: fs::read(dir.join("run.toml"))?,
            samples: fs::read(dir.join("samples.safetensors"))?,
            table: fs::read(dir.join("samples.parquet"))?,
            unfinished,
            part,
        })
    }

    /// The finished run as the input of one target.
    pub(super) fn joined(&self) -> Vec<u8> {
        wrap::join(&[&self.settings, &self.samples, &self.table])
    }

    /// The unfinished run as the input of one target.
    pub(super) fn unfinished(&self) -> Vec<u8> {
        wrap::join(&[&self.unfinished, &self.part])
    }
}

fn sample(folder: &Path, dir: &Path) -> Result<RunReader, Box<dyn Error>> {
    let mixture = folder.join("mixture.toml");
    fs::write(&mixture, MIXTURE)?;
    let spec = format!("mixture:{}", mixture.display());
    let source = FieldSource::open(&FieldSpec { spec, ..FieldSpec::default() })?;
    let (plan, sampler) = ScheduleSpec { steps: 2, ..ScheduleSpec::default() }.compile()?;
    let job = SampleJob {
        source: &source,
        plan: &plan,
        sampler,
        start: Start::Seed(1),
        first: 0,
        count: 3,
        total: None,
        batch: 3,
        record: Record {
            profile: true,
            energy_map: true,
            trajectory: vec![0, 2],
            ..Record::default()
        },
        conditions: RunConditions::default(),
    };
    Ok(job.run(dir, Existing::Overwrite, &mut |_| ControlFlow::Continue(()))?)
}

/// The whole run as one batch.
fn part_of(run: &RunReader) -> Result<Part, Box<dyn Error>> {
    let profile = run.profile()?.map(|profile| ("profile".to_owned(), profile.into_dyn()));
    let energy_map = run.energy_map()?.map(|map| ("energy_map".to_owned(), map));
    let trajectory = run.trajectory()?.map(|states| ("trajectory".to_owned(), states));
    Ok(Part {
        start: 0,
        samples: run.samples()?,
        table: run.table().clone(),
        tensors: profile.into_iter().chain(energy_map).chain(trajectory).collect(),
        certificate: None,
    })
}
