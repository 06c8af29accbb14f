//! The executor of plans with one step between each two nodes.

use std::ops::ControlFlow;

use ndarray::{Array2, ArrayView2};

use super::ledger::Ledger;
use super::settling::Settling;
use super::{SampleError, Sampler, state};
use crate::paths::Paths;
use crate::plan::Step;

pub(super) fn run(
    sampler: &Sampler<'_>,
    steps: &[Step],
    noise: ArrayView2<'_, f32>,
    observe: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Result<Paths, SampleError> {
    let rows = noise.nrows();
    let mut ledger = Ledger::new(sampler, rows);
    let mut x = noise.to_owned();
    let mut at_stage = x.clone();
    let mut next = x.clone();
    let most = steps.iter().map(|step| step.stages.len()).max().unwrap_or(0);
    let mut stages: Vec<Array2<f32>> = (0..most).map(|_| Array2::zeros(x.dim())).collect();
    let mut settling = Settling::new(rows, sampler.plan.grid().start());
    ledger.keep_all(0, || x.clone());

    for (i, step) in steps.iter().enumerate() {
        for (j, stage) in step.stages.iter().enumerate() {
            let (earlier, current) = stages.split_at_mut(j);
            let k = &mut current[0];
            let input = if j == 0 {
                &x
            } else {
                state::combine(&mut at_stage, &x, earlier, &stage.state, |_| 1.0);
                &at_stage
            };
            let times = vec![stage.t; rows];
            let gain = |_| (stage.eta, stage.governor);
            let measures = sampler.evaluate(input.view(), &times, sampler.condition, k, gain)?;
            settling.stage(stage, &measures);
            ledger.stage(sampler, (i, step), (j, stage), k, &measures)?;
        }
        let updates: Vec<f64> = step.stages.iter().map(|stage| stage.update).collect();
        state::combine(&mut next, &x, &stages, &updates, |_| 1.0);
        std::mem::swap(&mut x, &mut next);
        settling.finish(step);
        ledger.keep_all(i + 1, || x.clone());
        if observe((i + 1) as f64 / steps.len() as f64).is_break() {
            return Err(SampleError::Interrupted);
        }
    }
    Ok(ledger.close(x, noise, settling.close()))
}
