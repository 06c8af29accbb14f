//! Grids, gains and plans.

use kinepath::gain;
use kinepath::grid;
use kinepath::plan::{self, Quadrature, Schedule};
use kinepath::record::Record;
use kinepath::tableau::Tableau;
use kinepath_study::schedule::read_gain;
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::column;
use crate::errors::{self, invalid};

/// Increasing times in [0, 1].
#[pyclass(frozen, eq, module = "kinepath", from_py_object)]
#[derive(Clone, PartialEq)]
pub(crate) struct Grid(pub(crate) grid::Grid);

#[pymethods]
impl Grid {
    #[new]
    fn new(nodes: Vec<f64>) -> PyResult<Self> {
        grid::Grid::explicit(nodes).map(Self).map_err(invalid)
    }

    #[staticmethod]
    fn uniform(steps: &Bound<'_, PyAny>) -> PyResult<Self> {
        grid::Grid::uniform(steps_of(steps)?).map(Self).map_err(invalid)
    }

    #[staticmethod]
    fn cosine(steps: &Bound<'_, PyAny>) -> PyResult<Self> {
        grid::Grid::cosine(steps_of(steps)?).map(Self).map_err(invalid)
    }

    #[staticmethod]
    fn shifted(steps: &Bound<'_, PyAny>, shift: f64) -> PyResult<Self> {
        grid::Grid::shifted(steps_of(steps)?, shift).map(Self).map_err(invalid)
    }

    /// The grid of a family by its text, such as `dynamic-shift:4096`.
    #[staticmethod]
    fn named(family: &str, steps: &Bound<'_, PyAny>) -> PyResult<Self> {
        let family: grid::GridFamily = family.parse().map_err(invalid)?;
        family.grid(steps_of(steps)?).map(Self).map_err(invalid)
    }

    /// The times `1 − σ` of falling noise levels.
    #[staticmethod]
    fn from_sigmas(sigmas: Vec<f64>) -> PyResult<Self> {
        grid::Grid::from_sigmas(&sigmas).map(Self).map_err(invalid)
    }

    fn within(&self, start: f64, end: f64) -> PyResult<Self> {
        self.0.clone().within(start, end).map(Self).map_err(invalid)
    }

    /// The numbers of `count` nodes spread evenly over the grid, both ends included.
    fn spread(&self, count: usize) -> Vec<usize> {
        Record::spread(count, &self.0)
    }

    #[getter]
    fn nodes<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        column(py, self.0.nodes().to_vec())
    }

    #[getter]
    fn steps(&self) -> usize {
        self.0.steps()
    }

    /// For copies and pickles.
    fn __getnewargs__(&self) -> (Vec<f64>,) {
        (self.0.nodes().to_vec(),)
    }

    fn __repr__(&self) -> String {
        let (steps, start, end) = (self.0.steps(), self.0.start(), self.0.end());
        format!("<kinepath.Grid: {steps} steps from {start} to {end}>")
    }
}

/// A gain η(t).
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

    /// η at `t`.
    fn eta(&self, t: f64) -> f64 {
        self.0.eta(t)
    }

    /// The ceiling and exponent of a closed-loop gain at `t`.
    fn governor(&self, t: f64) -> Option<(f64, f64)> {
        self.0.governor(t).map(|governor| (governor.ceiling, governor.exponent))
    }

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

    /// For copies and pickles, where every kind of gain becomes its expression.
    fn __reduce__(&self, py: Python<'_>) -> (Py<PyAny>, (String,)) {
        (py.get_type::<Self>().into_any().unbind(), (self.0.to_string(),))
    }
}

/// A compiled schedule.
#[pyclass(frozen, eq, module = "kinepath", from_py_object)]
#[derive(Clone, PartialEq)]
pub(crate) struct Plan(pub(crate) plan::Plan);

/// A grid, or the uniform one of a number of steps.
fn grid_of(given: &Bound<'_, PyAny>) -> PyResult<Grid> {
    if let Ok(grid) = given.extract::<Grid>() {
        return Ok(grid);
    }
    let steps = given.extract::<usize>().map_err(|_| {
        invalid(format!("a plan needs a Grid or a number of steps, got {}", shown(given)))
    })?;
    grid::Grid::uniform(steps).map(Grid).map_err(invalid)
}

/// A number of steps.
fn steps_of(given: &Bound<'_, PyAny>) -> PyResult<usize> {
    given.extract().map_err(|_| {
        invalid(format!("a grid needs a number of steps of at least 1, got {}", shown(given)))
    })
}

/// A gain, or that of an expression.
fn gain_of(given: &Bound<'_, PyAny>) -> PyResult<Gain> {
    if let Ok(gain) = given.extract::<Gain>() {
        return Ok(gain);
    }
    let text = given.extract::<String>().map_err(|_| {
        invalid(format!("a gain is a Gain or its text expression, got {}", shown(given)))
    })?;
    Gain::new(&text)
}

/// An argument as Python shows it.
fn shown(given: &Bound<'_, PyAny>) -> String {
    given.repr().map_or_else(|_| given.get_type().to_string(), |text| text.to_string())
}

/// One explicit Runge–Kutta step.
#[pyclass(frozen, get_all, module = "kinepath")]
pub(crate) struct Step {
    start: f64,
    size: f64,
    landing: bool,
    terminal: f64,
    stages: Vec<Py<Stage>>,
}

/// One evaluation of the field within a step.
#[pyclass(frozen, get_all, module = "kinepath")]
pub(crate) struct Stage {
    t: f64,
    eta: f64,
    governor: Option<(f64, f64)>,
    state: Vec<f64>,
    update: f64,
    energy: f64,
}

/// What a plan is made from: by position, and by name.
type Arguments<'py> = ((Grid, &'static str, Gain), Bound<'py, PyDict>);

#[pymethods]
impl Plan {
    #[new]
    #[pyo3(signature = (
        grid, solver = "euler", gain = None, *, quadrature = "solver", rtol = 1e-5, atol = 1e-5
    ))]
    fn new(
        grid: &Bound<'_, PyAny>,
        solver: &str,
        gain: Option<&Bound<'_, PyAny>>,
        quadrature: &str,
        rtol: f64,
        atol: f64,
    ) -> PyResult<Self> {
        let grid = grid_of(grid)?;
        let gain = gain.map_or_else(|| Gain::new("unit"), gain_of)?;
        let known = || Tableau::ALL.map(|tableau| tableau.name).join(", ");
        let tableau = Tableau::by_name(solver)
            .ok_or_else(|| invalid(format!("unknown solver {solver:?}; use {}", known())))?;
        let quadrature = match quadrature {
            "solver" => Quadrature::Solver,
            "left" if tableau.error.is_some() => {
                return Err(invalid(format!("{solver} chooses its own steps; use \"solver\"")));
            }
            "left" => Quadrature::Left,
            _ => {
                let text = format!("unknown quadrature {quadrature:?}; use \"solver\" or \"left\"");
                return Err(invalid(text));
            }
        };
        let plan = if tableau.error.is_some() {
            plan::Plan::adaptive(grid.0, tableau, gain.0, rtol, atol)
        } else {
            plan::Plan::fixed(grid.0, tableau, gain.0, quadrature)
        };
        plan.map(Self).map_err(invalid)
    }

    #[getter]
    fn grid(&self) -> Grid {
        Grid(self.0.grid().clone())
    }

    #[getter]
    fn gain(&self) -> Gain {
        Gain(self.0.gain().clone())
    }

    #[getter]
    fn solver(&self) -> &'static str {
        self.0.tableau().name
    }

    #[getter]
    fn quadrature(&self) -> &'static str {
        match self.0.quadrature() {
            Quadrature::Solver => "solver",
            Quadrature::Left => "left",
        }
    }

    #[getter]
    fn nfe(&self) -> Option<usize> {
        self.0.nfe()
    }

    /// The same plan with another gain.
    fn with_gain(&self, gain: &Bound<'_, PyAny>) -> PyResult<Self> {
        let gain = gain_of(gain)?.0;
        let plan = &self.0;
        let (grid, tableau) = (plan.grid().clone(), *plan.tableau());
        match *plan.schedule() {
            Schedule::Fixed(_) => plan::Plan::fixed(grid, tableau, gain, plan.quadrature()),
            Schedule::Adaptive { rtol, atol, .. } => {
                plan::Plan::adaptive(grid, tableau, gain, rtol, atol)
            }
        }
        .map(Self)
        .map_err(invalid)
    }

    /// The steps of a plan without step-size control.
    #[getter]
    fn steps(&self, py: Python<'_>) -> PyResult<Option<Vec<Step>>> {
        let Schedule::Fixed(steps) = self.0.schedule() else { return Ok(None) };
        let step = |step: &plan::Step| {
            let stages = step.stages.iter().map(|stage| Py::new(py, Stage::of(stage)));
            Ok(Step {
                start: step.start,
                size: step.size,
                landing: step.phase.landing,
                terminal: step.phase.terminal,
                stages: stages.collect::<PyResult<_>>()?,
            })
        };
        steps.iter().map(step).collect::<PyResult<Vec<_>>>().map(Some)
    }

    /// For copies and pickles.
    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<Arguments<'py>> {
        let named = PyDict::new(py);
        named.set_item("quadrature", self.quadrature())?;
        if let Schedule::Adaptive { rtol, atol, .. } = self.0.schedule() {
            named.set_item("rtol", rtol)?;
            named.set_item("atol", atol)?;
        }
        Ok(((self.grid(), self.solver(), self.gain()), named))
    }

    fn __repr__(&self) -> String {
        let (solver, steps) = (self.0.tableau().name, self.0.grid().steps());
        format!("<kinepath.Plan: {solver}, {steps} steps, gain {}>", self.0.gain())
    }
}

impl Stage {
    fn of(stage: &plan::Stage) -> Self {
        Self {
            t: stage.t,
            eta: stage.eta,
            governor: stage.governor.map(|governor| (governor.ceiling, governor.exponent)),
            state: stage.state.clone(),
            update: stage.update,
            energy: stage.energy,
        }
    }
}
