//! The program against the published Euler sampler for networks with discrete time, written here
//! a second time as a plain loop: `t_i = i/N`, index `⌊t · 999⌋`, the gain formulas of kinetic
//! trajectory shaping.

use kinepath::field::{Condition, VelocityField};
use kinepath_onnx::{Network, OnnxField};
use kinepath_study::run::{RunReader, columns};
use ndarray::Array2;

use crate::sampling::fixture;
use crate::support::{Place, npy};

const ROWS: usize = 5;
const STEPS: usize = 40;

/// How strong the gain is at time `t`.
type Eta = fn(f64) -> f64;

/// Linear launch α = 0.02, exponential landing β = 0.03, split 0.6.
fn kts(t: f64) -> f64 {
    if t < 0.6 {
        1.0 + 0.02 * (1.0 - t / 0.6)
    } else {
        let s = (t - 0.6) / (1.0 - 0.6);
        1.0 - 0.03 * ((3.0 * s).exp() - 1.0)
    }
}

/// Exponential launch α = 0.05 of rate 2, linear landing β = 0.1, split 0.4.
fn kts_other_shapes(t: f64) -> f64 {
    if t < 0.4 {
        let u = 1.0 - t / 0.4;
        1.0 + 0.05 * ((2.0 * u).exp() - 1.0) / (2.0f64.exp() - 1.0)
    } else {
        1.0 - 0.1 * (t - 0.4) / (1.0 - 0.4)
    }
}

const GAINS: [(&str, Eta, f64); 3] = [
    ("unit", |_| 1.0, 0.6),
    ("kts:alpha=0.02,beta=0.03", kts, 0.6),
    (
        "kts:alpha=0.05,beta=0.1,split=0.4,launch=exponential,landing=linear,rate=2",
        kts_other_shapes,
        0.4,
    ),
];

/// Starting points that are no special numbers.
fn start() -> Vec<f32> {
    (0..ROWS * 32).map(|i| (1.7 * (i as f32 + 0.3).sin() + 0.4 * (i as f32).cos()) * 0.8).collect()
}

/// Endpoints, energies, launch energies and displacement energies.
fn published(eta: Eta, split: f64) -> (Array2<f32>, [Vec<f64>; 3]) {
    let network = OnnxField::new(Network::load(fixture("integer_time")).unwrap()).unwrap();
    let x0 = Array2::from_shape_vec((ROWS, 32), start()).unwrap();
    let mut x = x0.clone();
    let (mut energy, mut launch) = (vec![0.0; ROWS], vec![0.0; ROWS]);
    let h = 1.0 / STEPS as f64;
    for i in 0..STEPS {
        let t = i as f64 / STEPS as f64;
        let index = (t * 999.0).floor();
        let mut v = Array2::zeros(x.dim());
        network.velocity(x.view(), &[index; ROWS], Condition::None, v.view_mut()).unwrap();
        for row in 0..ROWS {
            let mut square = 0.0;
            for d in 0..32 {
                let speed = eta(t) * f64::from(v[[row, d]]);
                square += speed * speed;
                x[[row, d]] = (f64::from(x[[row, d]]) + h * speed) as f32;
            }
            energy[row] += 0.5 * h * square;
            if t < split {
                launch[row] += 0.5 * h * square;
            }
        }
    }
    let displacement = (&x - &x0)
        .outer_iter()
        .map(|row| 0.5 * row.iter().map(|&d| f64::from(d) * f64::from(d)).sum::<f64>())
        .collect();
    (x, [energy, launch, displacement])
}

#[test]
fn endpoints_and_energies_equal_a_plain_loop() {
    let place = Place::new();
    place.write("x0.npy", npy(&[ROWS, 2, 4, 4], &start()));
    for (number, (gain, eta, split)) in GAINS.into_iter().enumerate() {
        let model = fixture("integer_time");
        place.succeeds(&format!(
            "sample --field onnx:{model} --time discrete:1000 --noise x0.npy --steps {STEPS} \
             --gain {gain} --out run-{number}"
        ));
        let run = RunReader::open(&place.path(&format!("run-{number}"))).unwrap();
        let (endpoints, columns) = published(eta, split);
        for (actual, expected) in run.samples().unwrap().iter().zip(&endpoints) {
            assert!((actual - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{gain}");
        }
        let names = [columns::KPE, columns::KPE_LAUNCH, columns::DISPLACEMENT];
        for (name, expected) in names.into_iter().zip(columns) {
            for (actual, expected) in run.table().f64(name).unwrap().iter().zip(expected) {
                let error = (actual - expected).abs();
                assert!(error <= 1e-5 * expected, "{gain}: {name} {actual} {expected}");
            }
        }
        assert!(run.table().i64(columns::NFE).unwrap().iter().all(|&nfe| nfe == STEPS as i64));
    }
}
