//! Run folders of samples that were made elsewhere, and what a study says of them.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::ops::ControlFlow;
use std::path::Path;

use kinepath::paths::Paths;
use kinepath::record::Record;
use kinepath::sampler::Sampler;
use kinepath_study::conditions::RunConditions;
use kinepath_study::data;
use kinepath_study::report::render;
use kinepath_study::run::{
    Existing, FieldSettings, NoiseSettings, RunReader, SamplerSettings, UNKNOWN,
};
use kinepath_study::sampling::{Given, GivenRun, SampleJob, Start};
use kinepath_study::schedule::ScheduleSpec;
use kinepath_study::source::{Engine, FieldSource, FieldSpec};
use kinepath_study::study::{CopySpace, DataSettings, StudyResults, evaluate_runs};
use ndarray::{Array2, concatenate};

const TRAIN: &str = "builtin:fashion-mnist";

/// Samples alone, from a source named `model`.
fn bare(samples: Array2<f32>, noise: NoiseSettings) -> GivenRun {
    GivenRun {
        shape: data::load(TRAIN).unwrap().shape,
        samples: Given::Samples(samples),
        labels: None,
        field: FieldSettings::external("model"),
        sampler: None,
        noise,
        trajectory: Vec::new(),
    }
}

fn declared() -> NoiseSettings {
    NoiseSettings::Declared { name: "generator 0".to_owned() }
}

/// Twelve training records with a little noise, and twenty that are noise alone.
fn copies_and_noise() -> Array2<f32> {
    let train = data::load(TRAIN).unwrap().values;
    let (copies, dim) = (train.slice(ndarray::s![..12, ..]), train.ncols());
    let noise = |seed, count| kinepath::noise::noise(seed, 0..count, dim);
    let near = &copies + &(noise(1, 12) * 0.01);
    concatenate(ndarray::Axis(0), &[near.view(), noise(2, 20).view()]).unwrap()
}

fn evaluate(folders: &[&Path]) -> Result<StudyResults, kinepath_study::StudyError> {
    let data = DataSettings {
        train: TRAIN.to_owned(),
        reference: None,
        decoder: None,
        encoder: None,
        copies_in: CopySpace::Pixels,
        classifier: None,
        clip: None,
        engine: Engine::Auto,
    };
    evaluate_runs(folders, &data, 200, &mut |_, _| ControlFlow::Continue(()))
}

#[test]
fn samples_alone_are_audited_and_have_no_energies() {
    let folder = tempfile::tempdir().unwrap();
    let run = bare(copies_and_noise(), NoiseSettings::Unknown);
    let reader = run.write(folder.path(), Existing::Resume).unwrap();
    let names: Vec<_> = reader.table().columns().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(names, ["index", "label"]);
    assert_eq!(reader.samples().unwrap(), copies_and_noise());
    let text = std::fs::read_to_string(folder.path().join("run.toml")).unwrap();
    assert!(text.contains("spec = \"external:model\"") && !text.contains("[sampler]"), "{text}");
    assert_eq!(reader.settings().field.sha256, UNKNOWN);

    let results = evaluate(&[folder.path()]).unwrap();
    let model = &results.models[0];
    let f_mem = model.runs[0].metrics.iter().find(|row| row.metric == "f_mem").unwrap().value;
    assert_eq!(f_mem.estimate, 12.0 / 32.0);
    assert!(f_mem.low < f_mem.estimate && f_mem.estimate < f_mem.high);
    assert_eq!((model.runs[0].count, &model.runs[0].energy), (32, &None));
    assert_eq!(model.runs[0].gain, UNKNOWN);
    assert!(model.associations.is_empty() && model.terciles.is_empty() && model.risk.is_none());
    assert!(model.samples.kpe.is_empty() && model.samples.gap_ratio.len() == 32);
    assert_eq!(model.pictures.len(), 6);
    let page = render(&results).unwrap();
    assert!(page.contains("nobody measured the paths") && page.contains("12"), "{page}");
    for part in ["What the energy goes with", "KPE over samples", "any KPE", "NaN"] {
        assert!(!page.contains(&format!(">{part}")), "the page has: {part}");
    }
}

#[test]
fn only_samples_whose_noise_is_told_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, samples: Array2<f32>, noise: NoiseSettings| {
        let dir = folder.path().join(name);
        bare(samples, noise).write(&dir, Existing::Resume).unwrap();
        dir
    };
    let dim = copies_and_noise().ncols();
    let noisy = copies_and_noise() + kinepath::noise::noise(5, 0..32, dim) * 2.0;
    let (base, other) =
        (write("base", copies_and_noise(), declared()), write("other", noisy.clone(), declared()));
    let results = evaluate(&[&base, &other]).unwrap();
    let comparison = results.models[0].runs[1].comparison.as_ref().unwrap();
    let f_mem = comparison.differences.iter().find(|row| row.metric == "f_mem").unwrap();
    assert_eq!(f_mem.difference.estimate, -12.0 / 32.0);
    let reasons: Vec<&str> = comparison.controls.iter().map(|c| c.sentence.as_str()).collect();
    assert!(reasons[0].contains("the paths were not measured"), "{reasons:?}");
    assert!(render(&results).unwrap().contains("nobody measured the paths"));

    let unknown = write("unknown", noisy.clone(), NoiseSettings::Unknown);
    let error = evaluate(&[&base, &unknown]).unwrap_err().to_string();
    assert!(error.contains("nobody told what noise"), "{error}");
    let same = NoiseSettings::Declared { name: "generator 1".to_owned() };
    let elsewhere = write("elsewhere", noisy.clone(), same);
    let error = evaluate(&[&base, &elsewhere]).unwrap_err().to_string();
    assert!(error.contains("their noise differs"), "{error}");
    let mut another = bare(noisy, declared());
    another.field = FieldSettings::external("another model");
    let dir = folder.path().join("another");
    another.write(&dir, Existing::Resume).unwrap();
    let error = evaluate(&[&base, &dir]).unwrap_err().to_string();
    assert!(error.contains("their model or its conventions differs"), "{error}");

    let labelled = |name: &str, label: i64| {
        let run =
            GivenRun { labels: Some(vec![label; 32]), ..bare(copies_and_noise(), declared()) };
        let dir = folder.path().join(name);
        run.write(&dir, Existing::Resume).unwrap();
        dir
    };
    let (threes, fives) = (labelled("threes", 3), labelled("fives", 5));
    let error = evaluate(&[&threes, &fives]).unwrap_err().to_string();
    assert!(error.contains("their labels or inputs differs"), "{error}");
    assert!(evaluate(&[&threes, &base]).is_ok());
}

/// Paths of a field that can be opened again, sampled outside, make the run that sampling into a
/// folder makes, and pair with it.
#[test]
fn measured_paths_make_the_run_that_sampling_makes() {
    let folder = tempfile::tempdir().unwrap();
    let (sampled, given) = (folder.path().join("sampled"), folder.path().join("given"));
    let source = FieldSource::open(&FieldSpec {
        spec: format!("empirical:{TRAIN}"),
        ..FieldSpec::default()
    })
    .unwrap();
    let (plan, sampler) = ScheduleSpec { steps: 8, ..ScheduleSpec::default() }.compile().unwrap();
    let record =
        Record { profile: true, energy_map: true, trajectory: vec![4, 8], ..Record::default() };
    let job = SampleJob {
        source: &source,
        plan: &plan,
        sampler,
        start: Start::Seed(3),
        first: 0,
        count: 24,
        total: None,
        batch: 24,
        record: record.clone(),
        conditions: RunConditions::default(),
    };
    let mut go_on = |_| ControlFlow::Continue(());
    let expected = job.run(&sampled, Existing::Resume, &mut go_on).unwrap();

    let noise = kinepath::noise::noise(3, 0..24, source.field.dim());
    let paths =
        Sampler::new(source.field.as_ref(), &plan).unwrap().record(record).run(noise.view());
    let run = GivenRun {
        shape: source.shape.clone(),
        samples: Given::Paths(Box::new(paths.unwrap())),
        labels: None,
        field: source.settings.clone(),
        sampler: Some(SamplerSettings::of(&plan, "explicit")),
        noise: NoiseSettings::Seed { seed: 3 },
        trajectory: vec![0.5, 1.0],
    };
    let written = run.write(&given, Existing::Resume).unwrap();
    assert_eq!(written.table(), expected.table());
    assert_eq!(written.samples(), expected.samples());
    assert_eq!(written.profile(), expected.profile());
    assert_eq!(written.energy_map(), expected.energy_map());
    assert_eq!(written.trajectory(), expected.trajectory());
    assert_eq!(written.settings().record, expected.settings().record);

    let results = evaluate(&[&sampled, &given]).unwrap();
    let comparison = results.models[0].runs[1].comparison.as_ref().unwrap();
    assert!(comparison.differences.iter().all(|row| row.difference.estimate == 0.0));
}

#[test]
fn what_makes_no_run_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("run");
    let good = || bare(copies_and_noise(), declared());
    let refused = |run: GivenRun, part: &str| {
        let error = run.write(&dir, Existing::Resume).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
        assert!(!dir.exists());
    };
    refused(GivenRun { shape: vec![3], ..good() }, "do not have the shape [3]");
    refused(GivenRun { labels: Some(vec![1; 3]), ..good() }, "3 labels for 32 samples");
    refused(bare(Array2::zeros((0, 784)), declared()), "no samples");
    let mut samples = copies_and_noise();
    samples[[7, 100]] = f32::NAN;
    refused(bare(samples, declared()), "a value of sample 7 is NaN");

    let measured = |change: fn(&mut Paths)| {
        let mut paths = Paths {
            endpoints: copies_and_noise(),
            kpe: vec![2.0; 32],
            launch: vec![1.0; 32],
            landing: vec![1.0; 32],
            terminal: vec![0.1; 32],
            displacement: vec![1.5; 32],
            noise_left: None,
            mean_gain: vec![1.0; 32],
            nfe: vec![8; 32],
            profile: None,
            energy_map: None,
            trajectory: None,
            parts: None,
            posterior: None,
        };
        change(&mut paths);
        GivenRun { samples: Given::Paths(Box::new(paths)), ..good() }
    };
    refused(measured(|paths| paths.kpe[3] = f64::INFINITY), "kpe of sample 3 is NaN");
    refused(measured(|paths| paths.landing.truncate(5)), "landing has 5 values for 32");
    let states = |nodes, dim| ndarray::Array3::zeros((32, nodes, dim));
    let mut run = measured(|_| ());
    let Given::Paths(paths) = &mut run.samples else { return };
    paths.trajectory = Some(states(2, paths.endpoints.ncols()));
    refused(run.clone(), "2 states per sample, but 0 times");
    let Given::Paths(paths) = &mut run.samples else { return };
    paths.trajectory = Some(states(2, 3));
    refused(run, "trajectory is [32, 2, 3] for 32 samples");
    refused(
        measured(|paths| paths.energy_map = Some(Array2::zeros((32, 3)))),
        "energy_map is [32, 3] for 32 samples",
    );
    let mut profile = measured(|paths| paths.profile = Some(Array2::zeros((32, 3))));
    let (plan, sampler) = ScheduleSpec { steps: 8, ..ScheduleSpec::default() }.compile().unwrap();
    assert_eq!(SamplerSettings::of(&plan, "uniform"), sampler);
    profile.sampler = Some(sampler);
    refused(profile, "3 steps, but the plan has 8");

    good().write(&dir, Existing::Resume).unwrap();
    let error = good().write(&dir, Existing::Resume).unwrap_err().to_string();
    assert!(error.contains("holds a run already"), "{error}");
    let other = bare(copies_and_noise() * 0.5, declared());
    other.write(&dir, Existing::Overwrite).unwrap();
    assert_eq!(RunReader::open(&dir).unwrap().samples().unwrap(), copies_and_noise() * 0.5);
}
