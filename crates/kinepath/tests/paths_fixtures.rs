//! Endpoints and energies against torchdiffeq; `fixtures/make_paths.py` made the numbers.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper that fails is a test that fails")]

use kinepath::field::MixtureField;
use kinepath::gain::Gain;
use kinepath::grid::Grid;
use kinepath::plan::{Plan, Quadrature};
use kinepath::sampler::Sampler;
use kinepath::tableau::Tableau;
use ndarray::Array2;
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    weights: Vec<f64>,
    means: Vec<Vec<f64>>,
    variances: Vec<f64>,
    steps: usize,
    x0: Vec<Vec<f64>>,
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    method: String,
    alpha: f64,
    endpoints: Vec<Vec<f64>>,
    kpe: Vec<f64>,
}

fn matrix(rows: &[Vec<f64>]) -> Array2<f64> {
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

#[test]
fn torchdiffeq_finds_the_same_endpoints_and_energies() {
    let fixture: Fixture = serde_json::from_str(include_str!("fixtures/paths.json")).unwrap();
    let field =
        MixtureField::isotropic(&fixture.weights, matrix(&fixture.means), &fixture.variances)
            .unwrap();
    let x0 = matrix(&fixture.x0).mapv(|v| v as f32);
    assert_eq!(fixture.runs.len(), 8);
    for run in &fixture.runs {
        let gain = Gain::Ssc { alpha: run.alpha, power: 1.0 };
        // Fixed steps must agree to rounding; the adaptive path to its tolerance.
        let (plan, tolerance) = match Tableau::by_name(&run.method) {
            Some(tableau) => {
                let grid = Grid::uniform(fixture.steps).unwrap();
                (Plan::fixed(grid, tableau, gain, Quadrature::Solver).unwrap(), 2e-6)
            }
            None => {
                let grid = Grid::uniform(1).unwrap();
                (Plan::adaptive(grid, Tableau::DOPRI5, gain, 1e-6, 1e-6).unwrap(), 2e-5)
            }
        };
        let paths = Sampler::new(&field, &plan).unwrap().run(x0.view()).unwrap();
        let expected = matrix(&run.endpoints);
        for (actual, expected) in paths.endpoints.iter().zip(&expected) {
            let error = (f64::from(*actual) - expected).abs();
            assert!(error < tolerance, "{} α {}: endpoint off by {error:e}", run.method, run.alpha);
        }
        for (actual, expected) in paths.kpe.iter().zip(&run.kpe) {
            let error = (actual - expected).abs() / expected;
            assert!(error < tolerance, "{} α {}: KPE off by {error:e}", run.method, run.alpha);
        }
    }
}
