//! What a selection cost and what it did to the samples.

use kinepath::stats::{Bootstrap, Interval, bootstrap, mean_of_rows, wilson_interval};
use ndarray::{Array1, Array2, ArrayView2, Axis};
use serde::Serialize;

use crate::StudyError;
use crate::run::{NoiseSettings, RunReader, columns};

/// A run with a selection, compared with its first draws: what sampling without one would have
/// given.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SelectionEffect {
    /// What the kept samples meet.
    pub bands: Vec<String>,
    /// Draws that were made up to the kept ones.
    pub draws: u64,
    /// The share of them that was kept, with its 95 % interval (Wilson 1927).
    pub acceptance: Interval,
    /// Total variance of the endpoints, squared data units: the trace of their covariance with
    /// divisor n − 1, which is half the mean squared distance between two of them.
    pub total_variance: Change,
    /// Mean kinetic path energy, squared data units.
    pub mean_kpe: Change,
}

/// A figure before and after selection.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// The figure over the first draws; absent for too few samples.
    pub first: Option<f64>,
    /// The figure over the kept samples; absent for too few.
    pub kept: Option<f64>,
    /// Kept over first, with its percentile interval over resamples of the slots, the same in both;
    /// absent where the first draws leave it undefined.
    pub ratio: Option<Interval>,
}

/// What the selection of a run did; nothing for a run without one.
///
/// # Errors
/// [`StudyError`] when the run's arrays or columns cannot be read.
pub fn selection_effect(reader: &RunReader) -> Result<Option<SelectionEffect>, StudyError> {
    let NoiseSettings::Selected { bands, .. } = &reader.settings().noise else { return Ok(None) };
    let table = reader.table();
    let draws = table.i64(columns::ATTEMPTS)?.into_iter().map(i64::unsigned_abs).sum();
    let (first, kept) = (reader.first_draws()?, reader.samples()?);
    let (first, kept) = (Cloud::new(first.view()), Cloud::new(kept.view()));
    let (first_kpe, kpe) = (table.f64(columns::FIRST_KPE)?, table.f64(columns::KPE)?);
    let count = table.rows();
    Ok(Some(SelectionEffect {
        bands: bands.clone(),
        draws,
        acceptance: wilson_interval(count, draws as usize, Bootstrap::default().level)?,
        total_variance: change(
            count,
            |rows| first.total_variance(rows),
            |rows| kept.total_variance(rows),
        ),
        mean_kpe: change(
            count,
            |rows| mean_of_rows(first_kpe, rows),
            |rows| mean_of_rows(kpe, rows),
        ),
    }))
}

fn change(
    count: usize,
    first: impl Fn(&[usize]) -> f64 + Sync,
    kept: impl Fn(&[usize]) -> f64 + Sync,
) -> Change {
    let everything: Vec<usize> = (0..count).collect();
    let defined = |value: f64| value.is_finite().then_some(value);
    let (all_first, all_kept) = (first(&everything), kept(&everything));
    // The only errors there can be: one sample, or first draws that do not vary.
    let ratio = bootstrap(count, &Bootstrap::default(), |rows| kept(rows) / first(rows)).ok();
    Change { first: defined(all_first), kept: defined(all_kept), ratio }
}

/// Points around their mean.
struct Cloud {
    centred: Array2<f32>,
    squared_norms: Vec<f64>,
}

impl Cloud {
    fn new(points: ArrayView2<'_, f32>) -> Self {
        let sum = points.axis_iter(Axis(0)).fold(Array1::zeros(points.ncols()), add);
        let mean = sum / points.nrows() as f64;
        let mut centred = points.to_owned();
        for mut point in centred.axis_iter_mut(Axis(0)) {
            point.zip_mut_with(&mean, |x, m| *x = (f64::from(*x) - m) as f32);
        }
        let norm = |point: ndarray::ArrayView1<'_, f32>| {
            point.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>()
        };
        let squared_norms = centred.axis_iter(Axis(0)).map(norm).collect();
        Self { centred, squared_norms }
    }

    /// Total variance of the points of some rows; NaN for fewer than two.
    fn total_variance(&self, rows: &[usize]) -> f64 {
        let count = rows.len() as f64;
        let squares: f64 = rows.iter().map(|&row| self.squared_norms[row]).sum();
        let points = rows.iter().map(|&row| self.centred.row(row));
        let sum = points.fold(Array1::zeros(self.centred.ncols()), add);
        (squares - sum.dot(&sum) / count) / (count - 1.0)
    }
}

fn add(mut sum: Array1<f64>, point: ndarray::ArrayView1<'_, f32>) -> Array1<f64> {
    sum.zip_mut_with(&point, |s, &x| *s += f64::from(x));
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinepath::noise::noise;

    #[test]
    fn total_variance_is_half_the_mean_squared_distance_of_pairs() {
        let points = noise(3, 0..12, 5).mapv(|x| x + 100.0);
        let rows = [0, 3, 3, 7, 11, 2];
        let (mut sum, mut pairs) = (0.0, 0.0);
        for (i, &a) in rows.iter().enumerate() {
            for &b in &rows[..i] {
                let difference = &points.row(a) - &points.row(b);
                sum += difference.iter().map(|&d| f64::from(d).powi(2)).sum::<f64>();
                pairs += 1.0;
            }
        }
        let actual = Cloud::new(points.view()).total_variance(&rows);
        assert!((actual - 0.5 * sum / pairs).abs() < 1e-5 * actual);
        assert!(Cloud::new(points.view()).total_variance(&[4]).is_nan());
    }

    #[test]
    fn a_cloud_shrunk_by_half_has_a_quarter_of_the_variance() {
        let points = noise(1, 0..60, 8);
        let shrunk = points.mapv(|x| 0.5 * x + 3.0);
        let (first, kept) = (Cloud::new(points.view()), Cloud::new(shrunk.view()));
        let change =
            change(60, |rows| first.total_variance(rows), |rows| kept.total_variance(rows));
        let ratio = change.ratio.unwrap();
        // Paired: the same rows in both leave nothing uncertain.
        for value in [ratio.estimate, ratio.low, ratio.high] {
            assert!((value - 0.25).abs() < 1e-5, "{ratio:?}");
        }
    }

    #[test]
    fn what_one_sample_cannot_tell_is_absent() {
        let change = change(1, |_| f64::NAN, |_| f64::NAN);
        assert_eq!(change, Change { first: None, kept: None, ratio: None });
    }
}
