//! Further inputs of a network, from a safetensors file.

use std::collections::HashMap;
use std::path::Path;

use kinepath::field::{InputValues, NamedInput};
use kinepath_onnx::{Axis, ConditionInput};

use super::FieldInputs;
use crate::StudyError;
use crate::data::tensors::TensorFile;
use crate::data::{DataError, Elements, sha256_of_files};
use crate::run::FileSettings;

/// Rows are held as they are read, in their widest type, and once more as a network's slices have them.
const COPIES: u64 = 2;

/// Values looked through at a time.
const VALUES_AT_A_TIME: usize = 1 << 20;

/// An open file of inputs, whose tensors have been checked against what a field takes. Rows are
/// read when they are asked for.
#[derive(Debug)]
pub struct InputsFile {
    file: TensorFile,
    settings: FileSettings,
    entries: Vec<Entry>,
}

/// One tensor.
#[derive(Debug)]
struct Entry {
    name: String,
    /// The shape of one row.
    shape: Vec<usize>,
    /// Whether it has a row for each sample.
    each: bool,
}

/// What a file of inputs is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted {
    /// All inputs, of this many samples.
    Rows(usize),
    /// A null condition: those inputs that differ from the samples', with one row each.
    Null,
}

impl InputsFile {
    /// Opens the file at `path` of the inputs of all `total` samples of a run.
    ///
    /// # Errors
    /// [`StudyError::Data`] for a file that cannot be read; [`StudyError::Spec`] for a tensor of
    /// another name, kind, shape or number of rows than the field takes, or one that is missing.
    pub fn of_samples(path: &str, takes: &FieldInputs, total: usize) -> Result<Self, StudyError> {
        Self::open(path, takes, Wanted::Rows(total))
    }

    /// Opens the file at `path` and checks it against what a field takes.
    ///
    /// # Errors
    /// [`StudyError::Data`] for a file that cannot be read; [`StudyError::Spec`] for a tensor of
    /// another name, kind, shape or number of rows than the field takes, one that is missing, NaN and
    /// infinity, and numbers of rows that a table does not have.
    pub(crate) fn open(
        path: &str,
        takes: &FieldInputs,
        wanted: Wanted,
    ) -> Result<Self, StudyError> {
        let refuse =
            |reason: String| StudyError::Spec { what: "inputs", text: path.to_owned(), reason };
        let file = TensorFile::open(Path::new(path))?;
        let (mut entries, mut lengths) = (Vec::new(), SharedLengths::default());
        for name in file.names() {
            let Some(input) = takes.known().find(|input| input.name == name) else {
                return Err(refuse(takes.unknown(&name)));
            };
            let (shape, float) = file.kind(&name)?;
            let (rows, whose) = match wanted {
                Wanted::Rows(rows) => (rows, format!("{rows} samples")),
                Wanted::Null => (1, "a null condition".to_owned()),
            };
            let (each, shape) = fit(input, &shape, float, (rows, &whose)).map_err(refuse)?;
            lengths.check(input, shape).map_err(refuse)?;
            let entry = Entry { name, shape: shape.to_vec(), each };
            check_values(&file, input, &entry, rows, refuse)?;
            entries.push(entry);
        }
        let missing =
            |input: &&ConditionInput| entries.iter().all(|entry| entry.name != input.name);
        match (wanted, takes.needed.iter().find(missing)) {
            (Wanted::Rows(_), Some(input)) => {
                return Err(refuse(format!("it lacks the input `{}`", input.name)));
            }
            (Wanted::Null, _) if entries.is_empty() => {
                return Err(refuse("it holds no inputs".to_owned()));
            }
            _ => {}
        }
        let sha256 = sha256_of_files(&[path.into()])?;
        Ok(Self { file, settings: FileSettings { path: path.to_owned(), sha256 }, entries })
    }

    /// How many samples the file at `path` is for: the most rows of the tensors that have rows for
    /// samples; `None` where all have one for all.
    ///
    /// # Errors
    /// [`StudyError::Data`] for a file that cannot be read.
    pub fn count(path: &str, takes: &FieldInputs) -> Result<Option<usize>, StudyError> {
        let file = TensorFile::open(Path::new(path))?;
        let mut most = None;
        for input in takes.known() {
            let Ok(info) = file.info(&input.name) else { continue };
            if info.shape.len() == input.shape.len() + 1 && info.shape[0] != 1 {
                most = most.max(Some(info.shape[0]));
            }
        }
        Ok(most)
    }

    /// The path as given and the hash of the file.
    pub(crate) fn settings(&self) -> &FileSettings {
        &self.settings
    }

    /// Bytes that the rows of one sample take while they are asked for and given to the network.
    pub(crate) fn bytes_of_a_sample(&self) -> u64 {
        let values = self.entries.iter().filter(|entry| entry.each);
        let values = values.map(|entry| entry.shape.iter().product::<usize>() as u64).sum::<u64>();
        values.saturating_mul(COPIES * size_of::<i64>() as u64)
    }

    /// Whether there is a tensor of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.name == name)
    }

    /// The rows `rows`, in this order, and what is shared by all.
    ///
    /// # Errors
    /// [`StudyError::Data`] for a file that cannot be read any more.
    pub(crate) fn rows(&self, rows: &[usize]) -> Result<Vec<NamedInput>, StudyError> {
        self.entries.iter().map(|entry| self.read(entry, rows)).collect()
    }

    fn read(&self, entry: &Entry, rows: &[usize]) -> Result<NamedInput, StudyError> {
        let (rows, count) = if entry.each { (rows, Some(rows.len())) } else { (&[0][..], None) };
        let values = entry.values(&self.file, rows)?;
        Ok(NamedInput::new(&entry.name, count, &entry.shape, values)?)
    }
}

impl Entry {
    /// Its values in these rows.
    fn values(&self, file: &TensorFile, rows: &[usize]) -> Result<InputValues, DataError> {
        let width = self.shape.iter().product();
        Ok(match file.read_rows(&self.name, width, rows)? {
            Elements::F32(values) => InputValues::Float(values),
            Elements::I64(values) => InputValues::Integer(values),
            Elements::U8(values) => {
                InputValues::Integer(values.into_iter().map(i64::from).collect())
            }
        })
    }
}

/// Axes by their names, which are as long in every input: tokens and their mask.
#[derive(Default)]
struct SharedLengths<'a>(HashMap<&'a str, (&'a str, usize)>);

impl<'a> SharedLengths<'a> {
    /// Refuses a row of `input` that is not as long as that of an earlier input.
    fn check(&mut self, input: &'a ConditionInput, shape: &[usize]) -> Result<(), String> {
        for (axis, &length) in input.shape.iter().zip(shape) {
            let Axis::Free(name) = axis else { continue };
            if name.is_empty() {
                continue;
            }
            let (other, expected) = *self.0.entry(name).or_insert((&input.name, length));
            if length != expected {
                return Err(format!(
                    "`{}` has a length of {length} and `{other}` one of {expected}, where the network has \
                     one, `{name}`",
                    input.name
                ));
            }
        }
        Ok(())
    }
}

/// Looks through all values before any is given to the network, some rows at a time.
fn check_values(
    file: &TensorFile,
    input: &ConditionInput,
    entry: &Entry,
    rows: usize,
    refuse: impl Fn(String) -> StudyError,
) -> Result<(), StudyError> {
    let rows: Vec<usize> = (0..if entry.each { rows } else { 1 }).collect();
    let width = entry.shape.iter().product::<usize>().max(1);
    for some in rows.chunks((VALUES_AT_A_TIME / width).max(1)) {
        if input.check_values(&entry.values(file, some)?).is_ok() {
            continue;
        }
        for &row in some {
            input
                .check_values(&entry.values(file, &[row])?)
                .map_err(|reason| refuse(format!("{reason} (row {row})")))?;
        }
    }
    Ok(())
}

impl FieldInputs {
    /// The array `values` of `shape` as the input `name` of `rows` samples: with a row for each, or
    /// of one for all.
    ///
    /// # Errors
    /// [`StudyError::Spec`] for a name, kind, shape or number of rows that the field does not take.
    pub fn input(
        &self,
        name: &str,
        shape: &[usize],
        values: InputValues,
        rows: usize,
    ) -> Result<NamedInput, StudyError> {
        let refuse = |reason| StudyError::Spec { what: "input", text: name.to_owned(), reason };
        let input = self.known().find(|input| input.name == name);
        let input = input.ok_or_else(|| refuse(self.unknown(name)))?;
        let float = matches!(values, InputValues::Float(_));
        let whose = format!("{rows} samples");
        let (each, shape) = fit(input, shape, float, (rows, &whose)).map_err(refuse)?;
        Ok(NamedInput::new(name, each.then_some(rows), shape, values)?)
    }

    fn known(&self) -> impl Iterator<Item = &ConditionInput> {
        self.needed.iter().chain(&self.label)
    }

    /// What to say of a name that no input has.
    fn unknown(&self, name: &str) -> String {
        let names: Vec<_> = self.known().map(|input| format!("`{}`", input.name)).collect();
        let takes = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        format!("the network has no input `{name}` to be conditioned on; it takes {takes}")
    }
}

/// Whether an array of `shape` has a row for each of so many rows, and the shape of one row.
fn fit<'a>(
    input: &ConditionInput,
    shape: &'a [usize],
    float: bool,
    (rows, whose): (usize, &str),
) -> Result<(bool, &'a [usize]), String> {
    let name = &input.name;
    // Of the same number of axes as a row, it is one for all.
    let (first, row) = match shape.len().checked_sub(input.shape.len()) {
        Some(0) => (1, shape),
        Some(1) => (shape[0], &shape[1..]),
        _ => {
            return Err(format!(
                "`{name}` has the shape {shape:?}, but a row has {} axes, before which there may be \
                 one of the samples",
                input.shape.len()
            ));
        }
    };
    if first != 1 && first != rows {
        return Err(format!("`{name}` has {first} rows for {whose}; 1 would be for all"));
    }
    input.check(!float, row)?;
    Ok((first != 1, row))
}
