//! Classifier-free guidance.

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Zip};

use super::{Condition, FieldError, TimeDomain, VelocityField};

/// Classifier-free guidance (Ho & Salimans, arXiv 2207.12598) of a label-conditional field:
/// `v = v_∅ + w (v_c − v_∅)` with guidance scale w and null label ∅.
///
/// Every evaluation asks the inner field twice, and the NFE counts both; `w = 1` is the
/// conditional field at twice the price.
#[derive(Debug, Clone)]
pub struct Guided<F> {
    field: F,
    null_label: i64,
    scale: f64,
}

impl<F: VelocityField> Guided<F> {
    /// Guides `field` with guidance scale `scale`; `null_label` stands for "no class".
    ///
    /// # Errors
    /// [`FieldError::Invalid`] if the scale is not finite.
    pub fn new(field: F, null_label: i64, scale: f64) -> Result<Self, FieldError> {
        if !scale.is_finite() {
            return Err(FieldError::Invalid(format!("the guidance scale is {scale}")));
        }
        Ok(Self { field, null_label, scale })
    }
}

impl<F: VelocityField> VelocityField for Guided<F> {
    fn dim(&self) -> usize {
        self.field.dim()
    }

    fn velocity(
        &self,
        x: ArrayView2<'_, f32>,
        t: &[f64],
        condition: Condition<'_>,
        mut out: ArrayViewMut2<'_, f32>,
    ) -> Result<(), FieldError> {
        let Condition::Labels(_) = condition else {
            return Err(FieldError::Condition(
                "guidance needs a class label for every sample, and none was given".to_owned(),
            ));
        };
        self.field.velocity(x, t, condition, out.view_mut())?;
        let mut unconditional = Array2::zeros(out.dim());
        let null = vec![self.null_label; x.nrows()];
        self.field.velocity(x, t, Condition::Labels(&null), unconditional.view_mut())?;
        let scale = self.scale;
        Zip::from(&mut out).and(&unconditional).par_for_each(|v, &null| {
            *v = (f64::from(null) + scale * (f64::from(*v) - f64::from(null))) as f32;
        });
        Ok(())
    }

    fn evaluations(&self, t: f64) -> u32 {
        2 * self.field.evaluations(t)
    }

    fn domain(&self) -> TimeDomain {
        self.field.domain()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    /// A field whose velocity is its label.
    struct LabelField;

    impl VelocityField for LabelField {
        fn dim(&self) -> usize {
            1
        }

        fn velocity(
            &self,
            _x: ArrayView2<'_, f32>,
            _t: &[f64],
            condition: Condition<'_>,
            mut out: ArrayViewMut2<'_, f32>,
        ) -> Result<(), FieldError> {
            let Condition::Labels(labels) = condition else { panic!("labels expected") };
            out.iter_mut().zip(labels).for_each(|(out, &label)| *out = label as f32);
            Ok(())
        }
    }

    #[test]
    fn guidance_extrapolates_from_the_null_label_and_counts_twice() {
        let field = Guided::new(LabelField, -1, 1.5).unwrap();
        let mut out = Array2::zeros((2, 1));
        let x = array![[0.0], [0.0]];
        let condition = Condition::Labels(&[3, 5]);
        field.velocity(x.view(), &[0.5; 2], condition, out.view_mut()).unwrap();
        assert_eq!(out, array![[5.0], [8.0]]);
        assert_eq!(field.evaluations(0.5), 2);
        assert!(matches!(
            field.velocity(x.view(), &[0.5; 2], Condition::None, out.view_mut()),
            Err(FieldError::Condition(_))
        ));
        assert!(Guided::new(LabelField, 0, f64::NAN).is_err());
    }
}
