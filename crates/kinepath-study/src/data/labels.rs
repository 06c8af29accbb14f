//! Class labels from a file of their own.

use std::path::Path;

use super::error::{DataError, place};
use super::tensors::TensorFile;
use super::{keys, npy};

/// Loads class labels, one a record: from an `.npy` array of integers, from the tensor `y`, `labels`
/// or `label` of a `.safetensors` file, or from a text of integers between blanks or on lines.
///
/// # Errors
/// [`DataError`] when the file cannot be read, is damaged, or holds anything but one integer a
/// record.
pub fn read_labels(path: &Path) -> Result<Vec<i64>, DataError> {
    let place = place(path);
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    match extension.as_str() {
        "npy" => npy::read(path)?.into_labels(&place, "the labels"),
        "safetensors" => {
            let mut file = TensorFile::open(path)?;
            let key = keys::require(keys::LABELS, &file.names(), &place)?;
            file.read(key)?.into_labels(&place, key)
        }
        _ => {
            let text =
                std::fs::read_to_string(path).map_err(|error| DataError::io(&place, &error))?;
            let number = |word: &str| {
                word.parse().map_err(|_| DataError::Malformed {
                    place: place.clone(),
                    format: "label",
                    detail: format!("`{word}` is no integer"),
                })
            };
            text.split_whitespace().map(number).collect()
        }
    }
}
