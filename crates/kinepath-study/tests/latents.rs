//! Samples that are latents: judged as the pictures they are decoded to, with the energies of latents.
#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;

use kinepath::paths::Paths;
use kinepath::plan::Plan;
use kinepath::record::Record;
use kinepath::sampler::Sampler;
use kinepath_study::StudyError;
use kinepath_study::data;
use kinepath_study::report::render;
use kinepath_study::run::{Existing, FieldSettings, NoiseSettings, SamplerSettings};
use kinepath_study::sampling::{Given, GivenRun};
use kinepath_study::schedule::ScheduleSpec;
use kinepath_study::study::{DataSettings, DecoderSettings, Judge, StudySettings, evaluate_runs};
use ndarray::{Array2, ArrayView2, Axis, s};

/// Side of a latent, and of the picture that `fixtures/make_networks.py` makes of it.
const SIDE: usize = 14;
const SHAPE: [usize; 3] = [1, SIDE, SIDE];
const PICTURE: usize = 2 * SIDE;
const SCALE: f64 = 0.5;
const SHIFT: f64 = 0.25;
const NEIGHBOURS: usize = 10;

fn settings() -> DataSettings {
    let network = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/doubling.onnx");
    DataSettings {
        decoder: Some(DecoderSettings { network: network.to_owned(), scale: SCALE, shift: SHIFT }),
        ..StudySettings::default().data
    }
}

/// Latents of training records, every second pixel of every second row, with noise.
fn latents(count: usize, noise: f32) -> Array2<f32> {
    let records = data::load("builtin:fashion-mnist").unwrap().values;
    let strange = kinepath::noise::noise(7, 0..count as u64, SIDE * SIDE);
    Array2::from_shape_fn((count, SIDE * SIDE), |(row, pixel)| {
        let (y, x) = (2 * (pixel / SIDE), 2 * (pixel % SIDE));
        let value = records[[row, y * PICTURE + x]] + noise * strange[[row, pixel]];
        (value - SHIFT as f32) * SCALE as f32
    })
}

fn decoded(latents: ArrayView2<'_, f32>) -> Array2<f32> {
    Array2::from_shape_fn((latents.nrows(), PICTURE * PICTURE), |(row, pixel)| {
        let (y, x) = (pixel / PICTURE / 2, pixel % PICTURE / 2);
        latents[[row, y * SIDE + x]] / SCALE as f32 + SHIFT as f32
    })
}

#[test]
fn latents_are_judged_as_their_pictures() {
    // More than are decoded at a time, and a remainder.
    let latents = latents(131, 0.3);
    let shape = [1, PICTURE, PICTURE];
    let of_pictures = Judge::open(&StudySettings::default().data, NEIGHBOURS, &shape).unwrap();
    let of_latents = Judge::open(&settings(), NEIGHBOURS, &SHAPE).unwrap();
    assert_eq!(of_latents.sample_shape(), SHAPE);
    let expected = of_pictures.judge(decoded(latents.view()).view(), None).unwrap();
    let judged = of_latents.judge(latents.view(), None).unwrap();
    assert_eq!(judged.gaps.nearest, expected.gaps.nearest);
    let close = |a: &[f64], b: &[f64]| {
        assert_eq!(a.len(), 131);
        assert!(
            a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-4 * b.abs().max(1.0)),
            "{a:?} {b:?}"
        );
    };
    close(&judged.gaps.ratio, &expected.gaps.ratio);
    close(&judged.knn_support, &expected.knn_support);
    close(&judged.fidelity.unwrap().margin, &expected.fidelity.unwrap().margin);
    let squares = latents.map_axis(Axis(1), |row| row.iter().map(|&z| f64::from(z).powi(2)).sum());
    close(&judged.squared_norm, squares.as_slice().unwrap());
}

#[test]
fn a_run_of_latents_shows_pictures_and_says_whose_energies_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let targets = latents(40, 0.0);
    // Paths that are straight: to a latent each.
    let field = kinepath::field::EmpiricalField::new(targets.clone()).unwrap();
    let (plan, sampler): (Plan, SamplerSettings) = ScheduleSpec::default().compile().unwrap();
    let record = Record { energy_map: true, ..Record::default() };
    let noise = kinepath::noise::noise(0, 0..40, SIDE * SIDE);
    let paths: Paths =
        Sampler::new(&field, &plan).unwrap().record(record).run(noise.view()).unwrap();
    let mean = paths.kpe.iter().sum::<f64>() / 40.0;
    GivenRun {
        shape: SHAPE.to_vec(),
        samples: Given::Paths(Box::new(paths)),
        labels: None,
        field: FieldSettings::external("latents"),
        sampler: Some(sampler),
        noise: NoiseSettings::Seed { seed: 0 },
        trajectory: Vec::new(),
    }
    .write(folder.path(), Existing::Resume)
    .unwrap();
    let results =
        evaluate_runs(&[folder.path()], &settings(), 200, &mut |_, _| ControlFlow::Continue(()))
            .unwrap();
    let model = &results.models[0];
    let energy = model.runs[0].energy.as_ref().unwrap();
    assert!((energy.kpe.mean - mean).abs() < 1e-9 * mean);
    assert!((energy.kpe_per_dimension - mean / (SIDE * SIDE) as f64).abs() < 1e-9 * mean);
    let side = |uri: &str| {
        let text = uri.strip_prefix("data:image/png;base64,").unwrap();
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text);
        image::load_from_memory(&bytes.unwrap()).unwrap().width() as usize
    };
    assert_eq!(side(&model.pictures[0].sample), PICTURE);
    assert_eq!(side(&model.pictures[0].energy_map), SIDE);
    let page = render(&results).unwrap();
    assert!(page.contains("energies are those of latents"), "{page}");
}

#[test]
fn what_cannot_be_decoded_is_refused_before_any_work() {
    let refused = |change: fn(&mut DecoderSettings), shape: &[usize]| {
        let mut settings = settings();
        change(settings.decoder.as_mut().unwrap());
        Judge::open(&settings, NEIGHBOURS, shape).err().unwrap()
    };
    for scale in [0.0, f64::NAN, f64::INFINITY, 1e-60] {
        let mut settings = settings();
        settings.decoder.as_mut().unwrap().scale = scale;
        let error = Judge::open(&settings, NEIGHBOURS, &SHAPE).err().unwrap();
        assert!(matches!(error, StudyError::Network(_)), "{error:?}");
        assert!(error.to_string().contains("finite scale other than 0"), "{error}");
    }
    let error = refused(|_| {}, &[1, 8, 8]);
    assert!(matches!(error, StudyError::Mismatch(_)), "{error:?}");
    assert!(error.to_string().contains("makes pictures of 256 values"), "{error}");
    let error = refused(|decoder| decoder.network = "builtin:velocity".into(), &SHAPE);
    assert!(error.to_string().contains("builtin:velocity"), "{error}");
    let judge = Judge::open(&settings(), NEIGHBOURS, &SHAPE).unwrap();
    let short = latents(3, 0.0);
    let error = judge.judge(short.slice(s![.., ..10]), None).err().unwrap();
    assert!(error.to_string().contains("rows of 196 numbers"), "{error}");
}
