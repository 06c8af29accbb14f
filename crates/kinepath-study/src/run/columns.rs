//! The names of the columns of a run, in order. Samples whose paths nobody measured have the first
//! two only: an energy that is not known is not made up.

/// Sample index, from 0 (i64).
pub const INDEX: &str = "index";
/// Class asked for, or absent (optional i64).
pub const LABEL: &str = "label";
/// Kinetic path energy, squared data units (f64).
pub const KPE: &str = "kpe";
/// The part of it from steps that start before τ (f64).
pub const KPE_LAUNCH: &str = "kpe_launch";
/// The part of it from steps that start at τ or later (f64).
pub const KPE_LANDING: &str = "kpe_landing";
/// Displacement energy ½‖x(1) − x(0)‖², squared data units (f64).
pub const DISPLACEMENT: &str = "displacement";
/// Path efficiency, displacement energy over kinetic path energy (f64).
pub const EFFICIENCY: &str = "efficiency";
/// The share of the energy from t ≥ 0.95 (f64).
pub const TERMINAL_SPIKE: &str = "terminal_spike";
/// Share of the starting noise that the path leaves in the sample once its target is settled; NaN
/// where the solver does not tell (f64).
pub const NOISE_LEFT: &str = "noise_left";
/// Mean over time of the gain η (f64).
pub const MEAN_GAIN: &str = "mean_gain";
/// Field evaluations (i64).
pub const NFE: &str = "nfe";

// A run whose paths through an empirical field were followed has these too.

/// The collapse time: that of the first evaluation from which on the largest posterior weight stayed
/// above 0.99, equal training points taken together; NaN where it did not (f64).
pub const COLLAPSE_TIME: &str = "collapse_time";
/// Row of the training point of largest posterior weight at the last evaluation; the first of equal
/// points (i64).
pub const TOP_INDEX: &str = "top_index";
/// Bound on what dropped training points can change in a velocity, data units per unit of time: that
/// of the samples integrated together (f64).
pub const VELOCITY_ERROR: &str = "velocity_error";

// A run that records the parts of a guided field has these too.

/// The energy that the conditional velocity alone would spend along the path travelled, squared data
/// units (f64).
pub const KPE_CONDITIONAL: &str = "kpe_conditional";
/// The energy of the unconditional velocity, over the stages within the guidance interval, where it
/// is evaluated; NaN where there are none, squared data units (f64).
pub const KPE_UNCONDITIONAL: &str = "kpe_unconditional";

// A run with a selection has these too.

/// Index of the noise that the kept sample started from (i64).
pub const NOISE_INDEX: &str = "noise_index";
/// Draws up to the kept one (i64).
pub const ATTEMPTS: &str = "attempts";
/// Kinetic path energy of the first draw, kept or not, squared data units (f64).
pub const FIRST_KPE: &str = "first_kpe";
