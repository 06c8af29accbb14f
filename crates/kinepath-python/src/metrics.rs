//! Metrics on arrays of samples or features.

use std::path::PathBuf;

use kinepath::metrics::{
    DistinctPoints, FeatureMoments, FrechetReference, KidReference, MetricsError, NeighbourIndex,
    NeighbourStream, Neighbours, PrdcReference, ValueSummary, VendiFeatures, authenticity,
    gap_ratios, kde_support, knn_support, median_bandwidth,
};
use kinepath_study::data::RecordBlocks;
use ndarray::{Array2, ArrayView2};
use numpy::{PyArray1, PyArray2, PyReadonlyArrayDyn};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{Samples, column};
use crate::errors::invalid;
use crate::parallel;

/// Adds the functions to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(neighbours, module)?)?;
    module.add_function(wrap_pyfunction!(neighbours_in_file, module)?)?;
    module.add_function(wrap_pyfunction!(distinct_neighbours, module)?)?;
    module.add_function(wrap_pyfunction!(memorization, module)?)?;
    module.add_function(wrap_pyfunction!(support, module)?)?;
    module.add_function(wrap_pyfunction!(frechet_distance, module)?)?;
    module.add_function(wrap_pyfunction!(kernel_distance, module)?)?;
    module.add_function(wrap_pyfunction!(prdc, module)?)?;
    module.add_function(wrap_pyfunction!(may_share_units, module)?)?;
    module.add_function(wrap_pyfunction!(vendi_score, module)?)
}

/// Calls `compute` on the rows of two arrays, without holding the interpreter.
fn on_rows<'py, R: Send>(
    py: Python<'py>,
    (first_name, first): (&str, PyReadonlyArrayDyn<'py, f32>),
    (second_name, second): (&str, PyReadonlyArrayDyn<'py, f32>),
    compute: impl FnOnce(ArrayView2<'_, f32>, ArrayView2<'_, f32>) -> Result<R, MetricsError> + Send,
) -> PyResult<R> {
    let (first, second) = (Samples::new(first_name, first)?, Samples::new(second_name, second)?);
    if first.shape() != second.shape() {
        return Err(invalid(format!(
            "{first_name} has samples of shape {:?}, but {second_name} of {:?}",
            first.shape(),
            second.shape()
        )));
    }
    let (first, second) = (first.rows()?, second.rows()?);
    let (first, second) = (first.view(), second.view());
    parallel::detach(py, || compute(first, second)).map_err(invalid)
}

/// An index as NumPy has it.
fn integers(py: Python<'_>, values: impl IntoIterator<Item = usize>) -> Bound<'_, PyArray1<i64>> {
    column(py, values.into_iter().map(|value| value as i64).collect())
}

/// Distances and row numbers, `[Q, k]`.
type Nearest<'py> = (Bound<'py, PyArray2<i64>>, Bound<'py, PyArray2<f64>>);

/// The k nearest points of every query.
#[pyfunction]
fn neighbours<'py>(
    py: Python<'py>,
    queries: PyReadonlyArrayDyn<'py, f32>,
    points: PyReadonlyArrayDyn<'py, f32>,
    k: usize,
) -> PyResult<Nearest<'py>> {
    let found: Neighbours =
        on_rows(py, ("queries", queries), ("points", points), |queries, points| {
            NeighbourIndex::over_rows(points)?.search(queries, k)
        })?;
    Ok(nearest(py, found))
}

fn nearest<'py>(py: Python<'py>, found: Neighbours) -> Nearest<'py> {
    let indices: Array2<i64> = found.indices.mapv(|index| index as i64);
    (PyArray2::from_owned_array(py, indices), PyArray2::from_owned_array(py, found.distances))
}

/// Values of a file that are held at a time: 128 MB.
const BLOCK: usize = 1 << 25;

/// The k nearest records of an NPY file, which is read in blocks.
#[pyfunction]
fn neighbours_in_file<'py>(
    py: Python<'py>,
    queries: PyReadonlyArrayDyn<'py, f32>,
    path: PathBuf,
    k: usize,
) -> PyResult<Nearest<'py>> {
    let queries = Samples::new("queries", queries)?;
    let blocks = RecordBlocks::open(&path, BLOCK).map_err(invalid)?;
    if blocks.record_shape() != queries.shape() {
        return Err(invalid(format!(
            "queries has samples of shape {:?}, but {} of {:?}",
            queries.shape(),
            path.display(),
            blocks.record_shape()
        )));
    }
    let rows = queries.rows()?;
    let view = rows.view();
    let found = parallel::detach(py, || {
        let mut stream = NeighbourStream::new(view, k).map_err(invalid)?;
        for block in blocks {
            // A key press is Python's to notice, and only while it holds the interpreter.
            Python::attach(|py| py.check_signals())?;
            stream.push(block.map_err(invalid)?.view()).map_err(invalid)?;
        }
        stream.finish().map_err(invalid)
    })?;
    Ok(nearest(py, found))
}

/// Up to `most` nearest distinct points of every query, and their squared distances.
#[pyfunction]
fn distinct_neighbours<'py>(
    py: Python<'py>,
    queries: PyReadonlyArrayDyn<'py, f32>,
    points: PyReadonlyArrayDyn<'py, f32>,
    most: usize,
) -> PyResult<Nearest<'py>> {
    let found = on_rows(py, ("queries", queries), ("points", points), |queries, points| {
        NeighbourIndex::new(DistinctPoints::new(points)?).search_squares(queries, most)
    })?;
    Ok(nearest(py, found))
}

/// Distances of samples to the training set.
#[pyfunction]
fn memorization<'py>(
    py: Python<'py>,
    samples: PyReadonlyArrayDyn<'py, f32>,
    train: PyReadonlyArrayDyn<'py, f32>,
) -> PyResult<Bound<'py, PyDict>> {
    let (gaps, authentic) =
        on_rows(py, ("samples", samples), ("train", train), |samples, train| {
            let index = NeighbourIndex::new(DistinctPoints::new(train)?);
            let gaps = gap_ratios(&index, samples)?;
            let authentic = authenticity(&index, &gaps)?.authentic;
            Ok((gaps, authentic))
        })?;
    let result = PyDict::new(py);
    result.set_item("d1", column(py, gaps.d1))?;
    result.set_item("d2", column(py, gaps.d2))?;
    result.set_item("ratio", column(py, gaps.ratio))?;
    result.set_item("nearest", integers(py, gaps.nearest))?;
    result.set_item("authentic", column(py, authentic))?;
    Ok(result)
}

/// Whether samples can be in the units of the training set, by the values of both.
#[pyfunction]
fn may_share_units<'py>(
    py: Python<'py>,
    samples: PyReadonlyArrayDyn<'py, f32>,
    train: PyReadonlyArrayDyn<'py, f32>,
) -> PyResult<bool> {
    on_rows(py, ("samples", samples), ("train", train), |samples, train| {
        Ok(ValueSummary::of(samples).may_share_units(&ValueSummary::of(train)))
    })
}

/// Log density of the training set at samples.
#[pyfunction]
fn support<'py>(
    py: Python<'py>,
    samples: PyReadonlyArrayDyn<'py, f32>,
    train: PyReadonlyArrayDyn<'py, f32>,
    k: usize,
    kernel: bool,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let values = on_rows(py, ("samples", samples), ("train", train), |samples, train| {
        let index = NeighbourIndex::new(DistinctPoints::new(train)?);
        if kernel {
            kde_support(&index, samples, median_bandwidth(&index, k)?)
        } else {
            knn_support(&index, samples, k)
        }
    })?;
    Ok(column(py, values))
}

/// Squared Fréchet distance.
#[pyfunction]
fn frechet_distance<'py>(
    py: Python<'py>,
    generated: PyReadonlyArrayDyn<'py, f32>,
    real: PyReadonlyArrayDyn<'py, f32>,
) -> PyResult<f64> {
    on_rows(py, ("generated", generated), ("real", real), |generated, real| {
        let reference = FrechetReference::new(FeatureMoments::new(real)?.gaussian())?;
        reference.distance(&FeatureMoments::new(generated)?.gaussian())
    })
}

/// Unbiased kernel distance.
#[pyfunction]
fn kernel_distance<'py>(
    py: Python<'py>,
    generated: PyReadonlyArrayDyn<'py, f32>,
    real: PyReadonlyArrayDyn<'py, f32>,
) -> PyResult<f64> {
    on_rows(py, ("generated", generated), ("real", real), |generated, real| {
        Ok(KidReference::new(real)?.compare(generated)?.estimate)
    })
}

/// Precision, recall, density and coverage.
#[pyfunction]
fn prdc<'py>(
    py: Python<'py>,
    generated: PyReadonlyArrayDyn<'py, f32>,
    real: PyReadonlyArrayDyn<'py, f32>,
    k: usize,
) -> PyResult<(f64, f64, f64, f64)> {
    let scores = on_rows(py, ("generated", generated), ("real", real), |generated, real| {
        Ok(PrdcReference::new(real, k)?.compare(generated)?.scores())
    })?;
    Ok((scores.precision, scores.recall, scores.density, scores.coverage))
}

/// The Vendi score.
#[pyfunction]
fn vendi_score<'py>(py: Python<'py>, features: PyReadonlyArrayDyn<'py, f32>) -> PyResult<f64> {
    let features = Samples::new("features", features)?;
    let rows = features.rows()?;
    let view = rows.view();
    parallel::detach(py, || VendiFeatures::new(view)?.score()).map_err(invalid)
}
