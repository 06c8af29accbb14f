//! Drawing again and again until every slot of a batch holds a sample that is to be kept.

use std::ops::Range;

use kinepath::paths::Paths;
use kinepath::stats::{StatsError, quantile, wilson_interval};
use ndarray::Array2;

use super::select::{Selection, SelectionError};
use crate::StudyError;
use crate::run::{Column, Table, columns};

/// Draws per acceptance above which acceptances are rare, and a slot's failure likely enough to be
/// found out early: with the usual thousand attempts, one slot in fifty fails.
const RARE: usize = 256;
/// Confidence level of the acceptance rate that a failure tells.
const LEVEL: f64 = 0.95;

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

/// The search for the samples of a run, and what it has found.
pub(super) struct Search<'a> {
    selection: &'a Selection,
    found: Tally,
}

/// Draws looked at and draws kept.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    tried: usize,
    accepted: usize,
}

/// A slot without a sample as yet.
struct Empty {
    slot: usize,
    /// The columns of the bands, `[bands][draws]`: of every draw for the slot so far.
    seen: Vec<Vec<f64>>,
}

impl<'a> Search<'a> {
    pub(super) fn new(selection: &'a Selection) -> Self {
        Self { selection, found: Tally::default() }
    }

    /// Counts the samples of `table`, which were found before, so that a failure tells the same after
    /// an interruption.
    pub(super) fn knows(&mut self, table: &Table) {
        if let Some(Column::I64(attempts)) = table.get(columns::ATTEMPTS) {
            self.found.accepted += attempts.len();
            let tried: u64 = attempts.iter().map(|&attempts| attempts.unsigned_abs()).sum();
            self.found.tried += tried as usize;
        }
    }

    /// Fills the `slots` slots of the batch that begins at the sample of global index `start`, at most `batch` draws at
    /// a time.
    ///
    /// Only empty slots are drawn for. When they fill half a batch or less, several attempts of each
    /// are drawn together, about as many as one acceptance takes; a draw behind a slot's first
    /// acceptable one is dropped. Where acceptances are [`RARE`], one slot is drawn for at a time:
    /// the first that uses up its attempts ends the run, and drawing for the others meanwhile would
    /// make that end many times as far away. None of this can change what is found, or whether. What
    /// is drawn together depends on the batch alone, so that a run that was stopped ends with the
    /// same bytes.
    pub(super) fn fill(
        &mut self,
        start: usize,
        slots: usize,
        batch: usize,
        draw: &mut Integrate<'_>,
    ) -> Result<Filled, StudyError> {
        let first: Vec<Draw> = (0..slots).map(|slot| Draw { slot, attempt: 0 }).collect();
        let mut paths = draw(&first, 0)?;
        let mut draws = Draws {
            attempts: vec![1; slots],
            first: paths.endpoints.clone(),
            first_kpe: paths.kpe.clone(),
        };
        let looks = self.looks(&paths);
        let mut empty: Vec<Empty> = (0..slots)
            .filter(|&slot| !self.keeps(&looks, slot))
            .map(|slot| Empty { slot, seen: looks.iter().map(|look| vec![look[slot]]).collect() })
            .collect();
        let mut tally = Tally { tried: slots, accepted: slots - empty.len() };
        while let Some(first) = empty.first() {
            let allowed = self.selection.max_attempts;
            if first.tried() >= allowed {
                return Err(self.exhausted(start, first, &draws.attempts)?.into());
            }
            // Attempts that an acceptance is seen to take in this batch.
            let expected = tally.tried.div_ceil(tally.accepted.max(1));
            let among = if expected > RARE { 1 } else { empty.len() };
            let together = (batch / among).min(expected).max(1);
            let round: Vec<Draw> = empty[..among]
                .iter()
                .flat_map(|empty| {
                    let (slot, tried) = (empty.slot, empty.tried());
                    (tried..tried + together).map(move |attempt| Draw { slot, attempt })
                })
                .collect();
            let drawn = draw(&round, slots - empty.len())?;
            let looks = self.looks(&drawn);
            let mut blocks = (0..among).map(|i| i * together..(i + 1) * together);
            empty.retain_mut(|empty| {
                let Some(rows) = blocks.next() else { return true };
                let mut acceptable = rows
                    .clone()
                    .filter(|&row| round[row].attempt < allowed && self.keeps(&looks, row));
                let found = acceptable.next();
                tally.tried += found.map_or(together, |row| row + 1 - rows.start);
                match found {
                    Some(row) => {
                        paths.replace(empty.slot, &drawn, row);
                        draws.attempts[empty.slot] = round[row].attempt + 1;
                        tally.accepted += 1;
                    }
                    None => empty.saw(&looks, rows),
                }
                found.is_none()
            });
        }
        self.found.tried += draws.attempts.iter().sum::<usize>();
        self.found.accepted += slots;
        Ok(Filled { paths, draws })
    }

    /// The columns of the bands.
    fn looks(&self, paths: &Paths) -> Vec<Vec<f64>> {
        self.selection.bands.iter().map(|band| band.values(paths)).collect()
    }

    /// Whether a drawn row is to be kept.
    fn keeps(&self, looks: &[Vec<f64>], row: usize) -> bool {
        self.selection.bands.iter().zip(looks).all(|(band, values)| band.contains(values[row]))
    }

    /// The end of the run: the first empty slot of the batch that begins at sample `start` has used
    /// up its attempts. It speaks of the slots up to this one only, and so is the same whatever the
    /// batch.
    fn exhausted(
        &self,
        start: usize,
        slot: &Empty,
        attempts: &[usize],
    ) -> Result<SelectionError, StatsError> {
        let Selection { bands, max_attempts } = self.selection;
        let before: usize = attempts[..slot.slot].iter().sum();
        let (accepted, tried) =
            (self.found.accepted + slot.slot, self.found.tried + before + max_attempts);
        let observed: Vec<String> = bands
            .iter()
            .zip(&slot.seen)
            .map(|(band, values)| describe(band.column(), &values[..*max_attempts]))
            .collect::<Result<_, _>>()?;
        let texts: Vec<String> = bands.iter().map(ToString::to_string).collect();
        Ok(SelectionError::Exhausted {
            sample: start + slot.slot,
            attempts: *max_attempts,
            bands: texts.join(", "),
            accepted,
            tried,
            most: wilson_interval(accepted, tried, LEVEL)?.high,
            observed: observed.join(", "),
        })
    }
}

impl Empty {
    fn tried(&self) -> usize {
        self.seen.first().map_or(0, Vec::len)
    }

    /// Remembers rows that were not kept.
    fn saw(&mut self, looks: &[Vec<f64>], rows: Range<usize>) {
        for (seen, values) in self.seen.iter_mut().zip(looks) {
            seen.extend(&values[rows.clone()]);
        }
    }
}

/// Where a column lay: its ends and quartiles.
fn describe(column: &str, values: &[f64]) -> Result<String, StatsError> {
    // An efficiency is no number where nothing moves.
    let values: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    if values.is_empty() {
        return Ok(format!("{column} was undefined"));
    }
    let at = |share| quantile(&values, share);
    let (low, lower, middle, upper, high) = (at(0.0)?, at(0.25)?, at(0.5)?, at(0.75)?, at(1.0)?);
    Ok(format!(
        "{column} ran from {low:.4} to {high:.4} with quartiles {lower:.4}, {middle:.4} and \
         {upper:.4}"
    ))
}

#[cfg(test)]
mod tests;
