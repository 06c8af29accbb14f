//! From a specification such as `onnx:unet.onnx` to a velocity field.

mod exact;
mod guidance;
mod kept;
mod network;
mod pipeline;

use std::path::Path;
use std::sync::Arc;

use kinepath::field::{EmpiricalField, VelocityField};
pub use kinepath_onnx::Engine;
#[cfg(feature = "ort")]
pub use kinepath_onnx::look_for_library_in;

pub use guidance::GuidanceSpec;
pub use kept::describe;
pub(crate) use network::network_file;
pub(crate) use network::open_onnx_for;
pub use network::{builtin_network, open_onnx};
pub use pipeline::{Located, locate};

use crate::StudyError;
use crate::conditions::FieldInputs;
use crate::conventions::{ConventionWords, STRAIGHT};
use crate::run::FieldSettings;
use exact::{open_empirical, open_mixture};
use network::{engine_of, open_network};

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
    /// Where everything above is told in full, as by a run: the shape of a sample. What is kept beside
    /// the network is not looked at then.
    pub in_full: Option<Vec<usize>>,
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

    /// Opens the field of a finished run of samples of `shape` again, as its `run.toml` says.
    ///
    /// # Errors
    /// Those of [`FieldSource::open`]; [`StudyError::Mismatch`] if the model, data or null inputs are
    /// no longer what they were, or were never a file.
    pub fn reopen(settings: &FieldSettings, shape: &[usize]) -> Result<Self, StudyError> {
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
            in_full: Some(shape.to_vec()),
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::sha256_hex;

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
        assert!(FieldSource::reopen(&again, &source.shape).is_ok());
        let odd = FieldSettings { engine: Some("abacus 2".to_owned()), ..source.settings };
        let error = FieldSource::reopen(&odd, &source.shape).err().unwrap().to_string();
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
