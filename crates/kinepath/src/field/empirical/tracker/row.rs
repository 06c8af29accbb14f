//! What is known of one sample.

use super::super::latest::{Latest, Live};
use super::super::list::Listed;
use super::super::posterior::collapsed_since;
use super::super::prepared::Prepared;
use super::super::pruning::{EulerStep, Guarantee};
use super::super::sums::Sums;
use crate::kernel::{squared_distance, vectorised, wide_product};

/// What is known of one sample.
pub(super) struct Row {
    pub(super) support: Support,
    pub(super) guarantee: Guarantee,
    pub(super) latest: Latest,
    /// The time from which on the posterior has been collapsed: see [`collapsed_since`].
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
    /// Whether a single distinct point is left, which then is the posterior for good.
    pub(super) fn is_settled(&self) -> bool {
        self.latest.live.points == 1
    }

    /// Notes whether the posterior at time `t` has collapsed.
    pub(super) fn note_collapse(&mut self, t: f64) {
        self.collapse = collapsed_since(self.collapse, t, self.latest.top_weight);
    }

    /// Takes a new posterior; `mass` is the weight of the points dropped since the last one.
    pub(super) fn replace(&mut self, tau: f64, mass: f64, latest: Latest) {
        let dropped = self.latest.live.rows - latest.live.rows;
        if dropped > 0.0 {
            self.guarantee.drop(tau, dropped, mass);
        }
        self.latest = latest;
    }

    /// Takes what a sweep has found for the sample in a lane.
    pub(super) fn take(&mut self, tau: f64, sums: &Sums, lane: usize, prepared: &Prepared) {
        let (total, top) = (sums.total[lane], sums.position[lane]);
        // No point is best among scores that are NaN.
        let count = prepared.counts.get(top as usize).map_or(f64::NAN, |&count| count.into());
        let top_weight = count * (sums.best[lane] - sums.reference[lane]).exp() / total;
        let mut mean = sums.points.row(lane).to_vec();
        vectorised(
            #[inline(always)]
            || mean.iter_mut().for_each(|sum| *sum /= total),
        );
        let squared_norm = sums.squared_norm[lane] / total;
        let to_centre = squared_distance(&mean, 1.0, &prepared.centre);
        let live = Live { points: sums.live_points[lane] as usize, rows: sums.live_rows[lane] };
        self.replace(
            tau,
            sums.dropped[lane] / total,
            Latest {
                variance: (squared_norm - to_centre).max(0.0),
                mean,
                squared_norm,
                entropy: total.ln() - sums.score[lane] / total,
                effective_count: total * total / sums.squares[lane],
                top,
                top_weight,
                live,
                score_error: self.latest.score_error,
            },
        );
    }

    /// By how much rounding can have shrunk gaps in a step to `x`.
    pub(super) fn rounding(&self, x: &[f64], step: EulerStep, prepared: &Prepared) -> f64 {
        let error = self.latest.score_error;
        let [_, longest] = prepared.squared_lengths;
        let diameter = 2.0 * prepared.radius;
        let norm = wide_product(x, x).sqrt();
        let state = 4.0 * f64::EPSILON * (norm + longest.sqrt());
        // Weights that are off by a factor 1 + ε move the mean by ε of the diameter.
        let mean = 2.0 * error * diameter;
        step.after() * diameter * (state / (1.0 - step.end) + step.pull() * mean) + 2.0 * error
    }
}
