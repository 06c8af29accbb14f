//! Are paths through an empirical field those of brute force?
//!
//! The same noise is integrated by kinepath and, in f64, from the definition: all distances, all
//! weights, nothing left out. Fails if a path ends at another training point, or its energy is off
//! by more than [`TOLERANCE`].

use std::{path::Path, process::ExitCode};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use kinepath::field::EmpiricalField;
use kinepath::gain::Gain;
use kinepath::grid::Grid;
use kinepath::noise::noise;
use kinepath::plan::{Plan, Quadrature};
use kinepath::sampler::Sampler;
use kinepath::tableau::Tableau;
use kinepath_study::data;
use ndarray::{Array2, ArrayView2, s};
use rayon::prelude::*;

/// Paths through empirical fields against brute force
#[derive(Debug, Parser)]
struct Settings {
    /// Training sets, each a data set that `kinepath` reads, beside the synthetic one
    #[arg(long, num_args = 1..)]
    points: Vec<String>,
    /// Training points, the first of each set
    #[arg(long, default_value_t = 2000)]
    count: usize,
    /// Samples from each seed
    #[arg(long, default_value_t = 256)]
    samples: u64,
    /// Euler steps
    #[arg(long, default_value_t = 100)]
    steps: usize,
    /// Seeds, from 0 on
    #[arg(long, default_value_t = 3)]
    seeds: u64,
}

const GAINS: [&str; 4] =
    ["unit", "kts:alpha=0.01,beta=0.01", "ssc:alpha=0.1,power=2", "table:0=1.2,0.5=1,1=0.8"];
/// Largest relative difference of an energy.
const TOLERANCE: f64 = 1e-5;
/// Samples that look at a block of points together, while it is in the cache.
const SAMPLES: usize = 8;
/// Points of a block.
const BLOCK: usize = 32;

fn main() -> Result<ExitCode> {
    let settings = Settings::parse();
    ensure!(settings.count > 0 && settings.samples > 0, "there is nothing to integrate");
    let mut sets = vec![("clustered".to_owned(), clustered(settings.count))];
    for name in &settings.points {
        let values = data::load(name)?.values;
        let held = values.nrows();
        ensure!(held >= settings.count, "{name} holds {held} points only");
        sets.push((label(name), values.slice(s![..settings.count, ..]).to_owned()));
    }
    println!(
        "| data | N | D | gain | seed | same endpoint | energy off | endpoint off | velocity error ≤ |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut exact = true;
    for (name, points) in &sets {
        let field = EmpiricalField::new(points.clone())?;
        for gain in GAINS {
            for seed in 0..settings.seeds {
                print!("| {name} | {} | {} | {gain} | {seed} ", points.nrows(), points.ncols());
                exact &= compare(&field, gain.parse()?, seed, &settings)?;
            }
        }
    }
    Ok(if exact { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A data set's folder, where its name is a path.
fn label(name: &str) -> String {
    let folder = Path::new(name).parent().and_then(Path::file_name);
    folder.map_or(name.to_owned(), |folder| folder.to_string_lossy().into_owned())
}

/// Whether both integrations end at the same points with the same energies, printed.
fn compare(field: &EmpiricalField, gain: Gain, seed: u64, settings: &Settings) -> Result<bool> {
    let start = noise(seed, 0..settings.samples, field.points().ncols());
    let grid = Grid::uniform(settings.steps)?;
    let plan = Plan::fixed(grid, Tableau::EULER, gain, Quadrature::Solver)?;
    let paths = Sampler::new(field, &plan)?.run(start.view())?;
    let posterior = paths.posterior.as_ref().context("paths were not followed")?;

    let points = rows(field.points());
    let expected = brute_force(&points, start.view(), &plan);
    let found: Vec<Integrated> = rows(paths.endpoints.view()).into_iter().zip(paths.kpe).collect();
    let same = found
        .iter()
        .zip(&expected)
        .filter(|(a, b)| nearest(&points, &a.0) == nearest(&points, &b.0))
        .count();
    let differences = |of: fn(&Integrated, &Integrated) -> f64| {
        // By `total_cmp`, that of a NaN is not lost.
        found.iter().zip(&expected).map(|(a, b)| of(a, b)).max_by(f64::total_cmp)
    };
    let energy = differences(|a, b| (a.1 / b.1 - 1.0).abs()).unwrap_or(f64::NAN);
    let end = differences(|a, b| square_distance(&a.0, &b.0, 1.0).sqrt()).unwrap_or(f64::NAN);
    println!(
        "| {same} of {} | {energy:.0e} | {end:.0e} | {:.0e} |",
        settings.samples, posterior.certificate.velocity_error
    );
    Ok(same == expected.len() && energy <= TOLERANCE)
}

/// A state, at last the endpoint, and the energy so far.
type Integrated = (Vec<f64>, f64);

fn rows(values: ArrayView2<'_, f32>) -> Vec<Vec<f64>> {
    values.outer_iter().map(|row| row.iter().copied().map(f64::from).collect()).collect()
}

/// Euler's method, by definition.
fn brute_force(points: &[Vec<f64>], start: ArrayView2<'_, f32>, plan: &Plan) -> Vec<Integrated> {
    let mut paths: Vec<Integrated> = rows(start).into_iter().map(|x| (x, 0.0)).collect();
    paths.par_chunks_mut(SAMPLES).for_each(|paths| {
        for nodes in plan.grid().nodes().windows(2) {
            let (t, h) = (nodes[0], nodes[1] - nodes[0]);
            let factor = plan.gain().eta(t) / (1.0 - t);
            let means = means(points, paths, t);
            for ((x, energy), mean) in paths.iter_mut().zip(means) {
                for (x, mean) in x.iter_mut().zip(mean) {
                    let velocity = factor * (mean - *x);
                    *energy += 0.5 * h * velocity.powi(2);
                    *x += h * velocity;
                }
            }
        }
    });
    paths
}

/// `Σ λ_i x_i`, `λ = softmax(−‖x − t x_i‖² / 2(1 − t)²)`, of each path's state.
fn means(points: &[Vec<f64>], paths: &[Integrated], t: f64) -> Vec<Vec<f64>> {
    let mut weights = vec![Vec::with_capacity(points.len()); paths.len()];
    for block in points.chunks(BLOCK) {
        for ((x, _), weights) in paths.iter().zip(&mut weights) {
            let scores = block.iter().map(|p| square_distance(x, p, t));
            weights.extend(scores.map(|square| -0.5 * square / (1.0 - t).powi(2)));
        }
    }
    for weights in &mut weights {
        let most = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        weights.iter_mut().for_each(|weight| *weight = (*weight - most).exp());
        let total: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= total);
    }
    let mut means: Vec<Vec<f64>> = paths.iter().map(|(x, _)| vec![0.0; x.len()]).collect();
    for (block, points) in points.chunks(BLOCK).enumerate() {
        for (mean, weights) in means.iter_mut().zip(&weights) {
            for (point, &weight) in points.iter().zip(&weights[block * BLOCK..]) {
                if weight > 0.0 {
                    mean.iter_mut().zip(point).for_each(|(mean, p)| *mean += weight * p);
                }
            }
        }
    }
    means
}

/// `‖x − t p‖²`, in eight sums: the compiler may not reorder one.
fn square_distance(x: &[f64], p: &[f64], t: f64) -> f64 {
    let ((x, x_rest), (p, p_rest)) = (x.as_chunks::<8>(), p.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (x, p) in x.iter().zip(p) {
        for (lane, sum) in sums.iter_mut().enumerate() {
            *sum += (x[lane] - t * p[lane]).powi(2);
        }
    }
    let rest: f64 = x_rest.iter().zip(p_rest).map(|(x, p)| (x - t * p).powi(2)).sum();
    sums.iter().sum::<f64>() + rest
}

/// The first of the training points nearest to an endpoint.
fn nearest(points: &[Vec<f64>], end: &[f64]) -> Option<usize> {
    let distances = points.iter().map(|point| square_distance(end, point, 1.0));
    distances.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)).map(|(index, _)| index)
}

/// Clusters in 64 dimensions; every tenth point is there twice.
fn clustered(count: usize) -> Array2<f32> {
    let centres = noise(1000, 0..40, 64);
    let spread = noise(1001, 0..count as u64, 64) * 0.3;
    Array2::from_shape_fn((count, 64), |(i, d)| {
        let i = if i % 10 == 9 { i - 1 } else { i };
        centres[[i % 40, d]] + spread[[i, d]]
    })
}
