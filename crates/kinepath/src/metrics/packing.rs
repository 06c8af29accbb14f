//! Rows of an array as the kernels read them fastest.

use ndarray::{ArrayView1, ArrayView2};

use super::prepared::FARTHEST;
use crate::kernel::{Form, GROUP, LANES, vectorised};

/// Coordinates that are packed at a time: those of all lanes stay in the first-level cache.
const COLUMNS: usize = 16;

/// Packs at most [`LANES`] rows of `source` into a panel, shape `[D + 1, LANES]`: centred, divided
/// by `scale`, and started with `half · ‖x‖²/2` where keys are products.
pub(super) fn pack_panel(
    form: Form,
    source: &ArrayView2<'_, f32>,
    rows: &[usize],
    centre: &[f64],
    scale: f64,
    share: f64,
    out: &mut [f32],
) {
    let inverse = 1.0 / scale;
    let (starts, coordinates) = out.split_at_mut(LANES);
    let mut squares = [0.0f64; LANES];
    for first in (0..centre.len()).step_by(COLUMNS) {
        let end = (first + COLUMNS).min(centre.len());
        let centre = &centre[first..end];
        let tile = &mut coordinates[first * LANES..end * LANES];
        for (lane, &row) in rows.iter().enumerate() {
            let row = source.row(row);
            match row.to_slice() {
                Some(row) => {
                    squares[lane] += column(row[first..end].iter(), centre, inverse, tile, lane);
                }
                None => {
                    let values = row.into_iter().skip(first).take(COLUMNS);
                    squares[lane] += column(values, centre, inverse, tile, lane);
                }
            }
        }
    }
    starts.fill(f32::INFINITY);
    for (start, square) in starts.iter_mut().zip(squares).take(rows.len()) {
        *start = match form {
            Form::Differences => 0.0,
            Form::Products => (0.5 * share * square) as f32,
        };
    }
}

/// Writes one lane of a tile, shape `[columns, LANES]`, and returns its squared norm.
#[inline(always)]
fn column<'v>(
    values: impl Iterator<Item = &'v f32>,
    centre: &[f64],
    inverse: f64,
    tile: &mut [f32],
    lane: usize,
) -> f64 {
    let mut square = 0.0;
    let (tile, _) = tile.as_chunks_mut::<LANES>();
    for ((&value, centre), out) in values.zip(centre).zip(tile) {
        let value = ((f64::from(value) - centre) * inverse) as f32;
        out[lane] = value;
        square += f64::from(value) * f64::from(value);
    }
    square
}

/// Packs a query into a group, shape `[D, GROUP]`, and returns its squared norm; an infinity, and
/// zeros in the group, for one that is too far away.
pub(super) fn pack_group(
    query: ArrayView1<'_, f32>,
    centre: &[f64],
    scale: f64,
    place: usize,
    group: &mut [f32],
) -> f64 {
    let inverse = 1.0 / scale;
    let (group, _) = group.as_chunks_mut::<GROUP>();
    let mut pack = || {
        let mut square = 0.0;
        for ((&value, centre), out) in query.iter().zip(centre).zip(group.iter_mut()) {
            let value = (f64::from(value) - centre) * inverse;
            out[place] = value as f32;
            square += value * value;
        }
        square
    };
    let square = vectorised(
        #[inline(always)]
        || pack(),
    );
    // A sum of squares below this has no larger coordinate.
    if square < FARTHEST * FARTHEST {
        return square;
    }
    group.iter_mut().for_each(|out| out[place] = 0.0);
    f64::INFINITY
}
