//! The energies of a run, over its samples.

use kinepath::gain::Gain;
use kinepath::stats::{quantile, summarize};
use ndarray::Axis;

use super::RunInput;
use super::results::{EnergyResults, ProfilePoint};
use crate::StudyError;
use crate::run::columns;

/// The energies of a run; `None` where nobody measured its paths.
pub(super) fn energy(run: &RunInput) -> Result<Option<EnergyResults>, StudyError> {
    if !run.has_energies() {
        return Ok(None);
    }
    let summary = |name: &str| -> Result<_, StudyError> { Ok(summarize(&run.column(name)?)?) };
    let kpe = run.column(columns::KPE)?;
    let overall = summarize(&kpe)?;
    Ok(Some(EnergyResults {
        kpe: overall,
        kpe_per_dimension: overall.mean / run.settings().dim() as f64,
        launch: summary(columns::KPE_LAUNCH)?,
        landing: summary(columns::KPE_LANDING)?,
        displacement: summary(columns::DISPLACEMENT)?,
        efficiency: summary(columns::EFFICIENCY)?,
        terminal_spike: summary(columns::TERMINAL_SPIKE)?,
        nfe: summarize(&run.evaluations()?)?,
        values: kpe,
        profile: profile(run)?,
    }))
}

/// Quantiles of the energy profile at every step; empty if it was not recorded, or at times that
/// nobody told.
fn profile(run: &RunInput) -> Result<Vec<ProfilePoint>, StudyError> {
    let (Some(profile), Some(sampler)) = (run.profile()?, &run.settings().sampler) else {
        return Ok(Vec::new());
    };
    let gain: Gain = sampler.gain.parse()?;
    profile
        .axis_iter(Axis(1))
        .zip(&sampler.nodes)
        .map(|(speeds, &t)| {
            let speeds: Vec<f64> = speeds.iter().map(|&speed| f64::from(speed)).collect();
            Ok(ProfilePoint {
                t,
                eta: gain.eta(t),
                median: quantile(&speeds, 0.5)?,
                low: quantile(&speeds, 0.1)?,
                high: quantile(&speeds, 0.9)?,
            })
        })
        .collect()
}
