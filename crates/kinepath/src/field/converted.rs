//! Networks that speak another convention, as velocity fields of the straight path.

mod conventions;
mod conversion;
mod error;
mod levels;
mod path;
mod prediction;
mod time;

pub use conventions::Conventions;
pub use conversion::Conversion;
pub use error::{ConventionError, ConventionParseError};
pub use levels::NoiseLevels;
pub use path::{ConditionalPath, NoiseRange};
pub use prediction::Prediction;
pub use time::{TimeConvention, TimeInput};

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis};

use super::{Condition, FieldError, TimeDomain, VelocityField, check_shapes};

/// A network's raw output converted to the straight-path velocity.
///
/// The inner field receives the network's own state and time input and returns its raw prediction;
/// it is never asked for a conversion itself. Conversions are those of arXiv 2602.07928's notation:
/// noise at t = 0, data at t = 1, `x_t = (1 − t) x0 + t x1`. Networks of other paths are asked about
/// the state of their own path with the same ratio of noise to data, see [`Conversion`].
///
/// ```
/// use kinepath::field::{ConditionalPath, Conventions, Converted, FnField, Prediction};
///
/// // A denoiser that always answers 0 drives every sample straight to 0.
/// let denoiser = FnField::new(1, |_x, _t, mut out| out.fill(0.0));
/// let path = ConditionalPath::Straight;
/// let field = Converted::new(denoiser, Conventions::new(path, Some(Prediction::Data), None)?);
/// # Ok::<(), kinepath::field::ConventionError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Converted<F> {
    network: F,
    conventions: Conventions,
}

impl<F: VelocityField> Converted<F> {
    /// Converts `network`, which speaks in `conventions`.
    pub fn new(network: F, conventions: Conventions) -> Self {
        Self { network, conventions }
    }
}

impl<F: VelocityField> VelocityField for Converted<F> {
    fn dim(&self) -> usize {
        self.network.dim()
    }

    fn velocity(
        &self,
        x: ArrayView2<'_, f32>,
        t: &[f64],
        condition: Condition<'_>,
        mut out: ArrayViewMut2<'_, f32>,
    ) -> Result<(), FieldError> {
        check_shapes(self.dim(), &x, t, &out)?;
        if let Some(&t) = t.iter().find(|&&t| !self.domain().contains(t)) {
            return Err(FieldError::Undefined { t });
        }
        let conversions: Vec<Conversion> = t.iter().map(|&t| self.conventions.at(t)).collect();
        let inputs: Vec<f64> = conversions.iter().map(|conversion| conversion.time).collect();
        let asked = |sign: f64| {
            let mut states = x.to_owned();
            for (mut row, conversion) in states.axis_iter_mut(Axis(0)).zip(&conversions) {
                row.mapv_inplace(|x| (sign * conversion.input * f64::from(x)) as f32);
            }
            states
        };
        if conversions.iter().all(|conversion| conversion.input == 1.0) {
            self.network.velocity(x, &inputs, condition, out.view_mut())?;
        } else {
            self.network.velocity(asked(1.0).view(), &inputs, condition, out.view_mut())?;
        }
        let rows = out.axis_iter_mut(Axis(0)).zip(x.axis_iter(Axis(0))).zip(&conversions);
        for ((mut out, x), conversion) in rows {
            let Conversion { state, output, .. } = *conversion;
            if state == 0.0 {
                out.mapv_inplace(|out| (output * f64::from(out)) as f32);
            } else {
                out.zip_mut_with(&x, |out, &x| {
                    *out = (state * f64::from(x) + output * f64::from(*out)) as f32;
                });
            }
        }
        if conversions.iter().any(|conversion| conversion.mirrored != 0.0) {
            let mut turned = Array2::zeros(out.dim());
            self.network.velocity(asked(-1.0).view(), &inputs, condition, turned.view_mut())?;
            let rows = out.axis_iter_mut(Axis(0)).zip(turned.axis_iter(Axis(0))).zip(&conversions);
            for ((mut out, turned), conversion) in rows {
                out.scaled_add(conversion.mirrored as f32, &turned);
            }
        }
        Ok(())
    }

    fn check_condition(&self, condition: Condition<'_>, rows: usize) -> Result<(), FieldError> {
        self.network.check_condition(condition, rows)
    }

    fn evaluations(&self, t: f64) -> u32 {
        let conversion = self.conventions.at(t);
        let calls = if conversion.mirrored == 0.0 { 1 } else { 2 };
        calls * self.network.evaluations(conversion.time)
    }

    fn domain(&self) -> TimeDomain {
        self.conventions.domain()
    }
}

#[cfg(test)]
mod tests;
