//! Image encoders with their preprocessing, against Pillow and ONNX Runtime
//! (`fixtures/make_encoders.py`).

use crate::support::{Tensors, model, model_path, relative_error};
use kinepath_onnx::{
    Engine, ImageEncoder, Network, NetworkError, NetworkFile, Preset, Problem, TextEncoder,
};
use ndarray::{Array2, Axis, concatenate, s};

const TOLERANCE: f32 = 1e-5;

fn load(name: &str, preprocess: Preset, shape: &[usize]) -> Result<ImageEncoder, NetworkError> {
    ImageEncoder::load(NetworkFile::read(model_path(name))?, preprocess, shape, Engine::Auto)
}

fn refused(name: &str, preprocess: Preset, shape: &[usize]) -> Problem {
    load(name, preprocess, shape).unwrap_err().problem
}

fn check(name: &str, preprocess: Preset, samples: &str, expected: &str) {
    let tensors = Tensors::load("encoders.safetensors");
    let encoder = load(name, preprocess, &tensors.sample_shape(samples)).unwrap();
    let features = encoder.features(tensors.rows(samples).view()).unwrap();
    let error = relative_error(&features, &tensors.rows(expected));
    assert!(error <= TOLERANCE, "{name} on {samples}: {error}");
}

#[test]
fn clip_on_pictures_in_colour_and_grey() {
    check("clip_image", Preset::Clip, "samples", "clip/image_embeds");
    check("clip_image", Preset::Clip, "grey", "clip_grey/image_embeds");
}

#[test]
fn inception_on_pictures_in_colour_and_grey() {
    check("inception", Preset::Inception, "samples", "inception/features");
    check("inception", Preset::Inception, "grey", "inception_grey/features");
}

#[test]
fn the_projected_features_are_taken_and_free_lengths_filled() {
    let encoder = load("clip_image", Preset::Clip, &[1, 28, 28]).unwrap();
    assert_eq!(encoder.network().signature().state.sample_shape, [3, 224, 224]);
    assert_eq!(encoder.preset(), Preset::Clip);
    assert_eq!(encoder.features(Array2::zeros((2, 784)).view()).unwrap().ncols(), 4);
    // Without preprocessing the lengths are those of the samples.
    let encoder = load("clip_image", Preset::None, &[3, 16, 24]).unwrap();
    assert_eq!(encoder.features(Array2::zeros((2, 3 * 16 * 24)).view()).unwrap().ncols(), 4);
    // And without samples there is nothing to go by.
    let error = Network::load(model_path("clip_image")).unwrap_err();
    assert!(matches!(error.problem, Problem::Unfit { role: "state", .. }), "{error}");
}

#[test]
fn batches_do_not_show() {
    let tensors = Tensors::load("encoders.safetensors");
    let rows = tensors.rows("grey");
    let encoder = load("inception", Preset::Inception, &[1, 6, 6]).unwrap();
    let many = Array2::from_shape_fn((65, 36), |(i, j)| rows[[i % 3, (j + i) % 36]]);
    for count in [0, 1, 2, 64, 65] {
        let features = encoder.features(many.slice(s![..count, ..])).unwrap();
        assert_eq!(features.dim(), (count, 6));
        if count > 1 {
            let all = encoder.features(many.view()).unwrap();
            assert_eq!(features, all.slice(s![..count, ..]));
        }
    }
    let twice = concatenate![Axis(0), many, many];
    let features = encoder.features(twice.view()).unwrap();
    assert_eq!(features.slice(s![..65, ..]), features.slice(s![65.., ..]));
}

#[test]
fn a_clip_of_another_resolution_is_given_its_own() {
    let encoder = ImageEncoder::new(
        Network::load_with(model_path("clip_image"), Some(&[3, 32, 32]), Engine::Auto).unwrap(),
        Preset::Clip,
        &[1, 8, 8],
    );
    assert_eq!(encoder.unwrap().features(Array2::zeros((2, 64)).view()).unwrap().dim(), (2, 4));
}

#[test]
fn images_that_do_not_fit() {
    let not_pictures = Problem::NotPictures { shape: vec![12] };
    assert_eq!(refused("inception", Preset::Inception, &[12]), not_pictures);
    let other = Problem::ImageShape { actual: vec![3, 299, 299], expected: vec![1, 6, 6] };
    assert_eq!(refused("classifier", Preset::Inception, &[1, 6, 6]), other);
    let encoder = load("inception", Preset::Inception, &[1, 6, 6]).unwrap();
    let error = encoder.features(Array2::zeros((1, 35)).view()).unwrap_err();
    assert_eq!(error.network, model_path("inception").display().to_string());
    let expected = Problem::RowLength { actual: 35, expected: 36, shape: vec![1, 6, 6] };
    assert_eq!(error.problem, expected);
}

#[test]
fn images_and_text_in_one_graph() {
    let problem = refused("joint", Preset::None, &[3, 8, 8]);
    assert!(matches!(problem, Problem::Joint { .. }), "{problem}");
    assert!(problem.to_string().contains("export two networks"));
    let error = TextEncoder::load(NetworkFile::read(model_path("joint")).unwrap(), Engine::Auto)
        .unwrap_err();
    assert_eq!(error.problem, problem);
}

#[test]
fn fields_and_images_are_no_text_encoders() {
    let file = |name: &str| NetworkFile::read(model_path(name));
    let load =
        |name: &str| TextEncoder::load(file(name).unwrap(), Engine::Auto).unwrap_err().problem;
    assert!(matches!(load("clip_image"), Problem::NoTokens { .. }));
    assert!(matches!(load("linear"), Problem::NoTokens { .. }));
    let missing = file("no_such").unwrap_err();
    assert!(matches!(missing.problem, Problem::Unreadable(_)), "{missing}");
    // Nor is a field an image encoder.
    let error = ImageEncoder::new(model("linear"), Preset::None, &[2, 4, 4]).unwrap_err();
    assert!(matches!(error.problem, Problem::NotImageOnly { .. }), "{error}");
}
