//! What `inspect` says about a file.

use crate::support::fixture;
use kinepath_onnx::{Inspection, Kind, Problem};

fn inspect(name: &str) -> Inspection {
    Inspection::read(fixture(&format!("models/{name}.onnx"))).unwrap()
}

fn lines(inspection: &Inspection) -> Vec<String> {
    inspection.to_string().lines().skip(1).map(|line| line.trim().to_owned()).collect()
}

#[test]
fn a_velocity_field() {
    let inspection = inspect("integer_time");
    assert_eq!(inspection.kind, Ok(Kind::VelocityField));
    assert_eq!(
        lines(&inspection),
        [
            "kind        velocity field",
            "input       sample: float32 [batch, 2, 4, 4]  → state, by its name",
            "input       timestep: int64 [batch]  → discrete time, one a sample, by its name",
            "output      out_sample: float32 [batch, 2, 4, 4]",
            "batch       any",
            "parameters  40",
            "operators   6: Mul 2, Add 1, Cast 1, Conv 1, Reshape 1",
            "opset       17",
            "producer    kinepath-fixtures",
            "runs        yes",
        ]
    );
}

#[test]
fn what_a_field_is_conditioned_on() {
    let prompted = lines(&inspect("prompted"));
    assert!(
        prompted.contains(
            &"input       context: float32 [batch, length, 3]  → further condition, one a sample"
                .to_owned()
        ),
        "{prompted:#?}"
    );
    assert!(
        prompted.contains(
            &"input       guidance: float32 []  → further condition, one for the whole batch"
                .to_owned()
        ),
        "{prompted:#?}"
    );
    let one_hot = lines(&inspect("one_hot"));
    let label = "input       class_labels: float32 [batch, 4]  → label of 4 classes, one-hot, one a \
                 sample, by its name";
    assert!(one_hot.contains(&label.to_owned()), "{one_hot:#?}");
}

#[test]
fn a_classifier() {
    let inspection = inspect("classifier");
    assert_eq!(inspection.kind, Ok(Kind::Classifier));
    assert_eq!(inspection.graph.parameters, 5 * 9 + 5 + 5 * 3);
}

#[test]
fn a_text_encoder_and_a_joint_one() {
    assert_eq!(inspect("text").kind, Ok(Kind::TextEncoder));
    let joint = inspect("joint").kind.unwrap_err();
    assert!(matches!(joint, Problem::Joint { .. }), "{joint}");
}

#[test]
fn a_network_that_cannot_be_used_is_described_all_the_same() {
    let swirl = inspect("custom_operator");
    assert_eq!(swirl.kind, Ok(Kind::VelocityField));
    assert_eq!(swirl.graph.operators["org.example::Swirl"], 1);
    assert!(matches!(&swirl.obstacle, Some(Problem::Operator { .. })));
    let last = lines(&swirl).pop().unwrap();
    assert!(
        last.starts_with("runs        no: operator org.example::Swirl cannot be run"),
        "{last}"
    );

    let free = inspect("symbolic_shape");
    assert!(matches!(free.kind, Err(Problem::Unfit { role: "state", .. })));
    assert_eq!(free.obstacle, None);
    assert!(lines(&free)[0].starts_with("kind        unclear: "));
}

#[test]
fn a_file_that_is_no_model_is_an_error() {
    let error = Inspection::read(fixture("make_models.py")).unwrap_err();
    assert!(matches!(error.problem, Problem::NotOnnx(_)), "{error}");
}
