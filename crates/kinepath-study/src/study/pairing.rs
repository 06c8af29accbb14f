//! Finished runs that are compared outside a study: whether they are pairs, and the study they make.

use super::RunInput;
use super::settings::{DataSettings, FieldChoice, GainChoice, SamplerChoice, StudySettings};
use crate::StudyError;
use crate::run::{FieldSettings, NoiseSettings, RunSettings, SamplerSettings, UNKNOWN};
use crate::source::{Engine, GuidanceSpec};

/// The settings of a study that consists of finished runs.
pub(super) fn settings_of(
    first: &RunSettings,
    runs: &[RunInput],
    data: &DataSettings,
    resamples: usize,
) -> StudySettings {
    let defaults = StudySettings::default();
    StudySettings {
        title: format!("{} on {}", first.field.spec, data.train),
        count: first.count,
        batch: first.batch,
        seeds: vec![match first.noise {
            NoiseSettings::Seed { seed } | NoiseSettings::Selected { seed, .. } => seed,
            NoiseSettings::File { .. }
            | NoiseSettings::Array { .. }
            | NoiseSettings::Declared { .. }
            | NoiseSettings::Unknown => defaults.first_seed(),
        }],
        bins: defaults.bins.min(first.count / 8).max(1),
        resamples,
        data: data.clone(),
        sampler: match &first.sampler {
            Some(sampler) => SamplerChoice {
                solver: sampler.solver.clone(),
                steps: sampler.steps,
                grid: sampler.grid.clone(),
                quadrature: sampler.quadrature.clone(),
                certify: sampler.certify,
            },
            None => SamplerChoice {
                solver: UNKNOWN.to_owned(),
                steps: 0,
                grid: UNKNOWN.to_owned(),
                quadrature: UNKNOWN.to_owned(),
                certify: None,
            },
        },
        fields: vec![FieldChoice {
            name: first.field.spec.clone(),
            spec: first.field.spec.clone(),
            predicts: Some(first.field.predicts.clone()),
            time: Some(first.field.time.clone()),
            path: first.field.path.clone(),
            engine: Engine::Auto,
            labels: first.conditions.as_ref().and_then(|c| Some(c.labels.as_ref()?.asked.clone())),
            inputs: first.conditions.as_ref().and_then(|c| Some(c.inputs.as_ref()?.path.clone())),
            guidance: first.field.guidance.as_ref().map(GuidanceSpec::from),
        }],
        gains: runs
            .iter()
            .skip(1)
            .map(|run| GainChoice { name: run.name.clone(), gain: run.gain().to_owned() })
            .collect(),
        ..defaults
    }
}

/// Refuses runs that differ in more than their gain: their samples are no pairs, or what differs
/// cannot be told to be the gain's doing.
pub(super) fn check_pairing(runs: &[RunInput]) -> Result<(), StudyError> {
    let Some(first) = runs.first() else {
        return Err(StudyError::Mismatch("no run is named".to_owned()));
    };
    let baseline = first.settings();
    for run in &runs[1..] {
        let other = run.settings();
        // Noise under another path is the same, and so is a grid under another name: hashes and nodes
        // tell.
        let inputs = |run: &RunSettings| {
            let inputs = run.conditions.as_ref()?.inputs.as_ref()?;
            Some(inputs.sha256.clone())
        };
        let schedule = |run: &RunSettings| {
            run.sampler.clone().map(|sampler| SamplerSettings {
                gain: String::new(),
                grid: String::new(),
                split: 0.0,
                // Exact whichever way it was evaluated, up to what the certificate says.
                certify: None,
                ..sampler
            })
        };
        let differs = if run.counts() != first.counts() {
            "number of samples"
        } else if other.noise == NoiseSettings::Unknown || baseline.noise == NoiseSettings::Unknown
        {
            return Err(StudyError::Mismatch(format!(
                "{} and {} cannot be compared: nobody told what noise they started from, so their \
                 samples are no pairs; name it where the runs are written, or evaluate each alone",
                first.folder, run.folder
            )));
        } else if !same_noise(&other.noise, &baseline.noise) || other.first != baseline.first {
            "noise"
        } else if !other.field.is_model_of(&baseline.field) {
            let alike = |field: &FieldSettings| FieldSettings { guidance: None, ..field.clone() };
            match alike(&other.field).is_model_of(&alike(&baseline.field)) {
                true => "guidance",
                false => "model or its conventions",
            }
        } else if other.field.engine != baseline.field.engine {
            "engine"
        } else if inputs(other) != inputs(baseline) || labels_differ(run, first) {
            "labels or inputs"
        } else if schedule(other) != schedule(baseline) {
            "solver or time grid"
        } else {
            continue;
        };
        return Err(StudyError::Mismatch(format!(
            "{} and {} differ in more than the gain: their {differs} differs; sample one of them \
             again with the other's settings",
            first.folder, run.folder
        )));
    }
    Ok(())
}

/// Whether two runs are known to be of other classes, whoever assigned them.
fn labels_differ(a: &RunInput, b: &RunInput) -> bool {
    a.labels().zip(b.labels()).is_some_and(|(a, b)| a != b)
}

/// Whether two runs started from the same noise.
fn same_noise(a: &NoiseSettings, b: &NoiseSettings) -> bool {
    match (a, b) {
        (
            NoiseSettings::File { sha256: a, .. } | NoiseSettings::Array { sha256: a },
            NoiseSettings::File { sha256: b, .. } | NoiseSettings::Array { sha256: b },
        ) => a == b,
        // Each kept other draws.
        (NoiseSettings::Selected { .. }, _) => false,
        _ => a == b,
    }
}
