use super::*;
use proptest::prelude::*;

/// Paths whose KPE is a known function of slot and attempt, and whose endpoint is that draw.
fn paths(draws: &[Draw], kpe: impl Fn(Draw) -> f64) -> Paths {
    let rows = draws.len();
    let endpoints = Array2::from_shape_fn((rows, 2), |(row, d)| {
        (if d == 0 { draws[row].slot } else { draws[row].attempt }) as f32
    });
    Paths {
        endpoints,
        kpe: draws.iter().map(|&draw| kpe(draw)).collect(),
        launch: vec![0.0; rows],
        landing: vec![0.0; rows],
        terminal: vec![0.0; rows],
        displacement: vec![0.0; rows],
        noise_left: None,
        mean_gain: vec![1.0; rows],
        nfe: vec![1; rows],
        profile: None,
        energy_map: None,
        trajectory: None,
        parts: None,
        posterior: None,
    }
}

fn selection(band: &str, max_attempts: usize) -> Selection {
    Selection { bands: vec![band.parse().unwrap()], max_attempts }
}

proptest! {
    /// However draws are gathered, a slot gets its own first acceptable attempt.
    #[test]
    fn every_slot_gets_its_first_acceptable_draw(
        slots in 1usize..20, batch in 1usize..40, salt in 0usize..1000, odds in 1usize..700,
    ) {
        let batch = batch.max(slots);
        let kpe = |draw: Draw| ((draw.slot * 7919 + draw.attempt * 104_729 + salt) % odds) as f64;
        // A prime step meets every remainder within `odds` attempts.
        let first = |slot| (0..odds).find(|&attempt| kpe(Draw { slot, attempt }) == 0.0).unwrap();
        let selection = selection("kpe=..0", odds);
        let mut search = Search::new(&selection);
        let (mut filled_before, mut most) = (0, 0);
        let Filled { paths, draws } = search.fill(5, slots, batch, &mut |draws, filled| {
            assert!(filled >= filled_before);
            filled_before = filled;
            most = most.max(draws.len());
            Ok(paths(draws, kpe))
        }).unwrap();
        prop_assert!(most <= batch);
        for slot in 0..slots {
            prop_assert_eq!(draws.attempts[slot], first(slot) + 1);
            prop_assert_eq!(paths.endpoints[[slot, 0]], slot as f32);
            prop_assert_eq!(paths.endpoints[[slot, 1]], first(slot) as f32);
            prop_assert_eq!(draws.first[[slot, 1]], 0.0);
            prop_assert_eq!(draws.first_kpe[slot], kpe(Draw { slot, attempt: 0 }));
        }
        let total = draws.attempts.iter().sum::<usize>();
        prop_assert_eq!((search.found.tried, search.found.accepted), (total, slots));
    }
}

#[test]
fn few_empty_slots_are_drawn_for_several_times_together() {
    let selection = selection("kpe=1..", 100);
    let mut rounds = Vec::new();
    // Slots 0 to 14 fit at once, slot 15 at its sixtieth attempt.
    let kpe = |draw: Draw| f64::from(draw.slot < 15 || draw.attempt == 59);
    Search::new(&selection)
        .fill(0, 16, 16, &mut |draws, _| {
            rounds.push(draws.len());
            Ok(paths(draws, kpe))
        })
        .unwrap();
    // What is too much is less than the last round.
    let (drawn, last) = (rounds.iter().sum::<usize>(), rounds[rounds.len() - 1]);
    assert!((16 + 59..16 + 59 + last).contains(&drawn), "{rounds:?}");
    assert!(rounds.len() < 40 && rounds.iter().all(|&rows| rows <= 16), "{rounds:?}");
}

/// SciPy 1.17.1: `scipy.stats.binomtest(1, 6).proportion_ci(method="wilson").high`.
const WILSON_1_OF_6: f64 = 0.563_502_822_186_470_2;

/// The error of a search that fails, and the number of draws that it made.
fn failure(
    selection: &Selection,
    slots: usize,
    batch: usize,
    kpe: impl Fn(Draw) -> f64,
) -> (SelectionError, usize) {
    let (mut search, mut drawn) = (Search::new(selection), 0);
    for start in (0..slots).step_by(batch) {
        let filled = search.fill(start, batch.min(slots - start), batch, &mut |draws, _| {
            drawn += draws.len();
            // A batch counts its slots from its own first.
            Ok(paths(draws, |draw| kpe(Draw { slot: start + draw.slot, ..draw })))
        });
        match filled {
            Ok(_) => {}
            Err(StudyError::Selection(error)) => return (error, drawn),
            Err(error) => panic!("{error}"),
        }
    }
    panic!("every slot was filled")
}

#[test]
fn a_slot_without_luck_is_told_with_what_was_seen() {
    let kpe = |draw: Draw| if draw.slot == 0 { 10.5 } else { draw.attempt as f64 };
    let (error, _) = failure(&selection("kpe=10..", 5), 3, 4, kpe);
    let expected = SelectionError::Exhausted {
        sample: 1,
        attempts: 5,
        bands: "kpe=10..".to_owned(),
        accepted: 1,
        tried: 6,
        most: WILSON_1_OF_6,
        observed: "kpe ran from 0.0000 to 4.0000 with quartiles 1.0000, 2.0000 and 3.0000"
            .to_owned(),
    };
    let SelectionError::Exhausted { most, .. } = &error;
    assert!((most - WILSON_1_OF_6).abs() < 1e-12, "{most}");
    assert_eq!(error.to_string(), expected.to_string());
    assert!(error.to_string().contains("kept 1 of 6 draws, at most one in 1 "), "{error}");
}

/// An impossible band: little more is drawn than the attempts of one slot, and the batch does not
/// show in what is said.
#[test]
fn the_hopeless_is_found_out_after_the_attempts_of_one_slot() {
    let selection = selection("kpe=1000..", 1000);
    let kpe = |draw: Draw| ((draw.slot * 7919 + draw.attempt * 104_729) % 500) as f64;
    let (alone, drawn) = failure(&selection, 512, 1, kpe);
    assert_eq!(drawn, 1000);
    for batch in [7, 128, 512] {
        let (error, drawn) = failure(&selection, 512, batch, kpe);
        assert_eq!(error, alone, "batch {batch}");
        assert!(drawn <= 1000 + RARE + 3 * batch, "batch {batch}: {drawn}");
    }
    assert!(alone.to_string().contains("at most one in 261 "), "{alone}");
}

/// A rare band: slots that are filled before the one that fails do not hide it.
#[test]
fn the_nearly_hopeless_is_found_out_soon() {
    let selection = selection("kpe=..0", 1000);
    // Slot 3 never, the others at their 600th attempt.
    let kpe = |draw: Draw| f64::from(draw.slot == 3 || draw.attempt != 599);
    let (error, drawn) = failure(&selection, 128, 128, kpe);
    let SelectionError::Exhausted { sample, accepted, tried, .. } = &error;
    assert_eq!((*sample, *accepted, *tried), (3, 3, 3 * 600 + 1000));
    assert!(drawn < 2 * tried, "{drawn} draws");
    assert_eq!(failure(&selection, 128, 16, kpe).0, error);
}
