//! A small study end to end, on the embedded data.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::ops::ControlFlow;

use kinepath_study::run::{Existing, RunReader};
use kinepath_study::study::results::{
    ControlKind, Effect, EnergyResults, RunResults, StudyResults, Verdict,
};
use kinepath_study::study::{DataSettings, GainChoice, StudySettings, evaluate_runs, run_study};
use kinepath_study::{Stop, StudyError};

/// The empirical field of the training set, whose samples are all copies, and a landing so weak
/// that the path stops far from them.
fn settings() -> StudySettings {
    let mut settings = StudySettings { count: 64, bins: 4, resamples: 200, ..Default::default() };
    settings.sampler.steps = 10;
    settings.fields.retain(|field| field.spec.starts_with("empirical:"));
    settings.gains.truncate(2);
    settings.gains[0].name = "half".to_owned();
    settings.gains[0].gain = "table:0=0.5,1=0.5".to_owned();
    settings
}

/// The energies of a run that was measured.
fn energy(run: &RunResults) -> &EnergyResults {
    run.energy.as_ref().unwrap()
}

fn quiet(_: &str, _: f64) -> ControlFlow<Stop> {
    ControlFlow::Continue(())
}

#[test]
fn a_study_finds_what_must_be_there_and_repeats_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let results = run_study(&settings(), folder.path(), Existing::Resume, &mut quiet).unwrap();
    let model = &results.models[0];

    let baseline = &model.runs[0];
    let figure = |run: usize, key: &str| {
        model.runs[run].metrics.iter().find(|metric| metric.metric == key).unwrap().value
    };
    assert_eq!(figure(0, "f_mem").estimate, 1.0, "the empirical flow ends on training points");
    assert_eq!(figure(1, "f_mem").estimate, 0.0, "half the speed ends nowhere near them");
    for metric in &baseline.metrics {
        let value = metric.value;
        assert!(value.low <= value.estimate && value.estimate <= value.high, "{metric:?}");
    }
    let half = model.runs[1].comparison.as_ref().unwrap();
    assert_eq!(half.differences.len(), baseline.metrics.len());
    let effect = |key: &str| {
        half.differences.iter().find(|difference| difference.metric == key).unwrap().effect
    };
    assert_eq!((effect("f_mem"), effect("frechet_distance")), (Effect::Better, Effect::Worse));
    assert_eq!(half.verdict, Verdict::LeavesNoise, "half of every path is noise");

    // Half the speed on a path that bends towards the data: at most a quarter of the launch, and
    // the energies of the parts add up.
    for run in &model.runs {
        let energy = energy(run);
        assert!(
            (energy.launch.mean + energy.landing.mean - energy.kpe.mean).abs()
                < 1e-9 * energy.kpe.mean
        );
        assert_eq!((energy.nfe.min, energy.nfe.max), (10.0, 10.0));
        assert_eq!((energy.profile.len(), energy.values.len()), (10, 64));
    }
    assert!(energy(&model.runs[1]).kpe.mean < energy(baseline).kpe.mean);
    let certificate = model.certificate.as_ref().unwrap();
    assert!(certificate.tau == 20.0 && certificate.velocity_error > 0.0, "{certificate}");
    assert_eq!(model.runs.len(), 3);
    for run in &model.runs {
        let reader = RunReader::open(&folder.path().join(&run.folder)).unwrap();
        let of_run = reader.settings().certificate.unwrap();
        assert!(of_run.velocity_error <= certificate.velocity_error, "{of_run}");
    }
    let curve = model.goldilocks.as_ref().unwrap();
    assert_eq!(curve.bins.iter().map(|bin| bin.count).sum::<usize>(), 64);
    assert_eq!(model.pictures.len(), 18);
    assert!(model.pictures.iter().all(|picture| picture.sample.starts_with("data:image/png")));
    assert!(results.calibration.as_ref().unwrap().false_alarm.estimate < 0.05);

    let file = folder.path().join("study.json");
    let written = std::fs::read(&file).unwrap();
    assert!(StudyResults::read(&file).unwrap() == results, "what is read is what was found");
    let mut sampled = false;
    let again = run_study(&settings(), folder.path(), Existing::Resume, &mut |stage, done| {
        sampled |= stage.starts_with("sampling") && done < 1.0;
        ControlFlow::Continue(())
    });
    assert!(again.unwrap() == results);
    assert!(!sampled, "finished runs must not be repeated");
    assert!(std::fs::read(&file).unwrap() == written, "the same study gives the same bytes");

    let mut other = settings();
    other.seeds = vec![1];
    let refused = run_study(&other, folder.path(), Existing::Resume, &mut quiet).unwrap_err();
    assert!(refused.to_string().contains("seed"), "{refused}");

    // The same runs, judged outside the study, give the same figures.
    let runs = [&model.runs[0], &model.runs[1]].map(|run| folder.path().join(&run.folder));
    let folders: Vec<_> = runs.iter().map(|run| run.as_path()).collect();
    let data: DataSettings = settings().data;
    let judged = evaluate_runs(&folders, &data, 200, &mut quiet).unwrap();
    assert_eq!(judged.models[0].runs[0].metrics, baseline.metrics);
    assert_eq!(energy(&judged.models[0].runs[1]).values, energy(&model.runs[1]).values);
}

/// Every sample of the empirical field is a copy; a landing that stops short of them leaves noise,
/// and nothing but noise.
#[test]
fn a_landing_that_only_leaves_noise_comes_out_as_that() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings();
    settings.count = 96;
    settings.resamples = 400;
    settings.gains = vec![GainChoice {
        name: "landing".to_owned(),
        gain: "table:0=1,0.85=1,0.9=0.3,1=0.3".to_owned(),
    }];
    let results = run_study(&settings, folder.path(), Existing::Resume, &mut quiet).unwrap();
    let landing = results.models[0].runs[1].comparison.as_ref().unwrap();
    assert_eq!(landing.verdict, Verdict::LeavesNoise, "{}", landing.sentence);
    assert!(landing.sentence.contains("only leaves noise"), "{}", landing.sentence);
    let control = |kind: ControlKind| {
        let control = landing.controls.iter().find(|control| control.kind == kind).unwrap();
        control.figures.iter().find(|figure| figure.metric == "f_mem").unwrap()
    };
    // One step of the denoiser brings every sample back to the record it copies.
    assert_eq!(control(ControlKind::Denoised).value, 1.0);
    // A path straight to its record is where early stopping leaves the baseline's.
    let early = control(ControlKind::EarlyStop);
    assert!(early.to_gain.estimate.abs() < 0.05, "{early:?}");
    assert_eq!(control(ControlKind::NoiseMatched).to_baseline_effect, Effect::Better);
    let constant = landing.controls.iter().find(|c| c.kind == ControlKind::Constant).unwrap();
    assert!(!constant.figures.is_empty(), "an advantage is to be explained");
    let theory = results.models[0].theory.as_ref().unwrap();
    assert_eq!((theory.count, theory.nodes.len()), (96, 10));
    assert!(theory.collapse.iter().flatten().all(|&t| t < 1.0));
}

/// Several seeds: the samples of all of them are judged together.
#[test]
fn seeds_are_pooled() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings();
    settings.seeds = vec![0, 7];
    settings.count = 32;
    let results = run_study(&settings, folder.path(), Existing::Resume, &mut quiet).unwrap();
    let model = &results.models[0];
    assert_eq!(energy(&model.runs[0]).kpe.count, 64);
    let seed = folder.path().join(&model.runs[1].folder).join("seed-7");
    let alone = evaluate_runs(&[&seed], &settings.data, 200, &mut quiet).unwrap();
    assert_eq!(energy(&alone.models[0].runs[0]).values, energy(&model.runs[1]).values[32..]);
}

/// Training data alone: what needs more is left out, not made up.
#[test]
fn training_data_alone_are_enough_for_an_audit() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings();
    settings.data.reference = None;
    settings.data.encoder = None;
    settings.data.classifier = None;
    let results = run_study(&settings, folder.path(), Existing::Resume, &mut quiet).unwrap();
    let model = &results.models[0];
    let keys: Vec<&str> = model.runs[0].metrics.iter().map(|row| row.metric.as_str()).collect();
    assert_eq!(keys, ["f_mem", "authenticity", "vendi"]);
    assert!(results.reference.is_none() && results.calibration.is_none());
    assert!(model.goldilocks.is_none() && model.samples.margin.is_empty());
    assert!(model.runs[0].memorization.classes.is_empty());
    let with: Vec<&str> = model.associations.iter().map(|row| row.with.as_str()).collect();
    assert_eq!(with, ["knn_support", "kde_support", "gap_ratio"]);
}

/// A governed gain without a reference takes the study's own baseline.
#[test]
fn a_governed_gain_is_compared_on_equal_terms() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings();
    settings.gains = vec![GainChoice {
        name: "governed".to_owned(),
        gain: "governed:quantile=0.5,strength=1".to_owned(),
    }];
    let results = run_study(&settings, folder.path(), Existing::Resume, &mut quiet).unwrap();
    let runs = &results.models[0].runs;
    assert!(runs[1].gain.starts_with("governed:quantile=0.5"), "{}", runs[1].gain);
    assert!(energy(&runs[1]).landing.mean < energy(&runs[0]).landing.mean);
    assert_eq!(energy(&runs[1]).launch.mean, energy(&runs[0]).launch.mean);
}

#[test]
fn an_interrupted_study_keeps_what_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let mut calls = 0;
    let stopped = run_study(&settings(), folder.path(), Existing::Resume, &mut |_, _| {
        calls += 1;
        if calls < 15 { ControlFlow::Continue(()) } else { ControlFlow::Break(Stop::AtOnce) }
    });
    assert!(matches!(stopped, Err(StudyError::Interrupted)));
    assert!(!folder.path().join("study.json").exists());
    let resumed = run_study(&settings(), folder.path(), Existing::Resume, &mut quiet).unwrap();
    let fresh = tempfile::tempdir().unwrap();
    let undisturbed = run_study(&settings(), fresh.path(), Existing::Resume, &mut quiet).unwrap();
    assert!(resumed == undisturbed);
}

#[test]
fn data_of_another_shape_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mixture = folder.path().join("mixture.toml");
    std::fs::write(&mixture, "weights = [1]\nmeans = [[0, 1]]\nvariances = [1]\n").unwrap();
    let mut settings = settings();
    settings.fields[0].spec = format!("mixture:{}", mixture.display());
    let error = run_study(&settings, folder.path(), Existing::Resume, &mut quiet).unwrap_err();
    assert!(error.to_string().contains("shape [2]"), "{error}");
}
