//! The closed form along paths.

use serde::{Deserialize, Serialize};

/// The closed form along the paths of an empirical field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Theory {
    /// Number of paths looked at.
    pub count: usize,
    /// Collapse time of every path: the first node from which on the top weight stays above 0.99;
    /// absent where it never does.
    pub collapse: Vec<Option<f64>>,
    /// What happens at every node.
    pub nodes: Vec<TheoryNode>,
    /// What it says.
    pub sentence: String,
}

/// The posterior over training records at one time, over paths.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TheoryNode {
    /// Time t.
    pub t: f64,
    /// Median posterior entropy, in nats.
    pub entropy: f64,
    /// Its 10 % quantile.
    pub entropy_low: f64,
    /// Its 90 % quantile.
    pub entropy_high: f64,
    /// Median effective count of training records.
    pub effective_count: f64,
    /// Slope of `½‖v*‖²` on `−log p̂_t(x)`, in squared data units per nat.
    pub slope: Option<f64>,
    /// R² of that line: how affine the energy–density law is at this time.
    pub r_squared: Option<f64>,
}
