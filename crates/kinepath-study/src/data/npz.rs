//! NPZ, a zip archive of NPY arrays (`np.savez`, `np.savez_compressed`).

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipResult;

use super::elements::RawArray;
use super::error::{DataError, place};
use super::footprint::{self, DEFLATE_LIMIT, Stored};
use super::{keys, npy};

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
    let (mut archive, names) = open(file).map_err(|error| malformed(error.to_string()))?;
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

/// What [`read`] takes, if the headers can be read.
pub(super) fn stored(path: &Path) -> Option<Stored> {
    let file = File::open(path).ok()?;
    let longest = file.metadata().ok()?.len().saturating_mul(DEFLATE_LIMIT);
    let (mut archive, names) = open(file).ok()?;
    let data = archive.by_name(&format!("{}.npy", keys::pick(keys::DATA, &names)?)).ok()?;
    let length = data.size().min(longest);
    footprint::array(data, length, path)
}

/// An archive and the names of its arrays.
fn open(file: File) -> ZipResult<(ZipArchive<BufReader<File>>, Vec<String>)> {
    let archive = ZipArchive::new(BufReader::new(file))?;
    let mut names = Vec::new();
    for name in archive.file_names() {
        names.extend(name?.strip_suffix(".npy").map(str::to_owned));
    }
    Ok((archive, names))
}
