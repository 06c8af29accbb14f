//! Energies and endpoints of converted networks against the mixture's own field.

use kinepath::field::{Conventions, Converted, Prediction, VelocityField};
use kinepath::gain::Gain;
use kinepath::grid::Grid;
use kinepath::noise::noise;
use kinepath::plan::{Plan, Quadrature};
use kinepath::sampler::Sampler;
use kinepath::tableau::Tableau;

use crate::conventions;
use crate::mixture::{Mixture, cosine, linear, log_ratios, scaled_linear};

/// How far a converted network is from the mixture's own field, from the same noise.
struct Differences {
    /// The greatest relative difference of a sample's energy.
    energy: f64,
    /// The relative difference of the mean energies.
    mean: f64,
    /// The greatest absolute difference of an endpoint's coordinate.
    end: f64,
}

fn differences(
    mixture: &Mixture,
    network: impl VelocityField,
    conventions: Conventions,
    (start, end): (f64, f64),
    tableau: Tableau,
) -> Differences {
    let grid = Grid::uniform(50).unwrap().within(start, end).unwrap();
    let plan = Plan::fixed(grid, tableau, Gain::Unit, Quadrature::Solver).unwrap();
    let start = noise(5, 0..64, 3);
    let run =
        |field: &dyn VelocityField| Sampler::new(field, &plan).unwrap().run(start.view()).unwrap();
    let expected = run(&mixture.field());
    let actual = run(&Converted::new(network, conventions));
    let relative = |actual: f64, expected: f64| ((actual - expected) / expected).abs();
    let pairs = actual.kpe.iter().zip(&expected.kpe);
    let ends = (&actual.endpoints - &expected.endpoints).mapv(|d| f64::from(d.abs()));
    Differences {
        energy: pairs.map(|(&actual, &expected)| relative(actual, expected)).fold(0.0, f64::max),
        mean: relative(actual.kpe.iter().sum(), expected.kpe.iter().sum()),
        end: ends.iter().copied().fold(0.0, f64::max),
    }
}

/// EDM's law with σ_data = 0.5, from c_noise.
fn preconditioned(time: f64) -> (f64, f64, f64) {
    let sigma = (4.0 * time).exp();
    (1.0 / (sigma * sigma + 0.25).sqrt(), 1.0, sigma)
}

/// A schedule's path and its β.
type Schedule = (&'static str, fn(usize) -> f64);

/// Over the noise levels a network was trained on, its energies and endpoints are those of the
/// straight path, whatever it predicts and however it is told the time.
#[test]
fn energies_and_endpoints_are_those_of_the_straight_path() {
    use Prediction::{Data, Noise, Residual, V};
    let mixture = Mixture::read();
    let check = |network: &dyn VelocityField, asked: Conventions| {
        let (interval, name) = (asked.path().times(), format!("{asked:?}"));
        let Differences { energy, end, .. } =
            differences(&mixture, network, asked, interval, Tableau::HEUN);
        assert!(energy < 1e-4 && end < 1e-4, "{energy} {end}: {name}");
    };
    let schedules: [Schedule; 3] =
        [("vp:linear", linear), ("vp:scaled-linear", scaled_linear), ("vp:cosine,max=80", cosine)];
    for (path, beta) in schedules {
        for prediction in [Noise, V, Data] {
            let network = mixture.of_steps(log_ratios(beta), prediction);
            check(&network, conventions(path, prediction, None));
        }
    }
    // The same network, told its level instead of the number of its step.
    let of_level = |sigma: f64| {
        let signal = 1.0 / sigma.hypot(1.0);
        (1.0, signal, sigma * signal)
    };
    check(&mixture.network(V, of_level), conventions("vp:linear", V, Some("sigma")));
    let of_log = |time: f64| of_level((4.0 * time).exp());
    check(&mixture.network(Noise, of_log), conventions("vp:linear", Noise, Some("c-noise")));
    for prediction in [Data, Noise] {
        let network = mixture.network(prediction, |sigma| (1.0, 1.0, sigma));
        check(&network, conventions("ve", prediction, None));
    }
    check(&mixture.network(Residual, preconditioned), conventions("edm:0.5", Residual, None));
}

/// Whole paths agree too: what lies beyond the trained levels is carried on to first order, which
/// leaves least where they reach far, and most with Stable Diffusion's, which end at t = 0.064.
#[test]
fn whole_paths_agree_as_far_as_the_trained_levels_reach() {
    use Prediction::{Noise, Residual, V};
    let mixture = Mixture::read();
    let check = |network: &dyn VelocityField, asked: Conventions, each: f64, all: f64| {
        for tableau in [Tableau::EULER, Tableau::HEUN] {
            let (asked, interval) = (asked.clone(), (0.0, 1.0));
            let Differences { energy, mean, end } =
                differences(&mixture, network, asked.clone(), interval, tableau);
            let good = energy < each && end < each && mean < all;
            assert!(good, "{energy} {mean} {end}: {asked:?}");
        }
    };
    let schedules: [(Schedule, Prediction, f64); 4] = [
        (("vp:linear", linear), Noise, 1e-4),
        (("vp:linear", linear), V, 1e-4),
        (("vp:cosine", cosine), V, 1e-4),
        (("vp:scaled-linear", scaled_linear), V, 5e-3),
    ];
    for ((path, beta), prediction, each) in schedules {
        let network = mixture.of_steps(log_ratios(beta), prediction);
        check(&network, conventions(path, prediction, None), each, 1e-3);
    }
    let network = mixture.network(Residual, preconditioned);
    check(&network, conventions("edm:0.5", Residual, None), 1e-4, 1e-4);
}

/// Of a Gaussian N(m, s² I) the whole straight path is known in closed form, x(t) = t m + σ(t) x0 with
/// σ² = (1 − t)² + t² s², and its energy is ½ ∫ ‖m + σ' x0‖² dt. A network that was trained on a
/// variance-preserving path and knows nothing else must come to it.
#[test]
fn energies_of_a_gaussian_are_those_of_its_closed_form() {
    const TOLERANCE: f64 = 1e-3;
    let (mean, deviation) = ([1.5, -0.4, 0.8], 0.6f64);
    let gaussian = Mixture::gaussian(&mean, deviation * deviation);
    let sigma = |t: f64| (1.0 - t).hypot(t * deviation);
    let slope = |t: f64| (t * deviation * deviation - (1.0 - t)) / sigma(t);
    // Simpson's rule on a grid much finer than the sampler's.
    let steps = 20_000;
    let squared_slope: f64 = (0..=2 * steps)
        .map(|i| {
            let weight = match i {
                0 => 1.0,
                i if i == 2 * steps => 1.0,
                i if i % 2 == 1 => 4.0,
                _ => 2.0,
            };
            weight * slope(i as f64 / (2 * steps) as f64).powi(2)
        })
        .sum::<f64>()
        / (6 * steps) as f64;
    let start = noise(8, 0..64, mean.len());
    let grid = Grid::uniform(200).unwrap();
    let plan = Plan::fixed(grid, Tableau::HEUN, Gain::Unit, Quadrature::Solver).unwrap();
    let schedules: [Schedule; 2] = [("vp:linear", linear), ("vp:cosine", cosine)];
    for (path, beta) in schedules {
        for prediction in [Prediction::Noise, Prediction::V] {
            let network = gaussian.of_steps(log_ratios(beta), prediction);
            let field = Converted::new(network, conventions(path, prediction, None));
            let paths = Sampler::new(&field, &plan).unwrap().run(start.view()).unwrap();
            for ((x0, end), kpe) in
                start.rows().into_iter().zip(paths.endpoints.rows()).zip(paths.kpe)
            {
                let x0: Vec<f64> = x0.iter().map(|&x| x.into()).collect();
                let dot =
                    |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
                let expected = 0.5 * dot(&mean, &mean)
                    + (deviation - 1.0) * dot(&mean, &x0)
                    + 0.5 * squared_slope * dot(&x0, &x0);
                assert!((kpe - expected).abs() < TOLERANCE * expected, "{kpe} {expected} {path}");
                for ((end, mean), x0) in end.iter().zip(mean).zip(x0) {
                    let expected = mean + deviation * x0;
                    assert!((f64::from(*end) - expected).abs() < TOLERANCE, "{end} {expected}");
                }
            }
        }
    }
}

/// A path is asked about twice where the network knows no such noise, and the count says so.
#[test]
fn evaluations_beyond_the_trained_levels_count_twice() {
    let mixture = Mixture::read();
    let network = mixture.of_steps(log_ratios(scaled_linear), Prediction::V);
    let asked = conventions("vp:scaled-linear", Prediction::V, None);
    let plan =
        Plan::fixed(Grid::uniform(50).unwrap(), Tableau::EULER, Gain::Unit, Quadrature::Solver);
    let (plan, field) = (plan.unwrap(), Converted::new(network, asked));
    let paths = Sampler::new(&field, &plan).unwrap().run(noise(1, 0..2, 3).view()).unwrap();
    // 0, 0.02, 0.04 and 0.06 lie below 1/(1 + 14.61) = 0.064.
    assert_eq!(paths.nfe, [54, 54]);
}

/// Networks with an integer input are asked at the nearest step, half a step off at most.
#[test]
fn networks_that_round_their_step_stay_near_the_path() {
    let mixture = Mixture::read();
    let ratios = log_ratios(scaled_linear);
    let network = mixture.network(Prediction::Noise, move |step| {
        let ratio = ratios[step.round() as usize].exp();
        let signal = 1.0 / ratio.hypot(1.0);
        (1.0, signal, ratio * signal)
    });
    let asked = conventions("vp:scaled-linear", Prediction::Noise, None);
    let interval = asked.path().times();
    let Differences { energy, mean, end } =
        differences(&mixture, network, asked, interval, Tableau::EULER);
    assert!(energy < 5e-3 && mean < 1e-3 && end < 1e-3, "{energy} {mean} {end}");
}
