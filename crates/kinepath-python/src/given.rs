//! Run folders, written from samples that the caller has.

use std::path::PathBuf;

use kinepath::field::{Certificate, PosteriorPaths};
use kinepath::noise::noise;
use kinepath::paths::{PartEnergies, Paths};
use kinepath_study::data::{Dataset, NoiseFile};
use kinepath_study::run::{Existing, FieldSettings, NoiseSettings, SamplerSettings};
use kinepath_study::sampling::{Given, GivenRun};
use ndarray::{Array, Array2, ArrayView2, Axis};
use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{Samples, values, view};
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

impl Model<'_> {
    /// What a run folder says of it.
    pub(crate) fn settings(&self) -> FieldSettings {
        match self {
            Self::Onnx(field) => field.get().settings.clone(),
            Self::Name(name) => FieldSettings::external(name),
        }
    }
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
    let mut field = model.settings();
    let (samples, shape, own_labels) = match (paths, samples) {
        (Some(paths), Records::Floats(endpoints)) => {
            let endpoints = Samples::new("endpoints", endpoints)?;
            let given = Given::Paths(Box::new(read_paths(&paths, endpoints.rows()?.into_owned())?));
            (given, endpoints.shape().to_vec(), None)
        }
        (Some(_), _) => {
            return Err(invalid("the endpoints of measured paths are a float32 array [N, *shape]"));
        }
        (None, records) => {
            let Dataset { values, shape, labels, scaling, .. } = records.load(py)?;
            field.scaling = Some(scaling);
            (Given::Samples(values), shape, labels)
        }
    };
    let begin = plan.map_or(0.0, |plan| plan.0.grid().start());
    let noise = starting_points(py, noise, &samples, begin)?;
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
/// tells. Noise of a seed may have been scaled to the size that it has at the time `begin`, where
/// paths begin later than at 0.
fn starting_points(
    py: Python<'_>,
    start: Option<Start<'_>>,
    samples: &Given,
    begin: f64,
) -> PyResult<NoiseSettings> {
    let (count, dim) = samples.endpoints().dim();
    match start {
        None => Ok(NoiseSettings::Unknown),
        Some(Start::Name(name)) => Ok(NoiseSettings::Declared { name }),
        Some(Start::Seed(seed)) => {
            if let Given::Paths(paths) = samples {
                let mut points = parallel::detach(py, || noise(seed, 0..count as u64, dim));
                let as_it_is = check_start(paths, points.view(), &format!("seed {seed}"));
                if begin > 0.0 && as_it_is.is_err() {
                    points *= (1.0 - begin) as f32;
                    let what = format!("seed {seed}, as it is or times 1 − {begin:.4}");
                    check_start(paths, points.view(), &what)?;
                } else {
                    as_it_is?;
                }
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
        let owned = |array: PyReadonlyArray2<'_, f64>| -> PyResult<Array2<f64>> {
            Ok(view("the posterior", &array)?.to_owned())
        };
        let (tau, velocity_error, dropped_mass, need, rescans) = self.certificate;
        Ok(PosteriorPaths {
            top: values("top", &self.top)?.iter().map(row).collect::<PyResult<_>>()?,
            collapse: values("collapse", &self.collapse)?
                .into_iter()
                .map(|t| (!t.is_nan()).then_some(t))
                .collect(),
            entropy: self.entropy.map(owned).transpose()?,
            effective_count: self.effective_count.map(owned).transpose()?,
            certificate: Certificate { tau, velocity_error, dropped_mass, need, rescans },
        })
    }
}

/// The fields of `kinepath.Paths` beside the endpoints.
fn read_paths(paths: &Bound<'_, PyDict>, endpoints: Array2<f32>) -> PyResult<Paths> {
    let (rows, dim) = endpoints.dim();
    // What is there: a field may be missing, or None.
    let there = |name: &str| -> PyResult<Option<Bound<'_, PyAny>>> {
        Ok(paths.get_item(name)?.filter(|item| !item.is_none()))
    };
    let floats = |name: &str| -> PyResult<Vec<f64>> {
        let item = there(name)?.ok_or_else(|| invalid(format!("{name} is missing")))?;
        values(name, &item.extract::<PyReadonlyArrayDyn<'_, f64>>()?)
    };
    let states = |name: &str| -> PyResult<Option<PyReadonlyArrayDyn<'_, f32>>> {
        there(name)?.map(|item| item.extract()).transpose()
    };
    // An array `[rows, …]` with its last axes flattened to `width` in all.
    let flat = |name: &str, array: &PyReadonlyArrayDyn<'_, f32>, width: usize| {
        let values = values(name, array)?;
        let length = values.len();
        let misfit = format!("{name} has {length} values for {rows} samples of {dim} values");
        Array::from_shape_vec((rows, width), values).map_err(|_| invalid(misfit))
    };
    let energy_map = states("energy_map")?;
    let energy_map = energy_map.map(|array| flat("energy_map", &array, dim)).transpose()?;
    let trajectory = states("trajectory")?
        .map(|array| {
            let nodes = array.shape().get(1).copied().unwrap_or(0);
            let flat = flat("trajectory", &array, nodes * dim)?;
            flat.into_shape_with_order((rows, nodes, dim)).map_err(invalid)
        })
        .transpose()?;
    let profile = there("profile")?
        .map(|item| {
            let profile = item.extract::<PyReadonlyArrayDyn<'_, f64>>()?;
            let steps = view("profile", &profile)?.into_dimensionality().map_err(invalid)?;
            PyResult::Ok(steps.to_owned())
        })
        .transpose()?;
    let noise_left = there("noise_left")?.map(|_| floats("noise_left")).transpose()?;
    let posterior =
        there("posterior")?.map(|item| item.extract::<Posteriors<'_>>()?.read()).transpose()?;
    let parts = there("parts")?
        .map(|item| {
            let [conditional, unconditional]: [PyReadonlyArray1<'_, f64>; 2] = item.extract()?;
            PyResult::Ok(PartEnergies {
                conditional: values("parts", &conditional)?,
                unconditional: values("parts", &unconditional)?,
            })
        })
        .transpose()?;
    Ok(Paths {
        parts,
        kpe: floats("kpe")?,
        launch: floats("launch")?,
        landing: floats("landing")?,
        terminal: floats("terminal")?,
        displacement: floats("displacement")?,
        noise_left,
        mean_gain: floats("mean_gain")?,
        nfe: evaluations(&floats("nfe")?)?,
        profile,
        energy_map,
        trajectory,
        posterior,
        endpoints,
    })
}

/// Numbers of evaluations, which came as floats.
fn evaluations(counts: &[f64]) -> PyResult<Vec<u32>> {
    let whole = |(sample, &nfe): (usize, &f64)| {
        if nfe.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&nfe) {
            return Ok(nfe as u32);
        }
        Err(invalid(format!(
            "sample {sample} took {nfe} evaluations, which is no whole number of them"
        )))
    };
    counts.iter().enumerate().map(whole).collect()
}
