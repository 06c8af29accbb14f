//! A made-up study with plausible numbers.

use std::io::Cursor;

use base64::Engine;
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use kinepath::stats::{Interval, Summary};
use kinepath_study::study::results::*;
use kinepath_study::study::{StudyResults, StudySettings};

const COUNT: usize = 512;
const STEPS: usize = 50;
const METRICS: [(&str, &str, Direction, f64, f64); 5] = [
    ("f_mem", "F_mem", Direction::Lower, 0.3734, 0.041),
    ("frechet_distance", "Fréchet distance", Direction::Lower, 12.4, 1.3),
    ("precision", "precision", Direction::Higher, 0.71, 0.04),
    ("recall", "recall", Direction::Higher, 0.42, 0.04),
    ("margin", "classifier margin", Direction::Higher, 0.803, 0.02),
];

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

/// A single run about which next to nothing is known.
pub(crate) fn bare() -> StudyResults {
    let energy = energy(vec![10.0; 8], Vec::new());
    let run = RunResults {
        name: "a run".into(),
        gain: "unit".into(),
        folder: "runs/a".into(),
        energy,
        metrics: Vec::new(),
        comparison: None,
    };
    StudyResults {
        models: vec![ModelResults {
            name: "mixture".into(),
            spec: "mixture:field.toml".into(),
            findings: Vec::new(),
            runs: vec![run],
            associations: Vec::new(),
            terciles: Vec::new(),
            goldilocks: Goldilocks { bins: Vec::new(), band: None, sentence: "Unknown.".into() },
            samples: SampleColumns::default(),
            pictures: Vec::new(),
        }],
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
    };
    StudyResults {
        kinepath: "0.1.0".into(),
        settings: StudySettings::default(),
        training: data("builtin:fashion-mnist", 1024, "5e"),
        reference: data("builtin:fashion-mnist-reference", 4096, "c0"),
        false_alarm: around(0.0012, 0.0009),
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
            energy: energy(values, profile(alpha, beta)),
            metrics: metrics(beta),
            comparison: (i > 0).then(|| comparison(i)),
        }
    });
    let runs: Vec<RunResults> = runs.collect();
    let samples = columns(&runs[0].energy.values, random);
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
        goldilocks: goldilocks(band),
        pictures: (0..18).map(|i| picture(i, &samples)).collect(),
        samples,
        runs,
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

fn metrics(beta: f64) -> Vec<MetricResult> {
    let metric = |&(key, name, better, value, half): &(&str, &str, Direction, f64, f64)| {
        let value = if key == "f_mem" { value - 6.0 * beta } else { value };
        MetricResult { metric: key.into(), name: name.into(), better, value: around(value, half) }
    };
    METRICS.iter().map(metric).collect()
}

fn comparison(gain: usize) -> Comparison {
    let difference = |i: usize, estimate: f64, half: f64, q_value: f64, effect: Effect| {
        let (metric, name, ..) = METRICS[i];
        Difference {
            metric: metric.into(),
            name: name.into(),
            difference: around(estimate, half),
            p_value: q_value / 2.0,
            q_value,
            effect,
        }
    };
    let none = |i: usize, estimate: f64, half: f64| {
        difference(i, estimate, half, 0.41, Effect::Undetected)
    };
    let (verdict, sentence, first, second) = match gain {
        1 => (
            Verdict::Improves,
            "improves F_mem",
            difference(0, -0.0612, 0.024, 0.0004, Effect::Better),
            none(1, -0.2, 0.5),
        ),
        3 => (
            Verdict::Trades,
            "trades Fréchet distance for better F_mem",
            difference(0, -0.118, 0.031, 0.0002, Effect::Better),
            difference(1, 2.6, 0.9, 0.003, Effect::Worse),
        ),
        4 => (
            Verdict::Harms,
            "harms Fréchet distance",
            none(0, 0.004, 0.01),
            difference(1, 0.7, 0.4, 0.021, Effect::Worse),
        ),
        _ => (
            Verdict::NoDetectableEffect,
            "has no detectable effect at n = 512",
            none(0, -0.003, 0.012),
            none(1, -0.1, 0.4),
        ),
    };
    Comparison {
        differences: vec![
            first,
            second,
            none(2, 0.004, 0.012),
            none(3, -0.002, 0.014),
            none(4, 0.001, 0.006),
        ],
        verdict,
        sentence: sentence.into(),
    }
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

fn associations() -> Vec<Association> {
    let association =
        |with: &str, name: &str, plain: f64, partial: f64, sentence: &str| Association {
            with: with.into(),
            name: name.into(),
            plain: Some(around(plain, 0.08)),
            partial: Some(around(partial, 0.09)),
            sentence: sentence.into(),
        };
    vec![
        association(
            "margin",
            "classifier margin",
            0.34,
            0.02,
            "Higher energy goes with higher classifier margin, but the association vanishes when \
             ‖x(1)‖² and displacement are controlled for: it is not told apart from brightness and \
             contrast.",
        ),
        association(
            "knn_support",
            "kNN support",
            -0.61,
            -0.34,
            "Higher energy goes with lower kNN support, and still does when ‖x(1)‖² and \
             displacement are controlled for.",
        ),
        association(
            "gap_ratio",
            "gap ratio to the training set",
            -0.4,
            -0.2,
            "Higher energy goes with lower gap ratio to the training set, and still does when \
             ‖x(1)‖² and displacement are controlled for.",
        ),
    ]
}

fn tercile(i: f64) -> Tercile {
    Tercile {
        count: 100,
        kpe: 124.0 + 26.0 * i,
        confidence: (0.84 + 0.03 * i, 0.19 - 0.02 * i),
        margin: (0.74 + 0.06 * i, 0.27 - 0.03 * i),
        f_mem: Interval { estimate: 0.22 + 0.14 * i, low: 0.15 + 0.14 * i, high: 0.3 + 0.14 * i },
    }
}

fn goldilocks(band: bool) -> Goldilocks {
    let bins = (0..8).map(|i| {
        let x = f64::from(i);
        let kpe_low = if i == 0 { 82.0 } else { 107.0 + 12.5 * x };
        GoldilocksBin {
            count: COUNT / 8,
            kpe_low,
            kpe_high: if i == 7 { 226.0 } else { 119.4 + 12.5 * x },
            f_mem: around(0.17 + 0.008 * x * x, 0.09),
            fidelity: around(0.68 + 0.16 * (1.0 - (-0.7 * x).exp()), 0.05),
        }
    });
    let sentence = if band {
        "A Goldilocks band: between energies 132.0 to 169.4, fidelity is not significantly below \
         its best and memorization not significantly above its lowest; outside it, one of them is."
    } else {
        "No Goldilocks band: wherever fidelity is near its best, memorization is significantly \
         above its lowest."
    };
    Goldilocks { bins: bins.collect(), band: band.then_some((2, 4)), sentence: sentence.into() }
}

fn picture(i: usize, samples: &SampleColumns) -> Picture {
    let index = 17 * i;
    Picture {
        group: ["low", "middle", "high"][i / 6].into(),
        index,
        kpe: samples.kpe[index],
        gap_ratio: samples.gap_ratio[index],
        memorized: samples.memorized[index],
        nearest_index: 5 * i,
        sample: png(|x, y| 0.5 + 0.5 * (0.5 * x + i as f64).sin() * (0.4 * y).cos()),
        nearest: png(|x, y| 0.5 + 0.5 * (0.5 * x + i as f64 + 0.2).sin() * (0.4 * y).cos()),
        energy_map: png(|x, y| (-((x - 8.0).powi(2) + (y - 8.0).powi(2)) / 30.0).exp()),
    }
}

fn png(value: impl Fn(f64, f64) -> f64) -> String {
    let pixels: Vec<u8> =
        (0..256).map(|i| (255.0 * value(f64::from(i % 16), f64::from(i / 16))) as u8).collect();
    let mut bytes = Cursor::new(Vec::new());
    PngEncoder::new(&mut bytes).write_image(&pixels, 16, 16, ExtendedColorType::L8).unwrap();
    let text = base64::engine::general_purpose::STANDARD.encode(bytes.into_inner());
    format!("data:image/png;base64,{text}")
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
