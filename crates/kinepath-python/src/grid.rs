//! Time grids.

use std::hash::{DefaultHasher, Hash, Hasher};

use kinepath::grid;
use kinepath::record::Record;
use numpy::PyArray1;
use pyo3::prelude::*;

use crate::arrays::{column, numbers, values};
use crate::errors::{invalid, shown};

/// The times at which a solver stops: noise is at 0, data are at 1.
///
///     >>> kinepath.Grid([0, 0.5, 1]).nodes
///     array([0. , 0.5, 1. ])
///
/// Args:
///     nodes: increasing times in [0, 1], ``[steps + 1]``, at least two.
///
/// Raises:
///     KinepathError: for fewer than two times, one outside [0, 1], one that is not above the one
///         before, or what are no numbers.
#[pyclass(frozen, eq, module = "kinepath", from_py_object)]
#[derive(Clone, PartialEq)]
pub(crate) struct Grid(pub(crate) grid::Grid);

#[pymethods]
impl Grid {
    #[new]
    fn new(nodes: &Bound<'_, PyAny>) -> PyResult<Self> {
        grid::Grid::explicit(times("the nodes of a grid", nodes)?).map(Self).map_err(invalid)
    }

    /// ``t_i = i / steps``.
    ///
    ///     >>> kinepath.Grid.uniform(4).nodes
    ///     array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    ///
    /// Raises:
    ///     KinepathError: unless there are between 1 and 1,000,000 steps.
    #[staticmethod]
    fn uniform(steps: &Bound<'_, PyAny>) -> PyResult<Self> {
        grid::Grid::uniform(steps_of(steps)?).map(Self).map_err(invalid)
    }

    /// ``t_i = ½ (1 − cos(π i / steps))``: dense at both ends.
    ///
    /// Raises:
    ///     KinepathError: as :meth:`uniform`.
    #[staticmethod]
    fn cosine(steps: &Bound<'_, PyAny>) -> PyResult<Self> {
        grid::Grid::cosine(steps_of(steps)?).map(Self).map_err(invalid)
    }

    /// The timestep shift s of Stable Diffusion 3: ``σ' = s σ / (1 + (s − 1) σ)`` with
    /// ``σ = 1 − i / steps`` and ``t = 1 − σ'``. A shift of 1 is the uniform grid, a larger one
    /// spends more steps near the noise.
    ///
    /// Source: Esser et al., arXiv 2403.03206, eq. 23.
    ///
    /// Raises:
    ///     KinepathError: as :meth:`uniform`, and unless the shift is positive and finite.
    #[staticmethod]
    fn shifted(steps: &Bound<'_, PyAny>, shift: f64) -> PyResult<Self> {
        grid::Grid::shifted(steps_of(steps)?, shift).map(Self).map_err(invalid)
    }

    /// The grid of a family by the text of the program's ``--grid``, such as ``"shift:3"`` or
    /// ``"dynamic-shift:4096"``.
    ///
    /// Raises:
    ///     KinepathError: as :meth:`uniform`, and for an unknown family, with those that there are.
    #[staticmethod]
    fn named(family: &str, steps: &Bound<'_, PyAny>) -> PyResult<Self> {
        let family: grid::GridFamily = family.parse().map_err(invalid)?;
        family.grid(steps_of(steps)?).map(Self).map_err(invalid)
    }

    /// The times ``1 − σ`` of falling noise levels σ in [0, 1], ``[steps + 1]``, as diffusers
    /// writes the schedules of flow models; a last level of 0 is added where it is missing, as
    /// there.
    ///
    ///     >>> kinepath.Grid.from_sigmas([1.0, 0.5]).nodes
    ///     array([0. , 0.5, 1. ])
    ///
    /// Raises:
    ///     KinepathError: unless the times are those of a grid.
    #[staticmethod]
    fn from_sigmas(sigmas: &Bound<'_, PyAny>) -> PyResult<Self> {
        grid::Grid::from_sigmas(&times("noise levels", sigmas)?).map(Self).map_err(invalid)
    }

    /// This grid squeezed affinely onto [start, end]: for models that are undefined at an end.
    ///
    ///     >>> kinepath.Grid.uniform(2).within(0.5, 1.0).nodes
    ///     array([0.5 , 0.75, 1.  ])
    ///
    /// Raises:
    ///     KinepathError: unless ``0 ≤ start < end ≤ 1``.
    fn within(&self, start: f64, end: f64) -> PyResult<Self> {
        self.0.clone().within(start, end).map(Self).map_err(invalid)
    }

    /// The numbers of ``count`` nodes spread evenly over the grid, both ends included.
    fn spread(&self, count: usize) -> Vec<usize> {
        Record::spread(count, &self.0)
    }

    /// The times, ``[steps + 1]``.
    #[getter]
    fn nodes<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        column(py, self.0.nodes().to_vec())
    }

    /// The number of steps, one less than that of the nodes.
    #[getter]
    fn steps(&self) -> usize {
        self.0.steps()
    }

    /// For copies and pickles.
    fn __getnewargs__(&self) -> (Vec<f64>,) {
        (self.0.nodes().to_vec(),)
    }

    pub(crate) fn __hash__(&self) -> u64 {
        hash_of(self.0.nodes())
    }

    fn __repr__(&self) -> String {
        let (steps, start, end) = (self.0.steps(), self.0.start(), self.0.end());
        format!("<kinepath.Grid: {steps} steps from {start} to {end}>")
    }
}

/// A hash of numbers that is the same where they are equal.
pub(crate) fn hash_of(numbers: &[f64]) -> u64 {
    let mut hasher = DefaultHasher::new();
    // −0 and 0 are equal.
    numbers.iter().for_each(|number| (number + 0.0).to_bits().hash(&mut hasher));
    hasher.finish()
}

/// A number of steps.
fn steps_of(given: &Bound<'_, PyAny>) -> PyResult<usize> {
    given.extract().map_err(|_| {
        invalid(format!("a grid needs a number of steps of at least 1, got {}", shown(given)))
    })
}

/// One column of times, whose role is `what`.
fn times(what: &str, given: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
    let array = numbers(what, given)?;
    match array.as_array().ndim() {
        1 => values(what, &array),
        _ => Err(invalid(format!("{what} are a list of times in [0, 1], got {}", shown(given)))),
    }
}
