//! The executor of Euler paths through an empirical field, whose posteriors are followed.

use std::ops::ControlFlow;

use ndarray::{Array2, ArrayView2};

use super::ledger::Ledger;
use super::settling::Settling;
use super::state::Measure;
use super::{SampleError, Sampler, state};
use crate::field::{EmpiricalField, PosteriorPaths, Tracker};
use crate::paths::Paths;
use crate::plan::Step;

pub(super) fn run(
    sampler: &Sampler<'_>,
    field: &EmpiricalField,
    tau: f64,
    steps: &[Step],
    noise: ArrayView2<'_, f32>,
    observe: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Result<Paths, SampleError> {
    let (rows, start) = (noise.nrows(), sampler.plan.grid().start());
    let mut ledger = Ledger::new(sampler, rows);
    let mut settling = Settling::new(rows, start);
    let mut tracker = Tracker::new(field, noise, start, tau);
    let mut k = Array2::zeros(noise.dim());
    let blank = || sampler.record.profile.then(|| Array2::zeros((rows, steps.len())));
    let (mut entropy, mut effective_count) = (blank(), blank());
    ledger.keep_all(0, || noise.to_owned());

    for (i, step) in steps.iter().enumerate() {
        let stage = &step.stages[0];
        let end = sampler.plan.grid().nodes()[i + 1];
        tracker.velocity(end, k.view_mut());
        if let (Some(entropy), Some(count)) = (&mut entropy, &mut effective_count) {
            for (row, summary) in tracker.summaries().enumerate() {
                entropy[[row, i]] = summary.entropy;
                count[[row, i]] = summary.effective_count;
            }
        }
        let measures = state::scale_and_measure(&mut k, |_| (stage.eta, stage.governor));
        settling.stage(stage, &measures);
        ledger.stage(sampler, (i, step), (0, stage), &k, &measures)?;
        let etas: Vec<f64> = measures.iter().map(|&Measure { eta, .. }| eta).collect();
        tracker.step(end, &etas);
        settling.finish(step);
        ledger.keep_all(i + 1, || tracker.states());
        if observe((i + 1) as f64 / steps.len() as f64).is_break() {
            return Err(SampleError::Interrupted);
        }
    }
    let posterior = PosteriorPaths {
        top: tracker.summaries().map(|summary| summary.top).collect(),
        collapse: tracker.summaries().map(|summary| summary.collapse).collect(),
        entropy,
        effective_count,
        certificate: tracker.certificate(),
    };
    let paths = ledger.close(tracker.states(), noise, settling.close());
    Ok(Paths { posterior: Some(posterior), ..paths })
}
