//! Networks of other conventions, from the command line to the run folder.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::support::Place;

/// The data of the network `vp_gaussian`.
const GAUSSIAN: &str = "weights = [1]\nmeans = [[1, -2]]\nvariances = [0.25]\n";

/// A folder with the exact diffusion network of a Gaussian, and the Gaussian as a mixture.
fn place() -> Place {
    let place = Place::new();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/vp_gaussian.onnx");
    fs::copy(fixture, place.path("unet.onnx")).unwrap();
    place.write("gaussian.toml", GAUSSIAN);
    place
}

fn mean(run: &serde_json::Value, column: &str) -> f64 {
    let rows = run["energy"].as_array().unwrap();
    rows.iter().find(|row| row["column"] == column).unwrap()["mean"].as_f64().unwrap()
}

#[test]
fn a_diffusion_network_has_the_energy_of_its_straight_path() {
    let place = place();
    let sample = |field: &str, out: &str| {
        place.json(&format!("sample {field} --count 64 --steps 50 --out {out}"))
    };
    let exact = sample("--field mixture:gaussian.toml", "exact");
    let network = "--field onnx:unet.onnx --path vp:scaled-linear --predicts noise";
    let run = sample(network, "network");
    for column in ["kpe", "displacement", "kpe_launch", "kpe_landing"] {
        let (actual, expected) = (mean(&run, column), mean(&exact, column));
        assert!((actual / expected - 1.0).abs() < 1e-3, "{column}: {actual}, not {expected}");
    }
    // Four nodes lie below t = 0.064, the noisiest level of the schedule.
    assert_eq!((mean(&run, "nfe"), mean(&exact, "nfe")), (54.0, 50.0));
    let field = &run["settings"]["field"];
    assert_eq!(field["path"], "vp:scaled-linear");
    assert_eq!((&field["predicts"], &field["time"]), (&"noise".into(), &"step".into()));
    assert!(exact["settings"]["field"].get("path").is_none());
}

#[test]
fn an_integer_time_refuses_what_it_would_round_away() {
    let place = place();
    let sample = |arguments: &str| {
        place.fails(&format!("sample --field onnx:unet.onnx --out run {arguments}"), 2)
    };
    assert!(sample("").contains("discrete:1000"));
    let message = sample("--path vp:scaled-linear --predicts noise --time c-noise");
    assert!(message.contains("integer time") && message.contains("use step"), "{message}");
    let schedule = "sample --field onnx:unet.onnx --out run --path vp:none.npy --predicts noise";
    assert!(place.fails(schedule, 1).contains("cannot read none.npy"));
    assert!(!place.path("run").exists());
}

/// What is kept beside a network holds for every command, and an option goes before it.
#[test]
fn conventions_are_kept_beside_the_network() {
    let place = place();
    let write = "inspect unet.onnx --write --path vp:scaled-linear --predicts noise";
    let printed = place.succeeds(write);
    assert!(printed.contains("path vp:scaled-linear, predicts noise, time step"), "{printed}");
    let kept = fs::read_to_string(place.path("unet.kinepath.toml")).unwrap();
    assert!(kept.contains("\npredicts = \"noise\"\n") && kept.contains("shape = [2]"), "{kept}");
    let message = place.fails(write, 1);
    assert!(message.contains("unet.kinepath.toml") && message.contains("--force"), "{message}");
    place.succeeds(&format!("{write} --force"));
    let json = place.json("inspect unet.onnx");
    assert_eq!(json["conventions"]["path"], "vp:scaled-linear");
    assert_eq!(json["kind"], "velocity_field");

    let field = |arguments: &str| {
        let run =
            format!("sample --field onnx:unet.onnx --count 2 --overwrite --out run {arguments}");
        place.json(&run)["settings"]["field"].clone()
    };
    let kept = field("");
    assert_eq!((&kept["path"], &kept["predicts"]), (&"vp:scaled-linear".into(), &"noise".into()));
    let told = field("--path vp:linear --predicts v");
    assert_eq!((&told["path"], &told["predicts"]), (&"vp:linear".into(), &"v".into()));
    let straight = field("--path straight --time discrete:1000");
    assert_eq!((straight.get("path"), &straight["predicts"]), (None, &"velocity".into()));

    place.write("unet.kinepath.toml", "version = 1\nprediction = \"v\"\n");
    let sample = "sample --field onnx:unet.onnx --count 2 --out other";
    let message = place.fails(sample, 1);
    assert!(message.contains("unet.kinepath.toml") && message.contains("prediction"), "{message}");
    assert!(!place.path("other").exists());
}

#[test]
fn what_would_not_be_kept_is_refused() {
    let place = place();
    for (arguments, code, part) in [
        ("--predicts noise", 2, "--write"),
        ("--force", 2, "--write"),
        ("--write", 2, "discrete:1000"),
        ("--write --path vp:linear", 2, "say noise"),
        ("--write --time discrete:1000 --shape 3", 1, "[2], not [3]"),
        ("--write --time discrete:1000 --null-label 0", 1, "takes no labels"),
        ("--write --shape 0", 2, "at least 1"),
    ] {
        let message = place.fails(&format!("inspect unet.onnx {arguments}"), code);
        assert!(message.contains(part), "{arguments}: {message}");
        assert!(!place.path("unet.kinepath.toml").exists(), "{arguments}");
    }
}

#[test]
fn the_null_label_is_kept_too() {
    let place = Place::new();
    fs::copy(crate::sampling::fixture("labelled"), place.path("net.onnx")).unwrap();
    let sample =
        "sample --field onnx:net.onnx --count 2 --steps 4 --label 1 --guidance 2 --out run";
    let message = place.fails(sample, 2);
    assert!(message.contains("--null-label") && message.contains("kinepath.toml"), "{message}");
    place.succeeds("inspect net.onnx --write --null-label 0");
    let guidance = place.json(sample)["settings"]["field"]["guidance"].clone();
    assert_eq!((&guidance["scale"], &guidance["null_label"]), (&2.0.into(), &0.into()));
}

#[test]
fn a_kept_shape_makes_the_roles_clear() {
    let place = Place::new();
    fs::copy(crate::sampling::fixture("symbolic_shape"), place.path("net.onnx")).unwrap();
    let printed = place.succeeds("inspect net.onnx");
    assert!(printed.contains("unclear") && printed.contains("tell its shape"), "{printed}");
    for printed in [
        place.succeeds("inspect net.onnx --write --shape 3,6,5"),
        place.succeeds("inspect net.onnx"),
    ] {
        assert!(printed.contains("velocity field") && printed.contains("→ state"), "{printed}");
    }
}

/// A folder as Optimum exports pipelines: the scheduler's configuration tells the conventions.
#[test]
fn a_pipeline_tells_the_conventions_of_its_network() {
    let place = place();
    for part in ["pipe/scheduler", "pipe/unet"] {
        fs::create_dir_all(place.path(part)).unwrap();
    }
    fs::rename(place.path("unet.onnx"), place.path("pipe/unet/model.onnx")).unwrap();
    place.write("pipe/model_index.json", r#"{"_class_name": "StableDiffusionPipeline"}"#);
    place.write(
        "pipe/scheduler/scheduler_config.json",
        r#"{"_class_name": "PNDMScheduler", "beta_schedule": "scaled_linear", "beta_start": 0.00085,
            "beta_end": 0.012, "num_train_timesteps": 1000, "prediction_type": "epsilon"}"#,
    );
    let run = place.json("sample --field onnx:pipe --count 4 --out run");
    let field = &run["settings"]["field"];
    assert_eq!(field["path"], "vp:scaled-linear,steps=1000,start=0.00085,end=0.012");
    assert_eq!((&field["predicts"], &field["spec"]), (&"noise".into(), &"onnx:pipe".into()));
    let printed = place.succeeds("inspect pipe");
    assert!(printed.contains("end=0.012, predicts noise, time step"), "{printed}");
    assert!(printed.contains("told by     the pipeline"), "{printed}");
    let json = place.json("inspect pipe");
    assert_eq!(
        (&json["conventions"], &json["pipeline_conventions"]["time"]),
        (&json!(null), &json!("step"))
    );
    let scheduler = place.path("pipe/scheduler/scheduler_config.json");
    let known = fs::read_to_string(&scheduler).unwrap();
    fs::write(&scheduler, known.replace("scaled_linear", "sigmoid")).unwrap();
    let printed = place.succeeds("inspect pipe");
    assert!(printed.contains("not known") && printed.contains("`sigmoid`"), "{printed}");
    fs::write(&scheduler, known).unwrap();
    let printed = place.succeeds("inspect pipe --write");
    assert!(printed.contains("predicts noise, time step, shape [2]"), "{printed}");
    assert!(place.path("pipe/unet/model.kinepath.toml").exists());
    place.succeeds("inspect pipe");
    let message = place.fails("sample --field onnx:pipe/scheduler --out other", 1);
    assert!(message.contains("unet/model.onnx"), "{message}");
}
