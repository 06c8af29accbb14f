//! Which way of searching costs least, and what each needs.

use std::ops::Range;

use ndarray::Array2;

use super::{
    NeighbourIndex,
    chunk::Method,
    images::Projections,
    key_space::{KeySpace, QUERY_ROWS},
    parallel::PART,
    prepared::Prepared,
    small::Small,
    tree::Tree,
};
use crate::{kernel::KEY_LANES, made::made};

/// Dimension from which products of images are enough shorter than products of points.
const LEAST_DIMENSION: usize = 96;
/// Rows whose products with the components are what finding these costs.
const PREPARATION: usize = 12_288;
/// How many times the cost of a projection a search must cost to risk one.
const EARNINGS: usize = 10;
/// Queries from which preparing the points costs less than judging all pairs.
const FEW_QUERIES: usize = 6;
/// Most queries for which points are packed without being kept.
const PASSING: usize = 2048;
/// Points that are sooner judged than compared by keys.
const FEW_POINTS: usize = 16;
/// The same where only the nearest is sought.
const FEW_FOR_ONE: usize = 32;
/// Most points that are compared group by group, times two for each dimension up to
/// [`GROUPED_DIMENSION`]: in fewer dimensions boxes leave fewer.
const GROUPED: usize = 1 << 9;
const GROUPED_DIMENSION: usize = 4;
/// Queries from which there are enough for all threads, without parts of the points.
const GROUPED_QUERIES: usize = 4 * QUERY_ROWS;
/// Points for each query from which packing them twice does not pay.
const GROUPED_SHARE: usize = 8;
/// How many times each side of a box must have been cut for boxes to keep points apart.
const CUTS: usize = 2;
/// Largest dimension of points in boxes.
pub(super) const MOST_BOXED: usize = 8;
/// Points that are as soon looked at as boxes around them.
const LEAST_BOXED: usize = 8 * KEY_LANES;

impl NeighbourIndex<'_> {
    /// About how many numbers a search looks at, of which the processor takes a few in a
    /// nanosecond.
    pub(super) fn cost(&self, method: Method<'_>, queries: usize, k: usize) -> usize {
        let (points, dimension) = (self.len(), self.dimension());
        let (each, once) = match method {
            Method::Direct | Method::Small(_) => (points * (dimension + 4) + 40, 0),
            Method::Tree(_) => (1000, 0),
            Method::Groups(..) => (points * (dimension + 4) / 16 + 100, 0),
            Method::Passing(_) => {
                (points * (dimension + 4) / 8 + k * dimension + 100, 2 * points * dimension)
            }
            Method::Keys(_) | Method::Images(..) => {
                (points * (dimension + 4) / 8 + k * dimension + 100, 0)
            }
        };
        (queries * each + once) / 4
    }

    /// How to search, by queries that are points of the index if `own`.
    pub(super) fn method(&self, queries: usize, k: usize, own: bool) -> Method<'_> {
        let (dimension, count) = (self.dimension(), self.len());
        if queries < FEW_QUERIES && self.prepared.get().is_none() {
            return Method::Direct;
        }
        if count <= FEW_POINTS || count <= 2 * k {
            if dimension <= Small::MOST_DIMENSION {
                return Method::Small(made(&self.small, || Small::new(self)));
            }
            return Method::Direct;
        }
        if k == 1 && !own && dimension <= Small::MOST_DIMENSION {
            if count <= FEW_FOR_ONE {
                return Method::Small(made(&self.small, || Small::new(self)));
            }
            let most = GROUPED << dimension.min(GROUPED_DIMENSION);
            if count <= most && queries >= GROUPED_QUERIES && GROUPED_SHARE * queries >= count {
                return Method::Groups(self.prepared(), made(&self.small, || Small::new(self)));
            }
        }
        if count > LEAST_BOXED
            && dimension <= ((count / KEY_LANES).ilog2() as usize / CUTS).min(MOST_BOXED)
            && count < PART
            && queries * (dimension + 3) > 300 * count.ilog2() as usize
        {
            return Method::Tree(made(&self.tree, || Tree::new(self)));
        }
        if let Some(projections) = self.projections(queries) {
            return Method::Images(self.space(), projections);
        }
        // A second search will not pack the points again.
        if queries <= PASSING && self.space.get().is_none() && self.prepared.get().is_none() {
            return Method::Passing(self.space());
        }
        Method::Keys(self.prepared())
    }

    /// Packs some points in place of what is in `panels`.
    pub(super) fn pack(&self, space: &KeySpace, points: &Range<usize>, panels: &mut Vec<f32>) {
        panels.resize(points.len().div_ceil(KEY_LANES) * space.panel(), 0.0);
        space.pack(&self.source.view(), points.clone(), |point| self.row(point), panels);
    }

    /// Some points in a space.
    pub(super) fn centred(
        &self,
        space: &KeySpace,
        points: impl ExactSizeIterator<Item = usize>,
    ) -> Array2<f64> {
        space.rows(&self.source.view(), points.map(|point| self.row(point)))
    }

    pub(super) fn space(&self) -> &KeySpace {
        let row = |point| self.row(point);
        made(&self.space, || KeySpace::new(&self.source.view(), self.len(), row))
    }

    /// The points, packed.
    pub(in crate::metrics) fn prepared(&self) -> &Prepared {
        let row = |point| self.row(point);
        made(&self.prepared, || Prepared::new(&self.source.view(), self.len(), row))
    }

    /// The projections, for a search that is long enough to pay for them.
    pub(super) fn projections(&self, queries: usize) -> Option<&Projections> {
        if self.dimension() < LEAST_DIMENSION {
            return None;
        }
        let components = (self.dimension() / 6).clamp(32, 128);
        // Rows multiplied with the components, each as expensive as two products in f32.
        let making = 2 * components * (PREPARATION + self.len() + queries);
        if queries * self.len() < EARNINGS * making {
            return None;
        }
        made(&self.projections, || Projections::new(self, self.space(), components)).as_ref()
    }
}
