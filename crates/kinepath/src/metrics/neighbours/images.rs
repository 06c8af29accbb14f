//! Looking at images of points before looking at the points.

use std::ops::Range;

use ndarray::{Array2, s};

use super::{
    NeighbourIndex,
    candidates::Candidates,
    chunk::Chunk,
    key_space::{KeySpace, Queries},
    principal::principal_directions,
    projection::{ProjectedQueries, Projection},
};
use crate::kernel::lanes_of;

/// Of so many pairs the few components may leave one: the rest of them are then looked at pair by
/// pair.
const FEW_SELECTIVITY: usize = 10;
/// Of so many pairs the components may leave one: beyond, keys of whole rows are faster than exact
/// distances.
const SELECTIVITY: usize = 16;
/// Share of the variance below which components are not worth finding.
const LEAST_SHARE: f64 = 0.5;
/// Part of the components that are few.
const PART: usize = 4;

/// Points on their principal components, and on the few leading ones.
#[derive(Debug, Clone)]
pub(super) struct Projections {
    few: Projection,
    all: Projection,
}

impl Projections {
    /// Projects the points of an index on about their `components` leading principal components,
    /// at most D; `None` when these hold too little of the variance to tell points apart.
    pub(super) fn new(
        index: &NeighbourIndex<'_>,
        space: &KeySpace,
        components: usize,
    ) -> Option<Self> {
        let (basis, share) = principal_directions(
            index.len(),
            |points| index.centred(space, points.iter().copied()),
            components,
        );
        (share >= LEAST_SHARE).then(|| Self::on(basis, index, space))
    }

    /// Projects points by any matrix, shape `[d, D]`.
    fn on(basis: Array2<f64>, index: &NeighbourIndex<'_>, space: &KeySpace) -> Self {
        let project = |basis| {
            Projection::on(basis, (index.len(), space.scale()), |points| {
                index.centred(space, points)
            })
        };
        let few = basis.slice(s![..basis.nrows().div_ceil(PART), ..]).to_owned();
        Self { few: project(few), all: project(basis) }
    }

    /// The ranges of points to look at one after the other.
    pub(super) fn blocks(&self, points: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        self.all.blocks(points)
    }
}

/// Images of the queries of a chunk.
pub(super) struct Images<'s> {
    few: Looking<'s>,
    all: Looking<'s>,
    /// Pairs of one block that are left.
    pairs: Vec<Pair>,
    points: Vec<usize>,
}

/// Images by one projection.
struct Looking<'s> {
    projection: &'s Projection,
    queries: ProjectedQueries,
    /// For each query the largest key of images of a pair that may enter.
    limits: Vec<f32>,
    /// Of so many pairs one may be left.
    selectivity: usize,
    /// Blocks until these images are tried again.
    wait: usize,
    /// Blocks to wait when they leave too many pairs the next time.
    penalty: usize,
}

/// A query and a point.
#[derive(Debug, Clone, Copy)]
struct Pair {
    query: usize,
    point: usize,
}

impl<'s> Images<'s> {
    /// `None` where images of the queries tell too little.
    pub(super) fn new(projections: &'s Projections, queries: &Queries) -> Option<Self> {
        Some(Self {
            few: Looking::new(&projections.few, queries, FEW_SELECTIVITY)?,
            all: Looking::new(&projections.all, queries, SELECTIVITY)?,
            pairs: Vec::new(),
            points: Vec::new(),
        })
    }

    /// Goes through one block by images, unless these leave too many pairs.
    pub(super) fn look_at(
        &mut self,
        chunk: &Chunk<'_, '_>,
        (queries, key_limits): (&Queries, &mut [f32]),
        candidates: &mut [Candidates],
        block: &Range<usize>,
    ) -> bool {
        let Self { few, all, pairs, points } = self;
        if few.wait.min(all.wait) == 0 {
            for query in 0..queries.len() {
                let against = chunk.against(query);
                let candidates = &mut candidates[query];
                candidates.judge(against, &queries.keys[query], &mut key_limits[query]);
                few.limit(query, candidates.threshold());
                all.limit(query, candidates.threshold());
            }
        }
        if few.list(chunk, block, pairs) {
            all.filter(pairs);
        } else if !all.list(chunk, block, pairs) {
            return false;
        }
        pairs.sort_unstable_by_key(|pair| pair.query);
        for pairs in pairs.chunk_by(|a, b| a.query == b.query) {
            let query = pairs[0].query;
            points.clear();
            points.extend(pairs.iter().map(|pair| pair.point));
            candidates[query].judge_all(chunk.against(query), points);
            key_limits[query] = queries.keys[query].limit(candidates[query].threshold());
        }
        true
    }
}

impl<'s> Looking<'s> {
    fn new(projection: &'s Projection, queries: &Queries, selectivity: usize) -> Option<Self> {
        Some(Self {
            queries: projection.queries(queries)?,
            projection,
            limits: queries.limits(f32::NEG_INFINITY),
            selectivity,
            // Without neighbours there are no limits.
            wait: 1,
            penalty: 1,
        })
    }

    /// Sets the limit of a query to that of a squared distance.
    fn limit(&mut self, query: usize, squared: f64) {
        self.limits[query] = self.projection.limit(&self.queries, query, squared);
    }

    /// Lists the pairs of one block that images leave, unless they are too many.
    fn list(&mut self, chunk: &Chunk<'_, '_>, block: &Range<usize>, pairs: &mut Vec<Pair>) -> bool {
        if self.wait > 0 {
            self.wait -= 1;
            return false;
        }
        let most = chunk.queries.nrows() * block.len() / self.selectivity;
        pairs.clear();
        let Self { projection, queries, limits, .. } = self;
        projection.below(queries, block, limits, |query, first, mask, _, limit| {
            if pairs.len() > most {
                *limit = f32::NEG_INFINITY;
                return;
            }
            let own = chunk.own.map(|own| own + query);
            let points = lanes_of(mask).filter(|lane| own != Some(first + lane));
            pairs.extend(points.map(|lane| Pair { query, point: first + lane }));
        });
        let few = pairs.len() <= most;
        if !few {
            self.wait = self.penalty;
            self.penalty *= 2;
        }
        few
    }

    /// Leaves pairs that these images leave.
    fn filter(&self, pairs: &mut Vec<Pair>) {
        let Self { projection, queries, limits, .. } = self;
        pairs.retain(|&Pair { query, point }| {
            projection.key(queries, query, point) <= limits[query]
        });
    }
}

#[cfg(test)]
impl Projections {
    /// Those on `components` directions, however little these hold.
    pub(super) fn any(index: &NeighbourIndex<'_>, space: &KeySpace, components: usize) -> Self {
        let rows = |points: &[usize]| index.centred(space, points.iter().copied());
        Self::on(principal_directions(index.len(), rows, components).0, index, space)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::noise;

    #[test]
    fn none_are_made_where_components_hold_little() {
        for points in [noise(4, 0..500, 100), Array2::ones((500, 100))] {
            let index = NeighbourIndex::over_rows(points.view()).unwrap();
            assert!(Projections::new(&index, index.space(), 16).is_none());
        }
    }
}
