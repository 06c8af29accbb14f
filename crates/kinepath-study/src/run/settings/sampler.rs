//! How a run is sampled, as `run.toml` says it.

use kinepath::plan::{Plan, Schedule};
use serde::{Deserialize, Serialize};

use super::Certify;

/// Solver, time grid and gain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplerSettings {
    /// `euler`, `midpoint`, `heun`, `rk4` or `dopri5`.
    pub solver: String,
    /// The number of grid steps; for `dopri5`, the intervals at whose ends it must stop.
    pub steps: usize,
    /// The grid as asked for: `uniform`, `shift:S` and so on, or a file; `explicit` where it was given
    /// as its nodes.
    pub grid: String,
    /// The nodes the grid resolved to: increasing times in [0, 1].
    pub nodes: Vec<f64>,
    /// The gain: `unit`, `kts:…`, `ssc:…`, `table:…` or `governed:…` with its ceiling.
    pub gain: String,
    /// The energy quadrature: `solver` or `left`.
    pub quadrature: String,
    /// τ, the time that divides launch energy from landing energy.
    pub split: f64,
    /// Relative tolerance of an adaptive solver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtol: Option<f64>,
    /// Absolute tolerance of an adaptive solver, in data units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub atol: Option<f64>,
    /// The gap at which training points are dropped, where paths of an empirical field can be
    /// followed; absent elsewhere, and in runs of versions that evaluated the whole field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certify: Option<Certify>,
}

impl SamplerSettings {
    /// The settings of a compiled plan, whose grid was asked for as `grid`. Nothing is said of
    /// [`certify`](Self::certify), which is the field's affair as much.
    #[must_use]
    pub fn of(plan: &Plan, grid: &str) -> Self {
        let tolerances = match plan.schedule() {
            Schedule::Fixed(_) => None,
            Schedule::Adaptive { rtol, atol, .. } => Some((*rtol, *atol)),
        };
        Self {
            solver: plan.tableau().name.to_owned(),
            steps: plan.grid().steps(),
            grid: grid.to_owned(),
            nodes: plan.grid().nodes().to_vec(),
            gain: plan.gain().to_string(),
            quadrature: plan.quadrature().to_string(),
            split: plan.gain().split(),
            rtol: tolerances.map(|(rtol, _)| rtol),
            atol: tolerances.map(|(_, atol)| atol),
            certify: None,
        }
    }
}
