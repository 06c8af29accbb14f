//! NPZ, a zip archive of NPY arrays (`np.savez`, `np.savez_compressed`).

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use zip::ZipArchive;

use super::elements::RawArray;
use super::error::{DataError, place};
use super::{keys, npy};

/// Deflate cannot shrink by more than this factor, so nothing longer can come out of an archive.
const DEFLATE_LIMIT: u64 = 1032;

/// Reads the data array and, where there is one, the labels.
pub(crate) fn read(path: &Path) -> Result<(RawArray, Option<Vec<i64>>), DataError> {
    let place = place(path);
    let file = File::open(path).map_err(|error| DataError::io(&place, &error))?;
    let bytes = file.metadata().map_err(|error| DataError::io(&place, &error))?.len();
    if bytes == 0 {
        return Err(DataError::Empty { place });
    }
    let malformed =
        |detail: String| DataError::Malformed { place: place.clone(), format: "NPZ", detail };
    let mut archive =
        ZipArchive::new(BufReader::new(file)).map_err(|error| malformed(error.to_string()))?;
    let mut names = Vec::new();
    for name in archive.file_names() {
        let name = name.map_err(|error| malformed(error.to_string()))?;
        names.extend(name.strip_suffix(".npy").map(str::to_owned));
    }
    let mut array = |key: &str| {
        let mut content = Vec::new();
        archive
            .by_name(&format!("{key}.npy"))
            .map_err(|error| malformed(format!("array '{key}': {error}")))?
            .take(bytes.saturating_mul(DEFLATE_LIMIT))
            .read_to_end(&mut content)
            .map_err(|error| malformed(format!("array '{key}': {error}")))?;
        npy::parse(&content, &format!("{place} ('{key}')"))
    };
    let data = array(keys::require(keys::DATA, &names, &place)?)?;
    let labels = match keys::pick(keys::LABELS, &names) {
        Some(key) => Some(array(key)?.into_labels(&place, key)?),
        None => None,
    };
    Ok((data, labels))
}
