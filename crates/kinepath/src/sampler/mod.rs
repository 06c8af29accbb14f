//! Running a plan over a velocity field.

mod adaptive;
mod fixed;
mod ledger;
mod settling;
mod state;
mod tracked;

use std::ops::ControlFlow;

use ndarray::{Array2, ArrayView2};

use crate::field::{Condition, EmpiricalField, FieldError, PartSpeeds, VelocityField};
use crate::gain::Governor;
use crate::paths::Paths;
use crate::plan::{Plan, Schedule};
use crate::record::Record;
use state::Measure;

/// The gap at which exact integration drops training points: a posterior weight of 2·10⁻⁹.
pub const DEFAULT_GAP: f64 = 20.0;

/// Integrates samples of a velocity field along a [`Plan`] and measures their energy.
///
/// ```
/// use kinepath::field::MixtureField;
/// use kinepath::gain::Gain;
/// use kinepath::grid::Grid;
/// use kinepath::noise::noise;
/// use kinepath::plan::{Plan, Quadrature};
/// use kinepath::sampler::Sampler;
/// use kinepath::tableau::Tableau;
/// use ndarray::array;
///
/// // Data N(3, 0.5²) in one dimension.
/// let field = MixtureField::isotropic(&[1.0], array![[3.0]], &[0.25])?;
/// let plan = Plan::fixed(Grid::uniform(100)?, Tableau::HEUN, Gain::Unit, Quadrature::Solver)?;
/// let paths = Sampler::new(&field, &plan)?.run(noise(0, 0..4, 1).view())?;
/// assert!(paths.kpe.iter().zip(&paths.displacement).all(|(kpe, straight)| kpe >= straight));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Sampler<'a> {
    field: &'a dyn VelocityField,
    plan: &'a Plan,
    record: Record,
    condition: Condition<'a>,
    first_index: u64,
    indices: Option<&'a [u64]>,
    certify: Option<f64>,
}

impl<'a> Sampler<'a> {
    /// A sampler of `field` along `plan`.
    ///
    /// # Errors
    /// [`SampleError::Domain`] if the plan evaluates the field where it is undefined.
    pub fn new(field: &'a dyn VelocityField, plan: &'a Plan) -> Result<Self, SampleError> {
        let domain = field.domain();
        if let Some(t) = plan.stage_times().into_iter().find(|&t| !domain.contains(t)) {
            return Err(SampleError::Domain { method: plan.tableau().name, t });
        }
        let (record, condition) = (Record::default(), Condition::None);
        Ok(Self {
            field,
            plan,
            record,
            condition,
            first_index: 0,
            indices: None,
            certify: Some(DEFAULT_GAP),
        })
    }

    /// Keeps what `record` asks for.
    pub fn record(mut self, record: Record) -> Self {
        self.record = record;
        self
    }

    /// Conditions the field, one entry per row of the noise.
    pub fn condition(mut self, condition: Condition<'a>) -> Self {
        self.condition = condition;
        self
    }

    /// The global index of the first row, which errors add to the row they name.
    pub fn first_index(mut self, index: u64) -> Self {
        self.first_index = index;
        self
    }

    /// The posterior gap τ, in nats, at which Euler paths through an [`EmpiricalField`] drop a
    /// training point for good: a point of a posterior weight below `e^−τ`, where it is certain to
    /// stay so. `None` evaluates the whole field at every step. [`DEFAULT_GAP`] unless set.
    ///
    /// What the dropped points can have changed is in the
    /// [`certificate`](crate::field::Certificate) of the paths' posteriors.
    ///
    /// # Errors
    /// [`SampleError::Gap`] unless `tau` is finite and above 0.
    pub fn certify(mut self, tau: Option<f64>) -> Result<Self, SampleError> {
        if let Some(tau) = tau.filter(|tau| !(tau.is_finite() && *tau > 0.0)) {
            return Err(SampleError::Gap { tau });
        }
        self.certify = tau;
        Ok(self)
    }

    /// The global index of each row, for errors to name, where the rows are no range.
    pub fn indices(mut self, indices: &'a [u64]) -> Self {
        self.indices = Some(indices);
        self
    }

    /// Integrates every row of `noise`, `[B, D]`, to the last node.
    ///
    /// # Errors
    /// [`SampleError`] for a wrong shape, noise or a velocity that is not finite, a failing field,
    /// or an adaptive step that became too small.
    pub fn run(&self, noise: ArrayView2<'_, f32>) -> Result<Paths, SampleError> {
        self.run_observed(noise, &mut |_| ControlFlow::Continue(()))
    }

    /// As [`run`](Self::run), telling `observe` after every step which fraction in `[0, 1]` of the
    /// time is behind all samples; a break ends the run.
    ///
    /// # Errors
    /// As [`run`](Self::run), and [`SampleError::Interrupted`] after a break.
    pub fn run_observed(
        &self,
        noise: ArrayView2<'_, f32>,
        observe: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Result<Paths, SampleError> {
        self.check(&noise)?;
        let noise = noise.as_standard_layout();
        let noise = noise.view();
        match self.plan.schedule() {
            Schedule::Fixed(steps) => match self.followed() {
                Some((field, tau)) => tracked::run(self, field, tau, steps, noise, observe),
                None => fixed::run(self, steps, noise, observe),
            },
            Schedule::Adaptive { stops, rtol, atol } => {
                adaptive::run(self, &adaptive::Control::new(stops, *rtol, *atol), noise, observe)
            }
        }
    }

    /// The field to follow, and the gap at which its points are dropped.
    fn followed(&self) -> Option<(&'a EmpiricalField, f64)> {
        let field = followed_field(self.field, self.plan)?;
        self.certify.filter(|_| self.condition == Condition::None).map(|tau| (field, tau))
    }

    /// Evaluates `η v` into `k` and measures every row; `gain` is a row's factor and what governs it
    /// further.
    fn evaluate(
        &self,
        x: ArrayView2<'_, f32>,
        t: &[f64],
        condition: Condition<'_>,
        k: &mut Array2<f32>,
        gain: impl Fn(usize) -> (f64, Option<Governor>) + Sync,
    ) -> Result<Vec<Measure>, SampleError> {
        let Some(field) = self.field.in_parts().filter(|_| self.record.parts) else {
            self.field.velocity(x, t, condition, k.view_mut())?;
            return Ok(state::scale_and_measure(k, gain));
        };
        let mut parts = vec![PartSpeeds::default(); t.len()];
        field.velocity_in_parts(x, t, condition, k.view_mut(), &mut parts)?;
        let mut measures = state::scale_and_measure(k, gain);
        for (measure, parts) in measures.iter_mut().zip(parts) {
            measure.parts = Some(parts);
        }
        Ok(measures)
    }

    fn check(&self, noise: &ArrayView2<'_, f32>) -> Result<(), SampleError> {
        self.condition.check(noise.nrows())?;
        if self.record.parts && self.field.in_parts().is_none() {
            return Err(SampleError::Parts);
        }
        let (actual, expected) = (noise.ncols(), self.field.dim());
        if actual != expected {
            return Err(SampleError::Dimension { actual, expected });
        }
        let steps = self.plan.grid().steps();
        if let Some(&node) = self.record.trajectory.iter().find(|&&node| node > steps) {
            return Err(SampleError::Node { node, steps });
        }
        if let Some(pair) = self.record.trajectory.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(SampleError::NodeOrder { node: pair[1], before: pair[0] });
        }
        for (row, values) in noise.rows().into_iter().enumerate() {
            if values.iter().any(|value| !value.is_finite()) {
                return Err(SampleError::Noise { sample: self.sample(row) });
            }
        }
        Ok(())
    }

    /// The global index of row `row`.
    fn sample(&self, row: usize) -> u64 {
        let given = self.indices.and_then(|indices| indices.get(row));
        given.copied().unwrap_or(self.first_index + row as u64)
    }
}

/// The empirical field whose posteriors [`Sampler`] follows along `plan` instead of evaluating it
/// afresh: if `field` is one, and the plan has one stage a step, which the guarantee for dropped
/// points needs.
pub fn followed_field<'f>(field: &'f dyn VelocityField, plan: &Plan) -> Option<&'f EmpiricalField> {
    let Schedule::Fixed(steps) = plan.schedule() else { return None };
    field.as_empirical().filter(|_| steps.iter().all(|step| step.stages.len() == 1))
}

/// Why sampling stopped.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SampleError {
    /// The noise has another dimension than the field.
    #[error("the noise has dimension {actual}, but the velocity field has {expected}")]
    Dimension {
        /// Dimension of the noise.
        actual: usize,
        /// Dimension of the field.
        expected: usize,
    },
    /// The plan evaluates the field where it is undefined.
    #[error(
        "the velocity field is undefined at t = {t}, where {method} evaluates it; {}",
        if *t == 0.0 {
            "start the time grid above 0"
        } else {
            "use euler or midpoint, whose stages stay inside the steps, or end the time grid below 1"
        }
    )]
    Domain {
        /// The method's name.
        method: &'static str,
        /// The time.
        t: f64,
    },
    /// A recorded node that the grid does not have.
    #[error("trajectory node {node} is beyond the time grid, whose last node is {steps}")]
    Node {
        /// The node asked for.
        node: usize,
        /// The grid's last node.
        steps: usize,
    },
    /// Recorded nodes that do not increase.
    #[error("trajectory node {node} comes after node {before}: name each node once, in order")]
    NodeOrder {
        /// The node that is not beyond the one before it.
        node: usize,
        /// The one before it.
        before: usize,
    },
    /// The energies of parts that the field does not have.
    #[error("only a guided field has a conditional and an unconditional part to record")]
    Parts,
    /// A gap at which all points would be dropped.
    #[error(
        "training points can be dropped at a posterior gap above 0 nats, got {tau}; {DEFAULT_GAP} is usual"
    )]
    Gap {
        /// The gap given.
        tau: f64,
    },
    /// Noise that is no number.
    #[error("the noise of sample {sample} holds NaN or infinity")]
    Noise {
        /// Global sample index.
        sample: u64,
    },
    /// A velocity that is no number.
    #[error("the velocity of sample {sample} became NaN or infinite at step {step}, t = {t}")]
    Velocity {
        /// Global sample index.
        sample: u64,
        /// Step number, from 0.
        step: usize,
        /// Time of the evaluation.
        t: f64,
    },
    /// The step size an adaptive method would need underflows, or the steps never end.
    #[error(
        "sample {sample} stalled at t = {t} after {steps} steps: the tolerance cannot be met; \
         loosen rtol and atol, or use a fixed-step method"
    )]
    Stalled {
        /// Global sample index.
        sample: u64,
        /// Where it got to.
        t: f64,
        /// Steps tried.
        steps: usize,
    },
    /// The observer asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// The field failed.
    #[error(transparent)]
    Field(#[from] FieldError),
}
