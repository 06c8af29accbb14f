//! What sampling gives back.

use ndarray::{Array, Array1, Array2, Array3, Axis, RemoveAxis};

use crate::field::PosteriorPaths;

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
    /// The part of `E` from t = 0.95 on; of the energy of a step across it, the share of the step that
    /// is later.
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
    /// The energies of the parts of a guided field, if recorded.
    pub parts: Option<PartEnergies>,
    /// The posteriors on the way, where the field is an empirical one whose paths were followed:
    /// Euler plans, see [`Sampler::certify`](crate::sampler::Sampler::certify).
    pub posterior: Option<PosteriorPaths>,
}

/// What the parts of a guided field would spend along the paths that the guided field travelled:
/// `½ ∫‖η v_c‖² dt` and `½ ∫‖η v_∅‖² dt` by the quadrature of the energy, in squared data units.
#[derive(Debug, Clone, PartialEq)]
pub struct PartEnergies {
    /// That of the conditional velocity, over the whole path, of each sample. What guidance adds is
    /// the kinetic path energy without it.
    pub conditional: Vec<f64>,
    /// That of the unconditional velocity, over the stages at which it is evaluated: those within
    /// the guidance interval. NaN where there are none of any weight.
    pub unconditional: Vec<f64>,
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

    /// Replaces sample `row` by sample `other` of `from`, which has the same dimension and
    /// recordings.
    ///
    /// # Panics
    /// If there is no such sample, or the dimensions or recordings differ.
    pub fn replace(&mut self, row: usize, from: &Self, other: usize) {
        self.endpoints.row_mut(row).assign(&from.endpoints.row(other));
        for (mine, theirs) in [
            (&mut self.kpe, &from.kpe),
            (&mut self.launch, &from.launch),
            (&mut self.landing, &from.landing),
            (&mut self.terminal, &from.terminal),
            (&mut self.displacement, &from.displacement),
            (&mut self.mean_gain, &from.mean_gain),
        ] {
            mine[row] = theirs[other];
        }
        let both = self.noise_left.is_some() == from.noise_left.is_some();
        assert!(both, "paths of other methods");
        if let (Some(mine), Some(theirs)) = (&mut self.noise_left, &from.noise_left) {
            mine[row] = theirs[other];
        }
        self.nfe[row] = from.nfe[other];
        replace_row(&mut self.profile, row, &from.profile, other);
        replace_row(&mut self.energy_map, row, &from.energy_map, other);
        replace_row(&mut self.trajectory, row, &from.trajectory, other);
        assert_eq!(self.parts.is_some(), from.parts.is_some(), "paths with other recordings");
        if let (Some(mine), Some(theirs)) = (&mut self.parts, &from.parts) {
            mine.conditional[row] = theirs.conditional[other];
            mine.unconditional[row] = theirs.unconditional[other];
        }
        assert_eq!(self.posterior.is_some(), from.posterior.is_some(), "paths of other fields");
        if let (Some(mine), Some(theirs)) = (&mut self.posterior, &from.posterior) {
            mine.top[row] = theirs.top[other];
            mine.collapse[row] = theirs.collapse[other];
            replace_row(&mut mine.entropy, row, &theirs.entropy, other);
            replace_row(&mut mine.effective_count, row, &theirs.effective_count, other);
            mine.certificate = mine.certificate.and(theirs.certificate);
        }
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

fn replace_row<T: Clone, D: RemoveAxis>(
    mine: &mut Option<Array<T, D>>,
    row: usize,
    theirs: &Option<Array<T, D>>,
    other: usize,
) {
    assert_eq!(mine.is_some(), theirs.is_some(), "paths with other recordings");
    if let (Some(mine), Some(theirs)) = (mine, theirs) {
        mine.index_axis_mut(Axis(0), row).assign(&theirs.index_axis(Axis(0), other));
    }
}

fn ratio(part: f64, whole: f64, without: f64) -> f64 {
    if whole > 0.0 { part / whole } else { without }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::MixtureField;
    use crate::gain::Gain;
    use crate::grid::Grid;
    use crate::noise::noise;
    use crate::plan::{Plan, Quadrature};
    use crate::record::Record;
    use crate::sampler::Sampler;
    use crate::tableau::Tableau;
    use ndarray::{array, s};

    #[test]
    fn a_replaced_sample_is_the_other_in_every_respect() {
        let field = MixtureField::isotropic(&[1.0], array![[3.0, 0.0]], &[0.25]).unwrap();
        let grid = Grid::uniform(5).unwrap();
        let plan = Plan::fixed(grid, Tableau::HEUN, Gain::Unit, Quadrature::Solver).unwrap();
        let record =
            Record { profile: true, energy_map: true, trajectory: vec![0, 2], ..Record::default() };
        let sampler = Sampler::new(&field, &plan).unwrap().record(record);
        let x0 = noise(4, 0..6, 2);
        let run = |rows: [usize; 2]| {
            let rows: Vec<_> = rows.iter().map(|&row| x0.slice(s![row, ..])).collect();
            sampler.run(ndarray::stack(Axis(0), &rows).unwrap().view()).unwrap()
        };
        let mut paths = run([0, 1]);
        paths.replace(1, &run([2, 5]), 0);
        assert_eq!(paths, run([0, 2]));
    }
}
