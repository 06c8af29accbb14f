//! The points of one sample when few are left, or when single precision will not do.

use super::EmpiricalField;
use super::latest::{Latest, Live};
use super::posterior::NEGLIGIBLE;
use super::prepared::Prepared;
use crate::kernel::{add_point, squared_deviation, squared_distance};
use crate::rows::values;

/// Positions of the points that are left, increasing.
pub(super) struct Listed {
    positions: Vec<u32>,
    scores: Vec<f64>,
}

/// Running sums of one look.
#[derive(Default)]
struct Sums {
    total: f64,
    score: f64,
    squares: f64,
    squared_norm: f64,
    rows: f64,
    mean: Vec<f64>,
    dropped: f64,
}

impl Listed {
    pub(super) fn new(positions: Vec<u32>) -> Self {
        Self { positions, scores: Vec::new() }
    }

    /// The posterior over the points left at state `x` and time `t > 0`, after dropping those
    /// further than `tau` below the log-sum; with the weight of these relative to the others.
    pub(super) fn look(
        &mut self,
        x: &[f64],
        t: f64,
        field: &EmpiricalField,
        prepared: &Prepared,
        tau: f64,
    ) -> (Latest, f64) {
        let points = prepared.points(field);
        let point = |at: u32| values(points.row(at as usize));
        let count = |at: u32| f64::from(prepared.counts[at as usize]);
        let spread = (1.0 - t).powi(2);
        self.scores.clear();
        // The scores but for what is common to all: no difference of large numbers.
        self.scores.extend(
            self.positions.iter().map(|&at| -0.5 * squared_deviation(x, t, point(at)) / spread),
        );
        let (mut top, mut best) = (self.positions[0], f64::NEG_INFINITY);
        for (&at, &score) in self.positions.iter().zip(&self.scores) {
            if score > best {
                (top, best) = (at, score);
            }
        }
        let mut all = 0.0;
        for (&at, score) in self.positions.iter().zip(&mut self.scores) {
            *score -= best;
            all += count(at) * score.exp();
        }
        let cut = all.ln() - tau;
        let mut sums = Sums { mean: vec![0.0; x.len()], ..Sums::default() };
        let mut kept = 0;
        for i in 0..self.positions.len() {
            let (at, score) = (self.positions[i], self.scores[i]);
            let exponential = score.exp();
            let weight = count(at) * exponential;
            if score <= cut {
                sums.dropped += weight;
                continue;
            }
            self.positions[kept] = at;
            kept += 1;
            sums.total += weight;
            sums.squares += weight * exponential;
            sums.rows += count(at);
            // NaN goes on, to be seen in the mean.
            if score >= NEGLIGIBLE || score.is_nan() {
                sums.score += weight * score;
                sums.squared_norm += weight * prepared.squared_norms[at as usize];
                add_point(&mut sums.mean, weight, point(at));
            }
        }
        self.positions.truncate(kept);
        let total = sums.total;
        sums.mean.iter_mut().for_each(|sum| *sum /= total);
        // Σ λ ‖t x_i − x‖² is t² Σ λ ‖x_i − m‖² + ‖t m − x‖².
        let deviation = squared_distance(x, t, &sums.mean);
        let deviations = -2.0 * spread * (best + sums.score / total);
        let variance = ((deviations - deviation) / (t * t)).max(0.0);
        let latest = Latest {
            mean: sums.mean,
            squared_norm: sums.squared_norm / total,
            variance: if kept == 1 { 0.0 } else { variance },
            entropy: total.ln() - sums.score / total,
            effective_count: total * total / sums.squares,
            top,
            top_weight: count(top) / total,
            live: Live { points: kept, rows: sums.rows },
            score_error: 0.0,
        };
        (latest, sums.dropped / total)
    }
}
