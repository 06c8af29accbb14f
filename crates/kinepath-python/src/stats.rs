//! Statistics on columns.

use kinepath::stats::{
    Acceleration, Bootstrap, DEFAULT_POWER, Interval, PairedPermutation, benjamini_hochberg,
    changed_flags, mean_bca_interval, mean_of_rows, minimum_detectable_effect,
    paired_share_interval, partial_spearman_interval, sign_flip_test, spearman_interval,
    wilson_interval,
};
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::arrays::{self, column};
use crate::errors::invalid;
use crate::parallel;

/// Adds the functions to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(spearman, module)?)?;
    module.add_function(wrap_pyfunction!(partial_spearman, module)?)?;
    module.add_function(wrap_pyfunction!(mean_interval, module)?)?;
    module.add_function(wrap_pyfunction!(share, module)?)?;
    module.add_function(wrap_pyfunction!(compare, module)?)?;
    module.add_function(wrap_pyfunction!(adjust, module)?)
}

type Column<'py> = PyReadonlyArray1<'py, f64>;

/// Estimate and the two ends of its interval.
type Ends = (f64, f64, f64);

fn ends(interval: Interval) -> Ends {
    (interval.estimate, interval.low, interval.high)
}

/// The settings of a bootstrap.
fn settings(resamples: usize, seed: u64, level: f64) -> Bootstrap {
    Bootstrap { resamples, seed, level }
}

fn values(column: &Column<'_>) -> PyResult<Vec<f64>> {
    arrays::values("a column", column)
}

/// Spearman's rank correlation with its interval.
#[pyfunction]
fn spearman(
    py: Python<'_>,
    x: Column<'_>,
    y: Column<'_>,
    resamples: usize,
    seed: u64,
    level: f64,
) -> PyResult<Ends> {
    let (x, y, bootstrap) = (values(&x)?, values(&y)?, settings(resamples, seed, level));
    parallel::detach(py, || spearman_interval(&x, &y, &bootstrap)).map(ends).map_err(invalid)
}

/// Partial Spearman correlation with its interval.
#[pyfunction]
fn partial_spearman(
    py: Python<'_>,
    x: Column<'_>,
    y: Column<'_>,
    controls: Vec<Column<'_>>,
    resamples: usize,
    seed: u64,
    level: f64,
) -> PyResult<Ends> {
    let (x, y, bootstrap) = (values(&x)?, values(&y)?, settings(resamples, seed, level));
    let controls: Vec<Vec<f64>> = controls.iter().map(values).collect::<PyResult<_>>()?;
    parallel::detach(py, || {
        let controls: Vec<&[f64]> = controls.iter().map(Vec::as_slice).collect();
        partial_spearman_interval(&x, &y, &controls, &bootstrap)
    })
    .map(ends)
    .map_err(invalid)
}

/// The mean with its BCa interval.
#[pyfunction]
fn mean_interval(
    py: Python<'_>,
    column: Column<'_>,
    resamples: usize,
    seed: u64,
    level: f64,
) -> PyResult<Ends> {
    let (column, bootstrap) = (values(&column)?, settings(resamples, seed, level));
    parallel::detach(py, || mean_bca_interval(&column, &bootstrap)).map(ends).map_err(invalid)
}

/// A share with Wilson's interval.
#[pyfunction]
fn share(successes: usize, trials: usize, level: f64) -> PyResult<Ends> {
    wilson_interval(successes, trials, level).map(ends).map_err(invalid)
}

/// The mean of paired differences of two columns of one length: interval, p-value and minimum
/// detectable effect.
#[pyfunction]
fn compare(
    py: Python<'_>,
    baseline: Column<'_>,
    variant: Column<'_>,
    resamples: usize,
    seed: u64,
    level: f64,
) -> PyResult<(Ends, f64, f64)> {
    let (base, own) = (values(&baseline)?, values(&variant)?);
    let bootstrap = settings(resamples, seed, level);
    parallel::detach(py, || {
        let column: Vec<f64> = own.iter().zip(&base).map(|(own, base)| own - base).collect();
        let (interval, standard_error) = if let Some((gained, lost)) = changed_flags(&base, &own) {
            paired_share_interval(gained, lost, column.len(), level)?
        } else {
            let mean = |rows: &[usize]| mean_of_rows(&column, rows);
            let replicates = bootstrap.replicates(column.len(), mean)?;
            let acceleration = Acceleration::of_mean(&column)?;
            (bootstrap.bca_interval(&replicates, acceleration)?, replicates.standard_error())
        };
        let permutation = PairedPermutation { permutations: resamples, seed };
        let p_value = sign_flip_test(&column, &permutation)?.p_value;
        let detectable = minimum_detectable_effect(standard_error, level, DEFAULT_POWER)?;
        Ok((ends(interval), p_value, detectable))
    })
    .map_err(|error: kinepath::stats::StatsError| invalid(error))
}

/// Benjamini and Hochberg's adjusted p-values.
#[pyfunction]
fn adjust<'py>(py: Python<'py>, p_values: Column<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
    benjamini_hochberg(&values(&p_values)?).map(|adjusted| column(py, adjusted)).map_err(invalid)
}
