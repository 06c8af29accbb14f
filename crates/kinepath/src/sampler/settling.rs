//! The noise that a gain leaves in a path whose target is settled.

use super::state::Measure;
use crate::plan::{Stage, Step};

/// The noise left in every row.
///
/// Once the posterior over data is settled, the velocity is `(x̂₁ − x)/(1 − t)`, and the distance to
/// `x̂₁` follows `dy/dt = −η y/(1 − t)` from `y = 1 − t` on, stepped here by the method itself.
/// Without a gain `y` stays `1 − t`. What is left of it at the end is the share of the starting
/// noise in the sample. A stage at t = 1, where the equation has no meaning, makes it NaN.
pub(super) struct Settling {
    left: Vec<f64>,
    /// `dy/dt` at every stage of the step under way, `[stages][rows]`.
    slopes: Vec<Vec<f64>>,
}

impl Settling {
    /// Rows at the start time of a path.
    pub(super) fn new(rows: usize, start: f64) -> Self {
        Self { left: vec![1.0 - start; rows], slopes: Vec::new() }
    }

    /// Takes the next stage of a step, with what was measured of every row.
    pub(super) fn stage(&mut self, stage: &Stage, measures: &[Measure]) {
        let slope = |(row, measure): (usize, &Measure)| {
            let earlier = stage.state.iter().zip(&self.slopes);
            let y = self.left[row] + earlier.map(|(a, slopes)| a * slopes[row]).sum::<f64>();
            if stage.t < 1.0 { -measure.eta * y / (1.0 - stage.t) } else { f64::NAN }
        };
        let slopes = measures.iter().enumerate().map(slope).collect();
        self.slopes.push(slopes);
    }

    /// Ends a step.
    pub(super) fn finish(&mut self, step: &Step) {
        for (stage, slopes) in step.stages.iter().zip(self.slopes.drain(..)) {
            // A stage without weight in the step need not have a value.
            if stage.update != 0.0 {
                self.left
                    .iter_mut()
                    .zip(slopes)
                    .for_each(|(left, slope)| *left += stage.update * slope);
            }
        }
    }

    /// The noise left in every row, unless some stage had no meaning.
    pub(super) fn close(self) -> Option<Vec<f64>> {
        (!self.left.iter().any(|left| left.is_nan())).then_some(self.left)
    }
}
