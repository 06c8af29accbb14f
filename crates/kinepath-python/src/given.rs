//! Run folders, written from samples that the caller has.

use std::path::PathBuf;

use kinepath::field::{Certificate, PosteriorPaths};
use kinepath::noise::noise;
use kinepath::paths::{PartEnergies, Paths};
use kinepath_study::data::{Dataset, NoiseFile};
use kinepath_study::run::{Existing, FieldSettings, NoiseSettings, SamplerSettings};
use kinepath_study::sampling::{Given, GivenRun};
use ndarray::{Array, Array2, ArrayView2, Axis};
use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArrayDyn};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::Samples;
use crate::data::Records;
use crate::errors::{self, invalid};
use crate::fields::OnnxField;
use crate::parallel;
use crate::plan::Plan;
use crate::runs::Run;

/// Where an endpoint may differ from what its displacement says, relative to that energy: room for
/// models that work in half precision.
const ROUNDING: f64 = 1e-2;

/// What made the samples.
#[derive(FromPyObject)]
pub(crate) enum Model<'py> {
    Onnx(Bound<'py, OnnxField>),
    Name(String),
}

/// Where samples started.
#[derive(FromPyObject)]
pub(crate) enum Start<'py> {
    Seed(u64),
    Name(String),
    Array(PyReadonlyArrayDyn<'py, f32>),
}

/// Writes a run folder. `paths` has the fields of `kinepath.Paths` beside the samples; without them
/// the energies are not known.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "the Python side passes them by name")]
#[pyo3(signature = (path, samples, paths, *, model, plan, noise, labels, nodes, overwrite))]
pub(crate) fn write_run(
    py: Python<'_>,
    path: PathBuf,
    samples: Records<'_>,
    paths: Option<Bound<'_, PyDict>>,
    model: Model<'_>,
    plan: Option<&Plan>,
    noise: Option<Start<'_>>,
    labels: Option<Vec<i64>>,
    nodes: Vec<usize>,
    overwrite: bool,
) -> PyResult<Run> {
    let mut field = match model {
        Model::Onnx(field) => field.get().0.clone(),
        Model::Name(name) => FieldSettings::external(&name),
    };
    let (samples, shape, own_labels) = match (paths, samples) {
        (Some(paths), Records::Floats(endpoints)) => {
            let endpoints = Samples::new("endpoints", endpoints)?;
            let given = Given::Paths(Box::new(read_paths(&paths, endpoints.rows()?.into_owned())?));
            (given, endpoints.shape().to_vec(), None)
        }
        (_, records) => {
            let Dataset { values, shape, labels, scaling, .. } = records.load(py)?;
            field.scaling = Some(scaling);
            (Given::Samples(values), shape, labels)
        }
    };
    let noise = starting_points(py, noise, &samples)?;
    let trajectory = match plan.map(|plan| plan.0.grid().nodes()) {
        None => Vec::new(),
        Some(times) => nodes.iter().filter_map(|&node| times.get(node).copied()).collect(),
    };
    let sampler = plan.map(|plan| SamplerSettings::of(&plan.0, "explicit"));
    let labels = labels.or(own_labels);
    let run = GivenRun { shape, samples, labels, field, sampler, noise, trajectory };
    let existing = if overwrite { Existing::Overwrite } else { Existing::Resume };
    parallel::detach(py, || run.write(&path, existing)).map(Run).map_err(errors::study)
}

/// What a run folder says of the starting points.
///
/// Points that are known must be those that the measured paths started from: their displacement
/// tells.
fn starting_points(
    py: Python<'_>,
    start: Option<Start<'_>>,
    samples: &Given,
) -> PyResult<NoiseSettings> {
    let (count, dim) = samples.endpoints().dim();
    match start {
        None => Ok(NoiseSettings::Unknown),
        Some(Start::Name(name)) => Ok(NoiseSettings::Declared { name }),
        Some(Start::Seed(seed)) => {
            if let Given::Paths(paths) = samples {
                let points = parallel::detach(py, || noise(seed, 0..count as u64, dim));
                check_start(paths, points.view(), &format!("seed {seed}"))?;
            }
            Ok(NoiseSettings::Seed { seed })
        }
        Some(Start::Array(array)) => {
            let points = Samples::new("noise", array)?;
            let rows = points.rows()?;
            if rows.dim() != (count, dim) {
                let text = "noise must be one starting point per sample";
                return Err(invalid(format!(
                    "{text}: got {:?} for {:?}",
                    rows.dim(),
                    (count, dim)
                )));
            }
            if let Given::Paths(paths) = samples {
                check_start(paths, rows.view(), "this noise")?;
            }
            let shape = [&[count], points.shape()].concat();
            let noise = NoiseFile::from_f32("noise", &shape, rows.iter().copied().collect());
            Ok(NoiseSettings::Array { sha256: noise.map_err(invalid)?.sha256 })
        }
    }
}

/// Refuses starting points from which the paths did not travel.
fn check_start(paths: &Paths, start: ArrayView2<'_, f32>, what: &str) -> PyResult<()> {
    let ends = paths.endpoints.axis_iter(Axis(0)).zip(start.axis_iter(Axis(0)));
    for (sample, ((end, start), &told)) in ends.zip(&paths.displacement).enumerate() {
        let squared = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)).powi(2);
        let displacement = 0.5 * end.iter().zip(&start).map(squared).sum::<f64>();
        if (displacement - told).abs() > ROUNDING * told.max(displacement) {
            return Err(invalid(format!(
                "sample {sample} did not start from {what}: its displacement energy would be \
                 {displacement:.6}, but is {told:.6}"
            )));
        }
    }
    Ok(())
}

/// The fields of `kinepath.PosteriorPaths`.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Posteriors<'py> {
    top: PyReadonlyArray1<'py, i64>,
    collapse: PyReadonlyArray1<'py, f64>,
    entropy: Option<PyReadonlyArray2<'py, f64>>,
    effective_count: Option<PyReadonlyArray2<'py, f64>>,
    certificate: (f64, f64, f64, f64, u64),
}

impl Posteriors<'_> {
    fn read(self) -> PyResult<PosteriorPaths> {
        let row = |&row: &i64| {
            usize::try_from(row).map_err(|_| invalid(format!("top holds {row}, which is no row")))
        };
        let owned = |array: PyReadonlyArray2<'_, f64>| array.as_array().to_owned();
        let (tau, velocity_error, dropped_mass, need, rescans) = self.certificate;
        Ok(PosteriorPaths {
            top: self.top.as_array().iter().map(row).collect::<PyResult<_>>()?,
            collapse: self
                .collapse
                .as_array()
                .iter()
                .map(|&t| (!t.is_nan()).then_some(t))
                .collect(),
            entropy: self.entropy.map(owned),
            effective_count: self.effective_count.map(owned),
            certificate: Certificate { tau, velocity_error, dropped_mass, need, rescans },
        })
    }
}

/// The fields of `kinepath.Paths` beside the endpoints.
fn read_paths(paths: &Bound<'_, PyDict>, endpoints: Array2<f32>) -> PyResult<Paths> {
    let rows = endpoints.nrows();
    let floats = |name: &str| -> PyResult<Vec<f64>> {
        let item = paths.get_item(name)?.ok_or_else(|| invalid(format!("{name} is missing")))?;
        Ok(item.extract::<PyReadonlyArrayDyn<'_, f64>>()?.as_array().iter().copied().collect())
    };
    // An array that is there, `[rows, …]`, with its last axes flattened to `axes` in all.
    let states = |name: &str| -> PyResult<Option<PyReadonlyArrayDyn<'_, f32>>> {
        match paths.get_item(name)? {
            Some(item) if !item.is_none() => Ok(Some(item.extract()?)),
            _ => Ok(None),
        }
    };
    let dim = endpoints.ncols();
    let flat = |name: &str, array: &PyReadonlyArrayDyn<'_, f32>, width: usize| {
        let view = array.as_array();
        let length = view.len();
        let values = view.iter().copied().collect();
        let misfit = format!("{name} has {length} values for {rows} samples of {dim} values");
        Array::from_shape_vec((rows, width), values).map_err(|_| invalid(misfit))
    };
    let energy_map = states("energy_map")?;
    let energy_map = energy_map.map(|array| flat("energy_map", &array, dim)).transpose()?;
    let trajectory = states("trajectory")?
        .map(|array| {
            let nodes = array.as_array().shape().get(1).copied().unwrap_or(0);
            let flat = flat("trajectory", &array, nodes * dim)?;
            flat.into_shape_with_order((rows, nodes, dim)).map_err(invalid)
        })
        .transpose()?;
    let profile = match paths.get_item("profile")? {
        Some(item) if !item.is_none() => {
            let profile = item.extract::<PyReadonlyArrayDyn<'_, f64>>()?;
            let view = profile.as_array().into_dimensionality().map_err(invalid)?;
            Some(view.to_owned())
        }
        _ => None,
    };
    let noise_left = match paths.get_item("noise_left")? {
        Some(item) if !item.is_none() => Some(floats("noise_left")?),
        _ => None,
    };
    let posterior = match paths.get_item("posterior")? {
        Some(item) if !item.is_none() => Some(item.extract::<Posteriors<'_>>()?.read()?),
        _ => None,
    };
    let parts = match paths.get_item("parts")? {
        Some(item) if !item.is_none() => {
            let [conditional, unconditional]: [PyReadonlyArray1<'_, f64>; 2] = item.extract()?;
            let owned = |array: PyReadonlyArray1<'_, f64>| array.as_array().to_vec();
            let (conditional, unconditional) = (owned(conditional), owned(unconditional));
            Some(PartEnergies { conditional, unconditional })
        }
        _ => None,
    };
    Ok(Paths {
        parts,
        kpe: floats("kpe")?,
        launch: floats("launch")?,
        landing: floats("landing")?,
        terminal: floats("terminal")?,
        displacement: floats("displacement")?,
        noise_left,
        mean_gain: floats("mean_gain")?,
        nfe: floats("nfe")?.into_iter().map(|nfe| nfe as u32).collect(),
        profile,
        energy_map,
        trajectory,
        posterior,
        endpoints,
    })
}
