use super::*;
use crate::noise::noise;
use ndarray::{Array2, array};
use proptest::prelude::*;

fn direct(real: &Array2<f32>, generated: &Array2<f32>) -> f64 {
    let kernel = |a: ArrayView2<'_, f32>, i: usize, b: ArrayView2<'_, f32>, j: usize| {
        let product: f64 =
            a.row(i).iter().zip(b.row(j)).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
        (product / a.ncols() as f64 + 1.0).powi(3)
    };
    let within = |a: ArrayView2<'_, f32>| {
        let n = a.nrows();
        let pairs = (0..n).flat_map(|i| (0..n).map(move |j| (i, j))).filter(|(i, j)| i != j);
        pairs.map(|(i, j)| kernel(a, i, a, j)).sum::<f64>() / (n * (n - 1)) as f64
    };
    let (x, y) = (generated.view(), real.view());
    let between: f64 =
        (0..x.nrows()).map(|i| (0..y.nrows()).map(|j| kernel(x, i, y, j)).sum::<f64>()).sum();
    within(x) + within(y) - 2.0 * between / (x.nrows() * y.nrows()) as f64
}

#[test]
fn agrees_with_the_definition_across_blocks_and_tiles() {
    let (real, generated) = (noise(1, 0..530, 5), noise(2, 0..140, 5) * 1.5f32);
    let kid = KidReference::new(real.view()).unwrap().compare(generated.view()).unwrap();
    assert!((kid.estimate / direct(&real, &generated) - 1.0).abs() < 1.0e-10);
    let mean = super::mean(&kid.contributions);
    assert!((mean / kid.estimate - 1.0).abs() < 1.0e-10);
}

/// Leaving a row out moves the distance by that row's influence over n − 1, to first order.
#[test]
fn a_contribution_is_what_leaving_the_row_out_takes_away() {
    let real = noise(3, 0..80, 4);
    let generated = noise(4, 0..400, 4) + 0.3f32;
    let reference = KidReference::new(real.view()).unwrap();
    let kid = reference.compare(generated.view()).unwrap();
    let all: Vec<usize> = (0..80).collect();
    let influence = |row: usize| kid.contributions[row] - kid.estimate;
    let largest = (0..400).map(|row| influence(row).abs()).fold(0.0, f64::max) / 399.0;
    for left_out in [0, 17, 399] {
        let rest: Vec<usize> = (0..400).filter(|&row| row != left_out).collect();
        let without = reference.of_rows(&all, generated.view(), &rest).unwrap();
        let predicted = kid.estimate - influence(left_out) / 399.0;
        assert!((without - predicted).abs() < 0.01 * largest, "{without} {predicted}");
    }
}

#[test]
fn subsets_of_everything_are_the_distance_and_scatter_is_seeded() {
    let (real, generated) = (noise(5, 0..60, 3), noise(6, 0..60, 3));
    let reference = KidReference::new(real.view()).unwrap();
    let over = |subsets, size, seed| {
        reference.over_subsets(generated.view(), &KidSubsets { subsets, size, seed }).unwrap()
    };
    let estimate = reference.compare(generated.view()).unwrap().estimate;
    let whole = over(3, 60, 0);
    assert!((whole.mean - estimate).abs() < 1.0e-12 && whole.sd < 1.0e-12);
    let some = over(400, 30, 1);
    // Unbiased over subsets: their mean is the full estimate up to Monte Carlo error.
    assert!((some.mean - estimate).abs() < 4.0 * some.sd / 20.0);
    assert_eq!(some, over(400, 30, 1));
    assert_ne!(some, over(400, 30, 2));
}

#[test]
fn does_not_depend_on_the_thread_count() {
    let (real, generated) = (noise(7, 0..300, 4), noise(8, 0..500, 4));
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| KidReference::new(real.view()).unwrap().compare(generated.view()).unwrap())
    };
    assert_eq!(run(1), run(5));
}

#[test]
fn refuses_bad_input() {
    let too_few = |what, needed, actual| MetricsError::TooFewPoints { what, needed, actual };
    let error = KidReference::new(array![[1.0f32]]).unwrap_err();
    assert_eq!(error, too_few("a kernel distance", 2, 1));
    let reference = KidReference::new(noise(0, 0..5, 2)).unwrap();
    assert_eq!(
        reference.compare(noise(1, 0..4, 3).view()).unwrap_err(),
        MetricsError::DimensionMismatch { what: "generated features", expected: 2, actual: 3 }
    );
    let generated = noise(1, 0..9, 2);
    let over = |subsets, size| {
        let settings = KidSubsets { subsets, size, seed: 0 };
        reference.over_subsets(generated.view(), &settings).unwrap_err()
    };
    assert_eq!(over(3, 6), too_few("real rows of the subsets", 6, 5));
    assert_eq!(over(3, 1), too_few("a kernel distance", 2, 1));
    assert_eq!(over(0, 3), MetricsError::ZeroSubsets);
    assert_eq!(
        reference.of_rows(&[0, 1], generated.view(), &[0, 9]).unwrap_err(),
        MetricsError::RowOutOfRange { actual: 9, rows: 9 }
    );
}

proptest! {
    #[test]
    fn the_order_of_rows_does_not_matter(seed in 0u64..1000, turn in 1usize..19) {
        let (real, generated) = (noise(seed, 0..15, 3), noise(seed + 1, 0..20, 3));
        let reference = KidReference::new(real).unwrap();
        let order: Vec<usize> = (0..20).map(|row| (row + turn) % 20).collect();
        let kid = reference.compare(generated.view()).unwrap();
        let turned = reference.compare(generated.select(Axis(0), &order).view()).unwrap();
        for (row, &from) in order.iter().enumerate() {
            prop_assert!((turned.contributions[row] - kid.contributions[from]).abs() < 1.0e-9);
        }
    }
}

#[test]
fn its_second_order_is_the_kernel_between_the_rows_that_gain_and_lose_weight() {
    let reference = KidReference::new(array![[0.0f32], [1.0]]).unwrap();
    let generated = array![[1.0f32], [2.0], [0.0]];
    // 3/2 · 2 · (d₀ d₁ 27 + d₀ d₂ 1 + d₁ d₂ 1), since k(1, 2) = 27 and k(·, 0) = 1.
    let direction = [0.2, -0.3, 0.1];
    let expected = 3.0 * (-0.06 * 27.0 + 0.02 - 0.03);
    let second = reference.second_order(generated.view(), &direction).unwrap();
    assert!((second - expected).abs() < 1e-12, "{second} {expected}");
    let what = "changes of weight";
    assert_eq!(
        reference.second_order(generated.view(), &[0.1]).unwrap_err(),
        MetricsError::LengthMismatch { what, expected: 3, actual: 1 }
    );
}

/// The definition, pair by pair, over several blocks.
#[test]
fn its_second_order_agrees_with_the_definition_across_blocks() {
    let features = Array2::from_shape_fn((600, 2), |(i, j)| ((i * (j + 3)) as f32 * 0.37).sin());
    let direction: Vec<f64> = (0..600).map(|i| f64::from(i % 11 - 5) * 1e-4).collect();
    let kernel = |i: usize, j: usize| {
        let product: f64 = features
            .row(i)
            .iter()
            .zip(features.row(j))
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum();
        (product / 2.0 + 1.0).powi(3)
    };
    let mut expected = 0.0;
    for i in 0..600 {
        for j in (0..600).filter(|&j| j != i) {
            expected += 600.0 / 599.0 * direction[i] * direction[j] * kernel(i, j);
        }
    }
    let reference = KidReference::new(features.view()).unwrap();
    let second = reference.second_order(features.view(), &direction).unwrap();
    assert!((second - expected).abs() < 1e-9 * expected.abs().max(1e-3), "{second} {expected}");
}
