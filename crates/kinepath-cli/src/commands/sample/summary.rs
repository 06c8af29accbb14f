//! What `kinepath sample` says at the end.

use std::fmt;
use std::path::PathBuf;

use kinepath::gain::Gain;
use kinepath::stats::{self, summarize};
use kinepath_study::StudyError;
use kinepath_study::run::{Column, RunReader, RunSettings, columns};
use kinepath_study::sampling::SelectionEffect;
use serde::Serialize;

use crate::tables;

/// What the folder held before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Before {
    /// Nothing of this run.
    Nothing,
    /// Some of its samples.
    Begun(usize),
    /// All of it.
    Complete,
}

/// The energies of a finished run and where it is.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    run: PathBuf,
    /// A run without all its samples has no summary.
    complete: bool,
    before: Before,
    /// Energies in squared data units, shares and counts, over samples.
    energy: Vec<Row>,
    /// What --select did.
    #[serde(skip_serializing_if = "Option::is_none")]
    selection: Option<SelectionEffect>,
    /// What a user should look into.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remarks: Vec<String>,
    /// The gain without the points of its table or ceiling.
    #[serde(skip)]
    gain: String,
    /// The solver and its steps.
    #[serde(skip)]
    schedule: String,
    settings: RunSettings,
}

/// One column of the run's table in a few numbers.
#[derive(Debug, Serialize)]
struct Row {
    column: &'static str,
    /// Its name for people.
    #[serde(skip)]
    name: String,
    #[serde(flatten)]
    summary: stats::Summary,
    /// The mean divided by the dimension D, for energies.
    #[serde(skip_serializing_if = "Option::is_none")]
    mean_per_dimension: Option<f64>,
}

impl Summary {
    pub(super) fn of(
        reader: &RunReader,
        before: Before,
        selection: Option<SelectionEffect>,
    ) -> Result<Self, StudyError> {
        let settings = reader.settings().clone();
        let Some(sampler) = &settings.sampler else {
            let run = reader.dir().display();
            let text = format!("{run} does not tell how its samples were made");
            return Err(StudyError::Mismatch(text));
        };
        let split = sampler.split;
        // A part that no stage of the path has evaluated has no energy.
        let known = |column: &&str| {
            reader.table().f64(column).is_ok_and(|part| part.iter().all(|energy| !energy.is_nan()))
        };
        let parts = [columns::KPE_CONDITIONAL, columns::KPE_UNCONDITIONAL].into_iter();
        let parts = parts.filter(known).map(|column| {
            let part = column.strip_prefix("kpe_").unwrap_or(column);
            (column, format!("{part} part alone"))
        });
        let energies = [
            (columns::KPE, "kinetic path energy".to_owned()),
            (columns::KPE_LAUNCH, format!("  launch, t < {split}")),
            (columns::KPE_LANDING, format!("  landing, t ≥ {split}")),
            (columns::DISPLACEMENT, "displacement energy".to_owned()),
        ];
        let others = [
            (columns::EFFICIENCY, "efficiency".to_owned()),
            (columns::TERMINAL_SPIKE, "share from t ≥ 0.95".to_owned()),
            (columns::NFE, "evaluations (NFE)".to_owned()),
        ];
        let row = |column: &'static str, name, energy: bool| -> Result<Row, StudyError> {
            let summary = summarize(&numbers(reader, column)?)?;
            let mean_per_dimension = energy.then(|| summary.mean / settings.dim() as f64);
            Ok(Row { column, name, summary, mean_per_dimension })
        };
        let energy = energies
            .into_iter()
            .chain(parts)
            .map(|(column, name)| row(column, name, true))
            .chain(others.into_iter().map(|(column, name)| row(column, name, false)))
            .collect::<Result<Vec<_>, StudyError>>()?;
        let per_dimension = energy.first().and_then(|kpe| kpe.mean_per_dimension);
        let network = settings.field.spec.starts_with("onnx:");
        let remarks =
            [unsettled(reader), per_dimension.filter(|_| network).and_then(far_from_unit_scale)];
        let remarks = remarks.into_iter().flatten().collect();
        let gain = format!("{:#}", sampler.gain.parse::<Gain>()?);
        let schedule = format!("{} with {} steps", sampler.solver, sampler.steps);
        let run = reader.dir().to_owned();
        Ok(Self {
            run,
            complete: true,
            before,
            energy,
            selection,
            remarks,
            gain,
            schedule,
            settings,
        })
    }
}

/// That paths of an exact field end between training records, where grids are too coarse for them.
fn unsettled(reader: &RunReader) -> Option<String> {
    let collapse = reader.table().f64(columns::COLLAPSE_TIME).ok()?;
    let open = collapse.iter().filter(|t| t.is_nan()).count();
    let ends = reader.settings().sampler.as_ref()?.nodes.last().is_some_and(|&end| end == 1.0);
    (ends && open > 0).then(|| {
        format!(
            "{open} of {} paths had not settled on a training record at the last step, though the exact \
             field leads all of them to one: take more --steps, or a --grid that is denser at the end",
            collapse.len()
        )
    })
}

/// Energy of a dimension above which a network's conventions are in doubt: between standard noise and
/// data of unit scale it is about 1.
const DOUBTFUL: f64 = 100.0;

/// That an energy is not one of data of about unit scale.
fn far_from_unit_scale(per_dimension: f64) -> Option<String> {
    (per_dimension > DOUBTFUL).then(|| {
        format!(
            "the energy of a dimension, {}, is far from that between standard noise and data of unit \
             scale, about 1: unless the data are of scale {}, the network follows other conventions \
             than it was told (--predicts, --time, --path; `kinepath inspect` shows what is known)",
            tables::number(per_dimension),
            tables::number((2.0 * per_dimension).sqrt())
        )
    })
}

fn numbers(reader: &RunReader, column: &str) -> Result<Vec<f64>, StudyError> {
    Ok(match reader.table().get(column) {
        Some(Column::I64(_) | Column::OptI64(_)) => {
            reader.table().i64(column)?.into_iter().map(|value| value as f64).collect()
        }
        _ => reader.table().f64(column)?.to_vec(),
    })
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RunSettings { count, field, shape, .. } = &self.settings;
        let samples = if *count == 1 { "sample" } else { "samples" };
        writeln!(f, "{count} {samples} of {} {shape:?}, {}", field.spec, self.schedule)?;
        writeln!(f, "gain {}", self.gain)?;
        if let Some(guidance) = &field.guidance {
            writeln!(f, "{guidance}")?;
        }
        writeln!(f)?;
        let mut table = tables::numbers(&["", "mean", "sd", "median", "min", "max", "mean / D"]);
        for Row { name, summary, mean_per_dimension, .. } in &self.energy {
            let numbers = [summary.mean, summary.sd, summary.median, summary.min, summary.max];
            let mut cells = vec![name.clone()];
            cells.extend(numbers.map(tables::number));
            cells.push(mean_per_dimension.map_or(String::new(), tables::number));
            table.add_row(cells);
        }
        writeln!(f, "{}", tables::text(&table))?;
        writeln!(f, "energies in squared data units; D = {}", self.settings.dim())?;
        writeln!(f)?;
        if let Some(certificate) = &self.settings.certificate {
            writeln!(f, "{certificate}\n")?;
        }
        for remark in &self.remarks {
            writeln!(f, "note: {remark}\n")?;
        }
        if let Some(selection) = &self.selection {
            writeln!(f, "{}\n", tables::selection(selection))?;
        }
        let state = match self.before {
            Before::Nothing => "complete".to_owned(),
            Before::Begun(done) => format!("complete; {done} of its samples were there already"),
            Before::Complete => "was complete already; nothing was computed".to_owned(),
        };
        writeln!(f, "run     {} ({state})", self.run.display())?;
        write!(f, "files   run.toml, samples.safetensors, samples.parquet")
    }
}
