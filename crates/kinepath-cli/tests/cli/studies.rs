//! `kinepath study` on a small study of the embedded data.

use std::time::Instant;

use crate::support::{Place, files};

/// The exact flow of the embedded training set, one gain, as small as it gets.
pub(crate) const SMALL: &str = "\
title = \"a small study\"
count = 64
batch = 64
seeds = [0]
resamples = 50
bins = 4
support_neighbours = 10
significance = 0.05

[data]
train = \"builtin:fashion-mnist\"
reference = \"builtin:fashion-mnist-reference\"
encoder = \"builtin:classifier\"
classifier = \"builtin:classifier\"

[sampler]
solver = \"euler\"
steps = 10
grid = \"uniform\"
quadrature = \"solver\"

[[field]]
name = \"exact flow\"
spec = \"empirical:builtin:fashion-mnist\"

[[gain]]
name = \"KTS\"
gain = \"kts:alpha=0.01,beta=0.05\"
";

#[test]
fn a_study_leaves_a_table_its_results_and_a_report() {
    let place = Place::new();
    place.write("small.toml", SMALL);
    let begun = Instant::now();
    let table = place.succeeds("study small.toml --out study");
    let first = begun.elapsed();
    for part in ["a small study", "exact flow", "baseline", "KTS", "F_mem", "verdict", "report"] {
        assert!(table.contains(part), "{part}: {table}");
    }
    assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
    let study = files(&place.path("study"));
    for name in ["study.json", "report.html", "runs/exact-flow/kts/run.toml"] {
        assert!(study.contains_key(std::path::Path::new(name)), "{name}");
    }
    let report = String::from_utf8_lossy(&study[std::path::Path::new("report.html")]);
    assert!(report.contains("a small study"));

    // Sampling is not repeated: the finished runs are met again, byte for byte.
    let begun = Instant::now();
    assert_eq!(place.succeeds("study small.toml --out study"), table);
    eprintln!("first {first:?}, again {:?}", begun.elapsed());
    assert_eq!(files(&place.path("study")), study);

    let json = place.json("study small.toml --out study");
    assert_eq!(json["models"][0]["runs"][1]["name"], "KTS");
}
