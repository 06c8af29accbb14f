//! Invariants of sampling: energies, phases, recordings, independence of the batch, bad input.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::ops::ControlFlow;

use kinepath::field::{Condition, EmpiricalField, FnField, Guided, MixtureField, Null, TimeDomain};
use kinepath::field::{FieldError, VelocityField};
use kinepath::gain::{Gain, Governed, Kts, Shape};
use kinepath::grid::Grid;
use kinepath::noise::noise;
use kinepath::plan::{Plan, Quadrature, Schedule};
use kinepath::record::Record;
use kinepath::sampler::{SampleError, Sampler};
use kinepath::tableau::Tableau;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, array, s};
use proptest::prelude::*;

fn mixture(seed: u64, dim: usize) -> MixtureField {
    let means = 2.0 * noise(seed, 0..3, dim).mapv(f64::from);
    MixtureField::isotropic(&[0.5, 0.3, 0.2], means, &[0.05, 0.2, 0.4]).unwrap()
}

fn fixed(grid: Grid, tableau: Tableau, gain: Gain) -> Plan {
    Plan::fixed(grid, tableau, gain, Quadrature::Solver).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Jensen's inequality, exact for every tableau with b ≥ 0 under every gain, and the phases add
    /// up.
    #[test]
    fn energy_is_at_least_that_of_the_straight_line(
        seed in 0u64..10_000,
        dim in 1usize..6,
        steps in 1usize..30,
        method in 0usize..4,
        family in 0usize..3,
        alpha in 0.0f64..0.5,
        beta in 0.0f64..0.05,
        ceiling in prop::option::of((0.1f64..30.0, 0.1f64..30.0, 0.0f64..2.0)),
    ) {
        let tableau = Tableau::ALL[method];
        prop_assert!(tableau.b.iter().all(|&b| b >= 0.0));
        let grid = match family {
            0 => Grid::uniform(steps),
            1 => Grid::cosine(steps),
            _ => Grid::shifted(steps, 3.0),
        }.unwrap();
        let gain = match ceiling {
            None => Gain::Kts(Kts { alpha, beta, ..Kts::default() }),
            Some((first, last, strength)) => Gain::Governed(Governed {
                quantile: 0.9,
                strength,
                split: 0.6,
                ceiling: vec![(0.6, first), (1.0, last)],
            }),
        };
        let plan = fixed(grid, tableau, gain);
        let field = mixture(seed, dim);
        let x0 = noise(seed, 0..3, dim);
        let paths = Sampler::new(&field, &plan).unwrap().run(x0.view()).unwrap();
        for i in 0..3 {
            // Every step rounds the state to f32, which moves the endpoint by up to this much; the
            // path never leaves the ball around its start whose radius is its length.
            let length = (2.0 * paths.kpe[i]).sqrt();
            let size = x0.row(i).iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt() + length;
            let moved = 1e-7 * (steps + 1) as f64 * size;
            let slack = moved * (length + moved) + 1e-6 * paths.kpe[i];
            prop_assert!(paths.excess()[i] >= -slack);
            let efficiency = paths.efficiency()[i];
            prop_assert!(0.0 <= efficiency && efficiency <= 1.0 + slack / paths.kpe[i]);
            prop_assert!((paths.launch[i] + paths.landing[i] - paths.kpe[i]).abs() <= 1e-12 * paths.kpe[i]);
            prop_assert!(paths.terminal[i] <= paths.kpe[i] * (1.0 + 1e-12));
            prop_assert_eq!(paths.nfe[i] as usize, steps * tableau.stages());
        }
    }
}

/// At a constant velocity the share of the energy after t = 0.95 is that of the time, wherever the
/// nodes are.
#[test]
fn the_terminal_spike_does_not_depend_on_where_the_nodes_are() {
    let field = FnField::new(3, |_, _, mut out| out.fill(1.5));
    for grid in [
        Grid::uniform(1).unwrap(),
        Grid::uniform(10).unwrap(),
        Grid::uniform(20).unwrap(),
        Grid::uniform(19).unwrap(),
        Grid::cosine(7).unwrap(),
        Grid::shifted(28, 3.0).unwrap(),
        Grid::shifted(28, 0.1).unwrap(),
    ] {
        for tableau in [Tableau::EULER, Tableau::HEUN, Tableau::RK4] {
            let plan = fixed(grid.clone(), tableau, Gain::Unit);
            let paths = Sampler::new(&field, &plan).unwrap().run(noise(0, 0..2, 3).view()).unwrap();
            for spike in paths.terminal_spike() {
                assert!((spike - 0.05).abs() < 1e-12, "{spike}");
            }
        }
    }
}

#[test]
fn trajectory_nodes_must_increase() {
    let field = mixture(1, 2);
    let plan = fixed(Grid::uniform(5).unwrap(), Tableau::EULER, Gain::Unit);
    for trajectory in [vec![4, 2], vec![5, 5]] {
        let record = Record { trajectory, ..Record::default() };
        let sampler = Sampler::new(&field, &plan).unwrap().record(record);
        let error = sampler.run(noise(0, 0..2, 2).view()).unwrap_err();
        assert!(matches!(error, SampleError::NodeOrder { .. }), "{error}");
    }
}

#[test]
fn an_adaptive_plan_sees_a_table_that_is_negative_between_any_two_times() {
    let gain = Gain::table(vec![(0.0, 1.0), (0.4006, 1.0), (0.4009, -1.0), (0.4012, 1.0)]).unwrap();
    let grid = || Grid::uniform(1).unwrap();
    assert!(Plan::adaptive(grid(), Tableau::DOPRI5, gain, 1e-5, 1e-5).is_err());
}

/// Every row must come out the same alone, in another batch, and beside mates that need many steps.
#[test]
fn adaptive_paths_do_not_depend_on_batch_mates() {
    // Row-wise arithmetic, so that nothing but step control could couple the rows.
    let field = FnField::new(2, |x, t, mut out| {
        for ((mut out, x), t) in out.outer_iter_mut().zip(x.outer_iter()).zip(t) {
            let stiffness = 1.0 + 200.0 * x[1].abs();
            out[0] = (stiffness * (*t as f32).sin() - stiffness * x[0]).clamp(-1e3, 1e3);
            out[1] = 0.0;
        }
    });
    let gain = Gain::Kts(Kts { alpha: 0.2, landing: Shape::Linear, ..Kts::default() });
    let plan =
        Plan::adaptive(Grid::uniform(1).unwrap(), Tableau::DOPRI5, gain, 1e-4, 1e-4).unwrap();
    let x0 = noise(4, 0..40, 2);
    let sampler = Sampler::new(&field, &plan).unwrap();
    let all = sampler.run(x0.view()).unwrap();
    let nfe: std::collections::BTreeSet<u32> = all.nfe.iter().copied().collect();
    assert!(nfe.len() > 5, "the rows should differ in cost: {nfe:?}");
    for i in 0..40 {
        let one = sampler.run(x0.slice(s![i..i + 1, ..])).unwrap();
        assert_eq!(one.endpoints.row(0), all.endpoints.row(i));
        assert_eq!((one.kpe[0], one.nfe[0]), (all.kpe[i], all.nfe[i]));
    }
}

#[test]
fn adaptive_and_fine_fixed_steps_agree_under_a_gain() {
    let field = mixture(8, 4);
    let gain = || Gain::Kts(Kts { alpha: 0.3, beta: 0.03, ..Kts::default() });
    let x0 = noise(1, 0..20, 4);
    let fine = fixed(Grid::uniform(500).unwrap(), Tableau::RK4, gain());
    let fine = Sampler::new(&field, &fine).unwrap().run(x0.view()).unwrap();
    let plan =
        Plan::adaptive(Grid::uniform(4).unwrap(), Tableau::DOPRI5, gain(), 1e-6, 1e-6).unwrap();
    let record =
        Record { profile: true, energy_map: true, trajectory: vec![0, 2, 4], ..Record::default() };
    let free = Sampler::new(&field, &plan).unwrap().record(record).run(x0.view()).unwrap();
    for i in 0..20 {
        let gap = (&free.endpoints.row(i) - &fine.endpoints.row(i)).mapv(f32::abs).sum();
        assert!(gap < 1e-3, "endpoint {i} differs by {gap}");
        assert!((free.kpe[i] - fine.kpe[i]).abs() < 1e-3 * fine.kpe[i]);
        assert!((free.launch[i] - fine.launch[i]).abs() < 1e-3 * fine.kpe[i]);
        assert!((free.terminal[i] - fine.terminal[i]).abs() < 1e-3 * fine.kpe[i]);
        let map = f64::from(free.energy_map.as_ref().unwrap().row(i).sum());
        assert!((map - free.kpe[i]).abs() < 1e-5 * map);
        let trajectory = free.trajectory.as_ref().unwrap();
        assert_eq!(trajectory.slice(s![i, 0, ..]), x0.row(i));
        assert_eq!(trajectory.slice(s![i, 2, ..]), free.endpoints.row(i));
    }
}

#[test]
fn recordings_are_consistent_with_the_energies() {
    let field = mixture(3, 5);
    let plan =
        fixed(Grid::cosine(12).unwrap(), Tableau::EULER, Gain::Ssc { alpha: 0.2, power: 2.0 });
    let x0 = noise(9, 0..7, 5);
    let record = Record {
        profile: true,
        energy_map: true,
        trajectory: (0..=12).collect(),
        ..Record::default()
    };
    let paths = Sampler::new(&field, &plan).unwrap().record(record).run(x0.view()).unwrap();
    let Schedule::Fixed(steps) = plan.schedule() else { panic!() };
    let (profile, map) = (paths.profile.unwrap(), paths.energy_map.unwrap());
    let trajectory = paths.trajectory.unwrap();
    for i in 0..7 {
        let from_profile: f64 =
            steps.iter().zip(profile.row(i)).map(|(step, speed)| 0.5 * step.size * speed).sum();
        assert!((from_profile - paths.kpe[i]).abs() < 1e-12 * paths.kpe[i]);
        assert!((f64::from(map.row(i).sum()) - paths.kpe[i]).abs() < 1e-5 * paths.kpe[i]);
        // Euler's steps are straight: their displacements give the energy back.
        let from_path: f64 = (0..12)
            .map(|k| {
                let step = &trajectory.slice(s![i, k + 1, ..]) - &trajectory.slice(s![i, k, ..]);
                0.5 * step.mapv(|d| f64::from(d).powi(2)).sum() / steps[k].size
            })
            .sum();
        assert!((from_path - paths.kpe[i]).abs() < 1e-4 * paths.kpe[i]);
    }
}

#[test]
fn the_batch_changes_nothing_but_rounding() {
    let points = noise(77, 0..300, 30);
    let field = EmpiricalField::new(points).unwrap();
    let plan = fixed(Grid::uniform(20).unwrap(), Tableau::EULER, Gain::Unit);
    let sampler = Sampler::new(&field, &plan).unwrap();
    let x0 = noise(5, 0..90, 30);
    let all = sampler.run(x0.view()).unwrap();
    assert_eq!(all, sampler.run(x0.view()).unwrap());
    for start in (0..90).step_by(7) {
        let end = (start + 7).min(90);
        let part = sampler.run(x0.slice(s![start..end, ..])).unwrap();
        for i in start..end {
            assert!((part.kpe[i - start] - all.kpe[i]).abs() <= 1e-5 * all.kpe[i]);
        }
    }
}

#[test]
fn the_layout_of_the_noise_changes_nothing() {
    let points = noise(77, 0..300, 30);
    let exact = EmpiricalField::new(points.t().as_standard_layout().t().to_owned()).unwrap();
    assert_eq!(exact.points(), points);
    let mixture = mixture(3, 30);
    let x0 = noise(5, 0..40, 30);
    let transposed = x0.t().as_standard_layout().into_owned();
    let mut backwards = x0.clone();
    backwards.invert_axis(Axis(1));
    let backwards = backwards.as_standard_layout().into_owned();
    let euler = fixed(Grid::uniform(20).unwrap(), Tableau::EULER, Gain::Unit);
    let grid = Grid::uniform(4).unwrap();
    let adaptive = Plan::adaptive(grid, Tableau::DOPRI5, Gain::Unit, 1e-4, 1e-4).unwrap();
    // Followed, in fixed steps, and in steps of its own choice.
    let executors: [(&dyn VelocityField, &Plan); 3] =
        [(&exact, &euler), (&mixture, &euler), (&mixture, &adaptive)];
    for (field, plan) in executors {
        let sampler = Sampler::new(field, plan).unwrap();
        let paths = sampler.run(x0.view()).unwrap();
        assert_eq!(sampler.run(transposed.t()).unwrap(), paths);
        assert_eq!(sampler.run(backwards.slice(s![.., ..;-1])).unwrap(), paths);
    }
}

#[test]
fn the_empirical_flow_ends_on_training_points() {
    let points = noise(21, 0..50, 16);
    let field = EmpiricalField::new(points.clone()).unwrap();
    let plan = fixed(Grid::uniform(50).unwrap(), Tableau::EULER, Gain::Unit);
    let paths = Sampler::new(&field, &plan).unwrap().run(noise(0, 0..20, 16).view()).unwrap();
    for endpoint in paths.endpoints.outer_iter() {
        let nearest = points
            .axis_iter(Axis(0))
            .map(|p| (&p - &endpoint).mapv(|d| d * d).sum())
            .fold(f32::INFINITY, f32::min);
        assert!(nearest < 1e-8, "{nearest}");
    }
}

/// A field that is `−label·x`, with two evaluations' worth of guidance around it.
struct Labelled;

impl VelocityField for Labelled {
    fn dim(&self) -> usize {
        1
    }

    fn velocity(
        &self,
        x: ArrayView2<'_, f32>,
        _t: &[f64],
        condition: Condition<'_>,
        mut out: ArrayViewMut2<'_, f32>,
    ) -> Result<(), FieldError> {
        let Condition::Labels(labels) = condition else {
            return Err(FieldError::Condition("labels expected".into()));
        };
        for ((out, x), &label) in out.iter_mut().zip(x).zip(labels) {
            *out = -(label as f32) * x;
        }
        Ok(())
    }
}

#[test]
fn guidance_counts_twice_and_labels_follow_their_rows() {
    let guided = Guided::new(Labelled, Null::label(0), 2.0).unwrap();
    let x0 = array![[1.0f32], [1.0], [1.0]];
    let labels = [0, 1, 2];
    for plan in [
        fixed(Grid::uniform(400).unwrap(), Tableau::HEUN, Gain::Unit),
        Plan::adaptive(Grid::uniform(1).unwrap(), Tableau::DOPRI5, Gain::Unit, 1e-5, 1e-6).unwrap(),
    ] {
        let paths = Sampler::new(&guided, &plan)
            .unwrap()
            .condition(Condition::Labels(&labels))
            .run(x0.view())
            .unwrap();
        for (i, endpoint) in paths.endpoints.iter().enumerate() {
            let expected = (-2.0 * labels[i] as f64).exp();
            assert!((f64::from(*endpoint) - expected).abs() < 1e-4, "{endpoint} {expected}");
        }
        assert!(paths.nfe.iter().all(|nfe| nfe % 2 == 0));
        if let Some(nfe) = plan.nfe() {
            assert_eq!(paths.nfe, vec![2 * nfe as u32; 3]);
        }
    }
}

#[test]
fn bad_input_is_named() {
    let plan = |tableau| fixed(Grid::uniform(10).unwrap(), tableau, Gain::Unit);
    let heun = plan(Tableau::HEUN);
    let empirical = EmpiricalField::new(array![[1.0f32], [2.0]]).unwrap();
    assert_eq!(
        Sampler::new(&empirical, &heun).err(),
        Some(SampleError::Domain { method: "heun", t: 1.0 })
    );
    let from_above = FnField::new(1, |_, _, _| {}).on(TimeDomain::OPEN_START);
    let error = Sampler::new(&from_above, &heun).err().unwrap().to_string();
    assert!(error.contains("start the time grid above 0"), "{error}");

    let explodes = FnField::new(1, |_, t, mut out: ArrayViewMut2<'_, f32>| {
        out.fill(0.0);
        out[[1, 0]] = if t[1] > 0.45 { f32::NAN } else { 0.0 };
    });
    let euler = plan(Tableau::EULER);
    let sampler = Sampler::new(&explodes, &euler).unwrap().first_index(100);
    assert_eq!(
        sampler.run(Array2::zeros((3, 1)).view()),
        Err(SampleError::Velocity { sample: 101, step: 5, t: 0.5 })
    );
    let gathered = Sampler::new(&explodes, &euler).unwrap().indices(&[4, 9, 2]);
    assert_eq!(
        gathered.run(Array2::zeros((3, 1)).view()),
        Err(SampleError::Velocity { sample: 9, step: 5, t: 0.5 })
    );
    assert_eq!(
        sampler.run(array![[0.0], [0.0], [f32::INFINITY]].view()),
        Err(SampleError::Noise { sample: 102 })
    );
    assert_eq!(
        sampler.run(Array2::zeros((3, 2)).view()),
        Err(SampleError::Dimension { actual: 2, expected: 1 })
    );
    let beyond = Record { trajectory: vec![11], ..Record::default() };
    assert_eq!(
        sampler.record(beyond).run(Array2::zeros((2, 1)).view()),
        Err(SampleError::Node { node: 11, steps: 10 })
    );

    let mut calls = 0;
    let still = FnField::new(1, |_, _, mut out| out.fill(0.0));
    let stopped = Sampler::new(&still, &euler).unwrap().run_observed(
        Array2::zeros((2, 1)).view(),
        &mut |_| {
            calls += 1;
            if calls == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        },
    );
    assert_eq!((stopped, calls), (Err(SampleError::Interrupted), 3));

    let jumps = FnField::new(1, |_, t, mut out: ArrayViewMut2<'_, f32>| {
        out.fill(if t[0] < 0.5 { 0.0 } else { 1e30 });
    });
    let tight =
        Plan::adaptive(Grid::uniform(1).unwrap(), Tableau::DOPRI5, Gain::Unit, 0.0, 1e-12).unwrap();
    assert!(matches!(
        Sampler::new(&jumps, &tight).unwrap().run(Array2::zeros((1, 1)).view()),
        Err(SampleError::Stalled { sample: 0, .. })
    ));
}

#[test]
fn no_samples_are_no_work() {
    let field = mixture(0, 2);
    for plan in [
        fixed(Grid::uniform(3).unwrap(), Tableau::RK4, Gain::Unit),
        Plan::adaptive(Grid::uniform(1).unwrap(), Tableau::DOPRI5, Gain::Unit, 1e-4, 0.0).unwrap(),
    ] {
        let paths = Sampler::new(&field, &plan).unwrap().run(Array2::zeros((0, 2)).view()).unwrap();
        assert!(paths.is_empty() && paths.endpoints.nrows() == 0);
    }
}
