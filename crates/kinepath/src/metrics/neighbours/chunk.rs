//! The nearest neighbours of a few queries, block after block of points.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, s};

use super::NeighbourIndex;
use crate::{
    kernel::vectorised,
    metrics::{
        prepared::{POINT_ROWS, Queries},
        projection::{ProjectedQueries, Projection},
        top_k::TopK,
    },
};

/// Of so many pairs the projection may leave one; beyond, products of whole rows are faster than
/// exact distances one by one.
const SELECTIVITY: usize = 16;
/// Products that are compared with a limit at a time.
const GROUP: usize = 32;
/// Pairs between that which is judged and that whose point is fetched from memory.
const AHEAD: usize = 4;

/// A search for at most [`QUERY_ROWS`](crate::metrics::prepared::QUERY_ROWS) queries.
pub(super) struct Chunk<'s, 'a> {
    index: &'s NeighbourIndex<'a>,
    queries: ArrayView2<'s, f32>,
    /// The position of the first query among the points, when queries are points of the index.
    own: Option<usize>,
    best: Vec<TopK>,
    prepared: Queries,
}

/// What looking at images first takes.
struct Images<'s> {
    projection: &'s Projection,
    queries: ProjectedQueries,
    /// For each query the least product of a pair that may enter.
    limits: Vec<f32>,
    products: Array2<f32>,
    /// Pairs of one block that are left.
    pairs: Vec<Pair>,
    /// Blocks until images are tried again.
    wait: usize,
    /// Blocks to wait when they leave too many pairs the next time.
    penalty: usize,
}

/// A query and a point, with the product of their images.
struct Pair {
    query: usize,
    point: usize,
    product: f32,
}

impl<'s, 'a> Chunk<'s, 'a> {
    pub(super) fn new(
        index: &'s NeighbourIndex<'a>,
        queries: ArrayView2<'s, f32>,
        own: Option<usize>,
        k: usize,
    ) -> Self {
        let best = (0..queries.nrows()).map(|_| TopK::new(k)).collect();
        Self { index, queries, own, best, prepared: index.prepared.queries(queries) }
    }

    /// The nearest points of each query.
    pub(super) fn nearest(mut self, projection: Option<&'s Projection>) -> Vec<TopK> {
        let mut images = projection.and_then(|projection| self.images(projection));
        for block in 0..self.index.prepared.blocks() {
            let done = images.as_mut().is_some_and(|images| self.by_images(images, block));
            if !done {
                self.by_products(block);
            }
        }
        self.best
    }

    /// `None` where images of the queries tell too little.
    fn images(&self, projection: &'s Projection) -> Option<Images<'s>> {
        let count = self.queries.nrows();
        Some(Images {
            queries: projection.queries(&self.prepared)?,
            projection,
            limits: vec![f32::NEG_INFINITY; count],
            products: Array2::zeros((count, POINT_ROWS.min(self.index.len()))),
            pairs: Vec::new(),
            // Without neighbours there are no limits.
            wait: 1,
            penalty: 1,
        })
    }

    /// Goes through one block by products of whole rows.
    fn by_products(&mut self, block: usize) {
        let Self { index, queries, own, best, prepared } = self;
        let first = index.prepared.block(block).start;
        index.prepared.bounds(prepared, block, |query, bounds, _| {
            let best = &mut best[query];
            let skip = own.map(|own| own + query);
            for (point, &bound) in (first..).zip(bounds) {
                if bound <= best.threshold() && Some(point) != skip {
                    best.offer(index.squared_distance(*queries, query, point), point);
                }
            }
        });
    }

    /// Goes through one block by products of images, unless these leave too many pairs.
    fn by_images(&mut self, images: &mut Images<'s>, block: usize) -> bool {
        if images.wait > 0 {
            images.wait -= 1;
            return false;
        }
        if !self.list_pairs(images, block) {
            images.wait = images.penalty;
            images.penalty *= 2;
            return false;
        }
        let Images { projection, queries, limits, pairs, .. } = images;
        for (number, &Pair { query, point, product }) in pairs.iter().enumerate() {
            if let Some(next) = pairs.get(number + AHEAD) {
                self.index.prefetch(next.point);
            }
            // The limit may have risen since the pair was listed.
            if product >= limits[query] {
                let best = &mut self.best[query];
                best.offer(self.index.squared_distance(self.queries, query, point), point);
                limits[query] = projection.limit(queries, query, best.threshold());
            }
        }
        true
    }

    /// Lists the pairs of one block that images leave, unless they are too many.
    fn list_pairs(&self, images: &mut Images<'s>, block: usize) -> bool {
        let points = self.index.prepared.block(block);
        let Images { projection, queries, limits, products, pairs, .. } = images;
        let mut products = products.slice_mut(s![.., ..points.len()]);
        projection.products(queries, block, products.view_mut());
        pairs.clear();
        for (query, products) in products.rows().into_iter().enumerate() {
            limits[query] = projection.limit(queries, query, self.best[query].threshold());
            let skip = self.own.map(|own| own + query);
            let Some(products) = products.to_slice() else { return false };
            vectorised(
                #[inline(always)]
                || {
                    from_limit(products, limits[query], &points, |point, product| {
                        if Some(point) != skip {
                            pairs.push(Pair { query, point, product });
                        }
                    });
                },
            );
            if pairs.len() * SELECTIVITY > self.queries.nrows() * points.len() {
                return false;
            }
        }
        true
    }
}

/// Calls `visit` with the points whose products are `limit` or more.
#[inline(always)]
fn from_limit(
    products: &[f32],
    limit: f32,
    points: &Range<usize>,
    mut visit: impl FnMut(usize, f32),
) {
    for (first, group) in points.clone().step_by(GROUP).zip(products.chunks(GROUP)) {
        // Counted before any is looked at: that the compiler does with vectors, and most groups
        // have none.
        let count: u32 = group.iter().map(|&product| u32::from(product >= limit)).sum();
        if count > 0 {
            for (point, &product) in (first..).zip(group) {
                if product >= limit {
                    visit(point, product);
                }
            }
        }
    }
}
