//! Parquet files from anywhere, read with no more memory than their length allows.
//!
//! Their parts are what they say ([`frame`]), and they have no more than [`CELLS`] values for a byte.
//! Repeated values take hardly any room in a file, so that a table of a hundred bytes could otherwise
//! fill any memory.

mod frame;
mod shapes;
#[cfg(test)]
mod tests;
mod thrift;

use std::fs::File;
use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::basic::Compression;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescPtr;

/// Values for each byte of a file. A table of energies has less than one; one of nothing but indices
/// in steps and absent labels has about twenty at best.
const CELLS: u64 = 256;
/// Values of a file of any length.
const FEW_CELLS: u64 = 1 << 16;
/// Numbers read at a time, so that memory follows what is there and not what a footer promises.
const AT_A_TIME: usize = 1 << 16;

/// A file whose footer has been held against its length.
pub(crate) struct ParquetFile {
    reader: SerializedFileReader<File>,
    /// The file once more, to check pages before the reader sees them.
    pages: BufReader<File>,
    /// Length of the file.
    pub(crate) bytes: u64,
    /// Number of rows.
    pub(crate) rows: u64,
    /// Values of all columns together.
    pub(crate) cells: u64,
}

impl ParquetFile {
    /// Checks the footer and reads it.
    pub(crate) fn open(file: File) -> Result<Self> {
        guarded(|| {
            let bytes = file.metadata()?.len();
            let mut pages = BufReader::new(file.try_clone()?);
            frame::check_schema(&mut pages, bytes)?;
            let reader = SerializedFileReader::new(file)?;
            let (rows, cells) = size(reader.metadata(), bytes)?;
            Ok(Self { reader, pages, bytes, rows, cells })
        })
    }

    /// The columns that hold values, in order.
    pub(crate) fn columns(&self) -> &[ColumnDescPtr] {
        self.reader.metadata().file_metadata().schema_descr().columns()
    }

    /// The readers of a column, one a row group, after all its pages have been checked.
    pub(crate) fn readers(&mut self, column: usize) -> Result<Vec<ColumnReader>> {
        guarded(|| {
            for group in self.reader.metadata().row_groups() {
                let chunk = group.column(column);
                check_compression(chunk)?;
                let (start, length) = extent(chunk, self.bytes)?;
                // Not negative, or its size would have been none.
                let rows = group.num_rows().unsigned_abs();
                frame::check_pages(&mut self.pages, start, length, rows)?;
            }
            let groups = 0..self.reader.num_row_groups();
            groups
                .map(|group| self.reader.get_row_group(group)?.get_column_reader(column))
                .collect()
        })
    }
}

/// The next values of a column of one row group, `most` at a time and none at the end. `present` is the
/// definition level of a value that is there; columns of lists have no such level.
pub(crate) fn next_values<T: DataType>(
    column: &mut ColumnReaderImpl<T>,
    present: i16,
    most: usize,
) -> Result<Vec<Option<T::T>>> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    guarded(|| column.read_records(most, Some(&mut levels), None, &mut values))?;
    if present == 0 {
        return Ok(values.into_iter().map(Some).collect());
    }
    let mut values = values.into_iter();
    let value = |&level: &i16| (level == present).then(|| values.next()).flatten();
    Ok(levels.iter().map(value).collect())
}

/// All values of a column of one row group.
pub(crate) fn all_values<T: DataType>(
    mut column: ColumnReaderImpl<T>,
    present: i16,
) -> Result<Vec<Option<T::T>>> {
    let mut all = Vec::new();
    loop {
        let next = next_values(&mut column, present, AT_A_TIME)?;
        if next.is_empty() {
            return Ok(all);
        }
        all.extend(next);
    }
}

/// What `read` gives. The Parquet crate panics on some damaged pages (as of 60.1); for whoever reads one
/// that is one more way for a file to be damaged.
fn guarded<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        Err(ParquetError::General("its pages contradict its footer".to_owned()))
    })
}

/// The number of rows and of values, of which there must be no more than a file of so many bytes can be
/// meant to hold.
fn size(metadata: &ParquetMetaData, bytes: u64) -> Result<(u64, u64)> {
    let rows = metadata.row_groups().iter().map(|group| u64::try_from(group.num_rows()));
    let rows =
        rows.map(std::result::Result::ok).try_fold(0, |all: u64, rows| all.checked_add(rows?));
    let columns = metadata.file_metadata().schema_descr().num_columns() as u64;
    let most = bytes.saturating_mul(CELLS).max(FEW_CELLS);
    let size = rows.and_then(|rows| Some((rows, rows.checked_mul(columns)?)));
    size.filter(|&(_, cells)| cells <= most).ok_or_else(|| {
        ParquetError::General(format!("it promises more than {most} values in {bytes} bytes"))
    })
}

/// What went wrong, in the words of this module or of the Parquet crate.
pub(crate) fn reason(error: &ParquetError) -> String {
    match error {
        ParquetError::General(words) => words.clone(),
        error => error.to_string(),
    }
}

/// Refuses what the Parquet crate is not built for, with what to do.
fn check_compression(column: &ColumnChunkMetaData) -> Result<()> {
    match column.compression() {
        Compression::UNCOMPRESSED | Compression::SNAPPY => Ok(()),
        other => Err(ParquetError::General(format!(
            "column '{}' is compressed by {other}; write it again with compression snappy or none",
            column.column_path(),
        ))),
    }
}

/// Where a column lies: it has to be inside the file, or the Parquet crate would panic.
fn extent(column: &ColumnChunkMetaData, bytes: u64) -> Result<(u64, u64)> {
    let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
    let extent = u64::try_from(start).ok().zip(u64::try_from(column.compressed_size()).ok());
    let inside =
        |(start, length): &(u64, u64)| start.checked_add(*length).is_some_and(|end| end <= bytes);
    extent.filter(inside).ok_or_else(|| {
        ParquetError::General(format!("column '{}' lies outside the file", column.column_path()))
    })
}
