//! Networks of other paths than the straight one: schedules, preconditionings and a sampler of
//! diffusers (`fixtures/make_conventions.py` made the numbers), and the exact networks of a Gaussian
//! mixture, whose straight-path field is known.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper that fails is a test that fails")]

mod energies;
mod mixture;
#[path = "../support/mod.rs"]
mod support;

use kinepath::field::{ConditionalPath, Conventions, Converted, NoiseLevels, Prediction};
use kinepath::gain::Gain;
use kinepath::grid::Grid;
use kinepath::plan::{Plan, Quadrature};
use kinepath::sampler::Sampler;
use kinepath::tableau::Tableau;
use serde_json::Value;

use mixture::{Mixture, linear, log_ratios};
use support::{assert_close, column, integers, points, rows};

fn fixture() -> Value {
    serde_json::from_str(include_str!("../fixtures/conventions.json")).unwrap()
}

fn conventions(path: &str, prediction: Prediction, time: Option<&str>) -> Conventions {
    let time = time.map(|time| time.parse().unwrap());
    Conventions::new(path.parse().unwrap(), Some(prediction), time).unwrap()
}

#[test]
fn schedules_are_those_of_diffusers() {
    for schedule in fixture()["schedules"].as_array().unwrap() {
        let text = schedule["path"].as_str().unwrap();
        let path: ConditionalPath = text.parse().unwrap();
        let ConditionalPath::VariancePreserving { levels, .. } = path else { panic!("{text}") };
        assert_eq!(levels.steps() as u64, schedule["steps"].as_u64().unwrap());
        let shares = column(&schedule["alphas_cumprod"]);
        for (step, share) in integers(&schedule["at"]).into_iter().zip(shares) {
            let ratio = ((1.0 - share) / share).sqrt();
            // diffusers multiplies a thousand factors in single precision.
            assert!((levels.step(ratio) - step as f64).abs() < 5e-3, "{text}: {step}");
        }
        let found = column(&schedule["found"]);
        for (sigma, step) in column(&schedule["sigmas"]).into_iter().zip(found) {
            assert!((levels.step(sigma) - step).abs() < 5e-3, "{text}: σ {sigma}, step {step}");
        }
    }
}

#[test]
fn preconditionings_are_those_of_diffusers() {
    for edm in fixture()["edm"].as_array().unwrap() {
        let sigma_data = edm["sigma_data"].as_f64().unwrap();
        let prediction = edm["prediction"].as_str().unwrap().parse().unwrap();
        let asked = conventions(&format!("edm:{sigma_data}"), prediction, None);
        for row in edm["rows"].as_array().unwrap() {
            let number = |name: &str| row[name].as_f64().unwrap();
            let t = 1.0 / (1.0 + number("sigma"));
            let conversion = asked.at(t);
            // x̃ = x/t, and the velocity is (D − x)/(1 − t).
            let actual = [
                conversion.input * t,
                conversion.time,
                (conversion.state * (1.0 - t) + 1.0) * t,
                conversion.output * (1.0 - t),
            ];
            let expected = ["c_in", "c_noise", "c_skip", "c_out"].map(number);
            assert_close(&actual, &expected, 1e-6);
        }
    }
}

/// DDIM with all its steps, in the network's own coordinates, ends where the converted network's
/// straight path does: both follow the same flow, whose discretisations differ.
#[test]
fn ddim_of_diffusers_ends_at_the_same_points() {
    let (mixture, ddim) = (Mixture::read(), &fixture()["ddim"]);
    let network = mixture.of_steps(log_ratios(linear), Prediction::Noise);
    let asked = conventions("vp:linear", Prediction::Noise, None);
    let (start, end) = asked.path().times();
    // DDIM begins with x̃ = ε, and x_t = x̃ / (α + σ).
    let x = points(&ddim["start"]).mapv(|x| (f64::from(x) * start.hypot(1.0 - start)) as f32);
    let grid = Grid::cosine(2000).unwrap().within(start, end).unwrap();
    let plan = Plan::fixed(grid, Tableau::HEUN, Gain::Unit, Quadrature::Solver).unwrap();
    let field = Converted::new(network, asked);
    let paths = Sampler::new(&field, &plan).unwrap().run(x.view()).unwrap();
    let expected = rows(&ddim["end"]);
    let off = (&paths.endpoints.mapv(f64::from) - &expected).mapv(f64::abs);
    let worst = off.iter().copied().fold(0.0, f64::max);
    let mean = off.mean().unwrap();
    assert!(worst < 0.03 && mean < 0.01, "{worst} {mean}");
}

#[test]
fn published_ranges() {
    let range = |levels: Result<NoiseLevels, _>| levels.unwrap().range();
    // k-diffusion's sigma_min and sigma_max of Stable Diffusion 1.
    let (least, most) = range(NoiseLevels::scaled_linear(1000, 0.00085, 0.012));
    assert!((least - 0.0292).abs() < 5e-5 && (most - 14.6146).abs() < 5e-5, "{least} {most}");
    // Ho et al.: ᾱ_T = 4.0e-5.
    let (_, most) = range(NoiseLevels::linear(1000, 1e-4, 0.02));
    assert!((most - 157.4).abs() < 0.1, "{most}");
}
