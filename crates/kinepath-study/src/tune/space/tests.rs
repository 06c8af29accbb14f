use super::*;
use crate::schedule::ScheduleSpec;
use crate::tune::TuneSettings;
use kinepath::gain::{Gain, GovernedSpec};
use proptest::prelude::*;

/// The draws for fifty uniform Euler steps.
fn draw(settings: &TuneSettings) -> Result<Vec<String>, StudyError> {
    candidates(&settings.families, settings.candidates, settings.seed, |gain| {
        let schedule = ScheduleSpec { gain: gain.to_owned(), ..ScheduleSpec::default() };
        schedule.compile().map(|_| ())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
    #[test]
    fn every_candidate_is_admissible_new_and_within_its_bounds(
        seed in 0u64.., count in 4usize..80, beta in 0.0f64..1.5,
    ) {
        // Most landings up to 1.5 turn the motion backwards and must be drawn anew.
        let mut settings = TuneSettings { seed, candidates: count, ..TuneSettings::default() };
        if let Family::Kts { beta: bounds, .. } = &mut settings.families[0] {
            *bounds = [0.0, beta];
        }
        let gains = draw(&settings).unwrap();
        prop_assert_eq!(gains.len(), count);
        prop_assert!(gains.iter().zip(PUBLISHED).all(|(gain, published)| gain == published));
        let times: Vec<f64> = (0..50).map(|i| f64::from(i) / 50.0).collect();
        for (i, text) in gains.iter().enumerate() {
            prop_assert!(!gains[..i].contains(text), "{} twice", text);
            if let Ok(governed) = text.parse::<GovernedSpec>() {
                prop_assert!((0.5..=0.95).contains(&governed.quantile), "{}", text);
                prop_assert!((0.25..=1.5).contains(&governed.strength), "{}", text);
                prop_assert!((0.3..=0.9).contains(&governed.split), "{}", text);
                continue;
            }
            let gain: Gain = text.parse().unwrap();
            prop_assert_eq!(gain.validate(&times), Ok(()));
            match gain {
                Gain::Kts(kts) => {
                    prop_assert!((0.0..=0.06).contains(&kts.alpha), "{}", text);
                    prop_assert!(i < 3 || (0.0..=beta).contains(&kts.beta), "{}", text);
                    prop_assert!(i < 3 || (0.3..=0.85).contains(&kts.split), "{}", text);
                }
                Gain::Ssc { alpha, power } => {
                    prop_assert!((0.0..=0.06).contains(&alpha), "{}", text);
                    prop_assert!((0.5..=3.0).contains(&power), "{}", text);
                }
                other => prop_assert!(false, "{other:?}"),
            }
        }
        settings.candidates += 5;
        prop_assert_eq!(&draw(&settings).unwrap()[..count], gains.as_slice());
    }
}

#[test]
fn draws_fill_the_bounds_and_are_shared_by_dimension() {
    let settings = TuneSettings { candidates: 3 + 100, ..TuneSettings::default() };
    let gains = draw(&settings).unwrap();
    let alphas: Vec<f64> = gains[3..]
        .iter()
        .filter_map(|text| match text.parse() {
            Ok(Gain::Kts(kts)) => Some(kts.alpha),
            _ => None,
        })
        .collect();
    assert_eq!(alphas.len(), 50, "5 of 10 parameters are those of KTS");
    // The first 32 points of a scrambled Sobol sequence have one in each 32nd of an axis;
    // rounding may move one over an edge.
    let mut cells: Vec<usize> =
        alphas[..32].iter().map(|alpha| (alpha / 0.06 * 32.0) as usize).collect();
    cells.sort_unstable();
    cells.dedup();
    assert!(cells.len() >= 28, "{cells:?}");
    let other = draw(&TuneSettings { seed: 1, ..settings }).unwrap();
    assert_ne!(gains[3..], other[3..]);
}

#[test]
fn bounds_without_an_admissible_gain_are_named() {
    let refused = |family| {
        let settings =
            TuneSettings { candidates: 32, families: vec![family], ..TuneSettings::default() };
        settings.check().and_then(|()| draw(&settings)).unwrap_err().to_string()
    };
    let kts = |beta, launch: &[&str]| Family::Kts {
        alpha: [0.0, 0.1],
        beta,
        split: [0.5, 0.5],
        launch: launch.iter().map(|&shape| shape.to_owned()).collect(),
        landing: vec!["constant".to_owned()],
    };
    let error = refused(kts([2.0, 3.0], &["linear"]));
    assert!(error.contains("only 0 of 2048") && error.contains("negative"), "{error}");
    let error = refused(Family::Ssc { alpha: [0.1, 0.1], power: [1.0, 1.0] });
    assert!(error.contains("only 1 of") && error.contains("repetitions"), "{error}");
    let error =
        refused(Family::Governed { quantile: [0.5, 1.5], strength: [0.5, 1.0], split: [0.6, 0.6] });
    assert!(error.contains("quantile") && error.contains("within 0 and 1"), "{error}");
    let error = refused(kts([0.0, 0.0], &["cubic"]));
    assert!(error.contains("linear, constant or exponential"), "{error}");
    let error = refused(kts([0.0, 0.0], &[]));
    assert!(error.contains("at least one shape"), "{error}");
}
