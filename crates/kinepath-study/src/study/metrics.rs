//! The study's table of metrics: one row each, and how its figure comes from samples.

use super::results::Direction;

/// One row of the table.
#[derive(Debug)]
pub struct Metric {
    /// Its key in files.
    pub key: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// Which way is better.
    pub better: Direction,
    /// The least and the largest value it can take, to which intervals are cut.
    pub(super) bounds: (f64, f64),
    /// How its figure comes from samples.
    pub(super) figure: Figure,
}

/// How a figure comes from samples.
#[derive(Debug)]
pub(super) enum Figure {
    /// The mean of the column of that key: a figure of whole sets has one of each sample's
    /// influence on it.
    Mean,
    /// The copying test C_T.
    Copying,
}

const fn row(
    key: &'static str,
    name: &'static str,
    better: Direction,
    bounds: (f64, f64),
    figure: Figure,
) -> Metric {
    Metric { key, name, better, bounds, figure }
}

/// The bounds of a share.
pub(super) const SHARE: (f64, f64) = (0.0, 1.0);
const POSITIVE: (f64, f64) = (0.0, f64::INFINITY);
const ANY: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

/// Every metric of a study, in the order of its tables. A study has those that its data allow.
pub static METRICS: [Metric; 14] = [
    row("f_mem", "F_mem", Direction::Lower, SHARE, Figure::Mean),
    row("authenticity", "authenticity", Direction::Higher, SHARE, Figure::Mean),
    row("copying_test", "copying test C_T", Direction::Zero, ANY, Figure::Copying),
    row("frechet_distance", "Fréchet distance", Direction::Lower, POSITIVE, Figure::Mean),
    row("kernel_distance", "kernel distance", Direction::Lower, ANY, Figure::Mean),
    row("precision", "precision", Direction::Higher, SHARE, Figure::Mean),
    row("recall", "recall", Direction::Higher, SHARE, Figure::Mean),
    row("density", "density", Direction::Higher, POSITIVE, Figure::Mean),
    row("coverage", "coverage", Direction::Higher, SHARE, Figure::Mean),
    row("vendi", "Vendi score", Direction::Higher, (1.0, f64::INFINITY), Figure::Mean),
    row("confidence", "classifier confidence", Direction::Higher, SHARE, Figure::Mean),
    row("margin", "classifier margin", Direction::Higher, SHARE, Figure::Mean),
    row("clip_score", "CLIP score", Direction::Higher, (0.0, 100.0), Figure::Mean),
    row("clip_margin", "CLIP margin", Direction::Higher, (-200.0, 200.0), Figure::Mean),
];

/// The metric of that key.
pub fn metric(key: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.key == key)
}
