//! One batch of a run, and the file it waits in until the run is finished.
//!
//! A part is a safetensors file: the arrays, each column as a tensor, and a note that tells which
//! is which and in what order.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;

use ndarray::{Array2, ArrayD};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde::{Deserialize, Serialize};

use super::certificate::RunCertificate;
use super::error::RunError;
use super::pending;
use super::settings::RunSettings;
use super::table::{Column, Table};
use crate::data::tensors::TensorFile;

/// The name of the endpoints among the tensors.
pub(crate) const SAMPLES: &str = "samples";
/// The key of the note in the metadata of a part.
const NOTE: &str = "part";

/// The kind of a column of integers of which some may be absent.
const OPTIONAL: &str = "optional i64";

/// The results of one batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Index of the first sample.
    pub start: usize,
    /// Endpoints, `[n, D]`.
    pub samples: Array2<f32>,
    /// One row a sample, with the same columns in every part.
    pub table: Table,
    /// What was recorded beside the endpoints, by name: `[n, …]`, the same names and trailing
    /// axes in every part.
    pub tensors: Vec<(String, ArrayD<f32>)>,
    /// What following the paths guarantees, if they were followed.
    pub certificate: Option<RunCertificate>,
}

/// What all parts of a run have in common.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layout {
    /// Names and trailing axes of the tensors beside the samples.
    pub(crate) tensors: Vec<(String, Vec<usize>)>,
    /// Names and kinds of the columns.
    pub(crate) columns: Vec<(String, String)>,
}

/// Order and kinds, as written into the file, and what is no array.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    tensors: Vec<String>,
    columns: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificate: Option<RunCertificate>,
}

/// The name of the file of a batch.
pub(crate) fn file_name(range: &Range<usize>) -> String {
    format!("part-{:012}-{:012}.safetensors", range.start, range.end)
}

/// The batches of a run whose files lie in `folder`, with their numbers, in no order. The files are
/// looked through, not the batches: settings can promise more of those than anyone could look for.
///
/// # Errors
/// [`RunError::Io`] when the folder cannot be read.
pub(crate) fn parts_in(
    folder: &Path,
    settings: &RunSettings,
) -> Result<impl Iterator<Item = (usize, Range<usize>)> + use<>, RunError> {
    let batches = settings.batches();
    let ranges = ranges_in(folder)?.into_iter();
    Ok(ranges.filter_map(move |range| Some((batches.number_of(&range)?, range))))
}

/// Whether a folder holds the file of any batch, of whatever run.
///
/// # Errors
/// [`RunError::Io`] when the folder cannot be read.
pub(crate) fn holds_parts(folder: &Path) -> Result<bool, RunError> {
    Ok(!ranges_in(folder)?.is_empty())
}

/// What the names of the files in a folder say that they are batches of.
fn ranges_in(folder: &Path) -> Result<Vec<Range<usize>>, RunError> {
    let unreadable = |error| RunError::io(folder, "read the folder", &error);
    let files = fs::read_dir(folder).map_err(unreadable)?;
    let ranges = files.map(|file| Ok(batch_of(&file?.file_name().to_string_lossy())));
    ranges.filter_map(io::Result::transpose).collect::<io::Result<_>>().map_err(unreadable)
}

/// The batch whose file has this name.
fn batch_of(file: &str) -> Option<Range<usize>> {
    let (start, end) = file.strip_prefix("part-")?.strip_suffix(".safetensors")?.split_once('-')?;
    Some(start.parse().ok()?..end.parse().ok()?)
}

impl Part {
    /// The samples of this part.
    pub(crate) fn range(&self) -> Range<usize> {
        self.start..self.start + self.samples.nrows()
    }

    /// The layout of this part; its arrays must have a row a sample.
    pub(crate) fn layout(&self) -> Result<Layout, RunError> {
        let rows = self.samples.nrows();
        let misfit = |what: &str, actual: usize| RunError::PartShape {
            start: self.start,
            what: format!("the length of {what}"),
            actual: actual.to_string(),
            expected: rows.to_string(),
        };
        if self.table.rows() != rows {
            return Err(misfit("the table", self.table.rows()));
        }
        let mut tensors = Vec::new();
        for (name, tensor) in &self.tensors {
            match tensor.shape() {
                [first, rest @ ..] if *first == rows => tensors.push((name.clone(), rest.to_vec())),
                shape => return Err(misfit(name, shape.first().copied().unwrap_or(0))),
            }
        }
        let kind = |(name, column): (&str, &Column)| (name.to_owned(), column.kind().to_owned());
        Ok(Layout { tensors, columns: self.table.columns().map(kind).collect() })
    }

    /// Writes the part to `path`, atomically.
    pub(crate) fn write(&self, path: &Path) -> Result<(), RunError> {
        let mut tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
        let bytes = self.samples.iter().flat_map(|value| value.to_le_bytes()).collect();
        tensors.push((SAMPLES.to_owned(), Dtype::F32, self.samples.shape().to_vec(), bytes));
        for (name, tensor) in &self.tensors {
            let bytes = tensor.iter().flat_map(|value| value.to_le_bytes()).collect();
            tensors.push((name.clone(), Dtype::F32, tensor.shape().to_vec(), bytes));
        }
        for (name, column) in self.table.columns() {
            let (dtype, bytes) = match column {
                Column::F64(values) => {
                    (Dtype::F64, values.iter().flat_map(|value| value.to_le_bytes()).collect())
                }
                Column::I64(values) => {
                    (Dtype::I64, values.iter().flat_map(|value| value.to_le_bytes()).collect())
                }
                Column::OptI64(values) => {
                    let present = values.iter().map(|value| u8::from(value.is_some())).collect();
                    tensors.push((present_key(name), Dtype::U8, vec![values.len()], present));
                    let filled = values.iter().map(|value| value.unwrap_or(0));
                    (Dtype::I64, filled.flat_map(i64::to_le_bytes).collect())
                }
                Column::Bool(values) => {
                    (Dtype::U8, values.iter().map(|&value| u8::from(value)).collect())
                }
            };
            tensors.push((column_key(name), dtype, vec![column.len()], bytes));
        }
        let layout = self.layout()?;
        let note = Note {
            tensors: names(&layout.tensors),
            columns: layout.columns,
            certificate: self.certificate,
        };
        let note = serde_json::to_string(&note).map_err(|error| RunError::damaged(path, error))?;
        let views = tensors
            .iter()
            .map(|(name, dtype, shape, bytes)| {
                Ok((name.as_str(), TensorView::new(*dtype, shape.clone(), bytes)?))
            })
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>();
        let file = views
            .and_then(|views| {
                safetensors::serialize(views, Some(HashMap::from([(NOTE.to_owned(), note)])))
            })
            .map_err(|error| RunError::damaged(path, error))?;
        pending::write_bytes(path, &file)
    }
}

/// A part on the disk.
pub(crate) struct PartFile {
    file: TensorFile,
    path: std::path::PathBuf,
    note: Note,
}

impl PartFile {
    /// Opens the part of the batch `range` in `folder` and checks that it holds that many samples.
    pub(crate) fn open(folder: &Path, range: &Range<usize>) -> Result<Self, RunError> {
        let path = folder.join(file_name(range));
        let file = TensorFile::open(&path)?;
        let rows = file.info(SAMPLES)?.shape.first().copied();
        if rows != Some(range.len()) {
            return Err(RunError::damaged(&path, format!("{rows:?} samples in {range:?}")));
        }
        let note = file.note(NOTE).unwrap_or_default();
        let note: Note =
            serde_json::from_str(note).map_err(|error| RunError::damaged(&path, error))?;
        let mut names = HashSet::from([SAMPLES]);
        for name in &note.tensors {
            let info = file.info(name)?;
            // Each becomes a tensor of the run, beside those of the other parts.
            let fits = info.dtype == Dtype::F32 && info.shape.first() == Some(&range.len());
            if !(fits && names.insert(name)) {
                return Err(RunError::damaged(&path, format!("its note names '{name}'")));
            }
        }
        for (name, kind) in &note.columns {
            // Each value becomes a row of the table, in the order of the samples.
            let mut tensors = vec![(column_key(name), word(kind))];
            if kind == OPTIONAL {
                tensors.push((present_key(name), Some(Dtype::U8)));
            }
            for (key, dtype) in tensors {
                let info = file.info(&key)?;
                if Some(info.dtype) != dtype || info.shape != [range.len()] {
                    let detail = format!("'{key}' is no column of {} values", range.len());
                    return Err(RunError::damaged(&path, detail));
                }
            }
        }
        Ok(Self { file, path, note })
    }

    /// The layout of this part.
    pub(crate) fn layout(&self) -> Result<Layout, RunError> {
        let mut tensors = Vec::new();
        for name in &self.note.tensors {
            let shape = &self.file.info(name)?.shape;
            tensors.push((name.clone(), shape.get(1..).unwrap_or_default().to_vec()));
        }
        Ok(Layout { tensors, columns: self.note.columns.clone() })
    }

    /// What following the paths of this part guarantees, if they were followed.
    pub(crate) fn certificate(&self) -> Option<RunCertificate> {
        self.note.certificate
    }

    /// Copies the bytes of a tensor, f32 little-endian, to `to`, a file meant for `target`.
    pub(crate) fn copy(
        &self,
        name: &str,
        to: &mut impl Write,
        target: &Path,
    ) -> Result<(), RunError> {
        self.file.copy(name, to).map_err(|error| RunError::copy(target, error))
    }

    /// Reads the rows of the table.
    pub(crate) fn table(&self) -> Result<Table, RunError> {
        let mut columns = Vec::new();
        for (name, kind) in self.note.columns.clone() {
            let bytes = self.bytes(&column_key(&name))?;
            let (words, _) = bytes.as_chunks::<8>();
            let column = match kind.as_str() {
                "f64" => Column::F64(words.iter().map(|&word| f64::from_le_bytes(word)).collect()),
                "i64" => Column::I64(words.iter().map(|&word| i64::from_le_bytes(word)).collect()),
                OPTIONAL => {
                    let present = self.bytes(&present_key(&name))?;
                    let values = words.iter().map(|&word| i64::from_le_bytes(word));
                    Column::OptI64(
                        values.zip(present).map(|(value, p)| (p != 0).then_some(value)).collect(),
                    )
                }
                "bool" => Column::Bool(bytes.iter().map(|&byte| byte != 0).collect()),
                other => {
                    let detail = format!("column '{name}' has the unknown kind '{other}'");
                    return Err(RunError::damaged(&self.path, detail));
                }
            };
            columns.push((name, column));
        }
        Ok(Table::new(columns)?)
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, RunError> {
        let mut bytes = Vec::new();
        self.file.copy(name, &mut bytes).map_err(|error| RunError::copy(&self.path, error))?;
        Ok(bytes)
    }
}

/// The element type of a column of some kind, unless there is no such kind.
fn word(kind: &str) -> Option<Dtype> {
    match kind {
        "f64" => Some(Dtype::F64),
        "i64" | OPTIONAL => Some(Dtype::I64),
        "bool" => Some(Dtype::U8),
        _ => None,
    }
}

fn column_key(name: &str) -> String {
    format!("column/{name}")
}

fn present_key(name: &str) -> String {
    format!("present/{name}")
}

fn names(tensors: &[(String, Vec<usize>)]) -> Vec<String> {
    tensors.iter().map(|(name, _)| name.clone()).collect()
}
