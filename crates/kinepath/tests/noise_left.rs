//! The noise that a gain leaves, against paths on which it can be read off.

#![expect(clippy::unwrap_used, reason = "a failing set-up fails its test")]

use kinepath::field::{EmpiricalField, MixtureField};
use kinepath::gain::Gain;
use kinepath::grid::Grid;
use kinepath::noise::noise;
use kinepath::paths::Paths;
use kinepath::plan::{Plan, Quadrature};
use kinepath::sampler::Sampler;
use kinepath::tableau::Tableau;
use ndarray::{Array2, array};

const DIM: usize = 5;

/// Paths of a field whose only record is the origin: `x(t) = y(t) x(0)`, settled from the start.
fn settled(tableau: Tableau, gain: &str, grid: Grid) -> (Array2<f32>, Paths) {
    let field = EmpiricalField::new(Array2::zeros((1, DIM))).unwrap();
    let gain: Gain = gain.parse().unwrap();
    let plan = Plan::fixed(grid, tableau, gain, Quadrature::Solver).unwrap();
    let start = noise(3, 0..40, DIM);
    let paths = Sampler::new(&field, &plan).unwrap().run(start.view()).unwrap();
    (start, paths)
}

#[test]
fn a_settled_path_ends_with_the_noise_it_is_said_to_leave() {
    for (tableau, gain) in [
        (Tableau::EULER, "unit"),
        (Tableau::EULER, "kts:alpha=0.3,beta=0.02"),
        (Tableau::EULER, "table:0=0.5,1=0.7"),
        (Tableau::MIDPOINT, "kts:alpha=0.1,beta=0.03"),
        // Slower samples stay below the ceiling: every sample has a gain of its own.
        (Tableau::EULER, "governed:strength=1.5,split=0.4,ceiling=0:4;1:3"),
    ] {
        let (start, paths) = settled(tableau, gain, Grid::uniform(20).unwrap());
        let noise_left = paths.noise_left.unwrap();
        for (row, (x, left)) in paths.endpoints.outer_iter().zip(&noise_left).enumerate() {
            for (x, x0) in x.iter().zip(start.row(row)) {
                let expected = left * f64::from(*x0);
                assert!((f64::from(*x) - expected).abs() < 2e-6, "{gain}: {x} {expected}");
            }
        }
        let different = noise_left.iter().any(|left| *left != noise_left[0]);
        assert_eq!(different, gain.starts_with("governed"), "{gain}");
    }
}

#[test]
fn a_grid_that_stops_short_leaves_its_rest() {
    let grid = Grid::uniform(9).unwrap().within(0.1, 0.9).unwrap();
    let (_, paths) = settled(Tableau::EULER, "unit", grid);
    assert!(paths.noise_left.unwrap().iter().all(|left| (left - 0.1).abs() < 1e-12));
}

#[test]
fn the_mean_gain_is_that_of_the_steps() {
    let (_, paths) = settled(Tableau::EULER, "table:0=1.5,1=0.5", Grid::uniform(4).unwrap());
    // η = 1.5, 1.25, 1, 0.75 at the starts of the steps.
    assert!(paths.mean_gain.iter().all(|mean| (mean - 1.125).abs() < 1e-12));
    let field = MixtureField::isotropic(&[1.0], array![[3.0]], &[0.25]).unwrap();
    let gain: Gain = "table:0=1.5,1=0.5".parse().unwrap();
    let plan =
        Plan::adaptive(Grid::uniform(1).unwrap(), Tableau::DOPRI5, gain, 1e-6, 1e-6).unwrap();
    let paths = Sampler::new(&field, &plan).unwrap().run(noise(0, 0..8, 1).view()).unwrap();
    assert!(paths.mean_gain.iter().all(|mean| (mean - 1.0).abs() < 1e-9), "{:?}", paths.mean_gain);
}

#[test]
fn methods_with_a_stage_at_the_end_do_not_tell() {
    let field = MixtureField::isotropic(&[1.0], array![[3.0]], &[0.25]).unwrap();
    let grid = Grid::uniform(10).unwrap();
    let plan = Plan::fixed(grid, Tableau::HEUN, Gain::Unit, Quadrature::Solver).unwrap();
    let paths = Sampler::new(&field, &plan).unwrap().run(noise(0, 0..4, 1).view()).unwrap();
    assert_eq!(paths.noise_left, None);
    assert!(paths.mean_gain.iter().all(|mean| (mean - 1.0).abs() < 1e-12));
}
