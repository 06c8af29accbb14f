//! One pass over the training points for up to [`LANES`] states at a time, in f32.

use ndarray::{Array2, ArrayView2};

use super::prepared::Prepared;
use super::sums::Sums;
use crate::kernel::{
    Best, LANES, Lanes, Limits, Points, Scoring, WeightSums, add_products, add_rows, lanes_of,
    products, row_products, score, weigh,
};
use crate::rows::{values, values_mut};

/// Points handled together, so that they stay in the second-level cache.
const BLOCK: usize = 128;
/// From so many states on that a point is live for, it is cheaper to multiply it with all.
const CROWD: u32 = 8;
/// How far below the best score a point is heavy for a state that is to be precise: its weight then
/// needs a score in f64.
const HEAVY: f64 = 8.0;
/// A relative score above which sums get a new reference, long before the square of a weight, or a sum
/// of squares, overflows.
const HIGH: f32 = 20.0;

/// States of one group, as the kernels want them.
pub(super) struct States {
    /// Element `d` of all states, relative to the centre and divided by `1 − t`.
    columns: Vec<Lanes>,
    /// The same, state by state: `[LANES, D]`.
    rows: Array2<f32>,
    scoring: Scoring,
    /// What scores are relative to: a lower bound of the log-sum of every state.
    reference: [f64; LANES],
    /// How far below the log-sum a point is dropped.
    tau: f64,
    /// Which states have their heavy points set aside.
    precise: [bool; LANES],
}

impl States {
    /// States `z = (x − t c)/(1 − t)` of the lanes in use, `[count, D]`, at `u = t/(1 − t)`, with a
    /// lower bound of the log-sum of their scores.
    pub(super) fn new(
        states: ArrayView2<'_, f64>,
        u: f64,
        bounds: [f64; LANES],
        prepared: &Prepared,
        tau: f64,
        precise: [bool; LANES],
    ) -> Self {
        let dim = states.ncols();
        let mut rows = Array2::zeros((LANES, dim));
        for (mut row, state) in rows.outer_iter_mut().zip(states.outer_iter()) {
            row.zip_mut_with(&state, |row, &state| *row = state as f32);
        }
        let columns =
            (0..dim).map(|d| Lanes(std::array::from_fn(|lane| rows[[lane, d]]))).collect();
        let shift = std::array::from_fn(|lane| {
            let to_centre: f64 =
                rows.row(lane).iter().zip(&prepared.centre).map(|(&z, c)| f64::from(z) * c).sum();
            (u * to_centre + bounds[lane]) as f32
        });
        let scoring = Scoring {
            slope: Lanes::all(u as f32),
            curvature: Lanes::all((0.5 * u * u) as f32),
            shift: Lanes(shift),
        };
        Self { columns, rows, scoring, reference: bounds, tau, precise }
    }

    /// Passes over the points from `first` on, of which `live[i]` has a bit for every lane that
    /// still counts the `i`-th; those bits are cleared that belong to points too far away.
    pub(super) fn sweep(
        &self,
        points: ArrayView2<'_, f32>,
        prepared: &Prepared,
        first: usize,
        live: &mut [u32],
    ) -> Sums {
        let mut pass = Pass::new(self);
        for (first, live) in (first..).step_by(BLOCK).zip(live.chunks_mut(BLOCK)) {
            pass.block(points, prepared, first, live);
        }
        pass.close()
    }
}

/// A pass under way.
struct Pass<'a> {
    states: &'a States,
    shift: Lanes,
    best: Best,
    sums: Sums,
    /// Weighted points of the blocks multiplied with all lanes, element by element.
    columns: Vec<Lanes>,
    /// Those of single pairs, lane by lane.
    rows: Array2<f32>,
    positions: Vec<u32>,
    norms: Vec<f32>,
    counts: Vec<f32>,
    bits: Vec<u32>,
    heavy: Vec<u32>,
    tile: Vec<Lanes>,
}

impl<'a> Pass<'a> {
    fn new(states: &'a States) -> Self {
        let dim = states.columns.len();
        let zero = [0.0; LANES];
        Self {
            states,
            shift: states.scoring.shift,
            best: Best { score: Lanes::all(f32::NEG_INFINITY), position: Lanes::all(0) },
            sums: Sums {
                reference: states.reference,
                total: zero,
                score: zero,
                squared_norm: zero,
                squares: zero,
                dropped: zero,
                live_points: zero,
                live_rows: zero,
                points: Array2::zeros((LANES, dim)),
                best: [f64::NEG_INFINITY; LANES],
                position: [0; LANES],
                heavy: Vec::new(),
            },
            columns: vec![Lanes::all(0.0); dim],
            rows: Array2::zeros((LANES, dim)),
            positions: Vec::with_capacity(BLOCK),
            norms: Vec::with_capacity(BLOCK),
            counts: Vec::with_capacity(BLOCK),
            bits: Vec::with_capacity(BLOCK),
            heavy: Vec::with_capacity(BLOCK),
            tile: Vec::with_capacity(BLOCK),
        }
    }

    fn block(
        &mut self,
        points: ArrayView2<'_, f32>,
        prepared: &Prepared,
        first: usize,
        live: &mut [u32],
    ) {
        let crowded = self.gather(prepared, first, live);
        let count = self.positions.len();
        if count == 0 {
            return;
        }
        let rows: Vec<&[f32]> =
            self.positions.iter().map(|&at| values(points.row(at as usize))).collect();
        self.tile.clear();
        self.tile.resize(count, Lanes::all(0.0));
        products(&self.states.columns, &rows[..crowded], &mut self.tile[..crowded]);
        self.multiply_pairs(&rows, crowded);

        self.heavy.clear();
        self.heavy.resize(count, 0);
        let scoring = Scoring { shift: self.shift, ..self.states.scoring };
        let mut known = Points {
            squared_norms: &self.norms,
            counts: &self.counts,
            live: &mut self.bits,
            positions: &self.positions,
            heavy: &mut self.heavy,
        };
        score(&mut self.tile, &known, &scoring, &mut self.best);
        for lane in 0..LANES {
            let rise = self.best.score.0[lane];
            // Not where a score is NaN or infinite: that must stay visible in the sums.
            if rise > HIGH && rise.is_finite() {
                let factor =
                    self.sums.rescale(lane, self.sums.reference[lane] + f64::from(rise)) as f32;
                self.columns.iter_mut().for_each(|column| column.0[lane] *= factor);
                self.rows.row_mut(lane).mapv_inplace(|value| value * factor);
                self.tile.iter_mut().for_each(|scores| scores.0[lane] -= rise);
                self.shift.0[lane] += rise;
                self.best.score.0[lane] = 0.0;
            }
        }
        // Both the first reference and the best score are lower bounds of the log-sum.
        let bound = |lane: usize| {
            let first = self.states.reference[lane] - self.sums.reference[lane];
            f64::from(self.best.score.0[lane]).max(first)
        };
        let limits = Limits {
            cut: Lanes(std::array::from_fn(|lane| {
                (bound(lane) - self.states.tau).max(f64::from(f32::MIN)) as f32
            })),
            heavy: Lanes(std::array::from_fn(|lane| {
                if self.states.precise[lane] { (bound(lane) - HEAVY) as f32 } else { f32::INFINITY }
            })),
        };
        let mut sums = WeightSums::zero();
        weigh(&mut self.tile, &mut known, &limits, &mut sums);
        self.collect(&sums);
        add_products(&mut self.columns, &rows[..crowded], &self.tile[..crowded]);
        self.add_pairs(&rows, crowded);
        for ((&at, &bits), &heavy) in self.positions.iter().zip(&self.bits).zip(&self.heavy) {
            live[at as usize - first] = bits;
            self.sums.heavy.extend(lanes_of(heavy).map(|lane| (lane, at)));
        }
    }

    /// Lists the live points of a block, those first that many lanes count; how many these are.
    fn gather(&mut self, prepared: &Prepared, first: usize, live: &[u32]) -> usize {
        for list in [&mut self.positions, &mut self.bits] {
            list.clear();
        }
        let mut crowded = 0;
        for crowd in [true, false] {
            for (at, &bits) in (first as u32..).zip(live) {
                if bits != 0 && (bits.count_ones() >= CROWD) == crowd {
                    self.positions.push(at);
                    self.bits.push(bits);
                }
            }
            if crowd {
                crowded = self.positions.len();
            }
        }
        self.norms.clear();
        self.norms.extend(self.positions.iter().map(|&at| prepared.rounded_norms[at as usize]));
        self.counts.clear();
        self.counts.extend(self.positions.iter().map(|&at| prepared.counts[at as usize]));
        crowded
    }

    /// The products of the points that few lanes count.
    fn multiply_pairs(&mut self, rows: &[&[f32]], crowded: usize) {
        let mut found = Vec::new();
        for (lane, paired) in self.pairs(crowded) {
            let near: Vec<&[f32]> = paired.iter().map(|&i| rows[i]).collect();
            found.resize(near.len(), 0.0);
            let state = self.states.rows.row(lane);
            row_products(values(state), &near, &mut found);
            for (&i, &product) in paired.iter().zip(&found) {
                self.tile[i].0[lane] = product;
            }
        }
    }

    /// Adds the weighted points that few lanes count.
    fn add_pairs(&mut self, rows: &[&[f32]], crowded: usize) {
        for (lane, paired) in self.pairs(crowded) {
            let near: Vec<&[f32]> = paired.iter().map(|&i| rows[i]).collect();
            let weights: Vec<f32> = paired.iter().map(|&i| self.tile[i].0[lane]).collect();
            let sum = self.rows.row_mut(lane);
            add_rows(values_mut(sum), &near, &weights);
        }
    }

    /// The lanes that still count some of the points listed from `crowded` on, and which.
    fn pairs(&self, crowded: usize) -> Vec<(usize, Vec<usize>)> {
        let any = self.bits[crowded..].iter().fold(0, |any, bits| any | bits);
        let of_lane = |lane: usize| {
            (crowded..self.bits.len()).filter(|&i| self.bits[i] >> lane & 1 == 1).collect()
        };
        lanes_of(any).map(|lane| (lane, of_lane(lane))).collect()
    }

    fn collect(&mut self, sums: &WeightSums) {
        for (total, part) in [
            (&mut self.sums.total, &sums.total),
            (&mut self.sums.score, &sums.score),
            (&mut self.sums.squared_norm, &sums.squared_norm),
            (&mut self.sums.squares, &sums.squares),
            (&mut self.sums.dropped, &sums.dropped),
            (&mut self.sums.live_points, &sums.points),
            (&mut self.sums.live_rows, &sums.rows),
        ] {
            total.iter_mut().zip(&part.0).for_each(|(total, &part)| *total += f64::from(part));
        }
    }

    fn close(mut self) -> Sums {
        for (lane, mut sums) in self.sums.points.outer_iter_mut().enumerate() {
            for ((sum, column), &row) in sums.iter_mut().zip(&self.columns).zip(self.rows.row(lane))
            {
                *sum = f64::from(column.0[lane]) + f64::from(row);
            }
        }
        for lane in 0..LANES {
            self.sums.best[lane] = self.sums.reference[lane] + f64::from(self.best.score.0[lane]);
            self.sums.position[lane] = self.best.position.0[lane];
        }
        self.sums
    }
}
