//! What sampling gives back.

use ndarray::{Array1, Array2, Array3};

/// Endpoints and energies of a batch of B sampled paths of dimension D.
///
/// Energies are in squared data units. For a gain other than unit they are those of the path
/// actually travelled, so they carry η².
#[derive(Debug, Clone, PartialEq)]
pub struct Paths {
    /// States at the last node: `[B, D]`.
    pub endpoints: Array2<f32>,
    /// Kinetic path energy `E = ½∫‖dx/dt‖²dt` of each sample.
    pub kpe: Vec<f64>,
    /// The part of `E` from steps that start before the split τ.
    pub launch: Vec<f64>,
    /// The part of `E` from steps that start at τ or later.
    pub landing: Vec<f64>,
    /// The part of `E` from steps that start at t = 0.95 or later.
    pub terminal: Vec<f64>,
    /// Displacement energy `½‖x(1) − x(0)‖²`.
    pub displacement: Vec<f64>,
    /// The share of its starting noise that each path leaves in the sample once its target is
    /// settled: the distance `y` to the target follows `dy/dt = −η y/(1 − t)`, stepped by the
    /// method itself. `1 − t` at the last node without a gain, more where a gain has damped the
    /// landing. Absent for methods that evaluate the field at t = 1 or choose their steps.
    pub noise_left: Option<Vec<f64>>,
    /// Mean of the gain η over the time travelled, by the method's own quadrature.
    pub mean_gain: Vec<f64>,
    /// Number of field evaluations each sample cost.
    pub nfe: Vec<u32>,
    /// Energy profile `‖k_1‖²` at the start of every grid step, `[B, steps]`, if recorded.
    pub profile: Option<Array2<f64>>,
    /// Energy map: the element-wise share of `E`, `[B, D]`, if recorded.
    pub energy_map: Option<Array2<f32>>,
    /// States at the recorded nodes, `[B, K, D]`, if any.
    pub trajectory: Option<Array3<f32>>,
}

impl Paths {
    /// The number of samples B.
    pub fn len(&self) -> usize {
        self.kpe.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.kpe.is_empty()
    }

    /// Excess energy `E − E_disp`: what the path spends beyond a straight line at constant speed.
    /// At least 0, up to rounding, for methods with `b ≥ 0` (Jensen).
    pub fn excess(&self) -> Array1<f64> {
        self.kpe.iter().zip(&self.displacement).map(|(e, d)| e - d).collect()
    }

    /// Path efficiency `E_disp / E`; 1 is a straight path at constant speed, and so is no motion.
    pub fn efficiency(&self) -> Array1<f64> {
        self.kpe.iter().zip(&self.displacement).map(|(e, d)| ratio(*d, *e, 1.0)).collect()
    }

    /// Terminal spike: the share of `E` from t ≥ 0.95; 0 without motion.
    pub fn terminal_spike(&self) -> Array1<f64> {
        self.kpe.iter().zip(&self.terminal).map(|(e, t)| ratio(*t, *e, 0.0)).collect()
    }
}

fn ratio(part: f64, whole: f64, without: f64) -> f64 {
    if whole > 0.0 { part / whole } else { without }
}
