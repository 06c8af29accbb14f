//! Certified bounds on squared distances from keys in f32.
//!
//! `‖q − x‖² = ‖q‖² + ‖x‖² − 2⟨q, x⟩` turns a search into products, at the price of cancellation;
//! points are centred to keep that price small. Where few coordinates make products no faster, keys
//! are squared differences and nothing cancels. What rounding can do to a key is bounded, so that
//! a caller can discard a pair on its bound and judge what is left exactly.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};

use super::{
    key_bounds::Keys,
    packing::{Frame, pack_group, pack_panel},
};
use crate::kernel::{CHUNK, Form, GROUP, KEY_LANES, SIDE_BY_SIDE, keys};
use crate::metrics::largest::largest_magnitude;

/// Unit roundoff of f32.
pub(super) const UNIT: f64 = 1.0 / (1u64 << 24) as f64;
/// Queries a task handles at a time, a whole number of groups.
pub(in crate::metrics) const QUERY_ROWS: usize = 8 * GROUP;
/// Largest dimension in which keys are differences.
const MOST_DIFFERENCES: usize = 16;
/// Rows that the centre is the mean of, spread over all: any centre will do.
const CENTRE_ROWS: usize = 128;
/// Numbers in the panels that a group of queries meets before the next does: they stay in the
/// second-level cache.
const BLOCK: usize = 1 << 16;
/// Largest coordinate of a query, in units of the points' scale: its square is far from overflow.
/// Beyond, every pair is judged exactly.
pub(super) const FARTHEST: f64 = 1.0e15;
/// Far below any rounding of values near 1, above what underflow can take away.
pub(super) const UNDERFLOW: f64 = 1.0e-41;

/// Below so many numbers, threads cost more than they save.
pub(super) const SERIAL: usize = 1 << 18;

/// How coordinates of points and queries are centred and scaled, and what their keys then say.
#[derive(Debug, Clone)]
pub(super) struct KeySpace {
    form: Form,
    frame: Frame,
    /// Rounding of a key, see [`Keys`].
    error: f64,
}

/// Queries centred and scaled as the points are, in groups.
#[derive(Debug, Default)]
pub(super) struct Queries {
    count: usize,
    dimension: usize,
    /// Shape `[groups, D, GROUP]`.
    groups: Vec<f32>,
    /// One for each query.
    pub(super) keys: Vec<Keys>,
}

impl KeySpace {
    /// A space for `count` rows of `source`, numbered `row(0)` and so on, all finite.
    pub(super) fn new(
        source: &ArrayView2<'_, f32>,
        count: usize,
        row: impl Fn(usize) -> usize,
    ) -> Self {
        let dimension = source.ncols();
        let form = if dimension <= MOST_DIFFERENCES { Form::Differences } else { Form::Products };
        let centre = match form {
            Form::Differences => vec![0.0; dimension],
            Form::Products => mean_of_some(source, count, row),
        };
        let frame = Frame::new(&centre, largest_magnitude(source));
        let operations = CHUNK.min(dimension) + 2 * dimension.div_ceil(CHUNK);
        let error = (operations + 16) as f64 * UNIT;
        Self { form, frame, error }
    }

    /// Number of coordinates.
    pub(super) fn dimension(&self) -> usize {
        self.frame.dimension()
    }

    /// The power of two that coordinates are divided by.
    pub(super) fn scale(&self) -> f64 {
        self.frame.scale()
    }

    /// Numbers in a panel.
    pub(super) fn panel(&self) -> usize {
        (self.dimension() + 1) * KEY_LANES
    }

    /// The ranges of points to look at one after the other, whole panels.
    pub(super) fn blocks(&self, points: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        blocks(points, self.dimension() + 1)
    }

    /// Rows of `source`, centred and divided by [`scale`](Self::scale).
    pub(super) fn rows(
        &self,
        source: &ArrayView2<'_, f32>,
        rows: impl ExactSizeIterator<Item = usize>,
    ) -> Array2<f64> {
        let mut out = Array2::zeros((rows.len(), self.dimension()));
        for (row, mut out) in rows.zip(out.rows_mut()) {
            self.frame.wide(source.row(row), out.iter_mut());
        }
        out
    }

    /// Packs points number `numbers`, from the first of a panel, into `out`, as many panels as
    /// they need.
    pub(super) fn pack(
        &self,
        source: &ArrayView2<'_, f32>,
        numbers: Range<usize>,
        row: impl Fn(usize) -> usize,
        out: &mut [f32],
    ) {
        let parts = numbers.clone().step_by(KEY_LANES).zip(out.chunks_mut(self.panel()));
        for (first, out) in parts {
            let points = KEY_LANES.min(numbers.end - first);
            let rows: [usize; KEY_LANES] = std::array::from_fn(|lane| row(first + lane % points));
            let share = 1.0 - 2.0 * self.error;
            pack_panel(self.form, &self.frame, share, (source, &rows[..points]), out);
        }
    }

    /// Prepares `queries`, finite, in place of those that are in `out`.
    pub(super) fn queries_into(&self, queries: ArrayView2<'_, f32>, out: &mut Queries) {
        let (count, dimension) = queries.dim();
        out.count = count;
        out.dimension = dimension;
        out.groups.clear();
        out.groups.resize(count.div_ceil(GROUP) * dimension * GROUP, 0.0);
        out.keys.clear();
        for (number, group) in out.groups.chunks_mut(dimension * GROUP).enumerate() {
            let first = number * GROUP;
            let rows: [usize; GROUP] = std::array::from_fn(|place| first + place);
            let rows = &rows[..GROUP.min(count - first)];
            let squares = pack_group(&self.frame, (&queries, rows), group);
            out.keys.extend(squares[..rows.len()].iter().map(|&square| self.keys_of(square)));
        }
    }

    /// Prepares `queries`, finite.
    pub(super) fn queries(&self, queries: ArrayView2<'_, f32>) -> Queries {
        let mut out = Queries::default();
        self.queries_into(queries, &mut out);
        out
    }

    /// Calls `visit(query, first, mask, keys, limit)` where keys of the points of some panels are
    /// at most the limit of their query: for the lanes in the mask, the first of which is point
    /// number `first`. `limits` is as long as whole groups; a query with -∞ asks for no point.
    pub(super) fn below(
        &self,
        queries: &Queries,
        (first, panels): (usize, &[f32]),
        limits: &mut [f32],
        mut visit: impl FnMut(usize, usize, u32, &[f32; KEY_LANES], &mut f32),
    ) {
        queries.each_group(limits, |query, group, count, limits| {
            if limits.iter().all(|&limit| limit == f32::NEG_INFINITY) {
                return;
            }
            keys(self.form, (group, count), panels, limits, |hit, limit| {
                visit(query + hit.query, first + hit.panel * KEY_LANES, hit.mask, hit.keys, limit);
            });
        });
    }

    /// `square` is `‖q‖²` of the prepared query, not finite for one that is too far away.
    fn keys_of(&self, square: f64) -> Keys {
        Keys::new(self.form, self.error, (self.dimension(), self.scale()), square)
    }
}

/// Ranges of panels of `height` rows that stay in the cache.
pub(super) fn blocks(points: Range<usize>, height: usize) -> impl Iterator<Item = Range<usize>> {
    let length = (BLOCK / height).next_multiple_of(KEY_LANES);
    points.clone().step_by(length).map(move |first| first..(first + length).min(points.end))
}

impl Queries {
    /// The coordinates of one, divided by the scale of the points.
    pub(super) fn row(&self, query: usize) -> impl Iterator<Item = f32> {
        let group = &self.groups[query / GROUP * self.dimension * GROUP..];
        group.iter().skip(query % GROUP).step_by(GROUP).take(self.dimension).copied()
    }

    /// Writes all side by side, shape `[D, Q]` with Q a multiple of [`SIDE_BY_SIDE`], in place of
    /// what is in `out`.
    pub(super) fn side_by_side(&self, out: &mut Vec<f32>) {
        let width = self.count.next_multiple_of(SIDE_BY_SIDE);
        out.clear();
        out.resize(self.dimension * width, 0.0);
        for (number, group) in self.groups.chunks(self.dimension * GROUP).enumerate() {
            let first = number * GROUP;
            let length = GROUP.min(width - first);
            for (row, out) in group.chunks_exact(GROUP).zip(out.chunks_exact_mut(width)) {
                out[first..first + length].copy_from_slice(&row[..length]);
            }
        }
    }

    /// Whether some query is too far away for keys.
    pub(super) fn some_far(&self) -> bool {
        self.keys.iter().any(Keys::far)
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// As many limits as [`below`](Self::below) takes.
    pub(super) fn limits(&self, limit: f32) -> Vec<f32> {
        vec![limit; self.count.next_multiple_of(GROUP)]
    }

    fn each_group(
        &self,
        limits: &mut [f32],
        visit: impl FnMut(usize, &[f32], usize, &mut [f32; GROUP]),
    ) {
        each_group(&self.groups, self.count, limits, visit);
    }
}

/// Calls `visit(first, group, count, limits)` for every group of `count` queries.
pub(super) fn each_group(
    groups: &[f32],
    count: usize,
    limits: &mut [f32],
    mut visit: impl FnMut(usize, &[f32], usize, &mut [f32; GROUP]),
) {
    let size = groups.len() / count.div_ceil(GROUP);
    let (limits, _) = limits.as_chunks_mut::<GROUP>();
    for (number, (group, limits)) in groups.chunks(size).zip(limits).enumerate() {
        let first = number * GROUP;
        visit(first, group, (count - first).min(GROUP), limits);
    }
}

/// The mean of rows spread evenly over all.
pub(super) fn mean_of_some(
    source: &ArrayView2<'_, f32>,
    count: usize,
    row: impl Fn(usize) -> usize,
) -> Vec<f64> {
    let some = count.min(CENTRE_ROWS);
    let mut centre = vec![0.0; source.ncols()];
    for number in 0..some {
        for (sum, &value) in centre.iter_mut().zip(source.row(row(number * count / some))) {
            *sum += f64::from(value);
        }
    }
    centre.iter_mut().for_each(|sum| *sum /= some as f64);
    centre
}
