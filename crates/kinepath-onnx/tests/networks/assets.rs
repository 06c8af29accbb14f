//! The shipped networks, against ONNX Runtime (`fixtures/make.py`).

use std::path::PathBuf;
use std::sync::Arc;

use crate::support::{Tensors, relative_error};
use kinepath::field::{Condition, VelocityField};
use kinepath_onnx::{Classifier, Encoder, Network, OnnxField};
use ndarray::Array2;

const TOLERANCE: f32 = 1e-4;

fn asset(name: &str) -> Network {
    Network::load(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../assets").join(name))
        .unwrap()
}

#[test]
fn velocity() {
    let tensors = Tensors::load("velocity.safetensors");
    let (x, t) = (tensors.rows("x"), tensors.floats("t"));
    let field = OnnxField::new(asset("velocity.onnx")).unwrap();
    assert_eq!(field.sample_shape(), [1, 28, 28]);
    let mut v = Array2::zeros(x.dim());
    field.velocity(x.view(), &t, Condition::None, v.view_mut()).unwrap();
    let error = relative_error(&v, &tensors.rows("velocity"));
    assert!(error <= TOLERANCE, "relative error {error}");
}

#[test]
fn classifier() {
    let tensors = Tensors::load("classifier.safetensors");
    let x = tensors.rows("x");
    let network = Arc::new(asset("classifier.onnx"));
    let logits = Classifier::new(network.clone()).unwrap().logits(x.view()).unwrap();
    let features = Encoder::new(network).unwrap().features(x.view()).unwrap();
    assert!(relative_error(&logits, &tensors.rows("logits")) <= TOLERANCE);
    assert!(relative_error(&features, &tensors.rows("features")) <= TOLERANCE);
}
