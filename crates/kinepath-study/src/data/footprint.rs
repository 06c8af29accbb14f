//! What a data set takes in memory, told by headers before anything is read.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::elements::ElementType;
use super::error::place;
use super::{Format, cifar, folder, idx, npy, npz, parquet, tensors};
use crate::memory::{self, MemoryError};

/// Bytes of an f32.
const F32: u64 = 4;
/// More than any header that NumPy writes.
pub(super) const HEADER: u64 = 1 << 16;
/// Deflate cannot shrink by more than this factor, so nothing longer can come out of an archive.
pub(super) const DEFLATE_LIMIT: u64 = 1032;

/// An array as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stored {
    /// Bytes that are read before elements are decoded.
    pub(super) raw: u64,
    pub(super) element_type: ElementType,
    /// Number of elements.
    pub(super) count: u64,
}

impl Stored {
    /// An array of raw bytes, as pictures are stored, that becomes f32 without being held twice.
    pub(super) fn pixels(count: u64) -> Self {
        Self { raw: 0, element_type: ElementType::U8, count }
    }

    /// Bytes of the values that reading ends with.
    fn decoded(&self) -> u64 {
        self.count.saturating_mul(F32)
    }

    /// Bytes that reading takes at its height.
    fn reading(&self) -> u64 {
        let elements = match self.element_type {
            ElementType::U8 => 1 + F32,
            ElementType::F16 | ElementType::BF16 | ElementType::F32 | ElementType::F64 => F32,
            _ => 8 + F32,
        };
        self.raw.saturating_add(self.count.saturating_mul(elements))
    }

    /// Refuses `what` if it does not fit into memory while it is read, or `copies` of it afterwards.
    ///
    /// # Errors
    /// [`MemoryError`].
    pub(super) fn require(
        &self,
        copies: u64,
        what: impl FnOnce() -> String,
    ) -> Result<(), MemoryError> {
        let needed = self.reading().max(self.decoded().saturating_mul(copies));
        memory::require(what, needed, "use fewer samples or records, or a machine with more memory")
    }
}

/// Refuses a data set that does not fit into memory while it is read, or `copies` of it afterwards.
///
/// A file that is not what its header says is not refused here: reading it tells.
///
/// # Errors
/// [`MemoryError`].
pub(super) fn check(format: Format, path: &Path, copies: u64) -> Result<(), MemoryError> {
    let Some(stored) = stored(format, path) else { return Ok(()) };
    stored.require(copies, || format!("{}: a data set of {} values", place(path), stored.count))
}

fn stored(format: Format, path: &Path) -> Option<Stored> {
    match format {
        Format::Folder => folder::stored(path),
        Format::Idx => idx::stored(path),
        Format::Npy => file(path),
        Format::Npz => npz::stored(path),
        Format::Safetensors => tensors::stored(path),
        Format::Cifar => Some(cifar::stored(&[path.to_owned()])),
        Format::Parquet => parquet::stored(&[path.to_owned()]),
    }
}

/// The NPY array of `length` bytes that `file` begins with.
pub(super) fn array(file: impl Read, length: u64, path: &Path) -> Option<Stored> {
    let mut start = Vec::new();
    file.take(HEADER).read_to_end(&mut start).ok()?;
    let (layout, _) = npy::Layout::parse(&start, &place(path)).ok()?;
    let size = layout.element_type.size() as u64;
    // A header may promise more than there is.
    let count = (layout.bytes as u64).min(length) / size;
    Some(Stored { raw: length, element_type: layout.element_type, count })
}

/// What reading the NPY file `path` takes, if its header can be read.
pub(super) fn file(path: &Path) -> Option<Stored> {
    let file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    array(file, length, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/data").join(name)
    }

    #[test]
    fn headers_tell_what_reading_ends_with() {
        for name in [
            "plain-images-idx3-ubyte",
            "packed-images-idx3-ubyte.gz",
            "f32.npy",
            "f64.npy",
            "f16.npy",
            "i64.npy",
            "big-endian.npy",
            "grey.npy",
            "stored.npz",
            "packed.npz",
            "u8.safetensors",
            "f16.safetensors",
            "colour",
            "classes",
            "pictures.parquet",
            "shards",
        ] {
            let path = fixture(name);
            let data = crate::data::load(path.to_str().unwrap()).unwrap();
            let stored = stored(Format::of(&path).unwrap(), &path).unwrap();
            let decoded = 4 * data.values.len() as u64;
            assert_eq!(stored.decoded(), decoded, "{name}");
            assert!(stored.reading() >= decoded, "{name}");
        }
        // One label to 3072 values.
        let cifar = fixture("cifar10.bin");
        assert_eq!(stored(Format::Cifar, &cifar).unwrap().count, 2 * 3073);
    }

    /// An NPY header that promises a million records of a million values, in a file.
    fn huge(folder: &Path) -> std::path::PathBuf {
        let path = folder.join("huge.npy");
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }";
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        std::fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn a_promise_that_the_file_does_not_keep_is_left_to_reading() {
        let folder = tempfile::tempdir().unwrap();
        let path = huge(folder.path());
        assert!(file(&path).unwrap().reading() < 1000);
        assert_eq!(check(Format::Npy, &path, 9), Ok(()));
    }

    #[test]
    fn what_no_machine_holds_is_refused_before_it_is_read() {
        if memory::require(String::new, u64::MAX, "").is_ok() {
            return; // This system says nothing of its memory.
        }
        let folder = tempfile::tempdir().unwrap();
        let path = huge(folder.path());
        // Of that length, but without blocks on the disk.
        let file = File::options().append(true).open(&path).unwrap();
        file.set_len(file.metadata().unwrap().len() + 4_000_000_000_000).unwrap();
        let error = crate::data::load(path.to_str().unwrap()).unwrap_err();
        assert!(matches!(error, crate::data::DataError::Memory(_)), "{error}");
        let text = error.to_string();
        for part in ["huge.npy", "1000000000000 values", "7.3 TiB", "is free", "fewer"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
