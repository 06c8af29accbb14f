//! The posterior of one sample at the latest evaluation.

use super::prepared::Prepared;
use super::pruning::Spread;
use crate::kernel::wide_product;

/// Moments and summaries of a posterior λ over training points.
#[derive(Debug, Clone)]
pub(super) struct Latest {
    /// The mean m.
    pub(super) mean: Vec<f64>,
    /// `Σ λ ‖x − c‖²`, c the centre.
    pub(super) squared_norm: f64,
    /// `Σ λ ‖x − m‖²`
    pub(super) variance: f64,
    /// `log Σ e^s − Σ λ s`, the entropy over training points.
    pub(super) entropy: f64,
    /// `1/Σ λ²`, over training points.
    pub(super) effective_count: f64,
    /// Position of the distinct point of largest weight.
    pub(super) top: u32,
    /// Its weight, that of all training points equal to it.
    pub(super) top_weight: f64,
    /// What is left.
    pub(super) live: Live,
    /// How far rounding may have moved a score.
    pub(super) score_error: f64,
}

/// How much of a training set has not been dropped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Live {
    /// Distinct points.
    pub(super) points: usize,
    /// Training points, duplicates counted.
    pub(super) rows: f64,
}

impl Latest {
    /// All training points alike, as at t = 0.
    pub(super) fn uniform(prepared: &Prepared) -> Self {
        let live = prepared.all;
        Self {
            mean: prepared.centre.clone(),
            squared_norm: prepared.mean_squared_norm,
            variance: prepared.mean_squared_norm,
            entropy: live.rows.ln(),
            effective_count: live.rows,
            top: 0,
            top_weight: f64::from(prepared.counts[0]) / live.rows,
            live,
            score_error: 0.0,
        }
    }

    /// What the bound on gaps needs.
    pub(super) fn spread(&self, prepared: &Prepared) -> Spread {
        // Squared lengths from those relative to the centre: ‖x‖² = ‖x − c‖² + 2⟨x, c⟩ − ‖c‖².
        let to_centre = wide_product(&self.mean, &prepared.centre);
        let centre = wide_product(&prepared.centre, &prepared.centre);
        Spread {
            entropy: self.entropy,
            variance: self.variance,
            squared_length: self.squared_norm + 2.0 * to_centre - centre,
            squared_lengths: prepared.squared_lengths,
        }
    }
}
