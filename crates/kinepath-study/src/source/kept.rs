//! What is kept beside a network, and whether its graph agrees.

use std::path::Path;

use kinepath::field::{ConditionalPath, TimeInput};
use kinepath_onnx::{Engine, OnnxField, Signature};

use super::network::open_onnx_for;
use crate::StudyError;
use crate::conventions::{ConventionWords, Resolved, STRAIGHT, Sidecar};

/// What to keep beside the network at `model`: what its graph shows and what is told, each word in
/// full. `shape` gives the axes that the graph leaves free.
///
/// # Errors
/// Those of [`FieldSource::open`](super::FieldSource::open); [`StudyError::Mismatch`] for what the
/// graph contradicts.
pub fn describe(
    model: &Path,
    words: &ConventionWords,
    shape: Option<&[usize]>,
    null_label: Option<i64>,
) -> Result<Sidecar, StudyError> {
    let resolved = words.resolve()?;
    let source = model.display().to_string();
    let (network, _) = open_onnx_for(&source, shape, Engine::Auto)?;
    let field = OnnxField::new(network)?;
    let signature = field.network().signature();
    check_time(&source, signature, &resolved, "")?;
    let actual = &signature.state.sample_shape;
    if shape.is_some_and(|shape| shape != actual) {
        return Err(StudyError::Mismatch(format!(
            "{source} takes samples of shape {actual:?}, not {:?}",
            shape.unwrap_or_default()
        )));
    }
    match (null_label, &signature.label) {
        (Some(_), None) => {
            return Err(StudyError::Mismatch(format!(
                "{source} takes no labels, so none stands for no class"
            )));
        }
        (Some(null), Some(label)) => label
            .check_label(null)
            .map_err(|reason| StudyError::Mismatch(format!("{source}: {reason}")))?,
        _ => {}
    }
    let Resolved { predicts, time, path, .. } = resolved;
    let path = Some(path.map_or(STRAIGHT.to_owned(), |path| Sidecar::kept_path(&path, model)));
    let words = ConventionWords { predicts: Some(predicts), time: Some(time), path };
    Ok(Sidecar::new(words, actual.clone(), null_label))
}

/// Refuses times that an integer input would round to a few values; `told` says who told them.
pub(super) fn check_time(
    source: &str,
    signature: &Signature,
    resolved: &Resolved,
    told: &str,
) -> Result<(), StudyError> {
    let integer = signature.time.as_ref().is_some_and(|time| time.integer);
    let remedy = match resolved.conventions.time().input {
        TimeInput::Unit => "discrete:T, usually discrete:1000",
        TimeInput::Sigma | TimeInput::CNoise
            if matches!(
                resolved.conventions.path(),
                ConditionalPath::VariancePreserving { .. }
            ) =>
        {
            "step, or export it with a float time"
        }
        TimeInput::Sigma | TimeInput::CNoise => {
            "a network that was exported with a float time, or, if it was trained on the numbered steps \
             of a schedule, --path vp:SCHEDULE --time step"
        }
        TimeInput::Scaled(_) | TimeInput::Discrete(_) | TimeInput::Step => return Ok(()),
    };
    if !integer {
        return Ok(());
    }
    Err(StudyError::Spec {
        what: "time convention",
        text: resolved.time.clone(),
        reason: format!(
            "{told}{source} takes an integer time, to which such times would be rounded; use \
             {remedy}"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{FieldSource, FieldSpec};
    use std::path::PathBuf;

    /// A network of the ONNX crate's tests in a folder of its own.
    fn model(name: &str) -> (tempfile::TempDir, PathBuf) {
        let models = "../kinepath-onnx/tests/fixtures/models";
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("{models}/{name}.onnx"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("unet.onnx");
        std::fs::copy(fixture, &path).unwrap();
        (folder, path)
    }

    fn open(model: &Path, conventions: ConventionWords) -> Result<FieldSource, StudyError> {
        let spec = format!("onnx:{}", model.display());
        FieldSource::open(&FieldSpec { spec, conventions, ..FieldSpec::default() })
    }

    fn words(path: &str, predicts: &str) -> ConventionWords {
        ConventionWords {
            predicts: Some(predicts.to_owned()),
            time: None,
            path: Some(path.to_owned()),
        }
    }

    #[test]
    fn what_is_kept_is_used_and_what_is_told_goes_before() {
        let (_folder, model) = model("integer_time");
        assert!(open(&model, ConventionWords::default()).is_err());
        let kept = describe(&model, &words("vp:cosine,max=80", "v"), None, None).unwrap();
        assert_eq!((kept.time.as_deref(), kept.shape.clone()), (Some("step"), Some(vec![2, 4, 4])));
        kept.write(&model, false).unwrap();
        let settings = open(&model, ConventionWords::default()).unwrap().settings;
        assert_eq!(settings.path.as_deref(), Some("vp:cosine,max=80"));
        assert_eq!((settings.predicts.as_str(), settings.time.as_str()), ("v", "step"));
        let told = ConventionWords { predicts: Some("noise".to_owned()), ..Default::default() };
        let other = open(&model, told).unwrap().settings;
        assert_eq!((other.predicts.as_str(), &other.path), ("noise", &settings.path));
        // What a run was sampled with holds, whatever the file says by then.
        let changed = describe(&model, &words("vp:linear", "noise"), None, None).unwrap();
        changed.write(&model, true).unwrap();
        assert_eq!(FieldSource::reopen(&settings, &[2, 4, 4]).unwrap().settings, settings);
    }

    #[test]
    fn free_axes_have_the_length_that_is_kept() {
        let (_folder, model) = model("symbolic_shape");
        assert!(open(&model, ConventionWords::default()).is_err());
        let straight = ConventionWords::default();
        assert!(describe(&model, &straight, None, None).is_err());
        let kept = describe(&model, &straight, Some(&[3, 6, 5]), None);
        kept.unwrap().write(&model, false).unwrap();
        let FieldSource { shape, settings, .. } = open(&model, straight.clone()).unwrap();
        assert_eq!(shape, [3, 6, 5]);
        let larger = describe(&model, &straight, Some(&[3, 8, 8]), None).unwrap();
        larger.write(&model, true).unwrap();
        assert_eq!(FieldSource::reopen(&settings, &shape).unwrap().shape, shape);
    }

    #[test]
    fn a_file_that_the_graph_contradicts_is_named_with_the_network() {
        let (_folder, model) = model("integer_time");
        let refused = |text: &str| {
            std::fs::write(Sidecar::place(&model), format!("version = 1\n{text}")).unwrap();
            let error = open(&model, ConventionWords::default()).err().unwrap().to_string();
            assert!(error.contains("unet.kinepath.toml") && error.contains("unet.onnx"), "{error}");
            error
        };
        assert!(refused("time = \"unit\"").contains("integer time"));
        let error = refused("time = \"discrete:1000\"\nshape = [3, 8, 8]");
        assert!(error.contains("[3, 8, 8]") && error.contains("[2, 4, 4]"), "{error}");
        assert!(refused("time = \"discrete:1000\"\nnull_label = 0").contains("takes no labels"));
        let error = describe(&model, &words("vp:linear", "v"), Some(&[1, 4, 4]), None);
        assert!(error.unwrap_err().to_string().contains("[1, 4, 4]"));
    }

    #[test]
    fn a_null_label_is_one_that_the_network_takes() {
        for (name, takes, lacks) in [("labelled", 3, 4), ("one_hot", -1, 4)] {
            let (_folder, model) = model(name);
            let kept = |null| describe(&model, &ConventionWords::default(), None, Some(null));
            assert_eq!(kept(takes).unwrap().null_label, Some(takes));
            let error = kept(lacks).unwrap_err().to_string();
            assert!(error.contains("the label 4 is none of"), "{error}");
        }
    }

    #[test]
    fn an_integer_time_is_told_what_its_path_knows() {
        let (_folder, model) = model("integer_time");
        let error = describe(&model, &words("ve", "noise"), None, None).unwrap_err().to_string();
        assert!(error.contains("--path vp:SCHEDULE --time step"), "{error}");
    }

    #[test]
    fn a_schedule_is_kept_relative_to_the_network() {
        let (folder, model) = model("integer_time");
        let file = folder.path().join("levels.txt");
        std::fs::write(&file, "0.9\n0.5\n0.1\n").unwrap();
        let path = format!("vp:{},max=2", file.display());
        let kept = describe(&model, &words(&path, "v"), None, None).unwrap();
        assert_eq!(kept.path.as_deref(), Some("vp:levels.txt,max=2"));
        kept.write(&model, false).unwrap();
        let settings = open(&model, ConventionWords::default()).unwrap().settings;
        assert_eq!(settings.path.as_ref(), Some(&path));
        assert!(FieldSource::reopen(&settings, &[2, 4, 4]).is_ok());
        std::fs::write(&file, "0.9\n0.5\n0.2\n").unwrap();
        let error = FieldSource::reopen(&settings, &[2, 4, 4]).err().unwrap().to_string();
        assert!(error.contains("no longer what it was"), "{error}");
    }
}
