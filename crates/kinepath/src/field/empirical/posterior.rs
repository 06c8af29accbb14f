//! The posterior over training points, in one pass.

use ndarray::{Array1, Array2, ArrayView2, Axis, s};
use rayon::prelude::*;

use super::EmpiricalField;
use crate::field::{FieldError, VelocityField, check_states};
use crate::kernel::matmul;
use crate::rows::values_mut;

/// Samples handled together: large enough for the matrix product, small enough to share work.
const ROWS: usize = 64;
/// Training points handled together: a block in f64 should stay in the second-level cache.
const POINTS: usize = 128;
/// Weight of a training point beyond which a posterior has collapsed onto it.
const COLLAPSED: f64 = 0.99;
/// Weights below e^−45 of the largest vanish in f64 sums.
pub(super) const NEGLIGIBLE: f64 = -45.0;

/// The posterior λ over training points, given B states and times, summarised per state.
#[derive(Debug, Clone, PartialEq)]
pub struct Posterior {
    /// Posterior mean `m = Σ λ_i x_i`, the denoiser: `[B, D]`.
    pub mean: Array2<f64>,
    /// Entropy `−Σ λ log λ`, in nats.
    pub entropy: Vec<f64>,
    /// Effective count `1/Σ λ²`, between 1 and N.
    pub effective_count: Vec<f64>,
    /// Index of the training point of largest weight; the lowest of equals.
    pub top: Vec<usize>,
    /// Its weight.
    pub top_weight: Vec<f64>,
    /// `log p̂_t(x) = log mean_i N(x; t x_i, (1 − t)² I)`, in nats.
    pub log_density: Vec<f64>,
}

/// The time from which on a posterior has been collapsed onto one training point, once it has
/// `top_weight` at time `t`: `since` is what was known before. It has collapsed where the weight is
/// above 0.99 (arXiv 2602.07928).
#[must_use]
pub fn collapsed_since(since: Option<f64>, t: f64, top_weight: f64) -> Option<f64> {
    if top_weight > COLLAPSED { since.or(Some(t)) } else { None }
}

impl EmpiricalField {
    /// The posterior over training points at states `x`, `[B, D]`, and times `t`, length B.
    ///
    /// # Errors
    /// [`FieldError::Shape`] if a shape does not fit, [`FieldError::Undefined`] unless every time
    /// is in `[0, 1)`.
    pub fn posterior(&self, x: ArrayView2<'_, f32>, t: &[f64]) -> Result<Posterior, FieldError> {
        let (rows, dim) = (x.nrows(), self.dim());
        check_states(dim, &x, t)?;
        if let Some(&t) = t.iter().find(|&&t| !self.domain().contains(t)) {
            return Err(FieldError::Undefined { t });
        }
        let starts: Vec<usize> = (0..rows).step_by(ROWS).collect();
        let chunks: Vec<Vec<Softmax>> = starts
            .into_par_iter()
            .map(|start| {
                let end = (start + ROWS).min(rows);
                self.chunk(x.slice(s![start..end, ..]), &t[start..end])
            })
            .collect();
        let count = self.points.nrows() as f64;
        let mut posterior = Posterior {
            mean: Array2::zeros((rows, dim)),
            entropy: Vec::with_capacity(rows),
            effective_count: Vec::with_capacity(rows),
            top: Vec::with_capacity(rows),
            top_weight: Vec::with_capacity(rows),
            log_density: Vec::with_capacity(rows),
        };
        for (row, sums) in chunks.into_iter().flatten().enumerate() {
            let spread = (1.0 - t[row]).powi(2);
            let norm: f64 = x.row(row).iter().map(|&v| f64::from(v).powi(2)).sum();
            let log_total = sums.largest + sums.total.ln();
            posterior.mean.row_mut(row).assign(&(&sums.mean / sums.total));
            // Σ λ s is taken relative to the largest score, where its terms are small.
            posterior.entropy.push((sums.total.ln() - sums.weighted_score / sums.total).max(0.0));
            posterior.effective_count.push(sums.total.powi(2) / sums.squares);
            posterior.top.push(sums.top);
            posterior.top_weight.push(1.0 / sums.total);
            posterior.log_density.push(
                log_total
                    - 0.5 * norm / spread
                    - count.ln()
                    - 0.5 * dim as f64 * (2.0 * std::f64::consts::PI * spread).ln(),
            );
        }
        Ok(posterior)
    }

    /// One pass over all training points for a few samples.
    fn chunk(&self, x: ArrayView2<'_, f32>, t: &[f64]) -> Vec<Softmax> {
        let (rows, dim) = x.dim();
        let x = x.mapv(f64::from);
        let mut sums = vec![Softmax::new(dim); rows];
        let mut block = Array2::<f64>::zeros((POINTS, dim));
        let mut scores = Array2::<f64>::zeros((rows, POINTS));
        let mut partial = Array2::<f64>::zeros((rows, dim));
        for start in (0..self.points.nrows()).step_by(POINTS) {
            let end = (start + POINTS).min(self.points.nrows());
            let mut block = block.slice_mut(s![..end - start, ..]);
            block.zip_mut_with(&self.points.slice(s![start..end, ..]), |b, &p| *b = f64::from(p));
            let mut scores = scores.slice_mut(s![.., ..end - start]);
            matmul(0.0, scores.view_mut(), 1.0, x.view(), block.t());
            let mut live = false;
            for (row, (sums, scores)) in sums.iter_mut().zip(scores.outer_iter_mut()).enumerate() {
                let linear = t[row] / (1.0 - t[row]).powi(2);
                let quadratic = 0.5 * t[row] * linear;
                let scores = values_mut(scores);
                for (score, norm) in scores.iter_mut().zip(&self.squared_norms[start..end]) {
                    *score = linear * *score - quadratic * norm;
                }
                live |= sums.absorb(start, scores);
            }
            if live {
                matmul(0.0, partial.view_mut(), 1.0, scores.view(), block.view());
                for (sums, partial) in sums.iter_mut().zip(partial.axis_iter(Axis(0))) {
                    sums.mean += &partial;
                }
            }
        }
        sums
    }
}

/// Running softmax sums of one sample, relative to the largest score so far.
#[derive(Clone)]
struct Softmax {
    largest: f64,
    top: usize,
    /// Σ e^{s − largest}
    total: f64,
    /// Σ e^{2(s − largest)}
    squares: f64,
    /// Σ e^{s − largest} (s − largest)
    weighted_score: f64,
    /// Σ e^{s − largest} x_i
    mean: Array1<f64>,
}

impl Softmax {
    fn new(dim: usize) -> Self {
        Self {
            largest: f64::NEG_INFINITY,
            top: 0,
            total: 0.0,
            squares: 0.0,
            weighted_score: 0.0,
            mean: Array1::zeros(dim),
        }
    }

    /// Adds a block of scores to the sums and replaces them by their weights; whether any weight
    /// matters to the mean.
    fn absorb(&mut self, first: usize, scores: &mut [f64]) -> bool {
        let (best, largest) =
            scores.iter().copied().enumerate().fold((0, f64::NEG_INFINITY), |best, next| {
                if next.1 > best.1 { next } else { best }
            });
        if largest > self.largest {
            if self.total > 0.0 {
                let shift = self.largest - largest;
                let factor = shift.exp();
                self.weighted_score = factor * (self.weighted_score + shift * self.total);
                self.total *= factor;
                self.squares *= factor * factor;
                self.mean *= factor;
            }
            (self.largest, self.top) = (largest, first + best);
        }
        for score in scores.iter_mut() {
            let relative = *score - self.largest;
            let weight = relative.exp();
            *score = if relative < NEGLIGIBLE { 0.0 } else { weight };
            self.total += weight;
            self.squares += weight * weight;
            if weight > 0.0 {
                self.weighted_score += weight * relative;
            }
        }
        // A NaN score does not count as large, but it has made the total NaN, and so the mean.
        largest - self.largest >= NEGLIGIBLE
    }
}
#[cfg(test)]
mod tests;
