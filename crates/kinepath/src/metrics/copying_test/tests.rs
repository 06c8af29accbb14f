use super::*;
use proptest::prelude::*;

#[test]
fn by_hand() {
    let reference = CopyingReference::new(&[0, 0, 1], &[1.0, 3.0, 5.0], 0.0).unwrap();
    let test = reference.compare(&[0, 0, 1, 4], &[3.0, 0.5, 9.0, 1.0]).unwrap();
    // Cell 0: 3.0 beats 1.0 and ties with 3.0. Cell 4 has no held-out point.
    let scores = test.scores();
    assert_eq!(scores.len(), 2);
    assert_eq!((scores[0].u, scores[1].u), (1.5, 1.0));
    let z = [-0.5 / (20.0f64 / 12.0).sqrt(), 0.5 / (3.0f64 / 12.0).sqrt()];
    assert_eq!((scores[0].z, scores[1].z), (z[0], z[1]));
    assert!((test.statistic().unwrap() - (2.0 * z[0] + z[1]) / 3.0).abs() < 1.0e-12);
}

#[test]
fn a_cell_counts_above_the_share_only() {
    let reference = CopyingReference::new(&[0, 1], &[1.0, 1.0], 0.25).unwrap();
    let test = reference.compare(&[0, 1, 1, 1], &[0.0, 2.0, 2.0, 2.0]).unwrap();
    // Cell 0 holds exactly a quarter.
    assert_eq!(test.statistic().unwrap(), test.scores()[1].z);
    let reference = CopyingReference::new(&[0, 1], &[1.0, 1.0], 0.8).unwrap();
    let test = reference.compare(&[0, 1, 1, 1], &[0.0, 2.0, 2.0, 2.0]).unwrap();
    let none = MetricsError::NoSharedCell { least_share: 0.8, generated: 4 };
    assert_eq!(test.statistic().unwrap_err(), none);
    assert!(test.resampled(&[1, 1]).is_ok());
}

#[test]
fn only_tests_over_the_same_held_out_points_are_joined() {
    let over = |cells: &[usize]| {
        let reference = CopyingReference::new(cells, &[1.0, 2.0, 3.0], 0.0).unwrap();
        reference.compare(&[0, 1], &[0.5, 4.0]).unwrap()
    };
    assert!(over(&[0, 0, 1]).joined(&over(&[0, 0, 1])).is_ok());
    assert!(over(&[0, 0, 1]).joined(&over(&[0, 1, 1])).is_err());
    assert!(over(&[0, 0, 1]).joined(&over(&[0, 1, 2])).is_err());
}

#[test]
fn refuses_bad_input() {
    assert_eq!(
        CopyingReference::new(&[], &[], 0.1).unwrap_err(),
        MetricsError::TooFewPoints { what: "held-out points", needed: 1, actual: 0 }
    );
    let reference = CopyingReference::new(&[0], &[1.0], 0.1).unwrap();
    assert_eq!(
        reference.compare(&[0, 0], &[1.0]).unwrap_err(),
        MetricsError::LengthMismatch { what: "distances", expected: 2, actual: 1 }
    );
    assert_eq!(
        reference.compare(&[0], &[f64::NAN]).unwrap_err(),
        MetricsError::NotFinite { what: "distances", row: 0, column: 0 }
    );
    let test = reference.compare(&[0], &[2.0]).unwrap();
    assert_eq!(
        test.resampled(&[1]).unwrap_err(),
        MetricsError::RowOutOfRange { actual: 1, rows: 1 }
    );
    assert_eq!(
        test.resampled(&[]).unwrap_err(),
        MetricsError::TooFewPoints { what: "a copying test", needed: 1, actual: 0 }
    );
}

proptest! {
    #[test]
    fn a_resample_equals_its_rows_written_out(
        held_out in proptest::collection::vec((0usize..3, 0u8..9), 1..30),
        generated in proptest::collection::vec((0usize..4, 0u8..9), 1..30),
        picks in proptest::collection::vec(any::<prop::sample::Index>(), 1..40),
    ) {
        let split = |points: &[(usize, u8)]| -> (Vec<usize>, Vec<f64>) {
            points.iter().map(|&(cell, distance)| (cell, f64::from(distance))).unzip()
        };
        let (cells, distances) = split(&held_out);
        let reference = CopyingReference::new(&cells, &distances, 0.1).unwrap();
        let (cells, distances) = split(&generated);
        let test = reference.compare(&cells, &distances).unwrap();
        let rows: Vec<usize> = picks.iter().map(|pick| pick.index(generated.len())).collect();
        let written: Vec<(usize, u8)> = rows.iter().map(|&row| generated[row]).collect();
        let (cells, distances) = split(&written);
        let written = reference.compare(&cells, &distances).unwrap();
        prop_assert_eq!(test.resampled(&rows), written.statistic());
    }
}
