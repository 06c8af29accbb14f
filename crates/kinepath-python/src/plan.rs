//! Plans.

use std::hash::{DefaultHasher, Hash, Hasher};

use kinepath::gain;
use kinepath::grid;
use kinepath::plan::{self, Schedule};
use kinepath::tableau::Tableau;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::{invalid, shown};
use crate::gain::{Gain, gain_of};
use crate::grid::Grid;

/// How to integrate: a grid, a method and a gain, compiled into steps with every coefficient
/// resolved.
///
///     >>> plan = kinepath.Plan(50, "heun", kinepath.KTS(alpha=0.02, beta=0.0))
///     >>> plan.nfe
///     100
///
/// Args:
///     grid: a :class:`kinepath.Grid`, or a number of steps for the uniform one.
///     solver: the method, a :class:`kinepath.Solver` or its name: ``euler``, ``midpoint``,
///         ``heun``, ``rk4``, or ``dopri5``, which chooses its steps for each sample and stops at
///         the nodes of the grid. ``heun``, ``rk4`` and ``dopri5`` evaluate the field at the end of
///         a step.
///     gain: a :class:`kinepath.Gain` or its text; none unless told.
///     quadrature: how the energy is summed: ``solver``, by the weights of the method and so to its
///         order; or ``left``, ``½ h ‖k‖²`` of the first stage of each step of size h, as the
///         scripts of arXiv 2602.07928 do for every method.
///     rtol: of ``dopri5`` alone, relative tolerance of the error of a step, without a unit.
///     atol: of ``dopri5`` alone, absolute tolerance, in data units. A step is taken where the root
///         mean square over the elements of ``error / (atol + rtol · max(|x|, |x'|))`` is at most 1.
///
/// Raises:
///     KinepathError: for what is no grid, method, gain or quadrature, tolerances that are not at
///         least 0 or are both 0, and a gain that is negative at a time of the plan, which the
///         message names with the largest admissible strength.
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

/// One explicit Runge–Kutta step of a :class:`kinepath.Plan`.
#[pyclass(frozen, get_all, module = "kinepath")]
pub(crate) struct Step {
    /// The time at which it begins.
    start: f64,
    /// Its size h, in units of time.
    size: f64,
    /// Whether it begins at the split τ or later, so that its energy is that of the landing.
    landing: bool,
    /// The share of it that is at t = 0.95 or later, in [0, 1].
    terminal: f64,
    /// Its evaluations of the field, in order.
    stages: Vec<Py<Stage>>,
}

/// One evaluation of the field within a :class:`kinepath.Step`: ``k = η v(x, t)``.
#[pyclass(frozen, get_all, module = "kinepath")]
pub(crate) struct Stage {
    /// The time of the evaluation.
    t: f64,
    /// The gain η at that time; 1 for a closed-loop gain.
    eta: f64,
    /// What a closed-loop gain holds samples to there, as :meth:`kinepath.Gain.governor` tells;
    /// else None.
    governor: Option<(f64, f64)>,
    /// What k of each earlier stage is multiplied by and added to the state of the step's
    /// beginning, for the state evaluated here: ``h a``.
    state: Vec<f64>,
    /// What k is multiplied by and added to that state for the one after the step: ``h b``.
    update: f64,
    /// What ``‖k‖²`` is multiplied by and added to the energy: ``½ h b``, or of left quadrature
    /// ``½ h`` for the first stage and 0 for others.
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
        let gain = gain.map_or(Ok(Gain(gain::Gain::Unit)), gain_of)?;
        let known = || Tableau::ALL.map(|tableau| tableau.name).join(", ");
        let tableau = Tableau::by_name(solver)
            .ok_or_else(|| invalid(format!("unknown solver {solver:?}; use {}", known())))?;
        let quadrature = quadrature.parse().map_err(invalid)?;
        let plan = plan::Plan::new(grid.0, tableau, gain.0, quadrature, [rtol, atol]);
        plan.map(Self).map_err(invalid)
    }

    /// The times at which the solver stops.
    #[getter]
    fn grid(&self) -> Grid {
        Grid(self.0.grid().clone())
    }

    /// What the velocity is multiplied by.
    #[getter]
    fn gain(&self) -> Gain {
        Gain(self.0.gain().clone())
    }

    /// The name of the method.
    #[getter]
    fn solver(&self) -> &'static str {
        self.0.tableau().name
    }

    /// How the energy is summed: ``solver`` or ``left``.
    #[getter]
    fn quadrature(&self) -> String {
        self.0.quadrature().to_string()
    }

    /// Evaluations of the field for one sample, those of guidance not counted; None where the
    /// method chooses its steps.
    #[getter]
    fn nfe(&self) -> Option<usize> {
        self.0.nfe()
    }

    /// The same plan with another gain, a :class:`kinepath.Gain` or its text.
    ///
    /// Raises:
    ///     KinepathError: for what is no gain, or one that is negative at a time of the plan.
    fn with_gain(&self, gain: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.0.with_gain(gain_of(gain)?.0).map(Self).map_err(invalid)
    }

    /// Its steps, in order, for loops of your own; None where the method chooses them.
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

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.grid().__hash__(), self.gain().__hash__(), self.solver()).hash(&mut hasher);
        hasher.finish()
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
