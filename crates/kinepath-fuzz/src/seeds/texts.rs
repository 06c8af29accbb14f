//! Texts of every kind.

use kinepath_study::study::StudySettings;
use kinepath_study::tune::TuneSettings;

use super::file;
use crate::wrap;

pub(super) const DIAGONAL_MIXTURE: &str =
    "weights = [1, 2]\nmeans = [[0, 1], [1, 0]]\nvariances = [[1, 1], [0.5, 2]]";

pub(super) const SIDECAR: &str = "version = 1\npath = \"straight\"\npredicts = \"velocity\"\n\
     time = \"discrete:1000\"\nshape = [4, 64, 64]\nnull_label = -1\n";

pub(super) const SIDECAR_OF_NOISE: &str =
    "version = 1\npath = \"vp:scaled-linear\"\npredicts = \"v\"\ntime = \"step\"\n";

/// A grid, a gain, a gain in TOML, noise levels, labels.
pub(super) const NUMBERS: [&str; 5] = [
    "0\n0.25 # a comment\n0.5\n1\n",
    "0 1.1\n0.5, 1\n1\t0.9\n",
    "gain = \"kts:alpha=0.01,beta=0.01\"\n",
    "0.9\n0.5\n0.1\n",
    "3 1\n4\n",
];

pub(super) const WORDS: [&str; 36] = [
    "unit",
    "kts:alpha=0.01,beta=0.01,split=0.6,launch=linear,landing=exponential,rate=3",
    "ssc:alpha=0.1,power=2",
    "table:0=1.1,0.5=1",
    "governed:quantile=0.9,strength=0.5,split=0.6,ceiling=0:12.5;0.5:11.8",
    "governed:reference=base,quantile=0.75",
    "uniform",
    "cosine",
    "shift:3",
    "dynamic-shift:4096",
    "diffusers:3",
    "karras:0.002",
    "exponential:0.01",
    "beta:0.01",
    "kpe=..600",
    "terminal_spike=0.1..0.2",
    "1000..2000",
    "1/3",
    "3,1,4",
    "cycle:10",
    "labels.npy",
    "straight",
    "vp:linear,min=0.01,max=10",
    "vp:scaled-linear",
    "vp:cosine",
    "ve",
    "edm:0.5,min=0.002,max=80",
    "discrete:1000",
    "scaled:1000",
    "reversed",
    "c-noise",
    "residual",
    "calls",
    "ort:cuda",
    "clip.onnx:preprocess=clip",
    "20",
];

/// The settings that a study and a search have unless told.
pub(super) fn settings() -> Vec<Vec<u8>> {
    let study = toml::to_string(&StudySettings::default());
    let tune = toml::to_string(&TuneSettings::default());
    [study, tune].into_iter().flatten().map(String::into_bytes).collect()
}

/// The configurations of pipelines that the tests have.
pub(super) fn pipelines() -> Vec<Vec<u8>> {
    let path = file("kinepath-study/tests/fixtures/schedulers.json");
    let text = std::fs::read(path).unwrap_or_default();
    let cases: Vec<serde_json::Value> = serde_json::from_slice(&text).unwrap_or_default();
    let network = br#"{"in_channels": 4, "sample_size": [64, 32]}"#;
    let input = |case: &serde_json::Value| {
        let pipeline = serde_json::json!({ "_class_name": case["pipeline"] }).to_string();
        let scheduler = case["config"].to_string();
        wrap::join(&[pipeline.as_bytes(), scheduler.as_bytes(), network])
    };
    cases.iter().map(input).collect()
}
