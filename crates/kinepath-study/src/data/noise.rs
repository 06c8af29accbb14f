//! Starting noise from a file.

use std::path::Path;

use ndarray::Array2;

use super::dataset::{matrix, record_count};
use super::elements::{Elements, RawArray};
use super::error::{DataError, place};
use super::hash::content_hash;
use super::tensors::TensorFile;
use super::{footprint, keys, npy};

/// Starting points `x(0)` given by the user instead of drawn from a seed.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseFile {
    /// The starting points, `[N, D]`, each flattened row-major; every value is finite.
    pub values: Array2<f32>,
    /// The shape of one starting point, as the file has it.
    pub shape: Vec<usize>,
    /// SHA-256 of shape and values, in hexadecimal.
    pub sha256: String,
}

impl NoiseFile {
    /// Starting points in memory: `values` of `shape` `[N, …]`. `place` is for messages.
    ///
    /// # Errors
    /// [`DataError`] for a shape of rank below 2 or of another size, no records, or a NaN or
    /// infinity.
    pub fn from_f32(place: &str, shape: &[usize], values: Vec<f32>) -> Result<Self, DataError> {
        if shape.iter().product::<usize>() != values.len() {
            return Err(DataError::Shape {
                place: place.to_owned(),
                actual: shape.to_vec(),
                expected: "as many values as the shape says",
            });
        }
        let values = matrix(record_count(shape, place)?, values, place)?;
        let shape = shape[1..].to_vec();
        let sha256 = content_hash(&shape, &values, None);
        Ok(Self { values, shape, sha256 })
    }
}

/// Loads starting noise of shape `[N, …]` and a floating-point type from `.npy`, or from
/// `.safetensors` under the key `noise`, `x0` or `x`.
///
/// Values and axes are taken as they are; f64 is rounded to f32.
///
/// # Errors
/// [`DataError`] when the file cannot be read, is damaged, holds no floating-point array of rank
/// 2 or more, no records, or a NaN or infinity.
pub fn load_noise(path: &Path) -> Result<NoiseFile, DataError> {
    let place = place(path);
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let RawArray { shape, elements } = if extension == "safetensors" {
        let mut file = TensorFile::open(path)?;
        let key = keys::require(keys::NOISE, &file.names(), &place)?;
        file.read(key)?
    } else {
        if let Some(stored) = footprint::file(path) {
            stored.require(1, || format!("{place}: starting noise of {} values", stored.count))?;
        }
        npy::read(path)?
    };
    let Elements::F32(values) = elements else {
        return Err(DataError::ElementType {
            place,
            what: "the noise".to_owned(),
            dtype: "integer".to_owned(),
            supported: "float32 or float64",
        });
    };
    NoiseFile::from_f32(&place, &shape, values)
}
