//! Gains.

use kinepath::gain;
use kinepath_study::schedule::read_gain;
use ndarray::{ArrayD, Zip};
use numpy::PyArrayDyn;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;

use crate::arrays::{numbers, view};
use crate::errors::{self, invalid, shown};
use crate::grid::hash_of;

/// A gain η(t), which a velocity is multiplied by.
///
/// :class:`kinepath.KTS`, :class:`kinepath.SSC`, :class:`kinepath.TableGain` and
/// :class:`kinepath.Governed` are its kinds.
///
/// Args:
///     expression: its text, as the program's ``--gain`` takes it, such as
///         ``"kts:alpha=0.01,beta=0.01"``, or the name of a file with one; ``"unit"``, which is 1
///         everywhere, unless told.
///
/// Raises:
///     KinepathError: for a text that is no gain, or a parameter out of range.
#[pyclass(frozen, eq, subclass, module = "kinepath", from_py_object)]
#[derive(Clone, PartialEq)]
pub(crate) struct Gain(pub(crate) gain::Gain);

#[pymethods]
impl Gain {
    #[new]
    #[pyo3(signature = (expression = "unit"))]
    fn new(expression: &str) -> PyResult<Self> {
        let gain = read_gain(expression, None).map_err(errors::study)?;
        gain.validate(&[]).map_err(invalid)?;
        Ok(Self(gain))
    }

    /// η at the times ``t``: a number at one time, an array of the shape of several.
    ///
    ///     >>> kinepath.SSC(0.5, power=1.0).eta([0.0, 0.5])
    ///     array([1.5 , 1.25])
    ///
    /// A closed-loop gain, :class:`kinepath.Governed`, has none: what it multiplies a velocity by
    /// depends on the sample, and :meth:`factor` tells it.
    ///
    /// Raises:
    ///     KinepathError: for a closed-loop gain, and for what are no numbers.
    fn eta<'py>(&self, t: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if self.is_closed_loop() {
            return Err(invalid(format!(
                "what {} multiplies a velocity by is no function of the time alone, but of the \
                 sample's speed too: use gain.factor(t, speeds), with squared speeds ‖v‖² [B] \
                 (gain.governor(t) has its ceiling), or kinepath.sample or kinepath.torch.sample, \
                 which apply it",
                self.0
            )));
        }
        let times = numbers("times", t)?;
        let times = view("times", &times)?;
        of_all(t.py(), times.mapv(|t| self.0.eta(t)))
    }

    /// What the velocity of every sample is multiplied by at the time ``t``: η for every kind of
    /// gain, for a closed-loop one as far as the sample is faster than the ceiling.
    ///
    ///     >>> gain = kinepath.Governed([(0.0, 4.0)], split=0.5)
    ///     >>> gain.factor(0.6, [1.0, 16.0])
    ///     array([1. , 0.5])
    ///
    /// A loop of your own steps by ``x + dt * factor[:, None] * v``, with as many axes of one as a
    /// sample has axes; for tensors, ``torch.as_tensor(factor).to(v)`` is the factor. An energy meter is
    /// told the same factor, ``[B]``.
    ///
    /// Args:
    ///     t: the time of all samples, or that of each, ``[B]``.
    ///     speed: squared speeds ``‖v‖²`` of the field at that time, before the gain, ``[B]`` or one
    ///         for all, in squared data units per squared unit of time; at 0 nothing is damped.
    ///
    /// Raises:
    ///     KinepathError: for what are no numbers, or times that are not those of the samples.
    fn factor<'py>(
        &self,
        t: &Bound<'py, PyAny>,
        speed: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (times, speeds) = (numbers("times", t)?, numbers("squared speeds", speed)?);
        let (times, speeds) = (view("times", &times)?, view("squared speeds", &speeds)?);
        let shape = if speeds.ndim() == 0 { times.raw_dim() } else { speeds.raw_dim() };
        let (Some(times), Some(speeds)) = (times.broadcast(shape.clone()), speeds.broadcast(shape))
        else {
            return Err(invalid(format!(
                "a factor is asked for at one time, or at one for each of {:?} squared speeds, \
                 got times of shape {:?}",
                speeds.shape(),
                times.shape()
            )));
        };
        let factors = Zip::from(times).and(speeds).map_collect(|&t, &speed| {
            self.0.eta(t) * self.0.governor(t).map_or(1.0, |governor| governor.eta(speed))
        });
        of_all(t.py(), factors)
    }

    /// What a closed-loop gain holds samples to at the time ``t``: the largest squared speed
    /// ``‖v‖²`` that it leaves as it is, and the power of ``ceiling / ‖v‖²`` that it multiplies a
    /// faster one by. None where η is that of the time alone: of every other gain, and before the
    /// split.
    fn governor(&self, t: f64) -> Option<(f64, f64)> {
        self.0.governor(t).map(|governor| (governor.ceiling, governor.exponent))
    }

    /// The time τ that divides launch from landing: that of the gain, 0.6 where it has none.
    #[getter]
    fn split(&self) -> f64 {
        self.0.split()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<kinepath.Gain: {}>", self.0)
    }

    pub(crate) fn __hash__(&self) -> u64 {
        // Equal gains have equal values, whatever their parameters were.
        let governor = self.governor(1.0).unwrap_or_default();
        let mut values = vec![self.0.split(), governor.0, governor.1];
        values.extend([0.0, 0.25, 0.75, 1.0].map(|t| self.0.eta(t)));
        hash_of(&values)
    }

    /// For copies and pickles, where every kind of gain becomes its expression.
    fn __reduce__(&self, py: Python<'_>) -> (Py<PyAny>, (String,)) {
        (py.get_type::<Self>().into_any().unbind(), (self.0.to_string(),))
    }
}

impl Gain {
    fn is_closed_loop(&self) -> bool {
        // Splits are before the end.
        self.0.governor(1.0).is_some()
    }
}

/// A gain, or that of an expression.
pub(crate) fn gain_of(given: &Bound<'_, PyAny>) -> PyResult<Gain> {
    if let Ok(gain) = given.extract::<Gain>() {
        return Ok(gain);
    }
    let text = given.extract::<String>().map_err(|_| {
        invalid(format!("a gain is a Gain or its text expression, got {}", shown(given)))
    })?;
    Gain::new(&text)
}

/// Values for an array of arguments, or the number for a number.
fn of_all(py: Python<'_>, values: ArrayD<f64>) -> PyResult<Bound<'_, PyAny>> {
    match values.ndim() {
        0 => values.first().copied().into_bound_py_any(py),
        _ => Ok(PyArrayDyn::from_owned_array(py, values).into_any()),
    }
}
