//! Parts become the final files, one part in memory at a time.

use std::io::Write;
use std::ops::Range;
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};

use super::error::RunError;
use super::part::{Layout, PartFile, SAMPLES};
use super::pending::Pending;
use super::settings::RunSettings;
use super::table::Table;
use super::{RunCertificate, SAMPLES_FILE, SETTINGS_FILE, TABLE_FILE, parquet};

/// The final files under temporary names.
pub(crate) struct Merged {
    pub(crate) samples: Pending,
    pub(crate) table: Pending,
    pub(crate) settings: Pending,
}

/// Merges all parts, which lie in `parts` and cover the run, for the folder `dir`.
pub(crate) fn merge(
    dir: &Path,
    parts: &Path,
    settings: &RunSettings,
    batches: &[Range<usize>],
) -> Result<Merged, RunError> {
    let Some(first) = batches.first() else {
        return Err(RunError::NotARun { path: dir.display().to_string() });
    };
    let layout = PartFile::open(parts, first)?.layout()?;
    let mut table = Table::default();
    let mut certificates = Vec::with_capacity(batches.len());
    for batch in batches {
        let mut part = PartFile::open(parts, batch)?;
        certificates.push(part.certificate());
        table.append(part.table()?)?;
    }
    let table = parquet::pending(&table, parts, &dir.join(TABLE_FILE))?;
    let samples = merge_tensors(dir, parts, settings, batches, &layout)?;
    let target = dir.join(SETTINGS_FILE);
    let certificate = RunCertificate::of_all(certificates);
    let settings = RunSettings { certificate, ..settings.clone() }.to_toml(&target)?;
    let settings = Pending::write(parts, &target, |file| {
        file.write_all(settings.as_bytes()).map_err(|error| RunError::io(&target, "write", &error))
    })?;
    Ok(Merged { samples, table, settings })
}

fn merge_tensors(
    dir: &Path,
    parts: &Path,
    settings: &RunSettings,
    batches: &[Range<usize>],
    layout: &Layout,
) -> Result<Pending, RunError> {
    let target = dir.join(SAMPLES_FILE);
    let header = header(settings, layout).map_err(|error| RunError::damaged(&target, error))?;
    Pending::write(parts, &target, |file| {
        let io = |error: std::io::Error| RunError::io(&target, "write", &error);
        file.write_all(&(header.len() as u64).to_le_bytes()).map_err(io)?;
        file.write_all(&header).map_err(io)?;
        for name in std::iter::once(SAMPLES).chain(layout.tensors.iter().map(|(n, _)| n.as_str())) {
            for batch in batches {
                PartFile::open(parts, batch)?.copy(name, file, &target)?;
            }
        }
        Ok(())
    })
}

/// The safetensors header: all tensors f32, one after the other, padded to a multiple of 8 bytes.
fn header(settings: &RunSettings, layout: &Layout) -> Result<Vec<u8>, String> {
    let mut tensors = Vec::new();
    let mut offset = 0;
    let samples = (SAMPLES.to_owned(), settings.shape.clone());
    for (name, rest) in std::iter::once(&samples).chain(&layout.tensors) {
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
