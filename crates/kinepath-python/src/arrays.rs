//! Arrays between NumPy and the crates.

use ndarray::{ArrayView, ArrayView2, CowArray, Dimension, Ix2, IxDyn};
use numpy::{
    Element, PyArray1, PyArrayMethods, PyReadonlyArray, PyReadonlyArrayDyn, PyUntypedArrayMethods,
};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::errors::{invalid, shown};

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
        let view = view("samples", &self.array)?;
        let (count, dim) = (view.shape()[0], self.shape.iter().product());
        if let Some(values) = view.to_slice() {
            return Ok(ArrayView2::from_shape((count, dim), values).map_err(invalid)?.into());
        }
        let copy = view.as_standard_layout().into_owned();
        Ok(copy.into_shape_with_order((count, dim)).map_err(invalid)?.into())
    }
}

/// The elements of `array`, whose role is `what`, where they lie.
///
/// # Errors
/// `KinepathError` for elements that do not lie at multiples of their size, as in a packed record or
/// at an odd offset of a buffer.
pub(crate) fn view<'a, T: Element, D: Dimension>(
    what: &str,
    array: &'a PyReadonlyArray<'_, T, D>,
) -> PyResult<ArrayView<'a, T, D>> {
    let size = size_of::<T>().cast_signed();
    let mut axes = array.shape().iter().zip(array.strides());
    let aligned = axes.all(|(&length, stride)| length < 2 || stride % size == 0);
    if !aligned || !array.data().is_aligned() {
        return Err(invalid(format!("{what} must be aligned in memory: pass a copy")));
    }
    Ok(array.as_array())
}

/// The elements of `array`, whose role is `what`, in row-major order.
///
/// # Errors
/// As [`view`].
pub(crate) fn values<T: Element + Copy, D: Dimension>(
    what: &str,
    array: &PyReadonlyArray<'_, T, D>,
) -> PyResult<Vec<T>> {
    Ok(view(what, array)?.iter().copied().collect())
}

/// Whatever is an array of real numbers, tensors among it, as float64; its role is `what`.
///
/// # Errors
/// `KinepathError` for what is none.
pub(crate) fn numbers<'py>(
    what: &str,
    given: &Bound<'py, PyAny>,
) -> PyResult<PyReadonlyArrayDyn<'py, f64>> {
    let read = given.py().import("kinepath.arrays")?.call_method1("f64", (given,));
    // Anything else, such as a key press or a lack of memory, is told as it is.
    let py = given.py();
    let is_theirs = |error: &PyErr| {
        error.is_instance_of::<PyTypeError>(py) || error.is_instance_of::<PyValueError>(py)
    };
    let none = |error: PyErr| match is_theirs(&error) {
        true => {
            let told = invalid(format!("{what} are numbers, got {}", shown(given)));
            told.set_cause(py, Some(error));
            told
        }
        false => error,
    };
    read.map_err(none)?.extract()
}

/// Whatever holds whole numbers, tensors among it; their role is `what`.
///
/// # Errors
/// `KinepathError` for anything else.
pub(crate) fn whole(what: &str, given: &Bound<'_, PyAny>) -> PyResult<Vec<i64>> {
    given.py().import("kinepath.arrays")?.call_method1("whole", (given, what))?.extract()
}

/// The shape of `count` samples of one `shape`.
pub(crate) fn batch(count: usize, shape: &[usize]) -> IxDyn {
    IxDyn(&[&[count], shape].concat())
}

/// A column as a NumPy array, without a copy.
pub(crate) fn column<T: Element>(py: Python<'_>, values: Vec<T>) -> Bound<'_, PyArray1<T>> {
    PyArray1::from_vec(py, values)
}
