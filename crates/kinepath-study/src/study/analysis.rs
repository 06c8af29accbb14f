//! From finished runs to the results of one model.

use std::path::{Path, PathBuf};

use kinepath::gain::Gain;
use kinepath::metrics::{GAP_THRESHOLD, memorization_curve};
use kinepath::stats::{Bootstrap, Interval};

use super::along_energy::AlongEnergy;
use super::audit::{calibration, memorization, quoted};
use super::compare::{Runs, differences};
use super::controls::Controls;
use super::copy_space::CopySpace;
use super::doubts::{doubts, value_scale};
use super::energies::energy;
use super::figures::{Figures, Inference, check_resamples};
use super::judge::Judge;
use super::judged_run::JudgedRun;
use super::pairing::{check_pairing, settings_of};
use super::pictures::pictures;
use super::results::{Effect, ModelResults, RunResults, SampleColumns, StudyResults};
use super::run_input::check_samples;
use super::settings::{DataSettings, StudySettings};
use super::{Observer, RunInput};
use crate::StudyError;
use crate::run::{RunCertificate, RunReader, UNKNOWN};
use crate::source::FieldSource;

/// Judges the runs of one model, the first being the baseline, and compares the others and their
/// controls with it.
///
/// Every run's table gains the columns of the judgement: gap ratio, nearest training record,
/// confidence, margin and support of every sample.
///
/// # Errors
/// [`StudyError::Mismatch`] if there is no run or the runs are not paired; [`StudyError`] for
/// whatever judging or writing brings; [`StudyError::Interrupted`] after a break.
pub(super) fn analyse(
    judge: &Judge,
    settings: &StudySettings,
    name: &str,
    runs: Vec<RunInput>,
    controls: &mut Controls<'_>,
    observe: &mut Observer<'_>,
) -> Result<ModelResults, StudyError> {
    check_pairing(&runs)?;
    let inference = Inference::new(settings.resamples, settings.first_seed(), &runs[0].counts())?;
    let stage = format!("judging {name}");
    let total = 2.0 * runs.len() as f64;
    let mut done = 0.0;
    let mut tell = |observe: &mut Observer<'_>| {
        done += 1.0;
        match observe(&stage, done / total).is_break() {
            true => Err(StudyError::Interrupted),
            false => Ok(()),
        }
    };
    let mut judged_runs = Vec::with_capacity(runs.len());
    for run in runs {
        judged_runs.push(JudgedRun::new(judge, run)?);
        tell(observe)?;
    }
    let figures: Vec<Figures<'_>> =
        judged_runs.iter().map(|run| Figures::of(&run.judged.evidence, None, &inference)).collect();
    let baseline = &judged_runs[0];
    let labels = baseline.input.labels();
    let comparing = Runs {
        figures: &figures,
        labels: labels.as_deref(),
        significance: settings.significance,
        inference: &inference,
    };
    let differences = differences(&figures, settings.significance, &inference)?;
    let mut made = Vec::with_capacity(differences.len());
    for (number, differences) in differences.iter().enumerate() {
        let has_advantage = differences.iter().any(|row| row.effect == Effect::Better);
        let gain = &judged_runs[number + 1];
        made.push(controls.of_gain(number, baseline, gain, has_advantage, observe)?);
        tell(observe)?;
    }
    let comparisons = comparing.verdicts(judge, differences, made)?;

    let judged = &baseline.judged;
    let along = match baseline.input.has_energies() {
        true => AlongEnergy::of(baseline, settings.bins, &inference)?,
        false => AlongEnergy::default(),
    };
    let map = baseline.input.energy_map()?;
    let known = (!along.kpe.is_empty()).then_some(along.kpe.as_slice());
    let pictures = pictures(judge, known, judged, &baseline.samples, map.as_ref())?;
    let false_alarms = match judge.held_out_gaps() {
        Some(gaps) => memorization_curve(&gaps.ratio, &[GAP_THRESHOLD])?.first().copied(),
        None => None,
    };
    let certificates = judged_runs.iter().map(|run| run.input.certificate());
    let certificate = RunCertificate::of_all(certificates);
    let runs = judged_runs
        .iter()
        .zip(&figures)
        .zip(std::iter::once(None).chain(comparisons.into_iter().map(Some)))
        .map(|((run, figures), comparison)| {
            Ok(RunResults {
                name: run.input.name.clone(),
                gain: match run.input.gain() {
                    UNKNOWN => UNKNOWN.to_owned(),
                    // Without the points of a governed gain's ceiling, which run.toml has.
                    gain => format!("{:#}", gain.parse::<Gain>()?),
                },
                folder: run.input.folder.clone(),
                count: run.samples.nrows(),
                values: value_scale(run.judged.values),
                energy: energy(&run.input)?,
                metrics: figures.results(&inference)?,
                quoted: quoted(judge, &run.judged, settings.first_seed())?,
                memorization: memorization(judge, run, &inference)?,
                comparison,
            })
        })
        .collect::<Result<Vec<_>, StudyError>>()?;
    tell(observe)?;
    Ok(ModelResults {
        name: name.to_owned(),
        spec: baseline.input.settings().field.spec.clone(),
        findings: doubts(judge, judged)
            .chain(findings(&runs, &along, settings, false_alarms))
            .collect(),
        runs,
        certificate,
        associations: along.associations,
        terciles: along.terciles,
        goldilocks: along.goldilocks,
        risk: along.risk,
        theory: None,
        samples: SampleColumns {
            margin: judged.fidelity.as_ref().map_or(Vec::new(), |f| f.margin.clone()),
            knn_support: judged.knn_support.clone(),
            gap_ratio: judged.gaps.ratio.clone(),
            memorized: judged.memorized.clone(),
            kpe: along.kpe,
        },
        pictures,
    })
}

/// Judges finished run folders, the first being the baseline, outside a study.
///
/// Controls that need the model open it again as the baseline's `run.toml` says; where that fails
/// they are left out, with the reason.
///
/// # Errors
/// [`StudyError::Spec`] for copies sought in features without an encoder, [`StudyError::Mismatch`]
/// for runs that are no pairs, [`StudyError::Run`] for folders that hold no finished run, or other values
/// than were sampled, [`StudyError`] for whatever judging or writing brings.
pub fn evaluate_runs(
    folders: &[&Path],
    data: &DataSettings,
    resamples: usize,
    observe: &mut Observer<'_>,
) -> Result<StudyResults, StudyError> {
    let named = |folder: &&Path| {
        let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy();
        (name.into_owned(), folder.to_path_buf())
    };
    let folders: Vec<(String, PathBuf)> = folders.iter().map(named).collect();
    evaluate_named_runs(&folders, data, resamples, observe)
}

/// [`evaluate_runs`] with a name for each run, by which results call it.
///
/// # Errors
/// As [`evaluate_runs`].
pub fn evaluate_named_runs(
    folders: &[(String, PathBuf)],
    data: &DataSettings,
    resamples: usize,
    observe: &mut Observer<'_>,
) -> Result<StudyResults, StudyError> {
    data.check()?;
    check_resamples(resamples)?;
    let runs = folders
        .iter()
        .map(|(name, folder)| {
            Ok(RunInput {
                name: name.clone(),
                folder: folder.display().to_string(),
                seeds: vec![RunReader::open(folder)?],
            })
        })
        .collect::<Result<Vec<_>, StudyError>>()?;
    let first = runs.first().ok_or_else(|| StudyError::Mismatch("no run is named".to_owned()))?;
    let settings = settings_of(first.settings(), &runs, data, resamples);
    let shape = &first.settings().shape;
    let judge = Judge::open(data, settings.support_neighbours, shape)?;
    let values = |shape: &[usize]| shape.iter().product::<usize>();
    if values(shape) != values(judge.sample_shape()) {
        return Err(judge.cannot_judge(&first.folder, shape));
    }
    check_samples(&runs, observe)?;
    let name = first.settings().field.spec.clone();
    let source = match runs.len() {
        1 => Err("There is nothing to compare.".to_owned()),
        _ => FieldSource::reopen(&first.settings().field, shape)
            .map_err(|error| format!("The model cannot be evaluated again: {error}.")),
    };
    let mut controls = Controls {
        source: source.as_ref().map_err(Clone::clone),
        seed: settings.first_seed(),
        batch: settings.batch,
        constant: None,
    };
    let model = analyse(&judge, &settings, &name, runs, &mut controls, observe)?;
    results(&judge, settings, vec![model])
}

/// The results of a study, given those of its models.
pub(super) fn results(
    judge: &Judge,
    settings: StudySettings,
    models: Vec<ModelResults>,
) -> Result<StudyResults, StudyError> {
    Ok(StudyResults {
        kinepath: env!("CARGO_PKG_VERSION").to_owned(),
        training: judge.training_results(),
        reference: judge.reference_results(),
        calibration: calibration(judge, Bootstrap::default().level)?,
        settings,
        models,
    })
}

/// The findings in words, the most important first.
fn findings(
    runs: &[RunResults],
    along: &AlongEnergy,
    settings: &StudySettings,
    false_alarms: Option<f64>,
) -> Vec<String> {
    let AlongEnergy { associations, goldilocks, risk, .. } = along;
    let goldilocks = goldilocks.as_ref();
    let mut findings = Vec::new();
    if let Some(f_mem) = runs[0].figure("f_mem") {
        findings.push(format!(
            "{} of the baseline's {} samples are memorized{}{}.",
            percent(f_mem.value),
            runs[0].count,
            match settings.data.copies_in {
                CopySpace::Pixels => "",
                CopySpace::Features => " by distances in features",
            },
            false_alarms.map_or(String::new(), |share| format!(
                "; by the same rule {:.1} % of the held-out records would be, by chance",
                100.0 * share
            ))
        ));
    }
    findings.extend(runs.iter().filter_map(|run| {
        let comparison = run.comparison.as_ref()?;
        Some(format!("{}: {}.", run.name, comparison.sentence))
    }));
    // The smallest p-value, 1/(R + 1), times the number of differences must be able to count.
    let family: usize = runs.iter().skip(1).map(|run| run.metrics.len()).sum();
    let needed = (family as f64 / settings.significance).ceil() as usize;
    if settings.resamples + 1 < needed {
        findings.push(format!(
            "With {} permutations for {family} differences, a single one can never count; {needed} \
             resamples would let it.",
            settings.resamples
        ));
    }
    findings.extend(goldilocks.map(|curve| curve.sentence.clone()));
    findings.extend(
        goldilocks
            .filter(|curve| curve.confirmation.band.is_some())
            .map(|curve| curve.confirmation.sentence.clone()),
    );
    findings.extend(risk.iter().map(|risk| risk.sentence.clone()));
    findings.extend(
        associations
            .iter()
            .filter(|association| {
                ["margin", "clip_score", "knn_support"].contains(&association.with.as_str())
            })
            .map(|association| association.sentence.clone()),
    );
    findings
}

/// A share with its interval, in percent.
fn percent(share: Interval) -> String {
    format!("{:.1} % [{:.1}, {:.1}]", 100.0 * share.estimate, 100.0 * share.low, 100.0 * share.high)
}
