//! Distances of a few queries to many points in f32, compared with limits while still in registers.
//!
//! A *key* orders the points around a query. With [`Form::Differences`] it is the squared distance,
//! with [`Form::Products`] what points start with less the inner product. Keys above the limit of
//! their query, which are nearly all, are never written to memory.

use super::level::{Instructions, Level};
use super::registers::Vector;

/// Points of a panel.
pub(crate) const KEY_LANES: usize = 32;
/// Queries that are compared with a panel at a time.
pub(crate) const GROUP: usize = 12;
/// Longest sum that is not cut: shorter sums have smaller error bounds, whatever the dimension.
pub(crate) const CHUNK: usize = 512;

/// How a key comes from coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `start + Σ (q − x)²`.
    Differences,
    /// `start − Σ q x`.
    Products,
}

/// The keys of one query with one panel, of which some are at most its limit.
#[derive(Debug)]
pub(crate) struct Hit<'k> {
    /// Number of the query in its group.
    pub(crate) query: usize,
    /// Number of the panel.
    pub(crate) panel: usize,
    /// A bit for each lane: whether its key is at most the limit.
    pub(crate) mask: u32,
    /// The keys; those without a bit may be missing.
    pub(crate) keys: &'k [f32; KEY_LANES],
}

/// Calls `visit` with the keys that are at most the limit of their query, which it may change.
///
/// `queries` is a group, shape `[D, GROUP]`, of which the first `count` are looked at. `panels` is
/// any number of panels, shape `[D + 1, KEY_LANES]` each, whose first row is what keys start with: an
/// infinity for lanes without a point. Coordinates are finite, and so small that no key overflows.
///
/// # Panics
/// If the shapes do not agree.
pub(crate) fn keys(
    form: Form,
    (queries, count): (&[f32], usize),
    panels: &[f32],
    limits: &mut [f32; GROUP],
    visit: impl FnMut(Hit<'_>, &mut f32),
) {
    Level::detect().keys(form, (queries, count), panels, limits, visit);
}

impl Level {
    fn keys(
        self,
        form: Form,
        (queries, count): (&[f32], usize),
        panels: &[f32],
        limits: &mut [f32; GROUP],
        visit: impl FnMut(Hit<'_>, &mut f32),
    ) {
        let depth = queries.len() / GROUP;
        assert_eq!(queries.len(), depth * GROUP, "a group of queries");
        assert_eq!(panels.len() % ((depth + 1) * KEY_LANES), 0, "panels of points");
        assert!(count <= GROUP, "queries of a group");
        let task = Task { queries, count, depth, panels };
        // SAFETY: the processor has what the function is compiled for, as a level is proof of, and
        // the shapes were checked above.
        unsafe {
            match self.instructions() {
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx512 => x86::with_avx512(form, task, limits, visit),
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx2 => x86::with_avx2(form, task, limits, visit),
                Instructions::Portable => match form {
                    Form::Differences => go::<[f32; 8], 4, 1, true>(task, limits, visit),
                    Form::Products => go::<[f32; 8], 4, 1, false>(task, limits, visit),
                },
            }
        }
    }
}

/// What [`keys`] is asked.
#[derive(Clone, Copy)]
struct Task<'a> {
    queries: &'a [f32],
    count: usize,
    depth: usize,
    panels: &'a [f32],
}

/// All panels, in tiles of `M` queries and `P` vectors of points.
///
/// # Safety
/// `task` must have the shapes that [`keys`] demands, and the processor what `V` needs.
#[inline(always)]
unsafe fn go<V: Vector, const M: usize, const P: usize, const DIFFERENCES: bool>(
    task: Task<'_>,
    limits: &mut [f32; GROUP],
    mut visit: impl FnMut(Hit<'_>, &mut f32),
) {
    const { assert!(GROUP.is_multiple_of(M) && KEY_LANES.is_multiple_of(P * V::WIDTH)) };
    let Task { queries, count, depth, panels } = task;
    for (panel, points) in panels.chunks_exact((depth + 1) * KEY_LANES).enumerate() {
        for first in (0..count).step_by(M) {
            for part in (0..KEY_LANES).step_by(P * V::WIDTH) {
                // SAFETY: `first + M ≤ GROUP` and `part + P · WIDTH ≤ KEY_LANES`, as both divide.
                let tile = unsafe {
                    let (queries, points) =
                        (queries.as_ptr().add(first), points.as_ptr().add(part));
                    tile::<V, M, P, DIFFERENCES>(queries, points, depth)
                };
                // All compared before any is looked at: most tiles have none.
                let mut masks = [0u32; M];
                let mut any = 0;
                for (m, (mask, row)) in masks.iter_mut().zip(&tile).enumerate() {
                    for (p, keys) in row.iter().enumerate() {
                        // SAFETY: the processor has the instructions.
                        let bits = unsafe { keys.at_most(V::splat(limits[first + m])) };
                        *mask |= bits << (part + p * V::WIDTH);
                    }
                    any |= *mask;
                }
                if any == 0 {
                    continue;
                }
                for (m, (&mask, row)) in masks.iter().zip(&tile).enumerate() {
                    let query = first + m;
                    if mask != 0 && query < count {
                        let mut keys = [f32::INFINITY; KEY_LANES];
                        for (p, vector) in row.iter().enumerate() {
                            // SAFETY: inside `keys`, as above.
                            unsafe { vector.store(keys.as_mut_ptr().add(part + p * V::WIDTH)) };
                        }
                        visit(Hit { query, panel, mask, keys: &keys }, &mut limits[query]);
                    }
                }
            }
        }
    }
}

/// Keys of `M` queries with `P` vectors of points.
///
/// # Safety
/// `queries` must be the first of `M` columns of `[depth, GROUP]` numbers, `points` that of
/// `P · WIDTH` columns of `[depth + 1, KEY_LANES]`; the processor must have what `V` needs.
#[inline(always)]
unsafe fn tile<V: Vector, const M: usize, const P: usize, const DIFFERENCES: bool>(
    queries: *const f32,
    points: *const f32,
    depth: usize,
) -> [[V; P]; M] {
    // SAFETY: all offsets are inside, see above.
    unsafe {
        let mut start = [V::splat(0.0); P];
        for (p, start) in start.iter_mut().enumerate() {
            *start = V::load(points.add(p * V::WIDTH));
        }
        let mut sums = [start; M];
        let mut end = CHUNK.min(depth);
        sum::<V, M, P, DIFFERENCES>(&mut sums, queries, points, 0, end);
        while end < depth {
            let first = end;
            end = (end + CHUNK).min(depth);
            let mut more = [[V::splat(0.0); P]; M];
            sum::<V, M, P, DIFFERENCES>(&mut more, queries, points, first, end);
            for (sums, more) in sums.iter_mut().zip(&more) {
                for (sum, more) in sums.iter_mut().zip(more) {
                    *sum = sum.add(*more);
                }
            }
        }
        sums
    }
}

/// Adds what coordinates `first..end` give to `sums`.
///
/// # Safety
/// That of [`tile`], with `end` at most its depth.
#[inline(always)]
unsafe fn sum<V: Vector, const M: usize, const P: usize, const DIFFERENCES: bool>(
    sums: &mut [[V; P]; M],
    queries: *const f32,
    points: *const f32,
    first: usize,
    end: usize,
) {
    let mut local = *sums;
    for coordinate in first..end {
        // SAFETY: inside, see above.
        unsafe {
            let mut x = [V::splat(0.0); P];
            for (p, x) in x.iter_mut().enumerate() {
                *x = V::load(points.add((coordinate + 1) * KEY_LANES + p * V::WIDTH));
            }
            for (m, row) in local.iter_mut().enumerate() {
                let q = V::splat(*queries.add(coordinate * GROUP + m));
                for (sum, &x) in row.iter_mut().zip(&x) {
                    *sum = if DIFFERENCES {
                        let difference = q.sub(x);
                        sum.add_product(difference, difference)
                    } else {
                        sum.sub_product(q, x)
                    };
                }
            }
        }
    }
    *sums = local;
}

#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(test)]
mod tests;
