//! Looking at images of points before looking at the points.

use std::ops::Range;

use super::{candidates::Candidates, chunk::Chunk};
use crate::metrics::{
    prepared::{Queries, lanes},
    projection::{ProjectedQueries, Projection},
};

/// Of so many pairs the projection may leave one; beyond, keys of whole rows are faster than exact
/// distances one by one.
const SELECTIVITY: usize = 16;
/// Pairs between that which is judged and that whose point is fetched from memory.
const AHEAD: usize = 4;
/// Blocks of points without images: without neighbours there are no limits.
const FIRST: usize = 16;

/// Images of the queries of a chunk.
pub(super) struct Images<'s> {
    projection: &'s Projection,
    queries: ProjectedQueries,
    /// For each query the largest key of images of a pair that may enter.
    limits: Vec<f32>,
    /// Pairs of one block that are left.
    pairs: Vec<Pair>,
    /// Blocks until images are tried again.
    wait: usize,
    /// Blocks to wait when they leave too many pairs the next time.
    penalty: usize,
}

/// A query and a point, with the key of their images.
struct Pair {
    query: usize,
    point: usize,
    key: f32,
}

impl<'s> Images<'s> {
    /// `None` where images of the queries tell too little.
    pub(super) fn new(projection: &'s Projection, queries: &Queries) -> Option<Self> {
        Some(Self {
            queries: projection.queries(queries)?,
            projection,
            limits: queries.limits(f32::NEG_INFINITY),
            pairs: Vec::new(),
            wait: FIRST,
            penalty: 1,
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
        if self.wait > 0 {
            self.wait -= 1;
            return false;
        }
        for query in 0..queries.len() {
            let candidates = &mut candidates[query];
            candidates.judge(chunk.against(query), &queries.keys[query], &mut key_limits[query]);
            self.limits[query] =
                self.projection.limit(&self.queries, query, candidates.threshold());
        }
        if !self.list_pairs(chunk, block) {
            self.wait = self.penalty;
            self.penalty *= 2;
            return false;
        }
        for (number, &Pair { query, point, key }) in self.pairs.iter().enumerate() {
            if let Some(next) = self.pairs.get(number + AHEAD) {
                chunk.index.prefetch(next.point);
            }
            // The limit may have fallen since the pair was listed.
            if key <= self.limits[query] {
                let candidates = &mut candidates[query];
                let squared = chunk.index.squared_distance(chunk.against(query).query, point);
                if squared <= candidates.threshold() {
                    candidates.offer(squared, point);
                    let squared = candidates.threshold();
                    self.limits[query] = self.projection.limit(&self.queries, query, squared);
                    key_limits[query] = queries.keys[query].limit(squared);
                }
            }
        }
        true
    }

    /// Lists the pairs of one block that images leave, unless they are too many.
    fn list_pairs(&mut self, chunk: &Chunk<'_, '_>, block: &Range<usize>) -> bool {
        let Self { projection, queries, limits, pairs, .. } = self;
        let most = chunk.queries.nrows() * block.len() / SELECTIVITY;
        pairs.clear();
        projection.below(queries, block, limits, |query, first, mask, keys, limit| {
            if pairs.len() > most {
                *limit = f32::NEG_INFINITY;
                return;
            }
            let own = chunk.own.map(|own| own + query);
            let points = lanes(mask).filter(|lane| own != Some(first + lane));
            pairs.extend(points.map(|lane| Pair { query, point: first + lane, key: keys[lane] }));
        });
        pairs.len() <= most
    }
}
