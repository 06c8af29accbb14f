//! The closed-form velocity field of a finite training set.

mod certificate;
mod latest;
mod list;
mod posterior;
mod prepared;
mod pruning;
mod sums;
mod sweep;
mod tracker;

pub use certificate::{Certificate, PosteriorPaths};
pub use posterior::{Posterior, collapsed_since};
pub(crate) use tracker::Tracker;

use std::sync::OnceLock;

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis};
use rayon::prelude::*;

use super::{Condition, FieldError, TimeDomain, VelocityField, check_shapes, refuse_conditions};
use crate::kernel::squared_length;
use crate::made::made;
use crate::rows::values;

/// The minimiser of the flow-matching loss on a training set of N points, in closed form: the
/// field of perfect memorization, whose paths end on training points.
///
/// ```text
/// s_i(x, t) = (t ⟨x, x_i⟩ − ½ t² ‖x_i‖²) / (1 − t)²
/// λ = softmax(s),   m(x, t) = Σ λ_i x_i,   v*(x, t) = (m − x)/(1 − t),   t ∈ [0, 1)
/// ```
///
/// Source: Bertrand et al., "On the Closed-Form of Flow Matching", arXiv 2506.03719, and
/// arXiv 2602.07928. Scores and means are in f64, because the division by `(1 − t)²` magnifies
/// every rounding error close to the data; points are visited in blocks with an online softmax, so
/// memory does not grow with B·N.
///
/// ```
/// use kinepath::field::EmpiricalField;
/// use ndarray::array;
///
/// let field = EmpiricalField::new(array![[-1.0, 0.0], [1.0, 0.0]])?;
/// let posterior = field.posterior(array![[0.9f32, 0.1]].view(), &[0.9])?;
/// assert_eq!(posterior.top, [1]);
/// assert!(posterior.top_weight[0] > 0.99);
/// # Ok::<(), kinepath::field::FieldError>(())
/// ```
#[derive(Debug, Clone)]
pub struct EmpiricalField {
    points: Array2<f32>,
    squared_norms: Vec<f64>,
    /// Made by the first integration that follows its paths.
    prepared: OnceLock<prepared::Prepared>,
}

impl EmpiricalField {
    /// The field of the training points, one per row: `[N, D]`.
    ///
    /// # Errors
    /// [`FieldError::Invalid`] if there is no point or no dimension, or a point is not finite.
    pub fn new(points: Array2<f32>) -> Result<Self, FieldError> {
        if points.is_empty() {
            return Err(FieldError::Invalid(format!(
                "an empirical field needs at least one training point of at least one dimension, \
                 got shape {:?}",
                points.shape()
            )));
        }
        // Not copied where it is in order already.
        let points = if points.is_standard_layout() {
            points
        } else {
            points.as_standard_layout().into_owned()
        };
        let squared_norms: Vec<f64> = (points.axis_iter(Axis(0)).into_par_iter())
            .map(|point| squared_length(values(point)))
            .collect();
        if let Some(index) = squared_norms.iter().position(|norm| !norm.is_finite()) {
            return Err(FieldError::Invalid(format!(
                "training point {index} holds NaN or infinity"
            )));
        }
        Ok(Self { points, squared_norms, prepared: OnceLock::new() })
    }

    fn prepared(&self) -> &prepared::Prepared {
        made(&self.prepared, || prepared::Prepared::new(self))
    }

    /// How many training points equal point `row`, itself included.
    ///
    /// # Panics
    /// For a row that there is not.
    pub fn multiplicity(&self, row: usize) -> usize {
        let prepared = self.prepared();
        prepared.counts[prepared.point_of_row[row]] as usize
    }

    /// The training points, `[N, D]`.
    pub fn points(&self) -> ArrayView2<'_, f32> {
        self.points.view()
    }
}

impl VelocityField for EmpiricalField {
    fn dim(&self) -> usize {
        self.points.ncols()
    }

    fn check_condition(&self, condition: Condition<'_>, rows: usize) -> Result<(), FieldError> {
        condition.check(rows)?;
        refuse_conditions(condition)
    }

    fn velocity(
        &self,
        x: ArrayView2<'_, f32>,
        t: &[f64],
        condition: Condition<'_>,
        mut out: ArrayViewMut2<'_, f32>,
    ) -> Result<(), FieldError> {
        check_shapes(self.dim(), &x, t, &out)?;
        self.check_condition(condition, x.nrows())?;
        let posterior = self.posterior(x, t)?;
        for (row, mut out) in out.outer_iter_mut().enumerate() {
            let left = 1.0 - t[row];
            for ((out, mean), &x) in out.iter_mut().zip(posterior.mean.row(row)).zip(x.row(row)) {
                *out = ((mean - f64::from(x)) / left) as f32;
            }
        }
        Ok(())
    }

    fn domain(&self) -> TimeDomain {
        TimeDomain::OPEN_END
    }

    fn as_empirical(&self) -> Option<&EmpiricalField> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn bad_input_is_refused() {
        assert!(EmpiricalField::new(Array2::zeros((0, 3))).is_err());
        let error = EmpiricalField::new(array![[0.0], [f32::NAN]]).unwrap_err();
        assert!(error.to_string().contains("training point 1"));
        let field = EmpiricalField::new(array![[0.0]]).unwrap();
        let at = |t| field.posterior(array![[0.0f32]].view(), &[t]);
        assert_eq!(at(1.0), Err(FieldError::Undefined { t: 1.0 }));
        assert!(matches!(
            field.posterior(array![[0.0f32, 1.0]].view(), &[0.5]),
            Err(FieldError::Shape { .. })
        ));
    }
}
