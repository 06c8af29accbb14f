//! Bad input: a clear message, the right exit code, nothing half-written.

use crate::sampling::fixture;
use crate::support::{Place, any_final_name, npy, npy_header};

const SAMPLE: &str = "sample --field mixture:mixture.toml --out run";

/// Arguments added to a sound command, and what the message must tell.
const MISUSES: &[(&str, &[&str])] = &[
    ("--steps 0", &["--steps", "at least 1"]),
    ("--count 0", &["--count", "at least 1"]),
    ("--batch 0", &["--batch", "at least 1"]),
    ("--batch-memory much", &["--batch-memory"]),
    ("--batch-memory 1MB --batch 4", &["--batch"]),
    ("--count many", &["--count", "whole number"]),
    ("--solver rk5", &["rk5", "euler, midpoint, heun, rk4, dopri5"]),
    ("--gain fast", &["unknown gain `fast`", "kts:alpha=A", "ssc:alpha=A"]),
    ("--gain kts:gamma=1", &["gamma", "alpha"]),
    ("--gain kts:beta=0.2", &["negative at t =", "largest admissible beta", "0.0"]),
    ("--gain governed:quantile=0.9", &["no ceiling yet", "reference=RUN"]),
    ("--gain governed:ceiling=0:0", &["ceiling", "not above 0"]),
    ("--gain governed:ceiling=0:1,strength=-1", &["strength", "≥ 0"]),
    ("--grid zigzag", &["zigzag", "uniform, cosine, shift:S"]),
    ("--grid shift:-1", &["shift must be positive"]),
    ("--grid dynamic-shift:4096,mu=1", &["no key `mu`"]),
    ("--grid sigmas:1,0.5 --steps 3", &["--steps would have no effect"]),
    ("--grid sigmas:0.5,0.9", &["noise level 1 is 0.9 after 0.5"]),
    ("--t-start 0.7 --t-end 0.7", &["start < end"]),
    ("--quadrature trapezoid", &["trapezoid", "solver or left"]),
    ("--solver dopri5 --quadrature left", &["chooses its own steps"]),
    ("--solver dopri5 --rtol 0 --atol 0", &["tolerances", "not both 0"]),
    ("--certify 20", &["certify `20`", "only Euler paths through an empirical: field"]),
    ("--certify off", &["certify `off`", "through mixture:mixture.toml", "leave it out"]),
    ("--certify 0", &["--certify", "above 0 nats, such as 20, or off", "got 0"]),
    ("--certify -2", &["--certify", "above 0 nats"]),
    ("--certify inf", &["--certify", "above 0 nats"]),
    ("--certify on", &["--certify", "or off; got on"]),
    ("--rtol 1e-3", &["--rtol would have no effect", "dopri5"]),
    ("--predicts score", &["score"]),
    ("--predicts noise", &["exactly a velocity", "conventions are for networks"]),
    ("--engine onnx", &["`onnx` is no engine", "auto, rten, ort, ort:cuda or ort:tensorrt"]),
    ("--engine rten", &["is no network", "leave the engine out"]),
    ("--path vp:linear", &["what a network of the vp path predicts is not told", "say noise"]),
    ("--path vp:linear --predicts velocity", &["does not predict `velocity`", "noise (DDPM"]),
    ("--path vp:linear --predicts noise --time reversed", &["`reversed`", "training step"]),
    ("--path vp:sigmoid --predicts noise", &["vp:sigmoid", "linear, scaled-linear or cosine"]),
    ("--path vp:linear,beta=1 --predicts noise", &["no key `beta`"]),
    ("--path edm", &["edm:0.5"]),
    ("--path ddpm", &["vp:scaled-linear", "edm:SIGMA_DATA"]),
    ("--path edm:0.5", &["exactly a velocity", "conventions are for networks"]),
    ("--predicts v", &["does not predict `v`", "belong to the paths vp and edm"]),
    ("--label 3", &["no classes", "leave the labels out"]),
    ("--time discrete", &["discrete"]),
    ("--record video", &["video", "trajectory:K"]),
    ("--guidance 2", &["for networks"]),
    ("--null-label 2", &["--guidance"]),
    ("--guidance 2 --guidance-interval 0.5", &["use A..B"]),
    ("--guidance 2 --guidance-style both", &["doubled or calls"]),
    ("--labels cycle:0", &["cycle:10"]),
    ("--record parts", &["only a guided field"]),
    ("--select kpe=3", &["--select", "COLUMN=LO..HI"]),
    ("--select nfe=1..2", &["no column of paths", "kpe_landing"]),
    ("--select kpe=2..1", &["holds nothing"]),
    ("--select kpe=1.. --noise x0.npy", &["--select", "--noise"]),
    ("--select kpe=1.. --max-attempts 0", &["--max-attempts", "at least 1"]),
    ("--max-attempts 5", &["--select"]),
    ("--seed 9223372036854775808", &["--seed"]),
    ("--seed 1 --noise x0.npy", &["--seed", "--noise"]),
    ("--quiet --verbose", &["--quiet"]),
];

#[test]
fn misuse_is_told_with_exit_code_2_and_touches_nothing() {
    let place = Place::new();
    for (arguments, parts) in MISUSES {
        let message = place.fails(&format!("{SAMPLE} {arguments}"), 2);
        for part in *parts {
            assert!(message.contains(part), "{arguments}: `{part}` is not in: {message}");
        }
        assert!(!place.path("run").exists(), "{arguments}");
    }
    let message = place.fails("sample --out run", 2);
    assert!(message.contains("--field <FIELD>"), "{message}");
    let message = place.fails("sample --field unet.onnx --out run", 2);
    assert!(message.contains("onnx:FILE"), "{message}");
}

#[test]
fn a_grid_file_excludes_what_it_decides() {
    let place = Place::new();
    place.write("grid.txt", "0\n0.5\n1\n");
    for argument in ["--steps 5", "--t-start 0.1", "--t-end 0.9"] {
        let message = place.fails(&format!("{SAMPLE} --grid grid.txt {argument}"), 2);
        assert!(message.contains("would have no effect"), "{message}");
    }
    place.succeeds(&format!("{SAMPLE} --grid grid.txt --count 2"));
}

#[test]
fn noise_that_does_not_fit_is_refused() {
    let place = Place::new();
    let noise = |arguments: &str| place.fails(&format!("{SAMPLE} --noise x0.npy {arguments}"), 1);
    assert!(noise("").contains("x0.npy"));
    place.write("x0.npy", b"");
    assert!(noise("").contains("x0.npy"));
    place.write("x0.npy", &npy(&[2, 2], &[0.0; 4])[..100]);
    assert!(noise("").contains("x0.npy"));
    place.write("x0.npy", npy(&[2, 3], &[0.0; 6]));
    let message = noise("");
    assert!(message.contains("[3]") && message.contains("[2]"), "{message}");
    place.write("x0.npy", npy(&[2, 2], &[0.0, 1.0, f32::NAN, 0.0]));
    assert!(noise("").contains("NaN"));
    place.write("x0.npy", npy(&[2, 2], &[0.0; 4]));
    let message = noise("--count 3");
    assert!(message.contains("2 samples, but 3"), "{message}");
    assert!(!place.path("run").exists());
}

#[test]
fn noise_of_the_right_size_in_another_order_is_refused() {
    let place = Place::new();
    // The network takes [2, 4, 4]; channels-last noise has as many values.
    place.write("x0.npy", npy(&[1, 4, 4, 2], &[0.0; 32]));
    let field = format!("sample --field onnx:{} --out run --noise x0.npy", fixture("linear"));
    let message = place.fails(&field, 1);
    assert!(message.contains("[4, 4, 2]") && message.contains("[2, 4, 4]"), "{message}");
}

#[test]
fn bad_models_are_named() {
    let place = Place::new();
    place.write("empty.onnx", b"");
    place.write("cut.onnx", &std::fs::read(fixture("linear")).unwrap()[..60]);
    place.write("broken.toml", "weights = [1]\nmeans = [[0]]\n");
    for field in [
        "onnx:none.onnx",
        "onnx:empty.onnx",
        "onnx:cut.onnx",
        "mixture:broken.toml",
        "empirical:no",
    ] {
        let name = field.split_once(':').unwrap().1;
        let message = place.fails(&format!("sample --field {field} --out run"), 1);
        assert!(message.contains(name), "{message}");
        assert!(!place.path("run").exists(), "{field}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let place = Place::new();
    place.write("file", "in the way");
    for out in ["file", "file/run", "/proc/kinepath-run"] {
        let command = format!("sample --field mixture:mixture.toml --count 2 --out {out}");
        let message = place.fails(&command, 1);
        assert!(message.contains(out), "{message}");
        assert!(!any_final_name(&place.path(out)));
    }
    assert_eq!(std::fs::read_to_string(place.path("file")).unwrap(), "in the way");
}

#[test]
fn one_sample_is_a_run() {
    let place = Place::new();
    assert!(place.succeeds(&format!("{SAMPLE} --count 1 --steps 1")).contains("1 sample of"));
}

#[test]
fn an_inspection_tells_what_stands_in_the_way() {
    let place = Place::new();
    assert!(place.succeeds(&format!("inspect {}", fixture("integer_time"))).contains("timestep"));
    let json = place.json(&format!("inspect {}", fixture("classifier")));
    assert_eq!(json["kind"], "classifier");
    let output = place.output(&format!("inspect {}", fixture("custom_operator")));
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("on rten     no"));
    assert!(String::from_utf8(output.stderr).unwrap().contains("no engine can run it"));
    assert!(place.fails("inspect mixture.toml", 1).contains("mixture.toml"));
    assert!(place.fails("inspect none.onnx", 1).contains("none.onnx"));
}

#[test]
fn evaluation_asks_for_what_it_needs() {
    let place = Place::new();
    assert!(place.fails("evaluate run", 2).contains("--train <DATA>"));
    let message = place.fails("evaluate none --train builtin:fashion-mnist", 1);
    assert!(message.contains("not a run folder"), "{message}");
    assert!(place.fails("compare run --train builtin:fashion-mnist", 2).contains("<RUN>"));
    assert!(place.fails("report .", 2).contains("study.json"));
}

#[test]
fn a_study_file_is_refused_with_its_name_and_key() {
    let place = Place::new();
    assert!(place.fails("study none.toml", 1).contains("none.toml"));
    let default = place.succeeds("study --print-default");
    place.write("typo.toml", default.replacen("count", "cuont", 1));
    let message = place.fails("study typo.toml", 2);
    assert!(message.contains("typo.toml") && message.contains("cuont"), "{message}");
    let train = "train = \"builtin:fashion-mnist\"\n";
    assert!(default.contains(train), "{default}");
    place.write("short.toml", default.replacen(train, "", 1));
    let message = place.fails("study short.toml", 2);
    assert!(message.contains("short.toml") && message.contains("train"), "{message}");
    place.write("gain.toml", default.replacen("kts:alpha=0.01", "kts:alhpa=0.01", 1));
    assert!(place.fails("study gain.toml --out out", 2).contains("alhpa"));
    let engine = "[[field]]\nengine = \"abacus\"\n";
    place.write("engine.toml", default.replacen("[[field]]\n", engine, 1));
    let message = place.fails("study engine.toml --out out", 2);
    assert!(message.contains("engine.toml") && message.contains("abacus"), "{message}");
    assert!(!place.path("out").exists());
}

#[test]
fn messages_say_what_is_missing() {
    let place = Place::new();
    let sample = "sample --field mixture:mixture.toml --count 20 --steps 4";
    let gain = place.fails(&format!("{sample} --gain nowhere.toml --out run"), 2);
    assert!(gain.contains("nowhere.toml") && gain.contains("no such file"), "{gain}");
    place.succeeds(&format!("{sample} --out run"));
    place.write("one.npy", npy(&[1, 2], &[0.0, 1.0]));
    let one = place.fails("evaluate run --train one.npy", 1);
    assert!(one.contains("one.npy holds 1 different") && one.contains("at least 11"), "{one}");
    std::fs::create_dir(place.path("empty")).unwrap();
    let empty = place.fails("evaluate run --train empty", 1);
    assert!(empty.contains("empty: holds no pictures") && empty.contains(".png"), "{empty}");
    let nope = place.fails("inspect builtin:nope", 2);
    assert!(nope.contains("builtin:velocity and builtin:classifier"), "{nope}");
    assert!(place.succeeds("inspect builtin:velocity").contains("velocity field"));
    let kept = place.fails("inspect builtin:velocity --write", 2);
    assert!(kept.contains("part of the program"), "{kept}");
}

#[cfg(target_os = "linux")]
#[test]
fn networks_that_do_not_fit_are_refused_before_they_are_loaded() {
    let place = Place::new();
    let models = "../kinepath-onnx/tests/fixtures/models";
    for file in ["external.onnx", "external.onnx.data"] {
        std::fs::copy(format!("{models}/{file}"), place.path(file)).unwrap();
    }
    // Less than the program itself has.
    let sample = "sample --field onnx:external.onnx --count 2 --steps 2 --out out";
    let message = place.fails(&format!("{sample} --memory 1MB"), 1);
    for part in ["the weights of external.onnx", "of memory, but 0 B is free", "smaller network"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(!place.path("out").exists());
    // What a file holds beside the weights is not loaded; without blocks on the disk here.
    let weights = place.path("external.onnx.data");
    std::fs::File::options().append(true).open(weights).unwrap().set_len(4 << 30).unwrap();
    place.succeeds(&format!("{sample} --memory 1GB"));
}

#[cfg(target_os = "linux")]
#[test]
fn data_and_batches_that_do_not_fit_are_refused_before_they_are_loaded() {
    let place = Place::new();
    // A hundred thousand records, of which the disk holds none.
    let header = npy_header(&[100_000, 400]);
    place.write("big.npy", &header);
    let file = std::fs::File::options().append(true).open(place.path("big.npy")).unwrap();
    file.set_len(header.len() as u64 + 4 * 100_000 * 400).unwrap();
    let message = place.fails("sample --field empirical:big.npy --memory 100MB --out big", 1);
    for part in ["big.npy", "40000000 values", "305.2 MiB of memory", "free", "--memory SIZE"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let wide = "sample --field empirical:builtin:fashion-mnist --batch 4096 --count 4096";
    let message = place.fails(&format!("{wide} --memory 100MB --out wide"), 1);
    for part in ["a batch of 4096 samples", "142.2 MiB of memory", "--batch-memory SIZE"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(!place.path("big").exists() && !place.path("wide").exists());
}
