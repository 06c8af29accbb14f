//! Controls: samples made by something simpler than a gain, on the same noise.
//!
//! A damped path stops short of its end, and what is left over is noise: distances to the training
//! set grow by that alone. Each control makes the samples that such a trivial effect would make.

use kinepath::noise::noise;
use kinepath::stats::mean;
use ndarray::{Array2, ArrayD, ArrayView2, Axis, s};
use rayon::prelude::*;

use super::Observer;
use super::compare::ControlSamples;
use super::judged_run::JudgedRun;
use super::results::ControlKind;
use crate::StudyError;
use crate::conditions::RunConditions;
use crate::run::{RunSettings, columns};
use crate::source::FieldSource;

/// Earliest time whose states a baseline keeps for its early stop: a gain that leaves more than a
/// fifth of the noise has not finished sampling.
pub(super) const TAIL_START: f64 = 0.8;
/// Share of the starting noise that counts as none.
const NOTHING_LEFT: f64 = 1e-6;
/// Why controls for noise are not needed.
pub(super) const NO_NOISE_LEFT: &str = "The gain leaves no noise behind.";
/// Mixed into the seed, so that the noise added is not the noise that samples started from.
const ADDED_NOISE: u64 = 0x6e6f_6973_6521;

/// Samples a run with the constant gain given, in the folder of gain number `usize`.
pub(super) type ConstantRun<'a> =
    dyn FnMut(usize, f64, &mut Observer<'_>) -> Result<Array2<f32>, StudyError> + 'a;

/// What controls are made from.
pub(super) struct Controls<'a> {
    /// The model, or why it cannot be evaluated.
    pub(super) source: Result<&'a FieldSource, String>,
    /// Seed of the noise that is added.
    pub(super) seed: u64,
    /// Samples evaluated together.
    pub(super) batch: usize,
    /// How to sample with a constant gain; absent outside a study.
    pub(super) constant: Option<&'a mut ConstantRun<'a>>,
}

impl Controls<'_> {
    /// Every control of `gain`, which is number `number` of the study. A constant gain costs a
    /// whole run and is sampled only if there is an advantage to explain.
    ///
    /// # Errors
    /// [`StudyError`] for whatever evaluating the model or reading a run brings. A control that
    /// makes no sense here is none: it comes with the reason.
    pub(super) fn of_gain(
        &mut self,
        number: usize,
        baseline: &JudgedRun,
        gain: &JudgedRun,
        has_advantage: bool,
        observe: &mut Observer<'_>,
    ) -> Result<Vec<(ControlKind, ControlSamples)>, StudyError> {
        let left_over = match (left_over(baseline, gain)?, &self.source) {
            (Err(reason), _) => Err(reason),
            (Ok(_), Err(reason)) => Err(reason.clone()),
            (Ok(left), Ok(source)) => match gain.input.conditions(source) {
                Ok(conditions) => Ok((left, *source, conditions)),
                Err(error) => {
                    Err(format!("The samples' conditions cannot be given again: {error}."))
                }
            },
        };
        let mut controls = Vec::new();
        match left_over {
            Err(reason) => {
                for kind in
                    [ControlKind::NoiseMatched, ControlKind::Denoised, ControlKind::EarlyStop]
                {
                    controls.push((kind, Err(reason.clone())));
                }
            }
            Ok((left, source, conditions)) => {
                let RunSettings { first, count, .. } = *gain.input.settings();
                let (conditions, batch) = (&conditions, self.batch);
                let evaluate = Evaluation { source, conditions, first, count, batch };
                let denoised = evaluate.denoise(&gain.samples, &left)?;
                let noisy = self.noise_matched(&baseline.samples, &gain.samples, &denoised);
                controls.push((ControlKind::NoiseMatched, Ok(noisy)));
                controls.push((ControlKind::Denoised, Ok(denoised)));
                controls.push((ControlKind::EarlyStop, evaluate.early_stop(baseline, &left)?));
            }
        }
        let constant = match &mut self.constant {
            None => Err("A constant gain is sampled in a study only.".to_owned()),
            Some(_) if !has_advantage => Err("There is no advantage to explain.".to_owned()),
            Some(constant) => {
                let mean = mean(&gain.input.column(columns::MEAN_GAIN)?)?;
                Ok(constant(number, mean, observe)?)
            }
        };
        controls.push((ControlKind::Constant, constant));
        Ok(controls)
    }

    /// Baseline endpoints plus isotropic Gaussian noise of the size of each sample's residual, the
    /// distance that denoising moves the gain's endpoint.
    fn noise_matched(
        &self,
        baseline: &Array2<f32>,
        gain: &Array2<f32>,
        denoised: &Array2<f32>,
    ) -> Array2<f32> {
        let (count, dim) = baseline.dim();
        let mut noisy = noise(self.seed ^ ADDED_NOISE, 0..count as u64, dim);
        noisy.axis_iter_mut(Axis(0)).into_par_iter().enumerate().for_each(|(row, mut noisy)| {
            let squared: f64 = gain
                .row(row)
                .iter()
                .zip(denoised.row(row))
                .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2))
                .sum();
            let scale = (squared / dim as f64).sqrt() as f32;
            noisy.zip_mut_with(&baseline.row(row), |noise, &x| *noise = x + scale * *noise);
        });
        noisy
    }
}

/// The share of its starting noise that the gain leaves in every sample, or why the controls that
/// need it make no sense.
fn left_over(
    baseline: &JudgedRun,
    gain: &JudgedRun,
) -> Result<Result<Vec<f64>, String>, StudyError> {
    let refuse = |reason: &str| Ok(Err(reason.to_owned()));
    if !(gain.input.has_energies() && baseline.input.has_energies()) {
        return refuse("How much noise is left is not known: the paths were not measured.");
    }
    let own = gain.input.column(columns::NOISE_LEFT)?;
    let base = baseline.input.column(columns::NOISE_LEFT)?;
    if own.iter().chain(&base).any(|left| left.is_nan()) {
        return refuse(
            "How much noise is left is not known for this solver, which evaluates the field at \
             t = 1 or chooses its steps; euler and midpoint tell.",
        );
    }
    if base.iter().any(|&left| left > NOTHING_LEFT) {
        return refuse("The time grid itself stops before t = 1, so the baseline is noisy too.");
    }
    if own.iter().all(|&left| left <= NOTHING_LEFT) {
        return refuse(NO_NOISE_LEFT);
    }
    Ok(Ok(own))
}

/// The model, evaluated at a time of its own for every row.
struct Evaluation<'a> {
    source: &'a FieldSource,
    conditions: &'a RunConditions,
    /// Index of every seed's first sample.
    first: usize,
    /// Number of every seed's samples.
    count: usize,
    batch: usize,
}

impl Evaluation<'_> {
    /// One data-prediction step from `t = 1 − left`: `x̂1 = x + (1 − t) v(x, t)`.
    fn denoise(&self, samples: &Array2<f32>, left: &[f64]) -> Result<Array2<f32>, StudyError> {
        let times: Vec<f64> = left.iter().map(|left| 1.0 - left.max(0.0)).collect();
        self.step(samples.view(), &times, left)
    }

    /// The baseline's path to `t = 1 − left`: its state at the last node before, and the rest of
    /// the way in one Euler step.
    fn early_stop(&self, baseline: &JudgedRun, left: &[f64]) -> Result<ControlSamples, StudyError> {
        let times = &baseline.input.settings().record.trajectory;
        let (Some(&first), Some(states)) = (times.first(), baseline.input.trajectory()?) else {
            return Ok(Err("The baseline's states near t = 1 were not recorded; a study records \
                           them."
                .to_owned()));
        };
        if left.iter().any(|left| 1.0 - left < first) {
            return Ok(Err(format!(
                "The gain stops before t = {first}, in the middle of its path."
            )));
        }
        let node = |left: f64| times.partition_point(|&t| t <= 1.0 - left) - 1;
        let start = self.states_at(&states, left.iter().map(|&left| node(left)));
        let from: Vec<f64> = left.iter().map(|&left| times[node(left)]).collect();
        let sizes: Vec<f64> =
            left.iter().zip(&from).map(|(left, from)| 1.0 - left - from).collect();
        Ok(Ok(self.step(start.view(), &from, &sizes)?))
    }

    /// The recorded state of every sample at its own node.
    fn states_at(&self, states: &ArrayD<f32>, nodes: impl Iterator<Item = usize>) -> Array2<f32> {
        let (count, dim) = (states.shape()[0], self.source.field.dim());
        let mut picked = Array2::zeros((count, dim));
        for (row, node) in nodes.enumerate() {
            let state = states.index_axis(Axis(0), row);
            let state = state.index_axis(Axis(0), node);
            picked.row_mut(row).iter_mut().zip(state.iter()).for_each(|(p, &s)| *p = s);
        }
        picked
    }

    /// `x + size · v(x, t)` with a time and a size for every row; rows that do not move are not
    /// evaluated, since the field may be undefined where they are.
    fn step(
        &self,
        x: ArrayView2<'_, f32>,
        times: &[f64],
        sizes: &[f64],
    ) -> Result<Array2<f32>, StudyError> {
        let mut moved = x.to_owned();
        let moving: Vec<usize> = (0..x.nrows()).filter(|&row| sizes[row] > NOTHING_LEFT).collect();
        for rows in moving.chunks(self.batch) {
            let states = x.select(Axis(0), rows);
            let times: Vec<f64> = rows.iter().map(|&row| times[row]).collect();
            let of_seed: Vec<usize> = rows.iter().map(|row| row % self.count).collect();
            let conditions = self.conditions.of(self.first, &of_seed)?;
            let condition = conditions.as_condition();
            let mut velocity = Array2::zeros(states.dim());
            self.source.field.velocity(states.view(), &times, condition, velocity.view_mut())?;
            for (i, &row) in rows.iter().enumerate() {
                let size = sizes[row];
                moved.slice_mut(s![row, ..]).zip_mut_with(&velocity.row(i), |x, &v| {
                    *x = (f64::from(*x) + size * f64::from(v)) as f32;
                });
            }
        }
        Ok(moved)
    }
}
