//! Run folders, written part by part.

use std::path::PathBuf;

use kinepath_study::StudyError;
use kinepath_study::run::{
    Column, Existing, FieldSettings, Opened, Part, RunCertificate, RunError, RunSettings,
    RunWriter, SamplerSettings, Table, columns,
};
use ndarray::ArrayD;
use numpy::{PyReadonlyArray1, PyReadonlyArrayDyn};
use pyo3::prelude::*;

use crate::arrays::Samples;
use crate::errors::{self, invalid};
use crate::parallel;
use crate::plan::Plan;

/// A run folder that parts are written into, in any order.
#[pyclass(module = "kinepath")]
pub(crate) struct RunParts {
    /// Nothing where the run is whole.
    writer: Option<Box<RunWriter>>,
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
            Opened::Complete => Ok(Self { writer: None }),
            Opened::Incomplete(writer) => Ok(Self { writer: Some(writer) }),
        }
    }

    /// The ranges of samples that the folder does not hold yet.
    fn missing(&self) -> Vec<(usize, usize)> {
        let missing = self.writer.as_ref().map(|writer| writer.missing());
        missing.unwrap_or_default().into_iter().map(|range| (range.start, range.end)).collect()
    }

    /// Writes the samples `start..`, `[n, *shape]`, with a row each of the table, whose first column
    /// is the index, and what was recorded beside them; `certificate` is JSON.
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
            Some(labels) => labels.as_array().iter().copied().map(Some).collect(),
        };
        let mut columns: Vec<(String, Column)> = table
            .into_iter()
            .map(|(name, values)| match values {
                Values::Float(values) => (name, Column::F64(values.as_array().to_vec())),
                Values::Integer(values) => (name, Column::I64(values.as_array().to_vec())),
            })
            .collect();
        columns.insert(1.min(columns.len()), (columns::LABEL.to_owned(), Column::OptI64(labels)));
        let table = Table::new(columns).map_err(invalid)?;
        let tensors: Vec<(String, ArrayD<f32>)> = tensors
            .into_iter()
            .map(|(name, tensor)| (name, tensor.as_array().as_standard_layout().into_owned()))
            .collect();
        let part = Part { start, samples, table, tensors, certificate };
        let writer = self.writer.as_mut().ok_or_else(|| invalid("the run is whole already"))?;
        parallel::detach(py, || writer.write(&part)).map_err(run)
    }

    /// Puts the parts together; nothing is left to do where the run is whole.
    fn finish(&mut self, py: Python<'_>) -> PyResult<()> {
        match self.writer.take() {
            Some(writer) => parallel::detach(py, || writer.finish()).map_err(run),
            None => Ok(()),
        }
    }

    /// Lets go of the folder; what is written stays.
    fn close(&mut self) {
        self.writer = None;
    }
}

fn run(error: RunError) -> PyErr {
    errors::study(StudyError::from(error))
}

/// What `run.toml` says of a model that this program has not opened, and of a plan, as JSON.
#[pyfunction]
pub(crate) fn run_settings(model: &str, plan: &Plan) -> PyResult<String> {
    let settings = serde_json::json!({
        "field": FieldSettings::external(model),
        "sampler": SamplerSettings::of(&plan.0, "explicit"),
    });
    serde_json::to_string(&settings).map_err(invalid)
}
