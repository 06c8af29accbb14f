//! Energies of a run.

use kinepath::stats::Summary;
use serde::{Deserialize, Serialize};

/// Energies of a run, in squared data units, over its samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EnergyResults {
    /// Kinetic path energy E.
    pub kpe: Summary,
    /// Mean of E/D, comparable between dimensions.
    pub kpe_per_dimension: f64,
    /// The part of E before the split.
    pub launch: Summary,
    /// The part of E from the split on.
    pub landing: Summary,
    /// Displacement energy `½‖x(1) − x(0)‖²`.
    pub displacement: Summary,
    /// Path efficiency, displacement energy over E; without unit.
    pub efficiency: Summary,
    /// Share of E from t ≥ 0.95; without unit.
    pub terminal_spike: Summary,
    /// Number of function evaluations per sample.
    pub nfe: Summary,
    /// E of every sample, in index order.
    pub values: Vec<f64>,
    /// The energy profile along time.
    pub profile: Vec<ProfilePoint>,
}

/// The energy profile at the start of one step, over samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ProfilePoint {
    /// Time t.
    pub t: f64,
    /// Gain η(t).
    pub eta: f64,
    /// Median of `‖dx/dt‖²`.
    pub median: f64,
    /// Its 10 % quantile.
    pub low: f64,
    /// Its 90 % quantile.
    pub high: f64,
}
