//! The nearest neighbours of a few queries, block after block of points.

use std::{array::from_fn, ops::Range};

use ndarray::ArrayView2;

use super::{
    NeighbourIndex,
    candidates::{Against, Candidates},
    images::{Images, Projections},
    key_space::{KeySpace, Queries},
    prepared::Prepared,
    small::Small,
    tree::Tree,
};
use crate::kernel::{KEY_LANES, MANY, TwoNearest, vectorised};
use crate::rows::values;

/// How pairs are compared before any is judged.
#[derive(Debug, Clone, Copy)]
pub(super) enum Method<'s> {
    /// Not at all: every pair is judged.
    Direct,
    /// Not at all, points being few and the queries many.
    Small(&'s Small),
    /// By keys, of groups of points in few dimensions, for the one nearest point.
    Groups(&'s Prepared, &'s Small),
    /// By keys, box after box of points.
    Tree(&'s Tree),
    /// By keys of points that are packed when they are needed, and not kept.
    Passing(&'s KeySpace),
    /// By images, and by keys of points that are packed when images leave too many.
    Images(&'s KeySpace, &'s Projections),
    /// By keys.
    Keys(&'s Prepared),
}

/// Working memory of a search, used again by the next.
#[derive(Default)]
pub(super) struct Workspace {
    queries: Queries,
    limits: Vec<f32>,
    candidates: Vec<Candidates>,
    /// Queries side by side.
    columns: Vec<f32>,
    groups: TwoNearest,
    /// Points that were packed in passing.
    panels: Vec<f32>,
    /// Queries of the last search.
    count: usize,
}

impl Workspace {
    /// What the last search found, for each query.
    pub(super) fn candidates(&self) -> &[Candidates] {
        &self.candidates[..self.count]
    }

    /// Prepares queries, all of which any point may still be near.
    fn take(&mut self, space: &KeySpace, queries: ArrayView2<'_, f32>) {
        space.queries_into(queries, &mut self.queries);
        self.limits.clear();
        self.limits.extend(self.queries.limits(f32::MAX));
    }

    /// What the last search found, without the memory for more.
    pub(super) fn found(mut self) -> Vec<Candidates> {
        self.candidates.truncate(self.count);
        self.candidates
    }
}

/// A search for a few queries among some of the points.
#[derive(Clone, Copy)]
pub(super) struct Chunk<'s, 'a> {
    pub(super) index: &'s NeighbourIndex<'a>,
    /// Contiguous.
    pub(super) queries: ArrayView2<'s, f32>,
    /// The number of the first query among the points, when queries are points of the index.
    pub(super) own: Option<usize>,
    pub(super) k: usize,
    /// The first a multiple of the panels' lanes, fewer than 2³² points.
    pub(super) points: &'s Range<usize>,
}

impl<'s, 'a> Chunk<'s, 'a> {
    /// Finds the nearest points of each query, which the workspace then holds.
    pub(super) fn nearest(&self, method: Method<'_>, workspace: &mut Workspace) {
        let count = self.queries.nrows();
        workspace.count = count;
        if count == 0 {
            return; // Of queries that were refused.
        }
        if workspace.candidates.len() < count {
            workspace.candidates.resize_with(count, Candidates::default);
        }
        workspace.candidates[..count].iter_mut().for_each(|candidates| candidates.reset(self.k));
        match method {
            Method::Direct => self.directly(&mut workspace.candidates),
            Method::Small(small) if self.k == 1 && self.own.is_none() => {
                let queries = values(self.queries);
                small.nearest(queries, self.queries.ncols(), &mut workspace.candidates[..count]);
            }
            Method::Small(small) => {
                for (query, candidates) in workspace.candidates[..count].iter_mut().enumerate() {
                    let Against { query, own, .. } = self.against(query);
                    small.search(query, own, candidates);
                }
            }
            Method::Groups(prepared, small) if self.k == 1 && self.own.is_none() => {
                self.by_groups(prepared, small, workspace);
            }
            Method::Groups(prepared, _) => {
                self.by_keys(prepared.space(), Some(prepared), workspace);
            }
            Method::Tree(tree) => self.by_tree(tree, workspace),
            Method::Keys(prepared) => self.by_keys(prepared.space(), Some(prepared), workspace),
            Method::Passing(space) => self.by_keys(space, None, workspace),
            Method::Images(space, projections) => self.by_images(space, projections, workspace),
        }
    }

    fn directly(&self, candidates: &mut [Candidates]) {
        let count = self.queries.nrows();
        let rows = (DIRECT / self.index.dimension()).next_multiple_of(MANY);
        for first in self.points.clone().step_by(rows) {
            let points = first..(first + rows).min(self.points.end);
            for start in (0..count).step_by(MANY) {
                let candidates = &mut candidates[start..count.min(start + MANY)];
                if candidates.len() == MANY {
                    self.judge_abreast::<MANY>(start, &points, candidates);
                } else {
                    for (query, candidates) in candidates.chunks_mut(1).enumerate() {
                        self.judge_abreast::<1>(start + query, &points, candidates);
                    }
                }
            }
        }
        candidates[..count].iter_mut().for_each(Candidates::sort);
    }

    /// Judges all of `points` for the `Q` queries from number `start` on.
    fn judge_abreast<const Q: usize>(
        &self,
        start: usize,
        points: &Range<usize>,
        candidates: &mut [Candidates],
    ) {
        let against: [Against<'_, '_>; Q] = from_fn(|query| self.against(start + query));
        let queries = against.map(|against| against.query);
        self.index.distances(queries, points.clone(), |query, first, squared| {
            candidates[query].offer_all(squared, first, against[query].own);
        });
    }

    fn by_keys(&self, space: &KeySpace, prepared: Option<&Prepared>, workspace: &mut Workspace) {
        workspace.take(space, self.queries);
        for block in space.blocks(self.points.clone()) {
            self.by_block(space, prepared, &block, workspace);
        }
        self.judge(workspace);
    }

    /// Judges one group of points for each query, and for those whose nearest point may be in
    /// another as well all points that are near enough.
    fn by_groups(&self, prepared: &Prepared, small: &Small, workspace: &mut Workspace) {
        let space = prepared.space();
        workspace.take(space, self.queries);
        let Workspace { queries, limits, candidates, columns, groups, .. } = &mut *workspace;
        limits.fill(f32::NEG_INFINITY);
        queries.side_by_side(columns);
        let mut unsure = false;
        groups.find((columns, self.queries.ncols()), prepared.panels());
        let values = values(self.queries);
        let each = values.chunks_exact(self.queries.ncols()).zip(&queries.keys);
        let outs = candidates.iter_mut().zip(limits);
        vectorised(
            #[inline(always)]
            || {
                for (([least, next], (query, bounds)), (candidates, out)) in
                    groups.found().zip(each).zip(outs)
                {
                    let limit = bounds.limit_beside(least.high(), 0.0);
                    if next.low() > limit {
                        let (squared, point) = small.nearest_in(query, least.group());
                        candidates.settle(squared, point);
                    } else {
                        *out = limit;
                        unsure = true;
                    }
                }
            },
        );
        if unsure {
            for block in space.blocks(self.points.clone()) {
                self.by_block(space, Some(prepared), &block, workspace);
            }
            self.judge(workspace);
        }
    }

    fn by_images(&self, space: &KeySpace, projections: &Projections, workspace: &mut Workspace) {
        workspace.take(space, self.queries);
        let mut images = Images::new(projections, &workspace.queries);
        for points in projections.blocks(self.points.clone()) {
            let Workspace { queries, limits, candidates, .. } = &mut *workspace;
            let done = images.as_mut().is_some_and(|images| {
                images.look_at(self, (&*queries, limits), candidates, &points)
            });
            if !done {
                for block in space.blocks(points) {
                    self.by_block(space, None, &block, workspace);
                }
            }
        }
        self.judge(workspace);
    }

    /// Goes through the points of one block, which are packed in passing unless they are prepared.
    fn by_block(
        &self,
        space: &KeySpace,
        prepared: Option<&Prepared>,
        block: &Range<usize>,
        workspace: &mut Workspace,
    ) {
        let Workspace { queries, limits, candidates, panels, .. } = workspace;
        let panels = match prepared {
            Some(prepared) => prepared.panels_of(block),
            None => {
                self.index.pack(space, block, panels);
                panels
            }
        };
        let panel = space.panel();
        let packed = (block.start, panels);
        space.below(queries, packed, limits, |query, first, mask, keys, limit| {
            let starts = &panels[(first - block.start) / KEY_LANES * panel..][..KEY_LANES];
            let found = (mask, keys, starts);
            let bounds = &queries.keys[query];
            let against = self.against(query);
            candidates[query].add(against, bounds, found, |lane| first + lane, limit);
        });
    }

    /// Judges what is pending.
    fn judge(&self, workspace: &mut Workspace) {
        let Workspace { queries, limits, candidates, count, .. } = workspace;
        for (query, candidates) in candidates[..*count].iter_mut().enumerate() {
            candidates.judge(self.against(query), &queries.keys[query], &mut limits[query]);
        }
    }

    fn by_tree(&self, tree: &Tree, workspace: &mut Workspace) {
        let Workspace { queries, candidates, .. } = workspace;
        tree.prepared().space().queries_into(self.queries, queries);
        for (query, candidates) in candidates.iter_mut().enumerate().take(self.queries.nrows()) {
            tree.search(queries, query, self.against(query), candidates);
        }
    }

    /// What a query is compared with.
    pub(super) fn against(&self, query: usize) -> Against<'s, 'a> {
        let dimension = self.queries.ncols();
        let values = values(self.queries);
        Against {
            index: self.index,
            first: self.points.start,
            query: &values[query * dimension..(query + 1) * dimension],
            own: self.own.map(|own| own + query),
        }
    }
}

/// Numbers in the points that a query meets before the next does: they stay in the first cache.
const DIRECT: usize = 1 << 13;
