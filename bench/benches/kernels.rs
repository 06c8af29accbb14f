//! The numerical kernels, each through the smallest public call that is mostly its work.
//!
//! An element is a floating-point operation on paper, so that criterion's Gelem/s are GFLOP/s: those
//! of all pairs, whether computed or not. Data are synthetic and always the same.

use std::time::Duration;

use anyhow::Result;
use criterion::{Criterion, Throughput};
use kinepath::field::{Condition, EmpiricalField, FnField, VelocityField};
use kinepath::gain::Gain;
use kinepath::grid::Grid;
use kinepath::metrics::NeighbourIndex;
use kinepath::noise::noise;
use kinepath::plan::{Plan, Quadrature};
use kinepath::sampler::Sampler;
use kinepath::tableau::Tableau;
use ndarray::Array2;

/// Dimension of the points that stand for images.
const PIXELS: usize = 784;
/// Directions in which those points mostly differ.
const DIRECTIONS: usize = 32;

fn main() -> Result<()> {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .measurement_time(Duration::from_secs(5))
        .configure_from_args();
    empirical(&mut criterion)?;
    neighbours(&mut criterion)?;
    metering(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}

/// The field of 4,096 points: once at a time at which nearly all count, and along paths.
fn empirical(criterion: &mut Criterion) -> Result<()> {
    let (points, x) = (like_images(0, 4096), noise(1, 0..64, PIXELS));
    let pairs = x.nrows() * points.len();
    let field = EmpiricalField::new(points)?;

    let times = vec![0.1; x.nrows()];
    measure(criterion, "empirical/velocity, t = 0.1", 4 * pairs, || {
        let mut velocity = Array2::<f32>::zeros(x.dim());
        field.velocity(x.view(), &times, Condition::None, velocity.view_mut())?;
        Ok(velocity)
    })?;

    let steps = 100;
    let plan = euler(steps)?;
    let sampler = Sampler::new(&field, &plan)?;
    measure(criterion, "empirical/paths", 4 * pairs * steps, || Ok(sampler.run(x.view())?))
}

/// The ways of searching, each on data and in numbers for which the index takes it.
fn neighbours(criterion: &mut Criterion) -> Result<()> {
    for (name, points, queries) in [
        ("keys of whole rows", noise(2, 0..16_384, 64), noise(3, 0..4096, 64)),
        ("principal components", like_images(4, 16_384), like_images(5, 8192)),
        ("boxes", noise(6, 0..65_536, 3), noise(7, 0..8192, 3)),
    ] {
        let index = NeighbourIndex::over_rows(points.view())?;
        let flop = 2 * points.len() * queries.nrows();
        let name = format!("neighbours/{name}");
        measure(criterion, &name, flop, || Ok(index.search(queries.view(), 2)?))?;
    }
    Ok(())
}

/// Euler steps and their energy through a field that costs nothing: two operations for the square
/// of each number, two for its step.
fn metering(criterion: &mut Criterion) -> Result<()> {
    let (x, steps) = (noise(8, 0..256, PIXELS), 50);
    let field = FnField::new(PIXELS, |_, _, mut velocity| velocity.fill(1.0));
    let plan = euler(steps)?;
    let sampler = Sampler::new(&field, &plan)?;
    measure(criterion, "energy/Euler steps", 4 * x.len() * steps, || Ok(sampler.run(x.view())?))
}

/// Measures what a call takes that is `flop` operations on paper; the first one, which prepares
/// what later ones reuse, is not measured and must succeed.
fn measure<T>(
    criterion: &mut Criterion,
    name: &str,
    flop: usize,
    call: impl Fn() -> Result<T>,
) -> Result<()> {
    call()?;
    let (group, function) = name.split_once('/').unwrap_or(("kernels", name));
    let mut group = criterion.benchmark_group(group);
    group.throughput(Throughput::Elements(flop as u64));
    group.bench_function(function, |bencher| bencher.iter(&call));
    group.finish();
    Ok(())
}

fn euler(steps: usize) -> Result<Plan> {
    Ok(Plan::fixed(Grid::uniform(steps)?, Tableau::EULER, Gain::Unit, Quadrature::Solver)?)
}

/// Points that differ in few directions and, less, in all.
fn like_images(seed: u64, count: u64) -> Array2<f32> {
    let directions = noise(100, 0..DIRECTIONS as u64, PIXELS) / (DIRECTIONS as f32).sqrt();
    let everywhere = noise(seed, 0..count, PIXELS) * 0.1;
    noise(seed + 200, 0..count, DIRECTIONS).dot(&directions) + everywhere
}
