//! What runs a network: the choice, what is recorded of it, and what is said where it is not to be
//! had.

use std::io::Write;
use std::process::Output;
use std::sync::Once;

use crate::sampling::fixture;
use crate::support::{Place, files};

const SAMPLE: &str =
    "sample --field onnx:builtin:velocity --steps 3 --count 6 --batch 4 --record profile";

/// Whether there is an ONNX Runtime to test with; if not, that is said on the terminal. One that is
/// named has to work.
fn has_ort(place: &Place) -> bool {
    if std::env::var_os("ORT_DYLIB_PATH").is_some() {
        return true;
    }
    let output = place.output(&format!("{SAMPLE} --engine ort --out probe"));
    let missing = String::from_utf8_lossy(&output.stderr).into_owned();
    let found = !missing.contains("no ONNX Runtime library");
    static SAID: Once = Once::new();
    if !found && !SAID.is_completed() {
        SAID.call_once(|| {
            // The test harness keeps what `eprintln!` writes to itself.
            let _ = writeln!(std::io::stderr(), "not tested on ONNX Runtime: {missing}");
        });
    }
    found
}

/// The program with another library.
fn with_library(place: &Place, arguments: &str, library: &str) -> Output {
    let output = place.command(arguments).env("ORT_DYLIB_PATH", library).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("panicked"), "{stderr}");
    output
}

#[test]
fn an_engine_gives_the_same_bytes_again_and_two_agree() {
    let place = Place::new();
    if !has_ort(&place) {
        return;
    }
    let run = |engine: &str, out: &str| {
        place.succeeds(&format!("{SAMPLE} --engine {engine} --out {out}"));
        files(&place.path(out))
    };
    let (rten, ort) = (run("rten", "rten"), run("ort", "ort"));
    assert_eq!(run("ort", "again"), ort);
    assert_eq!(run("auto", "auto"), rten);
    let told = |out: &str| std::fs::read_to_string(place.path(out).join("run.toml")).unwrap();
    assert!(told("rten").contains("engine = \"rten\""));
    assert!(told("ort").contains("engine = \"ort "));
    let energy = |out: &str| {
        let summary = place.json(&format!("{SAMPLE} --engine {out} --out {out}"));
        let kpe = &summary["energy"][0];
        assert_eq!(kpe["column"], "kpe");
        kpe["mean"].as_f64().unwrap()
    };
    let (a, b) = (energy("rten"), energy("ort"));
    assert!((a - b).abs() < 1e-5 * a, "{a} and {b}");
}

#[test]
fn a_run_goes_on_with_its_own_engine_only() {
    let place = Place::new();
    if !has_ort(&place) {
        return;
    }
    place.succeeds(&format!("{SAMPLE} --engine ort --out run"));
    let message = place.fails(&format!("{SAMPLE} --engine rten --out run"), 1);
    assert!(message.contains("field.engine"), "{message}");
    assert!(message.contains("--overwrite"), "{message}");
    place.succeeds(&format!("{SAMPLE} --engine rten --out other"));
    let message = place.fails("compare other run --train builtin:fashion-mnist", 1);
    assert!(message.contains("their engine differs"), "{message}");
}

#[test]
fn a_library_that_is_named_wrongly_is_told_and_nothing_is_written() {
    let place = Place::new();
    place.write("library.so", "no library");
    for library in ["no/such/libonnxruntime.so", "library.so", "."] {
        let output = with_library(&place, &format!("{SAMPLE} --engine ort --out run"), library);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains(&format!("ORT_DYLIB_PATH is {library}")), "{message}");
        assert!(message.contains("1.17 or later"), "{message}");
        assert!(!place.path("run").exists());
    }
    // It is not looked for where it is not asked for.
    let output = with_library(&place, &format!("{SAMPLE} --out run"), "no/such/libonnxruntime.so");
    assert_eq!(output.status.code(), Some(0));
}

/// A library is asked for its version before anything else.
#[cfg(target_os = "linux")]
#[test]
fn a_library_that_is_too_old_is_told() {
    let place = Place::new();
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/fixtures/old_onnxruntime.c");
    // What links Rust programs is there where they are tested.
    let mut compiler = std::process::Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(place.path("libonnxruntime.so")).arg(source);
    assert!(compiler.status().unwrap().success());
    let library = place.path("libonnxruntime.so").display().to_string();
    let output = with_library(&place, &format!("{SAMPLE} --engine ort --out run"), &library);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    for part in ["1.10.0", "1.17 or later", &library] {
        assert!(message.contains(part), "{part}: {message}");
    }
    // Found rather than named, it is passed over, and told if there is no other.
    let mut command = place.command(&format!("{SAMPLE} --engine ort --out run"));
    command.env("LD_LIBRARY_PATH", place.path(".")).env("PATH", "").env_remove("ORT_DYLIB_PATH");
    command.env_remove("VIRTUAL_ENV").env_remove("CONDA_PREFIX");
    let message = String::from_utf8(command.output().unwrap().stderr).unwrap();
    if !message.is_empty() {
        for part in ["1.10.0", "pip install onnxruntime"] {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}

#[test]
fn a_file_that_rten_cannot_run_needs_the_library() {
    let place = Place::new();
    let model = fixture("rare_operator");
    let arguments = format!("sample --field onnx:{model} --count 2 --steps 2 --out run");
    let output = with_library(&place, &arguments, "no/such/libonnxruntime.so");
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    for part in ["Selu", "ORT_DYLIB_PATH is no/such/libonnxruntime.so"] {
        assert!(message.contains(part), "{message}");
    }
    if has_ort(&place) {
        place.succeeds(&arguments);
        let settings = std::fs::read_to_string(place.path("run").join("run.toml")).unwrap();
        assert!(settings.contains("engine = \"ort "), "{settings}");
    }
}

#[test]
fn inspect_says_of_each_engine_whether_it_runs_a_network() {
    let place = Place::new();
    let inspect = |name| format!("inspect {}", fixture(name));
    let output = with_library(&place, &inspect("linear"), "no/such/libonnxruntime.so");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("on rten     yes"), "{text}");
    assert!(text.contains("on ort      no: ORT_DYLIB_PATH is no/such/"), "{text}");
    let output = place.output(&format!("{} --json", inspect("brain_half")));
    assert_eq!(output.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["engines"][0]["engine"], "rten");
    assert!(json["engines"][0]["problem"].as_str().unwrap().contains("bfloat16"));
    assert!(json["engines"][1]["problem"].is_string());
}

#[test]
fn studies_and_searches_take_an_engine_too() {
    let place = Place::new();
    for command in ["study", "tune"] {
        let arguments = format!("{command} --engine ort --out out");
        let output = with_library(&place, &arguments, "no/such/libonnxruntime.so");
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains("ORT_DYLIB_PATH is no/such/"), "{message}");
    }
}
