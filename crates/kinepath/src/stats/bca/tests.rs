use super::*;
use proptest::prelude::*;

fn replicates(estimate: f64, values: &[f64]) -> Replicates {
    Replicates::of(estimate, values.to_vec()).unwrap()
}

#[test]
fn without_bias_and_acceleration_it_is_the_percentile_interval() {
    let values: Vec<f64> = (0..=400).map(|i| f64::from(i - 200)).collect();
    let symmetric = replicates(0.0, &values);
    let settings = Bootstrap { level: 0.9, ..Bootstrap::default() };
    let corrected = settings.bca_interval(&symmetric, Acceleration(0.0)).unwrap();
    let percentile = settings.percentile_interval(&symmetric);
    assert!((corrected.low - percentile.low).abs() < 1.0e-9);
    assert!((corrected.high - percentile.high).abs() < 1.0e-9);
}

#[test]
fn replicates_on_one_side_are_refused_and_ties_are_not() {
    let settings = Bootstrap::default();
    let run = |values: &[f64]| settings.bca_interval(&replicates(0.3, values), Acceleration(0.0));
    let refused = Err(StatsError::OneSided { estimate: 0.3, resamples: 3 });
    assert_eq!(run(&[0.4, 0.5, 0.6]), refused);
    assert_eq!(run(&[0.0, 0.1, 0.2]), refused);
    let tied = run(&[0.1 + 0.2, 0.5, 0.6]).unwrap();
    assert!(tied.low <= tied.high && tied.high < 0.6);
}

#[test]
fn beyond_the_pole_an_end_is_the_extreme_replicate() {
    let values: Vec<f64> = (0..=100).map(|i| f64::from(i - 50)).collect();
    let run = |acceleration| {
        let settings = Bootstrap { level: 0.99, ..Bootstrap::default() };
        settings.bca_interval(&replicates(0.0, &values), Acceleration(acceleration)).unwrap()
    };
    // z is ±2.58, so that the pole lies within it.
    assert_eq!(run(0.5).high, 50.0);
    assert_eq!(run(-0.5).low, -50.0);
    // The limit from this side of it.
    assert!(run(0.38).high > 49.99);
}

#[test]
fn a_constant_column_has_a_point_and_no_acceleration() {
    // Not a sum of powers of two: means over different counts differ by rounding.
    let values = [0.1; 30];
    let point = Interval { estimate: 0.1, low: 0.1, high: 0.1 };
    let flat = mean_bca_interval(&values, &Bootstrap::default()).unwrap();
    let groups = Resampling::nested(&[5, 7, 18]).unwrap();
    let nested =
        bca_interval(groups, &Bootstrap::default(), |rows| mean_of_rows(&values, rows)).unwrap();
    for interval in [flat, nested] {
        assert!((interval.low - point.low).abs() < 1.0e-15, "{interval:?}");
        assert!((interval.high - point.high).abs() < 1.0e-15, "{interval:?}");
    }
    assert_eq!(Acceleration::of_mean(&values).unwrap().value(), 0.0);
    let mean = |rows: &[usize]| mean_of_rows(&values, rows);
    assert_eq!(Acceleration::jackknife(30, mean).unwrap().value(), 0.0);
}

#[test]
fn a_nested_sample_is_jackknifed_by_group() {
    let values = [1.0, 2.0, 3.0, 10.0, 0.0, 7.0, 4.0];
    let groups = Resampling::nested(&[2, 1, 4]).unwrap();
    let own = Acceleration::jackknife(groups, |rows| mean_of_rows(&values, rows)).unwrap();
    // Means without the first, second and third group: 24/5, 24/6, 6/3.
    let without: [f64; 3] = [24.0 / 5.0, 4.0, 2.0];
    let mean = mean_of(without.into_iter());
    let sum = |power| without.iter().map(|value| (mean - value).powi(power)).sum::<f64>();
    assert!((own.value() - sum(3) / (6.0 * sum(2).powf(1.5))).abs() < 1.0e-14);
}

#[test]
fn leaving_out_may_undefine_a_statistic_only_rarely() {
    let needs = |least: usize| {
        move |rows: &[usize]| {
            if (0..least).all(|row| rows.contains(&row)) { rows[0] as f64 } else { f64::NAN }
        }
    };
    assert!(Acceleration::jackknife(20, needs(2)).is_ok());
    assert_eq!(
        Acceleration::jackknife(20, needs(3)).unwrap_err(),
        StatsError::UndefinedReplicates { undefined: 3, resamples: 20 }
    );
}

#[test]
fn the_unit_of_a_column_does_not_matter_to_its_acceleration() {
    let column = [0.0, 1.0, 2.0, 9.0];
    let of = |unit: f64| Acceleration::of_mean(&column.map(|v| v * unit)).unwrap().value();
    for unit in [1.0e-200, 1.0e200] {
        assert!((of(unit) - of(1.0)).abs() < 1.0e-12);
    }
    assert!((of(-1.0) + of(1.0)).abs() < 1.0e-15);
    assert_eq!(Acceleration::of_mean(&[f64::MAX, f64::MAX, 0.0]).unwrap().value(), 0.0);
}

#[test]
fn refuses_bad_columns() {
    let column = "the column".to_owned();
    assert_eq!(
        mean_bca_interval(&[1.0, f64::NAN], &Bootstrap::default()).unwrap_err(),
        StatsError::NotANumber { column, row: 1 }
    );
    assert_eq!(
        Acceleration::of_mean(&[]).unwrap_err(),
        StatsError::TooFew { what: "a mean", needed: 1, actual: 0 }
    );
    assert_eq!(
        Acceleration::jackknife(1, |_| 0.0).unwrap_err(),
        StatsError::TooFew { what: "a jackknife", needed: 2, actual: 1 }
    );
}

proptest! {
    #[test]
    fn the_mean_needs_no_jackknife(values in proptest::collection::vec(-1.0e3f64..1.0e3, 2..40)) {
        let closed = Acceleration::of_mean(&values).unwrap().value();
        let mean = |rows: &[usize]| mean_of_rows(&values, rows);
        let evaluated = Acceleration::jackknife(values.len(), mean).unwrap().value();
        prop_assert!((closed - evaluated).abs() < 1.0e-8, "{} and {}", closed, evaluated);
    }

    #[test]
    fn ends_are_ordered_and_among_the_replicates(
        values in proptest::collection::vec(-10i32..10, 1..60), a in -0.2f64..0.2,
    ) {
        let values: Vec<f64> = values.into_iter().map(f64::from).collect();
        let settings = Bootstrap::default();
        let Ok(interval) = settings.bca_interval(&replicates(0.0, &values), Acceleration(a)) else {
            return Ok(());
        };
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        prop_assert!(least <= interval.low && interval.low <= interval.high);
        prop_assert!(interval.high <= most);
    }
}
