//! What is known of one sample.

use ndarray::ArrayView1;

use super::super::latest::Latest;
use super::super::list::Listed;
use super::super::prepared::Prepared;
use super::super::pruning::{EulerStep, Guarantee};
use super::norm;

/// What is known of one sample.
pub(super) struct Row {
    pub(super) support: Support,
    pub(super) guarantee: Guarantee,
    pub(super) latest: Latest,
    /// The time from which on one distinct training point is left.
    pub(super) collapse: Option<f64>,
}

/// Where a sample's points are.
pub(super) enum Support {
    /// In the bits of its group.
    Swept,
    /// In a list.
    Listed(Listed),
}

impl Row {
    /// Takes a new posterior; `mass` is the weight of the points dropped since the last one.
    pub(super) fn replace(&mut self, tau: f64, mass: f64, latest: Latest) {
        let dropped = self.latest.live.rows - latest.live.rows;
        if dropped > 0.0 {
            self.guarantee.drop(tau, dropped, mass);
        }
        self.latest = latest;
    }

    /// By how much rounding can have shrunk gaps in a step to `x`.
    pub(super) fn rounding(
        &self,
        x: ArrayView1<'_, f64>,
        step: EulerStep,
        prepared: &Prepared,
    ) -> f64 {
        let error = self.latest.score_error;
        let [_, longest] = prepared.squared_lengths;
        let diameter = 2.0 * prepared.radius;
        let state = 4.0 * f64::EPSILON * (norm(x.iter().copied()) + longest.sqrt());
        // Weights that are off by a factor 1 + ε move the mean by ε of the diameter.
        let mean = 2.0 * error * diameter;
        step.after() * diameter * (state / (1.0 - step.end) + step.pull() * mean) + 2.0 * error
    }
}
