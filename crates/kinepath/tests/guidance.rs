//! Classifier-free guidance of fields in closed form: paths, costs, and the energies of the parts.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::atomic::{AtomicU32, Ordering};

use kinepath::field::{Condition, FieldError, GuidanceStyle, Guided, MixtureField, Null};
use kinepath::field::{TimeDomain, VelocityField};
use kinepath::gain::{Gain, Kts};
use kinepath::grid::Grid;
use kinepath::noise::noise;
use kinepath::paths::Paths;
use kinepath::plan::{Plan, Quadrature};
use kinepath::record::Record;
use kinepath::sampler::{SampleError, Sampler};
use kinepath::tableau::Tableau;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, array};
use proptest::prelude::*;

/// The label that stands for all classes.
const NULL: i64 = -1;

/// Classes and their union in closed form: label k is class k, and [`NULL`] all of them.
struct Classes {
    classes: Vec<MixtureField>,
    union: MixtureField,
    /// Rows evaluated so far.
    rows: AtomicU32,
}

impl Classes {
    /// One Gaussian a class around each of `means`.
    fn around(means: &Array2<f64>, variance: f64) -> Self {
        let count = means.nrows();
        let class = |mean: ArrayView2<'_, f64>| {
            MixtureField::isotropic(&[1.0], mean.to_owned(), &[variance]).unwrap()
        };
        Self {
            classes: means.axis_chunks_iter(Axis(0), 1).map(class).collect(),
            union: MixtureField::isotropic(
                &vec![1.0; count],
                means.clone(),
                &vec![variance; count],
            )
            .unwrap(),
            rows: AtomicU32::new(0),
        }
    }

    fn of(&self, label: i64) -> &MixtureField {
        if label == NULL { &self.union } else { &self.classes[label as usize] }
    }

    /// `‖v‖²` of one state, in f64.
    fn squared_speed(&self, label: i64, x: &[f32], t: f64) -> f64 {
        let x = ArrayView2::from_shape((1, x.len()), x).unwrap();
        let mut v = Array2::zeros(x.dim());
        self.of(label).velocity(x, &[t], Condition::None, v.view_mut()).unwrap();
        v.iter().map(|&v| f64::from(v).powi(2)).sum()
    }
}

impl VelocityField for Classes {
    fn dim(&self) -> usize {
        self.union.dim()
    }

    fn velocity(
        &self,
        x: ArrayView2<'_, f32>,
        t: &[f64],
        condition: Condition<'_>,
        mut out: ArrayViewMut2<'_, f32>,
    ) -> Result<(), FieldError> {
        condition.check(t.len())?;
        let Some(labels) = condition.labels() else { panic!("labels expected") };
        self.rows.fetch_add(t.len() as u32, Ordering::Relaxed);
        for (row, &label) in labels.iter().enumerate() {
            let (x, out) =
                (x.slice(ndarray::s![row..=row, ..]), out.slice_mut(ndarray::s![row..=row, ..]));
            self.of(label).velocity(x, &t[row..=row], Condition::None, out)?;
        }
        Ok(())
    }

    fn domain(&self) -> TimeDomain {
        self.union.domain()
    }
}

fn plan(steps: usize, tableau: Tableau, gain: Gain) -> Plan {
    Plan::fixed(Grid::uniform(steps).unwrap(), tableau, gain, Quadrature::Solver).unwrap()
}

fn adaptive(gain: Gain) -> Plan {
    Plan::adaptive(Grid::uniform(1).unwrap(), Tableau::DOPRI5, gain, 1e-6, 1e-6).unwrap()
}

fn parts() -> Record {
    Record { parts: true, ..Record::default() }
}

fn run(field: &dyn VelocityField, plan: &Plan, labels: &[i64], x0: &Array2<f32>) -> Paths {
    let sampler = Sampler::new(field, plan).unwrap().record(parts());
    sampler.condition(Condition::Labels(labels)).run(x0.view()).unwrap()
}

/// Where the flow of data N(mean, variance) takes `x` from time `s` to time `t`.
fn flow(x: f64, mean: f64, variance: f64, s: f64, t: f64) -> f64 {
    let spread = |t: f64| ((1.0 - t).powi(2) + t * t * variance).sqrt();
    t * mean + spread(t) / spread(s) * (x - s * mean)
}

/// Two Gaussians of equal variance, one for the class and one for the null condition: guidance
/// with scale w is the exact flow of a Gaussian around `μ_∅ + w (μ_c − μ_∅)`, so every path is known.
#[test]
fn guided_gaussians_move_as_one_gaussian_beyond_the_class() {
    struct Pair([MixtureField; 2]);
    impl VelocityField for Pair {
        fn dim(&self) -> usize {
            2
        }
        fn velocity(
            &self,
            x: ArrayView2<'_, f32>,
            t: &[f64],
            condition: Condition<'_>,
            mut out: ArrayViewMut2<'_, f32>,
        ) -> Result<(), FieldError> {
            for (row, &label) in condition.labels().unwrap().iter().enumerate() {
                let one = |x: ArrayView2<'_, f32>, out| {
                    self.0[label as usize].velocity(x, &t[row..=row], Condition::None, out)
                };
                let rows = ndarray::s![row..=row, ..];
                one(x.slice(rows), out.slice_mut(rows))?;
            }
            Ok(())
        }
    }
    let (variance, class, null) = (0.3, [1.0, -0.5], [0.2, 0.4]);
    let gaussian = |mean: [f64; 2]| {
        MixtureField::isotropic(&[1.0], array![[mean[0], mean[1]]], &[variance]).unwrap()
    };
    let pair = || Pair([gaussian(null), gaussian(class)]);
    let x0 = noise(3, 0..5, 2);
    let (from, to) = (0.25, 0.75);
    for scale in [0.0, 0.5, 1.0, 2.5] {
        let beyond = [0, 1].map(|d| null[d] + scale * (class[d] - null[d]));
        let always = Guided::new(pair(), Null::label(0), scale).unwrap();
        let within = Guided::new(pair(), Null::label(0), scale).unwrap();
        let within = within.interval(from, to).unwrap().style(GuidanceStyle::Calls);
        // Midpoint stages lie inside the steps, so none falls on an end of the interval.
        let plan = plan(400, Tableau::MIDPOINT, Gain::Unit);
        let (always, within) =
            (run(&always, &plan, &[1; 5], &x0), run(&within, &plan, &[1; 5], &x0));
        for row in 0..5 {
            for d in 0..2 {
                let x = f64::from(x0[[row, d]]);
                let exact = flow(x, beyond[d], variance, 0.0, 1.0);
                let apart = (f64::from(always.endpoints[[row, d]]) - exact).abs();
                assert!(apart < 2e-5, "scale {scale}: {apart}");
                let entered = flow(x, class[d], variance, 0.0, from);
                let left = flow(entered, beyond[d], variance, from, to);
                let exact = flow(left, class[d], variance, to, 1.0);
                let apart = (f64::from(within.endpoints[[row, d]]) - exact).abs();
                // The first stage at the node `from` is guided as its step is, that at `to` is too.
                assert!(apart < 5e-3 * scale.max(1.0), "scale {scale} in an interval: {apart}");
            }
        }
        assert_eq!(always.nfe, [2 * 800; 5]);
        // Of 400 steps the 200 inside have two guided stages, and the one from `to` has one.
        assert_eq!(within.nfe, [800 + 2 * 200 + 1; 5]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// One call with a doubled batch and two calls give the same paths, energies and costs, and the
    /// costs are the rows that the field has seen.
    #[test]
    fn the_style_changes_nothing_and_every_row_evaluated_is_counted(
        seed in 0u64..1000,
        method in 0usize..5,
        scale in -1.0f64..4.0,
        (from, to) in (0.0f64..0.5, 0.5f64..1.0),
    ) {
        let means = 2.0 * noise(seed, 0..3, 2).mapv(f64::from);
        let (x0, labels) = (noise(seed + 1, 0..4, 2), [0, 2, 1, 2]);
        let gain = Gain::Kts(Kts::default());
        let plan = match Tableau::ALL.get(method) {
            Some(tableau) if tableau.error.is_none() => plan(13, *tableau, gain),
            _ => adaptive(gain),
        };
        let mut results = Vec::new();
        for style in [GuidanceStyle::Doubled, GuidanceStyle::Calls] {
            let field = Classes::around(&means, 0.1);
            let guided = Guided::new(&field, Null::label(NULL), scale).unwrap().style(style);
            let paths = run(&guided.interval(from, to).unwrap(), &plan, &labels, &x0);
            prop_assert_eq!(paths.nfe.iter().sum::<u32>(), field.rows.load(Ordering::Relaxed));
            results.push(paths);
        }
        // As text, where NaN is NaN: steps of their own choosing may miss a narrow interval.
        let texts = results.iter().map(|paths| format!("{paths:?}")).collect::<Vec<_>>();
        prop_assert_eq!(&texts[0], &texts[1]);
    }
}

/// The energies of the parts are sums over the states of the path, evaluated afresh here.
#[test]
fn energies_of_the_parts_are_those_of_the_states_on_the_way() {
    let means = array![[1.0, -1.0, 0.5], [-2.0, 0.0, 1.0], [0.5, 2.0, -1.0]];
    let field = Classes::around(&means, 0.2);
    let (x0, labels, steps, scale) = (noise(9, 0..6, 3), [0, 1, 2, 2, 1, 0], 20, 2.0);
    let gain = Gain::Kts(Kts { alpha: 0.2, beta: 0.03, ..Kts::default() });
    for (from, to) in [(0.0, 1.0), (0.31, 0.72)] {
        let guided = Guided::new(&field, Null::label(NULL), scale).unwrap();
        let guided = guided.interval(from, to).unwrap();
        let plan = plan(steps, Tableau::HEUN, gain.clone());
        let record = Record { parts: true, trajectory: (0..=steps).collect(), ..Record::default() };
        let sampler = Sampler::new(&guided, &plan).unwrap().record(record);
        let paths = sampler.condition(Condition::Labels(&labels)).run(x0.view()).unwrap();
        let (states, energies) = (paths.trajectory.unwrap(), paths.parts.unwrap());
        let h = 1.0 / steps as f64;
        for (row, &label) in labels.iter().enumerate() {
            let (mut conditional, mut unconditional, mut whole) = (0.0, 0.0, 0.0);
            for i in 0..steps {
                let x = states.slice(ndarray::s![row, i, ..]).to_vec();
                let (t, next) = (i as f64 / steps as f64, (i + 1) as f64 / steps as f64);
                let velocity = |x: &[f32], t: f64| {
                    let x = Array2::from_shape_vec((1, 3), x.to_vec()).unwrap();
                    let mut v = x.clone();
                    let labels = [label];
                    let condition = Condition::Labels(&labels);
                    guided.velocity(x.view(), &[t], condition, v.view_mut()).unwrap();
                    v.into_raw_vec_and_offset().0
                };
                let first = velocity(&x, t);
                let step = h * gain.eta(t);
                let ahead: Vec<f32> = x
                    .iter()
                    .zip(&first)
                    .map(|(&x, &v)| (f64::from(x) + step * f64::from(v)) as f32)
                    .collect();
                for (x, t) in [(&x, t), (&ahead, next)] {
                    // Heun weighs both stages by one half.
                    let weight = 0.5 * h * 0.5 * gain.eta(t).powi(2);
                    conditional += weight * field.squared_speed(label, x, t);
                    if from <= t && t <= to {
                        unconditional += weight * field.squared_speed(NULL, x, t);
                    }
                    let speed: f64 = velocity(x, t).iter().map(|&v| f64::from(v).powi(2)).sum();
                    whole += weight * speed;
                }
            }
            let close = |actual: f64, expected: f64| {
                assert!((actual / expected - 1.0).abs() < 1e-5, "{actual} {expected}");
            };
            close(paths.kpe[row], whole);
            close(energies.conditional[row], conditional);
            close(energies.unconditional[row], unconditional);
        }
    }
}

#[test]
fn adaptive_and_fixed_steps_agree_on_the_energies_of_the_parts() {
    let field = Classes::around(&array![[1.0, -1.0], [-2.0, 0.5]], 0.2);
    let guided = Guided::new(&field, Null::label(NULL), 1.7).unwrap();
    let (x0, labels) = (noise(2, 0..4, 2), [0, 1, 1, 0]);
    let coarse = run(&guided, &adaptive(Gain::Unit), &labels, &x0).parts.unwrap();
    let fine = run(&guided, &plan(400, Tableau::RK4, Gain::Unit), &labels, &x0).parts.unwrap();
    for row in 0..labels.len() {
        let apart = |coarse: &[f64], fine: &[f64]| (coarse[row] / fine[row] - 1.0).abs();
        let conditional = apart(&coarse.conditional, &fine.conditional);
        let unconditional = apart(&coarse.unconditional, &fine.unconditional);
        // The tolerance is the state's, of which the energy of a part is no function.
        assert!(conditional < 1e-4 && unconditional < 1e-3, "{conditional} {unconditional}");
    }
}

#[test]
fn parts_that_do_not_exist_are_refused_or_not_numbers() {
    let field = Classes::around(&array![[1.0, -1.0]], 0.2);
    let euler = plan(4, Tableau::EULER, Gain::Unit);
    let x0 = noise(2, 0..1, 2);
    let unguided = Sampler::new(&field, &euler).unwrap().record(parts());
    let refusal = unguided.condition(Condition::Labels(&[0])).run(x0.view()).unwrap_err();
    assert_eq!(refusal, SampleError::Parts);
    // No Euler stage of four falls between t = 0.8 and 0.9.
    let guided = Guided::new(&field, Null::label(NULL), 2.0).unwrap().interval(0.8, 0.9).unwrap();
    let paths = run(&guided, &euler, &[0], &x0);
    let energies = paths.parts.unwrap();
    assert!(energies.unconditional[0].is_nan());
    assert!((energies.conditional[0] / paths.kpe[0] - 1.0).abs() < 1e-12);
    assert_eq!(paths.nfe, [4]);
}
