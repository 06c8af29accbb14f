//! A closure as a velocity field.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::{Condition, FieldError, TimeDomain, VelocityField, check_shapes};

/// A velocity field given by a function that fills `out` with `v(x, t)`.
///
/// ```
/// use kinepath::field::FnField;
///
/// // v(x, t) = −x
/// let field = FnField::new(2, |x, _t, mut out| out.assign(&x.mapv(|value| -value)));
/// ```
pub struct FnField<F> {
    dim: usize,
    domain: TimeDomain,
    function: F,
}

impl<F> FnField<F>
where
    F: Fn(ArrayView2<'_, f32>, &[f64], ArrayViewMut2<'_, f32>) + Sync,
{
    /// A field of dimension `dim`, defined on all of `[0, 1]`.
    pub fn new(dim: usize, function: F) -> Self {
        Self { dim, domain: TimeDomain::CLOSED, function }
    }

    /// The same field, defined on `domain` only.
    pub fn on(self, domain: TimeDomain) -> Self {
        Self { domain, ..self }
    }
}

impl<F> VelocityField for FnField<F>
where
    F: Fn(ArrayView2<'_, f32>, &[f64], ArrayViewMut2<'_, f32>) + Sync,
{
    fn dim(&self) -> usize {
        self.dim
    }

    fn velocity(
        &self,
        x: ArrayView2<'_, f32>,
        t: &[f64],
        _condition: Condition<'_>,
        out: ArrayViewMut2<'_, f32>,
    ) -> Result<(), FieldError> {
        check_shapes(self.dim, &x, t, &out)?;
        (self.function)(x, t, out);
        Ok(())
    }

    fn domain(&self) -> TimeDomain {
        self.domain
    }
}
