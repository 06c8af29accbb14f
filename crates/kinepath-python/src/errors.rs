//! The exceptions of the package.

use kinepath::field::FieldError;
use kinepath::sampler::SampleError;
use kinepath_study::StudyError;
use pyo3::create_exception;
use pyo3::exceptions::{PyKeyboardInterrupt, PyValueError};
use pyo3::prelude::*;

create_exception!(
    kinepath,
    KinepathError,
    PyValueError,
    "What was asked for cannot be done; the message says what was wrong, where, and what to do."
);
create_exception!(
    kinepath,
    SamplingError,
    KinepathError,
    "Sampling stopped: a velocity that is NaN or infinite, or a step that became too small."
);
create_exception!(
    kinepath,
    ModelError,
    KinepathError,
    "A model failed, or returned something that is no velocity."
);

/// A bad argument.
pub(crate) fn invalid(error: impl ToString) -> PyErr {
    KinepathError::new_err(error.to_string())
}

/// An argument as Python shows it.
pub(crate) fn shown(given: &Bound<'_, PyAny>) -> String {
    given.repr().map_or_else(|_| given.get_type().to_string(), |text| text.to_string())
}

/// A failed run of the sampler.
pub(crate) fn sampling(error: SampleError) -> PyErr {
    match error {
        SampleError::Velocity { .. } | SampleError::Stalled { .. } => {
            SamplingError::new_err(error.to_string())
        }
        SampleError::Field(error) => field(error),
        SampleError::Interrupted => PyKeyboardInterrupt::new_err(()),
        _ => invalid(error),
    }
}

/// A failed evaluation of a velocity field.
pub(crate) fn field(error: FieldError) -> PyErr {
    match error {
        FieldError::Model(_) => ModelError::new_err(error.to_string()),
        _ => invalid(error),
    }
}

/// What opening models and data brings.
pub(crate) fn study(error: StudyError) -> PyErr {
    match error {
        StudyError::Network(_) => ModelError::new_err(error.to_string()),
        StudyError::Interrupted => PyKeyboardInterrupt::new_err(()),
        _ => invalid(error),
    }
}
