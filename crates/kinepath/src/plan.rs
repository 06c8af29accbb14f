//! Plans: a time grid, a method, a gain and a quadrature compiled into what an executor runs.

mod quadrature;

pub use quadrature::{ParseQuadratureError, Quadrature};

use crate::gain::{Gain, GainError, Governor};
use crate::grid::Grid;
use crate::tableau::Tableau;

/// Time from which on energy counts towards the terminal spike.
pub const TERMINAL_START: f64 = 0.95;

/// A resolved sampling schedule: every time, gain and coefficient that an executor needs.
///
/// ```
/// use kinepath::gain::Gain;
/// use kinepath::grid::Grid;
/// use kinepath::plan::{Plan, Quadrature};
/// use kinepath::tableau::Tableau;
///
/// let grid = Grid::uniform(50)?;
/// let plan = Plan::fixed(grid, Tableau::HEUN, Gain::Unit, Quadrature::Solver)?;
/// assert_eq!(plan.nfe(), Some(100));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    grid: Grid,
    tableau: Tableau,
    gain: Gain,
    quadrature: Quadrature,
    schedule: Schedule,
}

/// The two ways through a grid.
#[derive(Debug, Clone, PartialEq)]
pub enum Schedule {
    /// One step between each two nodes.
    Fixed(Vec<Step>),
    /// Steps chosen per sample, landing on every stop.
    Adaptive {
        /// The nodes of the grid with the split and [`TERMINAL_START`] added, so that no step
        /// straddles a phase.
        stops: Vec<f64>,
        /// Relative tolerance of the local error.
        rtol: f64,
        /// Absolute tolerance of the local error, in data units.
        atol: f64,
    },
}

/// One explicit Runge–Kutta step from `start` over `size`.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Time `t_i` at which the step begins.
    pub start: f64,
    /// Step size h.
    pub size: f64,
    /// Where its energy is booked.
    pub phase: Phase,
    /// The stages, in order.
    pub stages: Vec<Stage>,
}

/// One evaluation of the field within a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Time of the evaluation.
    pub t: f64,
    /// Gain at that time; the stage is `k = η v`.
    pub eta: f64,
    /// For a closed-loop gain, what multiplies η further, sample by sample: `k` is
    /// `eta · governor.eta(‖v‖²) · v`.
    pub governor: Option<Governor>,
    /// `h a_jl`: what each earlier stage adds to the state evaluated here.
    pub state: Vec<f64>,
    /// `h b_j`: what this stage adds to the state after the step.
    pub update: f64,
    /// Weight of `‖k_j‖²` in the energy: `½ h b_j`, or `½ h` and 0 for left quadrature.
    pub energy: f64,
}

/// Which totals a step's energy belongs to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Phase {
    /// Whether it starts at or after the split τ: landing; else launch.
    pub landing: bool,
    /// The share of it that is at or after [`TERMINAL_START`], in `[0, 1]`.
    pub terminal: f64,
}

impl Phase {
    /// The phase of a step of `size > 0` that starts at `t`, given the split τ.
    pub fn of(t: f64, size: f64, split: f64) -> Self {
        let terminal = ((t + size - TERMINAL_START) / size).clamp(0.0, 1.0);
        Self { landing: t >= split, terminal }
    }
}

impl Plan {
    /// A plan whose steps are the tableau's affair: of its own choice within the tolerances
    /// `[rtol, atol]` where it has an error estimate, one between each two nodes of `grid` otherwise.
    ///
    /// # Errors
    /// [`PlanError::LeftOfOwnSteps`] for left quadrature of steps of its own choice; else as
    /// [`adaptive`](Self::adaptive) or [`fixed`](Self::fixed).
    pub fn new(
        grid: Grid,
        tableau: Tableau,
        gain: Gain,
        quadrature: Quadrature,
        [rtol, atol]: [f64; 2],
    ) -> Result<Self, PlanError> {
        match (tableau.error, quadrature) {
            (None, _) => Self::fixed(grid, tableau, gain, quadrature),
            (Some(_), Quadrature::Solver) => Self::adaptive(grid, tableau, gain, rtol, atol),
            (Some(_), Quadrature::Left) => Err(PlanError::LeftOfOwnSteps { name: tableau.name }),
        }
    }

    /// The same plan with another gain.
    ///
    /// # Errors
    /// [`PlanError::Gain`] for one that is inadmissible on it.
    pub fn with_gain(&self, gain: Gain) -> Result<Self, PlanError> {
        let (grid, tableau) = (self.grid.clone(), self.tableau);
        match self.schedule {
            Schedule::Fixed(_) => Self::fixed(grid, tableau, gain, self.quadrature),
            Schedule::Adaptive { rtol, atol, .. } => {
                Self::adaptive(grid, tableau, gain, rtol, atol)
            }
        }
    }

    /// A plan of one step between each two nodes of `grid`.
    ///
    /// An adaptive tableau is accepted too: its embedded error estimate is then not used.
    ///
    /// # Errors
    /// [`PlanError::Gain`] if the gain is negative at any stage.
    pub fn fixed(
        grid: Grid,
        tableau: Tableau,
        gain: Gain,
        quadrature: Quadrature,
    ) -> Result<Self, PlanError> {
        let split = gain.split();
        let steps: Vec<Step> = grid
            .nodes()
            .windows(2)
            .map(|pair| compile_step(pair[0], pair[1], split, &tableau, &gain, quadrature))
            .collect();
        let plan = Self { grid, tableau, gain, quadrature, schedule: Schedule::Fixed(steps) };
        plan.gain.validate(&plan.stage_times())?;
        Ok(plan)
    }

    /// A plan whose steps are chosen per sample by the tableau's embedded error estimate. Every
    /// node of `grid` is a stop; a grid of one step leaves the choice to the error alone.
    ///
    /// A step is accepted when the root mean square over the D elements of
    /// `error / (atol + rtol · max(|x|, |x'|))` is at most 1. The energy is by solver quadrature.
    ///
    /// # Errors
    /// [`PlanError::NotAdaptive`] for a tableau without an error estimate,
    /// [`PlanError::Tolerance`] unless both tolerances are finite, at least 0 and not both 0,
    /// [`PlanError::Gain`] for an inadmissible gain.
    pub fn adaptive(
        grid: Grid,
        tableau: Tableau,
        gain: Gain,
        rtol: f64,
        atol: f64,
    ) -> Result<Self, PlanError> {
        if tableau.error.is_none() {
            return Err(PlanError::NotAdaptive { name: tableau.name });
        }
        let usable = |tolerance: f64| tolerance.is_finite() && tolerance >= 0.0;
        if !(usable(rtol) && usable(atol) && rtol + atol > 0.0) {
            return Err(PlanError::Tolerance { rtol, atol });
        }
        let mut stops = grid.nodes().to_vec();
        stops.extend(
            [gain.split(), TERMINAL_START].iter().filter(|&&t| grid.start() < t && t < grid.end()),
        );
        stops.sort_by(f64::total_cmp);
        stops.dedup();
        // Steps may fall anywhere, so the gain must be admissible everywhere.
        let everywhere: Vec<f64> = (0..=1000)
            .map(|i| grid.start() + (grid.end() - grid.start()) * f64::from(i) / 1000.0)
            .chain(stops.iter().copied())
            .chain(gain.corners().filter(|&t| grid.start() < t && t < grid.end()))
            .collect();
        gain.validate(&everywhere)?;
        let schedule = Schedule::Adaptive { stops, rtol, atol };
        Ok(Self { grid, tableau, gain, quadrature: Quadrature::Solver, schedule })
    }

    /// The time grid.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The Runge–Kutta method.
    pub fn tableau(&self) -> &Tableau {
        &self.tableau
    }

    /// The gain.
    pub fn gain(&self) -> &Gain {
        &self.gain
    }

    /// The quadrature of the energy.
    pub fn quadrature(&self) -> Quadrature {
        self.quadrature
    }

    /// What an executor runs.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Field evaluations per sample for a field that costs one each; `None` when adaptive.
    pub fn nfe(&self) -> Option<usize> {
        match &self.schedule {
            Schedule::Fixed(steps) => Some(steps.iter().map(|step| step.stages.len()).sum()),
            Schedule::Adaptive { .. } => None,
        }
    }

    /// Every time at which the field is evaluated; for an adaptive plan the two ends, which an
    /// evaluation always meets.
    pub fn stage_times(&self) -> Vec<f64> {
        match &self.schedule {
            Schedule::Fixed(steps) => {
                steps.iter().flat_map(|step| step.stages.iter().map(|stage| stage.t)).collect()
            }
            Schedule::Adaptive { .. } => vec![self.grid.start(), self.grid.end()],
        }
    }
}

fn compile_step(
    start: f64,
    end: f64,
    split: f64,
    tableau: &Tableau,
    gain: &Gain,
    quadrature: Quadrature,
) -> Step {
    let size = end - start;
    let stages = (0..tableau.stages())
        .map(|j| {
            // A stage at the end of the step is at the node itself, not at a rounded sum.
            let t = if tableau.c[j] == 1.0 { end } else { start + tableau.c[j] * size };
            Stage {
                t,
                eta: gain.eta(t),
                governor: gain.governor(t),
                state: tableau.a[j].iter().map(|a| size * a).collect(),
                update: size * tableau.b[j],
                energy: match quadrature {
                    Quadrature::Solver => 0.5 * size * tableau.b[j],
                    Quadrature::Left if j == 0 => 0.5 * size,
                    Quadrature::Left => 0.0,
                },
            }
        })
        .collect();
    Step { start, size, phase: Phase::of(start, size, split), stages }
}

/// Why a plan could not be compiled.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// The gain is inadmissible on this grid.
    #[error(transparent)]
    Gain(#[from] GainError),
    /// A method without an error estimate cannot choose its steps.
    #[error("{name} has no error estimate and cannot choose its steps; use dopri5")]
    NotAdaptive {
        /// The method's name.
        name: &'static str,
    },
    /// Left quadrature of a method that chooses its own steps.
    #[error("{name} chooses its own steps; sum their energy by solver quadrature")]
    LeftOfOwnSteps {
        /// The method's name.
        name: &'static str,
    },
    /// Tolerances that cannot be met.
    #[error("tolerances must be finite, at least 0 and not both 0; got rtol {rtol}, atol {atol}")]
    Tolerance {
        /// Relative tolerance given.
        rtol: f64,
        /// Absolute tolerance given.
        atol: f64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gain::Kts;

    fn kts(beta: f64) -> Gain {
        Gain::Kts(Kts { beta, ..Kts::default() })
    }

    #[test]
    fn every_stage_takes_the_gain_at_its_own_time() {
        let grid = Grid::uniform(5).unwrap();
        let plan = Plan::fixed(grid, Tableau::RK4, kts(0.01), Quadrature::Solver).unwrap();
        let Schedule::Fixed(steps) = plan.schedule() else { panic!() };
        for stage in steps.iter().flat_map(|step| &step.stages) {
            assert_eq!(stage.eta, kts(0.01).eta(stage.t));
        }
        assert!(steps.iter().flat_map(|step| &step.stages).all(|stage| stage.governor.is_none()));
        assert_eq!(steps[4].stages[3].t, 1.0);
        assert_eq!(steps[3].phase, Phase { landing: true, terminal: 0.0 });
    }

    #[test]
    fn a_stage_carries_what_governs_it_from_the_split_on() {
        let gain: Gain = "governed:strength=0.5,split=0.5,ceiling=0:8;1:4".parse().unwrap();
        let grid = Grid::uniform(4).unwrap();
        let plan = Plan::fixed(grid.clone(), Tableau::HEUN, gain, Quadrature::Solver).unwrap();
        let Schedule::Fixed(steps) = plan.schedule() else { panic!() };
        let governors = steps.iter().flat_map(|step| &step.stages).map(|stage| stage.governor);
        let at = |ceiling| Some(Governor { ceiling, exponent: 0.25 });
        // Heun's second stage at the split is governed already: it is at the stage's own time.
        let expected = [None, None, None, at(6.0), at(6.0), at(5.0), at(5.0), at(4.0)];
        assert_eq!(governors.collect::<Vec<_>>(), expected);
        let bad: Gain = "governed:ceiling=0:0".parse().unwrap();
        let refused = Plan::fixed(grid, Tableau::EULER, bad, Quadrature::Solver).unwrap_err();
        assert_eq!(
            refused,
            PlanError::Gain(GainError::Ceiling { index: 0, reason: "it is not above 0" })
        );
    }

    #[test]
    fn a_gain_is_judged_at_the_stages_of_the_method() {
        let grid = || Grid::uniform(10).unwrap();
        // Euler's last stage is at 0.9, where η = 1 − 0.1 (e^{2.25} − 1) > 0; Heun's is at 1.
        assert!(Plan::fixed(grid(), Tableau::EULER, kts(0.1), Quadrature::Solver).is_ok());
        assert!(matches!(
            Plan::fixed(grid(), Tableau::HEUN, kts(0.1), Quadrature::Solver),
            Err(PlanError::Gain(GainError::Negative { t: 1.0, .. }))
        ));
        assert!(Plan::adaptive(grid(), Tableau::DOPRI5, kts(0.1), 1e-5, 1e-5).is_err());
    }

    #[test]
    fn adaptive_plans_stop_at_the_phases() {
        let grid = Grid::uniform(1).unwrap();
        let plan = Plan::adaptive(grid.clone(), Tableau::DOPRI5, Gain::Unit, 1e-5, 0.0).unwrap();
        let Schedule::Adaptive { stops, .. } = plan.schedule() else { panic!() };
        assert_eq!(stops, &[0.0, 0.6, 0.95, 1.0]);
        let refused = Plan::adaptive(grid.clone(), Tableau::RK4, Gain::Unit, 1e-5, 0.0);
        assert_eq!(refused, Err(PlanError::NotAdaptive { name: "rk4" }));
        assert!(Plan::adaptive(grid, Tableau::DOPRI5, Gain::Unit, 0.0, 0.0).is_err());
    }
}
