//! Points of few coordinates in boxes, so that most need not be looked at.

use super::{
    NeighbourIndex,
    candidates::{Against, Candidates},
    key_space::Queries,
    method::MOST_BOXED,
    prepared::Prepared,
};
use crate::kernel::{KEY_LANES, vectorised};

/// Boxes in boxes, [`KEY_LANES`] in each: more than any memory holds points.
const MOST_LEVELS: usize = 8;

/// Points in an order in which those of a panel, of [`KEY_LANES`] panels and so on are near each other,
/// with the boxes around them.
///
/// A key of a box is computed as that of a point is, from the coordinates of the box that are
/// nearest to the query. Rounding keeps order, so no point inside has a smaller key.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    prepared: Prepared,
    /// For each place the number of the point.
    order: Vec<u32>,
    /// From the boxes around panels upwards; the last level has at most [`KEY_LANES`].
    levels: Vec<Level>,
}

/// Boxes, [`KEY_LANES`] in each group.
#[derive(Debug, Clone)]
struct Level {
    /// Shape `[groups, 2 D, KEY_LANES]`: for each coordinate first the least, then the largest values.
    /// Lanes without a box are infinitely far away.
    groups: Vec<f32>,
}

/// The boxes or points of a group that are still to be looked at.
#[derive(Clone, Copy)]
struct Open {
    group: usize,
    keys: [f32; KEY_LANES],
}

impl Tree {
    /// Orders the points of an index, fewer than 2³².
    pub(super) fn new(index: &NeighbourIndex<'_>) -> Self {
        let mut order: Vec<u32> = (0..index.len() as u32).collect();
        let row = |point: u32| index.row(point as usize);
        let value = |point: u32, coordinate: usize| index.source[[row(point), coordinate]];
        split(&mut order, index.dimension(), &value);
        let prepared = Prepared::new(&index.source.view(), order.len(), |place| row(order[place]));
        let dimension = index.dimension();
        let mut levels = vec![around_panels(prepared.panels(), dimension)];
        while let Some(last) = levels.last()
            && last.groups.len() > 2 * dimension * KEY_LANES
        {
            levels.push(around_boxes(last, dimension));
        }
        Self { prepared, order, levels }
    }

    /// The points in order.
    pub(super) fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// Finds the nearest points of one query.
    pub(super) fn search(
        &self,
        queries: &Queries,
        query: usize,
        against: Against<'_, '_>,
        candidates: &mut Candidates,
    ) {
        let dimension = self.prepared.space().dimension();
        let mut values = [0.0; MOST_BOXED];
        let values = &mut values[..dimension];
        values.iter_mut().zip(queries.row(query)).for_each(|(out, value)| *out = value);
        let bounds = &queries.keys[query];
        let mut limit = f32::MAX;
        let mut open = [Open { group: 0, keys: [0.0; KEY_LANES] }; MOST_LEVELS];
        let panel = (dimension + 1) * KEY_LANES;
        vectorised(
            #[inline(always)]
            || {
                let top = self.levels.len() - 1;
                let mut level = top;
                open[level] = self.levels[level].open(0, values);
                loop {
                    let here = &mut open[level];
                    let nearest = nearest(&here.keys);
                    if here.keys[nearest] > limit {
                        if level == top {
                            break;
                        }
                        level += 1;
                        continue;
                    }
                    here.keys[nearest] = f32::INFINITY;
                    let group = here.group * KEY_LANES + nearest;
                    if level > 0 {
                        level -= 1;
                        open[level] = self.levels[level].open(group, values);
                        continue;
                    }
                    let points = &self.prepared.panels()[group * panel..(group + 1) * panel];
                    let (points, _) = points.as_chunks::<KEY_LANES>();
                    let keys = point_keys(values, points);
                    let mask = at_most(&keys, limit);
                    if mask != 0 {
                        let number = |lane: usize| self.order[group * KEY_LANES + lane] as usize;
                        let found = (mask, &keys, &points[0][..]);
                        candidates.add(against, bounds, found, number, &mut limit);
                    }
                }
            },
        );
        candidates.judge(against, bounds, &mut limit);
    }
}

impl Level {
    /// Compares a query with the boxes of one group.
    #[inline(always)]
    fn open(&self, group: usize, query: &[f32]) -> Open {
        let (boxes, _) = self.groups.as_chunks::<KEY_LANES>();
        let boxes = &boxes[group * 2 * query.len()..(group + 1) * 2 * query.len()];
        let mut keys = [0.0f32; KEY_LANES];
        for (&q, sides) in query.iter().zip(boxes.chunks_exact(2)) {
            for ((key, &least), &largest) in keys.iter_mut().zip(&sides[0]).zip(&sides[1]) {
                let beyond = (least - q).max(q - largest).max(0.0);
                *key += beyond * beyond;
            }
        }
        Open { group, keys }
    }
}

/// Keys of the points of a panel, shape `[D + 1, KEY_LANES]`.
#[inline(always)]
fn point_keys(query: &[f32], panel: &[[f32; KEY_LANES]]) -> [f32; KEY_LANES] {
    let mut keys = panel[0];
    for (&q, values) in query.iter().zip(&panel[1..]) {
        for (key, &value) in keys.iter_mut().zip(values) {
            let difference = q - value;
            *key += difference * difference;
        }
    }
    keys
}

/// A bit for each key that is at most the limit.
#[inline(always)]
fn at_most(keys: &[f32; KEY_LANES], limit: f32) -> u32 {
    let mut mask = 0;
    for (lane, &key) in keys.iter().enumerate() {
        mask |= u32::from(key <= limit) << lane;
    }
    mask
}

/// The lane of the least key.
#[inline(always)]
fn nearest(keys: &[f32; KEY_LANES]) -> usize {
    let least =
        keys.iter().fold(f32::INFINITY, |least, &key| if key < least { key } else { least });
    let mut mask = 0u32;
    for (lane, &key) in keys.iter().enumerate() {
        mask |= u32::from(key <= least) << lane;
    }
    mask.trailing_zeros() as usize % KEY_LANES
}

/// Boxes around the points of each panel.
fn around_panels(panels: &[f32], dimension: usize) -> Level {
    let (panels, _) = panels.as_chunks::<KEY_LANES>();
    let panels: Vec<_> = panels.chunks_exact(dimension + 1).collect();
    around(panels.len(), dimension, |panel, coordinate| {
        let panel = panels[panel];
        let points =
            panel[0].iter().zip(&panel[coordinate + 1]).filter(|(start, _)| start.is_finite());
        sides(points.map(|(_, &value)| (value, value)))
    })
}

/// Boxes around the boxes of each group.
fn around_boxes(level: &Level, dimension: usize) -> Level {
    let (rows, _) = level.groups.as_chunks::<KEY_LANES>();
    let groups: Vec<_> = rows.chunks_exact(2 * dimension).collect();
    around(groups.len(), dimension, |group, coordinate| {
        let boxes = groups[group];
        let (least, largest) = (&boxes[2 * coordinate], &boxes[2 * coordinate + 1]);
        let real = least.iter().zip(largest).filter(|(least, _)| least.is_finite());
        sides(real.map(|(&least, &largest)| (least, largest)))
    })
}

/// The least and the largest value of some ranges.
fn sides(ranges: impl Iterator<Item = (f32, f32)>) -> (f32, f32) {
    ranges.fold((f32::INFINITY, f32::NEG_INFINITY), |(least, largest), range| {
        (least.min(range.0), largest.max(range.1))
    })
}

/// Packs `count` boxes, whose sides are given for each box and coordinate.
fn around(count: usize, dimension: usize, sides: impl Fn(usize, usize) -> (f32, f32)) -> Level {
    let size = 2 * dimension * KEY_LANES;
    let mut groups = vec![f32::INFINITY; count.div_ceil(KEY_LANES) * size];
    for number in 0..count {
        let (group, lane) = (&mut groups[number / KEY_LANES * size..][..size], number % KEY_LANES);
        for coordinate in 0..dimension {
            let (least, largest) = sides(number, coordinate);
            group[2 * coordinate * KEY_LANES + lane] = least;
            group[(2 * coordinate + 1) * KEY_LANES + lane] = largest;
        }
    }
    Level { groups }
}

/// Orders points so that every aligned run of `KEY_LANES · 2ⁿ` is what cuts through the longest side
/// leave together.
fn split(order: &mut [u32], dimension: usize, value: &(impl Fn(u32, usize) -> f32 + Sync)) {
    if order.len() <= KEY_LANES {
        return;
    }
    let longest = (0..dimension)
        .map(|coordinate| {
            let values = order.iter().map(|&point| value(point, coordinate));
            let (least, largest) = sides(values.map(|value| (value, value)));
            (f64::from(largest) - f64::from(least), coordinate)
        })
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let coordinate = longest.map_or(0, |(_, coordinate)| coordinate);
    let half = order.len().div_ceil(KEY_LANES).next_power_of_two() / 2 * KEY_LANES;
    let by_value = |&a: &u32, &b: &u32| value(a, coordinate).total_cmp(&value(b, coordinate));
    order.select_nth_unstable_by(half, by_value);
    let (low, high) = order.split_at_mut(half);
    if high.len() > PARALLEL {
        rayon::join(|| split(low, dimension, value), || split(high, dimension, value));
    } else {
        split(low, dimension, value);
        split(high, dimension, value);
    }
}

/// Points from which two halves are ordered in parallel.
const PARALLEL: usize = 1 << 12;
