//! Data sets: arrays, and whatever the program takes for data.

use kinepath_study::data::{self, Dataset};
use numpy::{PyArrayDyn, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::arrays::{batch, values};
use crate::errors::invalid;
use crate::parallel;

/// Samples as the caller has them.
#[derive(FromPyObject)]
pub(crate) enum Records<'py> {
    /// Any path or name of a data set.
    Data(String),
    Bytes(PyReadonlyArrayDyn<'py, u8>),
    Floats(PyReadonlyArrayDyn<'py, f32>),
}

impl Records<'_> {
    /// The records as a file with them would be read.
    pub(crate) fn load(&self, py: Python<'_>) -> PyResult<Dataset> {
        const NAME: &str = "samples";
        let loaded = match self {
            Self::Data(name) => parallel::detach(py, || data::load(name)),
            Self::Bytes(array) => {
                Dataset::from_u8(NAME, array.shape().to_vec(), values(NAME, array)?)
            }
            Self::Floats(array) => {
                Dataset::from_f32(NAME, array.shape().to_vec(), values(NAME, array)?)
            }
        };
        loaded.map_err(invalid)
    }
}

/// The records of a data set, `[N, *shape]`.
#[pyfunction]
pub(crate) fn load_data<'py>(
    py: Python<'py>,
    records: Records<'py>,
) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
    let Dataset { values, shape, .. } = records.load(py)?;
    let shape = batch(values.nrows(), &shape);
    let values = values.into_shape_with_order(shape).map_err(invalid)?;
    Ok(PyArrayDyn::from_owned_array(py, values))
}
