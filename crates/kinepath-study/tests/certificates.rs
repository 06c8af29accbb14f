//! The certificate of a run: derived from its parts, whoever wrote them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use kinepath::field::{Certificate, EmpiricalField};
use kinepath::noise::noise;
use kinepath::record::Record;
use kinepath::sampler::Sampler;
use kinepath_study::conditions::{FieldInputs, RunConditions};
use kinepath_study::run::{
    Certify, Existing, FieldSettings, NoiseSettings, RunReader, SamplerSettings, columns,
};
use kinepath_study::sampling::{Given, GivenRun, SampleJob, Start};
use kinepath_study::schedule::ScheduleSpec;
use kinepath_study::source::FieldSource;
use kinepath_study::{Stop, StudyError};

const DIM: usize = 6;
const COUNT: usize = 20;
const BATCH: usize = 8;

fn field() -> Arc<EmpiricalField> {
    Arc::new(EmpiricalField::new(noise(3, 0..400, DIM)).unwrap())
}

fn source() -> FieldSource {
    let field = field();
    FieldSource {
        empirical: Some(field.clone()),
        field,
        shape: vec![DIM],
        labelled: false,
        inputs: FieldInputs::default(),
        settings: FieldSettings::external("exact"),
    }
}

fn schedule() -> ScheduleSpec {
    let gain = "kts:alpha=0.05,beta=0.01".to_owned();
    ScheduleSpec { steps: 25, gain, ..ScheduleSpec::default() }
}

/// Samples into `dir`, or stops when `enough` of it is done.
fn sample(dir: &Path, spec: &ScheduleSpec, enough: f64) -> Result<RunReader, StudyError> {
    let (plan, sampler) = spec.compile().unwrap();
    let job = SampleJob {
        source: &source(),
        plan: &plan,
        sampler,
        start: Start::Seed(1),
        first: 0,
        count: COUNT,
        total: None,
        batch: BATCH,
        record: Record { profile: true, ..Record::default() },
        conditions: RunConditions::default(),
    };
    job.run(dir, Existing::Resume, &mut |done| match done > enough {
        true => ControlFlow::Break(Stop::AtOnce),
        false => ControlFlow::Continue(()),
    })
}

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap_or_default())
        })
        .collect()
}

#[test]
fn a_stopped_run_ends_with_the_certificate_of_all_its_batches() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, stopped) = (folder.path().join("whole"), folder.path().join("stopped"));
    let run = sample(&whole, &schedule(), 2.0).unwrap();
    let first = sample(&stopped, &schedule(), 0.5).unwrap_err();
    assert!(matches!(first, StudyError::Interrupted));
    assert!(!stopped.join("run.toml").exists());
    let parts = files(&stopped.join("parts"));
    let parts = parts.keys().filter(|name| name.starts_with("part-")).count();
    assert_eq!(parts, 1, "the first batch was written by the first call");
    sample(&stopped, &schedule(), 2.0).unwrap();
    assert_eq!(files(&stopped), files(&whole));

    // What sampling the batches one by one says.
    let (field, (plan, _)) = (field(), schedule().compile().unwrap());
    let mut errors = Vec::new();
    let mut expected: Option<Certificate> = None;
    for start in (0..COUNT).step_by(BATCH) {
        let rows = start..COUNT.min(start + BATCH);
        let x0 = noise(1, rows.start as u64..rows.end as u64, DIM);
        let paths = Sampler::new(field.as_ref(), &plan).unwrap().run(x0.view()).unwrap();
        let certificate = paths.posterior.unwrap().certificate;
        errors.extend(vec![certificate.velocity_error; rows.len()]);
        expected = Some(expected.map_or(certificate, |so_far| so_far.and(certificate)));
    }
    let found = run.settings().certificate.unwrap();
    assert_eq!(Certificate::from(found), expected.unwrap());
    assert!(found.velocity_error > 0.0 && found.need.unwrap() < found.tau, "{found}");
    assert_eq!(run.table().f64(columns::VELOCITY_ERROR).unwrap(), errors);
    assert_eq!(run.posterior_entropy().unwrap().unwrap().dim(), (COUNT, 25));
}

#[test]
fn a_gap_is_used_compared_and_refused_where_it_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("run");
    let gap = |tau| ScheduleSpec { certify: Some(Certify::gap(tau).unwrap()), ..schedule() };
    let wide = sample(&dir, &gap(12.0), 2.0).unwrap().settings().certificate.unwrap();
    assert_eq!(wide.tau, 12.0);
    let refused = sample(&dir, &schedule(), 2.0).unwrap_err().to_string();
    assert!(refused.contains("sampler.certify") && refused.contains("12"), "{refused}");
    let usual = sample(&folder.path().join("usual"), &gap(20.0), 2.0).unwrap();
    assert!(usual.settings().certificate.unwrap().velocity_error < wide.velocity_error);
    // The usual gap and none are the same settings.
    assert!(sample(&folder.path().join("usual"), &schedule(), 2.0).is_ok());

    let off = ScheduleSpec { certify: Some(Certify::OFF), ..schedule() };
    let off = sample(&folder.path().join("off"), &off, 2.0).unwrap();
    assert_eq!(off.settings().sampler.as_ref().unwrap().certify, Some(Certify::OFF));
    assert_eq!(off.settings().certificate, None);
    assert!(off.table().get(columns::COLLAPSE_TIME).is_none());

    let other = ScheduleSpec { solver: "midpoint".to_owned(), ..gap(20.0) };
    let error = sample(&folder.path().join("none"), &other, 2.0).unwrap_err().to_string();
    assert!(error.contains("only Euler paths through an empirical: field"), "{error}");
    assert!(!folder.path().join("none").exists());
}

#[test]
fn given_paths_keep_what_is_known_of_their_posteriors() {
    let folder = tempfile::tempdir().unwrap();
    let (field, (plan, _)) = (field(), schedule().compile().unwrap());
    let record = Record { profile: true, ..Record::default() };
    let sampler = Sampler::new(field.as_ref(), &plan).unwrap().record(record);
    let paths = sampler.run(noise(1, 0..COUNT as u64, DIM).view()).unwrap();
    let given = |change: fn(&mut kinepath::field::PosteriorPaths)| {
        let mut paths = paths.clone();
        change(paths.posterior.as_mut().unwrap());
        GivenRun {
            shape: vec![DIM],
            samples: Given::Paths(Box::new(paths)),
            labels: None,
            field: FieldSettings::external("exact"),
            sampler: Some(SamplerSettings::of(&plan, "explicit")),
            noise: NoiseSettings::Seed { seed: 1 },
            trajectory: Vec::new(),
        }
    };
    let dir = folder.path().join("given");
    let refused = |run: GivenRun, part: &str| {
        let error = run.write(&dir, Existing::Resume).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
        assert!(!dir.exists());
    };
    refused(given(|p| p.top.truncate(3)), "top has 3 values for 20 samples");
    refused(given(|p| p.collapse.truncate(3)), "collapse has 3 values");
    refused(given(|p| p.certificate.tau = f64::INFINITY), "bounds nothing");
    refused(
        given(|p| p.entropy = Some(ndarray::Array2::zeros((COUNT, 3)))),
        "entropy has 3 steps, but the plan has 25",
    );
    let run = given(|_| ()).write(&dir, Existing::Resume).unwrap();
    let posterior = paths.posterior.as_ref().unwrap();
    assert_eq!(Certificate::from(run.settings().certificate.unwrap()), posterior.certificate);
    let top: Vec<usize> =
        run.table().i64(columns::TOP_INDEX).unwrap().iter().map(|&i| i as usize).collect();
    assert_eq!(top, posterior.top);
    for (t, expected) in
        run.table().f64(columns::COLLAPSE_TIME).unwrap().iter().zip(&posterior.collapse)
    {
        assert_eq!((!t.is_nan()).then_some(*t), *expected);
    }
    assert!(run.effective_count().unwrap().is_some());
}
