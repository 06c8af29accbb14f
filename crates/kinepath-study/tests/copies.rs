//! Copies sought in features: what the judge finds is what the metrics find in the embedded points.
#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;

use kinepath::metrics::{DistinctPoints, NeighbourIndex, authenticity, f_mem, gap_ratios};
use kinepath_study::StudyError;
use kinepath_study::data;
use kinepath_study::run::Existing;
use kinepath_study::study::{CopySpace, DataSettings, Judge, StudySettings, run_study};
use ndarray::{Array2, ArrayView2, Axis, concatenate, s};

/// Side of a picture, and of its quadrants.
const SIDE: usize = 28;
const HALF: usize = 14;
const SHAPE: [usize; 3] = [1, SIDE, SIDE];
const NEIGHBOURS: usize = 10;

fn settings(copies_in: CopySpace) -> DataSettings {
    let quadrants = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/quadrants.onnx");
    let embedded = StudySettings::default().data;
    DataSettings { encoder: Some(quadrants.to_owned()), copies_in, ..embedded }
}

/// The four features that `fixtures/make_networks.py` describes.
fn quadrants(pictures: ArrayView2<'_, f32>) -> Array2<f32> {
    Array2::from_shape_fn((pictures.nrows(), 4), |(row, quadrant)| {
        let picture = pictures.row(row);
        let (down, across) = (HALF * (quadrant / 2), HALF * (quadrant % 2));
        let pixels = (0..HALF * HALF)
            .map(|pixel| f64::from(picture[(down + pixel / HALF) * SIDE + across + pixel % HALF]));
        (pixels.sum::<f64>() / (HALF * HALF) as f64) as f32
    })
}

/// Each quadrant of each picture upside down.
fn overturned(pictures: ArrayView2<'_, f32>) -> Array2<f32> {
    Array2::from_shape_fn(pictures.dim(), |(row, pixel)| {
        let (y, x) = (pixel / SIDE, pixel % SIDE);
        pictures[[row, (y / HALF * HALF + HALF - 1 - y % HALF) * SIDE + x]]
    })
}

#[test]
fn figures_of_copying_are_those_of_the_embedded_points() {
    let judge = Judge::open(&settings(CopySpace::Features), NEIGHBOURS, &SHAPE).unwrap();
    let training = quadrants(judge.training().values.view());
    let held_out = data::load(settings(CopySpace::Features).reference.as_deref().unwrap()).unwrap();
    // New pictures, and training records that only features know again.
    let new = held_out.values.slice(s![..100, ..]);
    let moved = overturned(judge.training().values.slice(s![..60, ..]));
    let samples = concatenate![Axis(0), new, moved];
    let judged = judge.judge(samples.view(), None).unwrap();

    let index = NeighbourIndex::new(DistinctPoints::new(training.view()).unwrap());
    let direct = gap_ratios(&index, quadrants(samples.view()).view()).unwrap();
    assert_eq!(judged.gaps.nearest, direct.nearest);
    for (found, expected) in judged.gaps.ratio.iter().zip(&direct.ratio) {
        assert!((found - expected).abs() < 1e-4, "{found} {expected}");
    }
    let share = |memorized: &[bool]| f_mem(memorized, 0.95).unwrap().estimate;
    let memorized = direct.memorized(1.0 / 3.0);
    assert_eq!(share(&judged.memorized), share(&memorized));
    assert!((0.37..0.5).contains(&share(&memorized)), "{}", share(&memorized));
    assert_eq!(judged.authentic, authenticity(&index, &direct).unwrap().authentic);

    // The calibration and the copying test start from distances in the same space.
    let unseen = gap_ratios(&index, quadrants(held_out.values.view()).view()).unwrap();
    assert_eq!(judge.held_out_gaps().unwrap().nearest, unseen.nearest);
}

#[test]
fn a_copy_with_its_pixels_moved_is_one_in_features_only() {
    let share = |copies_in: CopySpace| {
        let judge = Judge::open(&settings(copies_in), NEIGHBOURS, &SHAPE).unwrap();
        let samples = overturned(judge.training().values.slice(s![..100, ..]));
        let memorized = judge.judge(samples.view(), None).unwrap().memorized;
        memorized.iter().filter(|&&copy| copy).count()
    };
    assert_eq!(share(CopySpace::Features), 100);
    assert!(share(CopySpace::Pixels) < 5, "{}", share(CopySpace::Pixels));
}

#[test]
fn features_without_an_encoder_stop_a_study_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = StudySettings { data: settings(CopySpace::Features), ..Default::default() };
    settings.data.encoder = None;
    // Neither is there: the setting is refused before either is looked for.
    settings.data.train = "nowhere.npy".to_owned();
    settings.fields[0].spec = "onnx:nowhere.onnx".to_owned();
    let mut quiet = |_: &str, _: f64| ControlFlow::Continue(());
    let refused = [
        run_study(&settings, folder.path(), Existing::Resume, &mut quiet).unwrap_err(),
        Judge::open(&settings.data, NEIGHBOURS, &SHAPE).err().unwrap(),
    ];
    for error in refused {
        assert!(matches!(error, StudyError::Spec { .. }), "{error}");
        assert!(error.to_string().contains("there is no encoder"), "{error}");
    }
}
