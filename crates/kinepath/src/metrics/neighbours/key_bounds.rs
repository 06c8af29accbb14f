//! From keys to certified bounds on squared distances.

use crate::kernel::Form;

use super::key_space::{UNDERFLOW, UNIT};

/// What keys of one query say of squared distances, in units of the squared scale of the points:
/// `slope · key + low ≤ d² ≤ high_slope · key + high + start_slope · start`.
///
/// With u the unit roundoff, sums of κ operations on the longest path and `e = (κ + 16) u`:
///
/// Differences lose nothing before they are squared, so keys are right up to a factor `1 ± e`.
///
/// Products are off by at most `κ u (‖x‖²/2 + ‖q‖ ‖x‖)`, and rounding the centred rows moves each
/// by `u` times its norm and so d² by at most `4u (‖q‖² + ‖x‖²)`. With `start = (1 − 2e) ‖x‖²/2` and
/// `‖q‖ ‖x‖ ≤ (‖q‖² + ‖x‖²)/2` both are below `e ‖q‖²` from one side and `e ‖q‖² + 4e ‖x‖²` from
/// the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys {
    slope: f64,
    inverse_slope: f64,
    low: f64,
    high_slope: f64,
    high: f64,
    start_slope: f64,
    squared_scale: f64,
}

impl Keys {
    /// For a query with `‖q‖² = square`, not finite where it is too far away, in a space of
    /// `dimension` coordinates that are divided by `scale` and whose rounding is `error`.
    pub(super) fn new(
        form: Form,
        error: f64,
        (dimension, scale): (usize, f64),
        square: f64,
    ) -> Self {
        let squared_scale = scale * scale;
        let lost = UNDERFLOW * dimension as f64 * (1.0 + square.sqrt());
        match form {
            _ if !square.is_finite() => Self {
                slope: 0.0,
                inverse_slope: f64::INFINITY,
                low: f64::NEG_INFINITY,
                high_slope: 0.0,
                high: f64::INFINITY,
                start_slope: 0.0,
                squared_scale,
            },
            Form::Differences => Self {
                slope: 1.0 - error,
                inverse_slope: 1.0 / (1.0 - error),
                low: -lost,
                high_slope: 1.0 + error,
                high: lost,
                start_slope: 0.0,
                squared_scale,
            },
            Form::Products => Self {
                slope: 2.0,
                inverse_slope: 0.5,
                low: square * (1.0 - error) - lost,
                high_slope: 2.0,
                high: square * (1.0 + error) + lost,
                start_slope: 8.0 * error / (1.0 - 2.0 * error),
                squared_scale,
            },
        }
    }

    /// Whether the query is too far away for keys to say anything.
    pub(super) fn far(&self) -> bool {
        self.slope == 0.0
    }

    /// Bounds on the squared distance in data units.
    pub(super) fn squared(&self, key: f64, start: f64) -> (f64, f64) {
        let low = self.slope * key + self.low;
        let high = self.high_slope * key + self.high + self.start_slope * start;
        (low * self.squared_scale, high * self.squared_scale)
    }

    /// The largest key of a pair whose squared distance may be at most `squared`, in data units.
    pub(super) fn limit(&self, squared: f64) -> f32 {
        round_up((squared / self.squared_scale - self.low) * self.inverse_slope)
    }

    /// The largest key of a pair that may be as near as one with this key.
    pub(super) fn limit_beside(&self, key: f32, start: f32) -> f32 {
        let high =
            self.high_slope * f64::from(key) + self.high + self.start_slope * f64::from(start);
        round_up((high - self.low) * self.inverse_slope)
    }
}

/// At least `key`, as f32, and finite: an infinite key belongs to no point.
pub(super) fn round_up(key: f64) -> f32 {
    ((key + 2.0 * UNIT * key.abs() + UNDERFLOW) as f32).min(f32::MAX)
}
