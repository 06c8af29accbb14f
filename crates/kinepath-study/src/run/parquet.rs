//! [`Table`] as a Parquet file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, Repetition, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{BoolType, DataType, DoubleType, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

use super::error::RunError;
use super::pending::Pending;
use super::table::{Column, Table};

/// Rows read at a time, so that memory follows what is there and not what a footer promises.
const ROWS_AT_A_TIME: usize = 1 << 16;

/// Rows of a row group: as many as are in memory while a table is written piece by piece.
const ROWS_OF_A_GROUP: usize = 1 << 20;

/// Writes `table` into `folder`, still under a temporary name; `target` is its final one.
pub(crate) fn pending(
    table: Table,
    folder: &Path,
    target: &Path,
) -> std::result::Result<Pending, RunError> {
    pending_in_pieces(table, folder, target, |_| Ok(()))
}

/// Writes a table into `folder` that begins with the rows `first`, and to which `further` appends.
/// What is written depends on the rows alone, not on the pieces that they come in.
pub(crate) fn pending_in_pieces(
    first: Table,
    folder: &Path,
    target: &Path,
    further: impl FnOnce(
        &mut TableWriter<&mut BufWriter<&mut File>>,
    ) -> std::result::Result<(), RunError>,
) -> std::result::Result<Pending, RunError> {
    Pending::write(folder, target, |file| {
        let failed = |error| failure(target, error);
        let mut writer = TableWriter { file: begin(&first, file).map_err(failed)?, rows: first };
        further(&mut writer)?;
        writer.finish().map_err(failed)
    })
}

/// A table that is being written, a row group at a time.
pub(crate) struct TableWriter<W: Write + Send> {
    file: SerializedFileWriter<W>,
    /// The rows that fill no group yet.
    rows: Table,
}

impl<W: Write + Send> TableWriter<W> {
    /// Appends rows of the same columns; `target` is the final name of the file.
    pub(crate) fn append(
        &mut self,
        rows: Table,
        target: &Path,
    ) -> std::result::Result<(), RunError> {
        self.rows.append(rows)?;
        self.write_full_groups().map_err(|error| failure(target, error))
    }

    fn write_full_groups(&mut self) -> Result<()> {
        while self.rows.rows() >= ROWS_OF_A_GROUP {
            write_group(&mut self.file, &self.rows.slice(0..ROWS_OF_A_GROUP))?;
            self.rows = self.rows.slice(ROWS_OF_A_GROUP..self.rows.rows());
        }
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        self.write_full_groups()?;
        if self.rows.rows() > 0 {
            write_group(&mut self.file, &self.rows)?;
        }
        self.file.close()?;
        Ok(())
    }
}

/// A file for a table of the columns of `table`.
fn begin<W: Write + Send>(table: &Table, to: W) -> Result<SerializedFileWriter<W>> {
    let fields = table
        .columns()
        .map(|(name, column)| {
            let (physical, repetition) = match column {
                Column::F64(_) => (Physical::DOUBLE, Repetition::REQUIRED),
                Column::I64(_) => (Physical::INT64, Repetition::REQUIRED),
                Column::OptI64(_) => (Physical::INT64, Repetition::OPTIONAL),
                Column::Bool(_) => (Physical::BOOLEAN, Repetition::REQUIRED),
            };
            let field = Type::primitive_type_builder(name, physical).with_repetition(repetition);
            field.build().map(Arc::new)
        })
        .collect::<Result<_>>()?;
    let schema = Type::group_type_builder("schema").with_fields(fields).build()?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    SerializedFileWriter::new(to, Arc::new(schema), Arc::new(properties))
}

fn write_group<W: Write + Send>(file: &mut SerializedFileWriter<W>, rows: &Table) -> Result<()> {
    let mut group = file.next_row_group()?;
    for (_, column) in rows.columns() {
        let Some(mut writer) = group.next_column()? else { break };
        write_column(column, &mut writer)?;
        writer.close()?;
    }
    group.close()?;
    Ok(())
}

/// What writing a file for `target` failed of. The Parquet writer hides the class of an I/O failure
/// inside its own error.
fn failure(target: &Path, error: ParquetError) -> RunError {
    match error {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(error) => RunError::io(target, "write", &error),
            Err(error) => RunError::damaged(target, error),
        },
        error => RunError::damaged(target, error),
    }
}

fn write_column(column: &Column, writer: &mut SerializedColumnWriter<'_>) -> Result<usize> {
    match column {
        Column::F64(values) => writer.typed::<DoubleType>().write_batch(values, None, None),
        Column::I64(values) => writer.typed::<Int64Type>().write_batch(values, None, None),
        Column::Bool(values) => writer.typed::<BoolType>().write_batch(values, None, None),
        Column::OptI64(values) => {
            let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
            let present: Vec<i64> = values.iter().flatten().copied().collect();
            writer.typed::<Int64Type>().write_batch(&present, Some(&levels), None)
        }
    }
}

/// Reads a table of numbers, also one that another program has rewritten: narrower numbers are
/// widened, and an absent floating-point value becomes NaN.
pub(crate) fn read(path: &Path) -> std::result::Result<Table, RunError> {
    let file = File::open(path).map_err(|error| RunError::io(path, "read", &error))?;
    // The Parquet crate panics on some damaged pages (as of 60.1); for the reader of a table that
    // is one more way for a file to be damaged.
    let columns = catch_unwind(AssertUnwindSafe(|| read_columns(file)))
        .map_err(|_| RunError::damaged(path, "its pages contradict its footer"))?
        .map_err(|error| RunError::damaged(path, error))?;
    Ok(Table::new(columns)?)
}

fn read_columns(file: File) -> Result<Vec<(String, Column)>> {
    let bytes = file.metadata()?.len();
    let reader = SerializedFileReader::new(file)?;
    for group in reader.metadata().row_groups() {
        group.columns().iter().try_for_each(|column| check_extent(column, bytes))?;
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

/// Refuses a column that does not lie inside the file; the Parquet crate would panic.
fn check_extent(column: &ColumnChunkMetaData, bytes: u64) -> Result<()> {
    let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
    let end = start.checked_add(column.compressed_size());
    let inside = start >= 0
        && column.compressed_size() >= 0
        && end.and_then(|end| u64::try_from(end).ok()).is_some_and(|end| end <= bytes);
    if inside {
        return Ok(());
    }
    Err(ParquetError::General(format!("column '{}' lies outside the file", column.column_path())))
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
