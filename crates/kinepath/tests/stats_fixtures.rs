//! Statistics against independent libraries: `fixtures/make_metrics.py` made the numbers.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read fails its test")]

use kinepath::stats::{
    Bootstrap, benjamini_hochberg, partial_spearman, quantile, spearman, spearman_interval,
    summarize,
};
use serde_json::Value;

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/stats.json")).unwrap()
}

fn column(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|entry| entry.as_f64().unwrap()).collect()
}

#[track_caller]
fn assert_close(actual: f64, expected: &Value, tolerance: f64) {
    let expected = expected.as_f64().unwrap();
    assert!((actual - expected).abs() <= tolerance, "{actual} instead of {expected}");
}

#[test]
fn spearman_agrees_with_scipy() {
    let fixture = &fixture()["correlations"];
    let kpe = column(&fixture["columns"]["kpe"]);
    let support = column(&fixture["columns"]["support"]);
    assert_close(spearman(&kpe, &support).unwrap(), &fixture["spearman"], 1.0e-14);
    // Two generators of 20 000 resamples each: the ends agree to Monte Carlo error.
    let settings = Bootstrap { resamples: 20_000, ..Bootstrap::default() };
    let interval = spearman_interval(&kpe, &support, &settings).unwrap();
    assert_close(interval.low, &fixture["spearman_interval"][0], 0.01);
    assert_close(interval.high, &fixture["spearman_interval"][1], 0.01);
}

#[test]
fn partial_spearman_agrees_with_pingouin() {
    let fixture = &fixture()["correlations"];
    let [kpe, support, norm, contrast] =
        ["kpe", "support", "norm", "contrast"].map(|name| column(&fixture["columns"][name]));
    let one = partial_spearman(&kpe, &support, &[&norm]).unwrap();
    assert_close(one, &fixture["partial_norm"], 1.0e-12);
    let two = partial_spearman(&kpe, &support, &[&norm, &contrast]).unwrap();
    assert_close(two, &fixture["partial_norm_contrast"], 1.0e-12);
}

#[test]
fn quantiles_and_moments_agree_with_numpy() {
    let fixture = &fixture()["columns"];
    let values = column(&fixture["values"]);
    for (q, expected) in column(&fixture["q"]).iter().zip(fixture["quantiles"].as_array().unwrap())
    {
        assert_close(quantile(&values, *q).unwrap(), expected, 1.0e-14);
    }
    let summary = summarize(&values).unwrap();
    assert_close(summary.mean, &fixture["mean"], 1.0e-14);
    assert_close(summary.sd, &fixture["sd"], 1.0e-14);
}

#[test]
fn benjamini_hochberg_agrees_with_scipy() {
    let fixture = &fixture()["columns"];
    let adjusted = benjamini_hochberg(&column(&fixture["p_values"])).unwrap();
    let expected = fixture["benjamini_hochberg"].as_array().unwrap();
    assert_eq!(adjusted.len(), expected.len());
    for (adjusted, expected) in adjusted.into_iter().zip(expected) {
        assert_close(adjusted, expected, 1.0e-15);
    }
}
