//! `evaluate`, `compare` and `report` on runs of the embedded data.

use kinepath_study::data;
use kinepath_study::run::{Column, Existing, FieldSettings, NoiseSettings, RunReader, columns};
use kinepath_study::sampling::{Given, GivenRun};

use crate::support::{Place, npy};

#[test]
fn runs_are_judged_compared_and_drawn_again() {
    let place = Place::new();
    let sample = "sample --field empirical:builtin:fashion-mnist --count 64 --steps 8";
    place.succeeds(&format!("{sample} --out plain --record profile"));
    place.succeeds(&format!("{sample} --out kts --record profile --gain kts:alpha=0,beta=0.05"));
    let judged = "--train builtin:fashion-mnist --resamples 50";

    let table = place.succeeds(&format!("evaluate plain {judged}"));
    for part in ["F_mem", "Fréchet", "plain/evaluation.json", "plain/report.html"] {
        assert!(table.contains(part), "{part}: {table}");
    }
    assert!(table.contains("copies sought   in pixels"), "{table}");
    assert!(place.path("plain/evaluation.json").exists());

    let before = std::fs::read(place.path("plain/evaluation.json")).unwrap();
    let beside =
        place.succeeds(&format!("evaluate plain {judged} --copies-in features --out beside"));
    assert!(beside.contains("beside/evaluation.json"), "{beside}");
    assert!(place.path("beside/report.html").exists());
    assert_eq!(std::fs::read(place.path("plain/evaluation.json")).unwrap(), before);

    let features = place.succeeds(&format!("evaluate plain {judged} --copies-in features"));
    let words = "in the features of builtin:classifier";
    assert!(features.contains(&format!("copies sought   {words}")), "{features}");
    assert!(features.contains("memorized by distances in features"), "{features}");
    let results = std::fs::read_to_string(place.path("plain/evaluation.json")).unwrap();
    assert!(results.contains("\"copies_in\": \"features\""));
    let page = std::fs::read_to_string(place.path("plain/report.html")).unwrap();
    for part in [words, "picture nearest in features", "gap ratio below 1/3 in features"] {
        assert!(page.contains(part), "the report lacks: {part}");
    }
    place.write("plain.npy", npy(&[2, 1, 28, 28], &[0.0; 2 * 28 * 28]));
    let alone = "evaluate plain --train plain.npy --copies-in features";
    assert!(place.fails(alone, 2).contains("there is no encoder"));

    let table = place.succeeds(&format!("compare plain kts {judged} --out versus"));
    for part in ["plain", "kts", "verdict", "difference", "q", "versus/comparison.json"] {
        assert!(table.contains(part), "{part}: {table}");
    }
    assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");

    let report = place.path("versus/report.html");
    let drawn = std::fs::read(&report).unwrap();
    std::fs::remove_file(&report).unwrap();
    assert_eq!(place.succeeds("report versus").trim(), "versus/report.html");
    assert_eq!(std::fs::read(&report).unwrap(), drawn);

    // One folder fails, the other is drawn all the same.
    std::fs::remove_file(&report).unwrap();
    let output = place.output("report nowhere versus");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("nowhere"));
    assert!(report.exists());

    place.succeeds(&format!("{sample} --out other --seed 1"));
    let message = place.fails(&format!("compare plain other {judged}"), 1);
    assert!(message.contains("noise differs"), "{message}");
}

/// Samples that another program made, as the Python package writes them: no energies, no dashes for
/// them either.
#[test]
fn samples_from_elsewhere_are_judged_without_energies() {
    let place = Place::new();
    let train = data::load("builtin:fashion-mnist").unwrap();
    for (name, brightness) in [("base", 1.0), ("dim", 0.5)] {
        let run = GivenRun {
            shape: train.shape.clone(),
            samples: Given::Samples(
                train.values.slice(ndarray::s![..32, ..]).mapv(|v| v * brightness),
            ),
            labels: None,
            field: FieldSettings::external("elsewhere"),
            sampler: None,
            noise: NoiseSettings::Declared { name: "theirs".to_owned() },
            trajectory: Vec::new(),
        };
        run.write(&place.path(name), Existing::Resume).unwrap();
    }
    let judged = "--train builtin:fashion-mnist --resamples 50";
    let table = place.succeeds(&format!("evaluate base {judged}"));
    assert!(table.contains("100.0 % [") && table.contains("baseline's 32 samples"), "{table}");
    assert!(!table.contains("KPE") && !table.contains("Spearman"), "{table}");
    let table = place.succeeds(&format!("compare base dim {judged} --out versus"));
    assert!(table.contains("difference") && !table.contains("KPE"), "{table}");
    let message = place.fails("sample --field external:elsewhere --out more", 2);
    assert!(message.contains("onnx:FILE"), "{message}");
}

/// The toy CLIP pair of the network tests, on the embedded pictures: score and margin appear as
/// metrics, as fidelity in the terciles and as columns, from words and from ready embeddings alike.
#[test]
fn prompts_are_scored_from_words_and_from_embeddings() {
    let place = Place::new();
    place.succeeds(
        "sample --field empirical:builtin:fashion-mnist --steps 8 --count 64 --out run --quiet",
    );
    place.write("prompts.txt", "a red dress\nA shoe, in red!\nzebra\n");
    let networks = concat!(env!("CARGO_MANIFEST_DIR"), "/../kinepath-onnx/tests/fixtures");
    let evaluate = "evaluate run --train builtin:fashion-mnist --resamples 100";
    let image = format!("--clip-image {networks}/models/clip_image.onnx:preprocess=clip");
    let words = format!(
        "{evaluate} {image} --prompts prompts.txt --clip-text {networks}/models/text.onnx \
         --tokenizer {networks}/tokenizer.json"
    );
    let results = place.json(&words);
    let run = &results["models"][0]["runs"][0];
    let metrics: Vec<&str> = run["metrics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["metric"].as_str().unwrap())
        .collect();
    assert!(metrics.contains(&"clip_score") && metrics.contains(&"clip_margin"), "{metrics:?}");
    let scores = results["models"][0]["terciles"][0]["scores"].as_array().unwrap();
    assert!(scores.iter().any(|score| score[0] == "CLIP score"), "{scores:?}");

    assert!(place.fails(&format!("{evaluate} {image}"), 2).contains("--prompts"));
    let alone = format!("{evaluate} {image} --prompts prompts.txt");
    assert!(place.fails(&alone, 1).contains("prompts.txt"), "words need a text network");
    let unknown = format!("{evaluate} --encoder {networks}/models/clip_image.onnx:preprocess=vgg");
    assert!(place.fails(&unknown, 1).contains("inception"), "the presets are named");
}

#[test]
fn samples_that_were_changed_are_not_judged() {
    let place = Place::new();
    for run in ["run", "other"] {
        let sample = "sample --field mixture:mixture.toml --steps 4 --count 40 --quiet";
        place.succeeds(&format!("{sample} --out {run}"));
    }
    let train: Vec<f32> = (0..24).map(|value| value as f32).collect();
    place.write("train.npy", npy(&[12, 2], &train));
    let samples = place.path("run/samples.safetensors");
    let mut bytes = std::fs::read(&samples).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&samples, &bytes).unwrap();
    for command in ["evaluate run", "compare run other"] {
        let refusal = place.fails(&format!("{command} --train train.npy"), 1);
        let said = "'samples' is not what was sampled";
        assert!(refusal.contains("samples.safetensors") && refusal.contains(said), "{refusal}");
    }
    bytes[last] ^= 1;
    std::fs::write(&samples, &bytes).unwrap();
    let mut run = RunReader::open(&place.path("run")).unwrap();
    let mut table = run.table().clone();
    let mut kpe = table.f64(columns::KPE).unwrap().to_vec();
    kpe[3] += 1e-9;
    table.set(columns::KPE, Column::F64(kpe)).unwrap();
    run.replace_table(table).unwrap();
    let refusal = place.fails("evaluate run --train train.npy", 1);
    assert!(refusal.contains("samples.parquet") && refusal.contains("not what"), "{refusal}");
    assert!(!place.path("run/evaluation.json").exists());
    place.succeeds("evaluate other --train train.npy");
}
