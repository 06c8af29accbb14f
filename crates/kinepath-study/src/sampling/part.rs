//! From paths to the part of a run folder.

use kinepath::paths::Paths;
use ndarray::{ArrayD, IxDyn};

use super::SampleJob;
use super::search::Draws;
use crate::StudyError;
use crate::run::{Column, EFFECTIVE_COUNT, FIRST_DRAWS, POSTERIOR_ENTROPY, Part, Table, columns};

impl SampleJob<'_> {
    /// The part that begins at sample `start`; `draws` tell of a selection.
    pub(super) fn part(
        &self,
        start: usize,
        paths: Paths,
        labels: Option<&[i64]>,
        draws: Option<Draws>,
    ) -> Result<Part, StudyError> {
        let shape = &self.source.shape;
        let mut part = measured_part(start, self.first, shape, paths, labels)?;
        if let Some(Draws { attempts, first, first_kpe }) = draws {
            let used = attempts.iter().enumerate();
            let used = used.map(|(slot, tried)| self.noise_index(start + slot, tried - 1) as i64);
            part.table.set(columns::NOISE_INDEX, Column::I64(used.collect()))?;
            let attempts = attempts.into_iter().map(|attempts| attempts as i64);
            part.table.set(columns::ATTEMPTS, Column::I64(attempts.collect()))?;
            part.table.set(columns::FIRST_KPE, Column::F64(first_kpe))?;
            part.tensors.push((FIRST_DRAWS.to_owned(), unflatten(shape, first.into_dyn())));
        }
        Ok(part)
    }
}

/// The part that begins at sample `start` of a run whose first sample has the index `first`, of
/// samples of one `shape` whose paths were measured.
pub(super) fn measured_part(
    start: usize,
    first: usize,
    shape: &[usize],
    paths: Paths,
    labels: Option<&[i64]>,
) -> Result<Part, StudyError> {
    let rows = paths.len();
    let floats = |values: Vec<f64>| Column::F64(values);
    let (efficiency, spike) = (paths.efficiency().to_vec(), paths.terminal_spike().to_vec());
    let noise_left = paths.noise_left.unwrap_or_else(|| vec![f64::NAN; rows]);
    let mut table = bare_table(first + start, rows, labels)?;
    for (name, column) in [
        (columns::KPE, floats(paths.kpe)),
        (columns::KPE_LAUNCH, floats(paths.launch)),
        (columns::KPE_LANDING, floats(paths.landing)),
        (columns::DISPLACEMENT, floats(paths.displacement)),
        (columns::EFFICIENCY, floats(efficiency)),
        (columns::TERMINAL_SPIKE, floats(spike)),
        (columns::NOISE_LEFT, floats(noise_left)),
        (columns::MEAN_GAIN, floats(paths.mean_gain)),
        (columns::NFE, Column::I64(paths.nfe.iter().map(|&nfe| i64::from(nfe)).collect())),
    ] {
        table.set(name, column)?;
    }
    let mut tensors = Vec::new();
    let mut keep = |name: &str, array: ArrayD<f32>| tensors.push((name.to_owned(), array));
    if let Some(profile) = paths.profile {
        keep("profile", profile.mapv(|v| v as f32).into_dyn());
    }
    if let Some(map) = paths.energy_map {
        keep("energy_map", unflatten(shape, map.into_dyn()));
    }
    if let Some(trajectory) = paths.trajectory {
        keep("trajectory", unflatten(shape, trajectory.into_dyn()));
    }
    if let Some(parts) = paths.parts {
        table.set(columns::KPE_CONDITIONAL, floats(parts.conditional))?;
        table.set(columns::KPE_UNCONDITIONAL, floats(parts.unconditional))?;
    }
    let certificate = paths.posterior.as_ref().map(|posterior| posterior.certificate);
    if let Some(posterior) = paths.posterior {
        let collapse = posterior.collapse.into_iter().map(|t| t.unwrap_or(f64::NAN)).collect();
        let top = posterior.top.into_iter().map(|row| row as i64).collect();
        let error = vec![posterior.certificate.velocity_error; rows];
        table.set(columns::COLLAPSE_TIME, floats(collapse))?;
        table.set(columns::TOP_INDEX, Column::I64(top))?;
        table.set(columns::VELOCITY_ERROR, floats(error))?;
        for (name, values) in
            [(POSTERIOR_ENTROPY, posterior.entropy), (EFFECTIVE_COUNT, posterior.effective_count)]
        {
            if let Some(values) = values {
                keep(name, values.mapv(|v| v as f32).into_dyn());
            }
        }
    }
    let certificate = certificate.map(Into::into);
    Ok(Part { start, samples: paths.endpoints, table, tensors, certificate })
}

/// The columns that every sample has: its index, from `first` on, and its class, if any.
pub(super) fn bare_table(
    first: usize,
    rows: usize,
    labels: Option<&[i64]>,
) -> Result<Table, StudyError> {
    let labels = match labels {
        None => vec![None; rows],
        Some(labels) => labels.iter().copied().map(Some).collect(),
    };
    let index = (first..first + rows).map(|i| i as i64).collect();
    Ok(Table::new(vec![
        (columns::INDEX.to_owned(), Column::I64(index)),
        (columns::LABEL.to_owned(), Column::OptI64(labels)),
    ])?)
}

/// Gives the last axis, a flattened sample, the shape of a sample.
fn unflatten(shape: &[usize], array: ArrayD<f32>) -> ArrayD<f32> {
    let leading = &array.shape()[..array.ndim() - 1];
    let shape = [leading, shape].concat();
    // D is the product of the sample's shape, and the sampler's arrays are contiguous.
    array.into_shape_with_order(IxDyn(&shape)).unwrap_or_default()
}
