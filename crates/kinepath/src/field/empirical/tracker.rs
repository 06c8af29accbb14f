//! The posteriors of a batch of paths, followed from step to step.

mod groups;
mod order;
mod row;

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, Zip};

use row::{Row, Support};

use super::EmpiricalField;
use super::certificate::Certificate;
use super::latest::Latest;
use super::list::Listed;
use super::prepared::Prepared;
use super::pruning::{EulerStep, GapBound, Guarantee};
use crate::kernel::{LANES, squared_distance, vectorised};
use crate::rows::{values, values_mut};

/// Rounding error of a score up to which single precision will do.
const SCORE_ERROR: f64 = 1e-4;
/// The same after a step, by which a long one multiplies it.
const NEXT_SCORE_ERROR: f64 = 2e-3;
/// Points so many times further from the origin than from their centre have means that single
/// precision cannot tell apart.
const FAR_OFF: f64 = 50.0;
/// How far the gap at which points are dropped is at least above that of equally likely points,
/// since otherwise all of them would be dropped.
const LEAST_MARGIN: f64 = 2.0;
/// A guaranteed gap below which all points are looked at again.
const LEAST_GAP: f64 = 12.0;
/// So are they where the weight dropped, magnified by the next step, may be above this.
const NEXT_MASS: f64 = 1e-3;

/// Follows Euler paths of B samples through an empirical field.
///
/// Training points whose weight is certain to stay negligible are dropped for good, see
/// [`pruning`](super::pruning), so that a step costs less and less. States are in f64; scores and
/// means of many points in f32, of few points, and wherever f32 would not do, in f64.
pub(crate) struct Tracker<'f> {
    field: &'f EmpiricalField,
    prepared: &'f Prepared,
    /// The gap at which points are dropped before steps that magnify nothing.
    least_gap: f64,
    /// How much larger an error is in the scores after the next step.
    magnified: f64,
    /// The time of the states.
    t: f64,
    /// States, `[B, D]`, in the order of the rows.
    x: Array2<f64>,
    rows: Vec<Row>,
    /// The sample of each row, and the row of each sample.
    samples: Vec<usize>,
    places: Vec<usize>,
    regrouped: bool,
    groups: Vec<Group>,
    certificate: Certificate,
}

/// The live points of up to [`LANES`] consecutive rows: for each distinct point one bit per
/// sample.
struct Group {
    live: Vec<u32>,
}

/// A summary of one sample's posterior.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Summary {
    pub(crate) entropy: f64,
    pub(crate) effective_count: f64,
    /// Row of the training point of largest weight.
    pub(crate) top: usize,
    pub(crate) collapse: Option<f64>,
}

impl<'f> Tracker<'f> {
    /// Starts paths at states `x`, `[B, D]`, and time `t`; points are dropped at a gap of `tau`, or
    /// somewhat beyond `log N` if that is more.
    pub(crate) fn new(field: &'f EmpiricalField, x: ArrayView2<'_, f32>, t: f64, tau: f64) -> Self {
        let prepared = field.prepared();
        let count = x.nrows();
        let tau = tau.max(prepared.all.rows.ln() + LEAST_MARGIN);
        let row = |_| Row {
            support: Support::Swept,
            guarantee: Guarantee::NONE,
            latest: Latest::uniform(prepared),
            collapse: None,
        };
        let group = |first| Group {
            live: vec![u32::MAX >> (LANES - LANES.min(count - first)); prepared.all.points],
        };
        Self {
            field,
            prepared,
            least_gap: tau,
            magnified: 0.0,
            t,
            x: x.mapv(f64::from),
            rows: (0..count).map(row).collect(),
            samples: (0..count).collect(),
            places: (0..count).collect(),
            regrouped: false,
            groups: (0..count).step_by(LANES).map(group).collect(),
            certificate: Certificate::new(tau),
        }
    }

    /// Evaluates the posteriors at the present states, and writes the velocities, on which the next
    /// step goes to time `end`, into `out`.
    pub(crate) fn velocity(&mut self, end: f64, mut out: ArrayViewMut2<'_, f32>) {
        let t = self.t;
        self.magnified = self.magnification(end);
        // At t = 0 all points are alike, as they are to begin with.
        if t > 0.0 {
            self.look_again_where_too_much_is_dropped();
            self.list_where_rounding_matters();
            self.sweep();
            self.look_at_lists();
            if !self.regrouped {
                self.regroup();
                self.regrouped = true;
            }
        }
        let (prepared, places) = (self.prepared, &self.places);
        let mut errors = vec![0.0; self.rows.len()];
        let mut out: Vec<_> = places.iter().zip(out.axis_iter_mut(Axis(0))).collect();
        out.sort_unstable_by_key(|&(&place, _)| place);
        Zip::from(&mut out[..])
            .and(self.x.outer_iter())
            .and(&mut self.rows[..])
            .and(&mut errors[..])
            .par_for_each(|(_, out), x, row, error| {
                let scale = 1.0 / (1.0 - t);
                let x = values(x);
                vectorised(
                    #[inline(always)]
                    || {
                        for ((out, mean), x) in out.iter_mut().zip(&row.latest.mean).zip(x) {
                            *out = ((mean - x) * scale) as f32;
                        }
                    },
                );
                row.note_collapse(t);
                if row.guarantee.mass > 0.0 {
                    let reach = prepared.radius + distance(&row.latest.mean, &prepared.centre);
                    *error = row.guarantee.mass * reach / (1.0 - t);
                }
            });
        for (row, error) in self.rows.iter().zip(errors) {
            self.certificate.note_drops(row.guarantee.mass, error);
        }
    }

    /// Takes an Euler step to time `end` along the velocities of the latest evaluation, each times
    /// its gain.
    pub(crate) fn step(&mut self, end: f64, etas: &[f64]) {
        let (start, prepared) = (self.t, self.prepared);
        let mut needs = vec![None; self.rows.len()];
        Zip::from(self.x.axis_iter_mut(Axis(0)))
            .and(&mut self.rows[..])
            .and(&self.samples[..])
            .and(&mut needs[..])
            .par_for_each(|x, row, &sample, need| {
                let x = values_mut(x);
                let eta = etas[sample];
                let share = (end - start) * eta / (1.0 - start);
                vectorised(
                    #[inline(always)]
                    || {
                        for (x, mean) in x.iter_mut().zip(&row.latest.mean) {
                            // Exactly the mean where the whole way is gone.
                            *x = *x * (1.0 - share) + mean * share;
                        }
                    },
                );
                // At t = 0 nothing has been dropped, and nothing is evaluated from t = 1 on.
                if row.guarantee.dropped > 0.0 && start > 0.0 && end < 1.0 {
                    let step = EulerStep { start, end, eta };
                    let rounding = row.rounding(x, step, prepared);
                    let bound = GapBound::new(step, row.latest.spread(prepared), rounding);
                    row.guarantee.step(bound);
                    *need = Some(bound.need());
                }
            });
        self.t = end;
        for need in needs.into_iter().flatten() {
            self.certificate.need = self.certificate.need.max(need);
        }
    }

    /// The present states, rounded.
    pub(crate) fn states(&self) -> Array2<f32> {
        self.x.select(Axis(0), &self.places).mapv(|x| x as f32)
    }

    /// What the dropped points can have changed.
    pub(crate) fn certificate(&self) -> Certificate {
        self.certificate
    }

    /// The posterior of every sample at the latest evaluation.
    pub(crate) fn summaries(&self) -> impl Iterator<Item = Summary> {
        self.places.iter().map(|&place| {
            let Row { latest, collapse, .. } = &self.rows[place];
            Summary {
                entropy: latest.entropy.max(0.0),
                effective_count: latest.effective_count,
                top: self.prepared.first_rows[latest.top as usize],
                collapse: *collapse,
            }
        })
    }

    /// The gap at which points are dropped now: what the next step magnifies is dropped later.
    fn tau(&self) -> f64 {
        self.least_gap + self.magnified.ln_1p()
    }

    /// By how much the step to `end` magnifies an error of the mean, in units of the radius: what
    /// the mean is off, the next scores are off times u' δ and the size of the points.
    fn magnification(&self, end: f64) -> f64 {
        if end >= 1.0 {
            return 0.0;
        }
        let step = EulerStep { start: self.t, end, eta: 1.0 };
        step.after() * step.pull() * self.prepared.radius.powi(2)
    }

    /// Takes all points of those samples back whose dropped points may matter by now.
    fn look_again_where_too_much_is_dropped(&mut self) {
        for index in 0..self.rows.len() {
            let Guarantee { gap, mass, dropped } = self.rows[index].guarantee;
            let certain =
                gap >= LEAST_GAP.min(self.least_gap) && mass * (1.0 + self.magnified) <= NEXT_MASS;
            if dropped > 0.0 && !certain {
                self.look_again(index);
            }
        }
    }

    /// Takes all points of a sample back.
    fn look_again(&mut self, index: usize) {
        let row = &mut self.rows[index];
        row.support = Support::Swept;
        row.guarantee = Guarantee::NONE;
        row.latest.live = self.prepared.all;
        let bit = 1 << (index % LANES);
        self.groups[index / LANES].live.iter_mut().for_each(|live| *live |= bit);
        self.certificate.rescans += 1;
    }

    /// Lists all that is left for samples whose scores single precision cannot tell.
    fn list_where_rounding_matters(&mut self) {
        let (t, u) = (self.t, self.t / (1.0 - self.t));
        let (prepared, magnified) = (self.prepared, self.magnified);
        let [_, longest] = prepared.squared_lengths;
        let mut listed = vec![false; self.rows.len()];
        Zip::from(&mut listed[..]).and(&mut self.rows[..]).and(self.x.outer_iter()).par_for_each(
            |listed, row, x| {
                if matches!(row.support, Support::Listed(_)) {
                    return;
                }
                let x = values(x);
                let z = squared_distance(x, t, &prepared.centre).sqrt() / (1.0 - t);
                let score = u * (z * longest.sqrt() + 0.5 * u * prepared.radius.powi(2));
                let error = f64::from(f32::EPSILON) * score;
                row.latest.score_error = error;
                let next = error * (1.0 + magnified);
                // NaN is not within the limits either.
                let fits = longest.sqrt() <= FAR_OFF * prepared.radius
                    && error <= SCORE_ERROR
                    && next <= NEXT_SCORE_ERROR
                    && z.max(longest) < f64::from(f32::MAX);
                *listed = !fits;
            },
        );
        for index in (0..listed.len()).filter(|&index| listed[index]) {
            self.list(index);
        }
    }

    /// Moves what is left of a sample from its group's bits to a list.
    fn list(&mut self, index: usize) {
        let bit = 1 << (index % LANES);
        let row = &mut self.rows[index];
        let mut positions = Vec::with_capacity(row.latest.live.points);
        for (at, live) in (0..).zip(&mut self.groups[index / LANES].live) {
            if *live & bit != 0 {
                positions.push(at);
                *live &= !bit;
            }
        }
        row.latest.score_error = 0.0;
        row.support = Support::Listed(Listed::new(positions));
    }

    /// Goes through the points of all listed samples, in f64.
    fn look_at_lists(&mut self) {
        let (field, prepared, tau, t) = (self.field, self.prepared, self.tau(), self.t);
        Zip::from(&mut self.rows[..]).and(self.x.outer_iter()).par_for_each(|row, x| {
            if row.is_settled() {
                return;
            }
            if let Support::Listed(listed) = &mut row.support {
                let (latest, mass) = listed.look(values(x), t, field, prepared, tau);
                row.replace(tau, mass, latest);
            }
        });
    }
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    squared_distance(a, 1.0, b).sqrt()
}
