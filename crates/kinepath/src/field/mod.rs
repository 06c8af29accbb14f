//! Velocity fields: what a flow model is to a sampler.

mod closure;
mod condition;
mod converted;
mod empirical;
mod guided;
mod mixture;

pub use closure::FnField;
pub use condition::{Condition, Conditions, InputValues, NamedInput};
pub use converted::{
    ConditionalPath, ConventionError, ConventionParseError, Conventions, Conversion, Converted,
    NoiseLevels, NoiseRange, Prediction, TimeConvention, TimeInput,
};
pub(crate) use empirical::Tracker;
pub use empirical::{Certificate, EmpiricalField, Posterior, PosteriorPaths, collapsed_since};
pub use guided::{GuidanceStyle, GuidanceStyleError, Guided, Null};
pub use mixture::MixtureField;

use ndarray::{ArrayView2, ArrayViewMut2};

/// A velocity field `v(x, t)`: the right-hand side of the sampling equation `dx/dt = v(x, t)`.
///
/// Time is per row, so an adaptive solver never has to mix samples. It is `f64` because fields
/// that divide by `1 − t` would lose four digits to an `f32` time close to the data end; networks
/// round it themselves.
pub trait VelocityField: Sync {
    /// Dimension D of the state; an image counts C·H·W, flattened row-major.
    fn dim(&self) -> usize;

    /// Writes `v(x_b, t_b)` into row `b` of `out`.
    ///
    /// `x` and `out` are `[B, D]`, `t` has length B, all in the straight-path convention: noise at
    /// `t = 0`, data at `t = 1`, velocity in data units per unit of time.
    ///
    /// # Errors
    /// [`FieldError`] when a shape does not fit, when the field is undefined at a time, or when
    /// the evaluation itself fails.
    fn velocity(
        &self,
        x: ArrayView2<'_, f32>,
        t: &[f64],
        condition: Condition<'_>,
        out: ArrayViewMut2<'_, f32>,
    ) -> Result<(), FieldError>;

    /// Refuses a condition of `rows` rows that [`velocity`](Self::velocity) would refuse, without an
    /// evaluation. A field that does not say more looks at the numbers of rows only.
    ///
    /// # Errors
    /// Those of [`Condition::check`]; [`FieldError::Condition`] for labels or inputs that the field
    /// cannot use, or that it lacks.
    fn check_condition(&self, condition: Condition<'_>, rows: usize) -> Result<(), FieldError> {
        condition.check(rows)
    }

    /// How many function evaluations (NFE) one call at time `t` costs a sample.
    fn evaluations(&self, _t: f64) -> u32 {
        1
    }

    /// The times at which the field is defined.
    fn domain(&self) -> TimeDomain {
        TimeDomain::CLOSED
    }

    /// This field, if it is nothing but an empirical field: samplers then follow its posteriors
    /// instead of evaluating it afresh at every step.
    fn as_empirical(&self) -> Option<&EmpiricalField> {
        None
    }

    /// This field, if its velocity is put together from a conditional and an unconditional one,
    /// whose speeds can then be recorded beside its own.
    fn in_parts(&self) -> Option<&dyn FieldInParts> {
        None
    }
}

/// A velocity field that is put together from a conditional and an unconditional one.
pub trait FieldInParts {
    /// As [`VelocityField::velocity`], and tells the speeds of the parts, one entry per row.
    ///
    /// # Errors
    /// As [`VelocityField::velocity`]; [`FieldError::Shape`] for another number of entries.
    fn velocity_in_parts(
        &self,
        x: ArrayView2<'_, f32>,
        t: &[f64],
        condition: Condition<'_>,
        out: ArrayViewMut2<'_, f32>,
        parts: &mut [PartSpeeds],
    ) -> Result<(), FieldError>;
}

/// How fast the parts of a velocity are by themselves, at the state and time of a row.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PartSpeeds {
    /// `‖v_c‖²` of the conditional velocity, in squared data units per squared unit of time.
    pub conditional: f64,
    /// `‖v_∅‖²` of the unconditional velocity; `None` where it was not evaluated.
    pub unconditional: Option<f64>,
}

impl<F: VelocityField + ?Sized> VelocityField for &F {
    fn dim(&self) -> usize {
        (**self).dim()
    }

    fn velocity(
        &self,
        x: ArrayView2<'_, f32>,
        t: &[f64],
        condition: Condition<'_>,
        out: ArrayViewMut2<'_, f32>,
    ) -> Result<(), FieldError> {
        (**self).velocity(x, t, condition, out)
    }

    fn check_condition(&self, condition: Condition<'_>, rows: usize) -> Result<(), FieldError> {
        (**self).check_condition(condition, rows)
    }

    fn evaluations(&self, t: f64) -> u32 {
        (**self).evaluations(t)
    }

    fn domain(&self) -> TimeDomain {
        (**self).domain()
    }

    fn as_empirical(&self) -> Option<&EmpiricalField> {
        (**self).as_empirical()
    }

    fn in_parts(&self) -> Option<&dyn FieldInParts> {
        (**self).in_parts()
    }
}

/// The part of `[0, 1]` on which a field is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeDomain {
    /// Whether `t = 0` belongs to it.
    pub start: bool,
    /// Whether `t = 1` belongs to it.
    pub end: bool,
}

impl TimeDomain {
    /// All of `[0, 1]`.
    pub const CLOSED: Self = Self { start: true, end: true };
    /// `[0, 1)`: fields that divide by `1 − t`.
    pub const OPEN_END: Self = Self { start: true, end: false };
    /// `(0, 1]`: fields that divide by `t`.
    pub const OPEN_START: Self = Self { start: false, end: true };

    /// Whether the field is defined at `t`.
    pub fn contains(self, t: f64) -> bool {
        (t > 0.0 || (self.start && t == 0.0)) && (t < 1.0 || (self.end && t == 1.0))
    }
}

/// Why a velocity field could not be evaluated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FieldError {
    /// An array does not have the shape the field needs.
    #[error("{what} has shape {actual:?}, expected {expected:?}")]
    Shape {
        /// Which array.
        what: &'static str,
        /// Its shape.
        actual: Vec<usize>,
        /// The shape it should have.
        expected: Vec<usize>,
    },
    /// The field divides by something that vanishes at this time.
    #[error("the velocity field is undefined at t = {t}")]
    Undefined {
        /// The time asked for.
        t: f64,
    },
    /// The field was built from values it cannot work with.
    #[error("{0}")]
    Invalid(String),
    /// The field needs a condition that was not given, or was given one it cannot use.
    #[error("{0}")]
    Condition(String),
    /// The evaluation failed inside the model.
    #[error("{0}")]
    Model(String),
}

/// Checks the shapes that every [`VelocityField::velocity`] call must have.
///
/// # Errors
/// [`FieldError::Shape`] naming the array that does not fit.
pub fn check_shapes(
    dim: usize,
    x: &ArrayView2<'_, f32>,
    t: &[f64],
    out: &ArrayViewMut2<'_, f32>,
) -> Result<(), FieldError> {
    check_states(dim, x, t)?;
    check_shape("velocity out", out.shape(), &[x.nrows(), dim])
}

/// The part of [`check_shapes`] that concerns the states and their times.
fn check_states(dim: usize, x: &ArrayView2<'_, f32>, t: &[f64]) -> Result<(), FieldError> {
    let rows = x.nrows();
    check_shape("state x", x.shape(), &[rows, dim])?;
    check_shape("time t", &[t.len()], &[rows])
}

fn check_shape(what: &'static str, actual: &[usize], expected: &[usize]) -> Result<(), FieldError> {
    if actual == expected {
        Ok(())
    } else {
        Err(FieldError::Shape { what, actual: actual.to_vec(), expected: expected.to_vec() })
    }
}

/// For fields without conditions: one that would change nothing is an error, not ignored.
fn refuse_conditions(condition: Condition<'_>) -> Result<(), FieldError> {
    let what = match condition {
        Condition::None => return Ok(()),
        Condition::Labels(_) => "classes, so it cannot be conditioned on labels",
        Condition::Inputs { .. } => "further inputs, so it cannot be conditioned on them",
    };
    Err(FieldError::Condition(format!("this field has no {what}; leave them out")))
}
