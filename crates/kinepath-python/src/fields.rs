//! Velocity fields.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use kinepath::field::{self, Condition, FieldError, VelocityField};
use kinepath_study::conditions::FieldInputs;
use kinepath_study::conventions::ConventionWords;
use kinepath_study::run::FieldSettings;
use kinepath_study::source::{Engine, FieldSource, FieldSpec, GuidanceSpec, look_for_library_in};
use ndarray::{ArrayView2, ArrayViewMut2, Dimension, Ix2};
use numpy::{
    AllowTypeChange, PyArray1, PyArrayDyn, PyArrayLike1, PyArrayLikeDyn, PyArrayMethods,
    PyReadonlyArray1, PyReadonlyArrayDyn, PyUntypedArrayMethods, ToPyArray,
};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{Samples, batch, column, view};
use crate::errors::{self, ModelError, invalid};
use crate::parallel;

/// A velocity field of the core.
#[pyclass(frozen, subclass, module = "kinepath")]
pub(crate) struct Field {
    pub(crate) field: Arc<dyn VelocityField + Send>,
    /// Shape of one sample.
    pub(crate) shape: Vec<usize>,
    pub(crate) labelled: bool,
    /// The further inputs that it is conditioned on.
    pub(crate) inputs: FieldInputs,
}

#[pymethods]
impl Field {
    /// Shape of one sample.
    #[getter]
    fn shape(&self) -> Vec<usize> {
        self.shape.clone()
    }

    /// Whether every sample needs a class label.
    #[getter]
    fn labelled(&self) -> bool {
        self.labelled
    }

    /// The further inputs that it is conditioned on: name and number of axes of one row.
    #[getter]
    fn inputs(&self) -> Vec<(String, usize)> {
        let inputs = self.inputs.needed.iter().chain(&self.inputs.label);
        inputs.map(|input| (input.name.clone(), input.shape.len())).collect()
    }

    /// The velocity at states `x`, `[B, *shape]`, and times `t`, `[B]`.
    #[pyo3(signature = (x, t, labels = None))]
    fn velocity<'py>(
        &self,
        py: Python<'py>,
        x: PyArrayLikeDyn<'py, f32, AllowTypeChange>,
        t: PyArrayLike1<'py, f64, AllowTypeChange>,
        labels: Option<Vec<i64>>,
    ) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
        let samples = Samples::new("x", x.clone())?;
        check_shape("x", samples.shape(), &self.shape)?;
        let (rows, times) = (samples.rows()?, view("t", &t)?.to_vec());
        let condition = labels.as_deref().map_or(Condition::None, Condition::Labels);
        let mut out = ndarray::Array2::zeros(rows.dim());
        let states = rows.view();
        parallel::detach(py, || self.field.velocity(states, &times, condition, out.view_mut()))
            .map_err(errors::field)?;
        let count = out.nrows();
        let out = out.into_shape_with_order(batch(count, &self.shape)).map_err(invalid)?;
        Ok(PyArrayDyn::from_owned_array(py, out))
    }
}

/// The exact field of a training set.
#[pyclass(frozen, subclass, extends = Field, module = "kinepath")]
pub(crate) struct EmpiricalField(Arc<field::EmpiricalField>);

#[pymethods]
impl EmpiricalField {
    #[new]
    fn new(points: PyReadonlyArrayDyn<'_, f32>) -> PyResult<PyClassInitializer<Self>> {
        let samples = Samples::new("points", points)?;
        let rows = samples.rows()?.into_owned();
        let exact = Arc::new(field::EmpiricalField::new(rows).map_err(errors::field)?);
        let base = Field::unconditional(exact.clone(), samples.shape().to_vec());
        Ok(PyClassInitializer::from(base).add_subclass(Self(exact)))
    }

    /// The posterior over training points at states `x`, `[B, *shape]`, and times `t`, `[B]`.
    fn posterior<'py>(
        slf: PyRef<'py, Self>,
        x: PyReadonlyArrayDyn<'py, f32>,
        t: PyReadonlyArray1<'py, f64>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let py = slf.py();
        let samples = Samples::new("x", x)?;
        check_shape("x", samples.shape(), &slf.as_super().shape)?;
        let (rows, times) = (samples.rows()?, view("t", &t)?.to_vec());
        let (exact, states) = (&slf.0, rows.view());
        let posterior =
            parallel::detach(py, || exact.posterior(states, &times)).map_err(errors::field)?;
        let shape = batch(posterior.mean.nrows(), samples.shape());
        let mean = posterior.mean.into_shape_with_order(shape).map_err(invalid)?;
        let result = PyDict::new(py);
        result.set_item("mean", PyArrayDyn::from_owned_array(py, mean))?;
        result.set_item("entropy", column(py, posterior.entropy))?;
        result.set_item("effective_count", column(py, posterior.effective_count))?;
        let top = posterior.top.into_iter().map(|index| index as i64).collect();
        result.set_item("top", column::<i64>(py, top))?;
        result.set_item("top_weight", column(py, posterior.top_weight))?;
        result.set_item("log_density", column(py, posterior.log_density))?;
        Ok(result)
    }
}

/// The exact field of a Gaussian mixture.
#[pyclass(frozen, subclass, extends = Field, module = "kinepath")]
pub(crate) struct MixtureField;

#[pymethods]
impl MixtureField {
    #[new]
    fn new(
        weights: Vec<f64>,
        means: PyReadonlyArrayDyn<'_, f64>,
        variances: PyReadonlyArrayDyn<'_, f64>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let means = means.as_array().to_owned().into_dimensionality::<Ix2>().map_err(|_| {
            invalid(format!("means must be [K, D], got an array of {} axes", means.ndim()))
        })?;
        let dim = means.ncols();
        let mixture = match variances.ndim() {
            1 => {
                let variances: Vec<f64> = variances.as_array().iter().copied().collect();
                field::MixtureField::isotropic(&weights, means, &variances)
            }
            2 => {
                let variances = variances.as_array().into_dimensionality().map_err(invalid)?;
                field::MixtureField::diagonal(&weights, means, variances.to_owned())
            }
            axes => {
                let text = format!("variances must be [K] or [K, D], got an array of {axes} axes");
                return Err(invalid(text));
            }
        }
        .map_err(errors::field)?;
        let base = Field::unconditional(Arc::new(mixture), vec![dim]);
        Ok(PyClassInitializer::from(base).add_subclass(Self))
    }
}

/// An ONNX network as a field.
#[pyclass(frozen, subclass, extends = Field, module = "kinepath")]
pub(crate) struct OnnxField(
    /// What a run folder says of it.
    pub(crate) FieldSettings,
);

#[pymethods]
impl OnnxField {
    #[new]
    fn new(
        py: Python<'_>,
        path: &str,
        predicts: Option<String>,
        time: Option<String>,
        trained_on: Option<String>,
        engine: &str,
        guidance: Option<Guidance>,
    ) -> PyResult<PyClassInitializer<Self>> {
        if let Some(folder) = onnxruntime_folder(py) {
            look_for_library_in(folder);
        }
        let spec = FieldSpec {
            spec: format!("onnx:{path}"),
            conventions: ConventionWords { predicts, time, path: trained_on },
            engine: engine.parse::<Engine>().map_err(invalid)?,
            guidance: guidance.map(GuidanceSpec::from),
            in_full: None,
        };
        let FieldSource { field, shape, labelled, inputs, settings, .. } =
            parallel::detach(py, || FieldSource::open(&spec)).map_err(errors::study)?;
        let base = Field { field, shape, labelled, inputs };
        Ok(PyClassInitializer::from(base).add_subclass(Self(settings)))
    }
}

/// Where the package `onnxruntime` of this interpreter, if there is one, keeps its library.
fn onnxruntime_folder(py: Python<'_>) -> Option<PathBuf> {
    let find = py.import("importlib.util").ok()?.getattr("find_spec").ok()?;
    let spec = find.call1(("onnxruntime",)).ok()?;
    let folders = spec.getattr("submodule_search_locations").ok()?;
    let package: PathBuf = folders.get_item(0).ok()?.extract().ok()?;
    Some(package.join("capi"))
}

/// The fields of `kinepath.Guidance`.
#[derive(FromPyObject)]
struct Guidance {
    scale: f64,
    null_label: Option<i64>,
    null_inputs: Option<String>,
    interval: Option<[f64; 2]>,
    style: String,
}

impl From<Guidance> for GuidanceSpec {
    fn from(guidance: Guidance) -> Self {
        let Guidance { scale, null_label, null_inputs, interval, style } = guidance;
        Self { scale, interval, style, null_label, null_inputs }
    }
}

impl Field {
    /// A field without labels and further inputs.
    fn unconditional(field: Arc<dyn VelocityField + Send>, shape: Vec<usize>) -> Self {
        Self { field, shape, labelled: false, inputs: FieldInputs::default() }
    }
}

/// A Python callable `f(x, t)` as a field, for one run.
pub(crate) struct Callable {
    function: Py<PyAny>,
    shape: Vec<usize>,
    /// The exception that ended the run.
    raised: Mutex<Option<PyErr>>,
}

impl Callable {
    pub(crate) fn new(function: Py<PyAny>, shape: Vec<usize>) -> Self {
        Self { function, shape, raised: Mutex::new(None) }
    }

    /// The exception that the callable raised, if it did.
    pub(crate) fn raised(&self) -> Option<PyErr> {
        self.raised.lock().ok()?.take()
    }

    fn call(
        &self,
        py: Python<'_>,
        x: ArrayView2<'_, f32>,
        t: &[f64],
        mut out: ArrayViewMut2<'_, f32>,
    ) -> PyResult<()> {
        let shape = batch(x.nrows(), &self.shape);
        let states = x.to_pyarray(py).reshape(shape.clone())?;
        let returned = self.function.bind(py).call1((states, PyArray1::from_slice(py, t)))?;
        let velocity = returned.cast::<PyArrayDyn<f32>>().map_err(|_| {
            ModelError::new_err(format!(
                "the velocity field must return a float32 array of shape {:?}, got {}",
                shape.slice(),
                describe(&returned)
            ))
        })?;
        if velocity.shape() != shape.slice() {
            return Err(ModelError::new_err(format!(
                "the velocity field must return an array of shape {:?}, got {:?}",
                shape.slice(),
                velocity.shape()
            )));
        }
        let velocity = velocity.try_readonly()?;
        let values = view("the velocity", &velocity)?;
        out.iter_mut().zip(values.iter()).for_each(|(out, &value)| *out = value);
        Ok(())
    }
}

impl VelocityField for Callable {
    fn dim(&self) -> usize {
        self.shape.iter().product()
    }

    fn velocity(
        &self,
        x: ArrayView2<'_, f32>,
        t: &[f64],
        _condition: Condition<'_>,
        out: ArrayViewMut2<'_, f32>,
    ) -> Result<(), FieldError> {
        Python::attach(|py| self.call(py, x, t, out)).map_err(|error| {
            let text = error.to_string();
            if let Ok(mut raised) = self.raised.lock() {
                *raised = Some(error);
            }
            FieldError::Model(text)
        })
    }
}

/// An object in a few words: its type, and of an array its element type and shape.
fn describe(object: &Bound<'_, PyAny>) -> String {
    let class = object.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
    let part = |name: &str| object.getattr(name).ok().map(|value| value.to_string());
    match (part("dtype"), part("shape")) {
        (Some(kind), Some(shape)) => format!("{class} of {kind} and shape {shape}"),
        _ => class,
    }
}

/// Refuses samples of another shape than the field's.
pub(crate) fn check_shape(what: &str, actual: &[usize], expected: &[usize]) -> PyResult<()> {
    if actual == expected {
        return Ok(());
    }
    Err(invalid(format!(
        "{what} has samples of shape {actual:?}, but the velocity field has {expected:?}"
    )))
}
