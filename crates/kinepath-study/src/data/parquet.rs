//! Parquet files with a column of encoded pictures, as
//! [Hugging Face's `datasets`](https://huggingface.co/docs/datasets/image_dataset) writes them.
//!
//! A picture is the binary value of a column, or the field `bytes` of a structure; classes are a column of
//! integers.

use std::fs::File;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use parquet::basic::Type as Physical;
use parquet::column::reader::ColumnReader;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;

use super::elements::RawArray;
use super::error::{DataError, place};
use super::footprint::Stored;
use super::keys;
use super::pictures::{Picture, Pictures, allowance};
use crate::parquet_file::{ParquetFile, all_values, next_values, reason};

/// What the names of files for training begin with, as in `train-00000-of-00002.parquet`.
const TRAIN: &str = "train";
/// What names of splits begin with.
const SPLITS: [&str; 6] = [TRAIN, "dev", "eval", "test", "val", "predict"];
/// Pictures decoded at a time, so that no more of them lie encoded in memory.
const AT_A_TIME: usize = 1024;

/// Reads one file, or several that continue each other.
pub(crate) fn read(paths: &[PathBuf]) -> Result<(RawArray, Option<Vec<i64>>), DataError> {
    let (mut pictures, mut labels) = (Pictures::default(), None);
    for (number, path) in paths.iter().enumerate() {
        let mut part = Part::open(path)?;
        part.append_pictures(&mut pictures)?;
        match (part.labels()?, &mut labels) {
            (Some(more), None) if number == 0 => labels = Some(more),
            (Some(more), Some(all)) => all.extend(more),
            (None, None) => {}
            _ => {
                return Err(
                    part.malformed("classes are in some files of its folder and not in others")
                );
            }
        }
    }
    let array = pictures.into_array();
    let none =
        || DataError::NoRecords { place: paths.first().map_or_else(String::new, |p| place(p)) };
    Ok((array.ok_or_else(none)?, labels))
}

/// What [`read`] takes, if the first picture can be read: all have its size.
pub(super) fn stored(paths: &[PathBuf]) -> Option<Stored> {
    let mut rows = 0_u64;
    for path in paths {
        rows = rows.checked_add(ParquetFile::open(File::open(path).ok()?).ok()?.rows)?;
    }
    let first = Part::open(paths.first()?).ok()?.first()?;
    Some(Stored::pixels(rows.saturating_mul(first.pixels.len() as u64)))
}

/// The training files of a folder with these names, in order: those that begin with `train` where there
/// are any, or else all.
///
/// # Errors
/// [`DataError::Folder`] for files of several splits, none of which is for training.
pub(crate) fn training_files(
    folder: &Path,
    names: &[String],
) -> Result<Option<Vec<PathBuf>>, DataError> {
    let is_parquet = |name: &&String| name.to_ascii_lowercase().ends_with(".parquet");
    let mut parts: Vec<_> = names.iter().filter(is_parquet).collect();
    let splits: Vec<_> =
        SPLITS.iter().filter(|split| parts.iter().any(|name| name.starts_with(**split))).collect();
    if splits.contains(&&TRAIN) {
        parts.retain(|name| name.starts_with(TRAIN));
    } else if splits.len() > 1 {
        let splits: Vec<&str> = splits.into_iter().copied().collect();
        let detail = format!("holds the splits {}; give one of its files", splits.join(", "));
        return Err(DataError::Folder { place: place(folder), detail });
    }
    parts.sort();
    Ok((!parts.is_empty()).then(|| parts.into_iter().map(|name| folder.join(name)).collect()))
}

/// A file, and which of its columns matter.
struct Part {
    file: ParquetFile,
    place: String,
    pictures: usize,
    labels: Option<usize>,
}

impl Part {
    fn open(path: &Path) -> Result<Self, DataError> {
        let place = place(path);
        let io = |error: std::io::Error| DataError::io(&place, &error);
        let file = File::open(path).map_err(io)?;
        if file.metadata().map_err(io)?.len() == 0 {
            return Err(DataError::Empty { place });
        }
        let file = ParquetFile::open(file).map_err(|error| malformed(&place, &reason(&error)))?;
        let (mut binary, mut plain) = (Vec::new(), Vec::new());
        for (index, column) in file.columns().iter().enumerate() {
            let is_binary = column.physical_type() == Physical::BYTE_ARRAY;
            match column.path().parts() {
                // Of lists.
                _ if column.max_rep_level() > 0 => {}
                [name, field] if is_binary && field == "bytes" => {
                    binary.push((name.clone(), index))
                }
                [name] => {
                    if is_binary {
                        binary.push((name.clone(), index));
                    }
                    plain.push((name.clone(), index));
                }
                _ => {}
            }
        }
        let Some(pictures) = keys::PICTURES.iter().find_map(|key| at(&binary, key)) else {
            let all: Vec<_> = file.columns().iter().map(|column| column.path().string()).collect();
            let detail = format!(
                "no column of encoded pictures is named {}; it has {}",
                keys::PICTURES.join(", "),
                all.join(", ")
            );
            return Err(malformed(&place, &detail));
        };
        let labels = keys::CLASSES.iter().find_map(|key| at(&plain, key));
        if let Some(column) = labels.map(|at| &file.columns()[at])
            && !matches!(column.physical_type(), Physical::INT32 | Physical::INT64)
        {
            return Err(DataError::ElementType {
                place,
                what: format!("column '{}'", column.name()),
                dtype: column.physical_type().to_string(),
                supported: "integers, or give the column another name",
            });
        }
        Ok(Self { file, place, pictures, labels })
    }

    /// Decodes the pictures, row after row.
    ///
    /// A picture may stand for many equal rows, in no more bytes. There are no more rows than bytes, though,
    /// and all of them together may become as large as one picture of the file's length.
    fn append_pictures(&mut self, pictures: &mut Pictures) -> Result<(), DataError> {
        let (rows, bytes) = (self.file.rows, self.file.bytes);
        let pixels = self.first().map_or(0, |first| first.pixels.len() as u64);
        if rows > bytes || rows.saturating_mul(pixels) > allowance(bytes) {
            let detail = format!("{bytes} bytes cannot hold its {rows} pictures");
            return Err(self.malformed(&detail));
        }
        let mut row = 0;
        let present = self.file.columns()[self.pictures].max_def_level();
        for reader in self.readers(self.pictures)? {
            let ColumnReader::ByteArrayColumnReader(mut reader) = reader else {
                return Err(self.malformed("its groups have columns of different types"));
            };
            loop {
                let values = next_values(&mut reader, present, AT_A_TIME);
                let values = values.map_err(|error| self.damaged(&error))?;
                if values.is_empty() {
                    break;
                }
                let values: Vec<_> = (row..).zip(values).collect();
                row += values.len();
                pictures.extend(&values, |(row, value), first| {
                    self.decode(*row, value.as_ref(), first)
                })?;
            }
        }
        if row as u64 != rows {
            return Err(self.malformed(&format!("it holds {row} pictures of {rows}")));
        }
        Ok(())
    }

    /// The first picture.
    fn first(&mut self) -> Option<Picture> {
        let present = self.file.columns()[self.pictures].max_def_level();
        let first = self.readers(self.pictures).ok()?.into_iter().next()?;
        let ColumnReader::ByteArrayColumnReader(mut reader) = first else { return None };
        let values = next_values(&mut reader, present, 1).ok()?;
        self.decode(0, values.first()?.as_ref(), None).ok()
    }

    fn decode(
        &self,
        row: usize,
        value: Option<&ByteArray>,
        first: Option<&Picture>,
    ) -> Result<Picture, DataError> {
        let Some(value) = value else {
            let detail = format!("row {row} has no picture in it; store the bytes, not a path");
            return Err(self.malformed(&detail));
        };
        let bytes = value.data();
        let place = format!("{}, row {row}", self.place);
        Picture::decode(place, Cursor::new(bytes), bytes.len() as u64, first)
    }

    /// The class of every row, where there is a column of them.
    fn labels(&mut self) -> Result<Option<Vec<i64>>, DataError> {
        let Some(column) = self.labels else { return Ok(None) };
        let present = self.file.columns()[column].max_def_level();
        let mut labels = Vec::new();
        for reader in self.readers(column)? {
            let values = match reader {
                ColumnReader::Int64ColumnReader(reader) => all_values(reader, present),
                ColumnReader::Int32ColumnReader(reader) => all_values(reader, present)
                    .map(|values| values.into_iter().map(|value| value.map(i64::from)).collect()),
                _ => return Err(self.malformed("its groups have columns of different types")),
            };
            labels.extend(values.map_err(|error| self.damaged(&error))?);
        }
        let labels: Vec<_> = labels
            .into_iter()
            .enumerate()
            .map(|(row, label)| {
                label.ok_or_else(|| self.malformed(&format!("row {row} has no class")))
            })
            .collect::<Result<_, _>>()?;
        Ok(Some(labels))
    }

    fn readers(&mut self, column: usize) -> Result<Vec<ColumnReader>, DataError> {
        self.file.readers(column).map_err(|error| malformed(&self.place, &reason(&error)))
    }

    fn damaged(&self, error: &ParquetError) -> DataError {
        self.malformed(&reason(error))
    }

    fn malformed(&self, detail: &str) -> DataError {
        malformed(&self.place, detail)
    }
}

fn at(columns: &[(String, usize)], name: &str) -> Option<usize> {
    columns.iter().find(|column| column.0 == name).map(|column| column.1)
}

fn malformed(place: &str, detail: &str) -> DataError {
    DataError::Malformed { place: place.to_owned(), format: "Parquet", detail: detail.to_owned() }
}
