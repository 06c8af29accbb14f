//! Fields that are known exactly: the empirical field of a data set, and Gaussian mixtures.

use std::path::Path;
use std::sync::Arc;

use kinepath::field::{Conventions, EmpiricalField, MixtureField, VelocityField};
use kinepath_onnx::Engine;
use ndarray::Array2;
use serde::Deserialize;

use super::{FieldSource, FieldSpec};
use crate::StudyError;
use crate::conditions::FieldInputs;
use crate::data::{self, sha256_hex};
use crate::run::FieldSettings;

impl FieldSource {
    /// An exact field, which is a velocity in unit time.
    fn exact(
        spec: &FieldSpec,
        field: Arc<dyn VelocityField + Send>,
        shape: Vec<usize>,
        sha256: String,
    ) -> Self {
        let settings = FieldSettings {
            spec: spec.spec.clone(),
            sha256,
            engine: None,
            predicts: "velocity".to_owned(),
            time: "unit".to_owned(),
            path: None,
            schedule_sha256: None,
            scaling: None,
            guidance: None,
        };
        let inputs = FieldInputs::default();
        Self { field, empirical: None, shape, labelled: false, inputs, settings }
    }
}

/// Exact fields are velocities in unit time: a convention would turn them into something else.
fn refuse_conventions(spec: &FieldSpec) -> Result<(), StudyError> {
    if spec.engine != Engine::Auto {
        return Err(StudyError::Spec {
            what: "engine",
            text: spec.engine.to_string(),
            reason: format!("{} is no network; leave the engine out", spec.spec),
        });
    }
    let resolved = spec.conventions.resolve()?;
    if resolved.conventions == Conventions::default() && spec.guidance.is_none() {
        return Ok(());
    }
    Err(StudyError::Spec {
        what: "field",
        text: spec.spec.clone(),
        reason: "it is exactly a velocity in unit time without guidance; conventions are for \
                 networks"
            .to_owned(),
    })
}

pub(super) fn open_empirical(spec: &FieldSpec, source: &str) -> Result<FieldSource, StudyError> {
    refuse_conventions(spec)?;
    let data = data::load(source)?;
    let field = Arc::new(EmpiricalField::new(data.values)?);
    let mut opened = FieldSource::exact(spec, field.clone(), data.shape, data.sha256);
    opened.settings.scaling = Some(data.scaling);
    opened.empirical = Some(field);
    Ok(opened)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MixtureFile {
    weights: Vec<f64>,
    means: Vec<Vec<f64>>,
    variances: Variances,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Variances {
    Isotropic(Vec<f64>),
    Diagonal(Vec<Vec<f64>>),
}

pub(super) fn open_mixture(spec: &FieldSpec, path: &Path) -> Result<FieldSource, StudyError> {
    refuse_conventions(spec)?;
    let text =
        std::fs::read_to_string(path).map_err(|error| StudyError::file("read", path, &error))?;
    let file: MixtureFile = toml::from_str(&text)
        .map_err(|error| StudyError::file("understand the mixture", path, &error))?;
    let means = matrix("means", &file.means, path)?;
    let shape = vec![means.ncols()];
    let field = match file.variances {
        Variances::Isotropic(variances) => {
            MixtureField::isotropic(&file.weights, means, &variances)?
        }
        Variances::Diagonal(rows) => {
            MixtureField::diagonal(&file.weights, means, matrix("variances", &rows, path)?)?
        }
    };
    Ok(FieldSource::exact(spec, Arc::new(field), shape, sha256_hex(text.as_bytes())))
}

fn matrix(name: &str, rows: &[Vec<f64>], path: &Path) -> Result<Array2<f64>, StudyError> {
    let columns = rows.first().map_or(0, Vec::len);
    Array2::from_shape_vec((rows.len(), columns), rows.concat()).map_err(|_| {
        let reason = format!("the rows of `{name}` differ in length");
        StudyError::file("understand the mixture", path, &reason)
    })
}
