//! Velocity fields of the caller's own.

use std::sync::Mutex;

use kinepath::field::{Condition, FieldError, VelocityField};
use ndarray::{ArrayView2, ArrayViewMut2, Dimension};
use numpy::{PyArray1, PyArrayDyn, PyArrayMethods, PyUntypedArrayMethods, ToPyArray};
use pyo3::prelude::*;

use crate::arrays::{batch, view};
use crate::errors::ModelError;

/// A Python callable `f(x, t)` as a field, for one run.
pub(crate) struct Callable {
    function: Py<PyAny>,
    shape: Vec<usize>,
    /// The exception that ended the run.
    raised: Mutex<Option<PyErr>>,
}

impl Callable {
    pub(crate) fn new(function: Py<PyAny>, shape: Vec<usize>) -> Self {
        Self { function, shape, raised: Mutex::new(None) }
    }

    /// The exception that the callable raised, if it did.
    pub(crate) fn raised(&self) -> Option<PyErr> {
        self.raised.lock().ok()?.take()
    }

    fn call(
        &self,
        py: Python<'_>,
        x: ArrayView2<'_, f32>,
        t: &[f64],
        mut out: ArrayViewMut2<'_, f32>,
    ) -> PyResult<()> {
        let shape = batch(x.nrows(), &self.shape);
        let states = x.to_pyarray(py).reshape(shape.clone())?;
        let returned = self.function.bind(py).call1((states, PyArray1::from_slice(py, t)))?;
        let velocity = returned.cast::<PyArrayDyn<f32>>().map_err(|_| {
            ModelError::new_err(format!(
                "the velocity field must return a float32 array of shape {:?}, got {}",
                shape.slice(),
                describe(&returned)
            ))
        })?;
        if velocity.shape() != shape.slice() {
            return Err(ModelError::new_err(format!(
                "the velocity field must return an array of shape {:?}, got {:?}",
                shape.slice(),
                velocity.shape()
            )));
        }
        let velocity = velocity.try_readonly()?;
        let values = view("the velocity", &velocity)?;
        out.iter_mut().zip(values.iter()).for_each(|(out, &value)| *out = value);
        Ok(())
    }
}

impl VelocityField for Callable {
    fn dim(&self) -> usize {
        self.shape.iter().product()
    }

    fn velocity(
        &self,
        x: ArrayView2<'_, f32>,
        t: &[f64],
        _condition: Condition<'_>,
        out: ArrayViewMut2<'_, f32>,
    ) -> Result<(), FieldError> {
        Python::attach(|py| self.call(py, x, t, out)).map_err(|error| {
            let text = error.to_string();
            if let Ok(mut raised) = self.raised.lock() {
                *raised = Some(error);
            }
            FieldError::Model(text)
        })
    }
}

/// An object in a few words: its type, and of an array its element type and shape.
fn describe(object: &Bound<'_, PyAny>) -> String {
    let class = object.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
    let part = |name: &str| object.getattr(name).ok().map(|value| value.to_string());
    match (part("dtype"), part("shape")) {
        (Some(kind), Some(shape)) => format!("{class} of {kind} and shape {shape}"),
        _ => class,
    }
}
