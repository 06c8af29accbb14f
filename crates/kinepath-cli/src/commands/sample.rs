//! `kinepath sample`: sampling into a run folder.

mod args;
mod condition;
mod help;
mod summary;

use anyhow::Result;
use kinepath::record::Record;
use kinepath_study::StudyError;
use kinepath_study::conditions::RunConditions;
use kinepath_study::conventions::STRAIGHT;
use kinepath_study::data::load_noise;
use kinepath_study::run::{Existing, RunError, RunReader};
use kinepath_study::sampling::{SampleJob, Start, fitting_batch, selection_effect};
use kinepath_study::source::FieldSource;

use args::RecordItem;
pub(crate) use args::SampleArgs;
use summary::{Before, Summary};

use crate::console::Console;
use crate::exit::Usage;
use crate::progress::Progress;

pub(crate) fn run(args: &SampleArgs, console: &Console) -> Result<()> {
    args.check()?;
    let schedule = args.schedule();
    let (plan, sampler) = schedule.compile()?;
    let mut progress = Progress::start(console, "loading")?;
    let source = FieldSource::open(&args.field())?;
    schedule.check_field(&source.settings)?;
    let start = start(args, &source)?;
    let rows = match &start {
        Start::Given { noise, .. } => Some(noise.values.nrows()),
        Start::Seed(_) | Start::Selected { .. } => None,
    };
    let known = match args.count.or(rows) {
        Some(count) => Some(count),
        None => args.condition.count(&source)?,
    };
    let share = args.share.share();
    let total = match known {
        Some(total) => total,
        None if share.is_some() => {
            return Err(Usage("--count must say how many samples all shares are".to_owned()).into());
        }
        None => args::DEFAULT_COUNT,
    };
    console.detail(format_args!(
        "field {}, sample shape {:?}, sha256 {}",
        source.settings.spec, source.shape, source.settings.sha256
    ));
    console.detail(format_args!(
        "predicts {}, time {}, path {}",
        source.settings.predicts,
        source.settings.time,
        source.settings.path.as_deref().unwrap_or(STRAIGHT)
    ));
    console.detail(format_args!(
        "{} over {} steps from t = {} to {}, gain {}, {} quadrature",
        sampler.solver,
        sampler.steps,
        plan.grid().start(),
        plan.grid().end(),
        sampler.gain,
        sampler.quadrature
    ));
    let record = record(&args.record, &plan);
    let inputs = args.condition.inputs(&source, total)?;
    let batch = match args.batch {
        Some(batch) => batch,
        None => fitting_batch(&source, &plan, &record, inputs.as_ref(), args.batch_memory())?,
    };
    let range = share.map_or(Ok(0..total), |share| share.range(total, batch));
    let range = range.map_err(StudyError::from)?;
    let job = SampleJob {
        record,
        source: &source,
        plan: &plan,
        sampler,
        start,
        first: range.start,
        count: range.len(),
        total: share.map(|_| total),
        batch,
        conditions: RunConditions { labels: args.condition.labels(range, total)?, inputs },
    };
    let existing = if args.overwrite { Existing::Overwrite } else { Existing::Resume };
    let before = if args.overwrite { Before::Nothing } else { look(args) };
    let _ = progress.observe("sampling", 0.0);
    let reader = job.run(&args.out, existing, &mut |fraction| progress.advance(fraction))?;
    let _ = progress.observe("comparing with the first draws", 0.0);
    let selection = selection_effect(&reader)?;
    drop(progress);
    let summary = Summary::of(&reader, before, selection)?;
    if console.json { console.print_json(&summary) } else { console.print(summary) }
}

/// How far the folder has come already, for the final words; whether it can go on is for the job
/// to say.
fn look(args: &SampleArgs) -> Before {
    match RunReader::open(&args.out) {
        Ok(_) => Before::Complete,
        Err(RunError::Unfinished { done, .. }) if done > 0 => Before::Begun(done),
        Err(_) => Before::Nothing,
    }
}

fn start(args: &SampleArgs, source: &FieldSource) -> Result<Start, StudyError> {
    let Some(path) = &args.noise else {
        let seed = args.seed;
        return Ok(match args.selection() {
            Some(selection) => Start::Selected { seed, selection },
            None => Start::Seed(seed),
        });
    };
    let noise = load_noise(path)?;
    let dim: usize = source.shape.iter().product();
    if noise.shape != source.shape && noise.shape != [dim] {
        return Err(StudyError::Mismatch(format!(
            "the noise in {} has shape {:?} per sample, but {} takes {:?} (or flattened, [{dim}])",
            path.display(),
            noise.shape,
            source.settings.spec,
            source.shape
        )));
    }
    Ok(Start::Given { path: path.display().to_string(), noise })
}

fn record(items: &[RecordItem], plan: &kinepath::plan::Plan) -> Record {
    let mut record = Record::default();
    for item in items {
        match item {
            RecordItem::Profile => record.profile = true,
            RecordItem::Map => record.energy_map = true,
            RecordItem::Parts => record.parts = true,
            RecordItem::Trajectory(count) => {
                record.trajectory = Record::spread(*count, plan.grid());
            }
        }
    }
    record
}
