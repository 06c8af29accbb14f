//! Rows of an array as the kernels read them fastest.

use ndarray::{ArrayView1, ArrayView2};

use super::key_space::FARTHEST;
use crate::kernel::{FOUR, Form, GROUP, KEY_LANES, transpose_four, vectorised};

/// Coordinates that are packed at a time: those of all lanes stay in the first-level cache.
const COLUMNS: usize = 16;

/// What points and queries are moved by and divided by, in f32: any centre will do, and a power of
/// two divides exactly.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    centre: Vec<f32>,
    scale: f64,
    /// `1 / scale`, where f32 has it and values cannot overflow before they are divided.
    inverse: Option<f32>,
}

impl Frame {
    /// `largest` is the largest magnitude of the points.
    pub(super) fn new(centre: &[f64], largest: f64) -> Self {
        let scale = power_of_two(2.0 * largest);
        let ordinary = (1.0e-30..1.0e30).contains(&scale);
        Self {
            centre: centre.iter().map(|&value| value as f32).collect(),
            scale,
            inverse: ordinary.then(|| (1.0 / scale) as f32),
        }
    }

    /// Number of coordinates.
    pub(super) fn dimension(&self) -> usize {
        self.centre.len()
    }

    /// The power of two that values are divided by.
    pub(super) fn scale(&self) -> f64 {
        self.scale
    }

    /// Writes what [`write`](Self::write) does of one row, not rounded to f32.
    pub(super) fn wide<'o>(
        &self,
        row: ArrayView1<'_, f32>,
        out: impl Iterator<Item = &'o mut f64>,
    ) {
        for ((&value, &centre), out) in row.into_iter().zip(&self.centre).zip(out) {
            *out = (f64::from(value) - f64::from(centre)) / self.scale;
        }
    }

    /// Writes at most `WIDTH` rows as the first columns of `out`: differences from the centre,
    /// rounded once, divided by the scale. Other columns hold anything.
    fn write<const WIDTH: usize>(
        &self,
        (source, rows): (&ArrayView2<'_, f32>, &[usize]),
        out: &mut [[f32; WIDTH]],
    ) {
        if let Some(inverse) = self.inverse
            && source.strides()[1] == 1
        {
            for (number, tile) in out.chunks_mut(COLUMNS).enumerate() {
                let columns = number * COLUMNS..number * COLUMNS + tile.len();
                let centre = (&self.centre[columns.clone()], inverse);
                for lane in (0..rows.len()).step_by(FOUR) {
                    let four: [_; FOUR] = std::array::from_fn(|place| {
                        let row = source.row(rows[(lane + place).min(rows.len() - 1)]);
                        row.to_slice().map_or(&[][..], |row| &row[columns.clone()])
                    });
                    transpose_four(four, centre, tile, lane);
                }
            }
            return;
        }
        for (lane, &row) in rows.iter().enumerate() {
            let values = source.row(row);
            for ((&value, &centre), out) in values.into_iter().zip(&self.centre).zip(&mut *out) {
                out[lane] = ((f64::from(value) - f64::from(centre)) / self.scale) as f32;
            }
        }
    }
}

/// Packs at most [`KEY_LANES`] rows of `source` into a panel, shape `[D + 1, KEY_LANES]`, started with
/// `share · ‖x‖²/2` where keys are products.
pub(super) fn pack_panel(
    form: Form,
    frame: &Frame,
    share: f64,
    rows: (&ArrayView2<'_, f32>, &[usize]),
    out: &mut [f32],
) {
    let (panel, _) = out.as_chunks_mut::<KEY_LANES>();
    let Some((starts, coordinates)) = panel.split_first_mut() else { return };
    frame.write(rows, coordinates);
    *starts = match form {
        Form::Differences => [0.0; KEY_LANES],
        Form::Products => squares(coordinates).map(|square| (0.5 * share * square) as f32),
    };
    starts[rows.1.len()..].fill(f32::INFINITY);
}

/// Packs rows of `queries`, at most [`GROUP`], into a group, shape `[D, GROUP]`, and returns their
/// squared norms: an infinity, and zeros in the group, for one that is too far away.
pub(super) fn pack_group(
    frame: &Frame,
    queries: (&ArrayView2<'_, f32>, &[usize]),
    group: &mut [f32],
) -> [f64; GROUP] {
    let (group, _) = group.as_chunks_mut::<GROUP>();
    frame.write(queries, group);
    let mut squares = squares(group);
    for (place, square) in squares.iter_mut().enumerate() {
        // A sum of squares below this has no larger coordinate.
        if *square >= FARTHEST * FARTHEST || !square.is_finite() {
            group.iter_mut().for_each(|out| out[place] = 0.0);
            *square = f64::INFINITY;
        }
    }
    squares
}

/// Sums of squares of all columns.
fn squares<const WIDTH: usize>(rows: &[[f32; WIDTH]]) -> [f64; WIDTH] {
    vectorised(
        #[inline(always)]
        || {
            let mut squares = [0.0; WIDTH];
            for row in rows {
                for (square, &value) in squares.iter_mut().zip(row) {
                    *square += f64::from(value) * f64::from(value);
                }
            }
            squares
        },
    )
}

/// The least power of two that is at least `largest`; 1 for 0. Scaling by it is exact.
fn power_of_two(largest: f64) -> f64 {
    if largest > 0.0 { largest.log2().ceil().exp2() } else { 1.0 }
}
