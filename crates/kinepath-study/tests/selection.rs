//! Selection of samples of a field with classes, and selections that cannot be meant.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::ops::ControlFlow;
use std::path::Path;

use kinepath::field::{Condition, FieldError, VelocityField};
use kinepath::noise::noise_at;
use kinepath::plan::Plan;
use kinepath::record::Record;
use kinepath::sampler::Sampler;
use kinepath_study::StudyError;
use kinepath_study::conditions::{FieldInputs, RunConditions};
use kinepath_study::data::NoiseFile;
use kinepath_study::run::{Existing, FieldSettings, RunReader, columns};
use kinepath_study::sampling::{SampleJob, Selection, Start};
use kinepath_study::schedule::ScheduleSpec;
use kinepath_study::source::FieldSource;
use ndarray::{Array2, ArrayView2, ArrayViewMut2};

const COUNT: usize = 9;

/// `v = (label + 1) x − 1`; NaN for samples that start beyond `broken` in the first element.
struct Classes {
    broken: f32,
}

impl VelocityField for Classes {
    fn dim(&self) -> usize {
        2
    }

    fn velocity(
        &self,
        x: ArrayView2<'_, f32>,
        t: &[f64],
        condition: Condition<'_>,
        mut out: ArrayViewMut2<'_, f32>,
    ) -> Result<(), FieldError> {
        let Condition::Labels(labels) = condition else { panic!("labels expected") };
        let rows = out.outer_iter_mut().zip(x.outer_iter()).zip(labels.iter().zip(t));
        for ((mut out, x), (&label, &t)) in rows {
            out.assign(&x.mapv(|x| (label + 1) as f32 * x - 1.0));
            if t == 0.0 && x[0] > self.broken {
                out.fill(f32::NAN);
            }
        }
        Ok(())
    }
}

fn source(broken: f32) -> FieldSource {
    FieldSource {
        field: std::sync::Arc::new(Classes { broken }),
        empirical: None,
        shape: vec![2],
        labelled: true,
        inputs: FieldInputs::default(),
        settings: FieldSettings {
            spec: "test:classes".to_owned(),
            sha256: String::new(),
            engine: None,
            predicts: "velocity".to_owned(),
            time: "unit".to_owned(),
            path: None,
            schedule_sha256: None,
            scaling: None,
            guidance: None,
        },
    }
}

fn plan() -> (Plan, kinepath_study::run::SamplerSettings) {
    ScheduleSpec { steps: 6, ..ScheduleSpec::default() }.compile().unwrap()
}

fn labels() -> Vec<i64> {
    (0..COUNT as i64).map(|slot| slot % 3).collect()
}

fn selection(band: &str, max_attempts: usize) -> Selection {
    Selection { bands: vec![band.parse().unwrap()], max_attempts }
}

fn run(dir: &Path, broken: f32, start: Start) -> Result<RunReader, StudyError> {
    let (plan, sampler) = plan();
    let job = SampleJob {
        first: 0,
        source: &source(broken),
        plan: &plan,
        sampler,
        start,
        count: COUNT,
        total: None,
        batch: 4,
        record: Record::default(),
        conditions: RunConditions::labels(labels()),
    };
    job.run(dir, Existing::Resume, &mut |_| ControlFlow::Continue(()))
}

#[test]
fn a_slot_keeps_its_class_however_often_it_is_drawn() {
    let dir = tempfile::tempdir().unwrap();
    let start = Start::Selected { seed: 5, selection: selection("displacement=1..4", 1000) };
    let reader = run(dir.path(), f32::INFINITY, start).unwrap();
    assert_eq!(reader.table().i64(columns::LABEL).unwrap(), labels());
    let attempts = reader.table().i64(columns::ATTEMPTS).unwrap();
    assert!(attempts.iter().filter(|&&attempts| attempts > 1).count() > 2, "{attempts:?}");

    let indices = reader.table().i64(columns::NOISE_INDEX).unwrap();
    let indices: Vec<u64> = indices.into_iter().map(|index| index as u64).collect();
    let (plan, _) = plan();
    let (field, labels) = (Classes { broken: f32::INFINITY }, labels());
    let sampler = Sampler::new(&field, &plan).unwrap().condition(Condition::Labels(&labels));
    let direct = sampler.run(noise_at(5, &indices, 2).view()).unwrap();
    assert_eq!(reader.samples().unwrap(), direct.endpoints);
    assert_eq!(reader.table().f64(columns::DISPLACEMENT).unwrap(), direct.displacement);
    assert!(direct.displacement.iter().all(|energy| (1.0..=4.0).contains(energy)));
}

#[test]
fn an_error_names_the_noise_it_came_from() {
    let dir = tempfile::tempdir().unwrap();
    let start = Start::Selected { seed: 5, selection: selection("displacement=1e6..", 1000) };
    let error = run(dir.path(), 2.5, start).unwrap_err();
    let StudyError::Sample(kinepath::sampler::SampleError::Velocity { sample, step, .. }) = error
    else {
        panic!("{error}")
    };
    // No first draw of a slot starts there: the row of the batch could not tell the index.
    assert!(sample >= COUNT as u64 && step == 0, "sample {sample}, step {step}");
    assert!(noise_at(5, &[sample], 2)[[0, 0]] > 2.5);
}

#[test]
fn selections_that_cannot_be_meant_touch_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |selection: Selection, part: &str| {
        let run = run(dir.path(), f32::INFINITY, Start::Selected { seed: 0, selection });
        let error = run.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    refused(Selection { bands: Vec::new(), max_attempts: 1 }, "a band");
    refused(selection("kpe=1..", 0), "at least one attempt");
    refused(selection("kpe=1..", usize::MAX), "allow fewer attempts");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);

    let given =
        NoiseFile { values: Array2::zeros((COUNT, 2)), shape: vec![2], sha256: String::new() };
    let start = Start::Given { path: "x0.npy".to_owned(), noise: given };
    let plain = run(dir.path(), f32::INFINITY, start).unwrap();
    assert!(kinepath_study::sampling::selection_effect(&plain).unwrap().is_none());
}
