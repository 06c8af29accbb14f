//! The study's table of metrics: one row each, and how its figure comes from samples.

use super::results::Direction;
use crate::format::Unit::{self, Percent, Plain};

/// One row of the table.
#[derive(Debug)]
pub struct Metric {
    /// Its key in files.
    pub key: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// Which way is better.
    pub better: Direction,
    /// What its figures are shown in.
    pub unit: Unit,
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
    unit: Unit,
    bounds: (f64, f64),
    figure: Figure,
) -> Metric {
    Metric { key, name, better, unit, bounds, figure }
}

/// The bounds of a share.
const SHARE: (f64, f64) = (0.0, 1.0);
const POSITIVE: (f64, f64) = (0.0, f64::INFINITY);
const ANY: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

/// Every metric of a study, in the order of its tables. A study has those that its data allow.
pub static METRICS: [Metric; 14] = [
    row("f_mem", "F_mem", Direction::Lower, Percent, SHARE, Figure::Mean),
    row("authenticity", "authenticity", Direction::Higher, Percent, SHARE, Figure::Mean),
    row("copying_test", "copying test C_T", Direction::Zero, Plain, ANY, Figure::Copying),
    row("frechet_distance", "Fréchet distance", Direction::Lower, Plain, POSITIVE, Figure::Mean),
    row("kernel_distance", "kernel distance", Direction::Lower, Plain, ANY, Figure::Mean),
    row("precision", "precision", Direction::Higher, Plain, SHARE, Figure::Mean),
    row("recall", "recall", Direction::Higher, Plain, SHARE, Figure::Mean),
    row("density", "density", Direction::Higher, Plain, POSITIVE, Figure::Mean),
    row("coverage", "coverage", Direction::Higher, Plain, SHARE, Figure::Mean),
    row("vendi", "Vendi score", Direction::Higher, Plain, (1.0, f64::INFINITY), Figure::Mean),
    row("confidence", "classifier confidence", Direction::Higher, Plain, SHARE, Figure::Mean),
    row("margin", "classifier margin", Direction::Higher, Plain, SHARE, Figure::Mean),
    row("clip_score", "CLIP score", Direction::Higher, Plain, (0.0, 100.0), Figure::Mean),
    row("clip_margin", "CLIP margin", Direction::Higher, Plain, (-200.0, 200.0), Figure::Mean),
];

/// The metric of that key.
pub fn metric(key: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.key == key)
}

impl Unit {
    /// The unit of the metric of that key; plain, if there is none.
    #[must_use]
    pub fn of(metric: &str) -> Self {
        self::metric(metric).map_or(Plain, |metric| metric.unit)
    }
}
