//! Solvers and energies against the closed-form path of a single Gaussian.
#![allow(clippy::unwrap_used, clippy::panic)]

use kinepath::field::MixtureField;
use kinepath::gain::Gain;
use kinepath::grid::Grid;
use kinepath::noise::noise;
use kinepath::paths::Paths;
use kinepath::plan::{Plan, Quadrature};
use kinepath::sampler::Sampler;
use kinepath::tableau::Tableau;
use ndarray::{Array2, array};

const SAMPLES: u64 = 200;

/// Data `N(0, s²)` sampled with the SSC gain `η = 1 + α (1 − t)`.
///
/// The shaped equation is linear, `dx/dt = η a x` with `a = (t s² − (1 − t))/σ²` and
/// `σ² = (1 − t)² + t² s²`, so `x(t) = g(t) x0`, `log g = ∫ η a`, and `E = ½ x0² ∫ (η a g)²`.
/// Without a gain the midpoint rule happens to be of order 3 on this path: the gain is what makes
/// its order visible.
#[derive(Clone, Copy)]
struct Gaussian {
    variance: f64,
    alpha: f64,
}

impl Gaussian {
    fn field(self) -> MixtureField {
        MixtureField::isotropic(&[1.0], array![[0.0]], &[self.variance]).unwrap()
    }

    fn gain(self) -> Gain {
        Gain::Ssc { alpha: self.alpha, power: 1.0 }
    }

    fn rate(self, t: f64) -> f64 {
        let spread = (1.0 - t).powi(2) + t * t * self.variance;
        self.gain().eta(t) * (t * self.variance - (1.0 - t)) / spread
    }

    /// `g(1)` and `½ ∫ (η a g)²`, by the midpoint rule on 400,000 intervals.
    fn exact(self) -> (f64, f64) {
        let n = 400_000;
        let h = 1.0 / f64::from(n);
        let (mut log_g, mut energy) = (0.0f64, 0.0);
        for i in 0..n {
            let rate = self.rate((f64::from(i) + 0.5) * h);
            energy += 0.5 * h * (rate * (log_g + 0.5 * h * rate).exp()).powi(2);
            log_g += h * rate;
        }
        (log_g.exp(), energy)
    }

    /// Relative root mean square errors of endpoint and KPE.
    fn errors(self, plan: &Plan) -> (f64, f64) {
        let (x0, paths) = run(self, plan);
        let (growth, energy) = self.exact();
        let rms = |pairs: Vec<(f64, f64)>| {
            let error: f64 = pairs.iter().map(|(actual, exact)| (actual - exact).powi(2)).sum();
            let size: f64 = pairs.iter().map(|(_, exact)| exact.powi(2)).sum();
            (error / size).sqrt()
        };
        let x0: Vec<f64> = x0.iter().map(|&x| f64::from(x)).collect();
        let endpoints = paths.endpoints.iter().map(|&x| f64::from(x));
        (
            rms(endpoints.zip(x0.iter().map(|x| growth * x)).collect()),
            rms(paths.kpe.iter().copied().zip(x0.iter().map(|x| energy * x * x)).collect()),
        )
    }
}

fn run(gaussian: Gaussian, plan: &Plan) -> (Array2<f32>, Paths) {
    let x0 = noise(11, 0..SAMPLES, 1);
    let field = gaussian.field();
    let paths = Sampler::new(&field, plan).unwrap().run(x0.view()).unwrap();
    (x0, paths)
}

#[test]
fn every_method_converges_at_its_order_in_endpoint_and_energy() {
    let mild = Gaussian { variance: 25.0, alpha: 2.0 };
    let steep = Gaussian { variance: 64.0, alpha: 3.0 };
    // Steps past the first transients whose errors stay well above f32 rounding.
    for (tableau, gaussian, steps) in [
        (Tableau::EULER, mild, 512),
        (Tableau::MIDPOINT, mild, 64),
        (Tableau::HEUN, mild, 64),
        (Tableau::RK4, mild, 20),
        (Tableau::DOPRI5, steep, 24),
    ] {
        let errors = |n| {
            let grid = Grid::uniform(n).unwrap();
            let plan = Plan::fixed(grid, tableau, gaussian.gain(), Quadrature::Solver).unwrap();
            gaussian.errors(&plan)
        };
        let (coarse, fine) = (errors(steps), errors(2 * steps));
        for (what, coarse, fine) in [("endpoint", coarse.0, fine.0), ("KPE", coarse.1, fine.1)] {
            let order = (coarse / fine).log2();
            assert!(
                (order - f64::from(tableau.order)).abs() < 0.15,
                "{} {what}: measured order {order:.3} from errors {coarse:e}, {fine:e}",
                tableau.name
            );
        }
    }
}

#[test]
fn left_quadrature_is_first_order_and_equals_solver_quadrature_for_euler() {
    let gaussian = Gaussian { variance: 0.25, alpha: 0.5 };
    let plan = |tableau, quadrature, n| {
        Plan::fixed(Grid::uniform(n).unwrap(), tableau, gaussian.gain(), quadrature).unwrap()
    };
    let euler = |quadrature| run(gaussian, &plan(Tableau::EULER, quadrature, 30)).1.kpe;
    assert_eq!(euler(Quadrature::Left), euler(Quadrature::Solver));
    let error = |n| gaussian.errors(&plan(Tableau::HEUN, Quadrature::Left, n)).1;
    let order = (error(200) / error(400)).log2();
    assert!((order - 1.0).abs() < 0.15, "measured order {order}");
}

#[test]
fn adaptive_steps_meet_their_tolerance_and_spend_more_when_it_tightens() {
    let gaussian = Gaussian { variance: 4.0, alpha: 0.5 };
    let plan = |tolerance| {
        let grid = Grid::uniform(1).unwrap();
        Plan::adaptive(grid, Tableau::DOPRI5, gaussian.gain(), tolerance, tolerance).unwrap()
    };
    let mut nfe = Vec::new();
    for tolerance in [1e-3, 1e-4, 1e-5] {
        let (endpoint, energy) = gaussian.errors(&plan(tolerance));
        assert!(endpoint < 10.0 * tolerance, "endpoint error {endpoint:e} at {tolerance:e}");
        assert!(energy < 20.0 * tolerance, "energy error {energy:e} at {tolerance:e}");
        nfe.push(run(gaussian, &plan(tolerance)).1.nfe.iter().sum::<u32>());
    }
    assert!(nfe[0] < nfe[1] && nfe[1] < nfe[2], "{nfe:?}");
}
