//! [`Table`] as a Parquet file.

mod read;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, Repetition, Type as Physical};
use parquet::data_type::{BoolType, DoubleType, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

pub(crate) use read::{read, require};

use super::error::RunError;
use super::pending::Pending;
use super::table::{Column, Table};

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

#[cfg(test)]
mod tests;
