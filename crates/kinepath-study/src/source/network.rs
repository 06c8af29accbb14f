//! Networks as fields.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use kinepath::field::{Converted, VelocityField};
use kinepath_onnx::{Engine, Network, NetworkFile, OnnxField, ParseEngineError};

use super::kept::check_time;
use super::pipeline::locate;
use super::{FieldSource, FieldSpec};
use crate::StudyError;
use crate::conditions::FieldInputs;
use crate::conventions::{Resolved, Sidecar};
use crate::data::{builtin, sha256_hex, sha256_of_files};
use crate::memory;
use crate::run::FieldSettings;

impl FieldSource {
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
}

/// The bytes of an embedded network, `builtin:NAME`; `None` for other names.
///
/// # Errors
/// [`StudyError::Spec`] for a name that there is not.
pub fn builtin_network(source: &str) -> Option<Result<&'static [u8], StudyError>> {
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

/// What the ONNX file at `path` declares, if its weights fit into memory.
///
/// # Errors
/// [`StudyError::Memory`] and [`StudyError::Network`].
pub(crate) fn network_file(path: &Path) -> Result<NetworkFile, StudyError> {
    let what = || format!("the weights of {}", path.display());
    let remedy = "use a machine with more memory, or a smaller network";
    // Reading the declarations reads the weights in this file as well.
    let own = fs::metadata(path).map_or(0, |metadata| metadata.len());
    memory::require(what, own, remedy)?;
    let file = NetworkFile::read(path)?;
    memory::require(what, file.weight_bytes(), remedy)?;
    Ok(file)
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
pub(crate) fn open_onnx_for(
    source: &str,
    shape: Option<&[usize]>,
    engine: Engine,
) -> Result<(Network, String), StudyError> {
    if let Some(bytes) = builtin_network(source).transpose()? {
        return Ok((Network::from_bytes(source, bytes, engine)?, sha256_hex(bytes)));
    }
    let path = Path::new(source);
    let network = network_file(path)?.load(shape, engine)?;
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
pub(super) fn engine_of(settings: &FieldSettings) -> Result<Engine, StudyError> {
    let words = settings.engine.as_deref().unwrap_or_default();
    match words.split_whitespace().next() {
        None => Ok(Engine::Auto),
        Some(name) => name.parse().map_err(|error: ParseEngineError| {
            StudyError::Mismatch(format!("the run's engine is not known: {error}"))
        }),
    }
}

pub(super) fn open_network(spec: &FieldSpec, source: &str) -> Result<FieldSource, StudyError> {
    if source.starts_with(builtin::PREFIX) {
        let resolved = spec.conventions.resolve()?;
        let (network, sha256) = open_onnx_for(source, None, spec.engine)?;
        return FieldSource::of_network(spec, OnnxField::new(network)?, resolved, None, sha256);
    }
    let located = locate(Path::new(source))?;
    let model = &located.model;
    let sidecar = if spec.in_full.is_none() { Sidecar::read(model)? } else { None };
    let kept = sidecar.as_ref().map(|sidecar| sidecar.words(model)).unwrap_or_default();
    let resolved = located.words(spec.conventions.clone().or(kept))?.resolve()?;
    let shape = sidecar.as_ref().and_then(|sidecar| sidecar.shape.as_ref());
    let source = model.display().to_string();
    let shape = spec.in_full.as_ref().or(shape).or(located.shape.as_ref()).map(Vec::as_slice);
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
