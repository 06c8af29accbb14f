//! Reads fixtures and compares with them.

use ndarray::Array2;
use serde_json::Value;

/// A list of numbers.
pub(crate) fn column(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|entry| entry.as_f64().unwrap()).collect()
}

/// A list of rows of numbers.
pub(crate) fn rows(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = value.as_array().unwrap().iter().map(column).collect();
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j])
}

/// The same as points: decimal → f64 → f32, as the scripts do.
pub(crate) fn points(value: &Value) -> Array2<f32> {
    rows(value).mapv(|value| value as f32)
}

/// A list of counts or row numbers.
pub(crate) fn integers(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|entry| entry.as_u64().unwrap() as usize).collect()
}

/// Fails with every entry that is off, not only the first.
#[track_caller]
pub(crate) fn assert_close(actual: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(actual.len(), expected.len());
    let off: Vec<_> = actual
        .iter()
        .zip(expected)
        .enumerate()
        .filter(|(_, (a, e))| (*a - *e).abs() > tolerance * e.abs().max(1.0))
        .collect();
    assert!(off.is_empty(), "(index, (actual, expected)): {off:?}");
}
