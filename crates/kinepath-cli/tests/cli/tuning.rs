//! `kinepath tune` on a small search of the embedded data.

use std::path::Path;

use crate::support::{Place, files};

/// The default settings for the exact flow of the embedded training set, as small as they get.
fn small(place: &Place) -> String {
    let default = place.succeeds("tune --print-default");
    let mut text = default.replace("onnx:builtin:velocity", "empirical:builtin:fashion-mnist");
    for (key, value) in
        [("count", "12"), ("confirm", "24"), ("resamples", "50"), ("rungs", "2"), ("steps", "8")]
    {
        let line = text.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap();
        text = text.replacen(&line.to_owned(), &format!("{key} = {value}"), 1);
    }
    // Landings that stop far from the training images.
    text.replacen("beta = [0.0, 0.045]", "beta = [0.7, 0.9]", 1)
        .replacen("split = [0.3, 0.85]", "split = [0.3, 0.4]", 1)
        .replacen(
            "landing = [\"linear\", \"constant\", \"exponential\"]",
            "landing = [\"constant\"]",
            1,
        )
}

#[test]
fn a_search_leaves_a_table_its_results_and_a_gain_to_sample_with() {
    let place = Place::new();
    place.write("small.toml", small(&place));
    let table = place.succeeds("tune small.toml --candidates 6 --out tuned");
    for part in [
        "empirical:builtin:fashion-mnist",
        "6 gains in 2 rungs",
        "Pareto front",
        "Fréchet distance",
        "F_mem",
        "winner's curse",
        "account of all that were tried",
        "trades, on 24 fresh samples",
        "of 6 gains, ",
        "use the gain kts:",
        "tuned/tune.toml",
        "tuned/report.html",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
    assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
    let written = files(&place.path("tuned"));
    assert_eq!(place.succeeds("tune small.toml --candidates 6 --out tuned"), table);
    assert_eq!(files(&place.path("tuned")), written);

    std::fs::remove_file(place.path("tuned/report.html")).unwrap();
    assert_eq!(place.succeeds("report tuned").trim(), "tuned/report.html");
    assert_eq!(files(&place.path("tuned")), written);
    // Results are known by what is in them.
    std::fs::create_dir(place.path("kept")).unwrap();
    std::fs::copy(place.path("tuned/tune.json"), place.path("kept/search.json")).unwrap();
    place.succeeds("report kept/search.json");
    let drawn = files(&place.path("kept"));
    assert_eq!(drawn[Path::new("report.html")], written[Path::new("report.html")]);

    let json = place.json("tune small.toml --candidates 6 --out tuned");
    assert_eq!(json["verdict"], "trades");
    let chosen = json["recommended"].as_u64().unwrap() as usize;
    let gain = json["confirmation"]["finalists"][chosen]["gain"].as_str().unwrap();
    let sampled = place.json(
        "sample --field empirical:builtin:fashion-mnist --count 4 --steps 8 \
         --gain tuned/tune.toml",
    );
    assert!(sampled["settings"]["sampler"]["gain"].as_str().unwrap().starts_with(gain));

    let verbose = place.output("tune small.toml --candidates 6 --out tuned -v");
    assert!(String::from_utf8(verbose.stdout).unwrap().contains("6 gains on 12 samples"));
    let message = place.fails("tune small.toml --candidates 6 --seed 1 --out tuned", 1);
    assert!(message.contains("seed") && message.contains("--overwrite"), "{message}");
}

#[test]
fn the_default_search_is_a_file_to_edit_and_flags_change_it() {
    let place = Place::new();
    let text = place.succeeds("tune --print-default --objectives f_mem,recall --minutes 5");
    for part in
        ["[\"f_mem\", \"recall\"]", "minutes = 5.0", "[[family]]", "kind = \"ssc\"", "[data]"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let json = place.json("tune --print-default --candidates 8 --finalists 5 --seed 3");
    assert_eq!((&json["candidates"], &json["seed"]), (&8.into(), &3.into()));
    assert_eq!(json["finalists"], 5);
    assert_eq!(json["objectives"][1], "f_mem");
}

#[test]
fn misuse_is_told_with_exit_code_2_and_touches_nothing() {
    let place = Place::new();
    for (arguments, parts) in [
        ("--objectives fid,f_mem", &["`fid`", "frechet_distance"][..]),
        ("--objectives f_mem", &["f_mem", "two different metrics"]),
        ("--candidates 0", &["--candidates", "at least 1"]),
        ("--finalists 0", &["--finalists", "at least 1"]),
        ("--minutes 5 --candidates 9", &["--minutes", "--candidates"]),
        ("--seed 9223372036854775808", &["--seed"]),
        ("--print-default --out x", &["--print-default", "--out"]),
    ] {
        let message = place.fails(&format!("tune {arguments}"), 2);
        for part in parts {
            assert!(message.contains(part), "{arguments}: `{part}` is not in: {message}");
        }
    }
    let default = place.succeeds("tune --print-default");
    place.write("typo.toml", default.replacen("\nrungs", "\nrugns", 1));
    let message = place.fails("tune typo.toml", 2);
    assert!(message.contains("typo.toml") && message.contains("rugns"), "{message}");
    place.write("power.toml", default.replacen("power = [0.5, 3.0]", "power = [3.0, 0.5]", 1));
    let message = place.fails("tune power.toml", 2);
    assert!(message.contains("ssc") && message.contains("[3, 0.5]"), "{message}");
    assert!(!place.path("kinepath-tune").exists());
}
