//! A made-up study, and a search, with plausible numbers.

mod along_energy;
mod audit;
mod comparison;
mod pictures;
mod search;

use kinepath::stats::{Interval, Summary};
use kinepath_study::run::RunCertificate;
use kinepath_study::study::results::*;
use kinepath_study::study::{StudyResults, StudySettings};

use along_energy::{associations, goldilocks, tercile};
use audit::{memorization, risk, theory};
use comparison::{comparison, metrics, quoted};
use pictures::picture;

pub(crate) use search::{fruitless, search};

const COUNT: usize = 512;
const STEPS: usize = 50;
/// Two fields, four gains, everything there is.
pub(crate) fn study() -> StudyResults {
    let mut random = Random(7);
    StudyResults {
        models: vec![
            model("trained U-Net", "onnx:builtin:velocity", true, &mut random),
            model("empirical field", "empirical:builtin:fashion-mnist", false, &mut random),
        ],
        ..frame()
    }
}

/// Pictures in [−1, 1].
const VALUES: ValueScale = ValueScale { min: -1.0, max: 1.0, mean: -0.43, sd: 0.71 };

/// A single run about which next to nothing is known.
pub(crate) fn bare() -> StudyResults {
    let energy = energy(vec![10.0; 8], Vec::new());
    let run = RunResults {
        name: "a run".into(),
        gain: "unit".into(),
        folder: "runs/a".into(),
        count: 8,
        values: VALUES,
        energy: Some(energy),
        metrics: Vec::new(),
        quoted: Quoted::default(),
        memorization: Memorization {
            curve: Vec::new(),
            records_copied: 0,
            copied_most: Vec::new(),
            classes_by: String::new(),
            classes: Vec::new(),
        },
        comparison: None,
    };
    StudyResults {
        models: vec![ModelResults {
            name: "mixture".into(),
            spec: "mixture:field.toml".into(),
            findings: Vec::new(),
            runs: vec![run],
            certificate: None,
            associations: Vec::new(),
            terciles: Vec::new(),
            goldilocks: None,
            risk: None,
            theory: None,
            samples: SampleColumns::default(),
            pictures: Vec::new(),
        }],
        reference: None,
        calibration: None,
        ..frame()
    }
}

fn frame() -> StudyResults {
    let data = |name: &str, count: usize, byte: &str| DataResults {
        name: name.into(),
        count,
        distinct: count - 3,
        shape: vec![1, 16, 16],
        scaling: "uint8 to [−1, 1]".into(),
        sha256: byte.repeat(32),
        values: VALUES,
    };
    StudyResults {
        kinepath: "0.1.0".into(),
        settings: StudySettings::default(),
        training: data("builtin:fashion-mnist", 1024, "5e"),
        reference: Some(data("builtin:fashion-mnist-reference", 4096, "c0")),
        calibration: Some(Calibration {
            false_alarm: around(0.0012, 0.0009),
            threshold: Some(0.5121),
            level: 0.01,
        }),
        models: Vec::new(),
    }
}

fn model(name: &str, spec: &str, band: bool, random: &mut Random) -> ModelResults {
    let gains = [
        ("baseline", "unit", 0.0, 0.0),
        ("KTS", "kts:alpha=0.01,beta=0.01", 0.01, 0.01),
        ("launch only", "kts:alpha=0.02,beta=0", 0.02, 0.0),
        ("landing only", "kts:alpha=0,beta=0.02", 0.0, 0.02),
        ("SSC", "ssc:alpha=0.02,power=1", 0.015, 0.0),
    ];
    let base: Vec<f64> = (0..COUNT).map(|_| 150.0 + 24.0 * random.normal()).collect();
    let runs = gains.iter().enumerate().map(|(i, &(name, gain, alpha, beta))| {
        let values = base
            .iter()
            .map(|kpe| kpe * (1.0 + 1.2 * alpha - 3.0 * beta) + 2.0 * random.normal())
            .collect();
        RunResults {
            name: name.into(),
            gain: gain.into(),
            folder: format!("runs/{i}"),
            count: COUNT,
            values: VALUES,
            energy: Some(energy(values, profile(alpha, beta))),
            metrics: metrics(beta),
            quoted: quoted(i),
            memorization: memorization(beta),
            comparison: (i > 0).then(|| comparison(i, band)),
        }
    });
    let runs: Vec<RunResults> = runs.collect();
    let samples = columns(&base, random);
    ModelResults {
        name: name.into(),
        spec: spec.into(),
        findings: vec![
            "37.3 % [33.2, 41.4] of the baseline's 512 samples are memorized.".into(),
            "KTS (kts:alpha=0.01,beta=0.01) improves F_mem.".into(),
            "landing only trades Fréchet distance for better F_mem & nothing else.".into(),
            goldilocks(band).sentence,
        ],
        associations: associations(),
        terciles: (0..3).map(|i| tercile(f64::from(i))).collect(),
        goldilocks: Some(goldilocks(band)),
        risk: band.then(risk),
        theory: (!band).then(theory),
        pictures: (0..18).map(|i| picture(i, &samples)).collect(),
        samples,
        runs,
        certificate: (!band).then_some(RunCertificate {
            tau: 20.0,
            velocity_error: 2.14e-4,
            dropped_mass: 3e-7,
            need: Some(15.07),
            rescans: 0,
        }),
    }
}

fn energy(values: Vec<f64>, profile: Vec<ProfilePoint>) -> EnergyResults {
    let kpe = summary(&values);
    let share = |factor: f64| summary(&values.iter().map(|v| v * factor).collect::<Vec<_>>());
    let near = |centre: f64, spread: f64| {
        let map = |v: &f64| centre + spread * (v / kpe.mean - 1.0);
        summary(&values.iter().map(map).collect::<Vec<_>>())
    };
    EnergyResults {
        kpe_per_dimension: kpe.mean / 256.0,
        launch: share(0.62),
        landing: share(0.38),
        displacement: share(0.91),
        efficiency: near(0.91, 0.05),
        terminal_spike: near(0.061, 0.02),
        nfe: summary(&vec![STEPS as f64; values.len()]),
        profile,
        values,
        kpe,
    }
}

fn profile(alpha: f64, beta: f64) -> Vec<ProfilePoint> {
    let point = |i: usize| {
        let t = i as f64 / STEPS as f64;
        let eta = if t < 0.6 {
            1.0 + alpha * (1.0 - t / 0.6)
        } else {
            1.0 - beta * ((3.0 * (t - 0.6) / 0.4).exp() - 1.0)
        };
        let median = (270.0 + 90.0 * (t - 0.2).powi(2) + 12.0 * (9.0 * t).sin()) * eta * eta;
        ProfilePoint { t, eta, median, low: 0.8 * median, high: 1.27 * median }
    };
    (0..STEPS).map(point).collect()
}

fn columns(kpe: &[f64], random: &mut Random) -> SampleColumns {
    let mut columns = SampleColumns { kpe: kpe.to_vec(), ..SampleColumns::default() };
    for kpe in kpe {
        let z = (kpe - 150.0) / 24.0;
        let gap = (0.55 - 0.12 * z + 0.25 * random.normal()).clamp(0.02, 1.0);
        columns.margin.push((0.82 + 0.08 * z + 0.2 * random.normal()).clamp(0.0, 1.0));
        columns.knn_support.push(-2.1 - 0.25 * z + 0.3 * random.normal());
        columns.gap_ratio.push(gap);
        columns.memorized.push(gap < 1.0 / 3.0);
    }
    columns
}

fn around(estimate: f64, half: f64) -> Interval {
    Interval { estimate, low: estimate - half, high: estimate + half }
}

fn summary(values: &[f64]) -> Summary {
    kinepath::stats::summarize(values).unwrap()
}

/// A small generator of normal numbers: the same on every machine.
struct Random(u64);

impl Random {
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    fn uniform(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}
