//! The closed-loop gain: who is damped, by how much, and that nobody else notices.
#![allow(clippy::unwrap_used, clippy::panic)]

use kinepath::field::{FnField, MixtureField};
use kinepath::gain::{Gain, Governed, GovernedSpec};
use kinepath::grid::Grid;
use kinepath::noise::noise;
use kinepath::paths::Paths;
use kinepath::plan::{Plan, Quadrature};
use kinepath::record::Record;
use kinepath::sampler::{SampleError, Sampler};
use kinepath::tableau::Tableau;
use ndarray::{Array2, ArrayViewMut2, array, s};

/// The unit gain's too, so that both book their energies in the same phases.
const SPLIT: f64 = 0.6;

fn mixture() -> MixtureField {
    let means = 2.0 * noise(5, 0..3, 4).mapv(f64::from);
    MixtureField::isotropic(&[0.5, 0.3, 0.2], means, &[0.05, 0.2, 0.4]).unwrap()
}

fn governed(strength: f64, ceiling: Vec<(f64, f64)>) -> Gain {
    Gain::Governed(Governed { quantile: 0.5, strength, split: SPLIT, ceiling })
}

fn run(plan: &Plan, x0: &Array2<f32>) -> Paths {
    let record =
        Record { profile: true, energy_map: true, trajectory: vec![0, 3], ..Record::default() };
    Sampler::new(&mixture(), plan).unwrap().record(record).run(x0.view()).unwrap()
}

/// A plan of every kind of executor under this gain.
fn plans(gain: &Gain) -> [Plan; 3] {
    let grid = || Grid::uniform(20).unwrap();
    let fixed = |tableau| Plan::fixed(grid(), tableau, gain.clone(), Quadrature::Solver).unwrap();
    let adaptive = Plan::adaptive(grid(), Tableau::DOPRI5, gain.clone(), 1e-4, 1e-4).unwrap();
    [fixed(Tableau::EULER), fixed(Tableau::RK4), adaptive]
}

#[test]
fn a_ceiling_above_every_speed_is_the_unit_gain_to_the_last_bit() {
    let x0 = noise(1, 0..30, 4);
    let free = governed(1.0, vec![(0.0, 1e9)]);
    for (free, unit) in plans(&free).iter().zip(&plans(&Gain::Unit)) {
        assert_eq!(run(free, &x0), run(unit, &x0));
    }
}

#[test]
fn no_sample_is_faster_than_the_ceiling_and_slower_ones_are_left_alone() {
    let x0 = noise(2, 0..60, 4);
    let grid = Grid::uniform(20).unwrap();
    let [unit, ..] = plans(&Gain::Unit);
    let baseline = run(&unit, &x0);
    let reference = baseline.profile.as_ref().unwrap();
    let spec: GovernedSpec = "governed:quantile=0.8".parse().unwrap();
    let gain = spec.resolve(grid.nodes(), reference.view()).unwrap();
    let ceiling = gain.ceiling.clone();
    let [plan, ..] = plans(&Gain::Governed(gain));
    let paths = run(&plan, &x0);
    let profile = paths.profile.unwrap();
    let first = grid.nodes().iter().position(|&t| t >= SPLIT).unwrap();
    let within = |row: usize| (first..20).all(|step| reference[[row, step]] <= ceiling[step].1);
    let mut damped = 0;
    for row in 0..60 {
        for (step, &(_, most)) in ceiling.iter().enumerate().skip(first) {
            let speed = profile[[row, step]];
            assert!(speed <= most * (1.0 + 1e-6), "sample {row}, step {step}: {speed} > {most}");
        }
        if within(row) {
            assert_eq!(paths.endpoints.row(row), baseline.endpoints.row(row));
            assert_eq!(paths.kpe[row], baseline.kpe[row]);
        } else {
            damped += 1;
            assert!(paths.kpe[row] < baseline.kpe[row]);
            assert_eq!(paths.launch[row], baseline.launch[row]);
        }
    }
    assert!((12..60).contains(&damped), "a fifth leaves the band at each step: {damped}");
}

#[test]
fn a_sample_is_governed_alike_in_every_batch() {
    let x0 = noise(3, 0..24, 4);
    let gain = governed(1.0, vec![(0.0, 3.0), (1.0, 6.0)]);
    for plan in plans(&gain) {
        let all = run(&plan, &x0);
        let unit = run(&plans(&Gain::Unit)[0], &x0);
        assert!(all.kpe.iter().zip(&unit.kpe).any(|(a, b)| a < &(0.98 * b)), "nothing governed");
        for row in 0..24 {
            let one = run(&plan, &x0.slice(s![row..=row, ..]).to_owned());
            assert_eq!(one.endpoints.row(0), all.endpoints.row(row));
            assert_eq!((one.kpe[0], one.nfe[0]), (all.kpe[row], all.nfe[row]));
        }
    }
}

/// With `v = a x`, strength ½ and a constant ceiling c below every speed, `dx/dt = c^{¼} √(a x)`:
/// `√x` grows by `r = ½ c^{¼} √a` per unit of time, and `E = ½∫ 4 r² x dt = (2 r/3) [x^{3/2}]`.
#[test]
fn methods_keep_their_order_where_the_ceiling_acts_all_along() {
    let (rate, ceiling) = (6.0f64, 0.5f64);
    let field = FnField::new(1, |x, _, mut out: ArrayViewMut2<'_, f32>| {
        out.assign(&x.mapv(|x| (6.0 * f64::from(x)) as f32));
    });
    let x0 = array![[0.3f32], [0.7], [1.1]];
    let growth = 0.5 * ceiling.powf(0.25) * rate.sqrt();
    let errors = |tableau, steps| {
        let grid = Grid::uniform(steps).unwrap().within(SPLIT, 1.0).unwrap();
        let gain = governed(0.5, vec![(0.0, ceiling)]);
        let plan = Plan::fixed(grid, tableau, gain, Quadrature::Solver).unwrap();
        let paths = Sampler::new(&field, &plan).unwrap().run(x0.view()).unwrap();
        let (mut endpoint, mut energy) = (0.0f64, 0.0f64);
        for row in 0..3 {
            let from = f64::from(x0[[row, 0]]).sqrt();
            let to = from + growth * (1.0 - SPLIT);
            let travelled = 2.0 * growth / 3.0 * (to.powi(3) - from.powi(3));
            endpoint = endpoint.max((f64::from(paths.endpoints[[row, 0]]) - to * to).abs());
            energy = energy.max((paths.kpe[row] - travelled).abs());
        }
        (endpoint, energy)
    };
    for (tableau, steps) in [(Tableau::EULER, 128), (Tableau::MIDPOINT, 8), (Tableau::HEUN, 8)] {
        let (coarse, fine) = (errors(tableau, steps), errors(tableau, 2 * steps));
        for (what, coarse, fine) in [("endpoint", coarse.0, fine.0), ("KPE", coarse.1, fine.1)] {
            let order = (coarse / fine).log2();
            assert!(
                (order - f64::from(tableau.order)).abs() < 0.2,
                "{} {what}: measured order {order:.3} from errors {coarse:e}, {fine:e}",
                tableau.name
            );
        }
    }
}

#[test]
fn velocities_that_are_no_numbers_are_told_and_not_damped() {
    for bad in [f32::NAN, f32::INFINITY] {
        let field = FnField::new(2, move |_, t, mut out: ArrayViewMut2<'_, f32>| {
            out.fill(2.0);
            out[[1, 0]] = if t[1] > 0.7 { bad } else { 2.0 };
        });
        for strength in [0.0, 1.0, 2.0] {
            for plan in plans(&governed(strength, vec![(0.0, 1.0)])) {
                let result = Sampler::new(&field, &plan).unwrap().run(Array2::zeros((3, 2)).view());
                let told = matches!(result, Err(SampleError::Velocity { sample: 1, .. }));
                assert!(told, "{bad}, strength {strength}: {result:?}");
            }
        }
    }
}
