//! A small search end to end, on the embedded data.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::ops::ControlFlow;
use std::path::Path;

use kinepath_study::run::{Existing, RunReader};
use kinepath_study::tune::results::{Basis, Fate, Outcome, TuneVerdict};
use kinepath_study::tune::{Family, GAIN_FILE, RESULTS_FILE, TuneResults, TuneSettings, run_tune};
use kinepath_study::{Stop, StudyError};

/// The empirical field of the training set, whose samples are all copies.
fn settings(families: Vec<Family>) -> TuneSettings {
    let mut settings = TuneSettings {
        candidates: 6,
        count: 12,
        rungs: 2,
        confirm: 32,
        batch: 8,
        resamples: 100,
        families,
        ..TuneSettings::default()
    };
    settings.sampler.steps = 8;
    settings.field.spec = "empirical:builtin:fashion-mnist".to_owned();
    settings
}

/// Landings that stop far from the training images: no copies, and no images either.
fn hard_landings() -> Vec<Family> {
    vec![Family::Kts {
        alpha: [0.0, 0.01],
        beta: [0.7, 0.9],
        split: [0.3, 0.4],
        launch: vec!["linear".to_owned()],
        landing: vec!["constant".to_owned()],
    }]
}

fn tune(settings: &TuneSettings, dir: &Path) -> TuneResults {
    let quiet = &mut |_: &str, _: f64| ControlFlow::Continue(());
    run_tune(settings, dir, Existing::Resume, quiet).unwrap()
}

fn written(dir: &Path) -> [Vec<u8>; 2] {
    [RESULTS_FILE, GAIN_FILE].map(|name| std::fs::read(dir.join(name)).unwrap())
}

#[test]
fn a_search_finds_the_trade_that_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(hard_landings());
    let results = tune(&settings, folder.path());

    let [first, last] = results.rungs.as_slice() else { panic!("{:?}", results.rungs.len()) };
    assert_eq!((first.samples, first.gains.len()), (12, 6));
    assert_eq!((last.samples, last.gains.len()), (24, 3));
    let kept = first.gains.iter().filter(|gain| gain.kept).map(|gain| gain.candidate);
    assert!(kept.eq(last.gains.iter().map(|gain| gain.candidate)));
    assert_eq!(first.baseline[1].value.estimate, 1.0, "the empirical flow ends on its points");

    let chosen = results.recommendation().unwrap();
    assert_eq!(chosen.basis, Basis::Knee);
    assert!(chosen.gain.contains("landing=constant"), "{}", chosen.gain);
    assert_eq!(results.verdict, TuneVerdict::Trades, "{}", results.sentence);
    let confirmation = results.confirmation.as_ref().unwrap();
    assert_eq!((confirmation.seed, confirmation.samples), (settings.seed + 1, 32));
    assert_eq!((confirmation.finalists.len(), confirmation.level), (1, 0.95));
    let f_mem = chosen.promises.iter().find(|promise| promise.metric == "f_mem").unwrap();
    assert_eq!((f_mem.search.estimate, f_mem.confirmed.estimate), (-1.0, -1.0));
    assert_eq!(f_mem.shrinkage, Some(0.0));
    assert_eq!(confirmation.others[0].gain, "kts:alpha=0.01,beta=0.01");

    let account = &results.account;
    assert_eq!(account.gains.len(), 6);
    assert_eq!(account.finalists(Outcome::Trades), 1);
    let counted: usize =
        [Fate::NotBetter, Fate::Costly, Fate::Open].map(|f| account.left(f).count()).iter().sum();
    assert_eq!(counted, 5, "every gain but the finalist");
    assert!(results.sentence.contains(&account.sentence), "{}", results.sentence);

    // The file is a gain as it is.
    let schedule = kinepath_study::schedule::ScheduleSpec {
        gain: folder.path().join(GAIN_FILE).display().to_string(),
        ..Default::default()
    };
    let plan = schedule.compile().unwrap().0;
    assert_eq!(*plan.gain(), chosen.gain.parse().unwrap());

    assert!(TuneResults::read(&folder.path().join(RESULTS_FILE)).unwrap() == results);

    // The second rung went on from the samples of the first.
    let read = |dir: &Path, name: &str| RunReader::open(&dir.join("runs").join(name)).unwrap();
    let parts = ["baseline/0-12", "baseline/12-24"].map(|name| read(folder.path(), name));
    assert!(parts[1].table().i64("index").unwrap().iter().copied().eq(12..24));
    let whole = TuneSettings { candidates: 4, count: 24, rungs: 1, ..settings };
    let other = tempfile::tempdir().unwrap();
    tune(&whole, other.path());
    let together = read(other.path(), "baseline/0-24").samples().unwrap();
    let parts = parts.map(|part| part.samples().unwrap());
    let rows = parts.iter().flat_map(|part| part.outer_iter());
    for (row, expected) in rows.zip(together.outer_iter()) {
        assert!(row.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5));
    }
}

#[test]
fn an_interrupted_search_ends_with_the_same_bytes() {
    let settings = settings(hard_landings());
    let undisturbed = tempfile::tempdir().unwrap();
    tune(&settings, undisturbed.path());
    let folder = tempfile::tempdir().unwrap();
    let mut met = Vec::new();
    for (rung, at) in [("rung 1", 0.6), ("rung 2", 0.7), ("confirming", 0.5)] {
        let stopped = run_tune(&settings, folder.path(), Existing::Resume, &mut |stage, done| {
            if !(stage.starts_with(rung) && done >= at) {
                return ControlFlow::Continue(());
            }
            met.push(stage.to_owned());
            ControlFlow::Break(Stop::AtOnce)
        });
        assert!(matches!(stopped, Err(StudyError::Interrupted)), "{rung} {at}");
        assert!(!folder.path().join(RESULTS_FILE).exists());
    }
    assert_eq!(met.len(), 3, "{met:?}");
    let mut sampled = false;
    run_tune(&settings, folder.path(), Existing::Resume, &mut |stage, done| {
        sampled |= stage.starts_with("rung 1") && done < 0.1;
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(!sampled, "finished runs must not be repeated");
    assert!(written(folder.path()) == written(undisturbed.path()));
}

#[test]
fn where_no_gain_does_anything_none_is_recommended() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(vec![Family::Ssc { alpha: [0.0, 0.001], power: [1.0, 2.0] }]);
    // Every sample is a copy, with these gains as without.
    settings.candidates = 4;
    let results = tune(&settings, folder.path());
    assert_eq!(results.verdict, TuneVerdict::NothingFound);
    assert!(results.recommendation().is_none() && results.confirmation.is_none());
    assert_eq!(results.account.left(Fate::NotBetter).count(), 4);
    assert!(results.sentence.contains("no gain lowers F_mem"), "{}", results.sentence);
    let text = std::fs::read_to_string(folder.path().join(GAIN_FILE)).unwrap();
    assert!(text.starts_with("# `kinepath tune` found no gain worth using"), "{text}");
    assert!(text.contains("gain = \"unit\"") && text.contains("no gain lowers"), "{text}");
}

#[test]
fn a_time_budget_chooses_once_and_for_all() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(hard_landings());
    settings.minutes = Some(1e-6);
    let quiet = &mut |_: &str, _: f64| ControlFlow::Continue(());
    let error = run_tune(&settings, folder.path(), Existing::Resume, quiet).unwrap_err();
    assert!(error.to_string().contains("the smallest search"), "{error}");
    let cost = std::fs::read_to_string(folder.path().join("cost.toml")).unwrap();
    // What was measured decides, not the machine's speed at this moment.
    let seconds: f64 = cost.trim().rsplit(' ').next().unwrap().parse().unwrap();
    settings.minutes = Some(260.0 * seconds / 60.0);
    let first = tune(&settings, folder.path());
    assert!(first.budget.candidates >= 4 && first.budget.confirm >= 12, "{:?}", first.budget);
    assert_eq!(first.budget.seconds_per_sample, Some(seconds));
    assert_eq!(first.rungs[0].gains.len(), first.budget.candidates);
}
