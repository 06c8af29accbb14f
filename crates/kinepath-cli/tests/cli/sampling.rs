//! `kinepath sample` on analytic fields.

use std::fs;
use std::path::Path;

use kinepath_study::run::{RunReader, columns};
use serde_json::json;

use crate::support::{Place, files, npy};

const TINY: &str = "sample --field mixture:mixture.toml --count 10 --batch 4 --steps 12";

#[test]
fn a_run_is_written_and_its_energies_are_told() {
    let place = Place::new();
    let text = place.succeeds(&format!("{TINY} --out run"));
    for part in ["10 samples", "kinetic path energy", "landing, t ≥ 0.6", "run     run (complete)"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    let names: Vec<_> = files(&place.path("run")).into_keys().collect();
    let expected = ["run.toml", "samples.parquet", "samples.safetensors"];
    assert_eq!(names, expected.map(std::path::PathBuf::from));

    let run = RunReader::open(&place.path("run")).unwrap();
    let kpe = run.table().f64(columns::KPE).unwrap();
    let mean = kpe.iter().sum::<f64>() / 10.0;
    let json = place.json(&format!("{TINY} --out run"));
    assert_eq!(json["complete"], true);
    assert_eq!(json["before"], "complete");
    assert_eq!(json["energy"][0]["column"], "kpe");
    assert!((json["energy"][0]["mean"].as_f64().unwrap() - mean).abs() < 1e-12);
    let per_dimension = json["energy"][0]["mean_per_dimension"].as_f64().unwrap();
    assert!((per_dimension - mean / 2.0).abs() < 1e-12);
}

#[test]
fn a_complete_run_is_not_repeated_and_another_is_refused() {
    let place = Place::new();
    place.succeeds(&format!("{TINY} --out run"));
    let before = files(&place.path("run"));
    assert!(place.succeeds(&format!("{TINY} --out run")).contains("was complete already"));
    assert_eq!(files(&place.path("run")), before);
    let refusal = place.fails(&format!("{TINY} --out run --seed 1"), 1);
    assert!(refusal.contains("noise.seed") && refusal.contains("--overwrite"), "{refusal}");
    assert_eq!(files(&place.path("run")), before);
    place.succeeds(&format!("{TINY} --out run --seed 1 --overwrite"));
    assert_ne!(files(&place.path("run")), before);
}

#[test]
fn everything_can_be_recorded() {
    let place = Place::new();
    place.succeeds(&format!("{TINY} --out run --record profile,map,trajectory:4"));
    let run = RunReader::open(&place.path("run")).unwrap();
    assert_eq!(run.profile().unwrap().unwrap().dim(), (10, 12));
    assert_eq!(run.energy_map().unwrap().unwrap().shape(), [10, 2]);
    assert_eq!(run.trajectory().unwrap().unwrap().shape(), [10, 4, 2]);
    assert_eq!(run.settings().record.trajectory, [0.0, 1.0 / 3.0, 8.0 / 12.0, 1.0]);
}

#[test]
fn an_adaptive_solver_chooses_its_steps_within_its_tolerance() {
    let place = Place::new();
    let run = |name: &str, arguments: &str| {
        let common = "sample --field mixture:mixture.toml --count 4";
        place.succeeds(&format!("{common} --out {name} {arguments}"));
        let run = RunReader::open(&place.path(name)).unwrap();
        (run.samples().unwrap(), run.table().i64(columns::NFE).unwrap())
    };
    let (reference, _) = run("rk4", "--solver rk4 --steps 400");
    let (adaptive, cost) = run("dopri5", "--solver dopri5 --rtol 1e-7 --atol 1e-7");
    let (_, cheaper) = run("loose", "--solver dopri5 --rtol 1e-3 --atol 1e-3");
    assert!((&adaptive - &reference).iter().all(|difference| difference.abs() < 1e-4));
    assert!(cheaper.iter().zip(&cost).all(|(cheap, cost)| cheap < cost));
}

#[test]
fn a_governed_run_takes_its_ceiling_from_a_reference_and_is_whole_without_it() {
    let place = Place::new();
    place.succeeds(&format!("{TINY} --out base --record profile"));
    let command = format!("{TINY} --gain governed:reference=base,quantile=0.5,split=0.3");
    let text = place.succeeds(&format!("{command} --out governed"));
    assert!(text.contains("split=0.3, ceiling of 12 points"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert!(place.succeeds(&format!("{command} --out governed")).contains("complete already"));

    let run = RunReader::open(&place.path("governed")).unwrap();
    fs::remove_dir_all(place.path("base")).unwrap();
    let gain = &run.settings().sampler.as_ref().unwrap().gain;
    place.succeeds(&format!("{TINY} --gain {gain} --out again"));
    assert_eq!(files(&place.path("again")), files(&place.path("governed")));
    let message = place.fails(&format!("{command} --out governed"), 1);
    assert!(message.contains("base") && message.contains("not a run folder"), "{message}");
}

#[test]
fn noise_from_a_file_is_the_start_and_sets_the_count() {
    let place = Place::new();
    let values = [0.5, -1.0, 0.25, 2.0, -0.125, 0.0];
    place.write("x0.npy", npy(&[3, 2], &values));
    let command = "sample --field mixture:mixture.toml --noise x0.npy --steps 5 --out run";
    place.succeeds(&format!("{command} --record trajectory:6"));
    let run = RunReader::open(&place.path("run")).unwrap();
    assert_eq!(run.settings().count, 3);
    let path = run.trajectory().unwrap().unwrap();
    let first: Vec<f32> = path.index_axis(ndarray::Axis(1), 0).iter().copied().collect();
    assert_eq!(first, values);
}

#[test]
fn labels_and_guidance_reach_the_network_and_the_settings() {
    let place = Place::new();
    let model = fixture("labelled");
    let common = format!("sample --field onnx:{model} --count 3 --steps 4");
    let plain = place.json(&format!("{common} --label 1 --out plain"));
    let guided = format!("{common} --label 1 --guidance 2 --null-label 0 --out guided");
    let guided = place.json(&guided);
    let nfe = |run: &serde_json::Value| {
        let rows = run["energy"].as_array().unwrap();
        rows.iter().find(|row| row["column"] == "nfe").unwrap()["mean"].as_f64().unwrap()
    };
    assert_eq!((nfe(&plain), nfe(&guided)), (4.0, 8.0));
    let guidance = &guided["settings"]["field"]["guidance"];
    assert_eq!((&guidance["scale"], &guidance["null_label"]), (&json!(2.0), &json!(0)));
    assert_eq!(guided["settings"]["conditions"]["labels"]["asked"], "1");
    let other = place.fails(&format!("{common} --label 2 --out plain"), 1);
    assert!(other.contains("conditions.labels"), "{other}");
    assert!(place.fails(&format!("{common} --out none"), 2).contains("needs a class label"));
    assert!(!place.path("none").exists());
    let null = place.fails(&format!("{common} --labels 1 --guidance 2 --out none"), 2);
    assert!(null.contains("null condition"), "{null}");
    let beyond = place.fails(&format!("{common} --label 4 --out none"), 2);
    assert!(beyond.contains("the label 4 is none of the 4"), "{beyond}");
}

#[test]
fn guidance_has_an_interval_a_style_and_parts() {
    let place = Place::new();
    let model = fixture("sit");
    let common = format!("sample --field onnx:{model} --labels cycle:10 --count 6 --steps 5");
    let guided = format!("{common} --guidance 2.5 --null-label 10 --guidance-interval 0.3..0.9");
    let run = |style: &str| {
        place.json(&format!("{guided} --guidance-style {style} --record parts --out {style}"))
    };
    let (doubled, calls) = (run("doubled"), run("calls"));
    let mean = |run: &serde_json::Value, column: &str| {
        let rows = run["energy"].as_array().unwrap();
        rows.iter().find(|row| row["column"] == column).unwrap()["mean"].as_f64().unwrap()
    };
    for column in ["kpe", "kpe_conditional", "kpe_unconditional"] {
        let (doubled, calls) = (mean(&doubled, column), mean(&calls, column));
        assert!((doubled / calls - 1.0).abs() < 1e-5, "{column}: {doubled} {calls}");
    }
    // Stages at 0.4, 0.6 and 0.8 are guided.
    assert_eq!(mean(&doubled, "nfe"), 8.0);
    let guidance = &calls["settings"]["field"]["guidance"];
    let expected =
        json!({"scale": 2.5, "interval": [0.3, 0.9], "style": "calls", "null_label": 10});
    assert_eq!(guidance, &expected);
    let reader = RunReader::open(&place.path("calls")).unwrap();
    assert_eq!(reader.table().i64(columns::LABEL).unwrap(), [0, 1, 2, 3, 4, 5]);
    let other = format!("{guided} --guidance-style calls --record parts --out calls");
    let other = place.fails(&other.replace("0.3..0.9", "0.3..0.8"), 1);
    assert!(other.contains("field.guidance.interval"), "{other}");

    let prompted = fixture("text_to_image");
    let missing = place.fails(&format!("sample --field onnx:{prompted} --out none"), 2);
    assert!(missing.contains("needs the inputs `encoder_hidden_states`"), "{missing}");
    let inputs = place.fails(&format!("sample --field onnx:{prompted} --inputs no.file"), 1);
    assert!(inputs.contains("no.file: cannot be read"), "{inputs}");
    let none = place.fails(&format!("{common} --guidance 2 --null-inputs no.file"), 1);
    assert!(none.contains("no.file: cannot be read"), "{none}");
    let interval = format!("{guided} --out none").replace("0.3..0.9", "0.9..0.3");
    assert!(place.fails(&interval, 2).contains("t = 0.9 to 0.3"));
}

#[test]
fn a_network_that_fails_costs_no_run_that_is_there() {
    let place = Place::new();
    let sample = |name: &str| format!("sample --field onnx:{} --count 3 --out run", fixture(name));
    place.succeeds(&sample("linear"));
    let before = fs::read(place.path("run/samples.safetensors")).unwrap();
    let failed = place.fails(&format!("{} --overwrite", sample("undeclared_wide_output")), 1);
    assert!(failed.contains("[2, 12]"), "{failed}");
    assert_eq!(fs::read(place.path("run/samples.safetensors")).unwrap(), before);
}

#[test]
fn labels_from_a_file_set_the_count_and_divide_the_figures() {
    let place = Place::new();
    let labels: Vec<String> = (0..18).map(|sample| (sample % 3).to_string()).collect();
    place.write("labels.txt", labels.join("\n"));
    let points: Vec<f32> = (0..240).map(|i| ((i * 37) % 64) as f32 / 16.0 - 2.0).collect();
    place.write("train.npy", npy(&[40, 6], &points));
    let model = fixture("labelled");
    place.succeeds(&format!("sample --field onnx:{model} --labels labels.txt --steps 4 --out run"));
    assert_eq!(RunReader::open(&place.path("run")).unwrap().settings().count, 18);
    let table = place.succeeds("evaluate run --train train.npy --resamples 50");
    let head = table.lines().find(|line| line.contains("mean KPE") && line.contains("class"));
    assert!(head.is_some_and(|line| line.contains("F_mem")), "{table}");
    let short = format!("sample --field onnx:{model} --labels labels.txt --count 5 --out none");
    assert!(place.fails(&short, 2).contains("18 labels for 5 samples"));
}

#[test]
fn quiet_and_verbose_change_remarks_only() {
    let place = Place::new();
    let plain = place.succeeds(&format!("{TINY} --out a"));
    let quiet = place.succeeds(&format!("{TINY} --out a --overwrite --quiet"));
    assert_eq!(plain, quiet);
    let verbose = place.output(&format!("{TINY} --out a --overwrite -v"));
    assert_eq!(String::from_utf8(verbose.stdout).unwrap(), plain);
    assert!(String::from_utf8(verbose.stderr).unwrap().contains("euler over 12 steps"));
}

/// A tiny network of the ONNX crate's tests.
pub(crate) fn fixture(name: &str) -> String {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kinepath-onnx/tests/fixtures");
    let file = fixtures.join(format!("models/{name}.onnx"));
    fs::canonicalize(file).unwrap().display().to_string()
}

#[test]
fn threads_change_nothing_and_memory_chooses_the_batch() {
    let place = Place::new();
    let field = "sample --field onnx:builtin:velocity --steps 2 --count 10";
    let run = |options: &str, out: &str| {
        place.succeeds(&format!("{field} {options} --out {out}"));
        let run = RunReader::open(&place.path(out)).unwrap();
        (run.settings().batch, files(&place.path(out)))
    };
    let (batch, usual) = run("", "usual");
    assert_eq!(batch, 128);
    assert_eq!(run("--threads 1", "one"), (128, usual.clone()));
    assert_eq!(run("--threads 3", "three"), (128, usual));
    // 784 values of nine states in f32 are 28 kB.
    assert_eq!(run("--batch-memory 200kB", "small").0, 4);
    let refusal = place.fails(&format!("{field} --batch-memory 20kB --out none"), 1);
    assert!(refusal.contains("name the batch"), "{refusal}");
    assert!(!place.path("none").exists());
}
