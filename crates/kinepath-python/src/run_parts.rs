//! Run folders, written part by part.

use std::mem;
use std::path::PathBuf;

use kinepath_study::StudyError;
use kinepath_study::run::{
    Column, Existing, Opened, Part, RunCertificate, RunError, RunSettings, RunWriter,
    SamplerSettings, Table, columns,
};
use ndarray::ArrayD;
use numpy::{PyReadonlyArray1, PyReadonlyArrayDyn};
use pyo3::prelude::*;

use crate::arrays::{Samples, values, view};
use crate::errors::{self, invalid};
use crate::given::Model;
use crate::parallel;
use crate::plan::Plan;

/// A run folder that parts are written into, in any order.
#[pyclass(module = "kinepath")]
pub(crate) struct RunParts {
    state: State,
}

enum State {
    /// The run has all its samples.
    Whole,
    /// Parts are missing, or not put together yet.
    Open(Box<RunWriter>),
    /// Let go of; what is missing is not known any more.
    Closed,
}

/// The values of a column.
#[derive(FromPyObject)]
pub(crate) enum Values<'py> {
    Float(PyReadonlyArray1<'py, f64>),
    Integer(PyReadonlyArray1<'py, i64>),
}

#[pymethods]
impl RunParts {
    /// Opens or continues the run that the JSON `settings` describe as `run.toml` would.
    #[new]
    fn open(py: Python<'_>, path: PathBuf, settings: &str) -> PyResult<Self> {
        let settings: RunSettings = serde_json::from_str(settings).map_err(invalid)?;
        let opened = parallel::detach(py, || RunWriter::open(&path, settings, Existing::Resume));
        match opened.map_err(run)? {
            Opened::Complete => Ok(Self { state: State::Whole }),
            Opened::Incomplete(writer) => Ok(Self { state: State::Open(writer) }),
        }
    }

    /// The ranges of samples that the folder does not hold yet.
    fn missing(&self) -> PyResult<Vec<(usize, usize)>> {
        let missing = match &self.state {
            State::Whole => Vec::new(),
            State::Open(writer) => writer.missing(),
            State::Closed => return Err(closed()),
        };
        Ok(missing.into_iter().map(|range| (range.start, range.end)).collect())
    }

    /// Writes the samples `start..`, `[n, *shape]`, with a row each of the table, whose first
    /// column is the index, and what was recorded beside them; `certificate` is JSON.
    #[pyo3(signature = (start, samples, *, labels, table, tensors, certificate))]
    #[expect(clippy::too_many_arguments, reason = "the Python side passes them by name")]
    fn write(
        &mut self,
        py: Python<'_>,
        start: usize,
        samples: PyReadonlyArrayDyn<'_, f32>,
        labels: Option<PyReadonlyArray1<'_, i64>>,
        table: Vec<(String, Values<'_>)>,
        tensors: Vec<(String, PyReadonlyArrayDyn<'_, f32>)>,
        certificate: Option<&str>,
    ) -> PyResult<()> {
        let samples = Samples::new("samples", samples)?.rows()?.into_owned();
        let certificate: Option<RunCertificate> =
            certificate.map(serde_json::from_str).transpose().map_err(invalid)?;
        let labels = match labels {
            None => vec![None; samples.nrows()],
            Some(labels) => values("labels", &labels)?.into_iter().map(Some).collect(),
        };
        let mut columns: Vec<(String, Column)> = table
            .into_iter()
            .map(|(name, column)| {
                let column = match column {
                    Values::Float(column) => Column::F64(values(&name, &column)?),
                    Values::Integer(column) => Column::I64(values(&name, &column)?),
                };
                Ok((name, column))
            })
            .collect::<PyResult<_>>()?;
        columns.insert(1.min(columns.len()), (columns::LABEL.to_owned(), Column::OptI64(labels)));
        let table = Table::new(columns).map_err(invalid)?;
        let tensors: Vec<(String, ArrayD<f32>)> = tensors
            .into_iter()
            .map(|(name, tensor)| {
                let tensor = view(&name, &tensor)?.as_standard_layout().into_owned();
                Ok((name, tensor))
            })
            .collect::<PyResult<_>>()?;
        let part = Part { start, samples, table, tensors, certificate };
        match &mut self.state {
            State::Whole => Err(invalid("the run is whole already")),
            State::Open(writer) => parallel::detach(py, || writer.write(&part)).map_err(run),
            State::Closed => Err(closed()),
        }
    }

    /// Puts the parts together; nothing is left to do where the run is whole. Where it fails, the
    /// folder is let go of.
    fn finish(&mut self, py: Python<'_>) -> PyResult<()> {
        match mem::replace(&mut self.state, State::Closed) {
            State::Whole => {}
            State::Open(writer) => parallel::detach(py, || writer.finish()).map_err(run)?,
            State::Closed => return Err(closed()),
        }
        self.state = State::Whole;
        Ok(())
    }

    /// Lets go of the folder; what is written stays.
    fn close(&mut self) {
        self.state = State::Closed;
    }
}

fn closed() -> PyErr {
    invalid("the run folder was let go of: open it again, and it goes on with what is missing")
}

fn run(error: RunError) -> PyErr {
    errors::study(StudyError::from(error))
}

/// What `run.toml` says of a model and of a plan, as JSON.
#[pyfunction]
pub(crate) fn run_settings(model: Model<'_>, plan: &Plan) -> PyResult<String> {
    let settings = serde_json::json!({
        "field": model.settings(),
        "sampler": SamplerSettings::of(&plan.0, "explicit"),
    });
    serde_json::to_string(&settings).map_err(invalid)
}
