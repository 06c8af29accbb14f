//! Noise and sampling.

use std::ops::ControlFlow;

use kinepath::field::{
    Certificate, Condition, Conditions, InputValues, PosteriorPaths, VelocityField,
};
use kinepath::noise::noise_at;
use kinepath::record::Record;
use kinepath::sampler::Sampler;
use ndarray::Array2;
use numpy::{PyArray2, PyArrayDyn, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{Samples, batch, column, view};
use crate::callable::Callable;
use crate::errors::{self, invalid};
use crate::fields::{Field, check_shape};
use crate::parallel;
use crate::plan::Plan;

/// Standard normal noise of the samples with these global indices.
#[pyfunction]
pub(crate) fn noise<'py>(
    py: Python<'py>,
    seed: u64,
    indices: Vec<u64>,
    shape: Vec<usize>,
) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
    let dim = shape.iter().try_fold(1, |dim: usize, &axis| dim.checked_mul(axis));
    let fits = |&dim: &usize| {
        let size = dim.checked_mul(indices.len());
        size.is_some_and(|size| Vec::<f32>::new().try_reserve_exact(size).is_ok())
    };
    let Some(dim) = dim.filter(fits) else {
        let text = format!("{} samples of shape {shape:?} do not fit into memory", indices.len());
        return Err(PyMemoryError::new_err(text));
    };
    let values = parallel::detach(py, || noise_at(seed, &indices, dim));
    let values = values.into_shape_with_order(batch(indices.len(), &shape)).map_err(invalid)?;
    Ok(PyArrayDyn::from_owned_array(py, values))
}

/// Integrates every sample of `noise`, `[B, *shape]`, along a plan.
#[pyfunction]
#[pyo3(signature = (
    field, noise, plan, *, profile, energy_map, parts, trajectory, labels, inputs, certify
))]
#[expect(clippy::too_many_arguments, reason = "the Python side passes them by name")]
pub(crate) fn sample<'py>(
    py: Python<'py>,
    field: &Bound<'py, PyAny>,
    noise: PyReadonlyArrayDyn<'py, f32>,
    plan: &Plan,
    profile: bool,
    energy_map: bool,
    parts: bool,
    trajectory: Vec<usize>,
    labels: Option<Vec<i64>>,
    inputs: Vec<(String, Numbers<'py>)>,
    certify: Option<f64>,
) -> PyResult<Bound<'py, PyDict>> {
    let samples = Samples::new("noise", noise)?;
    let record = Record { profile, energy_map, parts, trajectory };
    if let Ok(known) = field.cast::<Field>() {
        let known = known.get();
        check_shape("noise", samples.shape(), &known.shape)?;
        let rows = samples.rows()?.nrows();
        let inputs = inputs.into_iter().map(|(name, numbers)| {
            let (shape, values) = numbers.read(&name)?;
            known.inputs.input(&name, &shape, values, rows).map_err(errors::study)
        });
        let conditions = Conditions { labels, inputs: inputs.collect::<PyResult<_>>()? };
        let condition = conditions.as_condition();
        let sampler = sampler(known.field.as_ref(), plan, record, condition, certify)?;
        return run(py, &sampler, &samples);
    }
    if labels.is_some() || !inputs.is_empty() {
        return Err(invalid(
            "labels and inputs are for fields of this package; close over them instead",
        ));
    }
    let callable = Callable::new(field.clone().unbind(), samples.shape().to_vec());
    let sampler = sampler(&callable, plan, record, Condition::None, certify)?;
    run(py, &sampler, &samples).map_err(|error| callable.raised().unwrap_or(error))
}

/// The numbers of an input: float32, or int64.
#[derive(FromPyObject)]
pub(crate) enum Numbers<'py> {
    Float(PyReadonlyArrayDyn<'py, f32>),
    Integer(PyReadonlyArrayDyn<'py, i64>),
}

impl Numbers<'_> {
    fn read(self, name: &str) -> PyResult<(Vec<usize>, InputValues)> {
        Ok(match self {
            Self::Float(array) => {
                let values = view(name, &array)?.iter().copied().collect();
                (array.shape().to_vec(), InputValues::Float(values))
            }
            Self::Integer(array) => {
                let values = view(name, &array)?.iter().copied().collect();
                (array.shape().to_vec(), InputValues::Integer(values))
            }
        })
    }
}

fn sampler<'a>(
    field: &'a dyn VelocityField,
    plan: &'a Plan,
    record: Record,
    condition: Condition<'a>,
    certify: Option<f64>,
) -> PyResult<Sampler<'a>> {
    let sampler = Sampler::new(field, &plan.0).map_err(errors::sampling)?;
    sampler.record(record).condition(condition).certify(certify).map_err(errors::sampling)
}

fn run<'py>(
    py: Python<'py>,
    sampler: &Sampler<'_>,
    samples: &Samples<'py>,
) -> PyResult<Bound<'py, PyDict>> {
    let rows = samples.rows()?;
    let view = rows.view();
    // A key press is Python's to notice, and only while it holds the interpreter.
    let mut interrupted = None;
    let paths = parallel::detach(py, || {
        sampler.run_observed(view, &mut |_| match Python::attach(|py| py.check_signals()) {
            Ok(()) => ControlFlow::Continue(()),
            Err(signal) => {
                interrupted = Some(signal);
                ControlFlow::Break(())
            }
        })
    });
    let paths = paths.map_err(|error| interrupted.unwrap_or_else(|| errors::sampling(error)))?;
    let (count, shape) = (paths.len(), samples.shape());
    let states = batch(count, shape);
    let result = PyDict::new(py);
    let endpoints = paths.endpoints.into_shape_with_order(states.clone()).map_err(invalid)?;
    result.set_item("endpoints", PyArrayDyn::from_owned_array(py, endpoints))?;
    for (name, values) in [
        ("kpe", paths.kpe),
        ("launch", paths.launch),
        ("landing", paths.landing),
        ("terminal", paths.terminal),
        ("displacement", paths.displacement),
        ("mean_gain", paths.mean_gain),
    ] {
        result.set_item(name, column(py, values))?;
    }
    result.set_item("noise_left", paths.noise_left.map(|values| column(py, values)))?;
    result.set_item("nfe", column(py, paths.nfe))?;
    result.set_item("profile", paths.profile.map(|v| PyArray2::from_owned_array(py, v)))?;
    let map = paths.energy_map.map(|map| map.into_shape_with_order(states)).transpose();
    let map = map.map_err(invalid)?.map(|map| PyArrayDyn::from_owned_array(py, map));
    result.set_item("energy_map", map)?;
    let nodes = paths.trajectory.as_ref().map_or(0, |states| states.shape()[1]);
    let trajectory = paths
        .trajectory
        .map(|states| states.into_shape_with_order(batch(count, &[&[nodes], shape].concat())));
    let trajectory = trajectory.transpose().map_err(invalid)?;
    let trajectory = trajectory.map(|states| PyArrayDyn::from_owned_array(py, states));
    result.set_item("trajectory", trajectory)?;
    let parts =
        paths.parts.map(|parts| (column(py, parts.conditional), column(py, parts.unconditional)));
    result.set_item("parts", parts)?;
    let posterior = paths.posterior.map(|posterior| posteriors(py, posterior)).transpose()?;
    result.set_item("posterior", posterior)?;
    Ok(result)
}

/// The fields of `kinepath.PosteriorPaths`.
fn posteriors(py: Python<'_>, posterior: PosteriorPaths) -> PyResult<Bound<'_, PyDict>> {
    let PosteriorPaths { top, collapse, entropy, effective_count, certificate } = posterior;
    let collapse: Vec<f64> = collapse.into_iter().map(|t| t.unwrap_or(f64::NAN)).collect();
    let steps = |values: Option<Array2<f64>>| values.map(|v| PyArray2::from_owned_array(py, v));
    let result = PyDict::new(py);
    result.set_item("top", column(py, top.into_iter().map(|row| row as i64).collect()))?;
    result.set_item("collapse", column(py, collapse))?;
    result.set_item("entropy", steps(entropy))?;
    result.set_item("effective_count", steps(effective_count))?;
    let Certificate { tau, velocity_error, dropped_mass, need, rescans } = certificate;
    result.set_item("certificate", (tau, velocity_error, dropped_mass, need, rescans))?;
    Ok(result)
}
