//! The nearest of few points in few dimensions: many queries side by side, point after point.
//!
//! Of every [`TOGETHER`] points only the least squared distance is kept, and of these the two least.
//! Where they are further apart than rounding explains, the nearest point is in the first of the two.

use super::{
    keys::KEY_LANES,
    level::{Instructions, Level},
    registers::Vector,
};

/// Points of which the least distance is kept.
pub(crate) const TOGETHER: usize = 8;
/// Queries are looked at in multiples of this.
pub(crate) const SIDE_BY_SIDE: usize = 32;

/// The least key of a query and of [`TOGETHER`] points, and which points these are: their number
/// replaces the last bits of the key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tagged {
    bits: u32,
    mask: u32,
}

impl Tagged {
    /// Number of the [`TOGETHER`] points.
    pub(crate) fn group(self) -> usize {
        (self.bits & self.mask) as usize
    }

    /// What the key is at least: an infinity where there was no point.
    pub(crate) fn low(self) -> f32 {
        f32::from_bits(self.bits & !self.mask)
    }

    /// What the key is at most, where there was a point.
    pub(crate) fn high(self) -> f32 {
        f32::from_bits(self.bits | self.mask)
    }
}

/// For each query the least keys of two different groups of [`TOGETHER`] points.
#[derive(Debug, Default)]
pub(crate) struct TwoNearest {
    least: Vec<f32>,
    next: Vec<f32>,
    mask: u32,
}

impl TwoNearest {
    /// Finds them, in place of what was found before.
    ///
    /// A key is `start + Σ (q − x)²`. `queries` has the shape `[depth, Q]`, Q a multiple of
    /// [`SIDE_BY_SIDE`]; `panels` has at least one of shape `[depth + 1, KEY_LANES]`, whose first row
    /// is what keys start with: 0, or an infinity for lanes without a point, which follow those with
    /// one. Coordinates are finite, and so small that no key overflows.
    ///
    /// # Panics
    /// If the shapes do not agree.
    pub(crate) fn find(&mut self, (queries, depth): (&[f32], usize), panels: &[f32]) {
        self.find_with(Level::detect(), (queries, depth), panels);
    }

    fn find_with(&mut self, level: Level, (queries, depth): (&[f32], usize), panels: &[f32]) {
        assert_eq!(queries.len() % (depth * SIDE_BY_SIDE), 0, "queries side by side");
        assert_eq!(panels.len() % ((depth + 1) * KEY_LANES), 0, "panels of points");
        let groups = panels.len() / (depth + 1) / TOGETHER;
        self.mask = groups.next_power_of_two() as u32 - 1;
        self.least.resize(queries.len() / depth, 0.0);
        self.next.resize(queries.len() / depth, 0.0);
        let task = Task { queries, depth, panels, mask: self.mask };
        let out = (&mut self.least[..], &mut self.next[..]);
        // SAFETY: the processor has what the function is compiled for, as a level is proof of, the
        // shapes were checked above, and there is room for each query.
        unsafe {
            match level.instructions() {
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx512 => x86::with_avx512(task, out),
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx2 => x86::with_avx2(task, out),
                Instructions::Portable => go::<[f32; 8], 1>(task, out),
            }
        }
    }

    /// What was found for each query, the least first.
    pub(crate) fn found(&self) -> impl Iterator<Item = [Tagged; 2]> {
        let tagged = |key: f32| Tagged { bits: key.to_bits(), mask: self.mask };
        self.least.iter().zip(&self.next).map(move |(&least, &next)| [tagged(least), tagged(next)])
    }
}

/// What [`TwoNearest::find`] is asked.
#[derive(Clone, Copy)]
struct Task<'a> {
    queries: &'a [f32],
    depth: usize,
    panels: &'a [f32],
    mask: u32,
}

/// All queries, `U` vectors at a time.
///
/// # Safety
/// `task` must have the shapes that [`TwoNearest::find`] demands, `least` and `next` a number for each
/// query, and the processor what `V` needs.
#[inline(always)]
unsafe fn go<V: Vector, const U: usize>(
    task: Task<'_>,
    (least_keys, next_keys): (&mut [f32], &mut [f32]),
) {
    const { assert!(SIDE_BY_SIDE.is_multiple_of(U * V::WIDTH)) };
    let width = task.queries.len() / task.depth;
    for first in (0..width).step_by(U * V::WIDTH) {
        // SAFETY: `first + U · WIDTH ≤ width`, as it divides.
        unsafe {
            let [least, next] = columns::<V, U>(task.queries.as_ptr().add(first), width, task);
            for (u, (least, next)) in least.into_iter().zip(next).enumerate() {
                least.store(least_keys.as_mut_ptr().add(first + u * V::WIDTH));
                next.store(next_keys.as_mut_ptr().add(first + u * V::WIDTH));
            }
        }
    }
}

/// The two least of `U` vectors of queries.
///
/// # Safety
/// `queries` must be the first of `U · WIDTH` columns of `[depth, width]` numbers; else as [`go`].
#[inline(always)]
unsafe fn columns<V: Vector, const U: usize>(
    queries: *const f32,
    width: usize,
    Task { depth, panels, mask, .. }: Task<'_>,
) -> [[V; U]; 2] {
    // SAFETY: all offsets are inside, see above.
    unsafe {
        let none = V::splat(f32::INFINITY);
        let kept = V::splat(f32::from_bits(!mask));
        let (mut least, mut next) = ([none; U], [none; U]);
        for (panel, points) in panels.chunks_exact((depth + 1) * KEY_LANES).enumerate() {
            for part in 0..KEY_LANES / TOGETHER {
                let points = points.as_ptr().add(part * TOGETHER);
                let mut sums = [[none; TOGETHER]; U];
                for lane in 0..TOGETHER {
                    let start = V::splat(*points.add(lane));
                    sums.iter_mut().for_each(|sums| sums[lane] = start);
                }
                for coordinate in 0..depth {
                    let points = points.add((coordinate + 1) * KEY_LANES);
                    let mut q = [none; U];
                    for (u, q) in q.iter_mut().enumerate() {
                        *q = V::load(queries.add(coordinate * width + u * V::WIDTH));
                    }
                    for lane in 0..TOGETHER {
                        let x = V::splat(*points.add(lane));
                        for (sums, &q) in sums.iter_mut().zip(&q) {
                            let difference = q.sub(x);
                            sums[lane] = sums[lane].add_product(difference, difference);
                        }
                    }
                }
                let tag = V::splat(f32::from_bits((panel * (KEY_LANES / TOGETHER) + part) as u32));
                for (u, sums) in sums.iter().enumerate() {
                    let [a, b, c, d, e, f, g, h] = *sums;
                    let here = a.least(b).least(c.least(d)).least(e.least(f).least(g.least(h)));
                    let here = here.tagged(kept, tag);
                    next[u] = next[u].least(least[u].most(here));
                    least[u] = least[u].least(here);
                }
            }
        }
        [least, next]
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{__m256, __m512};

    use super::{Task, go};

    /// 16 sums, 2 vectors of queries, 4 of what was found and 3 others fit 32 registers.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn with_avx512(task: Task<'_>, out: (&mut [f32], &mut [f32])) {
        // SAFETY: the caller's.
        unsafe { go::<__m512, 2>(task, out) }
    }

    /// 8 sums, one vector of queries, 2 of what was found and 3 others fit 16 registers.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn with_avx2(task: Task<'_>, out: (&mut [f32], &mut [f32])) {
        // SAFETY: the caller's.
        unsafe { go::<__m256, 1>(task, out) }
    }
}

#[cfg(test)]
mod tests;
