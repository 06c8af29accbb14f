//! From a specification such as `onnx:unet.onnx` to a velocity field.

mod guidance;
mod kept;
mod pipeline;

use std::path::Path;
use std::sync::Arc;

pub use guidance::GuidanceSpec;

use kinepath::field::{Conventions, Converted, EmpiricalField, MixtureField, VelocityField};
pub use kinepath_onnx::Engine;
#[cfg(feature = "ort")]
pub use kinepath_onnx::look_for_library_in;
use kinepath_onnx::{Network, OnnxField, ParseEngineError};
use ndarray::Array2;
use serde::Deserialize;

pub use kept::describe;
pub use pipeline::{Located, locate};

use crate::StudyError;
use crate::conditions::FieldInputs;
use crate::conventions::{ConventionWords, Resolved, STRAIGHT, Sidecar};
use crate::data::{self, builtin, sha256_hex, sha256_of_files};
use crate::run::FieldSettings;
use kept::check_time;

/// The forms of a field specification, for help and error messages.
pub const FIELD_FORMS: &str =
    "onnx:FILE, onnx:FOLDER of a pipeline, empirical:DATA or mixture:FILE";

/// A velocity field to open: its specification and the conventions of its network.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FieldSpec {
    /// `onnx:FILE`, `onnx:FOLDER`, `onnx:builtin:velocity`, `empirical:DATA` or `mixture:FILE`.
    pub spec: String,
    /// What is told of a network's conventions.
    pub conventions: ConventionWords,
    /// What runs a network.
    pub engine: Engine,
    /// Classifier-free guidance of a network.
    pub guidance: Option<GuidanceSpec>,
}

/// An opened velocity field.
pub struct FieldSource {
    /// The field, in the straight-path convention.
    pub field: Arc<dyn VelocityField + Send>,
    /// The same field where it is an empirical one, whose posterior can be asked for.
    pub empirical: Option<Arc<EmpiricalField>>,
    /// Shape of one sample.
    pub shape: Vec<usize>,
    /// Whether it is conditioned on a class label per sample.
    pub labelled: bool,
    /// The further inputs that it is conditioned on.
    pub inputs: FieldInputs,
    /// What goes into `run.toml`.
    pub settings: FieldSettings,
}

impl FieldSource {
    /// Opens the field that `spec` describes.
    ///
    /// A mixture file is TOML with `weights` (K), `means` (K lists of D) and `variances` (K
    /// numbers, or K lists of D).
    ///
    /// # Errors
    /// [`StudyError`] for an unknown form or convention, and whatever opening the file brings.
    pub fn open(spec: &FieldSpec) -> Result<Self, StudyError> {
        let (kind, source) = spec.spec.split_once(':').unwrap_or((&spec.spec, ""));
        match kind {
            "onnx" if !source.is_empty() => open_network(spec, source),
            "empirical" if !source.is_empty() => open_empirical(spec, source),
            "mixture" if !source.is_empty() => open_mixture(spec, Path::new(source)),
            _ => Err(StudyError::Spec {
                what: "field",
                text: spec.spec.clone(),
                reason: format!("use {FIELD_FORMS}"),
            }),
        }
    }

    /// Opens the field of a finished run again, as its `run.toml` says.
    ///
    /// # Errors
    /// Those of [`FieldSource::open`]; [`StudyError::Mismatch`] if the model, data or null inputs are
    /// no longer what they were, or were never a file.
    pub fn reopen(settings: &FieldSettings) -> Result<Self, StudyError> {
        if settings.is_external() {
            return Err(StudyError::Mismatch(format!(
                "{} is not a file that kinepath can open",
                settings.spec
            )));
        }
        let source = Self::open(&FieldSpec {
            spec: settings.spec.clone(),
            conventions: ConventionWords {
                predicts: Some(settings.predicts.clone()),
                time: Some(settings.time.clone()),
                path: Some(settings.path.clone().unwrap_or_else(|| STRAIGHT.to_owned())),
            },
            engine: engine_of(settings)?,
            guidance: settings.guidance.as_ref().map(GuidanceSpec::from),
        })?;
        let identity = |settings: &FieldSettings| {
            let FieldSettings { sha256, schedule_sha256, guidance, .. } = settings.clone();
            (sha256, schedule_sha256, guidance)
        };
        if identity(&source.settings) != identity(settings) {
            return Err(StudyError::Mismatch(format!(
                "{} is no longer what it was when the run was sampled",
                settings.spec
            )));
        }
        Ok(source)
    }

    fn of_network(
        spec: &FieldSpec,
        network: OnnxField,
        resolved: Resolved,
        null_label: Option<i64>,
        sha256: String,
    ) -> Result<Self, StudyError> {
        let shape = network.sample_shape().to_vec();
        let signature = network.network().signature();
        let labelled = signature.label.is_some();
        let inputs = FieldInputs {
            needed: signature.conditions.clone(),
            label: signature.label_input.clone(),
        };
        let engine = engine_words(network.network());
        let Resolved { conventions, predicts, time, path, schedule_sha256 } = resolved;
        let converted = Converted::new(network, conventions);
        let (field, guidance): (Arc<dyn VelocityField + Send>, _) = match &spec.guidance {
            None => (Arc::new(converted), None),
            Some(guidance) => {
                let guidance = guidance.clone().or_null_label(null_label);
                let (field, settings) = guidance.guide(converted, &spec.spec, labelled, &inputs)?;
                (Arc::new(field), Some(settings))
            }
        };
        let settings = FieldSettings {
            spec: spec.spec.clone(),
            sha256,
            engine: Some(engine),
            predicts,
            time,
            path,
            schedule_sha256,
            scaling: None,
            guidance,
        };
        Ok(Self { field, empirical: None, shape, labelled, inputs, settings })
    }

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

/// An embedded network, `builtin:NAME`.
fn builtin_network(source: &str) -> Option<Result<&'static [u8], StudyError>> {
    Some(match source.strip_prefix(builtin::PREFIX)? {
        "velocity" => Ok(builtin::VELOCITY_ONNX),
        "classifier" => Ok(builtin::CLASSIFIER_ONNX),
        _ => Err(StudyError::Spec {
            what: "network",
            text: source.to_owned(),
            reason: "the embedded ones are builtin:velocity and builtin:classifier".to_owned(),
        }),
    })
}

/// Loads a network from a file or `builtin:NAME`, with the SHA-256 of its file and of those beside it
/// that hold its weights.
///
/// # Errors
/// [`StudyError`] if it cannot be read or used.
pub fn open_onnx(source: &str) -> Result<(Network, String), StudyError> {
    open_onnx_for(source, None, Engine::Auto)
}

/// As [`open_onnx`], to run on `engine`, with the free axes of a sample as long as those of `shape`.
fn open_onnx_for(
    source: &str,
    shape: Option<&[usize]>,
    engine: Engine,
) -> Result<(Network, String), StudyError> {
    if let Some(bytes) = builtin_network(source).transpose()? {
        return Ok((Network::from_bytes_on(source, bytes, engine)?, sha256_hex(bytes)));
    }
    let network = Network::load_with(source, shape, engine)?;
    let path = Path::new(source);
    let beside = network.graph().external_files.iter().map(|file| path.with_file_name(file));
    let files: Vec<_> = std::iter::once(path.to_owned()).chain(beside).collect();
    Ok((network, sha256_of_files(&files)?))
}

/// What runs a network, as `run.toml` tells it.
fn engine_words(network: &Network) -> String {
    let version = network.library_version().map(|version| format!(" {version}"));
    format!("{}{}", network.engine(), version.unwrap_or_default())
}

/// The engine of a run, for the same field again; its library may have another version by now.
fn engine_of(settings: &FieldSettings) -> Result<Engine, StudyError> {
    let words = settings.engine.as_deref().unwrap_or_default();
    match words.split_whitespace().next() {
        None => Ok(Engine::Auto),
        Some(name) => name.parse().map_err(|error: ParseEngineError| {
            StudyError::Mismatch(format!("the run's engine is not known: {error}"))
        }),
    }
}

fn open_network(spec: &FieldSpec, source: &str) -> Result<FieldSource, StudyError> {
    if source.starts_with(builtin::PREFIX) {
        let resolved = spec.conventions.resolve()?;
        let (network, sha256) = open_onnx_for(source, None, spec.engine)?;
        return FieldSource::of_network(spec, OnnxField::new(network)?, resolved, None, sha256);
    }
    let located = locate(Path::new(source))?;
    let (model, sidecar) = (&located.model, Sidecar::read(&located.model)?);
    let kept = sidecar.as_ref().map(|sidecar| sidecar.words(model)).unwrap_or_default();
    let resolved = located.words(spec.conventions.clone().or(kept))?.resolve()?;
    let shape = sidecar.as_ref().and_then(|sidecar| sidecar.shape.as_ref());
    let source = model.display().to_string();
    let shape = shape.or(located.shape.as_ref()).map(Vec::as_slice);
    let (network, sha256) = open_onnx_for(&source, shape, spec.engine)?;
    let field = OnnxField::new(network)?;
    let signature = field.network().signature();
    if let Some(sidecar) = &sidecar {
        sidecar.check(model, signature)?;
    }
    let told = match &sidecar {
        Some(kept) if spec.conventions.time.is_none() && kept.time.is_some() => {
            format!("{} says so, but ", Sidecar::place(model).display())
        }
        _ => String::new(),
    };
    check_time(&source, signature, &resolved, &told)?;
    let null_label = sidecar.as_ref().and_then(|sidecar| sidecar.null_label);
    FieldSource::of_network(spec, field, resolved, null_label, sha256)
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

fn open_empirical(spec: &FieldSpec, source: &str) -> Result<FieldSource, StudyError> {
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

fn open_mixture(spec: &FieldSpec, path: &Path) -> Result<FieldSource, StudyError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn open(spec: &str, time: &str) -> Result<FieldSource, StudyError> {
        FieldSource::open(&FieldSpec {
            spec: spec.to_owned(),
            conventions: ConventionWords { time: Some(time.to_owned()), ..Default::default() },
            ..FieldSpec::default()
        })
    }

    fn refused(spec: &str, time: &str) -> String {
        open(spec, time).err().unwrap().to_string()
    }

    #[test]
    fn unusable_specifications_say_what_would_be_right() {
        for spec in ["unet.onnx", "onnx:", "network:x", ""] {
            assert!(refused(spec, "unit").contains(FIELD_FORMS), "{spec}");
        }
        assert!(refused("onnx:builtin:unet", "unit").contains("builtin:velocity"));
        assert!(refused("onnx:no-such.onnx", "unit").contains("no-such.onnx"));
        assert!(refused("empirical:builtin:fashion-mnist", "reversed").contains("for networks"));
        assert!(refused("onnx:builtin:velocity", "sigma").contains("reversed"));
    }

    #[test]
    fn an_engine_is_for_networks() {
        let spec = |spec: &str, engine| FieldSpec {
            spec: spec.to_owned(),
            engine,
            ..FieldSpec::default()
        };
        let source = FieldSource::open(&spec("onnx:builtin:velocity", Engine::Auto)).unwrap();
        assert_eq!(source.settings.engine.as_deref(), Some("rten"));
        let error = FieldSource::open(&spec("empirical:builtin:fashion-mnist", Engine::Rten));
        let error = error.err().unwrap().to_string();
        assert!(error.contains("leave the engine out"), "{error}");
        let again = FieldSettings { engine: Some("rten".to_owned()), ..source.settings.clone() };
        assert!(FieldSource::reopen(&again).is_ok());
        let odd = FieldSettings { engine: Some("abacus 2".to_owned()), ..source.settings };
        let error = FieldSource::reopen(&odd).err().unwrap().to_string();
        assert!(error.contains("`abacus` is no engine"), "{error}");
    }

    #[test]
    fn weights_beside_a_network_count() {
        let models =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../kinepath-onnx/tests/fixtures/models");
        let folder = tempfile::tempdir().unwrap();
        for file in ["external.onnx", "external.onnx.data"] {
            std::fs::copy(models.join(file), folder.path().join(file)).unwrap();
        }
        let spec = folder.path().join("external.onnx");
        let hash = || open_onnx(spec.to_str().unwrap()).unwrap().1;
        let before = hash();
        let bytes = |file| std::fs::read(folder.path().join(file)).unwrap();
        let both = [bytes("external.onnx"), bytes("external.onnx.data")].concat();
        assert_eq!(before, sha256_hex(&both));
        let mut weights = bytes("external.onnx.data");
        weights[0] ^= 1;
        std::fs::write(folder.path().join("external.onnx.data"), weights).unwrap();
        assert_ne!(before, hash());
    }

    #[test]
    fn an_integer_time_needs_a_convention() {
        let model = concat!(
            "onnx:",
            env!("CARGO_MANIFEST_DIR"),
            "/../kinepath-onnx/tests/fixtures/models/integer_time.onnx"
        );
        assert!(refused(model, "unit").contains("discrete:1000"));
        assert!(open(model, "discrete:1000").is_ok());
    }

    #[test]
    fn a_mixture_file_is_read_whole_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mixture.toml");
        let spec = format!("mixture:{}", path.display());
        let write = |text: &str| std::fs::write(&path, text).unwrap();
        write("weights = [1, 2]\nmeans = [[0, 1], [1, 0]]\nvariances = [[1, 1], [0.5, 2]]");
        assert_eq!(open(&spec, "unit").unwrap().shape, [2]);
        write("weights = [1, 2]\nmeans = [[0, 1], [1]]\nvariances = [1, 1]");
        assert!(refused(&spec, "unit").contains("`means` differ in length"));
        write("weights = [1]\nmeans = [[0]]");
        assert!(refused(&spec, "unit").contains("variances"));
        write("weights = [1]\nmeans = [[0]]\nvariances = [-1]");
        assert!(refused(&spec, "unit").contains("positive"));
    }
}
