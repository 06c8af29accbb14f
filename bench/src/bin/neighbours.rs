//! What the projection gives the exact nearest-neighbour search.
//!
//! The same search is run with and without it, in turn: an index makes a projection for searches
//! of many queries only, so batches of 1,024 queries are searched without. Both must find the same
//! neighbours.

use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Parser;
use kinepath::metrics::{NeighbourIndex, Neighbours};
use kinepath_study::data;
use ndarray::{Array2, ArrayView2, Axis, concatenate, s};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// Times of exact nearest-neighbour search
#[derive(Debug, Parser)]
struct Settings {
    /// Points, a data set that `kinepath` reads; without, synthetic ones
    #[arg(long, requires = "queries")]
    points: Option<String>,
    /// Queries, a data set
    #[arg(long, requires = "points")]
    queries: Option<String>,
    /// Neighbours of each query
    #[arg(long, default_value_t = 2)]
    k: usize,
    /// Repetitions, in each of which both searches run
    #[arg(long, default_value_t = 5)]
    repetitions: usize,
}

/// Queries of a search without the projection.
const BATCH: usize = 1024;
/// Queries of synthetic data.
const QUERIES: usize = 4096;

fn main() -> Result<()> {
    let settings = Settings::parse();
    println!(
        "| points | queries | N | Q | D | k | s | GFLOP/s | s, plain | GFLOP/s, plain | plain / projected |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let mut random = ChaCha8Rng::seed_from_u64(0);
    if let (Some(points), Some(queries)) = (&settings.points, &settings.queries) {
        let points = data::load(points)?.values;
        let queries = data::load(queries)?.values;
        compare(["images", "held out"], &points, &queries, &settings)?;
        for spread in [0.1f32, 0.3] {
            let noise = normal(&mut random, queries.nrows(), queries.ncols()) * spread;
            let name = format!("with noise of {spread}");
            compare(["images", &name], &points, &(&queries + &noise), &settings)?;
        }
        return Ok(());
    }
    for (count, dimension) in
        [(2_000, 128), (50_000, 64), (50_000, 128), (200_000, 128), (20_000, 784), (10_000, 4096)]
    {
        let uniform =
            Array2::from_shape_simple_fn((count + QUERIES, dimension), || random.random::<f32>());
        split("uniform", &uniform, &settings)?;
        let centres = normal(&mut random, 100, dimension);
        let mut clustered = normal(&mut random, count + QUERIES, dimension) * 0.3;
        for (index, mut row) in clustered.rows_mut().into_iter().enumerate() {
            row += &centres.row(index * 7 % 100);
        }
        split("clustered", &clustered, &settings)?;
        let copies: Vec<usize> = (0..count).map(|index| index % (count / 10)).collect();
        let duplicated = concatenate![
            Axis(0),
            clustered.select(Axis(0), &copies),
            clustered.slice(s![count.., ..])
        ];
        split("ten of each", &duplicated, &settings)?;
    }
    Ok(())
}

/// Searches for the last rows among the others.
fn split(name: &str, rows: &Array2<f32>, settings: &Settings) -> Result<()> {
    let (points, queries) = rows.view().split_at(Axis(0), rows.nrows() - QUERIES);
    compare([name, "held out"], &points.to_owned(), &queries.to_owned(), settings)
}

fn compare(
    names: [&str; 2],
    points: &Array2<f32>,
    queries: &Array2<f32>,
    settings: &Settings,
) -> Result<()> {
    let k = settings.k;
    let (mut seconds, mut plain_seconds, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..settings.repetitions {
        let begun = Instant::now();
        let found = NeighbourIndex::over_rows(points.view())?.search(queries.view(), k)?;
        let taken = begun.elapsed().as_secs_f64();
        let begun = Instant::now();
        let plain = in_batches(points.view(), queries.view(), k)?;
        let plain_taken = begun.elapsed().as_secs_f64();
        ensure!(found == plain, "{names:?}: the projection changed a result");
        seconds.push(taken);
        plain_seconds.push(plain_taken);
        ratios.push(plain_taken / taken);
    }
    let gflop = 2.0e-9 * points.len() as f64 * queries.nrows() as f64;
    let ([least, middle, most], seconds, plain) =
        (spread(ratios), spread(seconds)[1], spread(plain_seconds)[1]);
    println!(
        "| {} | {} | {} | {} | {} | {k} | {seconds:.2} | {:.0} | {plain:.2} | {:.0} | {middle:.2} ({least:.2} to {most:.2}) |",
        names[0],
        names[1],
        points.nrows(),
        queries.nrows(),
        points.ncols(),
        gflop / seconds,
        gflop / plain
    );
    Ok(())
}

/// The same search in batches that are too small for a projection.
fn in_batches(
    points: ArrayView2<'_, f32>,
    queries: ArrayView2<'_, f32>,
    k: usize,
) -> Result<Neighbours> {
    let index = NeighbourIndex::over_rows(points)?;
    let mut all = Neighbours {
        indices: Array2::zeros((queries.nrows(), k)),
        distances: Array2::zeros((queries.nrows(), k)),
    };
    for first in (0..queries.nrows()).step_by(BATCH) {
        let rows = s![first..(first + BATCH).min(queries.nrows()), ..];
        let found = index.search(queries.slice(rows), k)?;
        all.indices.slice_mut(rows).assign(&found.indices);
        all.distances.slice_mut(rows).assign(&found.distances);
    }
    Ok(all)
}

/// Least, median and largest value.
fn spread(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [values[0], values[values.len() / 2], values[values.len() - 1]]
}

fn normal(random: &mut ChaCha8Rng, rows: usize, columns: usize) -> Array2<f32> {
    Array2::from_shape_simple_fn((rows, columns), || random.sample::<f32, _>(StandardNormal))
}
