//! From finished runs to the results of one model.

use std::ops::ControlFlow;
use std::path::Path;

use kinepath::gain::Gain;
use kinepath::stats::{Bootstrap, Interval, benjamini_hochberg, quantile, summarize};
use ndarray::{Array2, Axis};

use super::associations::{associations, tercile_table};
use super::goldilocks::goldilocks;
use super::judge::{Judge, Judged};
use super::metrics::{Figures, METRICS, bootstrap};
use super::pictures::pictures;
use super::results::{
    Association, Comparison, Difference, EnergyResults, Goldilocks, ModelResults, ProfilePoint,
    RunResults, SampleColumns, StudyResults,
};
use super::settings::{DataSettings, FieldChoice, GainChoice, SamplerChoice, StudySettings};
use super::{column, verdict};
use crate::StudyError;
use crate::run::{
    Column, FieldSettings, NoiseSettings, RunReader, RunSettings, SamplerSettings, columns,
};

/// A finished run to be judged.
pub struct RunInput {
    /// Its name in tables.
    pub name: String,
    /// Its folder, as results should name it.
    pub folder: String,
    /// The run.
    pub reader: RunReader,
}

/// Judges the runs of one model, the first being the baseline, and compares the others with it.
///
/// Every run's table gains the columns of the judgement: gap ratio, nearest training point,
/// confidence, margin and support of every sample.
///
/// # Errors
/// [`StudyError::Mismatch`] if there is no run or the runs are not paired; [`StudyError`] for
/// whatever judging or writing brings; [`StudyError::Interrupted`] after a break.
pub fn analyse(
    judge: &Judge,
    settings: &StudySettings,
    name: &str,
    runs: Vec<RunInput>,
    observe: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Result<ModelResults, StudyError> {
    check_pairing(&runs)?;
    let bootstrap = bootstrap(settings.resamples, settings.seed)?;
    let total = runs.len() as f64 + 1.0;
    let mut judged_runs = Vec::with_capacity(runs.len());
    for (done, run) in runs.into_iter().enumerate() {
        judged_runs.push(JudgedRun::new(judge, run, &bootstrap)?);
        if observe((done + 1) as f64 / total).is_break() {
            return Err(StudyError::Interrupted);
        }
    }
    let comparisons = compare(&judged_runs, settings, &bootstrap)?;
    let baseline = &judged_runs[0];
    let kpe = column(&baseline.input.reader, columns::KPE)?;
    let displacement = column(&baseline.input.reader, columns::DISPLACEMENT)?;
    let judged = &baseline.judged;
    let associations = associations(&kpe, &displacement, judged, &bootstrap)?;
    let goldilocks = goldilocks(&kpe, judged, settings.bins, &bootstrap)?;
    let terciles = tercile_table(&kpe, judged, &bootstrap)?;
    let map = baseline.input.reader.energy_map()?;
    let pictures = pictures(judge, &kpe, judged, &baseline.samples, map.as_ref())?;
    let samples = SampleColumns {
        margin: judged.fidelity.margin.clone(),
        knn_support: judged.knn_support.clone(),
        gap_ratio: judged.gaps.ratio.clone(),
        memorized: judged.memorized.iter().map(|&memorized| memorized > 0.5).collect(),
        kpe,
    };
    let spec = baseline.input.reader.settings().field.spec.clone();
    let runs = judged_runs
        .iter()
        .zip(comparisons)
        .map(|(run, comparison)| run.results(&bootstrap, comparison))
        .collect::<Result<Vec<_>, StudyError>>()?;
    let _ = observe(1.0);
    Ok(ModelResults {
        name: name.to_owned(),
        spec,
        findings: findings(&runs, &associations, &goldilocks, settings),
        runs,
        associations,
        terciles,
        goldilocks,
        samples,
        pictures,
    })
}

/// Judges finished run folders, the first being the baseline, outside a study.
///
/// # Errors
/// As [`analyse`], and [`StudyError::Run`] for folders that hold no finished run.
pub fn evaluate_runs(
    folders: &[&Path],
    data: &DataSettings,
    resamples: usize,
    observe: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Result<StudyResults, StudyError> {
    let runs = folders
        .iter()
        .map(|folder| {
            let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy();
            Ok(RunInput {
                name: name.into_owned(),
                folder: folder.display().to_string(),
                reader: RunReader::open(folder)?,
            })
        })
        .collect::<Result<Vec<_>, StudyError>>()?;
    let first = runs.first().ok_or_else(|| StudyError::Mismatch("no run is named".to_owned()))?;
    let settings = settings_of(first.reader.settings(), &runs, data, resamples);
    let judge = Judge::open(data, settings.support_neighbours)?;
    let run_shape = first.reader.settings().shape.clone();
    if run_shape.iter().product::<usize>() != judge.training().dim() {
        return Err(StudyError::Mismatch(format!(
            "{} holds samples of shape {run_shape:?}, but {} has records of shape {:?}",
            first.folder,
            judge.training().name,
            judge.training().shape
        )));
    }
    let name = first.reader.settings().field.spec.clone();
    let model = analyse(&judge, &settings, &name, runs, observe)?;
    Ok(StudyResults {
        kinepath: env!("CARGO_PKG_VERSION").to_owned(),
        training: judge.training_results(),
        reference: judge.reference_results(),
        false_alarm: judge.false_alarm(&bootstrap(settings.resamples, settings.seed)?)?,
        settings,
        models: vec![model],
    })
}

/// The settings of a study that consists of finished runs.
fn settings_of(
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
        seed: match first.noise {
            NoiseSettings::Seed { seed } | NoiseSettings::Selected { seed, .. } => seed,
            NoiseSettings::File { .. } => defaults.seed,
        },
        bins: defaults.bins.min(first.count / 8).max(1),
        resamples,
        data: data.clone(),
        sampler: SamplerChoice {
            solver: first.sampler.solver.clone(),
            steps: first.sampler.steps,
            grid: first.sampler.grid.clone(),
            quadrature: first.sampler.quadrature.clone(),
        },
        fields: vec![FieldChoice {
            name: first.field.spec.clone(),
            spec: first.field.spec.clone(),
            predicts: first.field.predicts.clone(),
            time: first.field.time.clone(),
        }],
        gains: runs
            .iter()
            .skip(1)
            .map(|run| GainChoice {
                name: run.name.clone(),
                gain: run.reader.settings().sampler.gain.clone(),
            })
            .collect(),
        ..defaults
    }
}

/// Refuses runs that differ in more than their gain: their samples are no pairs, or what differs
/// cannot be told to be the gain's doing.
fn check_pairing(runs: &[RunInput]) -> Result<(), StudyError> {
    let Some(first) = runs.first() else {
        return Err(StudyError::Mismatch("no run is named".to_owned()));
    };
    let baseline = first.reader.settings();
    for run in &runs[1..] {
        let other = run.reader.settings();
        // The same model or noise under another path is the same; hashes tell.
        let model = |run: &RunSettings| FieldSettings { spec: String::new(), ..run.field.clone() };
        let schedule = |run: &RunSettings| SamplerSettings {
            gain: String::new(),
            split: 0.0,
            ..run.sampler.clone()
        };
        let differs = if other.count != baseline.count {
            "number of samples"
        } else if !same_noise(&other.noise, &baseline.noise) {
            "noise"
        } else if model(other) != model(baseline) {
            "model or its conventions"
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

/// Whether two runs started from the same noise. Runs with a selection did not: each kept the draws
/// that its own gain brought into the bands.
fn same_noise(a: &NoiseSettings, b: &NoiseSettings) -> bool {
    match (a, b) {
        (NoiseSettings::File { sha256: a, .. }, NoiseSettings::File { sha256: b, .. }) => a == b,
        (NoiseSettings::Selected { .. }, _) => false,
        _ => a == b,
    }
}

/// A run and what the judge says of it.
struct JudgedRun {
    input: RunInput,
    samples: Array2<f32>,
    judged: Judged,
    figures: Figures,
}

impl JudgedRun {
    fn new(judge: &Judge, mut input: RunInput, bootstrap: &Bootstrap) -> Result<Self, StudyError> {
        let samples = input.reader.samples()?;
        let judged = judge.judge(samples.view())?;
        let mut table = input.reader.table().clone();
        let integers =
            |values: &[usize]| Column::I64(values.iter().map(|&value| value as i64).collect());
        for (name, column) in [
            ("nearest", integers(&judged.gaps.nearest)),
            ("d1", Column::F64(judged.gaps.d1.clone())),
            ("d2", Column::F64(judged.gaps.d2.clone())),
            ("gap_ratio", Column::F64(judged.gaps.ratio.clone())),
            ("memorized", Column::Bool(judged.memorized.iter().map(|&m| m > 0.5).collect())),
            ("predicted", integers(&judged.fidelity.predicted)),
            ("confidence", Column::F64(judged.fidelity.confidence.clone())),
            ("margin", Column::F64(judged.fidelity.margin.clone())),
            ("knn_support", Column::F64(judged.knn_support.clone())),
            ("kde_support", Column::F64(judged.kde_support.clone())),
        ] {
            table.set(name, column)?;
        }
        input.reader.replace_table(table)?;
        let figures = Figures::of(judge, &judged, bootstrap);
        Ok(Self { input, samples, judged, figures })
    }

    fn results(
        &self,
        bootstrap: &Bootstrap,
        comparison: Option<Comparison>,
    ) -> Result<RunResults, StudyError> {
        Ok(RunResults {
            name: self.input.name.clone(),
            gain: self.input.reader.settings().sampler.gain.clone(),
            folder: self.input.folder.clone(),
            energy: energy(&self.input.reader)?,
            metrics: self.figures.results(bootstrap)?,
            comparison,
        })
    }
}

/// Compares every run with the first; p-values are adjusted over all gains and metrics together.
fn compare(
    runs: &[JudgedRun],
    settings: &StudySettings,
    bootstrap: &Bootstrap,
) -> Result<Vec<Option<Comparison>>, StudyError> {
    let differences = runs[1..]
        .iter()
        .map(|run| run.figures.differences(&runs[0].figures, bootstrap))
        .collect::<Result<Vec<_>, _>>()?;
    let p_values: Vec<f64> = differences.iter().flatten().map(|(_, p_value)| *p_value).collect();
    let mut q_values = benjamini_hochberg(&p_values)?.into_iter();
    let mut comparisons = vec![None];
    for run in differences {
        let rows = run
            .into_iter()
            .zip(&METRICS)
            .zip(q_values.by_ref())
            .map(|(((difference, p_value), metric), q_value)| Difference {
                metric: metric.key.to_owned(),
                name: metric.name.to_owned(),
                difference,
                p_value,
                q_value,
                effect: verdict::effect(
                    difference.estimate,
                    q_value,
                    metric.better,
                    settings.significance,
                ),
            })
            .collect();
        comparisons.push(Some(verdict::judge(rows, settings.count)));
    }
    Ok(comparisons)
}

/// The energies of a run.
fn energy(reader: &RunReader) -> Result<EnergyResults, StudyError> {
    let summary = |name: &str| -> Result<_, StudyError> { Ok(summarize(&column(reader, name)?)?) };
    let kpe = column(reader, columns::KPE)?;
    let nfe: Vec<f64> = reader.table().i64(columns::NFE)?.iter().map(|&nfe| nfe as f64).collect();
    let overall = summarize(&kpe)?;
    Ok(EnergyResults {
        kpe: overall,
        kpe_per_dimension: overall.mean / reader.settings().dim() as f64,
        launch: summary(columns::KPE_LAUNCH)?,
        landing: summary(columns::KPE_LANDING)?,
        displacement: summary(columns::DISPLACEMENT)?,
        efficiency: summary(columns::EFFICIENCY)?,
        terminal_spike: summary(columns::TERMINAL_SPIKE)?,
        nfe: summarize(&nfe)?,
        values: kpe,
        profile: profile(reader)?,
    })
}

/// Quantiles of the energy profile at every step; empty if it was not recorded.
fn profile(reader: &RunReader) -> Result<Vec<ProfilePoint>, StudyError> {
    let Some(profile) = reader.profile()? else { return Ok(Vec::new()) };
    let sampler = &reader.settings().sampler;
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

/// The findings in words, the most important first.
fn findings(
    runs: &[RunResults],
    associations: &[Association],
    goldilocks: &Goldilocks,
    settings: &StudySettings,
) -> Vec<String> {
    let mut findings = Vec::new();
    if let Some(f_mem) = runs[0].metrics.iter().find(|metric| metric.metric == "f_mem") {
        findings.push(format!(
            "{} of the baseline's {} samples are memorized.",
            percent(f_mem.value),
            runs[0].energy.values.len()
        ));
    }
    findings.extend(runs.iter().filter_map(|run| {
        let comparison = run.comparison.as_ref()?;
        Some(format!("{}: {}.", run.name, comparison.sentence))
    }));
    // The smallest p-value, 2/(R + 1), times the number of differences must be able to count.
    let family = (runs.len() - 1) * METRICS.len();
    let needed = (2.0 * family as f64 / settings.significance).ceil() as usize;
    if settings.resamples + 1 < needed {
        findings.push(format!(
            "With {} bootstrap resamples for {family} differences, a single one can never count; \
             {needed} resamples would let it.",
            settings.resamples
        ));
    }
    findings.push(goldilocks.sentence.clone());
    findings.extend(
        associations
            .iter()
            .filter(|association| ["margin", "knn_support"].contains(&association.with.as_str()))
            .map(|association| association.sentence.clone()),
    );
    findings
}

/// A share with its interval, in percent.
fn percent(share: Interval) -> String {
    format!("{:.1} % [{:.1}, {:.1}]", 100.0 * share.estimate, 100.0 * share.low, 100.0 * share.high)
}
