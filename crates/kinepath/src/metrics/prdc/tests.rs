use ndarray::{Array2, array};
use proptest::prelude::*;

use super::*;

fn ramp(rows: usize, columns: usize, salt: f64) -> Array2<f32> {
    Array2::from_shape_fn((rows, columns), |(i, j)| {
        ((i * i * 29 + j * 13) as f64 * 0.377 + salt).sin() as f32
    })
}

/// The four formulas, pair by pair.
fn direct(real: &Array2<f32>, generated: &Array2<f32>, k: usize) -> Prdc {
    let distance = |a: &Array2<f32>, i: usize, b: &Array2<f32>, j: usize| {
        let squares = a
            .row(i)
            .into_iter()
            .zip(b.row(j))
            .map(|(&a, &b)| (f64::from(a) - f64::from(b)) * (f64::from(a) - f64::from(b)));
        squares.sum::<f64>().sqrt()
    };
    let radius = |points: &Array2<f32>, i: usize| {
        let mut all: Vec<f64> =
            (0..points.nrows()).map(|j| distance(points, i, points, j)).collect();
        all.sort_by(f64::total_cmp);
        all[k]
    };
    let (n, m) = (real.nrows(), generated.nrows());
    let in_real = |j: usize, i: usize| distance(real, i, generated, j) < radius(real, i);
    let in_generated = |i: usize, j: usize| distance(real, i, generated, j) < radius(generated, j);
    let share = |count: usize, of: usize| count as f64 / of as f64;
    Prdc {
        precision: share((0..m).filter(|&j| (0..n).any(|i| in_real(j, i))).count(), m),
        recall: share((0..n).filter(|&i| (0..m).any(|j| in_generated(i, j))).count(), n),
        density: (0..m).map(|j| (0..n).filter(|&i| in_real(j, i)).count()).sum::<usize>() as f64
            / m as f64
            / k as f64,
        coverage: share((0..n).filter(|&i| (0..m).any(|j| in_real(j, i))).count(), n),
    }
}

#[test]
fn agrees_with_the_formulas() {
    let (real, generated) = (ramp(70, 3, 0.1), ramp(90, 3, 0.4));
    let reference = PrdcReference::new(real.view(), 3).unwrap();
    let scores = reference.compare(generated.view()).unwrap().scores();
    assert_eq!(scores, direct(&real, &generated, 3));
    assert!(scores.precision > 0.0 && scores.coverage < 1.0);
}

#[test]
fn a_set_covers_itself_and_not_a_far_one() {
    let real = ramp(40, 4, 0.1);
    let reference = PrdcReference::new(real.view(), 5).unwrap();
    let own = reference.compare(real.view()).unwrap().scores();
    assert_eq!((own.precision, own.recall, own.coverage), (1.0, 1.0, 1.0));
    let far = reference.compare((&real + 100.0f32).view()).unwrap().scores();
    assert_eq!(far, Prdc { precision: 0.0, recall: 0.0, density: 0.0, coverage: 0.0 });
}

#[test]
fn refuses_bad_input() {
    let real = ramp(6, 2, 0.1);
    assert_eq!(
        PrdcReference::new(real.view(), 6).unwrap_err(),
        MetricsError::TooFewPoints { what: "nearest neighbours", needed: 7, actual: 6 }
    );
    let reference = PrdcReference::new(real.view(), 5).unwrap();
    assert_eq!(
        reference.compare(array![[0.0f32]].view()).unwrap_err(),
        MetricsError::DimensionMismatch { what: "queries", expected: 2, actual: 1 }
    );
    assert_eq!(
        reference.compare(real.view()).unwrap_err(),
        MetricsError::TooFewPoints { what: "nearest neighbours", needed: 7, actual: 6 }
    );
}

proptest! {
    /// Small integers: duplicates and distances exactly equal to radii.
    #[test]
    fn agrees_with_the_formulas_on_ties(
        real in proptest::collection::vec(-3i8..4, 8..40), generated in proptest::collection::vec(-3i8..4, 10..40),
        k in 1usize..4,
    ) {
        let rows = |values: &[i8]| {
            Array2::from_shape_fn((values.len() / 2, 2), |(i, j)| f32::from(values[2 * i + j]))
        };
        let (real, generated) = (rows(&real), rows(&generated));
        let reference = PrdcReference::new(real.view(), k).unwrap();
        prop_assert_eq!(reference.compare(generated.view()).unwrap().scores(), direct(&real, &generated, k));
    }
}
