//! Safetensors files, tensor by tensor, without reading what is not asked for.
//!
//! Layout: a little-endian u64 header length, a JSON header with the element type, shape and byte
//! range of each tensor, then the bytes (<https://github.com/huggingface/safetensors#format>).

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};

use super::elements::{ElementType, Elements, RawArray};
use super::error::{DataError, place};
use super::footprint::Stored;
use super::keys;

/// Bytes copied at a time.
const BLOCK: usize = 1 << 16;
/// Bytes of the header length that starts the file.
const LENGTH_BYTES: u64 = 8;

/// An open safetensors file whose header has been checked against the file's length.
#[derive(Debug)]
pub(crate) struct TensorFile {
    file: File,
    place: String,
    metadata: Metadata,
    /// Where the tensors' bytes begin.
    data_start: u64,
}

impl TensorFile {
    /// Opens `path` and reads its header.
    pub(crate) fn open(path: &Path) -> Result<Self, DataError> {
        let place = place(path);
        let io = |error: std::io::Error| DataError::io(&place, &error);
        let mut file = File::open(path).map_err(io)?;
        let total = file.metadata().map_err(io)?.len();
        if total == 0 {
            return Err(DataError::Empty { place });
        }
        let short = |part: &str, expected, actual| DataError::Length {
            place: place.clone(),
            part: part.to_owned(),
            expected,
            actual,
        };
        if total < LENGTH_BYTES {
            return Err(short("the header length", LENGTH_BYTES, total));
        }
        let mut length = [0; LENGTH_BYTES as usize];
        file.read_exact(&mut length).map_err(io)?;
        let length = u64::from_le_bytes(length);
        // Checked before anything is allocated for the header.
        if length > total - LENGTH_BYTES {
            return Err(short("the header", length, total - LENGTH_BYTES));
        }
        let mut header = Vec::new();
        (&mut file).take(length).read_to_end(&mut header).map_err(io)?;
        let metadata: Metadata =
            serde_json::from_slice(&header).map_err(|error| DataError::Malformed {
                place: place.clone(),
                format: "safetensors",
                detail: error.to_string(),
            })?;
        let data_start = LENGTH_BYTES + length;
        let expected = metadata.data_len() as u64;
        if expected != total - data_start {
            return Err(short("the tensors", expected, total - data_start));
        }
        Ok(Self { file, place, metadata, data_start })
    }

    /// The tensors' names, in the order of their bytes.
    pub(crate) fn names(&self) -> Vec<String> {
        self.metadata.offset_keys()
    }

    /// A line of the free-form metadata.
    pub(crate) fn note(&self, key: &str) -> Option<&str> {
        self.metadata.metadata().as_ref()?.get(key).map(String::as_str)
    }

    /// Element type, shape and byte range of a tensor.
    pub(crate) fn info(&self, name: &str) -> Result<&TensorInfo, DataError> {
        self.metadata.info(name).ok_or_else(|| DataError::MissingKey {
            place: self.place.clone(),
            wanted: format!("'{name}'"),
            found: self.names().join(", "),
        })
    }

    /// The shape of a tensor, and whether its elements are floats rather than integers.
    ///
    /// # Errors
    /// [`DataError::MissingKey`], and [`DataError::ElementType`] for a type that cannot be read.
    pub(crate) fn kind(&self, name: &str) -> Result<(Vec<usize>, bool), DataError> {
        let float = matches!(
            self.element_type(name)?,
            ElementType::F16 | ElementType::BF16 | ElementType::F32 | ElementType::F64
        );
        Ok((self.info(name)?.shape.clone(), float))
    }

    /// Reads the rows `rows` of a tensor, `width` elements each, in this order. The tensor must have
    /// them.
    pub(crate) fn read_rows(
        &self,
        name: &str,
        width: usize,
        rows: &[usize],
    ) -> Result<Elements, DataError> {
        let element_type = self.element_type(name)?;
        let (size, mut bytes) = (width * element_type.size(), Vec::new());
        for run in rows.chunk_by(|a, b| a + 1 == *b) {
            let (from, length) = (run[0] * size, run.len() * size);
            self.append_range(name, from..from + length, &mut bytes)?;
        }
        Ok(element_type.decode(&bytes, false))
    }

    fn element_type(&self, name: &str) -> Result<ElementType, DataError> {
        let dtype = self.info(name)?.dtype;
        element_type(dtype).ok_or_else(|| DataError::ElementType {
            place: self.place.clone(),
            what: format!("tensor '{name}'"),
            dtype: format!("{dtype:?}"),
            supported: "F32, F64, F16, BF16, U8 or another integer type",
        })
    }

    /// What reading a tensor takes, if it exists and can be read.
    pub(super) fn stored(&self, name: &str) -> Option<Stored> {
        let (info, element_type) = (self.info(name).ok()?, self.element_type(name).ok()?);
        let raw = info.data_offsets.1 - info.data_offsets.0;
        let count = raw / element_type.size();
        Some(Stored { raw: raw as u64, element_type, count: count as u64 })
    }

    /// Reads one tensor.
    ///
    /// # Errors
    /// As [`info`](Self::info), [`DataError::ElementType`] for a type that cannot be read, and
    /// [`DataError::Memory`] for a tensor that does not fit.
    pub(crate) fn read(&mut self, name: &str) -> Result<RawArray, DataError> {
        let info = self.info(name)?.clone();
        let element_type = self.element_type(name)?;
        if let Some(stored) = self.stored(name) {
            stored.require(1, || format!("{}: '{name}' of shape {:?}", self.place, info.shape))?;
        }
        let mut bytes = Vec::new();
        self.append_range(name, 0..info.data_offsets.1 - info.data_offsets.0, &mut bytes)?;
        Ok(RawArray { shape: info.shape, elements: element_type.decode(&bytes, false) })
    }

    /// Reads one tensor of element type F32.
    pub(crate) fn read_f32(&mut self, name: &str) -> Result<(Vec<usize>, Vec<f32>), DataError> {
        let array = self.read(name)?;
        match array.elements {
            Elements::F32(values) => Ok((array.shape, values)),
            Elements::U8(_) | Elements::I64(_) => Err(DataError::ElementType {
                place: self.place.clone(),
                what: format!("tensor '{name}'"),
                dtype: format!("{:?}", self.info(name)?.dtype),
                supported: "F32",
            }),
        }
    }

    /// Copies the bytes of one tensor as they are.
    ///
    /// # Errors
    /// [`CopyError`], which tells the file that cannot be read from one that cannot be written.
    pub(crate) fn copy(&self, name: &str, to: &mut impl Write) -> Result<(), CopyError> {
        let (start, end) = self.info(name).map_err(CopyError::Read)?.data_offsets;
        self.copy_range(name, 0..end - start, to)
    }

    /// Appends a range of the bytes of one tensor, which has them, to `bytes`.
    fn append_range(
        &self,
        name: &str,
        range: Range<usize>,
        bytes: &mut Vec<u8>,
    ) -> Result<(), DataError> {
        self.copy_range(name, range, bytes).map_err(|error| match error {
            CopyError::Read(error) => error,
            // Memory takes whatever is written.
            CopyError::Write(error) => DataError::io(&self.place, &error),
        })
    }

    /// Copies a range of the bytes of one tensor, which has them.
    fn copy_range(
        &self,
        name: &str,
        range: Range<usize>,
        to: &mut impl Write,
    ) -> Result<(), CopyError> {
        let unreadable = |error: io::Error| CopyError::Read(DataError::io(&self.place, &error));
        let info = self.info(name).map_err(CopyError::Read)?;
        let start = self.data_start + (info.data_offsets.0 + range.start) as u64;
        let mut file = &self.file;
        file.seek(SeekFrom::Start(start)).map_err(unreadable)?;
        let mut block = vec![0; range.len().min(BLOCK)];
        let mut left = range.len();
        while left > 0 {
            let block = &mut block[..left.min(BLOCK)];
            file.read_exact(block).map_err(unreadable)?;
            to.write_all(block).map_err(CopyError::Write)?;
            left -= block.len();
        }
        Ok(())
    }
}

/// Which end of a copy failed.
#[derive(Debug)]
pub(crate) enum CopyError {
    /// The tensor cannot be read.
    Read(DataError),
    /// Its bytes cannot be written.
    Write(io::Error),
}

/// Reads a data set: the data tensor and, where there is one, the labels.
pub(crate) fn read(path: &Path) -> Result<(RawArray, Option<Vec<i64>>), DataError> {
    let mut file = TensorFile::open(path)?;
    let names = file.names();
    let data = file.read(keys::require(keys::DATA, &names, &file.place)?)?;
    let labels = match keys::pick(keys::LABELS, &names) {
        Some(key) => Some(file.read(key)?.into_labels(&file.place, key)?),
        None => None,
    };
    Ok((data, labels))
}

/// What [`read`] takes, if the header can be read.
pub(super) fn stored(path: &Path) -> Option<Stored> {
    let file = TensorFile::open(path).ok()?;
    file.stored(keys::pick(keys::DATA, &file.names())?)
}

fn element_type(dtype: Dtype) -> Option<ElementType> {
    Some(match dtype {
        Dtype::BOOL => ElementType::Bool,
        Dtype::U8 => ElementType::U8,
        Dtype::I8 => ElementType::I8,
        Dtype::U16 => ElementType::U16,
        Dtype::I16 => ElementType::I16,
        Dtype::U32 => ElementType::U32,
        Dtype::I32 => ElementType::I32,
        Dtype::U64 => ElementType::U64,
        Dtype::I64 => ElementType::I64,
        Dtype::F16 => ElementType::F16,
        Dtype::BF16 => ElementType::BF16,
        Dtype::F32 => ElementType::F32,
        Dtype::F64 => ElementType::F64,
        _ => return None,
    })
}
