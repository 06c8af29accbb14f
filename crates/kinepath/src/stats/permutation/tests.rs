use super::*;
use proptest::prelude::*;

fn mean_with_signs(magnitudes: &[f64], pattern: usize) -> f64 {
    let signed = magnitudes.iter().enumerate();
    mean_of(signed.map(|(i, &value)| if pattern >> i & 1 == 1 { -value } else { value }))
}

#[test]
fn p_value_by_hand() {
    assert_eq!(permutation_p_value(2.0, &[1.0, -2.0, 2.5]), 3.0 / 4.0);
    assert_eq!(permutation_p_value(-2.0, &[1.0, -1.0, 0.0]), 1.0 / 4.0);
    assert_eq!(permutation_p_value(0.0, &[0.0, 5.0]), 1.0);
    // 0.1 + 0.2 and 0.3 are one value.
    assert_eq!(permutation_p_value(0.1 + 0.2, &[0.3, -0.3]), 1.0);
}

#[test]
fn every_pair_swaps_half_of_the_time() {
    let settings = PairedPermutation::default();
    let (mut counts, mut together) = ([0u32; 8], 0u32);
    let mut swapped = [false; 8];
    for replicate in 0..4000 {
        settings.draw(replicate, &mut swapped);
        counts.iter_mut().zip(&swapped).for_each(|(count, &swap)| *count += u32::from(swap));
        together += u32::from(swapped[0] == swapped[1]);
    }
    // Binomial(4000, ½): five standard deviations are 158.
    assert!(counts.iter().all(|&count| count.abs_diff(2000) < 158), "{counts:?}");
    assert!(together.abs_diff(2000) < 158, "{together}");
}

#[test]
fn same_seed_same_test_on_any_thread_count() {
    let differences: Vec<f64> = (0..30).map(|i| f64::from(i).sin() + 0.2).collect();
    let run = |threads, seed| {
        let settings = PairedPermutation { seed, ..PairedPermutation::default() };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| sign_flip_test(&differences, &settings).unwrap())
    };
    assert_eq!(run(1, 3), run(4, 3));
    assert_ne!(run(1, 3), run(1, 4));
}

#[test]
fn no_effect_is_found_as_often_as_the_level_says() {
    let settings = PairedPermutation { permutations: 199, seed: 1 };
    let trials = 2000;
    let mut signs = [false; 12];
    let p_values: Vec<f64> = (0..trials)
        .map(|trial| {
            PairedPermutation { seed: 77, ..settings }.draw(trial, &mut signs);
            let magnitude = |i: usize| 1.0 + (((trial * 12 + i).pow(2)) as f64 * 0.618).sin();
            let differences: Vec<f64> =
                (0..12).map(|i| if signs[i] { -magnitude(i) } else { magnitude(i) }).collect();
            sign_flip_test(&differences, &settings).unwrap().p_value
        })
        .collect();
    for level in [0.05, 0.1, 0.25, 0.5, 0.75] {
        let found = p_values.iter().filter(|&&p| p <= level).count() as f64;
        let expected = level * f64::from(u32::try_from(trials).unwrap());
        // The 199 masks are the same in every trial: their own error comes on top of the trials'.
        let spread = (expected * (1.0 - level)).sqrt();
        assert!((found - expected).abs() < 5.0 * spread, "{found} of {trials} at {level}");
    }
}

#[test]
fn an_effect_is_found() {
    let differences: Vec<f64> = (0..50).map(|i| 0.5 + f64::from(i * i).sin()).collect();
    let test = sign_flip_test(&differences, &PairedPermutation::default()).unwrap();
    assert!(test.p_value < 0.005, "{test:?}");
}

#[test]
fn undefined_permutations_are_counted_and_refused_when_many() {
    let settings = PairedPermutation { permutations: 500, seed: 0 };
    let swaps_all_of = |pairs: usize| {
        move |swapped: &[bool]| {
            if swapped[..pairs].iter().all(|&swap| swap) { f64::NAN } else { 1.0 }
        }
    };
    let few = paired_permutation(20, &settings, swaps_all_of(5)).unwrap();
    assert!(few.undefined > 0 && few.p_value == 1.0);
    let error = paired_permutation(20, &settings, swaps_all_of(1)).unwrap_err();
    assert!(matches!(error, StatsError::UndefinedReplicates { resamples: 500, .. }));
    let error = paired_permutation(20, &settings, |_| f64::NAN).unwrap_err();
    assert_eq!(error, StatsError::Undefined { values: 20 });
}

#[test]
fn refuses_bad_input() {
    let settings = PairedPermutation::default();
    assert_eq!(
        sign_flip_test(&[1.0], &settings).unwrap_err(),
        StatsError::TooFew { what: "a permutation test", needed: 2, actual: 1 }
    );
    let column = "the differences".to_owned();
    assert_eq!(
        sign_flip_test(&[1.0, f64::INFINITY], &settings).unwrap_err(),
        StatsError::NotANumber { column, row: 1 }
    );
    let none = PairedPermutation { permutations: 0, ..settings };
    assert_eq!(sign_flip_test(&[1.0, 2.0], &none).unwrap_err(), StatsError::NoResamples);
}

proptest! {
    /// Given the magnitudes, all sign patterns are equally likely under the null hypothesis: at no
    /// level may a larger share of them be found significant.
    #[test]
    fn the_test_keeps_every_level(magnitudes in proptest::collection::vec(0.0f64..10.0, 2..8)) {
        let patterns = 1 << magnitudes.len();
        let means: Vec<f64> =
            (0..patterns).map(|pattern| mean_with_signs(&magnitudes, pattern)).collect();
        let p_values: Vec<f64> = (0..patterns)
            .map(|own| {
                let others: Vec<f64> =
                    (0..patterns).filter(|&other| other != own).map(|i| means[i]).collect();
                permutation_p_value(means[own], &others)
            })
            .collect();
        for &level in &p_values {
            let found = p_values.iter().filter(|&&p| p <= level).count();
            prop_assert!(found as f64 <= level * patterns as f64 + 1.0e-9);
        }
    }
}
