//! The books of a run: energies and what [`Record`](crate::record::Record) asked for.

use ndarray::{Array2, Array3, ArrayView1, s};

use super::state::Measure;
use super::{SampleError, Sampler, state};
use crate::paths::{PartEnergies, Paths};
use crate::plan::{Phase, Stage, Step};

/// Energies and recordings as they accumulate.
pub(super) struct Ledger {
    launch: Vec<f64>,
    landing: Vec<f64>,
    terminal: Vec<f64>,
    /// ∫η dt of every row.
    gain: Vec<f64>,
    /// Length of the time interval.
    span: f64,
    nfe: Vec<u32>,
    profile: Option<Array2<f64>>,
    energy_map: Option<Array2<f64>>,
    parts: Option<PartEnergies>,
    trajectory: Option<Array3<f32>>,
    nodes: Vec<usize>,
}

impl Ledger {
    pub(super) fn new(sampler: &Sampler<'_>, rows: usize) -> Self {
        let (steps, dim) = (sampler.plan.grid().steps(), sampler.field.dim());
        let record = &sampler.record;
        let kept = record.trajectory.len();
        Self {
            launch: vec![0.0; rows],
            landing: vec![0.0; rows],
            terminal: vec![0.0; rows],
            gain: vec![0.0; rows],
            span: sampler.plan.grid().end() - sampler.plan.grid().start(),
            nfe: vec![0; rows],
            profile: record.profile.then(|| Array2::zeros((rows, steps))),
            energy_map: record.energy_map.then(|| Array2::zeros((rows, dim))),
            parts: record.parts.then(|| PartEnergies {
                conditional: vec![0.0; rows],
                unconditional: vec![f64::NAN; rows],
            }),
            trajectory: (kept > 0).then(|| Array3::zeros((rows, kept, dim))),
            nodes: record.trajectory.clone(),
        }
    }

    /// Books stage `j` of grid step `i`, of velocities `k` with the gain applied.
    ///
    /// # Errors
    /// [`SampleError::Velocity`] for the first row whose velocity is not finite.
    pub(super) fn stage(
        &mut self,
        sampler: &Sampler<'_>,
        (i, step): (usize, &Step),
        (j, stage): (usize, &Stage),
        k: &Array2<f32>,
        measures: &[Measure],
    ) -> Result<(), SampleError> {
        for (row, measure) in measures.iter().enumerate() {
            let &Measure { squared_speed, eta, .. } = measure;
            if !squared_speed.is_finite() {
                let sample = sampler.sample(row);
                return Err(SampleError::Velocity { sample, step: i, t: stage.t });
            }
            self.book(row, step.phase, stage.energy * squared_speed);
            self.push(row, stage.update * eta);
            self.count(row, sampler.field.evaluations(stage.t));
            self.map(row, stage.energy, k.row(row));
            self.book_parts(row, stage.energy, measure);
            if j == 0 {
                self.note_speed(row, i, squared_speed);
            }
        }
        Ok(())
    }

    /// Keeps all states at grid node `node`, if asked to.
    pub(super) fn keep_all(&mut self, node: usize, states: impl FnOnce() -> Array2<f32>) {
        if let (Some(trajectory), Ok(k)) = (&mut self.trajectory, self.nodes.binary_search(&node)) {
            trajectory.slice_mut(s![.., k, ..]).assign(&states());
        }
    }

    /// Books `energy` of row `row` to its phase.
    pub(super) fn book(&mut self, row: usize, phase: Phase, energy: f64) {
        let total = if phase.landing { &mut self.landing } else { &mut self.launch };
        total[row] += energy;
        self.terminal[row] += phase.terminal * energy;
    }

    /// Books the energies of the parts of row `row`'s velocity, times `weight`, where they were
    /// measured.
    pub(super) fn book_parts(&mut self, row: usize, weight: f64, measure: &Measure) {
        let (Some(energies), Some(parts)) = (&mut self.parts, measure.parts) else { return };
        if weight == 0.0 {
            return;
        }
        let weight = weight * measure.eta.powi(2);
        energies.conditional[row] += weight * parts.conditional;
        if let Some(speed) = parts.unconditional {
            let total = &mut energies.unconditional[row];
            *total = if total.is_nan() { 0.0 } else { *total } + weight * speed;
        }
    }

    /// Adds a stage's share of `∫η dt` of row `row`: its weight in the step times its gain.
    pub(super) fn push(&mut self, row: usize, share: f64) {
        self.gain[row] += share;
    }

    /// Counts `evaluations` of the field for row `row`.
    pub(super) fn count(&mut self, row: usize, evaluations: u32) {
        self.nfe[row] += evaluations;
    }

    /// Notes `‖k_1‖²` at the start of grid step `step`.
    pub(super) fn note_speed(&mut self, row: usize, step: usize, squared_speed: f64) {
        if let Some(profile) = &mut self.profile {
            profile[[row, step]] = squared_speed;
        }
    }

    /// Adds `weight·k²` to the energy map of row `row`.
    pub(super) fn map(&mut self, row: usize, weight: f64, stage: ArrayView1<'_, f32>) {
        if weight == 0.0 {
            return;
        }
        if let Some(map) = &mut self.energy_map {
            map.row_mut(row).zip_mut_with(&stage, |m, &k| *m += weight * f64::from(k).powi(2));
        }
    }

    /// Keeps the state of row `row` at grid node `node`, if asked to.
    pub(super) fn keep(&mut self, row: usize, node: usize, state: ArrayView1<'_, f32>) {
        if let (Some(trajectory), Ok(k)) = (&mut self.trajectory, self.nodes.binary_search(&node)) {
            trajectory.slice_mut(s![row, k, ..]).assign(&state);
        }
    }

    /// Closes the books; `noise_left` is that of every row, where it is known.
    pub(super) fn close(
        self,
        endpoints: Array2<f32>,
        noise: ndarray::ArrayView2<'_, f32>,
        noise_left: Option<Vec<f64>>,
    ) -> Paths {
        Paths {
            displacement: state::displacement(endpoints.view(), noise),
            endpoints,
            kpe: self.launch.iter().zip(&self.landing).map(|(a, b)| a + b).collect(),
            launch: self.launch,
            landing: self.landing,
            terminal: self.terminal,
            noise_left,
            mean_gain: self.gain.iter().map(|gain| gain / self.span).collect(),
            nfe: self.nfe,
            profile: self.profile,
            energy_map: self.energy_map.map(|map| map.mapv(|e| e as f32)),
            trajectory: self.trajectory,
            parts: self.parts,
            posterior: None,
        }
    }
}
