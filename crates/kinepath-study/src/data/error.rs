//! What can be wrong with a data file, said so that the reader knows what to do next.

use std::io;
use std::path::Path;

use thiserror::Error;

use crate::memory::MemoryError;

/// A data set, noise file or tensor file that cannot be used.
///
/// `place` is the file (or the name of the embedded data set) as the user gave it. Every message
/// says what was found, what was expected, and what to do.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum DataError {
    /// The operating system refused to open or read the file.
    #[error("{place}: cannot be read: {message}; check the path and its permissions")]
    Io {
        /// The file or folder.
        place: String,
        /// The class of the failure.
        kind: io::ErrorKind,
        /// The operating system's own words.
        message: String,
    },
    /// `builtin:NAME` with a name that is not embedded.
    #[error("builtin:{name}: no such data set; the embedded ones are {known}")]
    UnknownBuiltin {
        /// The name asked for.
        name: String,
        /// The names there are, separated by commas.
        known: String,
    },
    /// It does not fit into memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// Neither the extension nor the first bytes tell the format.
    #[error(
        "{place}: unknown format (first bytes {start}); give an IDX (.gz), .npy, .npz, \
         .safetensors, .parquet or CIFAR .bin file, or a folder of pictures"
    )]
    UnknownFormat {
        /// The file.
        place: String,
        /// The first bytes in hexadecimal.
        start: String,
    },
    /// The file has no bytes at all.
    #[error("{place}: the file is empty (0 bytes); copy or download it again")]
    Empty {
        /// The file.
        place: String,
    },
    /// The file has fewer or more bytes than its own header promises.
    #[error(
        "{place}: {part} should have {expected} bytes, but there are {actual}; the file is \
         incomplete or damaged: copy or download it again"
    )]
    Length {
        /// The file.
        place: String,
        /// Which part of the file was measured.
        part: String,
        /// Bytes promised.
        expected: u64,
        /// Bytes found. When there are too many, this counts no further than needed to know.
        actual: u64,
    },
    /// The content breaks the rules of its format.
    #[error("{place}: not a valid {format} file: {detail}; write or download it again")]
    Malformed {
        /// The file.
        place: String,
        /// The format it was read as.
        format: &'static str,
        /// What was wrong.
        detail: String,
    },
    /// An element type that has no meaning here.
    #[error("{place}: {what} has element type {dtype}; convert it to {supported}")]
    ElementType {
        /// The file.
        place: String,
        /// Which array.
        what: String,
        /// The type found.
        dtype: String,
        /// The types accepted.
        supported: &'static str,
    },
    /// An archive with none of the expected keys.
    #[error("{place}: no array named {wanted}; it holds {found}; rename one of them")]
    MissingKey {
        /// The file.
        place: String,
        /// The names looked for, in order.
        wanted: String,
        /// The names there are.
        found: String,
    },
    /// A rank or an axis length that cannot be samples.
    #[error("{place}: shape {actual:?} cannot be used: expected {expected}")]
    Shape {
        /// The file.
        place: String,
        /// The shape found, number of records first.
        actual: Vec<usize>,
        /// What is accepted, and how to get there.
        expected: &'static str,
    },
    /// N = 0.
    #[error("{place}: holds no records (N = 0); at least one is needed")]
    NoRecords {
        /// The file or folder.
        place: String,
    },
    /// A folder without anything that can be read.
    #[error(
        "{place}: holds no pictures; give a folder of files ending in .{endings}, of folders of \
         them, one a class, or of .parquet files"
    )]
    NoPictures {
        /// The folder.
        place: String,
        /// What pictures end in.
        endings: String,
    },
    /// NaN or infinity among the values.
    #[error(
        "{place}: record {record} has the value {value} at element {element}; remove or repair \
         that record"
    )]
    NotFinite {
        /// The file.
        place: String,
        /// Record index, from 0.
        record: usize,
        /// Index in the flattened record, from 0.
        element: usize,
        /// The value as text: `NaN`, `inf` or `-inf` (text, so that two such errors can be equal).
        value: String,
    },
    /// As many labels as records are needed.
    #[error("{place}: {labels} labels for {records} records; they must be equally many")]
    LabelCount {
        /// The file of the records.
        place: String,
        /// Labels found.
        labels: usize,
        /// Records found.
        records: usize,
    },
    /// A picture of another size or number of channels than the first one of its data set.
    #[error(
        "{place}: is {actual:?} [channels, height, width], but {first} is {expected:?}; all \
         images of a data set must have one size and one number of channels"
    )]
    ImageSize {
        /// The picture that differs.
        place: String,
        /// Its [channels, height, width].
        actual: Vec<usize>,
        /// The first picture of the folder.
        first: String,
        /// The first picture's [channels, height, width].
        expected: Vec<usize>,
    },
    /// A folder whose layout has no single reading.
    #[error("{place}: {detail}")]
    Folder {
        /// The folder or file.
        place: String,
        /// What is wrong and what to do.
        detail: String,
    },
}

impl DataError {
    /// A file or folder that the operating system does not let be read.
    pub(crate) fn io(place: &str, error: &io::Error) -> Self {
        Self::Io { place: place.to_owned(), kind: error.kind(), message: error.to_string() }
    }
}

/// The path as the user knows it, for messages.
pub(crate) fn place(path: &Path) -> String {
    path.display().to_string()
}
