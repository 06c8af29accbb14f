//! SHA-256 of content, as run folders record it.

use std::fmt::Write;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use ndarray::Array2;
use sha2::{Digest, Sha256};

use super::error::{DataError, place};

/// SHA-256 of `bytes`, in lower-case hexadecimal; for files taken as they are, such as networks.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes).as_slice())
}

/// SHA-256 of files, one after the other as if they were one, which may be larger than memory.
///
/// # Errors
/// [`DataError::Io`] for one that cannot be read.
pub(crate) fn sha256_of_files(files: &[PathBuf]) -> Result<String, DataError> {
    let mut hasher = Sha256::new();
    let mut block = vec![0; 1 << 16];
    for path in files {
        let unreadable = |error| DataError::io(&place(path), &error);
        let mut file = File::open(path).map_err(unreadable)?;
        loop {
            match file.read(&mut block).map_err(unreadable)? {
                0 => break,
                count => hasher.update(&block[..count]),
            }
        }
    }
    Ok(hex(hasher.finalize().as_slice()))
}

/// SHA-256 of the shape of a record (u64), the values (f32) and the labels (i64), little-endian.
pub(crate) fn content_hash(
    shape: &[usize],
    values: &Array2<f32>,
    labels: Option<&[i64]>,
) -> String {
    /// Values hashed at a time: enough to keep the call overhead away, small enough for cache.
    const BLOCK: usize = 4096;
    let mut hasher = Sha256::new();
    for &axis in shape {
        hasher.update((axis as u64).to_le_bytes());
    }
    let mut block = Vec::with_capacity(4 * BLOCK);
    for value in values {
        block.extend(value.to_le_bytes());
        if block.len() == 4 * BLOCK {
            hasher.update(&block);
            block.clear();
        }
    }
    hasher.update(&block);
    for label in labels.unwrap_or_default() {
        hasher.update(label.to_le_bytes());
    }
    hex(hasher.finalize().as_slice())
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_vector() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_hex(b"abc"), expected);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(sha256_of_files(&[path]).unwrap(), expected);
    }

    #[test]
    fn shape_values_and_labels_all_count() {
        let values = Array2::zeros((2, 4));
        let plain = content_hash(&[4], &values, None);
        assert_ne!(plain, content_hash(&[2, 2], &values, None));
        assert_ne!(plain, content_hash(&[4], &values, Some(&[0, 1])));
        assert_ne!(plain, content_hash(&[4], &Array2::ones((2, 4)), None));
    }
}
