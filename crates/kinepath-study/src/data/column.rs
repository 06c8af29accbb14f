//! One column of numbers from an array file.

use std::path::Path;

use super::elements::{Elements, RawArray};
use super::error::{DataError, place};
use super::npy;

/// The numbers of an `.npy` file of shape `[N]` and a floating-point type; f64 is rounded to f32.
///
/// # Errors
/// [`DataError`] when the file cannot be read, is damaged, or holds anything else.
pub(crate) fn read_column(path: &Path) -> Result<Vec<f64>, DataError> {
    let place = place(path);
    let RawArray { shape, elements } = npy::read(path)?;
    if shape.len() != 1 {
        return Err(DataError::Shape { place, actual: shape, expected: "[N], one axis" });
    }
    match elements {
        Elements::F32(values) => Ok(values.into_iter().map(f64::from).collect()),
        _ => Err(DataError::ElementType {
            place,
            what: "the column".to_owned(),
            dtype: "integer".to_owned(),
            supported: "float32 or float64",
        }),
    }
}
