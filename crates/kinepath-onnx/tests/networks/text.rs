//! Prompts, from a list to CLIP scores, against the library tokenizers and ONNX Runtime
//! (`fixtures/make_encoders.py`).

use std::fs;

use crate::support::{Tensors, fixture, model_path, relative_error};
use kinepath::metrics::{MetricsError, alignment};
use kinepath_onnx::{
    Engine, ImageEncoder, NetworkFile, Preset, Problem, PromptError, PromptFeatures,
    PromptTokenizer, TextEncoder, Tokens,
};
use ndarray::{Array2, concatenate, s};

const TOLERANCE: f32 = 1e-5;

fn prompts() -> Vec<String> {
    let texts = [
        "a red dress",
        "A shoe, in red!",
        "two bags and a very very long dress with a shoe",
        "zebra",
    ];
    texts.map(str::to_owned).to_vec()
}

fn tokenizer() -> PromptTokenizer {
    PromptTokenizer::load(fixture("tokenizer.json")).unwrap()
}

fn encoder(name: &str) -> TextEncoder {
    TextEncoder::load(NetworkFile::read(model_path(name)).unwrap(), Engine::Auto).unwrap()
}

fn integers(name: &str, length: usize) -> Array2<i32> {
    let values = Tensors::load("encoders.safetensors").integers(name);
    let values: Vec<_> = values.into_iter().map(|id| i32::try_from(id).unwrap()).collect();
    Array2::from_shape_vec((values.len() / length, length), values).unwrap()
}

#[test]
fn tokens_are_those_of_the_library() {
    let tokens = tokenizer().tokens(&prompts(), Some(12)).unwrap();
    assert_eq!(tokens.ids, integers("prompts/ids", 12));
    assert_eq!(tokens.mask, integers("prompts/mask", 12));
    assert!(tokens.truncated.contains(&2), "{:?}", tokens.truncated);
    let tokens = tokenizer().tokens(&prompts(), None).unwrap();
    assert_eq!(tokens.ids, integers("prompts/long_ids", 77));
    assert_eq!(tokens.truncated, Vec::<usize>::new());
}

#[test]
fn features_with_a_mask_a_free_length_and_a_fixed_batch() {
    let tensors = Tensors::load("encoders.safetensors");
    for name in ["text", "free_text", "fixed_text"] {
        let encoded = PromptFeatures::encode(prompts(), &tokenizer(), &encoder(name)).unwrap();
        let expected = tensors.rows(&format!("{name}/text_embeds"));
        assert!(relative_error(&encoded.features, &expected) <= TOLERANCE, "{name}");
        assert_eq!(encoded.prompts, Some(prompts()));
        assert_eq!(encoded.truncated.contains(&2), name != "free_text");
    }
}

#[test]
fn many_prompts_are_encoded_like_few() {
    let repeated: Vec<_> = prompts().into_iter().cycle().take(40).collect();
    let many = PromptFeatures::encode(repeated, &tokenizer(), &encoder("text")).unwrap();
    let few = PromptFeatures::encode(prompts(), &tokenizer(), &encoder("text")).unwrap();
    let views = [few.features.view(); 10];
    assert!(relative_error(&many.features, &concatenate(ndarray::Axis(0), &views).unwrap()) < 1e-6);
    let none = encoder("text").features(&Tokens {
        ids: Array2::zeros((0, 12)),
        mask: Array2::zeros((0, 12)),
        truncated: vec![],
    });
    assert_eq!(none.unwrap().nrows(), 0);
}

#[test]
fn scores_of_images_against_prompts() {
    let tensors = Tensors::load("encoders.safetensors");
    let file = NetworkFile::read(model_path("clip_image")).unwrap();
    let shape = tensors.sample_shape("samples");
    let images = ImageEncoder::load(file, Preset::Clip, &shape, Engine::Auto).unwrap();
    let images = images.features(tensors.rows("samples").view()).unwrap();
    let prompts = PromptFeatures::encode(prompts(), &tokenizer(), &encoder("text")).unwrap();
    let own = [3, 0, 1];
    let aligned = alignment(images.view(), prompts.features.view(), Some(&own)).unwrap();
    let (image, text) = (tensors.rows("clip/image_embeds"), tensors.rows("text/text_embeds"));
    for (i, &own) in own.iter().enumerate() {
        let (image, text) = (image.row(i), text.row(own));
        let cosine = image.dot(&text) / (image.dot(&image) * text.dot(&text)).sqrt();
        assert!((aligned.score[i] - 100.0 * f64::from(cosine.max(0.0))).abs() < 1.0e-3);
    }
    let narrow = PromptFeatures::ready(prompts.features.slice(s![.., ..3]).to_owned());
    assert_eq!(
        alignment(images.view(), narrow.features.view(), None).unwrap_err(),
        MetricsError::DimensionMismatch { what: "image features", expected: 3, actual: 4 }
    );
}

#[test]
fn tokens_that_do_not_fit() {
    let run = |name: &str, length: usize, id: i32| {
        let (ids, mask) = (Array2::from_elem((2, length), id), Array2::ones((2, length)));
        encoder(name).features(&Tokens { ids, mask, truncated: vec![] }).unwrap_err().problem
    };
    let length = Problem::TokenLength { actual: 11, expected: "12".into() };
    assert_eq!(run("text", 11, 0), length);
    let some = Problem::TokenLength { actual: 0, expected: "some".into() };
    assert_eq!(run("free_text", 0, 0), some);
    let (ids, mask) = (Array2::zeros((2, 12)), Array2::zeros((1, 12)));
    let short = encoder("text").features(&Tokens { ids, mask, truncated: vec![] }).unwrap_err();
    assert_eq!(short.problem, Problem::MaskShape { ids: (2, 12), mask: (1, 12) });
    let unknown = run("text", 12, 1000);
    assert!(matches!(&unknown, Problem::Run(text) if text.contains("embed")), "{unknown}");
}

#[test]
fn tokenizers_that_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    assert!(matches!(PromptTokenizer::load(&path), Err(PromptError::Unreadable { .. })));
    fs::write(&path, "{}").unwrap();
    assert!(matches!(PromptTokenizer::load(&path), Err(PromptError::NotTokenizer { .. })));
    let no_room = PromptError::NoRoom { length: 2, special: 2 };
    assert_eq!(tokenizer().tokens(&prompts(), Some(2)), Err(no_room));
    // A decoder that is no value at all: here the library panics, the program goes on.
    let whole = fs::read_to_string(fixture("tokenizer.json")).unwrap();
    let at = whole.find("\"decoder\"").unwrap() + "\"decoder\": ".len();
    fs::write(&path, format!("{}{{\"\u{1}", &whole[..at])).unwrap();
    assert!(matches!(PromptTokenizer::load(&path), Err(PromptError::NotTokenizer { .. })));
    let text = fs::read_to_string(fixture("tokenizer.json")).unwrap();
    fs::write(&path, text.replace("<|endoftext|>", "<|over|>")).unwrap();
    let padless = PromptTokenizer::load(&path).unwrap();
    let error = padless.tokens(&prompts(), Some(12)).unwrap_err();
    assert!(matches!(error, PromptError::NoPadding { .. }), "{error}");
}

#[test]
fn the_file_may_say_length_and_padding() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    let text = fs::read_to_string(fixture("tokenizer.json")).unwrap();
    let padding = r#""padding": {"strategy": {"Fixed": 9}, "direction": "Left", "pad_to_multiple_of": 4,
        "pad_id": 3, "pad_type_id": 0, "pad_token": "d"}"#;
    fs::write(&path, text.replace(r#""padding": null"#, padding)).unwrap();
    let tokens = PromptTokenizer::load(&path).unwrap().tokens(&prompts()[..1], None).unwrap();
    assert_eq!(tokens.ids.dim(), (1, 9));
    assert_eq!((tokens.ids[[0, 8]], tokens.mask[[0, 8]]), (3, 0));
    let truncation = r#""truncation": {"direction": "Right", "max_length": 5,
        "strategy": "LongestFirst", "stride": 0}"#;
    fs::write(&path, text.replace(r#""truncation": null"#, truncation)).unwrap();
    let tokens = PromptTokenizer::load(&path).unwrap().tokens(&prompts(), None).unwrap();
    assert_eq!(tokens.ids.dim(), (4, 5));
}
