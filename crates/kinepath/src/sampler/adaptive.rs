//! The executor of adaptive plans: every sample chooses its own steps.

use std::ops::ControlFlow;

use ndarray::{Array2, ArrayView2, Axis};

use super::ledger::Ledger;
use super::state::Measure;
use super::{SampleError, Sampler, state};
use crate::paths::Paths;
use crate::plan::Phase;
use crate::rows::values;

/// Steps a sample may try before it counts as stalled.
const MAX_STEPS: usize = 100_000;
/// Step-size control of Hairer, Nørsett & Wanner I, §II.4: safety factor and bounds of the change.
const SAFETY: f64 = 0.9;
const SHRINK: f64 = 0.2;
const GROW: f64 = 10.0;

/// Where steps must land and how large their error may be.
pub(super) struct Control<'a> {
    stops: &'a [f64],
    rtol: f64,
    atol: f64,
}

impl<'a> Control<'a> {
    pub(super) fn new(stops: &'a [f64], rtol: f64, atol: f64) -> Self {
        Self { stops, rtol, atol }
    }

    /// Root mean square of `values / (atol + rtol·max(|a|, |b|))`.
    fn norm(&self, values: impl Iterator<Item = f64>, a: &[f32], b: &[f32]) -> f64 {
        let sum: f64 = values
            .zip(a.iter().zip(b))
            .map(|(value, (a, b))| {
                let scale = self.atol + self.rtol * f64::from(a.abs().max(b.abs()));
                if value == 0.0 { 0.0 } else { (value / scale).powi(2) }
            })
            .sum();
        (sum / a.len().max(1) as f64).sqrt()
    }
}

/// Where one sample has got to.
#[derive(Clone, Copy)]
struct Walker {
    row: usize,
    t: f64,
    /// Proposed size of the next step.
    size: f64,
    /// Index of the stop ahead.
    stop: usize,
    tried: usize,
}

pub(super) fn run(
    sampler: &Sampler<'_>,
    control: &Control<'_>,
    noise: ArrayView2<'_, f32>,
    observe: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Result<Paths, SampleError> {
    let mut walk = Walk::new(sampler, control, noise)?;
    let (start, end) = (sampler.plan.grid().start(), sampler.plan.grid().end());
    while !walk.active.is_empty() {
        walk.step()?;
        let behind = walk.active.iter().map(|walker| walker.t).fold(end, f64::min);
        if observe((behind - start) / (end - start)).is_break() {
            return Err(SampleError::Interrupted);
        }
    }
    Ok(walk.ledger.close(walk.x, noise, None))
}

/// All samples of a run; those still under way are `active`.
struct Walk<'a, 'b> {
    sampler: &'a Sampler<'b>,
    control: &'a Control<'a>,
    ledger: Ledger,
    x: Array2<f32>,
    /// First stage `η v` of the next step of every sample.
    first: Array2<f32>,
    /// What was measured of it.
    first_measures: Vec<Measure>,
    active: Vec<Walker>,
}

impl<'a, 'b> Walk<'a, 'b> {
    fn new(
        sampler: &'a Sampler<'b>,
        control: &'a Control<'a>,
        noise: ArrayView2<'_, f32>,
    ) -> Result<Self, SampleError> {
        let x = noise.to_owned();
        let rows = x.nrows();
        let start = sampler.plan.grid().start();
        let active =
            (0..rows).map(|row| Walker { row, t: start, size: 0.0, stop: 1, tried: 0 }).collect();
        let mut walk = Self {
            sampler,
            control,
            ledger: Ledger::new(sampler, rows),
            first: Array2::zeros(x.dim()),
            x,
            first_measures: vec![Measure::default(); rows],
            active,
        };
        let rows: Vec<usize> = (0..rows).collect();
        let (first, measures) = walk.evaluate(&walk.x.clone(), &vec![start; rows.len()], &rows)?;
        for &row in &rows {
            walk.arrive(row, Some(0), measures[row].squared_speed);
        }
        (walk.first, walk.first_measures) = (first, measures);
        walk.choose_first_sizes(&rows)?;
        Ok(walk)
    }

    /// Evaluates `η v` on gathered rows and counts the cost.
    fn evaluate(
        &mut self,
        x: &Array2<f32>,
        times: &[f64],
        rows: &[usize],
    ) -> Result<(Array2<f32>, Vec<Measure>), SampleError> {
        let mut k = Array2::zeros(x.dim());
        let conditions = self.sampler.condition.select(rows);
        let condition = conditions.as_condition();
        let gain = self.sampler.plan.gain();
        let gain = |i: usize| (gain.eta(times[i]), gain.governor(times[i]));
        let measures = self.sampler.evaluate(x.view(), times, condition, &mut k, gain)?;
        for (i, &row) in rows.iter().enumerate() {
            self.ledger.count(row, self.sampler.field.evaluations(times[i]));
            if !measures[i].squared_speed.is_finite() {
                let step = self.active.iter().find(|walker| walker.row == row);
                return Err(SampleError::Velocity {
                    sample: self.sampler.sample(row),
                    step: step.map_or(0, |walker| walker.tried),
                    t: times[i],
                });
            }
        }
        Ok((k, measures))
    }

    /// The starting step size of Hairer, Nørsett & Wanner I, §II.4, per sample.
    fn choose_first_sizes(&mut self, rows: &[usize]) -> Result<(), SampleError> {
        let span = self.control.stops[1] - self.control.stops[0];
        let probes: Vec<f64> = rows
            .iter()
            .map(|&row| {
                let (x, k) = (values(self.x.row(row)), values(self.first.row(row)));
                let size_of_x = self.control.norm(x.iter().map(|&v| f64::from(v)), x, x);
                let size_of_k = self.control.norm(k.iter().map(|&v| f64::from(v)), x, x);
                let probe = if size_of_x < 1e-5 || size_of_k < 1e-5 {
                    1e-6
                } else {
                    0.01 * size_of_x / size_of_k
                };
                // A norm is infinite where atol is 0 and an element too: a step of 0 would stall.
                probe.max(1e-6).min(span)
            })
            .collect();
        let mut x = Array2::zeros(self.x.dim());
        state::combine(&mut x, &self.x, std::slice::from_ref(&self.first), &[1.0], |i| probes[i]);
        let times: Vec<f64> = probes.iter().map(|probe| self.control.stops[0] + probe).collect();
        let (second, _) = self.evaluate(&x, &times, rows)?;
        let order = f64::from(self.sampler.plan.tableau().order);
        for walker in &mut self.active {
            let row = walker.row;
            let x = values(self.x.row(row));
            let (k, l) = (values(self.first.row(row)), values(second.row(row)));
            let change = k.iter().zip(l).map(|(a, b)| f64::from(*b) - f64::from(*a));
            let curvature = self.control.norm(change, x, x) / probes[row];
            let speed = self.control.norm(k.iter().map(|&v| f64::from(v)), x, x);
            let steepest = speed.max(curvature);
            let size = if steepest <= 1e-15 {
                (1e-3 * probes[row]).max(1e-6)
            } else {
                (0.01 / steepest).powf(1.0 / order)
            };
            walker.size = size.min(100.0 * probes[row]);
        }
        Ok(())
    }

    /// Tries one step of every active sample.
    fn step(&mut self) -> Result<(), SampleError> {
        let tableau = *self.sampler.plan.tableau();
        let walkers = self.active.clone();
        let rows: Vec<usize> = walkers.iter().map(|walker| walker.row).collect();
        let (sizes, ends): (Vec<f64>, Vec<f64>) =
            walkers.iter().map(|walker| self.clip(walker)).unzip();

        let x = self.x.select(Axis(0), &rows);
        let mut stages = vec![self.first.select(Axis(0), &rows)];
        let mut measures =
            vec![rows.iter().map(|&row| self.first_measures[row]).collect::<Vec<Measure>>()];
        let mut at_stage = x.clone();
        for j in 1..tableau.stages() {
            state::combine(&mut at_stage, &x, &stages, tableau.a[j], |i| sizes[i]);
            let time = |i: usize| {
                if tableau.c[j] == 1.0 { ends[i] } else { walkers[i].t + tableau.c[j] * sizes[i] }
            };
            let times: Vec<f64> = (0..rows.len()).map(time).collect();
            let (k, measured) = self.evaluate(&at_stage, &times, &rows)?;
            stages.push(k);
            measures.push(measured);
        }
        let mut next = x.clone();
        state::combine(&mut next, &x, &stages, tableau.b, |i| sizes[i]);

        let mut still = Vec::with_capacity(walkers.len());
        for (i, walker) in walkers.iter().enumerate() {
            let mut walker = Walker { tried: walker.tried + 1, ..*walker };
            let error = self.local_error(&tableau, &stages, i, sizes[i], &x, &next);
            if error <= 1.0 {
                let weighted = |value: fn(&Measure) -> f64| -> f64 {
                    tableau.b.iter().zip(&measures).map(|(b, row)| b * value(&row[i])).sum()
                };
                let energy = weighted(|measure| measure.squared_speed);
                let weight = 0.5 * sizes[i];
                let phase = Phase::of(walker.t, sizes[i], self.sampler.plan.gain().split());
                self.ledger.book(walker.row, phase, weight * energy);
                self.ledger.push(walker.row, sizes[i] * weighted(|measure| measure.eta));
                for ((b, stage), measures) in tableau.b.iter().zip(&stages).zip(&measures) {
                    self.ledger.map(walker.row, weight * b, stage.row(i));
                    self.ledger.book_parts(walker.row, weight * b, &measures[i]);
                }
                self.x.row_mut(walker.row).assign(&next.row(i));
                // Dormand–Prince ends on the first stage of the next step.
                let last = tableau.stages() - 1;
                self.first.row_mut(walker.row).assign(&stages[last].row(i));
                self.first_measures[walker.row] = measures[last][i];
                walker.t = ends[i];
                if walker.t == self.control.stops[walker.stop] {
                    let node = self.node_at(walker.t);
                    self.arrive(walker.row, node, measures[last][i].squared_speed);
                    walker.stop += 1;
                }
            }
            let factor = (SAFETY * error.powf(-1.0 / f64::from(tableau.order))).clamp(SHRINK, GROW);
            let proposal = sizes[i] * factor;
            // A step shortened to land on a stop says nothing against the size proposed before it.
            let shortened = error <= 1.0 && sizes[i] < walker.size;
            walker.size = if shortened { proposal.max(walker.size) } else { proposal };
            if walker.stop == self.control.stops.len() {
                continue;
            }
            if walker.tried >= MAX_STEPS || walker.t + walker.size == walker.t {
                return Err(SampleError::Stalled {
                    sample: self.sampler.sample(walker.row),
                    t: walker.t,
                    steps: walker.tried,
                });
            }
            still.push(walker);
        }
        self.active = still;
        Ok(())
    }

    /// The size and end of a walker's next step: no further than the stop ahead, and exactly onto
    /// it when it is within reach.
    fn clip(&self, walker: &Walker) -> (f64, f64) {
        let stop = self.control.stops[walker.stop];
        let left = stop - walker.t;
        if walker.size >= left * (1.0 - 1e-9) {
            (left, stop)
        } else {
            (walker.size, walker.t + walker.size)
        }
    }

    fn local_error(
        &self,
        tableau: &crate::tableau::Tableau,
        stages: &[Array2<f32>],
        i: usize,
        size: f64,
        x: &Array2<f32>,
        next: &Array2<f32>,
    ) -> f64 {
        let weights = tableau.error.unwrap_or(&[]);
        let stages: Vec<&[f32]> = stages.iter().map(|stage| values(stage.row(i))).collect();
        let (x, next) = (values(x.row(i)), values(next.row(i)));
        let errors = (0..x.len()).map(|d| {
            size * weights.iter().zip(&stages).map(|(w, k)| w * f64::from(k[d])).sum::<f64>()
        });
        self.control.norm(errors, x, next)
    }

    /// The grid node at time `t`, if one is there: some stops only divide phases.
    fn node_at(&self, t: f64) -> Option<usize> {
        self.sampler.plan.grid().nodes().iter().position(|&node| node == t)
    }

    fn arrive(&mut self, row: usize, node: Option<usize>, squared_speed: f64) {
        if let Some(node) = node {
            self.ledger.keep(row, node, self.x.row(row));
            if node < self.sampler.plan.grid().steps() {
                self.ledger.note_speed(row, node, squared_speed);
            }
        }
    }
}
