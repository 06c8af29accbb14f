//! `evaluate`, `compare` and `report` on runs of the embedded data.

use crate::support::Place;

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
    assert!(place.path("plain/evaluation.json").exists());

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
