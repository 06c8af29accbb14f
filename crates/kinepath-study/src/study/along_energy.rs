//! What goes along the energy of the baseline's samples.

use super::associations::{associations, tercile_table};
use super::figures::Inference;
use super::goldilocks::{Columns, goldilocks};
use super::judge::flags;
use super::judged_run::JudgedRun;
use super::results::{Association, Goldilocks, Risk, Tercile};
use super::risk::risk;
use crate::StudyError;
use crate::run::columns;

/// What goes along the energy of the baseline's samples; nothing where it is not known.
#[derive(Default)]
pub(super) struct AlongEnergy {
    pub(super) kpe: Vec<f64>,
    pub(super) associations: Vec<Association>,
    pub(super) terciles: Vec<Tercile>,
    pub(super) goldilocks: Option<Goldilocks>,
    pub(super) risk: Option<Risk>,
}

impl AlongEnergy {
    /// What goes along it.
    ///
    /// # Errors
    /// [`StudyError`] if a column is missing or a statistic undefined.
    pub(super) fn of(
        baseline: &JudgedRun,
        bins: usize,
        inference: &Inference,
    ) -> Result<Self, StudyError> {
        let kpe = baseline.input.column(columns::KPE)?;
        let displacement = baseline.input.column(columns::DISPLACEMENT)?;
        let terminal_spike = baseline.input.column(columns::TERMINAL_SPIKE)?;
        let judged = &baseline.judged;
        let memorized = flags(&judged.memorized);
        let curve = match &judged.fidelity {
            None => None,
            Some(fidelity) => {
                let columns =
                    Columns { kpe: &kpe, fidelity: &fidelity.margin, memorized: &memorized };
                Some(goldilocks(columns, bins, inference)?)
            }
        };
        Ok(Self {
            associations: associations(&kpe, &displacement, judged, inference)?,
            terciles: tercile_table(&kpe, judged, inference)?,
            goldilocks: curve,
            risk: risk(&terminal_spike, judged, inference)?,
            kpe,
        })
    }
}
