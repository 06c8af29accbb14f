//! Arrays between NumPy and the crates.

use ndarray::{ArrayView2, CowArray, Ix2, IxDyn};
use numpy::{PyArray1, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::errors::invalid;

/// A borrowed array of samples: its first axis counts them, the others are the shape of one.
pub(crate) struct Samples<'py> {
    array: PyReadonlyArrayDyn<'py, f32>,
    shape: Vec<usize>,
}

impl<'py> Samples<'py> {
    /// Takes `array`, whose role is `what`.
    ///
    /// # Errors
    /// `KinepathError` for an array without axes.
    pub(crate) fn new(what: &str, array: PyReadonlyArrayDyn<'py, f32>) -> PyResult<Self> {
        match array.shape().split_first() {
            None => Err(invalid(format!("{what} must be an array [N, …], got a single number"))),
            Some((_, shape)) => Ok(Self { shape: shape.to_vec(), array }),
        }
    }

    /// The shape of one sample.
    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// One row per sample, `[N, D]`: a view where the memory lies that way, else a copy.
    pub(crate) fn rows(&self) -> PyResult<CowArray<'_, f32, Ix2>> {
        let view = self.array.as_array();
        let (count, dim) = (view.shape()[0], self.shape.iter().product());
        if let Some(values) = view.to_slice() {
            return Ok(ArrayView2::from_shape((count, dim), values).map_err(invalid)?.into());
        }
        let copy = view.as_standard_layout().into_owned();
        Ok(copy.into_shape_with_order((count, dim)).map_err(invalid)?.into())
    }
}

/// The shape of `count` samples of one `shape`.
pub(crate) fn batch(count: usize, shape: &[usize]) -> IxDyn {
    IxDyn(&[&[count], shape].concat())
}

/// A column as a NumPy array, without a copy.
pub(crate) fn column<T: numpy::Element>(py: Python<'_>, values: Vec<T>) -> Bound<'_, PyArray1<T>> {
    PyArray1::from_vec(py, values)
}
