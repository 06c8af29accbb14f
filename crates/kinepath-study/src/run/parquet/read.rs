//! Reading a table.
//!
//! A file is read with no more memory than its length allows: its parts are what they say
//! ([`frame`]), and it has no more than [`CELLS`] values for a byte. Repeated values take hardly any
//! room in a file, so that a table of a hundred bytes could otherwise fill any memory.

use std::fs::File;
use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::frame;
use crate::data::{DataError, place};
use crate::memory;
use crate::run::error::RunError;
use crate::run::table::{Column, Table};

/// Rows read at a time, so that memory follows what is there and not what a footer promises.
const ROWS_AT_A_TIME: usize = 1 << 16;
/// Values for each byte of a file. A table of energies has less than one; one of nothing but indices
/// in steps and absent labels has about twenty at best.
const CELLS: u64 = 256;
/// Bytes that a value takes, with the mark of an absent one.
const CELL: u64 = 16;
/// Values of a file of any length.
const FEW_CELLS: u64 = 1 << 16;

/// Reads a table of numbers, also one that another program has rewritten: narrower numbers are
/// widened, and an absent floating-point value becomes NaN.
pub(crate) fn read(path: &Path) -> std::result::Result<Table, RunError> {
    let (reader, parts) = open(path)?;
    Ok(Table::new(guarded(path, || read_columns(&reader, parts))?)?)
}

/// Refuses a table that does not fit into memory, which its footer tells.
pub(crate) fn require(path: &Path) -> std::result::Result<(), RunError> {
    open(path).map(drop)
}

/// The reader of a table that is no larger than its file can hold and memory allows, and the file to
/// check its pages in.
fn open(
    path: &Path,
) -> std::result::Result<(SerializedFileReader<File>, BufReader<File>), RunError> {
    let file = File::open(path).map_err(|error| RunError::io(path, "read", &error))?;
    let (reader, parts, cells) = guarded(path, || {
        let bytes = file.metadata()?.len();
        let mut parts = BufReader::new(file.try_clone()?);
        frame::check_schema(&mut parts, bytes)?;
        let reader = SerializedFileReader::new(file)?;
        let cells = cells(reader.metadata(), bytes)?;
        Ok((reader, parts, cells))
    })?;
    let what = || format!("{}: a table of {cells} values", place(path));
    let needed = cells.saturating_mul(CELL);
    memory::require(what, needed, "use fewer samples, or a machine with more memory")
        .map_err(DataError::from)?;
    Ok((reader, parts))
}

/// What `read` gives. The Parquet crate panics on some damaged pages (as of 60.1); for the reader of a
/// table that is one more way for a file to be damaged.
fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T>) -> std::result::Result<T, RunError> {
    catch_unwind(AssertUnwindSafe(read))
        .map_err(|_| RunError::damaged(path, "its pages contradict its footer"))?
        .map_err(|error| RunError::damaged(path, error))
}

fn read_columns(
    reader: &SerializedFileReader<File>,
    mut parts: BufReader<File>,
) -> Result<Vec<(String, Column)>> {
    let bytes = parts.get_ref().metadata()?.len();
    for group in reader.metadata().row_groups() {
        for column in group.columns() {
            let (start, length) = extent(column, bytes)?;
            // Checked with the size of the table.
            frame::check_pages(&mut parts, start, length, group.num_rows().unsigned_abs())?;
        }
    }
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let mut columns = Vec::new();
    for (index, leaf) in schema.columns().iter().enumerate() {
        let optional = match (leaf.max_def_level(), leaf.max_rep_level()) {
            (0, 0) => false,
            (1, 0) => true,
            _ => return Err(unsupported(leaf.name(), "is nested")),
        };
        let mut whole = Table::default();
        for group in 0..reader.num_row_groups() {
            let column = match reader.get_row_group(group)?.get_column_reader(index)? {
                ColumnReader::DoubleColumnReader(column) => {
                    let values = values(column, optional)?;
                    Column::F64(values.into_iter().map(|v| v.unwrap_or(f64::NAN)).collect())
                }
                ColumnReader::FloatColumnReader(column) => {
                    let values = values(column, optional)?;
                    Column::F64(values.into_iter().map(|v| v.map_or(f64::NAN, f64::from)).collect())
                }
                ColumnReader::Int64ColumnReader(column) => {
                    integers(values(column, optional)?, optional)
                }
                ColumnReader::Int32ColumnReader(column) => {
                    let values = values(column, optional)?;
                    integers(values.into_iter().map(|v| v.map(i64::from)).collect(), optional)
                }
                ColumnReader::BoolColumnReader(column) => {
                    let values: Option<Vec<bool>> = values(column, optional)?.into_iter().collect();
                    Column::Bool(values.ok_or_else(|| unsupported(leaf.name(), "has gaps"))?)
                }
                _ => return Err(unsupported(leaf.name(), "holds neither numbers nor booleans")),
            };
            let part = Table::new(vec![(leaf.name().to_owned(), column)]);
            part.and_then(|part| whole.append(part))
                .map_err(|error| ParquetError::General(error.to_string()))?;
        }
        columns.extend(whole.columns().map(|(name, column)| (name.to_owned(), column.clone())));
    }
    Ok(columns)
}

/// The number of values, of which there must be no more than a file of so many bytes can be meant to
/// hold.
fn cells(metadata: &ParquetMetaData, bytes: u64) -> Result<u64> {
    let rows = metadata.row_groups().iter().map(|group| u64::try_from(group.num_rows()));
    let rows =
        rows.map(std::result::Result::ok).try_fold(0, |all: u64, rows| all.checked_add(rows?));
    let columns = metadata.file_metadata().schema_descr().num_columns() as u64;
    let cells = rows.and_then(|rows| rows.checked_mul(columns));
    let most = bytes.saturating_mul(CELLS).max(FEW_CELLS);
    cells.filter(|&cells| cells <= most).ok_or_else(|| {
        ParquetError::General(format!("it promises more than {most} values in {bytes} bytes"))
    })
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

fn integers(values: Vec<Option<i64>>, optional: bool) -> Column {
    if optional {
        Column::OptI64(values)
    } else {
        Column::I64(values.into_iter().flatten().collect())
    }
}

/// All values of a column of one row group.
fn values<T: DataType>(
    mut column: ColumnReaderImpl<T>,
    optional: bool,
) -> Result<Vec<Option<T::T>>> {
    let mut all = Vec::new();
    loop {
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        let (records, _, _) =
            column.read_records(ROWS_AT_A_TIME, Some(&mut levels), None, &mut values)?;
        if records == 0 {
            return Ok(all);
        }
        if optional {
            let mut present = values.into_iter();
            all.extend(levels.iter().map(|&level| (level > 0).then(|| present.next()).flatten()));
        } else {
            all.extend(values.into_iter().map(Some));
        }
    }
}

fn unsupported(column: &str, what: &str) -> ParquetError {
    ParquetError::General(format!("column '{column}' {what}; remove that column"))
}
