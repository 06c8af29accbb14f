//! Metrics against independent libraries: `fixtures/make_metrics.py` made the numbers.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read fails its test")]

mod support;

use kinepath::metrics::{
    DistinctPoints, FeatureMoments, FrechetReference, GAP_THRESHOLD, NeighbourIndex, PrdcReference,
    f_mem, fidelity, gap_ratios, kde_support, knn_support, median_bandwidth,
};
use serde_json::Value;
use support::{assert_close, column, integers, points, rows};

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/metrics.json")).unwrap()
}

#[test]
fn neighbours_and_memorization_agree_with_scikit_learn() {
    let fixture = &fixture()["neighbours"];
    let index = NeighbourIndex::new(DistinctPoints::new(points(&fixture["train"])).unwrap());
    let query = points(&fixture["query"]);
    let found = index.search(query.view(), fixture["k"].as_u64().unwrap() as usize).unwrap();
    assert_eq!(found.indices, rows(&fixture["indices"]).mapv(|index| index as usize));
    let expected = rows(&fixture["distances"]);
    assert_close(found.distances.as_slice().unwrap(), expected.as_slice().unwrap(), 1.0e-13);

    let gaps = gap_ratios(&index, query.view()).unwrap();
    assert_close(&gaps.ratio, &column(&fixture["gap_ratio"]), 1.0e-13);
    let interval = f_mem(&gaps.memorized(GAP_THRESHOLD), 0.95).unwrap();
    let [low, high] = column(&fixture["f_mem_interval"])[..] else { panic!("two ends") };
    assert_eq!(interval.estimate, fixture["f_mem"].as_f64().unwrap());
    assert_close(&[interval.low, interval.high], &[low, high], 1.0e-9);
}

#[test]
fn supports_agree_with_scipy() {
    let fixture = &fixture()["neighbours"];
    let index = NeighbourIndex::new(DistinctPoints::new(points(&fixture["train"])).unwrap());
    let query = points(&fixture["query"]);
    let support = knn_support(&index, query.view(), 10).unwrap();
    assert_close(&support, &column(&fixture["knn_support"]), 1.0e-12);
    let bandwidth = median_bandwidth(&index, 10).unwrap();
    assert_close(&[bandwidth], &[fixture["bandwidth"].as_f64().unwrap()], 1.0e-12);
    let support = kde_support(&index, query.view(), bandwidth).unwrap();
    assert_close(&support, &column(&fixture["kde_support"]), 1.0e-11);
}

#[test]
fn fidelity_agrees_with_scipy() {
    let fixture = &fixture()["fidelity"];
    let fidelity = fidelity(points(&fixture["logits"]).view()).unwrap();
    assert_eq!(fidelity.predicted, integers(&fixture["predicted"]));
    assert_close(&fidelity.confidence, &column(&fixture["confidence"]), 1.0e-13);
    assert_close(&fidelity.margin, &column(&fixture["margin"]), 1.0e-13);
    assert_close(&fidelity.entropy, &column(&fixture["entropy"]), 1.0e-13);
}

#[test]
fn frechet_distance_agrees_with_scipy_sqrtm() {
    let fixture = &fixture()["features"];
    let moments = FeatureMoments::new(points(&fixture["fake"])).unwrap();
    let real = FeatureMoments::new(points(&fixture["real"])).unwrap().gaussian();
    let reference = FrechetReference::new(real).unwrap();
    let distance = reference.distance(&moments.gaussian()).unwrap();
    let resample = moments.resampled(&integers(&fixture["resample"])).unwrap();
    let resampled = reference.distance(&resample).unwrap();
    let expected = ["frechet", "frechet_resample"].map(|key| fixture[key].as_f64().unwrap());
    assert_close(&[distance, resampled], &expected, 1.0e-10);
}

#[test]
fn precision_recall_density_coverage_agree_with_prdc() {
    let fixture = &fixture()["features"];
    let (real, fake) = (points(&fixture["real"]), points(&fixture["fake"]));
    for (k, expected) in fixture["prdc"].as_object().unwrap() {
        let reference = PrdcReference::new(real.view(), k.parse().unwrap()).unwrap();
        let scores = reference.compare(fake.view()).unwrap().scores();
        let expected = ["precision", "recall", "density", "coverage"]
            .map(|name| expected[name].as_f64().unwrap());
        let actual = [scores.precision, scores.recall, scores.density, scores.coverage];
        assert_close(&actual, &expected, 1.0e-14);
    }
}
