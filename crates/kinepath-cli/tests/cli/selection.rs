//! `kinepath sample --select`: draws until every sample lies in its bands.

use std::fs;

use kinepath_study::run::{RunReader, columns};
use ndarray::s;

use crate::support::{Place, files, parts};

const FIELD: &str = "sample --field mixture:mixture.toml --steps 12";
/// About a third of the draws meet it.
const BANDS: &str = "--select kpe=..1.2 --select efficiency=0.3..";

#[test]
fn every_sample_lies_in_the_bands_and_is_the_first_of_its_draws_that_does() {
    let place = Place::new();
    let text = place.succeeds(&format!("{FIELD} --count 20 --batch 6 {BANDS} --out kept"));
    for part in ["kept kpe=..1.2, efficiency=0.3..", "total variance", "kept / first"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    // Every draw there can be, in order: slot j has the rows j, j + 20, j + 40, …
    place.succeeds(&format!("{FIELD} --count 2000 --out draws"));
    let (kept, draws) = (place.path("kept"), place.path("draws"));
    let (kept, draws) = (RunReader::open(&kept).unwrap(), RunReader::open(&draws).unwrap());
    let column = |run: &RunReader, name| run.table().f64(name).unwrap().to_vec();
    let (kpe, efficiency) = (column(&draws, columns::KPE), column(&draws, columns::EFFICIENCY));
    let all = draws.samples().unwrap();
    let attempts = kept.table().i64(columns::ATTEMPTS).unwrap();
    let indices = kept.table().i64(columns::NOISE_INDEX).unwrap();
    for slot in 0..20 {
        let first =
            (0..100).find(|k| kpe[slot + 20 * k] <= 1.2 && efficiency[slot + 20 * k] >= 0.3);
        let row = slot + 20 * first.unwrap();
        assert_eq!(attempts[slot], first.unwrap() as i64 + 1);
        assert_eq!(indices[slot], row as i64);
        assert_eq!(kept.samples().unwrap().row(slot), all.row(row));
        assert_eq!(column(&kept, columns::KPE)[slot], kpe[row]);
    }
    assert!(attempts.iter().any(|&attempts| attempts > 2), "{attempts:?}");
    assert_eq!(kept.first_draws().unwrap(), all.slice(s![..20, ..]));
    assert_eq!(column(&kept, columns::FIRST_KPE), kpe[..20]);
}

#[test]
fn the_batch_changes_nothing_and_a_stopped_run_ends_with_the_same_bytes() {
    let place = Place::new();
    let common = format!("{FIELD} --count 20 {BANDS} --record profile,map,trajectory:3");
    for batch in [1, 7, 64] {
        place.succeeds(&format!("{common} --batch {batch} --out batch-{batch}"));
    }
    let result = |name: &str| {
        let run = files(&place.path(name));
        ["samples.parquet", "samples.safetensors"]
            .map(|file| run[file.as_ref() as &std::path::Path].clone())
    };
    assert_eq!(result("batch-1"), result("batch-64"));
    assert_eq!(result("batch-7"), result("batch-64"));

    // The second part of three holds samples 7 to 13, of which one uses up its attempts: what was
    // kept before it stays, and a higher limit goes on from there.
    let attempts = RunReader::open(&place.path("batch-7")).unwrap();
    let attempts = attempts.table().i64(columns::ATTEMPTS).unwrap();
    let early = attempts[..7].iter().max().unwrap();
    assert!(attempts[7..14].iter().max().unwrap() > early, "{attempts:?}");
    let stopped = format!("{common} --batch 7 --out stopped");
    let message = place.fails(&format!("{stopped} --max-attempts {early}"), 1);
    // The samples of the first part count, though they are not drawn again.
    assert_eq!(place.fails(&format!("{stopped} --max-attempts {early}"), 1), message);
    assert_eq!(parts(&place.path("stopped")).len(), 1);
    place.succeeds(&stopped);
    assert_eq!(files(&place.path("stopped")), files(&place.path("batch-7")));
}

#[test]
fn an_impossible_band_says_what_was_seen_and_what_to_do() {
    let place = Place::new();
    let command = format!("{FIELD} --count 8 --select kpe=1000.. --max-attempts 20 --out none");
    let message = place.fails(&command, 1);
    for part in [
        "none of the 20 draws for sample 0 has kpe=1000..",
        "kept 0 of 20 draws, at most one in 6 with 95 % confidence",
        "of those 20 kpe ran from 0.",
        "with quartiles",
        "widen the band",
        "--max-attempts",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(parts(&place.path("none")).is_empty());
}

#[test]
fn the_settings_hold_the_bands_and_the_report_their_effect() {
    let place = Place::new();
    let command = format!("{FIELD} --count 40 --seed 2 {BANDS} --out run");
    let first = place.json(&command);
    let again = place.json(&command);
    assert_eq!(first["selection"], again["selection"]);
    assert_eq!(first["settings"]["noise"]["source"], "selected");
    assert_eq!(first["settings"]["noise"]["bands"][1], "efficiency=0.3..");
    let selection = &first["selection"];
    let draws = selection["draws"].as_f64().unwrap();
    assert_eq!(selection["acceptance"]["estimate"].as_f64().unwrap(), 40.0 / draws);
    let (variance, kpe) = (&selection["total_variance"], &selection["mean_kpe"]);
    let ratio = variance["kept"].as_f64().unwrap() / variance["first"].as_f64().unwrap();
    assert!((variance["ratio"]["estimate"].as_f64().unwrap() - ratio).abs() < 1e-12);
    // The band is on energy from above.
    assert!(kpe["ratio"]["high"].as_f64().unwrap() < 1.0);

    let other = place.fails(&format!("{FIELD} --count 40 --seed 2 --select kpe=..2 --out run"), 1);
    assert!(other.contains("noise.bands"), "{other}");
    place.succeeds(&format!("{FIELD} --count 5 --out plain"));
    let plain = fs::read_to_string(place.path("plain/run.toml")).unwrap();
    assert!(!plain.contains("bands") && plain.contains("source = \"seed\""), "{plain}");
    let json = place.json(&format!("{FIELD} --count 5 --out plain"));
    assert!(json.get("selection").is_none());
    let one = place.succeeds(&format!("{FIELD} --count 1 --select kpe=..9 --out one"));
    assert!(one.contains("–"), "{one}");
}
