//! Resizing, against Pillow and TensorFlow 1's formula (`fixtures/make_encoders.py`).

use crate::support::Tensors;
use kinepath_onnx::{Filter, Fit, Preprocess};

/// The largest difference in grey levels between ours and theirs.
fn difference(filter: Filter, eight_bits: bool, name: &str) -> f32 {
    let tensors = Tensors::load("encoders.safetensors");
    let picture = format!("picture/{name}");
    let shape = [&[1], &tensors.sample_shape(&picture)[..]].concat();
    let (mean, deviation) = ([0.0; 3], [1.0 / 255.0; 3]);
    let steps = Preprocess { eight_bits, filter, fit: Fit::Stretch, size: 13, mean, deviation };
    let actual = steps.apply(tensors.rows(&picture).view(), &shape).unwrap();
    let bits = if eight_bits { "eight" } else { "float" };
    let filter = format!("{filter:?}").to_lowercase();
    let expected = tensors.rows(&format!("{filter}_{bits}/{name}"));
    assert_eq!(actual.dim(), (1, 3 * 13 * 13));
    let pairs = actual.iter().zip(expected.iter().cycle());
    pairs.fold(0.0, |most, (a, e)| most.max((a - e).abs()))
}

#[test]
fn every_filter_gives_the_levels_of_its_library() {
    for name in ["tall", "wide"] {
        for filter in [Filter::Bilinear, Filter::Bicubic, Filter::TensorFlow1] {
            for eight_bits in [false, true] {
                // Of 255: the last bits of f32. Whole levels are met exactly.
                let difference = difference(filter, eight_bits, name);
                assert!(difference < 5.0e-5, "{filter:?} {eight_bits} {name}: {difference}");
            }
        }
    }
}
