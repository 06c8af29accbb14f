//! Pieces of a run become the final files, one piece in memory at a time.

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::{ControlFlow, Range};
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};

use super::content::{Hashed, TableDigest};
use super::error::RunError;
use super::part::{PartFile, SAMPLES};
use super::pending::Pending;
use super::settings::RunSettings;
use super::table::Table;
use super::{RunCertificate, RunContent, SAMPLES_FILE, SETTINGS_FILE, TABLE_FILE, table_file};
use crate::Answer;

/// A stretch of the samples of a run. It is opened when it is asked something: there may be more
/// pieces than a process may have open files.
pub(crate) trait Piece {
    /// All but the bytes of the tensors.
    fn rows(&self) -> Result<Rows, RunError>;

    /// Copies the bytes of a tensor, f32 little-endian, to `to`, a file meant for `target`.
    fn copy(&self, name: &str, to: &mut impl Write, target: &Path) -> Result<(), RunError>;
}

/// What a piece holds besides the bytes of its tensors.
pub(crate) struct Rows {
    pub(crate) table: Table,
    /// Names and trailing axes of the tensors beside the samples, in order.
    pub(crate) tensors: Vec<(String, Vec<usize>)>,
    pub(crate) certificate: Option<RunCertificate>,
}

/// The file of a batch.
pub(crate) struct Batch<'a> {
    pub(crate) parts: &'a Path,
    pub(crate) range: Range<usize>,
}

impl Piece for Batch<'_> {
    fn rows(&self) -> Result<Rows, RunError> {
        let part = PartFile::open(self.parts, &self.range)?;
        Ok(Rows {
            table: part.table()?,
            tensors: part.layout()?.tensors,
            certificate: part.certificate(),
        })
    }

    fn copy(&self, name: &str, to: &mut impl Write, target: &Path) -> Result<(), RunError> {
        PartFile::open(self.parts, &self.range)?.copy(name, to, target)
    }
}

/// The final files under temporary names.
pub(crate) struct Assembled {
    pub(crate) samples: Pending,
    pub(crate) table: Pending,
    pub(crate) settings: Pending,
}

/// Assembles the pieces, which cover the run in order, for the folder `dir`; `parts` is where temporary
/// files go. `observe` is told the fraction of the work that is done.
///
/// # Errors
/// [`RunError::Stopped`] after a break; [`RunError`] when a piece cannot be read, has other tensors
/// or columns than the first, or the files cannot be written.
pub(crate) fn assemble(
    dir: &Path,
    parts: &Path,
    settings: &RunSettings,
    pieces: &[impl Piece],
    observe: &mut dyn FnMut(f64) -> Answer,
) -> Result<Assembled, RunError> {
    let Some((first, others)) = pieces.split_first() else {
        return Err(RunError::NotARun { path: dir.display().to_string() });
    };
    let Rows { table, tensors, certificate } = first.rows()?;
    // Tables are one of the things to go through the pieces for, and each tensor is another.
    let total = (pieces.len() * (tensors.len() + 2)) as f64;
    let mut done = 0.0;
    let mut step = || {
        done += 1.0;
        match observe(done / total) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(_) => Err(RunError::Stopped),
        }
    };

    let columns = table.columns().len();
    let mut digest = TableDigest::default();
    digest.update(&table);
    step()?;
    let mut certificates = vec![certificate];
    let target = dir.join(TABLE_FILE);
    let table = table_file::pending_in_pieces(table, parts, &target, |writer| {
        for piece in others {
            let rows = piece.rows()?;
            if rows.tensors != tensors {
                return Err(RunError::OtherTensors {
                    found: rows.tensors,
                    expected: tensors.clone(),
                });
            }
            digest.update(&rows.table);
            certificates.push(rows.certificate);
            writer.append(rows.table, &target)?;
            step()?;
        }
        Ok(())
    })?;
    let (samples, digests) = assemble_tensors(dir, parts, settings, pieces, &tensors, &mut step)?;

    let target = dir.join(SETTINGS_FILE);
    let content = RunContent { columns, table: digest.finish(), tensors: digests };
    let certificate = RunCertificate::of_all(certificates);
    let settings = RunSettings { certificate, content: Some(content), ..settings.clone() };
    let settings = settings.to_toml(&target)?;
    let settings = Pending::write(parts, &target, |file| {
        file.write_all(settings.as_bytes()).map_err(|error| RunError::io(&target, "write", &error))
    })?;
    Ok(Assembled { samples, table, settings })
}

/// The file of the tensors, and the digest of each.
fn assemble_tensors(
    dir: &Path,
    parts: &Path,
    settings: &RunSettings,
    pieces: &[impl Piece],
    tensors: &[(String, Vec<usize>)],
    step: &mut dyn FnMut() -> Result<(), RunError>,
) -> Result<(Pending, BTreeMap<String, String>), RunError> {
    let target = dir.join(SAMPLES_FILE);
    let header = header(settings, tensors).map_err(|error| RunError::damaged(&target, error))?;
    let mut digests = BTreeMap::new();
    let pending = Pending::write(parts, &target, |file| {
        let io = |error: std::io::Error| RunError::io(&target, "write", &error);
        file.write_all(&(header.len() as u64).to_le_bytes()).map_err(io)?;
        file.write_all(&header).map_err(io)?;
        for name in std::iter::once(SAMPLES).chain(tensors.iter().map(|(name, _)| name.as_str())) {
            let mut hashed = Hashed::new(&mut *file);
            for piece in pieces {
                piece.copy(name, &mut hashed, &target)?;
                step()?;
            }
            digests.insert(name.to_owned(), hashed.finish());
        }
        Ok(())
    })?;
    Ok((pending, digests))
}

/// The safetensors header: all tensors f32, one after the other, padded to a multiple of 8 bytes.
fn header(settings: &RunSettings, others: &[(String, Vec<usize>)]) -> Result<Vec<u8>, String> {
    let mut tensors = Vec::new();
    let mut offset = 0;
    let samples = (SAMPLES.to_owned(), settings.shape.clone());
    for (name, rest) in std::iter::once(&samples).chain(others) {
        let shape: Vec<usize> = std::iter::once(settings.count).chain(rest.clone()).collect();
        let end = offset + shape.iter().product::<usize>() * size_of::<f32>();
        let info = TensorInfo { dtype: Dtype::F32, shape, data_offsets: (offset, end) };
        tensors.push((name.clone(), info));
        offset = end;
    }
    let metadata = Metadata::new(None, tensors).map_err(|error| error.to_string())?;
    let mut header = serde_json::to_vec(&metadata).map_err(|error| error.to_string())?;
    header.resize(header.len().next_multiple_of(8), b' ');
    Ok(header)
}
