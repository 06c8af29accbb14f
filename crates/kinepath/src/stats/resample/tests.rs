use super::*;

fn mean_of(values: &[f64]) -> impl Fn(&[usize]) -> f64 + Sync + '_ {
    |rows| rows.iter().map(|&row| values[row]).sum::<f64>() / rows.len() as f64
}

#[test]
fn interval_of_a_mean_matches_the_normal_approximation() {
    let values: Vec<f64> = (0..400).map(|i| f64::from(i % 20)).collect();
    let settings = Bootstrap { resamples: 4000, seed: 7, level: 0.95 };
    let interval = bootstrap(values.len(), &settings, mean_of(&values)).unwrap();
    // Uniform on 0..20: variance (20² − 1) / 12.
    let half = 1.96 * (399.0f64 / 12.0 / 400.0).sqrt();
    assert!((interval.estimate - 9.5).abs() < 1.0e-12);
    assert!((interval.low - (9.5 - half)).abs() < 0.05 * half);
    assert!((interval.high - (9.5 + half)).abs() < 0.05 * half);
}

#[test]
fn same_seed_same_interval_on_any_thread_count() {
    let values: Vec<f64> = (0..50).map(|i| f64::from(i).sin()).collect();
    let run = |threads, seed| {
        let settings = Bootstrap { seed, ..Bootstrap::default() };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| bootstrap(50, &settings, mean_of(&values)).unwrap())
    };
    assert_eq!(run(1, 3), run(4, 3));
    assert_ne!(run(1, 3), run(1, 4));
}

#[test]
fn every_index_is_drawn_equally_often() {
    let settings = Bootstrap::default();
    let mut counts = [0u32; 10];
    let mut indices = [0; 10];
    for replicate in 0..2000 {
        settings.draw(replicate, &mut indices);
        indices.iter().for_each(|&index| counts[index] += 1);
    }
    // Binomial(20000, 0.1): five standard deviations are 212.
    assert!(counts.iter().all(|&count| count.abs_diff(2000) < 212), "{counts:?}");
}

#[test]
fn undefined_replicates_are_counted_and_refused_when_many() {
    let settings = Bootstrap { resamples: 500, ..Bootstrap::default() };
    let missing = |absent: usize| {
        move |rows: &[usize]| if rows.iter().any(|&row| row < absent) { 1.0 } else { f64::NAN }
    };
    let few = settings.replicates(20, missing(4)).unwrap();
    assert!(few.undefined > 0 && few.values.len() + few.undefined == 500);
    let error = settings.replicates(20, missing(1)).unwrap_err();
    assert!(matches!(error, StatsError::UndefinedReplicates { resamples: 500, .. }));
    let error = settings.replicates(20, |_| f64::NAN).unwrap_err();
    assert_eq!(error, StatsError::Undefined { values: 20 });
}

#[test]
fn refuses_bad_settings() {
    let run = |settings: Bootstrap, count| settings.replicates(count, |_| 0.0).unwrap_err();
    let settings = Bootstrap::default();
    assert_eq!(run(settings, 1), StatsError::TooFew { what: "a bootstrap", needed: 2, actual: 1 });
    assert_eq!(run(Bootstrap { resamples: 0, ..settings }, 5), StatsError::NoResamples);
    assert_eq!(
        run(Bootstrap { level: 1.0, ..settings }, 5),
        StatsError::NotAProbability { what: "level", actual: 1.0 }
    );
}

#[test]
fn interval_survives_json() {
    let interval = Interval { estimate: 0.1 + 0.2, low: -1.0e-300, high: 7.0 };
    let text = serde_json::to_string(&interval).unwrap();
    assert_eq!(serde_json::from_str::<Interval>(&text).unwrap(), interval);
}
