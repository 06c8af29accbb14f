//! Reading a table.

use std::fs::File;
use std::path::Path;

use parquet::column::reader::ColumnReader;
use parquet::errors::{ParquetError, Result};

use crate::data::{DataError, place};
use crate::memory;
use crate::parquet_file::{ParquetFile, all_values, reason};
use crate::run::error::RunError;
use crate::run::table::{Column, Table};

/// Bytes that a value takes, with the mark of an absent one.
const CELL: u64 = 16;

/// Reads a table of numbers, also one that another program has rewritten: narrower numbers are
/// widened, and an absent floating-point value becomes NaN.
pub(crate) fn read(path: &Path) -> std::result::Result<Table, RunError> {
    let mut file = open(path)?;
    let columns =
        read_columns(&mut file).map_err(|error| RunError::damaged(path, reason(&error)))?;
    Ok(Table::new(columns)?)
}

/// Refuses a table that does not fit into memory, which its footer tells.
pub(crate) fn require(path: &Path) -> std::result::Result<(), RunError> {
    open(path).map(drop)
}

/// A table that is no larger than its file can hold and memory allows.
fn open(path: &Path) -> std::result::Result<ParquetFile, RunError> {
    let file = File::open(path).map_err(|error| RunError::io(path, "read", &error))?;
    let file = ParquetFile::open(file).map_err(|error| RunError::damaged(path, reason(&error)))?;
    let what = || format!("{}: a table of {} values", place(path), file.cells);
    let needed = file.cells.saturating_mul(CELL);
    memory::require(what, needed, "use fewer samples, or a machine with more memory")
        .map_err(DataError::from)?;
    Ok(file)
}

fn read_columns(file: &mut ParquetFile) -> Result<Vec<(String, Column)>> {
    let mut columns = Vec::new();
    for index in 0..file.columns().len() {
        let leaf = file.columns()[index].clone();
        let (name, present) = (leaf.name(), leaf.max_def_level());
        if leaf.path().parts().len() > 1 || leaf.max_rep_level() > 0 {
            return Err(unsupported(name, "is nested"));
        }
        let mut whole = Table::default();
        for reader in file.readers(index)? {
            let column = match reader {
                ColumnReader::DoubleColumnReader(column) => {
                    let values = all_values(column, present)?;
                    Column::F64(values.into_iter().map(|v| v.unwrap_or(f64::NAN)).collect())
                }
                ColumnReader::FloatColumnReader(column) => {
                    let values = all_values(column, present)?;
                    Column::F64(values.into_iter().map(|v| v.map_or(f64::NAN, f64::from)).collect())
                }
                ColumnReader::Int64ColumnReader(column) => {
                    integers(all_values(column, present)?, present > 0)
                }
                ColumnReader::Int32ColumnReader(column) => {
                    let values = all_values(column, present)?;
                    integers(values.into_iter().map(|v| v.map(i64::from)).collect(), present > 0)
                }
                ColumnReader::BoolColumnReader(column) => {
                    let values: Option<_> = all_values(column, present)?.into_iter().collect();
                    Column::Bool(values.ok_or_else(|| unsupported(name, "has gaps"))?)
                }
                _ => return Err(unsupported(name, "holds neither numbers nor booleans")),
            };
            let part = Table::new(vec![(name.to_owned(), column)]);
            part.and_then(|part| whole.append(part))
                .map_err(|error| ParquetError::General(error.to_string()))?;
        }
        columns.extend(whole.into_columns());
    }
    Ok(columns)
}

fn integers(values: Vec<Option<i64>>, optional: bool) -> Column {
    if optional {
        Column::OptI64(values)
    } else {
        Column::I64(values.into_iter().flatten().collect())
    }
}

fn unsupported(column: &str, what: &str) -> ParquetError {
    ParquetError::General(format!("column '{column}' {what}; remove that column"))
}
