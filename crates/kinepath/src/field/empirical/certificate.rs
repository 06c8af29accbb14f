//! What an exact integration says of itself.

use ndarray::Array2;

/// How far the velocities along paths can be from those of the whole training set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Certificate {
    /// The gap τ at which training points were dropped: those of a posterior weight below `e^−τ`.
    pub tau: f64,
    /// Bound on `‖v − v*‖` over all samples and steps, in data units per unit of time: what the
    /// dropped points can change. Rounding comes on top.
    pub velocity_error: f64,
    /// Bound on the posterior weight of all dropped points, relative to those that stay.
    pub dropped_mass: f64,
    /// The largest gap that a step needed to be sure that dropped points stay negligible.
    pub need: f64,
    /// How many times the points of a sample were looked at again, because its guarantee fell.
    pub rescans: u64,
}

impl Certificate {
    /// Nothing has been dropped yet.
    pub(super) fn new(tau: f64) -> Self {
        Self { tau, velocity_error: 0.0, dropped_mass: 0.0, need: 0.0, rescans: 0 }
    }

    /// Notes the weight of a sample's dropped points, and what it can change.
    pub(super) fn note_drops(&mut self, mass: f64, velocity_error: f64) {
        self.dropped_mass = self.dropped_mass.max(mass);
        self.velocity_error = self.velocity_error.max(velocity_error);
    }

    /// The certificate of both batches together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            tau: self.tau.min(other.tau),
            velocity_error: self.velocity_error.max(other.velocity_error),
            dropped_mass: self.dropped_mass.max(other.dropped_mass),
            need: self.need.max(other.need),
            rescans: self.rescans + other.rescans,
        }
    }
}

/// The posteriors that B paths through an empirical field had on their way.
#[derive(Debug, Clone, PartialEq)]
pub struct PosteriorPaths {
    /// For each sample the row of the training point of largest weight at the last evaluation.
    pub top: Vec<usize>,
    /// For each sample the collapse time, if it came: that of the first evaluation from which on the
    /// largest weight stayed above 0.99 (arXiv 2602.07928), equal training points taken together.
    pub collapse: Vec<Option<f64>>,
    /// Entropy of the posterior at the start of every step, in nats, `[B, steps]`, if profiles are
    /// recorded.
    pub entropy: Option<Array2<f64>>,
    /// Effective count `1/Σ λ²` at the start of every step, `[B, steps]`, if profiles are recorded.
    pub effective_count: Option<Array2<f64>>,
    /// What the integration guarantees.
    pub certificate: Certificate,
}
