//! Networks and calls that must be refused, with an error that names what is wrong.

use std::fs;

use crate::support::{fixture, model};
use kinepath::field::{Condition, FieldError, InputValues, NamedInput, VelocityField};
use kinepath_onnx::{Classifier, Encoder, Engine, Network, NetworkError, OnnxField, Problem};
use ndarray::Array2;

fn load(name: &str) -> Result<Network, NetworkError> {
    Network::load(fixture(&format!("models/{name}.onnx")))
}

#[test]
fn a_missing_file_and_a_folder() {
    let error = Network::load("no/such/model.onnx").unwrap_err();
    assert_eq!(error.network, "no/such/model.onnx");
    assert!(matches!(error.problem, Problem::Unreadable(_)), "{error}");
    let error = Network::load(fixture("models")).unwrap_err();
    assert!(matches!(error.problem, Problem::Unreadable(_)), "{error}");
}

#[test]
fn an_empty_file_and_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    fs::write(&path, b"").unwrap();
    assert_eq!(Network::load(&path).unwrap_err().problem, Problem::Empty);
    fs::write(&path, b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n").unwrap();
    assert!(matches!(Network::load(&path).unwrap_err().problem, Problem::NotOnnx(_)));
}

#[test]
fn a_file_cut_short_anywhere() {
    let bytes = fs::read(fixture("models/linear.onnx")).unwrap();
    for length in 0..bytes.len() {
        let problem =
            Network::from_bytes("cut", &bytes[..length], Engine::Auto).unwrap_err().problem;
        let expected = matches!(problem, Problem::Empty | Problem::NotOnnx(_));
        assert!(expected, "{length} of {} bytes: {problem}", bytes.len());
    }
}

#[test]
fn another_extension() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.bin");
    fs::copy(fixture("models/linear.onnx"), &path).unwrap();
    assert_eq!(Network::load(&path).unwrap_err().problem, Problem::Extension);
}

#[test]
fn inputs_and_outputs_that_have_no_role() {
    let problem = |name| match load(name).map(OnnxField::new) {
        Err(error) | Ok(Err(error)) => error.problem,
        Ok(Ok(_)) => panic!("accepted {name}"),
    };
    assert!(matches!(problem("symbolic_shape"), Problem::Unfit { role: "state", .. }));
    assert!(matches!(problem("two_outputs"), Problem::NoOutput { role: "velocity", .. }));
    assert!(matches!(problem("wide_output"), Problem::Output { .. }));
    assert!(matches!(problem("classifier"), Problem::NoTime { .. }));
}

#[test]
fn numbers_that_are_none_are_refused_with_their_row() {
    let encoder = Classifier::new(model("classifier")).unwrap();
    let mut images = Array2::zeros((3, 36));
    images[[2, 5]] = f32::INFINITY;
    let error = encoder.logits(images.view()).unwrap_err();
    assert!(matches!(error.problem, Problem::NotFinite { row: 2, .. }), "{error}");
}

#[test]
fn a_field_is_no_encoder() {
    let expected = Problem::NotImageOnly { input: "t".into() };
    assert_eq!(Encoder::new(model("linear")).unwrap_err().problem, expected);
    assert_eq!(Classifier::new(model("linear")).unwrap_err().problem, expected);
}

#[test]
fn images_of_another_size() {
    let error = Encoder::new(model("classifier")).unwrap();
    let error = error.features(Array2::zeros((2, 35)).view()).unwrap_err();
    let expected = Problem::RowLength { actual: 35, expected: 36, shape: vec![1, 6, 6] };
    assert_eq!(error.problem, expected);
}

fn call(name: &str, cols: usize, t: &[f64], condition: Condition) -> FieldError {
    let field = OnnxField::new(model(name)).unwrap();
    let x = Array2::zeros((t.len(), cols));
    let mut out = x.clone();
    field.velocity(x.view(), t, condition, out.view_mut()).unwrap_err()
}

#[test]
fn calls_that_do_not_fit() {
    let shape = call("linear", 31, &[0.0], Condition::None);
    assert!(matches!(shape, FieldError::Shape { what: "state x", .. }), "{shape}");
    let time = call("linear", 32, &[0.0, f64::NAN], Condition::None);
    assert_eq!(time, FieldError::Invalid("the time of row 1 is NaN".into()));
    let wide = call("undeclared_wide_output", 6, &[0.0], Condition::None);
    assert!(matches!(&wide, FieldError::Model(text) if text.contains("[1, 12]")), "{wide}");
}

#[test]
fn labels_that_do_not_fit() {
    let refused = |name, cols, condition| call(name, cols, &[0.0, 0.5], condition);
    let condition = |error: &FieldError| matches!(error, FieldError::Condition(_));
    assert!(condition(&refused("linear", 32, Condition::Labels(&[1, 2]))));
    assert!(condition(&refused("labelled", 6, Condition::None)));
    assert!(condition(&refused("labelled", 6, Condition::Labels(&[1, 1 << 40]))));
    let one_hot = refused("one_hot", 6, Condition::Labels(&[1, 4]));
    assert!(one_hot.to_string().contains("label 4 is none of its 4 classes 0 to 3"), "{one_hot}");
    let count = refused("labelled", 6, Condition::Labels(&[1]));
    assert!(matches!(count, FieldError::Shape { what: "labels", .. }), "{count}");
    let unknown = refused("labelled", 6, Condition::Labels(&[1, 4]));
    assert!(unknown.to_string().contains("none of the 4 that its embedding"), "{unknown}");
    let negative = refused("labelled", 6, Condition::Labels(&[-1, 1]));
    assert!(negative.to_string().contains("-1 is negative"), "{negative}");
    // Before anything is evaluated, and behind the operators of other exporters.
    for name in ["labelled", "sit", "unet"] {
        let field = OnnxField::new(load(name).unwrap()).unwrap();
        let known = if name == "labelled" { 4 } else { 11 };
        field.check_condition(Condition::Labels(&[known - 1]), 1).unwrap();
        for label in [-1, known] {
            let error = field.check_condition(Condition::Labels(&[label]), 1).unwrap_err();
            assert!(condition(&error), "{name}: {error}");
        }
    }
}

#[test]
fn further_inputs_that_do_not_fit() {
    let input = |name: &str, rows: Option<usize>, shape: &[usize]| {
        let count = rows.unwrap_or(1) * shape.iter().product::<usize>();
        NamedInput::new(name, rows, shape, InputValues::Float(vec![0.0; count])).unwrap()
    };
    let refused = |inputs: &[NamedInput]| {
        let condition = Condition::Inputs { labels: None, inputs };
        let FieldError::Condition(text) = call("extra_input", 6, &[0.0, 0.5], condition) else {
            panic!("refused for another reason");
        };
        text
    };
    assert!(refused(&[]).contains("needs its input `context`, and it was not given"));
    let rows = refused(&[input("context", Some(3), &[6])]);
    assert!(rows.contains("3 rows for 2 samples"), "{rows}");
    let shape = refused(&[input("context", Some(2), &[5])]);
    assert!(shape.contains("takes [6] for each sample, not [5]"), "{shape}");
    let surplus = refused(&[input("context", None, &[6]), input("mask", None, &[6])]);
    assert!(surplus.contains("has no input `mask`"), "{surplus}");
    let ids = NamedInput::new("context", None, &[6], InputValues::Integer(vec![0; 6])).unwrap();
    assert!(refused(&[ids]).contains("takes floats, not integers"));
    let labels =
        Condition::Inputs { labels: Some(&[0, 1]), inputs: &[input("context", None, &[6])] };
    let labels = call("extra_input", 6, &[0.0, 0.5], labels);
    assert!(labels.to_string().contains("has no label input"), "{labels}");
}

// Without overflow checks, rten goes on with lengths that are none.
#[cfg(debug_assertions)]
#[test]
fn shapes_that_rten_cannot_reckon_with_are_an_error() {
    let mut bytes = fs::read(fixture("models/linear.onnx")).unwrap();
    // The last lengths of the shape that the time is brought to, [-1, 1, 1, 1], become so large that
    // their product is no integer.
    let shape = bytes.windows(8).position(|window| window == [0xff; 8]).unwrap() + 8;
    (bytes[shape + 15], bytes[shape + 17]) = (0x21, 0x80);
    let error = Network::from_bytes("linear", &bytes, Engine::Rten).unwrap_err();
    assert!(error.to_string().contains("its shapes contradict"), "{error}");
}
