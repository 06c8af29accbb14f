//! The nearest neighbours of a few queries, block after block of points.

use std::ops::Range;

use ndarray::ArrayView2;

use super::{
    NeighbourIndex,
    candidates::{Against, Candidates},
    images::{Images, Projections},
    small::Small,
    tree::Tree,
};
use crate::kernel::{LANES, MANY};
use crate::metrics::prepared::{Prepared, Queries};

/// How pairs are compared before any is judged.
#[derive(Clone, Copy)]
pub(super) enum Method<'s> {
    /// Not at all: every pair is judged.
    Direct,
    /// Not at all, points being few and the queries many.
    Small(&'s Small),
    /// By keys, box after box of points.
    Tree(&'s Tree),
    /// By keys of points that are packed when they are needed, and not kept.
    Passing(&'s Prepared),
    /// By keys, and by images before that where there is a projection.
    Keys(&'s Prepared, Option<&'s Projections>),
}

/// Working memory of a search, used again by the next.
#[derive(Default)]
pub(super) struct Workspace {
    queries: Queries,
    limits: Vec<f32>,
    candidates: Vec<Candidates>,
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

    /// The same, without the memory for more.
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
        if workspace.candidates.len() < count {
            workspace.candidates.resize_with(count, Candidates::default);
        }
        workspace.candidates[..count].iter_mut().for_each(|candidates| candidates.reset(self.k));
        match method {
            Method::Direct => self.directly(&mut workspace.candidates),
            Method::Small(small) => {
                for (query, candidates) in workspace.candidates[..count].iter_mut().enumerate() {
                    let Against { query, own, .. } = self.against(query);
                    small.search(query, own, candidates);
                }
            }
            Method::Tree(tree) => self.by_tree(tree, workspace),
            Method::Passing(unpacked) => self.in_passing(unpacked, workspace),
            Method::Keys(prepared, projections) => self.by_keys(prepared, projections, workspace),
        }
    }

    fn directly(&self, candidates: &mut [Candidates]) {
        let rows = (DIRECT / self.index.dimension()).next_multiple_of(MANY);
        for first in self.points.clone().step_by(rows) {
            let points = first..(first + rows).min(self.points.end);
            for (query, candidates) in candidates.iter_mut().enumerate().take(self.queries.nrows())
            {
                let Against { query, own, .. } = self.against(query);
                self.index.distances(query, points.clone(), |first, squared| {
                    candidates.offer_all(squared, first, own);
                });
            }
        }
        candidates.iter_mut().take(self.queries.nrows()).for_each(Candidates::sort);
    }

    fn by_keys(
        &self,
        prepared: &Prepared,
        projections: Option<&Projections>,
        workspace: &mut Workspace,
    ) {
        let Workspace { queries, limits, candidates, .. } = workspace;
        prepared.queries_into(self.queries, queries);
        limits.clear();
        limits.extend(queries.limits(f32::MAX));
        let points = || self.points.clone();
        let images =
            projections.and_then(|all| Some((Images::new(all, queries)?, all.blocks(points()))));
        let Some((mut images, blocks)) = images else {
            self.by_blocks(prepared, points(), queries, limits, candidates);
            self.judge(queries, limits, candidates);
            return;
        };
        for block in blocks {
            if !images.look_at(self, (&*queries, limits), candidates, &block) {
                self.by_blocks(prepared, block, queries, limits, candidates);
            }
        }
        self.judge(queries, limits, candidates);
    }

    /// Goes through some points by keys.
    fn by_blocks(
        &self,
        prepared: &Prepared,
        points: Range<usize>,
        queries: &Queries,
        limits: &mut [f32],
        candidates: &mut [Candidates],
    ) {
        for block in prepared.blocks(points) {
            let panels = prepared.panels_of(&block);
            self.by_panels(prepared, (block.start, panels), queries, limits, candidates);
        }
    }

    /// Judges what is pending.
    fn judge(&self, queries: &Queries, limits: &mut [f32], candidates: &mut [Candidates]) {
        for (query, candidates) in candidates.iter_mut().enumerate().take(self.queries.nrows()) {
            candidates.judge(self.against(query), &queries.keys[query], &mut limits[query]);
        }
    }

    fn in_passing(&self, unpacked: &Prepared, workspace: &mut Workspace) {
        let Workspace { queries, limits, candidates, panels, .. } = workspace;
        unpacked.queries_into(self.queries, queries);
        limits.clear();
        limits.extend(queries.limits(f32::MAX));
        for block in unpacked.blocks(self.points.clone()) {
            self.index.pack(unpacked, &block, panels);
            self.by_panels(unpacked, (block.start, panels), queries, limits, candidates);
        }
        self.judge(queries, limits, candidates);
    }

    /// Goes through the points of some panels, of which `first` is the first.
    fn by_panels(
        &self,
        prepared: &Prepared,
        (first, panels): (usize, &[f32]),
        queries: &Queries,
        limits: &mut [f32],
        candidates: &mut [Candidates],
    ) {
        let panel = prepared.panel();
        prepared.below_packed(
            queries,
            (first, panels),
            limits,
            |query, point, mask, keys, limit| {
                let starts = &panels[(point - first) / LANES * panel..][..LANES];
                candidates[query].add(
                    self.against(query),
                    &queries.keys[query],
                    (mask, keys, starts),
                    |lane| point + lane,
                    limit,
                );
            },
        );
    }

    fn by_tree(&self, tree: &Tree, workspace: &mut Workspace) {
        let Workspace { queries, candidates, .. } = workspace;
        tree.prepared().queries_into(self.queries, queries);
        for (query, candidates) in candidates.iter_mut().enumerate().take(self.queries.nrows()) {
            tree.search(queries, query, self.against(query), candidates);
        }
    }

    /// What a query is compared with.
    pub(super) fn against(&self, query: usize) -> Against<'s, 'a> {
        let dimension = self.queries.ncols();
        let values = self.queries.to_slice().unwrap_or_default();
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
