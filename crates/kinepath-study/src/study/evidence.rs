//! What the figures of a set of samples are computed from, so that they can be computed again for
//! any resample of it.

use std::collections::BTreeMap;

use kinepath::metrics::CopyingTest;
use kinepath::stats::mean_of_rows;

use super::metrics::{Figure, Metric};
use super::set_figures::SecondOrder;
use crate::StudyError;

/// Samples as a metric sees them: columns whose means are figures, and prepared sets.
///
/// A row is a sample. Everything is prepared once; a figure of some rows, repeated or not, is then
/// cheap, and never looks at rows that were not named.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Number of samples; every column and set has as many rows.
    count: usize,
    columns: BTreeMap<&'static str, Column>,
    copying: Option<CopyingTest>,
}

/// What each sample adds to a figure.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// One value per sample; their mean is the figure.
    pub(super) values: Vec<f64>,
    /// What the values leave out, where the figure is no mean of values of single samples.
    pub(super) second_order: Option<SecondOrder>,
}

impl Evidence {
    /// Evidence on `count` samples, empty as yet.
    pub fn new(count: usize) -> Self {
        Self { count, ..Self::default() }
    }

    /// Number of samples.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Adds the column whose mean is the figure of the metric `key`, on every resample too.
    ///
    /// # Errors
    /// [`StudyError::Mismatch`] if it has another length than there are samples.
    pub fn add_column(&mut self, key: &'static str, values: Vec<f64>) -> Result<(), StudyError> {
        self.add(key, Column { values, second_order: None })
    }

    /// Adds a column.
    ///
    /// # Errors
    /// As [`add_column`](Self::add_column).
    pub(super) fn add(&mut self, key: &'static str, column: Column) -> Result<(), StudyError> {
        if column.values.len() != self.count {
            return Err(StudyError::Mismatch(format!(
                "the column `{key}` has {} values for {} samples",
                column.values.len(),
                self.count
            )));
        }
        self.columns.insert(key, column);
        Ok(())
    }

    /// Adds the samples' ranks among held-out distances.
    pub fn add_copying(&mut self, comparison: CopyingTest) {
        self.copying = Some(comparison);
    }

    /// The column of the metric `key`, if it is the mean of one.
    pub(super) fn column(&self, key: &str) -> Option<&Column> {
        self.columns.get(key)
    }

    /// Whether the metric can be computed.
    pub(super) fn holds(&self, metric: &Metric) -> bool {
        match metric.figure {
            Figure::Mean => self.columns.contains_key(metric.key),
            Figure::Copying => self.copying.is_some(),
        }
    }

    /// The figures of the samples in `rows`, in the order of `metrics`; NaN where undefined.
    pub(super) fn evaluate(&self, metrics: &[&'static Metric], rows: &[usize]) -> Vec<f64> {
        let figure = |metric: &&'static Metric| match metric.figure {
            Figure::Mean => {
                self.columns.get(metric.key).map(|column| mean_of_rows(&column.values, rows))
            }
            Figure::Copying => self.copying.as_ref().and_then(|set| set.resampled(rows).ok()),
        };
        metrics.iter().map(|metric| figure(metric).unwrap_or(f64::NAN)).collect()
    }

    /// The samples of `self` followed by those of `other`, as far as they are no columns.
    ///
    /// # Errors
    /// [`StudyError::Metrics`] if the two were prepared against different references.
    pub(super) fn joined(&self, other: &Self) -> Result<Self, StudyError> {
        let mut joined = Self::new(self.count + other.count);
        if let (Some(own), Some(others)) = (&self.copying, &other.copying) {
            joined.add_copying(own.joined(others)?);
        }
        Ok(joined)
    }
}
