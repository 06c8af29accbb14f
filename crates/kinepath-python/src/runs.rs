//! Run folders, read.

use std::path::PathBuf;

use kinepath_study::StudyError;
use kinepath_study::run::{Column, RunReader};
use ndarray::{Array, ArrayD};
use numpy::{PyArray1, PyArrayDyn, ToPyArray};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{batch, column};
use crate::errors::{self, invalid};
use crate::parallel;

/// A finished run folder.
#[pyclass(frozen, module = "kinepath")]
pub(crate) struct Run(pub(crate) RunReader);

#[pymethods]
impl Run {
    #[new]
    fn open(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let reader = parallel::detach(py, || RunReader::open(&path));
        reader.map(Self).map_err(|error| errors::study(error.into()))
    }

    /// The folder.
    #[getter]
    fn path(&self) -> PathBuf {
        self.0.dir().to_owned()
    }

    /// The content of `run.toml` as JSON.
    fn settings(&self) -> PyResult<String> {
        serde_json::to_string(self.0.settings()).map_err(invalid)
    }

    /// The columns of the table, in order.
    fn table<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let table = PyDict::new(py);
        for (name, values) in self.0.table().columns() {
            match values {
                Column::F64(values) => table.set_item(name, values.to_pyarray(py))?,
                Column::I64(values) => table.set_item(name, values.to_pyarray(py))?,
                Column::Bool(values) => table.set_item(name, values.to_pyarray(py))?,
                Column::OptI64(values) => {
                    match values.iter().copied().collect::<Option<Vec<i64>>>() {
                        Some(whole) => table.set_item(name, column(py, whole))?,
                        None => {
                            let gaps = values.iter().map(|v| v.map_or(f64::NAN, |v| v as f64));
                            table.set_item(name, PyArray1::from_iter(py, gaps))?;
                        }
                    }
                }
            }
        }
        Ok(table)
    }

    /// The endpoints, `[N, *shape]`.
    fn samples<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
        let samples =
            parallel::detach(py, || self.0.samples()).map_err(|e| errors::study(e.into()))?;
        let shape = batch(samples.nrows(), &self.0.settings().shape);
        let samples = samples.into_shape_with_order(shape).map_err(invalid)?;
        Ok(PyArrayDyn::from_owned_array(py, samples))
    }

    /// The energy profile, `[N, steps]`, where it was recorded.
    fn profile<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyArrayDyn<f32>>>> {
        recorded(py, || Ok(self.0.profile()?.map(Array::into_dyn)))
    }

    /// The energy map, `[N, *shape]`, where it was recorded.
    fn energy_map<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyArrayDyn<f32>>>> {
        recorded(py, || Ok(self.0.energy_map()?))
    }

    /// The trajectory, `[N, K, *shape]`, where it was recorded.
    fn trajectory<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyArrayDyn<f32>>>> {
        recorded(py, || Ok(self.0.trajectory()?))
    }

    /// The entropy of the posterior over training points, `[N, steps]`, where it was recorded.
    fn posterior_entropy<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Option<Bound<'py, PyArrayDyn<f32>>>> {
        recorded(py, || Ok(self.0.posterior_entropy()?.map(Array::into_dyn)))
    }

    /// The effective count of training points, `[N, steps]`, where it was recorded.
    fn effective_count<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Option<Bound<'py, PyArrayDyn<f32>>>> {
        recorded(py, || Ok(self.0.effective_count()?.map(Array::into_dyn)))
    }
}

/// An array that a run may have.
fn recorded<'py>(
    py: Python<'py>,
    read: impl FnOnce() -> Result<Option<ArrayD<f32>>, StudyError> + Send,
) -> PyResult<Option<Bound<'py, PyArrayDyn<f32>>>> {
    let array = parallel::detach(py, read).map_err(errors::study)?;
    Ok(array.map(|array| PyArrayDyn::from_owned_array(py, array)))
}
