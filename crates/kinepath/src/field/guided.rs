//! Classifier-free guidance.

use std::fmt;
use std::str::FromStr;

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, Zip, concatenate};

use super::{
    Condition, Conditions, FieldError, FieldInParts, NamedInput, PartSpeeds, TimeDomain,
    VelocityField, check_shape, check_shapes,
};
use crate::kernel::squared_length;

/// Classifier-free guidance (Ho & Salimans, arXiv 2207.12598) of a conditional field:
/// `v = v_∅ + w (v_c − v_∅)` with guidance scale w, the condition c of each row and the null
/// condition ∅ of all.
///
/// In a guidance interval (Kynkäänniemi et al., arXiv 2404.07724) every evaluation asks the inner
/// field twice and the NFE counts both; outside it `v = v_c`, one evaluation. A row's own time
/// decides, so in a method of several stages each stage is guided or not by its own time. `w = 1`
/// is the conditional field at twice the price, `w = 0` the unconditional one.
///
/// ```
/// use kinepath::field::{Condition, FnField, Guided, Null, VelocityField};
///
/// // A field that ignores its condition is not changed by guidance, only paid for twice.
/// let field = FnField::new(1, |x, _t, mut out| out.assign(&x));
/// let guided = Guided::new(field, Null::label(10), 1.5)?.interval(0.3, 0.9)?;
/// let x = ndarray::array![[2.0]];
/// let mut v = x.clone();
/// guided.velocity(x.view(), &[0.5], Condition::Labels(&[3]), v.view_mut())?;
/// assert_eq!((v[[0, 0]], guided.evaluations(0.5), guided.evaluations(0.1)), (2.0, 2, 1));
/// # Ok::<(), kinepath::field::FieldError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Guided<F> {
    field: F,
    null: Null,
    scale: f64,
    interval: (f64, f64),
    style: GuidanceStyle,
}

/// What stands for "no condition": what it names replaces that part of a row's condition, and the
/// rest of the condition stays as it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Null {
    /// The label that stands for "no class".
    pub label: Option<i64>,
    /// Inputs such as the embedding of the empty prompt, one value shared by all rows.
    pub inputs: Vec<NamedInput>,
}

/// How the two evaluations of a guided step are made. Both give the same velocities, up to the
/// rounding of a network whose arithmetic depends on the size of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GuidanceStyle {
    /// In one call with a batch of twice the rows, where the two conditions have the same shapes:
    /// a null prompt of another length takes a call of its own.
    #[default]
    Doubled,
    /// In two calls one after the other, which take half the memory.
    Calls,
}

impl Null {
    /// A label that stands for "no class".
    pub fn label(label: i64) -> Self {
        Self { label: Some(label), inputs: Vec::new() }
    }

    /// Whether it replaces nothing.
    pub fn is_empty(&self) -> bool {
        self.label.is_none() && self.inputs.is_empty()
    }

    /// The condition of `rows` without what this replaces.
    fn in_place_of(
        &self,
        condition: Condition<'_>,
        rows: &[usize],
    ) -> Result<Conditions, FieldError> {
        let mut null = condition.select(rows);
        if let Some(label) = self.label {
            let Some(labels) = &mut null.labels else {
                return Err(FieldError::Condition(
                    "guidance with a null label needs a class label for every sample, and none was \
                     given"
                        .to_owned(),
                ));
            };
            labels.fill(label);
        }
        for input in &self.inputs {
            match null.inputs.iter_mut().find(|other| other.name() == input.name()) {
                Some(other) => *other = input.clone(),
                None => {
                    return Err(FieldError::Condition(format!(
                        "guidance has a null value for the input `{}`, of which no other value was \
                         given",
                        input.name()
                    )));
                }
            }
        }
        Ok(null)
    }
}

impl<F: VelocityField> Guided<F> {
    /// Guides `field` with guidance scale `scale` at all times, in [`GuidanceStyle::Doubled`].
    ///
    /// # Errors
    /// [`FieldError::Invalid`] if the scale is not finite, or the null condition is empty or has an
    /// input with rows.
    pub fn new(field: F, null: Null, scale: f64) -> Result<Self, FieldError> {
        if !scale.is_finite() {
            return Err(FieldError::Invalid(format!("the guidance scale is {scale}")));
        }
        if null.is_empty() {
            return Err(FieldError::Invalid(
                "guidance needs a null condition: a label or inputs".to_owned(),
            ));
        }
        if let Some(input) = null.inputs.iter().find(|input| input.rows().is_some()) {
            return Err(FieldError::Invalid(format!(
                "the null value of the input `{}` must be one for all rows",
                input.name()
            )));
        }
        Ok(Self { field, null, scale, interval: (0.0, 1.0), style: GuidanceStyle::default() })
    }

    /// Guides only at times in `[from, to]`.
    ///
    /// # Errors
    /// [`FieldError::Invalid`] unless `0 ≤ from < to ≤ 1`.
    pub fn interval(self, from: f64, to: f64) -> Result<Self, FieldError> {
        if !(0.0 <= from && from < to && to <= 1.0) {
            return Err(FieldError::Invalid(format!(
                "guidance from t = {from} to {to}: an interval lies in [0, 1] and has a length"
            )));
        }
        Ok(Self { interval: (from, to), ..self })
    }

    /// Makes the two evaluations in this way.
    pub fn style(self, style: GuidanceStyle) -> Self {
        Self { style, ..self }
    }

    fn guides(&self, t: f64) -> bool {
        self.interval.0 <= t && t <= self.interval.1
    }

    /// Writes the guided velocity to `out` and returns the speeds of its parts if `measure` asks
    /// for them.
    fn evaluate(
        &self,
        x: ArrayView2<'_, f32>,
        t: &[f64],
        condition: Condition<'_>,
        mut out: ArrayViewMut2<'_, f32>,
        measure: bool,
    ) -> Result<Vec<PartSpeeds>, FieldError> {
        check_shapes(self.dim(), &x, t, &out)?;
        condition.check(t.len())?;
        let guided: Vec<usize> = (0..t.len()).filter(|&row| self.guides(t[row])).collect();
        let mut null = Array2::zeros((guided.len(), self.dim()));
        if guided.is_empty() {
            self.field.velocity(x, t, condition, out.view_mut())?;
        } else {
            let without = self.null.in_place_of(condition, &guided)?;
            let states = x.select(Axis(0), &guided);
            let times: Vec<f64> = guided.iter().map(|&row| t[row]).collect();
            let both = match self.style {
                GuidanceStyle::Calls => None,
                GuidanceStyle::Doubled => {
                    condition.followed_by(t.len(), without.as_condition(), guided.len())
                }
            };
            match both {
                None => {
                    self.field.velocity(x, t, condition, out.view_mut())?;
                    let condition = without.as_condition();
                    self.field.velocity(states.view(), &times, condition, null.view_mut())?;
                }
                Some(both) => {
                    let states = concatenate(Axis(0), &[x, states.view()])
                        .map_err(|error| FieldError::Invalid(error.to_string()))?;
                    let mut velocities = Array2::zeros(states.dim());
                    let (view, times) = (velocities.view_mut(), [t, &times].concat());
                    self.field.velocity(states.view(), &times, both.as_condition(), view)?;
                    let (conditional, unconditional) = velocities.view().split_at(Axis(0), t.len());
                    out.assign(&conditional);
                    null.assign(&unconditional);
                }
            }
        }
        let speeds = if measure { self.speeds(&out, &null, &guided) } else { Vec::new() };
        let mut nulls = vec![None; t.len()];
        guided.iter().zip(null.outer_iter()).for_each(|(&row, null)| nulls[row] = Some(null));
        let scale = self.scale;
        Zip::from(out.axis_iter_mut(Axis(0))).and(&nulls).par_for_each(|mut v, null| {
            if let Some(null) = null {
                v.zip_mut_with(null, |v, &null| {
                    *v = (f64::from(null) + scale * (f64::from(*v) - f64::from(null))) as f32;
                });
            }
        });
        Ok(speeds)
    }

    /// The speeds of conditional velocities, and of the unconditional ones of the rows `guided`.
    fn speeds(
        &self,
        conditional: &ArrayViewMut2<'_, f32>,
        null: &Array2<f32>,
        guided: &[usize],
    ) -> Vec<PartSpeeds> {
        let speed = |row: ndarray::ArrayView1<'_, f32>| {
            squared_length(row.as_standard_layout().as_slice().unwrap_or_default())
        };
        let mut speeds: Vec<_> = conditional
            .outer_iter()
            .map(|row| PartSpeeds { conditional: speed(row), unconditional: None })
            .collect();
        for (&row, null) in guided.iter().zip(null.outer_iter()) {
            speeds[row].unconditional = Some(speed(null));
        }
        speeds
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
        out: ArrayViewMut2<'_, f32>,
    ) -> Result<(), FieldError> {
        self.evaluate(x, t, condition, out, false).map(drop)
    }

    fn check_condition(&self, condition: Condition<'_>, rows: usize) -> Result<(), FieldError> {
        self.field.check_condition(condition, rows)?;
        let rows: Vec<usize> = (0..rows).collect();
        let null = self.null.in_place_of(condition, &rows)?;
        self.field.check_condition(null.as_condition(), rows.len())
    }

    fn evaluations(&self, t: f64) -> u32 {
        self.field.evaluations(t) * if self.guides(t) { 2 } else { 1 }
    }

    fn domain(&self) -> TimeDomain {
        self.field.domain()
    }

    fn in_parts(&self) -> Option<&dyn FieldInParts> {
        Some(self)
    }
}

impl<F: VelocityField> FieldInParts for Guided<F> {
    fn velocity_in_parts(
        &self,
        x: ArrayView2<'_, f32>,
        t: &[f64],
        condition: Condition<'_>,
        out: ArrayViewMut2<'_, f32>,
        parts: &mut [PartSpeeds],
    ) -> Result<(), FieldError> {
        check_shape("parts", &[parts.len()], &[t.len()])?;
        parts.copy_from_slice(&self.evaluate(x, t, condition, out, true)?);
        Ok(())
    }
}

/// A guidance style that is none of those known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown guidance style `{0}`; use doubled or calls")]
pub struct GuidanceStyleError(String);

impl FromStr for GuidanceStyle {
    type Err = GuidanceStyleError;

    /// `doubled` or `calls`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "doubled" => Ok(Self::Doubled),
            "calls" => Ok(Self::Calls),
            _ => Err(GuidanceStyleError(text.to_owned())),
        }
    }
}

impl fmt::Display for GuidanceStyle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Doubled => "doubled",
            Self::Calls => "calls",
        })
    }
}

#[cfg(test)]
mod tests;
