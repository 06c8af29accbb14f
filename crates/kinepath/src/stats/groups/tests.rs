use super::*;
use crate::stats::summary::{mean_of, mean_of_rows};

#[test]
fn one_group_draws_what_a_flat_sample_draws() {
    let settings = Bootstrap { seed: 11, ..Bootstrap::default() };
    let single = Resampling::nested(&[40]).unwrap();
    assert_eq!(single, Resampling::from(40));
    let (mut flat, mut nested) = ([0; 40], Vec::new());
    for replicate in 0..50 {
        settings.draw(replicate, &mut flat);
        single.draw(&settings, replicate, &mut nested);
        assert_eq!(nested, flat);
    }
}

#[test]
fn a_draw_is_made_of_whole_groups_each_drawn_equally_often() {
    // Sizes that name their group: no two sums of three agree but for the same groups.
    let sizes = [2, 7, 30];
    let sample = Resampling::nested(&sizes).unwrap();
    assert_eq!((sample.count(), sample.units()), (39, vec![0..2, 2..9, 9..39]));
    let settings = Bootstrap::default();
    let (mut drawn, mut first_rows) = ([0u32; 3], [0u32; 2]);
    let mut indices = Vec::new();
    for replicate in 0..3000 {
        sample.draw(&settings, replicate, &mut indices);
        let mut rest = indices.as_slice();
        for _ in 0..3 {
            let group = sample.groups.iter().position(|rows| rows.contains(&rest[0])).unwrap();
            let (own, others) = rest.split_at(sizes[group]);
            assert!(own.iter().all(|row| sample.groups[group].contains(row)));
            drawn[group] += 1;
            if group == 0 {
                own.iter().for_each(|&row| first_rows[row] += 1);
            }
            rest = others;
        }
        assert!(rest.is_empty());
    }
    // Binomial(9000, ⅓), sd 45; about Binomial(6000, ½), sd 39: five standard deviations.
    assert!(drawn.iter().all(|count| count.abs_diff(3000) < 225), "{drawn:?}");
    assert!(first_rows[0].abs_diff(first_rows[1]) < 400, "{first_rows:?}");
}

#[test]
fn variance_of_a_mean_has_both_levels() {
    let values: Vec<f64> =
        (0..40).map(|i| f64::from(i / 10).powi(2) + (f64::from(i * i) * 0.618).sin()).collect();
    let settings = Bootstrap { resamples: 20_000, ..Bootstrap::default() };
    let sample = Resampling::nested(&[10; 4]).unwrap();
    let replicates = settings.replicates(sample, |rows| mean_of_rows(&values, rows)).unwrap();
    // Given the data: (variance of the group means + mean of the groups' variances / b) / G.
    let variance = |values: &[f64]| {
        let mean = mean_of(values.iter().copied());
        mean_of(values.iter().map(|value| (value - mean).powi(2)))
    };
    let means: Vec<f64> = values.chunks(10).map(|group| mean_of(group.iter().copied())).collect();
    let within = mean_of(values.chunks(10).map(variance));
    let expected = ((variance(&means) + within / 10.0) / 4.0).sqrt();
    // The error of a standard deviation of 20 000 draws is about 0.5 %.
    assert!((replicates.standard_error() / expected - 1.0).abs() < 0.02);
}

#[test]
fn refuses_samples_without_rows() {
    assert_eq!(
        Resampling::nested(&[]).unwrap_err(),
        StatsError::TooFew { what: "a nested sample", needed: 1, actual: 0 }
    );
    assert_eq!(Resampling::nested(&[4, 0, 2]).unwrap_err(), StatsError::EmptyGroup { group: 1 });
    let error = Bootstrap::default().replicates(Resampling::flat(0), |_| 0.0).unwrap_err();
    assert_eq!(error, StatsError::TooFew { what: "a bootstrap", needed: 2, actual: 0 });
}

#[test]
fn a_subset_keeps_groups_together_and_otherwise_its_order() {
    let sample = Resampling::nested(&[3, 2, 4]).unwrap();
    let (own, rows) = sample.subset(&[8, 1, 5, 0, 7]).unwrap();
    assert_eq!(rows, [1, 0, 8, 5, 7], "the second group has none of them");
    assert_eq!(own, Resampling::nested(&[2, 3]).unwrap());
    let (flat, rows) = Resampling::flat(9).subset(&[8, 1, 5]).unwrap();
    assert_eq!((flat, rows), (Resampling::flat(3), vec![8, 1, 5]));
    assert_eq!(sample.subset(&[2, 9]).unwrap_err(), StatsError::NoSuchRow { row: 9, count: 9 });
    assert!(matches!(sample.subset(&[]).unwrap_err(), StatsError::TooFew { .. }));
}

#[test]
fn a_draw_is_a_sample_of_the_groups_drawn() {
    let sizes = [2, 7, 30];
    let sample = Resampling::nested(&sizes).unwrap();
    let mut rows = Vec::new();
    for replicate in 0..50 {
        sample.draw(&Bootstrap::default(), replicate, &mut rows);
        let drawn = sample.of_draw(&rows);
        assert_eq!((drawn.groups.len(), drawn.count()), (3, rows.len()));
        for places in &drawn.groups {
            let group = sample.group_of(rows[places.start]);
            assert_eq!(places.len(), sizes[group]);
            assert!(places.clone().all(|place| sample.group_of(rows[place]) == group));
        }
    }
    Resampling::flat(5).draw(&Bootstrap::default(), 0, &mut rows);
    assert_eq!(Resampling::flat(5).of_draw(&rows), Resampling::flat(5));
    assert_eq!(sample.of_draw(&[100, 3]).count(), 2, "no row of the sample");
}

#[test]
fn influences_tell_the_variance_of_resamples() {
    // The difference between two means over rows of every group, with effects of group and part.
    let sizes = [20, 30, 10, 40];
    let sample = Resampling::nested(&sizes).unwrap();
    let value = |row: usize| {
        let group = sample.group_of(row) as f64;
        (group * 1.7).sin() * [1.0, -0.4][row % 2] + ((row * row) as f64).cos()
    };
    let part = |odd: usize| -> Vec<usize> { (odd..100).step_by(2).collect() };
    let mean = |rows: &[usize]| mean_of(rows.iter().map(|&row| value(row)));
    let (even, odd) = (mean(&part(0)), mean(&part(1)));
    let influence = |row: usize| match row % 2 {
        0 => (value(row) - even) / 50.0,
        _ => -(value(row) - odd) / 50.0,
    };
    let influences: Vec<f64> = (0..100).map(influence).collect();
    let alone: f64 = influences.iter().map(|u| u * u).sum();
    let between = sample.variance_between(&influences).unwrap();
    assert!(between > alone, "{between} {alone}");
    // The linear statistic itself, whose resamples have exactly this variance.
    let settings = Bootstrap { resamples: 20_000, ..Bootstrap::default() };
    let linear = |rows: &[usize]| rows.iter().map(|&row| influences[row]).sum();
    let error = settings.replicates(sample, linear).unwrap().standard_error();
    assert!((error / (alone + between).sqrt() - 1.0).abs() < 0.02, "{error}");
    assert_eq!(Resampling::flat(100).variance_between(&influences).unwrap(), 0.0);
    assert!(matches!(
        Resampling::flat(99).variance_between(&influences).unwrap_err(),
        StatsError::LengthMismatch { expected: 99, actual: 100, .. }
    ));
}
