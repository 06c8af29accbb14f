//! Do 95 % intervals cover 95 %, and do equal gains pass as equal?
//!
//! Simulates whole studies with the code that real ones run: samples with features and columns of
//! known distributions, a fixed reference, paired gains. Prints how often each interval covers, how
//! wide it is against the spread of the figure over studies, and how often a study of equal gains
//! announces an effect.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Parser;
use kinepath::metrics::{
    FeatureMoments, FrechetReference, GaussianStats, KidReference, PrdcReference, VendiFeatures,
};
use kinepath::stats::{Bootstrap, Interval, spearman_interval};
use kinepath_study::study::results::Effect;
use kinepath_study::study::{Evidence, Figures, Inference, differences};
use ndarray::{Array2, ArrayView2, s};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;

/// Calibration of intervals and verdicts by simulated studies.
#[derive(Debug, Parser)]
struct Settings {
    /// Number of simulated studies
    #[arg(long, default_value_t = 2000)]
    studies: usize,
    /// Samples of each gain
    #[arg(long, default_value_t = 500)]
    samples: usize,
    /// Bootstrap resamples and permutations of each study
    #[arg(long, default_value_t = 1000)]
    resamples: usize,
    /// Features of a sample
    #[arg(long, default_value_t = 6)]
    features: usize,
    /// Gains compared with the baseline in each study
    #[arg(long, default_value_t = 3)]
    gains: usize,
}

/// Records of the reference set, the same in every study.
const REFERENCE: usize = 500;
/// Correlation of a gain's sample with the baseline's from the same noise.
const PAIRING: f64 = 0.8;
/// Shift of the samples' features against the reference's, in standard deviations.
const SHIFT: f64 = 0.15;
/// A sample is memorized where its first column is below this normal quantile: 40 %.
const MEMORIZED_BELOW: f64 = -0.253_347_103_135_799_8;
/// Correlation of the two columns whose Spearman correlation is estimated.
const ASSOCIATION: f64 = -0.5;

/// A normal interval of 95 % reaches so many standard errors to either side.
const NORMAL_QUANTILE: f64 = 1.959_963_984_540_054;

/// What every simulated study compares samples with.
struct Reference {
    frechet: Arc<FrechetReference>,
    kernel: Arc<KidReference<'static>>,
    prdc: PrdcReference<'static>,
}

/// What one study says.
struct Outcome {
    /// Key, figure and its interval, of the baseline.
    figures: Vec<(String, Interval)>,
    /// Key, difference and its interval, of the first gain.
    differences: Vec<(String, Interval)>,
    association: Interval,
    /// Whether any gain got a verdict other than "no detectable effect".
    announces: bool,
}

fn main() -> Result<()> {
    let settings = Settings::parse();
    let begun = Instant::now();
    let reference = Reference::new(settings.features)?;
    // The distributions whose differences intervals should cover: a gain that shifts everything.
    let shifted = run(&settings, &reference, 0.1, 1)?;
    let equal = run(&settings, &reference, 0.0, 1_000_003)?;

    println!(
        "{} studies of {} samples per gain, {} gains, {} resamples and permutations, {} features, \
         {REFERENCE} reference records; {:.0} s\n",
        settings.studies,
        settings.samples,
        settings.gains,
        settings.resamples,
        settings.features,
        begun.elapsed().as_secs_f64()
    );
    println!("| 95 % interval of | covers | truth below it | truth above it | width |");
    println!("|---|---|---|---|---|");
    for (index, (key, _)) in shifted[0].figures.iter().enumerate() {
        print_coverage(key, shifted.iter().map(|outcome| outcome.figures[index].1), None);
    }
    for (index, (key, _)) in shifted[0].differences.iter().enumerate() {
        let intervals = shifted.iter().map(|outcome| outcome.differences[index].1);
        print_coverage(&format!("paired difference of {key}"), intervals, None);
    }
    let rho = 6.0 / std::f64::consts::PI * (ASSOCIATION / 2.0f64).asin();
    let intervals = shifted.iter().map(|outcome| outcome.association);
    print_coverage("Spearman correlation", intervals, Some(rho));
    let announcing = equal.iter().filter(|outcome| outcome.announces).count();
    let share = announcing as f64 / equal.len() as f64;
    println!(
        "\nStudies of equal gains that announce an effect of any gain: {:.2} % ({announcing} of \
         {}); at most 5 % are meant to.",
        100.0 * share,
        equal.len()
    );
    Ok(())
}

/// How often intervals hold `truth`, or else the mean of their estimates: the figure that studies
/// of this size have on average. The width is relative to that of a normal interval from the spread
/// of the estimates.
fn print_coverage(name: &str, intervals: impl Iterator<Item = Interval>, truth: Option<f64>) {
    let intervals: Vec<Interval> = intervals.collect();
    let count = intervals.len() as f64;
    let mean = intervals.iter().map(|interval| interval.estimate).sum::<f64>() / count;
    let truth = truth.unwrap_or(mean);
    let share = |outside: fn(&Interval, f64) -> bool| {
        100.0 * intervals.iter().filter(|interval| outside(interval, truth)).count() as f64 / count
    };
    let (below, above) = (share(|i, truth| truth < i.low), share(|i, truth| truth > i.high));
    let spread = intervals.iter().map(|i| (i.estimate - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let width = intervals.iter().map(|i| i.high - i.low).sum::<f64>() / count;
    println!(
        "| {name} | {:.1} % | {below:.1} % | {above:.1} % | {:.2} |",
        100.0 - below - above,
        width / (2.0 * NORMAL_QUANTILE * spread.sqrt())
    );
}

fn run(
    settings: &Settings,
    reference: &Reference,
    effect: f64,
    first_seed: u64,
) -> Result<Vec<Outcome>> {
    (0..settings.studies as u64)
        .into_par_iter()
        .map(|study| simulate(settings, reference, effect, first_seed + study))
        .collect()
}

fn simulate(settings: &Settings, reference: &Reference, effect: f64, seed: u64) -> Result<Outcome> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (count, width) = (settings.samples, settings.features + 3);
    let common = normal(&mut random, count, width);
    // Every gain, the baseline included, is the common part and noise of its own: exchangeable.
    let mut draws: Vec<Array2<f64>> = (0..=settings.gains)
        .map(|_| {
            let own = normal(&mut random, count, width);
            PAIRING.sqrt() * &common + (1.0 - PAIRING).sqrt() * own
        })
        .collect();
    for gain in &mut draws[1..] {
        *gain += effect;
    }
    let evidence =
        draws.iter().map(|draws| reference.evidence(draws)).collect::<Result<Vec<_>>>()?;
    let inference = Inference::new(settings.resamples, seed, &[count])?;
    let figures: Vec<Figures<'_>> =
        evidence.iter().map(|evidence| Figures::of(evidence, None, &inference)).collect();
    let compared = differences(&figures, 0.05, &inference)?;
    let associated: Vec<f64> = draws[0]
        .column(0)
        .iter()
        .zip(draws[0].column(1))
        .map(|(x, y)| ASSOCIATION * x + (1.0 - ASSOCIATION * ASSOCIATION).sqrt() * y)
        .collect();
    let bootstrap = Bootstrap { resamples: settings.resamples, seed, ..Bootstrap::default() };
    let first = compared.first().context("a study has a gain")?;
    Ok(Outcome {
        figures: figures[0]
            .results(&inference)?
            .into_iter()
            .map(|figure| (figure.name, figure.value))
            .collect(),
        differences: first.iter().map(|row| (row.name.clone(), row.difference)).collect(),
        association: spearman_interval(&draws[0].column(0).to_vec(), &associated, &bootstrap)?,
        announces: compared.iter().flatten().any(|row| row.effect != Effect::Undetected),
    })
}

impl Reference {
    fn new(features: usize) -> Result<Self> {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let records = as_features(normal(&mut random, REFERENCE, features).view(), 0.0);
        let gaussian: GaussianStats = FeatureMoments::new(records.view())?.gaussian();
        Ok(Self {
            frechet: Arc::new(FrechetReference::new(gaussian)?),
            kernel: Arc::new(KidReference::new(records.clone())?),
            prdc: PrdcReference::new(records, 5)?,
        })
    }

    /// Evidence as a study has it: a share, two means, and features against the reference.
    fn evidence(&self, draws: &Array2<f64>) -> Result<Evidence> {
        let column =
            |j: usize, of: fn(f64) -> f64| draws.column(j).iter().map(|&v| of(v)).collect();
        let features = Arc::new(as_features(draws.slice(s![.., 3..]), SHIFT));
        let mut evidence = Evidence::new(draws.nrows());
        evidence.add_column("f_mem", column(0, |v| f64::from(v < MEMORIZED_BELOW)))?;
        evidence.add_column("confidence", column(1, |v| 1.0 / (1.0 + (-v).exp())))?;
        evidence.add_column("margin", column(2, |v| (1.0 + (-v).exp()).powi(-2)))?;
        evidence.add_kernel(&self.kernel, &features)?;
        evidence.add_prdc(&self.prdc, &features)?;
        evidence.add_frechet(&self.frechet, &features)?;
        evidence.add_column("vendi", VendiFeatures::new(features.view())?.contributions()?)?;
        Ok(evidence)
    }
}

/// Features as networks give them: of unequal spread, and away from the origin.
fn as_features(draws: ArrayView2<'_, f64>, shift: f64) -> Array2<f32> {
    let mut features = draws.to_owned();
    for (j, mut column) in features.columns_mut().into_iter().enumerate() {
        let spread = 1.0 / (1.0 + 0.5 * j as f64);
        column.mapv_inplace(|v| spread * (1.0 + v + shift));
    }
    features.mapv(|v| v as f32)
}

fn normal(random: &mut ChaCha8Rng, rows: usize, columns: usize) -> Array2<f64> {
    Array2::from_shape_simple_fn((rows, columns), || random.sample(StandardNormal))
}
