//! Sums over posterior weights, one state in each lane.

use ndarray::{Array2, ArrayView2};

use super::prepared::Prepared;
use crate::kernel::{LANES, add_point, squared_deviation};
use crate::rows::{values, values_mut};

/// Sums of the weights `e^(score − reference)` over some points.
pub(super) struct Sums {
    pub(super) reference: [f64; LANES],
    pub(super) total: [f64; LANES],
    /// Weighted scores relative to the reference.
    pub(super) score: [f64; LANES],
    pub(super) squared_norm: [f64; LANES],
    pub(super) squares: [f64; LANES],
    pub(super) dropped: [f64; LANES],
    /// Distinct points left.
    pub(super) live_points: [f64; LANES],
    /// Training points left.
    pub(super) live_rows: [f64; LANES],
    /// Weighted points, `[LANES, D]`.
    pub(super) points: Array2<f64>,
    pub(super) best: [f64; LANES],
    pub(super) position: [u32; LANES],
    /// Lanes and positions of heavy points, which are in none of the sums but the numbers left.
    pub(super) heavy: Vec<(usize, u32)>,
}

impl Sums {
    /// These and sums over other points together.
    pub(super) fn merged(mut self, mut other: Self) -> Self {
        self.heavy.append(&mut other.heavy);
        for lane in 0..LANES {
            let higher = self.reference[lane].max(other.reference[lane]);
            let (mine, theirs) = (self.rescale(lane, higher), other.rescale(lane, higher));
            if mine != 1.0 {
                self.points.row_mut(lane).mapv_inplace(|value| value * mine);
            }
            self.points.row_mut(lane).scaled_add(theirs, &other.points.row(lane));
            self.total[lane] += other.total[lane];
            self.score[lane] += other.score[lane];
            self.squared_norm[lane] += other.squared_norm[lane];
            self.squares[lane] += other.squares[lane];
            self.dropped[lane] += other.dropped[lane];
            self.live_points[lane] += other.live_points[lane];
            self.live_rows[lane] += other.live_rows[lane];
            if other.best[lane] > self.best[lane] {
                self.best[lane] = other.best[lane];
                self.position[lane] = other.position[lane];
            }
        }
        self
    }

    /// Adds the heavy points, scored in f64 at states `x`, those of the lanes in use.
    pub(super) fn add_heavy(
        &mut self,
        x: ArrayView2<'_, f64>,
        t: f64,
        points: ArrayView2<'_, f32>,
        prepared: &Prepared,
    ) {
        let mut of_lane = vec![Vec::new(); x.nrows()];
        for (lane, at) in std::mem::take(&mut self.heavy) {
            of_lane[lane].push(at);
        }
        let spread = (1.0 - t).powi(2);
        for ((lane, heavy), x) in of_lane.iter_mut().enumerate().zip(x.outer_iter()) {
            // Summed in the order of positions, whatever block each came from.
            heavy.sort_unstable();
            let x = x.to_vec();
            let to_centre: f64 =
                x.iter().zip(&prepared.centre).map(|(x, c)| (x - t * c).powi(2)).sum();
            let score = |&at: &u32| {
                let point = values(points.row(at as usize));
                (0.5 * (to_centre - squared_deviation(&x, t, point)) / spread, at)
            };
            let scores: Vec<(f64, u32)> = heavy.iter().map(score).collect();
            let Some(&(mut best, mut top)) = scores.first() else { continue };
            for &(score, at) in &scores {
                if score > best {
                    (best, top) = (score, at);
                }
            }
            (self.best[lane], self.position[lane]) = (best, top);
            let reference = best.max(self.reference[lane]);
            let factor = self.rescale(lane, reference);
            let sum = values_mut(self.points.row_mut(lane));
            sum.iter_mut().for_each(|value| *value *= factor);
            for (score, at) in scores {
                let relative = score - reference;
                let exponential = relative.exp();
                let weight = f64::from(prepared.counts[at as usize]) * exponential;
                self.total[lane] += weight;
                self.score[lane] += weight * relative;
                self.squared_norm[lane] += weight * prepared.squared_norms[at as usize];
                self.squares[lane] += weight * exponential;
                let point = values(points.row(at as usize));
                add_point(sum, weight, point);
            }
        }
    }

    /// Makes everything but the weighted points relative to another reference; the factor for these.
    pub(super) fn rescale(&mut self, lane: usize, reference: f64) -> f64 {
        let rise = reference - self.reference[lane];
        if rise == 0.0 {
            return 1.0;
        }
        let factor = (-rise).exp();
        self.score[lane] = factor * (self.score[lane] - rise * self.total[lane]);
        self.total[lane] *= factor;
        self.squared_norm[lane] *= factor;
        self.squares[lane] *= factor * factor;
        self.dropped[lane] *= factor;
        self.reference[lane] = reference;
        factor
    }
}
