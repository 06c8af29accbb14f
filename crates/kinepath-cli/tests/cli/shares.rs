//! Shares of a run, sampled apart and merged.

use std::fs;

use kinepath_study::run::{Column, RunReader, columns};

use crate::sampling::fixture;
use crate::studies::SMALL;
use crate::support::{Place, any_final_name, files, npy};

const SAMPLE: &str = "sample --field mixture:mixture.toml --count 50 --batch 4 --steps 12 \
                      --record profile,trajectory:3";

/// A place with the whole run in `whole`, and shares of it from `arguments`, in `0`, `1`, ...
fn place(shares: &[&str]) -> Place {
    let place = Place::new();
    place.succeeds(&format!("{SAMPLE} --out whole"));
    for (index, share) in shares.iter().enumerate() {
        place.succeeds(&format!("{SAMPLE} {share} --out {index}"));
    }
    place
}

#[test]
fn seven_shards_make_the_same_bytes_as_one_process() {
    let shards: Vec<String> = (0..7).map(|index| format!("--shard {index}/7")).collect();
    let place = place(&shards.iter().map(String::as_str).collect::<Vec<_>>());
    let text = place.succeeds("merge 3 1 0 6 5 4 2 --out merged");
    assert!(text.starts_with("50 samples of [2], mixture:mixture.toml, from 7 shares"), "{text}");
    assert_eq!(files(&place.path("merged")), files(&place.path("whole")));
    // The whole run is a run like any other.
    let again = place.succeeds(&format!("{SAMPLE} --out merged"));
    assert!(again.contains("was complete already"), "{again}");
    let json = place.json("merge 0 1 2 3 4 5 6 --out merged");
    assert_eq!(json["was_complete"], true);
    assert_eq!((&json["shares"][1]["run"], &json["shares"][1]["first"]), (&"1".into(), &4.into()));
    assert_eq!(json["settings"]["count"], 50);
}

#[test]
fn ranges_that_cut_batches_agree_to_rounding() {
    let place = place(&["--range 0..17", "--range 17..18", "--range 18..50"]);
    place.succeeds("merge 0 1 2 --out merged");
    let run = |name| RunReader::open(&place.path(name)).unwrap();
    let (merged, whole) = (run("merged"), run("whole"));
    assert_eq!(merged.table().i64(columns::INDEX), whole.table().i64(columns::INDEX));
    let difference = (merged.samples().unwrap() - whole.samples().unwrap()).mapv(f32::abs);
    assert!(difference.iter().all(|&difference| difference < 1e-6));
    let kpe = |run: &RunReader| run.table().f64(columns::KPE).unwrap().to_vec();
    let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-6 * b.abs();
    assert!(kpe(&merged).iter().zip(&kpe(&whole)).all(close));
    let settings = |run: &RunReader| {
        let mut settings = run.settings().clone();
        settings.content = None;
        settings
    };
    assert_eq!(settings(&merged), settings(&whole));
}

#[test]
fn a_share_of_a_selection_tries_the_noise_of_the_whole() {
    let place = Place::new();
    let selected = format!("{SAMPLE} --select displacement=..1.5 --max-attempts 200");
    place.succeeds(&format!("{selected} --out whole"));
    for index in 0..3 {
        place.succeeds(&format!("{selected} --shard {index}/3 --out {index}"));
    }
    place.succeeds("merge 0 1 2 --out merged");
    assert_eq!(files(&place.path("merged")), files(&place.path("whole")));
    let table = RunReader::open(&place.path("2")).unwrap();
    let table = table.table();
    let attempts = table.i64(columns::ATTEMPTS).unwrap();
    assert!(attempts.iter().any(|&attempts| attempts > 1));
    let (index, noise) = (table.i64(columns::INDEX), table.i64(columns::NOISE_INDEX));
    for ((index, noise), tried) in index.unwrap().iter().zip(noise.unwrap()).zip(attempts) {
        assert_eq!(noise, index + 50 * (tried - 1));
    }
}

#[test]
fn shares_start_from_their_rows_of_a_noise_file() {
    let place = Place::new();
    let values: Vec<f32> = (0..100).map(|i| (i as f32 * 0.37).sin()).collect();
    place.write("noise.npy", npy(&[50, 2], &values));
    let sample = "sample --field mixture:mixture.toml --noise noise.npy --batch 8 --steps 5";
    place.succeeds(&format!("{sample} --out whole"));
    place.succeeds(&format!("{sample} --shard 0/2 --out a"));
    place.succeeds(&format!("{sample} --shard 1/2 --out b"));
    place.succeeds("merge a b --out merged");
    assert_eq!(files(&place.path("merged")), files(&place.path("whole")));
}

#[test]
fn labels_are_those_of_the_whole_wherever_the_files_lie() {
    let place = Place::new();
    fs::copy(fixture("labelled"), place.path("net.onnx")).unwrap();
    fs::create_dir(place.path("elsewhere")).unwrap();
    fs::copy(fixture("labelled"), place.path("elsewhere/net.onnx")).unwrap();
    let labels: String = (0..12).map(|i| format!("{}\n", i * 5 % 3)).collect();
    place.write("labels.txt", &labels);
    place.write("elsewhere/labels.txt", &labels);
    place.write("other.txt", labels.replacen('1', "2", 1));
    let sample = |folder: &str, labels: &str, rest: &str| {
        format!(
            "sample --field onnx:{folder}net.onnx --labels {folder}{labels} --guidance 2 \
             --null-label 3 --count 12 --batch 4 --steps 4 {rest}"
        )
    };
    place.succeeds(&sample("", "labels.txt", "--out whole"));
    place.succeeds(&sample("", "labels.txt", "--shard 0/2 --out a"));
    place.succeeds(&sample("elsewhere/", "labels.txt", "--shard 1/2 --out b"));
    place.succeeds(&sample("", "other.txt", "--shard 1/2 --out c"));
    place.succeeds("merge a b --out merged");
    assert_eq!(files(&place.path("merged")), files(&place.path("whole")));
    let refusal = place.fails("merge a c --out other", 1);
    assert!(refusal.contains("conditions.labels.sha256"), "{refusal}");
}

#[test]
fn certificates_of_exact_flows_are_joined() {
    let place = Place::new();
    let sample = "sample --field empirical:builtin:fashion-mnist --count 12 --batch 4 --steps 25";
    place.succeeds(&format!("{sample} --out whole"));
    place.succeeds(&format!("{sample} --range 0..8 --out a"));
    place.succeeds(&format!("{sample} --range 8..12 --out b"));
    place.succeeds("merge a b --out merged");
    assert!(RunReader::open(&place.path("merged")).unwrap().settings().certificate.is_some());
    assert_eq!(files(&place.path("merged")), files(&place.path("whole")));
}

#[test]
fn columns_of_an_evaluation_are_left_out() {
    let place = place(&["--shard 0/2", "--shard 1/2"]);
    let mut share = RunReader::open(&place.path("1")).unwrap();
    let mut table = share.table().clone();
    table.set("gap_ratio", Column::F64(vec![0.5; table.rows()])).unwrap();
    share.replace_table(table).unwrap();
    place.succeeds("merge 0 1 --out merged");
    assert_eq!(files(&place.path("merged")), files(&place.path("whole")));
}

#[test]
fn what_does_not_make_a_run_is_refused_and_nothing_is_written() {
    let place = place(&["--range 0..20", "--range 20..36", "--range 16..36", "--range 36..50"]);
    place.succeeds(&format!("{SAMPLE} --range 20..36 --seed 1 --out other-seed"));
    let other_batch = SAMPLE.replace("--batch 4", "--batch 8");
    place.succeeds(&format!("{other_batch} --range 20..36 --out other-batch"));
    for (shares, parts) in [
        ("0 3", vec!["samples 20..36 of 50", "--range 20..36"]),
        ("1 3", vec!["samples 0..20 of 50"]),
        ("0 1", vec!["samples 36..50 of 50"]),
        ("0 2 3", vec!["2 and 0", "samples 16..20"]),
        ("0 1 1 3", vec!["1 and 1", "samples 20..36"]),
        ("0 other-seed 3", vec!["other-seed", "noise.seed is 1, and 0 in 0"]),
        ("0 other-batch 3", vec!["other-batch", "batch is 8, and 4"]),
        ("0 1 whole", vec!["whole", "no share of a larger one"]),
        ("0 1 3 nowhere", vec!["nowhere", "not a run folder"]),
    ] {
        let refusal = place.fails(&format!("merge {shares} --out merged"), 1);
        for part in parts {
            assert!(refusal.contains(part), "{shares}: {part}: {refusal}");
        }
        assert!(!place.path("merged").exists(), "{shares}");
    }
    let refusal = place.fails("merge 0 1 3 --out 1", 1);
    assert!(refusal.contains("folder of a share"), "{refusal}");
    assert!(RunReader::open(&place.path("1")).is_ok());
    let refusal = place.fails(&format!("{SAMPLE} --range 0..21 --out 0"), 1);
    assert!(refusal.contains("count is 20 there and 21 now"), "{refusal}");
}

#[test]
fn changed_values_are_found() {
    let place = place(&["--shard 0/2", "--shard 1/2"]);
    let samples = place.path("1/samples.safetensors");
    let mut bytes = fs::read(&samples).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&samples, &bytes).unwrap();
    let refusal = place.fails("merge 0 1 --out merged", 1);
    assert!(refusal.contains("'trajectory' is not what was sampled"), "{refusal}");
    assert!(!any_final_name(&place.path("merged")));
    bytes[last] ^= 1;
    fs::write(&samples, &bytes).unwrap();

    let mut share = RunReader::open(&place.path("0")).unwrap();
    let original = share.table().clone();
    let mut kpe = original.f64(columns::KPE).unwrap().to_vec();
    kpe[3] += 1e-9;
    let mut table = original.clone();
    table.set(columns::KPE, Column::F64(kpe)).unwrap();
    share.replace_table(table).unwrap();
    let refusal = place.fails("merge 0 1 --out merged", 1);
    assert!(refusal.contains("samples.parquet") && refusal.contains("not what"), "{refusal}");
    assert!(!any_final_name(&place.path("merged")));
    share.replace_table(original).unwrap();
    place.succeeds("merge 0 1 --out merged");
    assert_eq!(files(&place.path("merged")), files(&place.path("whole")));
}

#[test]
fn shares_that_cannot_be_meant_are_usage_errors() {
    let place = Place::new();
    let bare = "sample --field mixture:mixture.toml --steps 4";
    for (arguments, part) in [
        ("--range 0..4", "--count must say how many"),
        ("--shard 0/2", "--count must say how many"),
        ("--count 10 --range 4..11", "beyond the last of 10"),
        ("--count 10 --range 4..4", "A below B"),
        ("--count 10 --shard 2/2", "from 0 to N - 1"),
        ("--count 10 --shard 0/2 --range 0..5", "cannot be used with"),
        ("--count 10 --batch 5 --shard 0/3", "at most 2 shards"),
    ] {
        let refusal = place.fails(&format!("{bare} {arguments}"), 2);
        assert!(refusal.contains(part), "{arguments}: {refusal}");
    }
    assert!(place.fails("merge", 2).contains("<RUN>..."));
}

/// A study with two seeds and a gain that is governed by the baseline, in batches of 16.
fn write_study(place: &Place) {
    let governed = "\n[[gain]]\nname = \"governed\"\ngain = \"governed:quantile=0.5\"\n";
    let study = SMALL.replace("batch = 64", "batch = 16").replace("seeds = [0]", "seeds = [0, 1]");
    place.write("study.toml", study + governed);
}

#[test]
fn a_study_of_shares_is_that_of_one_process() {
    let place = Place::new();
    write_study(&place);
    let table = place.succeeds("study study.toml --out whole");
    for shard in ["0/3", "1/3", "2/3"] {
        let out = &shard[..1];
        let said = place.succeeds(&format!("study study.toml --shard {shard} --out {out}"));
        for part in ["of 64, in 4 runs", "(complete)", "governed", "--shares"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(!place.path(&format!("{out}/study.json")).exists());
    }
    let merged = place.succeeds("study study.toml --shares 2 0 1 --out merged");
    assert_eq!(merged.replace("merged", "whole"), table);
    assert_eq!(files(&place.path("merged")), files(&place.path("whole")));
    // What is merged needs its shares no longer.
    fs::remove_dir_all(place.path("1/runs/exact-flow/kts")).unwrap();
    let again = place.succeeds("study study.toml --shares 2 0 1 --out merged");
    assert_eq!(again, merged);
    let json = place.json("study study.toml --range 10..20 --out range");
    assert_eq!((&json["first"], &json["count"]), (&10.into(), &10.into()));
    assert_eq!(json["left_out"][0], "governed");
}

#[test]
fn shares_that_make_no_study_are_refused() {
    let place = Place::new();
    write_study(&place);
    place.succeeds("study study.toml --shard 0/2 --out 0");
    place.succeeds("study study.toml --range 40..64 --out 1");
    let lacks = place.fails("study study.toml --shares 0 1 --out merged", 1);
    assert!(lacks.contains("32..40"), "{lacks}");
    assert!(lacks.contains("runs/exact-flow/baseline/seed-0: "), "the run is named: {lacks}");
    let no_share = place.fails("study study.toml --shares 0 nowhere --out merged", 1);
    for part in ["nowhere holds no share of runs", "baseline", "same settings"] {
        assert!(no_share.contains(part), "{part}: {no_share}");
    }
    // A gain, or a seed, that a share has not come to is not sampled here in silence.
    fs::rename(place.path("1/runs/exact-flow/kts"), place.path("kts")).unwrap();
    let no_gain = place.fails("study study.toml --shares 0 1 --out merged", 1);
    assert!(no_gain.contains("1 holds no share of runs/exact-flow/kts/seed-0"), "{no_gain}");
    fs::rename(place.path("kts"), place.path("1/runs/exact-flow/kts")).unwrap();
    let study = fs::read_to_string(place.path("study.toml")).unwrap();
    place.write("seeds.toml", study.replace("seeds = [0, 1]", "seeds = [0, 1, 2]"));
    let no_seed = place.fails("study seeds.toml --shares 0 1 --out merged", 1);
    assert!(no_seed.contains("seed-2"), "{no_seed}");
    place.write("steps.toml", study.replace("steps = 10", "steps = 11"));
    place.succeeds("study study.toml --range 32..64 --out rest");
    let other = place.fails("study steps.toml --shares 0 rest --out merged", 1);
    for part in
        ["0/runs/exact-flow/baseline/seed-0: ", "record.trajectory is [0.8, 0.9, 1.0] there"]
    {
        assert!(other.contains(part), "{part}: {other}");
    }
    assert!(!any_final_name(&place.path("merged")));
    // A share is no study, nor is the other way about.
    let other = place.fails("study study.toml --out 0", 1);
    assert!(other.contains("count"), "{other}");
    place.fails("study study.toml --shard 0/99 --out 2", 2);
    place.fails("study study.toml --shard 0/2 --shares 0 1 --out 2", 2);
}
