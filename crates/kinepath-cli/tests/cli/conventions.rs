//! Networks of other conventions, from the command line to the run folder.

use std::fs;
use std::path::Path;

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
