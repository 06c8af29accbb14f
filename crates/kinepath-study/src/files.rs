//! Files that are read and written whole.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StudyError;
use crate::run::write_bytes;

/// Reads a JSON file.
///
/// # Errors
/// [`StudyError::File`] if it cannot be read or understood.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, StudyError> {
    let text =
        std::fs::read_to_string(path).map_err(|error| StudyError::file("read", path, &error))?;
    serde_json::from_str(&text).map_err(|error| StudyError::file("understand", path, &error))
}

/// Writes a JSON file, whole or not at all.
///
/// # Errors
/// As [`write_whole`]; and [`StudyError::File`] for values that JSON cannot hold.
pub(crate) fn write_json(values: &impl Serialize, path: &Path) -> Result<(), StudyError> {
    let text = serde_json::to_string_pretty(values)
        .map_err(|error| StudyError::file("write", path, &error))?;
    write_whole(path, text.as_bytes())
}

/// Writes `bytes` under a temporary name and renames the file when it is whole.
///
/// # Errors
/// [`StudyError::Run`] with [`RunError::Io`](crate::run::RunError::Io) if it cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StudyError> {
    write_bytes(path, bytes).map_err(StudyError::from)
}
