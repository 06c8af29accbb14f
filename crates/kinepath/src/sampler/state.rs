//! Arithmetic on batches of states: one rounding per element, rows in parallel.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis, Zip};

use crate::field::PartSpeeds;
use crate::gain::Governor;
use crate::kernel::squared_length;

/// `base + scale(row)·Σ_l coefficients[l]·stages[l]` into `out`, row-parallel, summed in f64.
pub(super) fn combine(
    out: &mut Array2<f32>,
    base: &Array2<f32>,
    stages: &[Array2<f32>],
    coefficients: &[f64],
    scale: impl Fn(usize) -> f64 + Sync,
) {
    let terms: Vec<(f64, &Array2<f32>)> =
        coefficients.iter().copied().zip(stages).filter(|(c, _)| *c != 0.0).collect();
    Zip::indexed(out.axis_iter_mut(Axis(0))).and(base.axis_iter(Axis(0))).par_for_each(
        |row, mut out, base| {
            let stages: Vec<_> = terms.iter().map(|(c, stage)| (*c, stage.row(row))).collect();
            let scale = scale(row);
            for d in 0..out.len() {
                let sum: f64 = stages.iter().map(|(c, stage)| c * f64::from(stage[d])).sum();
                out[d] = (f64::from(base[d]) + scale * sum) as f32;
            }
        },
    );
}

/// What is known of one row of a stage.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Measure {
    /// `‖k‖²`, the gain included.
    pub(super) squared_speed: f64,
    /// The gain η of the row.
    pub(super) eta: f64,
    /// How fast the parts of the velocity are, where that is recorded.
    pub(super) parts: Option<PartSpeeds>,
}

/// Multiplies every row of velocities by its gain in place and measures it, summing in f64. `gain`
/// gives a row's factor and what governs it further.
pub(super) fn scale_and_measure(
    stage: &mut Array2<f32>,
    gain: impl Fn(usize) -> (f64, Option<Governor>) + Sync,
) -> Vec<Measure> {
    let mut measures = vec![Measure::default(); stage.nrows()];
    Zip::indexed(stage.axis_iter_mut(Axis(0))).and(&mut measures).par_for_each(
        |row, mut k, measure| {
            let (eta, governor) = gain(row);
            let eta = eta * governor.map_or(1.0, |governor| governor.eta(squared_norm(k.view())));
            if eta != 1.0 {
                k.mapv_inplace(|v| (eta * f64::from(v)) as f32);
            }
            *measure = Measure { squared_speed: squared_norm(k.view()), eta, parts: None };
        },
    );
    measures
}

fn squared_norm(row: ArrayView1<'_, f32>) -> f64 {
    squared_length(row.as_standard_layout().as_slice().unwrap_or_default())
}

/// `½‖x − x0‖²` of every row.
pub(super) fn displacement(x: ArrayView2<'_, f32>, x0: ArrayView2<'_, f32>) -> Vec<f64> {
    x.outer_iter()
        .zip(x0.outer_iter())
        .map(|(x, x0)| {
            0.5 * x
                .iter()
                .zip(x0)
                .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2))
                .sum::<f64>()
        })
        .collect()
}
