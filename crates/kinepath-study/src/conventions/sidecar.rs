//! The file beside a network that keeps its conventions.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use kinepath_onnx::Signature;
use serde::{Deserialize, Serialize};

use super::{ConventionWords, STRAIGHT};
use crate::StudyError;
use crate::files::write_whole;

/// The version of the file's form that this program writes, and the only one it reads.
const VERSION: u32 = 1;

/// What is known of a network beside its graph: `NAME.kinepath.toml` beside `NAME.onnx`.
///
/// Every command that opens the network as a velocity field reads it; what is told otherwise, such
/// as by an option of the command line, goes before. A network without the file is one of which
/// nothing is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sidecar {
    /// 1.
    version: u32,
    /// The path the network was trained on; a schedule's file is relative to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What it predicts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicts: Option<String>,
    /// Its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The shape of one sample, for graphs that leave some of its axes free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Vec<usize>>,
    /// The label that stands for no class in classifier-free guidance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub null_label: Option<i64>,
}

impl Sidecar {
    /// One that keeps all of this.
    #[must_use]
    pub fn new(words: ConventionWords, shape: Vec<usize>, null_label: Option<i64>) -> Self {
        let ConventionWords { predicts, time, path } = words;
        Self { version: VERSION, path, predicts, time, shape: Some(shape), null_label }
    }

    /// Where the file of the network at `model` is.
    #[must_use]
    pub fn place(model: &Path) -> PathBuf {
        model.with_extension("kinepath.toml")
    }

    /// Reads the file of the network at `model`, if there is one.
    ///
    /// # Errors
    /// [`StudyError::File`] for a file that cannot be read, has an unknown key, another version, or
    /// conventions that are unknown or do not go together.
    pub fn read(model: &Path) -> Result<Option<Self>, StudyError> {
        let file = Self::place(model);
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StudyError::file("read", &file, &error)),
        };
        let refuse = |reason: &dyn std::fmt::Display| StudyError::file("understand", &file, reason);
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let Version { version } = toml::from_str(&text).map_err(|error| refuse(&error))?;
        if version != VERSION {
            return Err(refuse(&format!(
                "it is of version {version}, and this program reads version {VERSION}"
            )));
        }
        let sidecar: Self = toml::from_str(&text).map_err(|error| refuse(&error))?;
        sidecar.words(model).resolve().map_err(|error| refuse(&error))?;
        Ok(Some(sidecar))
    }

    /// The conventions it keeps of the network at `model`.
    #[must_use]
    pub fn words(&self, model: &Path) -> ConventionWords {
        ConventionWords {
            predicts: self.predicts.clone(),
            time: self.time.clone(),
            path: self.path.as_deref().map(|path| beside(path, model)),
        }
    }

    /// How the file of the network at `model` names a path: a schedule's file relative to itself
    /// where it lies below it.
    pub(crate) fn kept_path(path: &str, model: &Path) -> String {
        let Some((file, keys)) = super::schedule_file(path) else { return path.to_owned() };
        let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let (file, model) = (whole(Path::new(file)), whole(model));
        let near = model.parent().and_then(|folder| file.strip_prefix(folder).ok());
        format!("vp:{}{keys}", near.unwrap_or(&file).display())
    }

    /// Refuses what the graph contradicts.
    ///
    /// # Errors
    /// [`StudyError::Mismatch`], naming both files.
    pub(crate) fn check(&self, model: &Path, signature: &Signature) -> Result<(), StudyError> {
        let differ = |says: String, graph: String| {
            Err(StudyError::Mismatch(format!(
                "{} says {says}, but {} {graph}; correct the first, or write it again with \
                 `kinepath inspect --write --force`",
                Self::place(model).display(),
                model.display()
            )))
        };
        let actual = &signature.state.sample_shape;
        match (&self.shape, self.null_label, &signature.label) {
            (Some(shape), _, _) if shape != actual => {
                differ(format!("samples have shape {shape:?}"), format!("takes {actual:?}"))
            }
            (_, Some(null), None) => {
                differ(format!("label {null} stands for no class"), "takes no labels".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Writes the file of the network at `model`.
    ///
    /// # Errors
    /// [`StudyError::File`] if there is one already, unless it may be `replace`d;
    /// [`StudyError::Run`] if it cannot be written.
    pub fn write(&self, model: &Path, replace: bool) -> Result<PathBuf, StudyError> {
        let file = Self::place(model);
        if !replace && file.exists() {
            let reason = "it exists; edit it, or replace it with --force";
            return Err(StudyError::file("write", &file, &reason));
        }
        write_whole(&file, self.to_text(model).as_bytes())?;
        Ok(file)
    }

    fn to_text(&self, model: &Path) -> String {
        let name = model.file_name().unwrap_or_default().to_string_lossy();
        let mut text = format!(
            "# What is known of {name} beside its graph. kinepath reads this file whenever it opens\n\
             # the network; options of the command line go before it.\n\
             version = {VERSION}\n"
        );
        let mut line = |comment: &str, key: &str, value: Option<toml::Value>| {
            if let Some(value) = value {
                // Writing into a string cannot fail.
                let _ = write!(text, "\n# {comment}\n{key} = {value}\n");
            }
        };
        let word = |text: &Option<String>| text.clone().map(toml::Value::from);
        let path = Some(self.path.clone().unwrap_or_else(|| STRAIGHT.to_owned()));
        line(
            "Trained on: straight, vp:linear, vp:scaled-linear, vp:cosine, vp:FILE, ve, edm:SIGMA_DATA",
            "path",
            word(&path),
        );
        line("Predicts: velocity, data, noise, v, residual", "predicts", word(&self.predicts));
        line(
            "Its time: unit, reversed, discrete:T, scaled:S, step, sigma, c-noise",
            "time",
            word(&self.time),
        );
        let shape = self.shape.as_ref().map(|shape| {
            shape.iter().map(|&length| toml::Value::from(length as i64)).collect::<Vec<_>>().into()
        });
        line("The shape of one sample", "shape", shape);
        let null_label = self.null_label.map(toml::Value::from);
        line("The label that stands for no class in guidance", "null_label", null_label);
        text
    }
}

/// A path whose schedule is a file, with that file beside the network.
fn beside(path: &str, model: &Path) -> String {
    let Some((file, keys)) = super::schedule_file(path) else { return path.to_owned() };
    let file = model.with_file_name(file);
    format!("vp:{}{keys}", file.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("unet.onnx");
        std::fs::write(folder.path().join("unet.kinepath.toml"), text).unwrap();
        (folder, model)
    }

    #[test]
    fn what_is_written_is_read_again_and_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("unet.v2.onnx");
        assert_eq!(Sidecar::read(&model).unwrap(), None);
        let words = ConventionWords {
            predicts: Some("v".to_owned()),
            time: Some("step".to_owned()),
            path: Some("vp:scaled-linear".to_owned()),
        };
        let sidecar = Sidecar::new(words.clone(), vec![4, 64, 64], Some(-1));
        let file = sidecar.write(&model, false).unwrap();
        assert_eq!(file, folder.path().join("unet.v2.kinepath.toml"));
        let read = Sidecar::read(&model).unwrap().unwrap();
        assert_eq!((read.words(&model), &read), (words, &sidecar));
        let error = sidecar.write(&model, false).unwrap_err().to_string();
        assert!(error.contains("unet.v2.kinepath.toml") && error.contains("--force"), "{error}");
        sidecar.write(&model, true).unwrap();
    }

    #[test]
    fn files_that_cannot_be_understood_are_named_with_the_reason() {
        for (text, part) in [
            ("", "version"),
            ("version = 2\nengine = \"x\"", "version 2"),
            ("version = 1\npredict = \"v\"", "predict"),
            ("version = 1\nshape = [-1]", "shape"),
            ("version = 1\npredicts = \"eps\"", "unknown prediction `eps`"),
            ("version = 1\npath = \"vp:linear\"", "no usual choice"),
            ("version = 1\npath = \"vp:none.npy\"\npredicts = \"v\"", "none.npy"),
            ("version = ", "line 1"),
        ] {
            let (_folder, model) = write(text);
            let error = Sidecar::read(&model).unwrap_err().to_string();
            assert!(
                error.contains("unet.kinepath.toml") && error.contains(part),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn a_schedule_lies_beside_the_file_that_names_it() {
        let (folder, model) =
            write("version = 1\npath = \"vp:levels.txt,max=2\"\npredicts = \"noise\"");
        std::fs::write(folder.path().join("levels.txt"), "0.9\n0.5\n0.1\n").unwrap();
        let words = Sidecar::read(&model).unwrap().unwrap().words(&model);
        let path = folder.path().join("levels.txt");
        assert_eq!(words.path.unwrap(), format!("vp:{},max=2", path.display()));
    }
}
