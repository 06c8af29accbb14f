//! Tiny networks of every supported form on every engine, against what ONNX Runtime gave its Python
//! package (`fixtures/make_models.py`).

use crate::support::{ORT, Tensors, engines, model, model_on, model_path, relative_error};
use kinepath::field::{
    Condition, GuidanceStyle, Guided, InputValues, NamedInput, Null, VelocityField,
};
use kinepath_onnx::{Batch, Classifier, Encoder, Engine, Inspection, OnnxField, Reason, Rows};
use ndarray::{Array2, s};

const TOLERANCE: f32 = 1e-6;

fn velocity(field: &OnnxField, x: &Array2<f32>, t: &[f64], condition: Condition) -> Array2<f32> {
    let mut out = Array2::from_elem(x.dim(), f32::NAN);
    field.velocity(x.view(), t, condition, out.view_mut()).unwrap();
    out
}

/// Checks one fixture on every engine, and gives it as rten has it.
fn check(name: &str, ports: [&str; 3], condition: Condition) -> OnnxField {
    let mut fields =
        engines().into_iter().map(|on| check_on(on, name, ports, TOLERANCE, condition));
    let first = fields.next().unwrap();
    fields.for_each(drop);
    first
}

/// Checks one fixture in whole and row by row.
fn check_on(
    engine: Engine,
    name: &str,
    [x, t, v]: [&str; 3],
    tolerance: f32,
    condition: Condition,
) -> OnnxField {
    let field = OnnxField::new(model_on(name, engine)).unwrap();
    assert_eq!(field.network().engine(), engine);
    let tensors = Tensors::load("models.safetensors");
    let key = |port: &str| format!("{name}/{port}");
    let (x, expected) = (tensors.rows(&key(x)), tensors.rows(&key(v)));
    let t = if field.network().signature().time.as_ref().unwrap().integer {
        tensors.integers(&key(t)).into_iter().map(|t| t as f64).collect()
    } else {
        tensors.floats(&key(t))
    };
    assert_eq!(field.dim(), x.ncols());
    let whole = velocity(&field, &x, &t, condition);
    let error = relative_error(&whole, &expected);
    assert!(error <= tolerance, "{name} on {engine}: relative error {error}");
    for row in 0..t.len() {
        let one = condition.select(&[row]);
        let alone = x.slice(s![row..=row, ..]).to_owned();
        let alone = velocity(&field, &alone, &t[row..=row], one.as_condition());
        let expected = expected.slice(s![row..=row, ..]).to_owned();
        assert!(relative_error(&alone, &expected) <= tolerance, "{name}: row {row} alone");
    }
    field
}

#[test]
fn float_time() {
    let field = check("linear", ["x", "t", "velocity"], Condition::None);
    assert_eq!(field.sample_shape(), [2, 4, 4]);
}

#[test]
fn of_a_prediction_and_its_variance_the_prediction_is_the_velocity() {
    let tensors = Tensors::load("models.safetensors");
    let (x, both) = (tensors.rows("learned_variance/x"), tensors.rows("learned_variance/out"));
    let expected = both.slice(s![.., ..x.ncols()]).to_owned();
    let (t, labels) = (tensors.floats("learned_variance/sigma"), [2, 0, 1, 2, -1]);
    for engine in engines() {
        let field = OnnxField::new(model_on("learned_variance", engine)).unwrap();
        let signature = field.network().signature();
        assert_eq!(signature.label.as_ref().unwrap().classes, Some(3));
        assert_eq!(signature.time.as_ref().unwrap().rows, Rows::Each);
        let actual = velocity(&field, &x, &t, Condition::Labels(&labels));
        assert!(relative_error(&actual, &expected) <= TOLERANCE, "{engine}");
        let inspected = Inspection::read(model_path("learned_variance")).unwrap().to_string();
        assert!(inspected.contains("the first half of the channels"), "{inspected}");
    }
}

#[test]
fn integer_time() {
    let field = check("integer_time", ["sample", "timestep", "out_sample"], Condition::None);
    assert!(field.network().signature().time.as_ref().unwrap().integer);
}

#[test]
fn one_time_for_the_whole_batch() {
    let field = check("scalar_time", ["sample", "sigma", "output"], Condition::None);
    assert_eq!(field.network().signature().time.as_ref().unwrap().rows, Rows::Shared);
}

#[test]
fn a_fixed_batch_and_names_that_say_nothing() {
    let field = check("fixed_batch", ["arg0", "arg1", "result"], Condition::None);
    let signature = field.network().signature();
    assert_eq!(signature.batch, Batch::Fixed(2));
    assert_eq!(signature.state.reason, Reason::OnlyFit);
}

#[test]
fn labels() {
    let labels = Tensors::load("models.safetensors").integers("labelled/y");
    check("labelled", ["x", "t", "velocity"], Condition::Labels(&labels));
}

#[test]
fn one_hot_labels() {
    // The last row is no class: all zeros.
    let labels = Condition::Labels(&[3, 0, 1, 2, -1]);
    let field = check("one_hot", ["x", "t", "velocity"], labels);
    assert_eq!(field.network().signature().label.as_ref().unwrap().classes, Some(4));
    let numbers = Tensors::load("models.safetensors").rows("one_hot/class_labels");
    let numbers = InputValues::Float(numbers.into_raw_vec_and_offset().0);
    let inputs = [NamedInput::new("class_labels", Some(5), &[4], numbers).unwrap()];
    check("one_hot", ["x", "t", "velocity"], Condition::Inputs { labels: None, inputs: &inputs });
}

/// The inputs of the fixture `prompted`: an embedding with a mask, a vector, and a scalar.
fn prompted(guidance: f32) -> Vec<NamedInput> {
    let tensors = Tensors::load("models.safetensors");
    let float = |name: &str, shape: &[usize]| {
        let values = tensors.rows(&format!("prompted/{name}")).into_raw_vec_and_offset().0;
        NamedInput::new(name, Some(5), shape, InputValues::Float(values)).unwrap()
    };
    let mask = InputValues::Integer(tensors.integers("prompted/mask"));
    vec![
        float("pooled", &[2]),
        float("context", &[4, 3]),
        NamedInput::new("mask", Some(5), &[4], mask).unwrap(),
        NamedInput::new("guidance", None, &[], InputValues::Float(vec![guidance])).unwrap(),
    ]
}

#[test]
fn further_inputs() {
    let condition = Condition::Inputs { labels: None, inputs: &prompted(2.5) };
    check("prompted", ["x", "t", "velocity"], condition);
}

/// The null prompt differs in an input without rows too, so a doubled batch has to be cut.
#[test]
fn guided_by_a_prompt() {
    let null =
        |name: &str, shape: &[usize], values| NamedInput::new(name, None, shape, values).unwrap();
    let nulls = vec![
        null("context", &[4, 3], InputValues::Float(vec![0.1; 12])),
        null("mask", &[4], InputValues::Integer(vec![1, 0, 0, 0])),
        null("guidance", &[], InputValues::Float(vec![1.0])),
    ];
    let tensors = Tensors::load("models.safetensors");
    let (x, t) = (tensors.rows("prompted/x"), tensors.floats("prompted/t"));
    let inputs = prompted(2.5);
    let condition = Condition::Inputs { labels: None, inputs: &inputs };
    let field = OnnxField::new(model("prompted")).unwrap();
    let conditional = velocity(&field, &x, &t, condition);
    let without = [&inputs[..1], &nulls[..]].concat();
    let without = Condition::Inputs { labels: None, inputs: &without };
    let unconditional = velocity(&field, &x, &t, without);
    let expected = &unconditional + 3.0 * (&conditional - &unconditional);
    for style in [GuidanceStyle::Doubled, GuidanceStyle::Calls] {
        let null = Null { label: None, inputs: nulls.clone() };
        let guided = Guided::new(&field, null, 3.0).unwrap().style(style);
        let mut out = Array2::zeros(x.dim());
        guided.velocity(x.view(), &t, condition, out.view_mut()).unwrap();
        assert!(relative_error(&out, &expected) <= TOLERANCE, "{style}");
    }
}

#[test]
fn logits_and_features() {
    let tensors = Tensors::load("models.safetensors");
    let images = tensors.rows("classifier/image");
    for engine in engines() {
        let network = std::sync::Arc::new(model_on("classifier", engine));
        let features = Encoder::new(network.clone()).unwrap().features(images.view()).unwrap();
        let logits = Classifier::new(network).unwrap().logits(images.view()).unwrap();
        assert!(relative_error(&features, &tensors.rows("classifier/features")) <= TOLERANCE);
        assert!(relative_error(&logits, &tensors.rows("classifier/logits")) <= TOLERANCE);
    }
}

#[test]
fn weights_in_a_file_beside() {
    check("external", ["x", "t", "velocity"], Condition::None);
}

#[test]
fn sixteen_bit_floats() {
    for engine in engines() {
        // rten computes in 32 bits where ONNX Runtime rounds to 11 after every operator.
        let tolerance = if engine == Engine::Rten { 1e-3 } else { TOLERANCE };
        check_on(engine, "half", ["x", "t", "velocity"], tolerance, Condition::None);
    }
}

#[test]
fn an_operator_that_rten_lacks_runs_on_onnx_runtime() {
    if engines().contains(&ORT) {
        check_on(ORT, "rare_operator", ["x", "t", "velocity"], TOLERANCE, Condition::None);
        assert_eq!(model("rare_operator").engine(), ORT);
    }
    assert_eq!(model("linear").engine(), Engine::Rten);
}

#[test]
fn brain_floats_are_rounded_where_they_go_in_and_out() {
    for engine in engines().into_iter().filter(|engine| *engine == ORT) {
        let field = OnnxField::new(model_on("brain_half_ports", engine)).unwrap();
        // 1 + 2⁻⁸ is halfway between two bfloat16, 1 + 3·2⁻⁸ too: both go to the even one.
        let x = Array2::from_shape_fn((2, 6), |(i, j)| match j {
            0 => 1.0 + 1.0 / 256.0,
            1 => 1.0 + 3.0 / 256.0,
            _ => (i + j) as f32,
        });
        let v = velocity(&field, &x, &[1.0, 0.5], Condition::None);
        let expected = Array2::from_shape_fn((2, 6), |(i, j)| match j {
            0 => 1.0 / (i + 1) as f32,
            1 => (1.0 + 4.0 / 256.0) / (i + 1) as f32,
            _ => x[[i, j]] / (i + 1) as f32,
        });
        assert_eq!(v, expected);
    }
}

#[test]
fn an_integer_time_is_rounded() {
    let field = OnnxField::new(model("integer_time")).unwrap();
    let x = Array2::ones((1, field.dim()));
    let at = |t| velocity(&field, &x, &[t], Condition::None);
    assert_eq!(at(499.0), at(498.6));
    assert_ne!(at(499.0), at(498.4));
}

#[test]
fn the_same_batch_gives_the_same_bytes_on_any_number_of_threads() {
    let tensors = Tensors::load("models.safetensors");
    let row = tensors.rows("linear/x");
    let x = Array2::from_shape_fn((67, row.ncols()), |(i, j)| row[[i % 5, j]] + i as f32);
    let t: Vec<f64> = (0..67).map(|i| f64::from(i) / 67.0).collect();
    for engine in engines() {
        let results = [1, 2, 3, 8].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let field = pool.install(|| OnnxField::new(model_on("linear", engine)).unwrap());
            (velocity(&field, &x, &t, Condition::None), velocity(&field, &x, &t, Condition::None))
        });
        for (first, second) in &results {
            assert_eq!(first, &results[0].0, "{engine}");
            assert_eq!(second, &results[0].0, "{engine}");
        }
    }
}

#[test]
fn an_empty_batch_is_no_work() {
    let field = OnnxField::new(model("linear")).unwrap();
    assert_eq!(velocity(&field, &Array2::zeros((0, 32)), &[], Condition::None).nrows(), 0);
    let encoder = Encoder::new(model("classifier")).unwrap();
    assert_eq!(encoder.features(Array2::zeros((0, 36)).view()).unwrap().dim(), (0, 5));
}

#[test]
fn rows_need_not_be_contiguous() {
    let tensors = Tensors::load("models.safetensors");
    let (x, t) = (tensors.rows("linear/x"), tensors.floats("linear/t"));
    let field = OnnxField::new(model("linear")).unwrap();
    let transposed = x.t().as_standard_layout().to_owned();
    let mut out = Array2::zeros((x.ncols(), x.nrows()));
    let out_view = out.view_mut().reversed_axes();
    field.velocity(transposed.t(), &t, Condition::None, out_view).unwrap();
    assert_eq!(out.t(), velocity(&field, &x, &t, Condition::None));
}
