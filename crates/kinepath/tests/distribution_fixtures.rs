//! How a set of samples sits among real and training points, against independent libraries:
//! `fixtures/make_distribution.py` made the numbers.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read fails its test")]

mod support;

use kinepath::metrics::{
    Cells, CopyingReference, DistinctPoints, FeatureMoments, FrechetInfinity, FrechetReference,
    KidReference, NeighbourIndex, VendiFeatures, authenticity, gap_ratios,
};
use serde_json::Value;
use support::{assert_close, column, integers, points, rows};

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/distribution.json")).unwrap()
}

/// To 1e-9 of the expected value itself: kernel distances are small numbers.
#[track_caller]
fn assert_same(actual: f64, expected: &Value) {
    assert_close(&[actual / expected.as_f64().unwrap()], &[1.0], 1.0e-9);
}

#[test]
fn kernel_distances_agree_with_torch_fidelity() {
    let fixture = &fixture()["features"];
    let reference = KidReference::new(points(&fixture["real"])).unwrap();
    let fake = points(&fixture["fake"]);
    let kid = reference.compare(fake.view()).unwrap();
    assert_same(kid.estimate, &fixture["kid"]);
    assert_close(&kid.contributions, &column(&fixture["kid_contributions"]), 1.0e-10);
    for subset in fixture["kid_subsets"].as_array().unwrap() {
        let [real_rows, fake_rows] = ["real", "fake"].map(|side| integers(&subset[side]));
        assert_same(
            reference.of_rows(&real_rows, fake.view(), &fake_rows).unwrap(),
            &subset["kid"],
        );
    }
}

#[test]
fn frechet_distances_agree_with_torch_fidelity_and_their_line_with_scipy() {
    let fixture = &fixture()["features"];
    let real = FeatureMoments::new(points(&fixture["real"])).unwrap().gaussian();
    let reference = FrechetReference::new(real).unwrap();
    let moments = FeatureMoments::new(points(&fixture["fake"])).unwrap();
    let sizes = integers(&fixture["sizes"]);
    let distance = |&size: &usize| {
        let nested: Vec<usize> = (0..size).collect();
        reference.distance(&moments.resampled(&nested).unwrap()).unwrap()
    };
    let distances: Vec<f64> = sizes.iter().map(distance).collect();
    assert_close(&distances, &column(&fixture["frechet"]), 1.0e-10);
    let line = FrechetInfinity::fit(sizes, distances).unwrap();
    assert_same(line.distance, &fixture["frechet_infinity"]);
    assert_same(line.standard_error, &fixture["frechet_infinity_error"]);
    assert_same(line.slope, &fixture["frechet_slope"]);
}

#[test]
fn vendi_scores_agree_with_vendi_score() {
    let fixture = &fixture()["features"];
    let features = VendiFeatures::new(points(&fixture["fake"])).unwrap();
    assert_same(features.score().unwrap(), &fixture["vendi"]);
    let resampled = features.resampled(&integers(&fixture["resample"])).unwrap();
    assert_same(resampled, &fixture["vendi_resample"]);
}

#[test]
fn authenticity_agrees_with_its_formula_over_distinct_points() {
    let fixture = &fixture()["copying"];
    let index = NeighbourIndex::new(DistinctPoints::new(points(&fixture["train"])).unwrap());
    let gaps = gap_ratios(&index, points(&fixture["fake"]).view()).unwrap();
    let authenticity = authenticity(&index, &gaps).unwrap();
    let expected: Vec<bool> = integers(&fixture["authentic"]).into_iter().map(|a| a == 1).collect();
    assert_eq!(authenticity.authentic, expected);
    assert!(authenticity.share() > 0.0 && authenticity.share() < 1.0);
}

#[test]
fn cells_agree_with_scikit_learn_and_the_copying_test_with_scipy() {
    let fixture = &fixture()["copying"];
    let [train, held_out, fake] = ["train", "held_out", "fake"].map(|key| points(&fixture[key]));
    let cells = Cells::k_means(train.view(), 3, 0).unwrap();
    // Cells come in any order: put those of the fixture in ours.
    let centres = rows(&fixture["centres"]);
    let ours = cells.assign(centres.mapv(|value| value as f32).view()).unwrap();
    for (centre, &cell) in centres.rows().into_iter().zip(&ours) {
        let actual: Vec<f64> = cells.centres().row(cell).mapv(f64::from).to_vec();
        assert_close(&actual, &centre.to_vec(), 1.0e-6);
    }
    let [held_out_cells, fake_cells] = [&held_out, &fake].map(|x| cells.assign(x.view()).unwrap());
    for (actual, key) in [(&held_out_cells, "held_out_cells"), (&fake_cells, "fake_cells")] {
        let expected: Vec<usize> = integers(&fixture[key]).iter().map(|&cell| ours[cell]).collect();
        assert_eq!(actual, &expected);
    }

    let index = NeighbourIndex::new(DistinctPoints::new(train).unwrap());
    let [held_out, fake] = [held_out, fake].map(|x| gap_ratios(&index, x.view()).unwrap().d1);
    let reference = CopyingReference::new(&held_out_cells, &held_out, 0.1).unwrap();
    let test = reference.compare(&fake_cells, &fake).unwrap();
    for (cell, expected) in fixture["cells"].as_array().unwrap().iter().enumerate() {
        let score = test.scores()[ours[cell]];
        let expected = ["u", "z"].map(|key| expected[key].as_f64().unwrap());
        assert_close(&[score.u, score.z], &expected, 1.0e-12);
    }
    assert_close(&[test.statistic().unwrap()], &[fixture["c_t"].as_f64().unwrap()], 1.0e-12);
}
