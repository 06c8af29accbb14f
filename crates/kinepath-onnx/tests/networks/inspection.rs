//! What `inspect` says about a file.

use crate::support::{engines, fixture};
use kinepath_onnx::{Engine, Inspection, Kind, Problem};

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
    let mut lines = lines(&inspection);
    assert!(lines.pop().unwrap().starts_with("on ort"));
    assert_eq!(
        lines,
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
            "on rten     yes",
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
    assert!(!swirl.runs());
    for verdict in swirl.engines.iter().filter(|verdict| engines().contains(&verdict.engine)) {
        assert!(matches!(&verdict.problem, Some(Problem::Operator { .. })));
        let line = verdict.to_string();
        assert!(line.contains("no: operator org.example::Swirl cannot be run"), "{line}");
    }

    let path = fixture("models/symbolic_shape.onnx");
    assert_eq!(Inspection::sized(path, Some(&[3, 6, 5])).unwrap().kind, Ok(Kind::VelocityField));
    let free = inspect("symbolic_shape");
    assert!(matches!(free.kind, Err(Problem::Unfit { role: "state", .. })));
    assert!(free.runs());
    assert!(lines(&free)[0].starts_with("kind        unclear: "));
}

/// Whether each engine that is to be had here runs a file.
fn verdicts(name: &str) -> Vec<(Engine, bool)> {
    let here = engines();
    let verdicts = inspect(name).engines.into_iter();
    let verdicts = verdicts.filter(|verdict| here.contains(&verdict.engine));
    verdicts.map(|verdict| (verdict.engine, verdict.problem.is_none())).collect()
}

#[test]
fn each_engine_has_its_verdict() {
    let ort = |runs| engines().into_iter().skip(1).map(move |engine| (engine, runs));
    let expected = |rten, on_ort| std::iter::once((Engine::Rten, rten)).chain(ort(on_ort));
    assert_eq!(verdicts("linear"), expected(true, true).collect::<Vec<_>>());
    assert_eq!(verdicts("half"), expected(true, true).collect::<Vec<_>>());
    assert_eq!(verdicts("rare_operator"), expected(false, true).collect::<Vec<_>>());
    assert_eq!(verdicts("brain_half_ports"), expected(false, true).collect::<Vec<_>>());
    assert_eq!(verdicts("brain_half"), expected(false, false).collect::<Vec<_>>());
    let brain = inspect("brain_half");
    assert_eq!(brain.engines[0].problem, Some(Problem::BrainFloats));
    assert!(brain.engines[0].to_string().contains("run it on ONNX Runtime"));
}

#[test]
fn weights_in_a_file_that_is_missing_are_told_by_each_engine() {
    let whole = inspect("external");
    assert_eq!(whole.graph.external_files, ["external.onnx.data"]);
    assert!(whole.runs());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("external.onnx");
    std::fs::copy(fixture("models/external.onnx"), &path).unwrap();
    let alone = Inspection::read(&path).unwrap();
    assert!(!alone.runs());
    for verdict in alone.engines {
        let Some(Problem::External { file, .. }) = verdict.problem else { panic!() };
        assert_eq!(file, "external.onnx.data");
    }
}

#[test]
fn a_file_that_is_no_model_is_an_error() {
    let error = Inspection::read(fixture("make_models.py")).unwrap_err();
    assert!(matches!(error.problem, Problem::NotOnnx(_)), "{error}");
}
