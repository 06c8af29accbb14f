//! Records of an NPY file block after block, for files larger than memory.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use ndarray::Array2;

use super::elements::Elements;
use super::error::{DataError, place};
use super::footprint::HEADER;
use super::npy::{Layout, length_error};

/// The records of an NPY file, `[N, …]` in row-major order, in blocks `[n, D]` of float32: values
/// as they are in the file, records flattened.
///
/// An iterator that holds one block at a time, and stops after an error.
#[derive(Debug)]
pub struct RecordBlocks {
    file: File,
    place: String,
    layout: Layout,
    count: usize,
    dimension: usize,
    /// Records of a block.
    rows: usize,
    next: usize,
}

impl RecordBlocks {
    /// Opens the file; blocks will hold about `values` values, but at least one record.
    ///
    /// # Errors
    /// [`DataError`] when the file cannot be read, is no NPY file, is not as long as its header
    /// says, holds column-major data (save it by `np.ascontiguousarray`), no records or single
    /// numbers.
    pub fn open(path: &Path, values: usize) -> Result<Self, DataError> {
        let place = place(path);
        let io = |error: std::io::Error| DataError::io(&place, &error);
        let mut file = File::open(path).map_err(io)?;
        let total = file.metadata().map_err(io)?.len();
        let mut start = Vec::new();
        (&mut file).take(HEADER).read_to_end(&mut start).map_err(io)?;
        let (layout, elements) = Layout::parse(&start, &place)?;
        let first = (start.len() - elements.len()) as u64;
        if layout.bytes as u64 != total - first {
            return Err(length_error(&place, &layout.shape, layout.bytes, total - first));
        }
        let shape = |expected| DataError::Shape {
            place: place.clone(),
            actual: layout.shape.clone(),
            expected,
        };
        let Some((&count, record)) = layout.shape.split_first() else {
            return Err(shape("an array of records [N, …]"));
        };
        if layout.fortran_order && !record.is_empty() {
            return Err(shape("row-major order; save np.ascontiguousarray of the array"));
        }
        // Of no records, the lengths of the other axes are anything.
        if layout.shape.contains(&0) {
            return Err(DataError::NoRecords { place });
        }
        let dimension: usize = record.iter().product();
        file.seek(SeekFrom::Start(first)).map_err(io)?;
        let rows = (values / dimension).clamp(1, count);
        Ok(Self { file, place, layout, count, dimension, rows, next: 0 })
    }

    /// Number of records N.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a file without records is not opened")]
    pub fn len(&self) -> usize {
        self.count
    }

    /// The shape of one record.
    #[must_use]
    pub fn record_shape(&self) -> &[usize] {
        &self.layout.shape[1..]
    }

    /// Reads the next block.
    fn read(&mut self) -> Result<Array2<f32>, DataError> {
        let rows = self.rows.min(self.count - self.next);
        let length = rows * self.dimension * self.layout.element_type.size();
        let mut bytes = vec![0; length];
        self.file.read_exact(&mut bytes).map_err(|error| DataError::io(&self.place, &error))?;
        let values = match self.layout.element_type.decode(&bytes, self.layout.big_endian) {
            Elements::U8(values) => values.into_iter().map(f32::from).collect(),
            Elements::I64(values) => values.into_iter().map(|value| value as f32).collect(),
            Elements::F32(values) => values,
        };
        let block = Array2::from_shape_vec((rows, self.dimension), values);
        let block = block.map_err(|error| DataError::Malformed {
            place: self.place.clone(),
            format: "NPY",
            detail: error.to_string(),
        })?;
        if let Some(((row, element), value)) =
            block.indexed_iter().find(|(_, value)| !value.is_finite())
        {
            return Err(DataError::NotFinite {
                place: self.place.clone(),
                record: self.next + row,
                element,
                value: value.to_string(),
            });
        }
        self.next += rows;
        Ok(block)
    }
}

impl Iterator for RecordBlocks {
    type Item = Result<Array2<f32>, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == self.count {
            return None;
        }
        let block = self.read();
        if block.is_err() {
            self.next = self.count;
        }
        Some(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::npy::MAGIC;

    fn write(header: &str, elements: &[u8]) -> tempfile::NamedTempFile {
        let mut bytes = [MAGIC, &[1, 0]].concat();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(elements);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    fn header(descr: &str, fortran: &str, shape: &str) -> String {
        format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}")
    }

    fn floats(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
        values.into_iter().flat_map(f32::to_le_bytes).collect()
    }

    #[test]
    fn blocks_together_are_the_array() {
        let values: Vec<f32> = (0..7 * 6).map(|i| i as f32 * 0.5).collect();
        let file = write(&header("<f4", "False", "(7, 2, 3)"), &floats(values.clone()));
        for size in [1, 6, 13, 1000] {
            let blocks = RecordBlocks::open(file.path(), size).unwrap();
            assert_eq!((blocks.len(), blocks.record_shape()), (7, &[2, 3][..]));
            let blocks: Vec<_> = blocks.map(Result::unwrap).collect();
            assert!(blocks.iter().all(|block| block.len() <= size.max(6)));
            let all: Vec<f32> = blocks.iter().flatten().copied().collect();
            assert_eq!(all, values);
        }
    }

    #[test]
    fn other_types_keep_their_values() {
        let file = write(&header("|u1", "False", "(3,)"), &[0, 7, 255]);
        let mut blocks = RecordBlocks::open(file.path(), 2).unwrap();
        assert_eq!(blocks.next().unwrap().unwrap(), ndarray::array![[0.0], [7.0]]);
        assert_eq!(blocks.next().unwrap().unwrap(), ndarray::array![[255.0]]);
        assert!(blocks.next().is_none());
    }

    #[test]
    fn what_is_wrong_is_said() {
        let open = |file: &tempfile::NamedTempFile| RecordBlocks::open(file.path(), 4).unwrap_err();
        let short = write(&header("<f4", "False", "(3, 2)"), &floats([0.0; 5]));
        assert!(matches!(open(&short), DataError::Length { expected: 24, actual: 20, .. }));
        let columns = write(&header("<f4", "True", "(3, 2)"), &floats([0.0; 6]));
        assert!(open(&columns).to_string().contains("ascontiguousarray"));
        let single = write(&header("<f4", "False", "()"), &floats([0.0]));
        assert!(matches!(open(&single), DataError::Shape { .. }));
        for none in ["(0, 2)", "(0, 4294967296, 4294967296)"] {
            let none = write(&header("<f4", "False", none), &[]);
            assert!(matches!(open(&none), DataError::NoRecords { .. }));
        }
        let text = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(text.path(), "no array").unwrap();
        assert!(matches!(open(&text), DataError::Malformed { .. }));
        let missing = RecordBlocks::open(Path::new("no/such.npy"), 4).unwrap_err();
        assert!(matches!(missing, DataError::Io { .. }));
    }

    #[test]
    fn values_that_are_not_finite_are_counted_from_the_first_record() {
        let mut values = vec![0.0; 12];
        values[9] = f32::NAN;
        let file = write(&header("<f4", "False", "(6, 2)"), &floats(values));
        let mut blocks = RecordBlocks::open(file.path(), 6).unwrap();
        assert!(blocks.next().unwrap().is_ok());
        let error = blocks.next().unwrap().unwrap_err();
        assert!(matches!(error, DataError::NotFinite { record: 4, element: 1, .. }), "{error}");
        assert!(blocks.next().is_none());
    }

    #[test]
    fn a_file_cut_while_it_is_read_is_an_error() {
        let file = write(&header("<f4", "False", "(100000, 2)"), &floats(vec![0.0; 200_000]));
        let mut blocks = RecordBlocks::open(file.path(), 100_000).unwrap();
        assert!(blocks.next().unwrap().is_ok());
        file.as_file().set_len(500_000).unwrap();
        assert!(matches!(blocks.next().unwrap(), Err(DataError::Io { .. })));
    }
}
