//! Velocity fields.

use std::path::PathBuf;
use std::sync::Arc;

use kinepath::field::{self, Condition, VelocityField};
use kinepath_study::conditions::FieldInputs;
use kinepath_study::conventions::ConventionWords;
use kinepath_study::run::FieldSettings;
use kinepath_study::source::{Engine, FieldSource, FieldSpec, GuidanceSpec, look_for_library_in};
use ndarray::{ArrayD, Ix2};
use numpy::{
    AllowTypeChange, PyArrayDyn, PyArrayLikeDyn, PyReadonlyArray1, PyReadonlyArrayDyn,
    PyUntypedArrayMethods, ToPyArray,
};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::arrays::{Samples, batch, column, numbers, values, view, whole};
use crate::errors::{self, invalid};
use crate::parallel;

/// A velocity field ``v(x, t)`` of the core, which :func:`kinepath.sample` integrates on all
/// processor cores.
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

    /// The velocity at states ``x``, ``[B, *shape]``, in data units per unit of time: float32 of
    /// the shape of ``x``.
    ///
    ///     >>> field = kinepath.MixtureField([1.0], [[2.0]], [1.0])
    ///     >>> field.velocity([[0.0], [1.0]], 0.0)
    ///     array([[2.],
    ///            [1.]], dtype=float32)
    ///
    /// Args:
    ///     x: the states, in data units.
    ///     t: the time of all, or that of each, ``[B]``; 0 is noise, 1 is data.
    ///     labels: one class for each, ``[B]``, where the field takes them.
    ///
    /// Raises:
    ///     KinepathError: for shapes that do not fit, and times at which the field is undefined.
    ///     ModelError: for a network that failed.
    #[pyo3(signature = (x, t, labels = None))]
    fn velocity<'py>(
        &self,
        py: Python<'py>,
        x: PyArrayLikeDyn<'py, f32, AllowTypeChange>,
        t: &Bound<'py, PyAny>,
        labels: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
        let samples = Samples::new("x", x.clone())?;
        check_shape("x", samples.shape(), &self.shape)?;
        let rows = samples.rows()?;
        let times = times_of(rows.nrows(), t)?;
        let labels = labels.map(|labels| whole("labels", labels)).transpose()?;
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

/// One time for each of `rows` states, from that of each or that of all.
fn times_of(rows: usize, given: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
    let array = numbers("times", given)?;
    let times = values("times", &array)?;
    match array.ndim() {
        0 => Ok(vec![times[0]; rows]),
        1 => Ok(times),
        _ => Err(invalid(format!(
            "times are one for all states or [B], got shape {:?}",
            array.shape()
        ))),
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

    /// For copies and pickles.
    fn __getnewargs__<'py>(
        slf: PyRef<'py, Self>,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyArrayDyn<f32>>,)> {
        let points = slf.0.points();
        let shape = batch(points.nrows(), &slf.as_super().shape);
        let points = points.to_shape(shape).map_err(invalid)?;
        Ok((points.to_pyarray(py),))
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
pub(crate) struct MixtureField {
    weights: Vec<f64>,
    means: ArrayD<f64>,
    variances: ArrayD<f64>,
}

/// What a mixture is made from.
type Mixture<'py> = (Vec<f64>, Bound<'py, PyArrayDyn<f64>>, Bound<'py, PyArrayDyn<f64>>);

#[pymethods]
impl MixtureField {
    #[new]
    fn new(
        weights: Vec<f64>,
        means: PyReadonlyArrayDyn<'_, f64>,
        variances: PyReadonlyArrayDyn<'_, f64>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let means = view("means", &means)?.to_owned();
        let variances = view("variances", &variances)?.to_owned();
        let centres = means.clone().into_dimensionality::<Ix2>().map_err(|_| {
            invalid(format!("means must be [K, D], got an array of {} axes", means.ndim()))
        })?;
        let dim = centres.ncols();
        let mixture = match variances.ndim() {
            1 => {
                let variances: Vec<f64> = variances.iter().copied().collect();
                field::MixtureField::isotropic(&weights, centres, &variances)
            }
            2 => {
                let variances = variances.clone().into_dimensionality().map_err(invalid)?;
                field::MixtureField::diagonal(&weights, centres, variances)
            }
            axes => {
                let text = format!("variances must be [K] or [K, D], got an array of {axes} axes");
                return Err(invalid(text));
            }
        }
        .map_err(errors::field)?;
        let base = Field::unconditional(Arc::new(mixture), vec![dim]);
        Ok(PyClassInitializer::from(base).add_subclass(Self { weights, means, variances }))
    }

    /// For copies and pickles.
    fn __getnewargs__<'py>(&self, py: Python<'py>) -> Mixture<'py> {
        (self.weights.clone(), self.means.to_pyarray(py), self.variances.to_pyarray(py))
    }
}

/// An ONNX network as a field.
#[pyclass(frozen, subclass, extends = Field, module = "kinepath")]
pub(crate) struct OnnxField {
    /// What a run folder says of it.
    pub(crate) settings: FieldSettings,
    /// What it was opened by: its path, and by name the rest.
    path: String,
    told: Py<PyDict>,
}

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
        guidance: Option<Bound<'_, PyAny>>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let told = PyDict::new(py);
        told.set_item("predicts", &predicts)?;
        told.set_item("time", &time)?;
        told.set_item("trained_on", &trained_on)?;
        told.set_item("engine", engine)?;
        told.set_item("guidance", &guidance)?;
        let guidance = guidance.map(|guidance| guidance.extract::<Guidance>()).transpose()?;
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
        let opened = Self { settings, path: path.to_owned(), told: told.unbind() };
        Ok(PyClassInitializer::from(base).add_subclass(opened))
    }

    /// For copies and pickles, which open the file again.
    fn __getnewargs_ex__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        Ok((PyTuple::new(py, [&self.path])?, self.told.bind(py).copy()?))
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

/// Refuses samples of another shape than the field's.
pub(crate) fn check_shape(what: &str, actual: &[usize], expected: &[usize]) -> PyResult<()> {
    if actual == expected {
        return Ok(());
    }
    Err(invalid(format!(
        "{what} has samples of shape {actual:?}, but the velocity field has {expected:?}"
    )))
}
