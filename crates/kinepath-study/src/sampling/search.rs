//! Drawing again and again until every slot of a batch holds a sample that is to be kept.

use kinepath::paths::Paths;
use ndarray::Array2;

use super::select::{Selection, SelectionError};
use crate::StudyError;

/// One draw: which slot of the batch it is for, and how many draws that slot had before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Draw {
    pub(super) slot: usize,
    pub(super) attempt: usize,
}

/// Integrates draws, told how many slots of the batch are filled.
type Integrate<'a> = dyn FnMut(&[Draw], usize) -> Result<Paths, StudyError> + 'a;

/// A batch whose slots are filled.
pub(super) struct Filled {
    /// The kept paths, in the order of the slots.
    pub(super) paths: Paths,
    /// How they came about.
    pub(super) draws: Draws,
}

/// How the samples of a batch were found, a value or row a slot.
pub(super) struct Draws {
    /// The number of draws up to the kept one.
    pub(super) attempts: Vec<usize>,
    /// Endpoints of the first draws, kept or not: `[n, D]`.
    pub(super) first: Array2<f32>,
    /// KPE of the first draws.
    pub(super) first_kpe: Vec<f64>,
}

/// The search for the samples of a run, and what it has seen.
pub(super) struct Search<'a> {
    selection: &'a Selection,
    seen: Tally,
    /// Smallest and largest value seen of each band's column.
    ranges: Vec<(f64, f64)>,
}

/// Draws looked at and draws kept.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    tried: u64,
    accepted: u64,
}

impl<'a> Search<'a> {
    pub(super) fn new(selection: &'a Selection) -> Self {
        let ranges = vec![(f64::INFINITY, f64::NEG_INFINITY); selection.bands.len()];
        Self { selection, seen: Tally::default(), ranges }
    }

    /// Fills the `slots` slots of the batch that begins at sample `start`, at most `batch` draws at
    /// a time.
    ///
    /// Only empty slots are drawn for. When they fill half a batch or less, several attempts of each
    /// are drawn together, about as many as one acceptance takes; a draw behind a slot's first
    /// acceptable one is dropped. What is drawn together depends on the batch alone, so that a run
    /// that was stopped ends with the same bytes.
    pub(super) fn fill(
        &mut self,
        start: usize,
        slots: usize,
        batch: usize,
        draw: &mut Integrate<'_>,
    ) -> Result<Filled, StudyError> {
        let before = self.seen;
        let first: Vec<Draw> = (0..slots).map(|slot| Draw { slot, attempt: 0 }).collect();
        let mut paths = draw(&first, 0)?;
        let mut draws = Draws {
            attempts: vec![1; slots],
            first: paths.endpoints.clone(),
            first_kpe: paths.kpe.clone(),
        };
        let mut empty = Vec::new();
        let looks = self.looks(&paths);
        for slot in 0..slots {
            if !self.look(&looks, slot) {
                empty.push(slot);
            }
        }
        let mut tried = 1;
        while let Some(&slot) = empty.first() {
            if tried >= self.selection.max_attempts {
                return Err(self.exhausted(start + slot).into());
            }
            let together = self.together(before, batch / empty.len());
            let round: Vec<Draw> = empty
                .iter()
                .flat_map(|&slot| (tried..tried + together).map(move |attempt| (slot, attempt)))
                .map(|(slot, attempt)| Draw { slot, attempt })
                .collect();
            let drawn = draw(&round, slots - empty.len())?;
            let looks = self.looks(&drawn);
            let mut rows = (0..empty.len()).map(|i| i * together..(i + 1) * together);
            let allowed = self.selection.max_attempts;
            empty.retain(|&slot| {
                let mut rows = rows.next().unwrap_or_default();
                let found =
                    rows.find(|&row| round[row].attempt < allowed && self.look(&looks, row));
                if let Some(row) = found {
                    paths.replace(slot, &drawn, row);
                    draws.attempts[slot] = round[row].attempt + 1;
                }
                found.is_none()
            });
            tried += together;
        }
        Ok(Filled { paths, draws })
    }

    /// How many attempts of each empty slot to draw together: as many as fit, but no more than an
    /// acceptance is seen to take in this batch, whose search began at `before`.
    fn together(&self, before: Tally, fitting: usize) -> usize {
        let (tried, accepted) =
            (self.seen.tried - before.tried, self.seen.accepted - before.accepted);
        let expected = tried.div_ceil(accepted.max(1));
        fitting.min(usize::try_from(expected).unwrap_or(fitting)).max(1)
    }

    /// The columns of the bands.
    fn looks(&self, paths: &Paths) -> Vec<Vec<f64>> {
        self.selection.bands.iter().map(|band| band.values(paths)).collect()
    }

    /// Looks at one drawn row: whether it is to be kept.
    fn look(&mut self, looks: &[Vec<f64>], row: usize) -> bool {
        let mut kept = true;
        for ((band, values), range) in self.selection.bands.iter().zip(looks).zip(&mut self.ranges)
        {
            let value = values[row];
            *range = (range.0.min(value), range.1.max(value));
            kept &= band.contains(value);
        }
        self.seen.tried += 1;
        self.seen.accepted += u64::from(kept);
        kept
    }

    fn exhausted(&self, sample: usize) -> SelectionError {
        let Selection { bands, max_attempts } = self.selection;
        let observed = bands.iter().zip(&self.ranges);
        let observed = observed
            .map(|(band, (low, high))| format!("{} ran from {low:.4} to {high:.4}", band.column()));
        let texts = bands.iter().map(ToString::to_string);
        SelectionError::Exhausted {
            sample,
            attempts: *max_attempts,
            bands: texts.collect::<Vec<_>>().join(", "),
            accepted: self.seen.accepted,
            tried: self.seen.tried,
            observed: observed.collect::<Vec<_>>().join(", "),
        }
    }
}

#[cfg(test)]
mod tests {
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
        }
    }

    fn selection(band: &str, max_attempts: usize) -> Selection {
        Selection { bands: vec![band.parse().unwrap()], max_attempts }
    }

    proptest! {
        /// However draws are gathered, a slot gets its own first acceptable attempt.
        #[test]
        fn every_slot_gets_its_first_acceptable_draw(
            slots in 1usize..20, batch in 1usize..40, salt in 0usize..1000, odds in 1usize..12,
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
            let total = draws.attempts.iter().sum::<usize>() as u64;
            prop_assert_eq!((search.seen.tried, search.seen.accepted), (total, slots as u64));
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

    #[test]
    fn a_slot_without_luck_is_told_with_what_was_seen() {
        let selection = selection("kpe=10..", 5);
        let kpe = |draw: Draw| if draw.slot == 0 { 10.5 } else { draw.attempt as f64 };
        let error = Search::new(&selection)
            .fill(8, 3, 4, &mut |draws, _| Ok(paths(draws, kpe)))
            .map(|_| ())
            .unwrap_err();
        let StudyError::Selection(error) = error else { panic!("{error}") };
        let expected = SelectionError::Exhausted {
            sample: 9,
            attempts: 5,
            bands: "kpe=10..".to_owned(),
            accepted: 1,
            tried: 11,
            observed: "kpe ran from 0.0000 to 10.5000".to_owned(),
        };
        assert_eq!(error, expected);
        assert!(error.to_string().contains("1 of 11 draws were kept (9.09 %)"), "{error}");
    }
}
